"""Control characters of names are shown as their pictures; addresses stay as they are."""

import re
import shutil
import sqlite3
from contextlib import closing

import pytest

from reportgen.atlas import check_site, export_table, write_atlas
from reportgen.atlas.columns import visible_json
from reportgen.units import visible

OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def own(small_store, tmp_path):
    """A store whose model, version and layer have names that a terminal would obey."""
    path = tmp_path / "own.db"
    shutil.copy(small_store, path)
    with closing(sqlite3.connect(path)) as db, db:
        db.create_function("bad", 1, lambda text: f"{text}\x1b[2J\x00\x7f\x9b\u202e")
        db.execute("UPDATE models SET name=bad(name), version=bad(version), file_name=bad(file_name)")
        for table in ("layers", "placements", "scores", "scored"):
            column = "name" if table == "layers" else "layer"
            db.execute(f"UPDATE {table} SET {column}=bad({column}) WHERE {column}='conv1'")
        db.execute(
            "UPDATE layers SET record=json_set(record, '$.name', bad('conv1')) WHERE name GLOB 'conv1*'"
        )
    return path


def test_no_page_script_or_table_holds_a_control_character_of_a_name(own, tmp_path):
    write_atlas(own, tmp_path / "site")
    files = [p for p in (tmp_path / "site").rglob("*") if p.suffix in (".html", ".js", ".csv")]
    assert len(files) > 50
    for file in files:
        text = file.read_bytes().decode("utf-8")
        assert not OBEYED.search(text), file
        assert not re.search(r"(?<!\\)(?:\\\\)*\\u00[01]", text), file
    page = (tmp_path / "site/m").rglob("conv1.html")
    assert all("conv1␛[2J␀␡" in p.read_text(encoding="utf-8") for p in page)
    assert check_site(tmp_path / "site") == []


def test_an_exported_table_shows_them_too(own, tmp_path):
    export_table(own, tmp_path / "table.csv", "csv")
    text = (tmp_path / "table.csv").read_bytes().decode()
    assert "conv1␛[2J␀␡" in text and not OBEYED.search(text.replace("\r\n", "\n"))


def test_what_is_no_control_character_stays():
    assert visible("größe 卷积\tx\ny") == "größe 卷积\tx\ny"
    assert visible_json(rb'["\u00e9", "\\u001b", "\\\u0000"]') == rb'["\u00e9", "\\u001b", "\\\u2400"]'
