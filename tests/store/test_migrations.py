"""An old store is upgraded by a command that writes, and read unchanged by one that only reads."""

import errno
import json
import lzma
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import reportgen
from reportgen.config import read_settings
from reportgen.errors import StoreError, StoreLocked, StoreVersion
from reportgen.run.progress import Silent
from reportgen.run.publishing import publish
from reportgen.sentences.reasons import decision_in_words
from reportgen.sentences.responses import light_in_words, shortfall_in_words
from reportgen.store import SCHEMA_VERSION, migrations, open_store, opening

STORES = Path(__file__).parents[1] / "data" / "stores"


@pytest.fixture
def old(tmp_path):
    """A store that `render` and `score` of schema 1 wrote of a small network."""
    return unpacked("schema1", tmp_path)


def unpacked(name, tmp_path):
    path = tmp_path / "place" / "old.db"
    path.parent.mkdir()
    path.write_bytes(lzma.decompress((STORES / f"{name}.db.xz").read_bytes()))
    return path


KEPT = sorted(STORES.glob("schema*.db.xz"))


def test_a_small_store_of_every_schema_before_is_kept():
    assert [path.name for path in KEPT] == [f"schema{n}.db.xz" for n in range(1, SCHEMA_VERSION)]


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.name.partition(".")[0])
def test_a_store_of_every_schema_before_is_read_as_it_is_and_brought_up_to_date(kept, tmp_path):
    path = tmp_path / "old.db"
    path.write_bytes(lzma.decompress(kept.read_bytes()))
    before, verdicts = path.read_bytes(), list(reportgen.verdicts(path))
    assert verdicts and path.read_bytes() == before
    with open_store(path, write=True) as store:
        assert store.backup.read_bytes()
    open_store(tmp_path / "new.db", create=True).close()
    assert tables(path) == tables(tmp_path / "new.db")
    assert list(reportgen.verdicts(path)) == verdicts


WORDED = ("reason", "verdict_detail", "trust")
"""Columns of sentences, which a release may word differently."""


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.name.partition(".")[0])
def test_the_verdict_table_of_a_kept_store_is_that_of_the_release_with_schema_3(kept, tmp_path):
    path, name = tmp_path / "old.db", kept.name.partition(".")[0]
    path.write_bytes(lzma.decompress(kept.read_bytes()))
    expected = json.loads((STORES / "verdicts.json").read_text())[name]
    for _ in ("as it is", "brought up to date"):
        found = [
            {column: value for column, value in row.items() if column not in WORDED}
            for row in reportgen.verdicts(path)
        ]
        assert found == expected
        open_store(path, write=True).close()


def test_a_store_of_schema_3_gives_the_same_sentences_before_and_after_fields_were_renamed(tmp_path):
    path = unpacked("schema3", tmp_path)
    read = []
    for _ in ("as it is", "brought up to date"):
        with open_store(path) as store:
            layers = [(m.id, x.name) for m in store.models() for x in m.layers]
            read.append([(store.scores(*layer), store.findings(*layer)) for layer in layers])
        open_store(path, write=True).close()
    assert read[0] == read[1]
    scores = [score for of_layer, _ in read[0] for score in of_layer]
    assert any(s.responsiveness.unused for s in scores)
    shortfalls = {shortfall_in_words(s.relations.copy_shortfall) for s in scores}
    assert "on the probe pictures alone r = 0.950; a copy needs r ≥ 0.99" in shortfalls
    assert len(shortfalls) == 3
    assert any("red activates it most (1.25)" in light_in_words(s.light) for s in scores)
    assert any(facet.activation is not None for s in scores for facet in s.facet_groups)
    assert {d.question for s in scores for d in s.decision} == {
        "activation", "contrast", "structure", "recurrence", "facets",
    }  # fmt: skip
    assert any(s.trust.recipes_pass for s in scores)
    assert any(found.certainly_superfluous and found.supplementary for _, found in read[0])
    reasons = [decision_in_words(s) for s in scores]
    assert any("limit 8%" in numbers for steps in reasons for _, _, numbers in steps)


