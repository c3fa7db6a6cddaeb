"""A store is opened as it is: also where nothing can be written, and never made out of something else."""

import sqlite3
import sys
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_store import a_model, a_render

from reportgen.errors import ReportgenError, ShapeError, StoreError
from reportgen.images import decode_png, encode_png
from reportgen.store import open_store, opening, pack_arrays, unpack_arrays


@pytest.fixture
def filled(tmp_path):
    folder = tmp_path / "place"
    folder.mkdir()
    with open_store(folder / "s #1?.db", create=True) as store:
        model = store.put_model(a_model())
        store.put_renders(model.id, "conv", [a_render(0), a_render(1)], run=1)
    return folder / "s #1?.db"


@pytest.fixture
def read_only(filled, monkeypatch):
    """A store in a folder that cannot be written, also where tests run as an all-powerful user."""
    real = sqlite3.connect

    def connect(database, **options):
        # What SQLite answers for a file in WAL mode whose companions cannot be made.
        if "immutable" not in str(database):
            raise sqlite3.OperationalError("unable to open database file")
        return real(database, **options)

    monkeypatch.setattr(opening.os, "access", lambda *_: False)
    monkeypatch.setattr(opening.sqlite3, "connect", connect)
    return filled


def test_a_store_that_cannot_be_written_can_be_read(read_only):
    before = read_only.read_bytes()
    with open_store(read_only) as store:
        model = store.models()[0]
        assert [r.unit for r in store.renders(model.id, "conv")] == [0, 1]
        with pytest.raises(StoreError, match="cannot be written"):
            store.put_model(a_model(version="v2"))
    assert read_only.read_bytes() == before
    assert [p.name for p in read_only.parent.iterdir()] == [read_only.name]


def test_a_store_with_commits_still_in_its_log_is_not_read_without_them(read_only):
    read_only.with_name(read_only.name + "-wal").write_bytes(b"commits")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(read_only)


def test_reading_a_store_does_not_change_how_it_is_written(filled):
    before = filled.read_bytes()
    open_store(filled).close()
    assert filled.read_bytes() == before
    with open_store(filled) as store:
        assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_database_without_tables_is_not_turned_into_a_store(tmp_path):
    path = tmp_path / "mine.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a reportgen store"):
        open_store(path)
    assert before and path.read_bytes() == before


def test_a_file_that_is_refused_is_closed_again(tmp_path, monkeypatch):
    made = []
    real = sqlite3.connect

    def connect(*values, **options):
        made.append(real(*values, **options))
        return made[-1]

    monkeypatch.setattr(opening.sqlite3, "connect", connect)
    (tmp_path / "text.db").write_text("no database at all, only text that goes on for a while " * 40)
    real(tmp_path / "other.db").execute("CREATE TABLE things(x)").connection.close()
    (tmp_path / "empty.db").touch()
    for name in ("text.db", "other.db", "empty.db"):
        with pytest.raises(StoreError):
            open_store(tmp_path / name)
    assert len(made) == 3
    for connection in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_reading_a_damaged_store_gives_one_line(filled):
    with closing(sqlite3.connect(filled)) as db:
        (page_size,) = db.execute("PRAGMA page_size").fetchone()
        whole = {n for (n,) in db.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name='about'")} | {1}
    data = bytearray(filled.read_bytes())
    for page in range(1, len(data) // page_size + 1):
        if page not in whole:
            data[(page - 1) * page_size : page * page_size] = b"\xff" * page_size
    filled.write_bytes(bytes(data))
    with open_store(filled) as store:
        reads = (
            store.models,
            store.recipes,
            lambda: store.find_model("m", "v1"),
            lambda: list(store.renders(1, "conv")),
            lambda: store.placements(1, "conv"),
            lambda: store.scores(1, "conv"),
            lambda: store.findings(1, "conv"),
            lambda: store.scored_fingerprint(1, "conv"),
            lambda: store.measurement("x", "y"),
            lambda: store.measurement_fingerprint("x", "y"),
            lambda: store.runs_of(1),
            lambda: store.known_keys(["k"]),
            lambda: store.count_failed(["k"]),
        )
        for read in reads:
            with pytest.raises(StoreError, match="cannot be read") as caught:
                read()
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"graph": 3}', "null"])
def test_a_record_that_is_something_else_gives_one_line(filled, text):
    with closing(sqlite3.connect(filled)) as db, db:
        db.execute("UPDATE models SET record=?", (text,))
        db.execute("UPDATE renders SET telemetry=?", (text,))
    with open_store(filled) as store:
        with pytest.raises(StoreError, match="damaged"):
            store.models()
        with pytest.raises(StoreError, match="damaged"):
            list(store.renders(1, "conv"))


def test_arrays_that_are_damaged_or_too_large_are_refused(monkeypatch):
    good = pack_arrays({"a": np.zeros(100_000)})
    for bad in (b"", b"text", zlib.compress(b"text"), good[: len(good) // 2]):
        with pytest.raises(StoreError, match="damaged"):
            unpack_arrays(bad)
    monkeypatch.setattr("reportgen.store.arrays._MOST_BYTES", 1000)
    with pytest.raises(StoreError):
        unpack_arrays(good)


def test_a_picture_that_is_no_png_of_its_channels_is_refused(monkeypatch):
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "BMP")
    good = encode_png(np.zeros((64, 64, 3), np.uint8))
    for bad in (buffer.getvalue(), b"", b"text", good[: len(good) - 30]):
        with pytest.raises(ReportgenError, match="cannot be read") as caught:
            decode_png(bad, 3)
        assert "\n" not in str(caught.value)
    for channels in (0, 1, 2, 4):
        with pytest.raises(ShapeError):
            decode_png(good, channels)
    with pytest.raises(ShapeError):
        decode_png(encode_png(np.zeros((4, 7, 1), np.uint8)), 2)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ReportgenError, match="cannot be read"):
        decode_png(good, 3)
