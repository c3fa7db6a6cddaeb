"""A store may be anybody's: what stands in the wrong column is one line, and little unpacks to little."""

import sqlite3
import subprocess
import sys
import zipfile
import zlib
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "atlas"))

from sample_store import write_sample_store

sys.path.insert(0, str(Path(__file__).parent))

from test_removals import a_need, a_removal

from reportgen.errors import ReportgenError, StoreError, StoreLocked
from reportgen.store import open_store
from reportgen.store.arrays import pack_arrays, unpack_arrays

COLUMNS = {
    "models": ("name", "version", "file_name", "file_hash", "options", "plan", "record"),
    "layers": ("name", "record"),
    "recipes": ("hash", "spec"),
    "renders": ("key", "height", "width", "channels", "seconds", "failure", "telemetry", "picture"),
    "placements": ("layer", "unit", "recipe", "sign", "seed", "key"),
    "measurements": ("owner", "name", "fingerprint", "arrays"),
    "scores": ("layer", "unit", "verdict", "record"),
    "scored": ("layer", "fingerprint", "findings"),
    "removals": ("fingerprint", "record"),
    "needs": ("layer", "unit", "need", "need_rank", "changed", "pictures", "hurt", "hurt_pictures"),
    "runs": ("started", "provenance", "seconds"),
}
VALUES = [b"\xff\x00bytes", "text", 3, "[" * 5000, "null"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = write_sample_store(tmp_path_factory.mktemp("store") / "sample.db", hostile=False)
    with open_store(path, write=True) as store:
        store.put_removal(1, a_removal(), {"conv1": [a_need(0), a_need(1)]}, fingerprint="f")
    return path


def refused(act):
    """Return the line with which something is refused, or nothing."""
    try:
        act()
    except ReportgenError as error:
        return str(error)
    return ""


def read_all(path):
    """Read everything of a store by its public methods."""
    with open_store(path) as store:
        store.recipes()
        store.known_keys(["k"])
        for record in store.models():
            store.runs_of(record.id)
            store.removal(record.id)
            store.removal_fingerprint(record.id)
            for layer in record.layers:
                store.placements(record.id, layer.name)
                list(store.renders(record.id, layer.name))
                store.scores(record.id, layer.name)
                store.findings(record.id, layer.name)
                store.scored_fingerprint(record.id, layer.name)
                store.needs(record.id, layer.name)
        for owner, name in store.read("SELECT owner, name FROM measurements"):
            store.measurement(owner, name)


@pytest.mark.parametrize("table", COLUMNS)
def test_what_stands_in_the_wrong_column_is_one_line_or_is_read_as_it_is(sample, tmp_path, table):
    for column in COLUMNS[table]:
        for value in VALUES:
            own = tmp_path / "own.db"
            own.write_bytes(sample.read_bytes())
            with closing(sqlite3.connect(own)) as db, db:
                db.execute("PRAGMA foreign_keys=OFF")
                db.execute(f"UPDATE OR IGNORE {table} SET {column}=?", (value,))
            told = refused(lambda own=own: read_all(own))
            assert told.isprintable() and len(told) < 500, (column, value)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE models SET name=x'ff00'", "name is b'.*', wanted a text"),
        ("UPDATE renders SET seconds='long'", "seconds is 'long', wanted a number"),
        ("UPDATE renders SET picture='text'", "picture is 'text', wanted bytes"),
        ("UPDATE OR IGNORE placements SET unit='../x'", "unit is '../x', wanted a whole number"),
        ("UPDATE layers SET record=json_set(record, '$.n_units', 'many')", "Layer.n_units is 'many'"),
        ("UPDATE scores SET record=json_set(record, '$.look.contrast', 'much')", "look.contrast is 'much'"),
        ("UPDATE scores SET record=json_set(record, '$.decision', json('[[1]]'))", r"decision.0 is \[1\]"),
        (
            'UPDATE renders SET telemetry=replace(telemetry, \'"steps": \', \'"steps": [1], "x": \')',
            "damaged",
        ),
    ],
)
def test_the_line_names_the_column_what_it_holds_and_what_was_wanted(sample, tmp_path, statement, said):
    own = tmp_path / "own.db"
    own.write_bytes(sample.read_bytes())
    with closing(sqlite3.connect(own)) as db, db:
        db.execute(statement)
    with pytest.raises(StoreError, match=said):
        read_all(own)


def npz(*parts, how=zipfile.ZIP_STORED):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as file:
        for name, data in parts:
            file.writestr(name, data)
    return buffer.getvalue()


def npy(shape, data=b""):
    buffer = BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + data


def test_a_few_bytes_that_unpack_to_gigabytes_are_refused_before_they_are(tmp_path):
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(400)) + packer.flush()
    assert len(packed) < 2**20
    program = (
        "import resource, sys; from pathlib import Path; from reportgen.store.arrays import unpack_arrays\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: unpack_arrays(Path(sys.argv[1]).read_bytes())\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    (tmp_path / "packed").write_bytes(packed)
    words = [sys.executable, "-c", program, str(tmp_path / "packed")]
    said, grown = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said.startswith("StoreError") and "unpack to more than" in said
    assert int(grown) < 250_000  # kB


@pytest.mark.parametrize(
    "plain",
    [
        npz(("a.npy", npy((10**12,)))),
        npz(("a.npy", npy((10**6, 10**6, 10**6)))),
        npz(("a.npy", npy((4,), bytes(12)))),
        npz(("a.npy", npy((4,), bytes(16))), how=zipfile.ZIP_DEFLATED),
        npz(("a.npy", b"\x93NUMPY\x03\x00" + bytes(60))),
        npz(("a.npy", b"text")),
    ],
)
def test_an_array_that_claims_more_than_is_there_is_damaged(plain):
    with pytest.raises(StoreError, match="damaged"):
        unpack_arrays(zlib.compress(plain))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_arrays_are_one_line(data):
    good = bytearray(zlib.decompress(pack_arrays({"a": np.arange(20.0), "b": np.zeros((2, 3), np.uint8)})))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    assert refused(lambda: unpack_arrays(zlib.compress(bytes(good)))).isprintable()


def test_arrays_that_pack_very_well_are_kept_so_that_they_can_be_read():
    packed = pack_arrays({"a": np.zeros(100_000_000, np.uint8)})
    assert unpack_arrays(packed)["a"].nbytes == 100_000_000


def test_a_store_and_a_link_to_it_have_one_lock(sample, tmp_path):
    (tmp_path / "own.db").write_bytes(sample.read_bytes())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "link.db").symlink_to(tmp_path / "own.db")
    with open_store(tmp_path / "own.db") as one, open_store(tmp_path / "other" / "link.db") as two:
        one.lock_for_rendering()
        with pytest.raises(StoreLocked):
            two.lock_for_rendering()