def names(path):
    return sorted(p.name for p in path.parent.iterdir())


def tables(path):
    with closing(sqlite3.connect(path)) as db:
        return sorted(db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall())


def content(path):
    """Return every row of every table of the first schema, but for its number and the form of scores."""
    with closing(sqlite3.connect(path)) as db:
        known = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")]
        found = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in known}
    for name in ("scores", "scored"):
        found[name] = [row[:-1] for row in found[name]]
    return {name: rows for name, rows in found.items() if name not in ("about", "removals", "needs")}


def test_a_command_that_reads_leaves_an_old_store_as_it_is(old):
    before = old.read_bytes()
    assert {row["verdict"] for row in reportgen.verdicts(old)}
    reportgen.prune_list(old)
    with open_store(old) as store:
        (record,) = store.models()
        assert store.removal(record.id) is None and store.removal_fingerprint(record.id) == ""
        assert all(store.needs(record.id, x.name) == [] for x in record.layers)
        assert store.backup is None
    assert old.read_bytes() == before
    assert [n for n in names(old) if n.endswith(".bak")] == []


def test_an_old_store_opened_to_read_cannot_be_written(old):
    before = content(old)
    with open_store(old) as store, pytest.raises(StoreError, match="cannot be written"):
        store.put_model(store.models()[0])
    assert content(old) == before


def test_a_command_that_writes_brings_it_up_to_date_after_a_copy_was_made(old):
    before, rows, verdicts = old.read_bytes(), content(old), list(reportgen.verdicts(old))
    with open_store(old, write=True) as store:
        assert store.backup == old.with_name("old.db.schema1.bak")
        (record,) = store.models()
        assert store.removal(record.id) is None and store.needs(record.id, "conv") == []
    assert content(old) == rows and list(reportgen.verdicts(old)) == verdicts
    copy = old.with_name("old.db.schema1.bak")
    with closing(sqlite3.connect(copy)) as db:
        assert migrations.schema_of(db) == 1
    assert content(copy) == rows
    assert len(copy.read_bytes()) == len(before)
    with open_store(old, write=True) as store:
        assert store.backup is None
    assert [n for n in names(old) if ".bak" in n] == ["old.db.schema1.bak"]


def test_a_store_that_was_brought_up_to_date_has_the_tables_of_a_new_one(old, tmp_path):
    open_store(old, write=True).close()
    open_store(tmp_path / "new.db", create=True).close()
    assert tables(old) == tables(tmp_path / "new.db")


SAME = ("layer", "unit", "verdict", "verdict_detail", "duplicate_of", "consistency")
"""Columns that scoring an earlier store anew leaves as they were."""


def test_scoring_again_says_where_the_old_store_is_and_changes_no_verdict(old):
    class Told(Silent):
        lines: list[str] = []  # noqa: RUF012

        def say(self, text):
            self.lines.append(text)

    before = reportgen.verdicts(old)
    after = reportgen.score(store=old, reporter=Told())
    for was, now in zip(before, after, strict=True):
        assert {c: was[c] for c in SAME} == {c: now[c] for c in SAME}
        # Structure is measured anew (scoring 13): from the mean of two numbers, not from the larger of them.
        assert (was["structure"] is None) == (now["structure"] is None)
        if was["structure"] is not None:
            assert now["structure"] <= was["structure"]
    assert any("old.db.schema1.bak" in line for line in Told.lines)


@pytest.mark.parametrize("schema", ["schema1", "schema3"])
def test_the_site_of_an_old_store_is_that_of_the_store_brought_up_to_date(schema, tmp_path):
    old = unpacked(schema, tmp_path)
    for name in ("as-it-is", "brought-up"):
        publish(read_settings({"store": str(old), "site": str(tmp_path / name)}))
        open_store(old, write=True).close()
    one, two = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("as-it-is", "brought-up")
    )
    assert one.keys() == two.keys() and len(one) > 20
    marks = {Path("atlas-manifest.json")}  # It says of which rows a page was made, and their form is another.
    assert {name for name in one if one[name] != two[name]} == marks


