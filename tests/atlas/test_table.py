"""The verdict table: its columns are a contract, and a spreadsheet runs nothing from it."""

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from reportgen.atlas import export_pictures, export_table
from reportgen.atlas.table import COLUMNS, verdict_rows
from reportgen.errors import ConfigError, MissingExtra, SiteError
from reportgen.images import decode_png
from reportgen.store import open_store

CONTRACT = [
    "model",
    "version",
    "layer",
    "kind",
    "unit",
    "canvas_px",
    "receptive_field_px",
    "activation_start",
    "activation_end",
    "steps",
    "structure",
    "p_structured",
    "borderline",
    "consistency",
    "verdict",
    "verdict_detail",
    "reason",
    "duplicate_of",
    "use",
]


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_the_columns_of_the_contract_come_first_and_in_order() -> None:
    assert list(COLUMNS)[: len(CONTRACT)] == CONTRACT


def test_csv_json_and_parquet_say_the_same(small_store: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="reportgen[export] is not installed")
    counts = {export_table(small_store, tmp_path / f"t.{f}", f) for f in ("csv", "json", "parquet")}
    from_json = json.loads((tmp_path / "t.json").read_text())
    from_csv = read_csv(tmp_path / "t.csv")
    from_parquet = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert counts == {len(from_json)} and len(from_json) == 112
    assert from_parquet == from_json
    for a, b in zip(from_csv, from_json, strict=True):
        assert a["layer"] == b["layer"] and int(a["unit"]) == b["unit"] and a["verdict"] == b["verdict"]
        assert (float(a["structure"]) if a["structure"] else None) == b["structure"]
        assert a["borderline"] == str(b["borderline"]).lower()


def test_activation_is_of_the_scored_happy_render_of_the_first_seed(small_store: Path) -> None:
    with open_store(small_store) as store:
        row = next(r for r in verdict_rows(store) if r["layer"] == "conv1" and r["unit"] == 3)
        record = store.models()[0]
        scored = record.plan["recipes"]["scored"]
        (first, *_) = store.renders(record.id, "conv1", recipe=scored, sign="happy", units=[3])
    assert first.seed == 0
    assert row["activation_end"] == first.telemetry.activation_end
    assert row["steps"] == first.telemetry.steps and row["canvas_px"] == 48


def test_a_number_that_is_not_one_is_empty(store: Path, tmp_path: Path) -> None:
    export_table(store, tmp_path / "t.csv", "csv")
    failed = [r for r in read_csv(tmp_path / "t.csv") if r["verdict"] == "failed"]
    assert failed and all(r["activation_end"] == "" and r["structure"] == "" for r in failed)


def test_no_text_cell_begins_like_a_formula(store: Path, tmp_path: Path) -> None:
    export_table(store, tmp_path / "t.csv", "csv")
    rows = read_csv(tmp_path / "t.csv")
    texts = [row[name] for row in rows for name, kind in COLUMNS.items() if kind == "text"]
    assert any(text.startswith("'=cmd") for text in texts)
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in texts)


def test_addresses_in_the_table_are_those_of_the_site(store: Path, site: Path) -> None:
    with open_store(store) as opened:
        for row in verdict_rows(opened):
            page, unit = row["address"].split("#")
            assert f"id={unit} " in (site / page).read_text(encoding="utf-8")


def test_parquet_without_its_package_says_what_to_install(
    small_store: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"reportgen\[export\]"):
        export_table(small_store, tmp_path / "t.parquet", "parquet")
    assert not list(tmp_path.iterdir())


def test_another_format_and_a_bad_place_give_one_line(small_store: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="xlsx"):
        export_table(small_store, tmp_path / "t.xlsx", "xlsx")
    with pytest.raises(SiteError, match="cannot be written"):
        export_table(small_store, tmp_path / "none" / "t.csv", "csv")


def test_exported_pictures_are_the_stored_ones_without_loss(small_store: Path, tmp_path: Path) -> None:
    n = export_pictures(small_store, tmp_path / "out")
    assert n == len(list((tmp_path / "out").rglob("*.png"))) == 112 * 6
    with open_store(small_store) as store:
        record = store.models()[0]
        wanted = next(
            iter(store.renders(record.id, "conv1", recipe=record.plan["recipes"]["shown"], sign="sad"))
        )
    found = (tmp_path / "out/garden/v1/conv1/0/show-sad-0.png").read_bytes()
    assert (decode_png(found, 3) == decode_png(wanted.picture, 3)).all()
    assert (tmp_path / "out/garden/v1/conv1/0/happy-3.png").is_file()


def test_one_model_version_needs_no_folder_of_its_own(small_store: Path, tmp_path: Path) -> None:
    import shutil
    import sqlite3

    shutil.copy(small_store, tmp_path / "one.db")
    with sqlite3.connect(tmp_path / "one.db") as db:
        db.execute("DELETE FROM models WHERE version='v2'")
    export_pictures(tmp_path / "one.db", tmp_path / "out")
    assert (tmp_path / "out/conv1/0/happy-0.png").is_file()
