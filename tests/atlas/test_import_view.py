"""A model's page shows how its import was proved, what speaks for its range, and how to give another."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from reportgen.atlas import write_atlas
from reportgen.atlas.import_view import import_view
from reportgen.store import open_store


@pytest.fixture
def page(built_small: Path) -> str:
    return (built_small / "m/garden/v1/index.html").read_text(encoding="utf-8")


def test_the_page_shows_proof_evidence_and_what_would_follow_from_it(page: str) -> None:
    assert "compared with the whole network: at most 0 apart" in page
    assert "<dt>Evidence: statistics</dt><dd><b>-1..1, weak, 0.4 of 1</b>" in page
    assert "favours -1..1 (weak, 0.4 of 1); <code>--input-range -1,1</code> renders with it" in page
    assert "red, green, blue is assumed" in page


def test_the_same_proof_is_said_once(page: str) -> None:
    assert page.count("<dt>Proof</dt>") == 1


def test_a_contradiction_is_warned_of_and_escaped(page: str) -> None:
    assert "<b>Warning:</b> The given input range &lt;b&gt;0..1&lt;/b&gt; contradicts the model" in page
    assert "&lt;i&gt;misfit&lt;/i&gt;" in page and "<i>misfit" not in page


def test_every_layer_stands_in_the_table_with_what_was_merged(page: str) -> None:
    assert '<th scope="row">block1/conv2</th><td>20</td><td>32 × 32 × 20</td><td>14 × 14</td>' in page
    assert page.count("<td>relu</td>") == 4


def with_report(store: Path, folder: Path, report: object) -> Path:
    """Return a copy of a store in which every model has that report."""
    own = Path(shutil.copy(store, folder / "own.db"))
    with open_store(own) as opened:
        for record in opened.models():
            opened.put_model(dataclasses.replace(record, plan={**record.plan, "report": report}))
    return own


@pytest.mark.parametrize(
    "report",
    [
        None,
        [],
        "text",
        {},
        {"input": 3, "layers": 4, "parity_note": ["x"]},
        {
            "input": {"readings": [1, {"range": {}}], "best": "x", "confidence": "y", "range": []},
            "layers": [7],
        },
        {"layers": [{"output_shape": "abc", "merged": [None], "stride_px": {"a": 1}}]},
    ],
    ids=str,
)
def test_a_report_that_is_none_breaks_no_page(small_store: Path, tmp_path: Path, report: object) -> None:
    store = with_report(small_store, tmp_path, report)
    with open_store(store) as opened:
        view = import_view(opened.models()[0])
    assert (view is None) == (not isinstance(report, dict))


def test_a_store_from_before_import_reports_still_gives_a_site(small_store: Path, tmp_path: Path) -> None:
    write_atlas(with_report(small_store, tmp_path, None), tmp_path / "site")
    page = (tmp_path / "site/m/garden/v1/index.html").read_text(encoding="utf-8")
    assert "The import report" not in page and "Input range" in page


def test_without_better_evidence_a_reader_gets_no_advice_for_the_command_line(
    small_store: Path, tmp_path: Path
) -> None:
    write_atlas(with_report(small_store, tmp_path, {"input": {"best": None}}), tmp_path / "site")
    page = (tmp_path / "site/m/garden/v1/index.html").read_text(encoding="utf-8")
    assert "The import report" in page and "--input-range" not in page