def test_what_is_still_in_the_log_is_in_the_copy(old):
    with closing(sqlite3.connect(old)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("UPDATE models SET file_name='late.keras'")
        db.commit()
        with open_store(old, write=True) as store:
            copy = store.backup
            assert store.models()[0].file_name == "late.keras"
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT file_name FROM models").fetchone() == ("late.keras",)


def test_an_earlier_copy_is_never_written_over(old):
    first = old.with_name("old.db.schema1.bak")
    first.write_bytes(b"kept")
    with open_store(old, write=True) as store:
        assert store.backup == old.with_name("old.db.schema1-2.bak")
    assert first.read_bytes() == b"kept"


@pytest.mark.parametrize("step", ["CREATE TABLE models(x)", "INSERT INTO nowhere(x) VALUES(1)"])
def test_a_step_that_fails_leaves_the_store_as_it_was(old, monkeypatch, step):
    rows, before = content(old), tables(old)
    monkeypatch.setattr(migrations, "STEPS", ((*migrations.STEPS[0], step),))
    with pytest.raises(StoreError, match="cannot be upgraded") as caught:
        open_store(old, write=True)
    assert "\n" not in str(caught.value)
    assert content(old) == rows and tables(old) == before
    assert [n for n in names(old) if ".bak" in n] == []


def test_a_full_disk_is_one_line_and_nothing_is_lost(old, monkeypatch):
    rows = content(old)

    def full(self, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match=r"No space left.*it is unchanged.*1 MB of space") as caught:
        open_store(old, write=True)
    assert "\n" not in str(caught.value)
    assert content(old) == rows
    assert [n for n in names(old) if ".bak" in n] == []


def test_a_killed_migration_leaves_the_old_store_and_the_next_one_goes_on(old):
    rows = content(old)
    script = f"""
import os
from pathlib import Path
from reportgen.store import migrations, open_store
def die(connection):
    connection.execute(migrations.STEPS[0][0])
    os._exit(9)
migrations.take_steps = die
open_store({str(old)!r}, write=True)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 9
    assert content(old) == rows
    with open_store(old, write=True) as store:
        assert store.backup is not None
    assert content(old) == rows


def test_a_store_into_which_a_run_renders_is_not_changed(old, monkeypatch):
    monkeypatch.setattr(migrations, "_PATIENCE", 0.0)
    with open_store(old) as other:
        other.lock_for_rendering()
        with pytest.raises(StoreLocked, match="another run"):
            open_store(old, write=True)
    open_store(old, write=True).close()


def test_where_nothing_can_be_written_an_old_store_is_read_as_it_is_by_all(old, monkeypatch):
    monkeypatch.setattr(opening.os, "access", lambda *_: False)
    before = old.read_bytes()
    with open_store(old, write=True) as store:
        assert store.models() and store.backup is None
        with pytest.raises(StoreError, match="cannot be written"):
            store.put_model(store.models()[0])
    assert old.read_bytes() == before


@pytest.mark.parametrize("schema", [SCHEMA_VERSION + 1, 99, "", "0", "-1", "new", "²", None])
def test_a_store_of_no_known_schema_is_refused_in_one_line_and_left_as_it_is(old, schema):
    with closing(sqlite3.connect(old)) as db, db:
        if schema is None:
            db.execute("DELETE FROM about")
        else:
            db.execute("UPDATE about SET value=?", (str(schema),))
    before = old.read_bytes()
    for write in (False, True):
        with pytest.raises(StoreVersion, match=f"reads up to {SCHEMA_VERSION}") as caught:
            open_store(old, write=write)
        assert str(caught.value).isprintable()
    assert old.read_bytes() == before


def test_the_command_that_scores_says_where_the_store_of_before_is(old, run):
    code, out, err = run("score", "--store", old, "--json")
    assert code == 0 and '"structured"' in out and "old.db.schema1.bak" in err
    code, _, err = run("score", "--store", old)
    assert code == 0 and ".bak" not in err
