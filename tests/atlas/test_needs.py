"""What the network loses without a unit: in the verdict table and in the data that pages filter by."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from unpacking import of_script, places

from reportgen.atlas import columns, write_atlas
from reportgen.atlas.table import COLUMNS, csv_bytes, verdict_rows
from reportgen.removal import LayerNeed, PictureCounts, Removal, UnitNeed
from reportgen.store import open_store

NEEDS = (UnitNeed(0, 0.25, 2, 3, 92, "<b>cat", 2), UnitNeed(2, 0.0, 3), UnitNeed(3, 1.5, 1, 0, 92))
LAYER = "conv1"


def measured(needs=NEEDS) -> Removal:
    return Removal(
        "2026-11-30", 3, 1, 1, 1, 0.01, 0.9, 0.9, (0.8, 1.0), 1.0, 0, 0.5, PictureCounts(50, 20, 30),
        (LayerNeed(LAYER, 3, 2, 2, (0, 3)),),
    )  # fmt: skip


def put_needs(path: Path, needs=NEEDS, fingerprint: str = "f") -> None:
    with open_store(path, write=True) as store:
        store.put_removal(store.models()[0].id, measured(), {LAYER: needs}, fingerprint=fingerprint)


@pytest.fixture
def own_store(small_store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(small_store, tmp_path / "own.db"))


def rows_of(path: Path) -> dict[int, dict]:
    with open_store(path) as store:
        return {
            row["unit"]: row for row in verdict_rows(store) if (row["version"], row["layer"]) == ("v1", LAYER)
        }


def numbers(site: Path, slug: str = LAYER) -> dict:
    """Return the columns of numbers of a layer's data file."""
    script = (site / f"m/garden/v1/{slug}/rows.js").read_text(encoding="utf-8")
    return of_script(script)["numbers"]


def read(column: dict) -> list[float | None]:
    return [None if p == columns.NONE else column["least"] + p * column["step"] for p in places(column)]


def test_the_columns_of_need_come_last_and_are_empty_where_removal_was_not_measured(
    small_store: Path,
) -> None:
    assert list(COLUMNS)[-4:] == ["need", "need_rank", "changed", "hurt"]
    for row in rows_of(small_store).values():
        assert (row["need"], row["need_rank"], row["changed"], row["hurt"]) == (None, None, None, "")


def test_the_table_says_what_is_lost_without_each_unit(own_store: Path) -> None:
    before = rows_of(own_store)
    put_needs(own_store)
    rows = rows_of(own_store)
    told = {u: tuple(r[n] for n in ("need", "need_rank", "changed", "hurt")) for u, r in rows.items()}
    assert told[0] == (0.25, 2, 3, "<b>cat")
    assert told[2] == (0.0, 3, None, "") and told[3] == (1.5, 1, 0, "")
    assert told[1] == (None, None, None, "")
    for unit, row in rows.items():
        assert {n: row[n] for n in list(COLUMNS)[:-4]} == {n: before[unit][n] for n in list(COLUMNS)[:-4]}
    as_csv = list(csv.DictReader(io.StringIO(csv_bytes(list(rows.values())).decode())))
    assert [(r["need"], r["need_rank"], r["changed"]) for r in as_csv[:2]] == [
        ("0.25", "2", "3"),
        ("", "", ""),
    ]


@pytest.mark.slow
def test_the_data_of_a_layers_page_holds_need_and_follows_a_new_measurement(
    own_store: Path, tmp_path: Path
) -> None:
    write_atlas(own_store, tmp_path / "site")
    assert not {"need", "need_rank"} & set(numbers(tmp_path / "site"))
    put_needs(own_store)
    write_atlas(own_store, tmp_path / "site")
    found = numbers(tmp_path / "site")
    assert read(found["need"])[:4] == pytest.approx([0.25, None, 0.0, 1.5], abs=1e-4)
    assert read(found["need_rank"])[:4] == [2, None, 3, 1]
    put_needs(own_store, (UnitNeed(0, 4.0, 1),), "g")
    write_atlas(own_store, tmp_path / "site")
    assert read(numbers(tmp_path / "site")["need"])[:2] == [4.0, None]


def test_the_data_of_all_units_holds_need_too(own_store: Path, tmp_path: Path) -> None:
    put_needs(own_store)
    write_atlas(own_store, tmp_path / "site")
    (script,) = (tmp_path / "site/m/garden/v1").glob("units.*.js")
    packed = of_script(script.read_text(encoding="utf-8"))
    known = [v for v in read(packed["numbers"]["need_rank"]) if v is not None]
    assert known == [2, 3, 1]


def test_the_numbers_of_the_filter_are_those_that_the_data_holds() -> None:
    script = (Path(__file__).parents[2] / "templates/assets/query.js").read_text(encoding="utf-8")
    (listed,) = re.findall(r"var NUMBERS = (\[.*?\]);", script)
    assert json.loads(listed) == [*columns.NUMBERS, *columns.NEEDS]
