"""Node data for Model Explorer: its format, true numbers, colours that compare between files."""

import json
import re
import shutil

import pytest
from sample_removal import needs_of, removal_of

import reportgen
from reportgen.errors import SiteError
from reportgen.store import open_store


@pytest.fixture(scope="module")
def measured(small_store, tmp_path_factory):
    """The small store with a removal of its first version."""
    path = shutil.copy(small_store, tmp_path_factory.mktemp("measured") / "s.db")
    with open_store(path) as store:
        record = store.find_model("garden", "v1")
        layers = [(layer.name, layer.n_units) for layer in record.layers[:2]]
        store.put_removal(record.id, removal_of(layers), needs_of(layers), fingerprint="f" * 32)
    return path


@pytest.fixture(scope="module")
def files(measured, tmp_path_factory):
    """What the export writes, by path."""
    folder = tmp_path_factory.mktemp("node-data")
    n = reportgen.export_node_data(measured, folder)
    found = {
        p.relative_to(folder).as_posix(): json.loads(p.read_text("utf-8")) for p in folder.rglob("*.json")
    }
    assert len(found) == n
    return found


def test_a_file_has_the_form_that_model_explorer_reads(files):
    for data in files.values():
        assert set(data) == {"name", "results"} and isinstance(data["name"], str)
        for result in data["results"].values():
            assert set(result) == {"value", "bgColor"}
            assert isinstance(result["value"], int | float) and re.fullmatch(
                "#[0-9a-f]{6}", result["bgColor"]
            )


def test_each_version_has_a_folder_where_there_are_several(files):
    assert {path.rpartition("/")[0] for path in files} == {"garden/v1", "garden/v2"}


def test_shares_are_those_of_the_verdict_table_and_sum_to_one(files, measured):
    rows = [row for row in reportgen.verdicts(measured).rows if row["version"] == "v1"]
    for layer in {row["layer"] for row in rows}:
        words = [row["verdict"] for row in rows if row["layer"] == layer]
        shares = {
            path.rpartition("/")[2].removesuffix("_share.json"): data["results"][layer]["value"]
            for path, data in files.items()
            if path.startswith("garden/v1/") and path.endswith("_share.json") and "needed" not in path
        }
        assert shares == {word: pytest.approx(words.count(word) / len(words), abs=1e-4) for word in shares}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
        assert files["garden/v1/dead_units.json"]["results"][layer]["value"] == words.count("dead")


def test_what_is_needed_is_written_where_it_was_measured(files):
    units = files["garden/v1/needed_units.json"]["results"]
    with_shares = files["garden/v1/needed_share.json"]["results"]
    assert len(units) == 2
    for name, result in units.items():
        n = {"conv1": 24}.get(name)
        assert n is None or result["value"] == n * 2 // 5
        assert 0 < with_shares[name]["value"] <= 1
    assert "garden/v2/needed_units.json" not in files


def test_no_share_is_white_and_a_larger_one_is_darker_in_every_file(files):
    for path, data in files.items():
        if path.endswith("_share.json"):
            by_value = sorted(data["results"].values(), key=lambda r: r["value"])
            lights = [sum(bytes.fromhex(r["bgColor"][1:])) for r in by_value]
            assert lights == sorted(lights, reverse=True)
            assert all(r["bgColor"] == "#ffffff" for r in by_value if r["value"] == 0)


def test_a_store_without_scores_is_refused(tmp_path):
    with open_store(tmp_path / "none.db", create=True):
        pass
    with pytest.raises(SiteError, match="holds no scored unit"):
        reportgen.export_node_data(tmp_path / "none.db", tmp_path / "out")


def test_a_folder_that_cannot_be_written_is_named_in_a_line(measured, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(SiteError, match="cannot be written"):
        reportgen.export_node_data(measured, tmp_path / "taken")
