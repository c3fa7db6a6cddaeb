"""The store keeps what it was given, whole, and refuses what it cannot keep."""

import contextlib
import dataclasses
import json
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from reportgen.errors import StoreError, StoreLocked, StoreVersion
from reportgen.images import decode_png, encode_png
from reportgen.judgement import LayerFindings, LayerOnPictures, Relations, TwinComparison
from reportgen.spec import RenderSpec
from reportgen.store import (
    ModelRecord,
    StoredRender,
    layer_owner,
    open_store,
    pack_arrays,
    unpack_arrays,
)
from reportgen.store.records import from_stored
from reportgen.units import InputRange, Layer, LayerGraph, Telemetry, UnitScore


def a_layer(name="conv", n_units=4, position=0):
    return Layer(
        name, name, "conv2d", position, n_units, (8, 8), (1, 1), (3, 3), "relu", "", True, "graph", "judged"
    )


def a_model(**changes):
    fields = {
        "name": "m", "version": "v1", "file_name": "m.keras", "file_hash": "f" * 32,
        "options": {"input_range": None},
        "input_shape": (8, 8, 1), "input_size_source": "model", "input_range": InputRange(),
        "layers": (a_layer(), a_layer("dense", position=1)),
        "graph": LayerGraph((("in", "input"), ("conv", "conv2d")), ((0, 1),)),
        "skipped": (("c1", "one-dimensional"),), "notes": ("a note",), "plan": {"recipes": {"scored": "r"}},
    }  # fmt: skip
    return ModelRecord(**{**fields, **changes})


def some_telemetry(**changes):
    fields = {
        "activation_start": 0.0, "activation_best": 1.0, "activation_end": 0.9,
        "activation_transformed": (0.8, 0.7),
        "gradient_start": 1.0, "gradient_end": 0.1, "moved": 0.3, "steps": 64, "stop_reason": "converged",
        "non_finite": 0, "reduction": "leaky-mean", "curve": ((0, 0.0), (63, 0.9)),
    }  # fmt: skip
    return Telemetry(**{**fields, **changes})


def a_render(unit=0, seed=0, key=None, **changes):
    picture = np.full((8, 8, 1), unit, np.uint8)
    fields = {
        "unit": unit, "recipe": "r", "sign": "happy", "seed": seed, "key": key or f"k{unit}-{seed}",
        "picture": encode_png(picture), "height": 8, "width": 8, "channels": 1, "seconds": 0.1, "failure": "",
        "telemetry": some_telemetry(),
    }  # fmt: skip
    return StoredRender(**{**fields, **changes})


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "s.db", create=True) as opened:
        yield opened


def test_a_model_comes_back_as_it_was(store):
    kept = store.put_model(a_model())
    assert store.models() == [kept]
    assert store.find_model("m", "v1") == kept == a_model()
    assert store.find_model("m", "v2") is None


def test_renders_come_back_in_order_with_their_telemetry(store):
    model = store.put_model(a_model())
    store.put_renders(model.id, "conv", [a_render(2), a_render(0, 1), a_render(0, 0)], run=1)
    found = list(store.renders(model.id, "conv"))
    assert [(r.unit, r.seed) for r in found] == [(0, 0), (0, 1), (2, 0)]
    assert found[0] == a_render(0, 0)
    assert decode_png(found[2].picture, 1)[0, 0, 0] == 2
    assert [r.unit for r in store.renders(model.id, "conv", units=[2])] == [2]


def test_of_a_layer_in_short_only_pictures_that_may_be_of_one_colour_are_read(store):
    model, noise = store.put_model(a_model()), np.random.default_rng(0).integers(0, 256, (64, 64, 1))
    busy = a_render(1, picture=encode_png(noise.astype(np.uint8)), height=64, width=64)
    store.put_renders(model.id, "conv", [a_render(0), busy], run=1)
    plain, other = store.renders(model.id, "conv", plain_only=True)
    assert plain == a_render(0)
    assert other == dataclasses.replace(busy, picture=b"")


def test_a_store_whose_pictures_stand_first_in_their_rows_is_read_and_written(tmp_path):
    """As those of earlier versions do."""
    with open_store(tmp_path / "s.db", create=True) as store:
        model = store.put_model(a_model())
    with contextlib.closing(sqlite3.connect(tmp_path / "s.db")) as db:
        db.executescript(
            "DROP TABLE renders; CREATE TABLE renders(key TEXT PRIMARY KEY, picture BLOB NOT NULL, "
            "height INTEGER, width INTEGER, channels INTEGER, activation_start REAL, "
            "activation_end REAL, steps INTEGER, seconds REAL, failure TEXT, telemetry TEXT, "
            "run INTEGER) WITHOUT ROWID;"
        )
    with open_store(tmp_path / "s.db") as store:
        store.put_renders(model.id, "conv", [a_render(0), a_render(1)], run=1)
        assert list(store.renders(model.id, "conv")) == [a_render(0), a_render(1)]


def test_two_versions_share_a_render(store):
    first, second = store.put_model(a_model()), store.put_model(a_model(version="v2"))
    store.put_renders(first.id, "conv", [a_render()], run=1)
    assert store.known_keys(["k0-0", "k9-9"]) == {"k0-0"}
    store.place(second.id, "conv", [(0, "r", "happy", 0, "k0-0")])
    assert [r.key for r in store.renders(second.id, "conv")] == ["k0-0"]


def test_another_file_under_the_same_label_keeps_renders_and_drops_what_was_said_of_the_old_one(store):
    model = store.put_model(a_model())
    store.put_renders(model.id, "conv", [a_render()], run=1)
    store.put_scores(
        model.id, "conv", [UnitScore(0, "flat", "", "flat", False)], fingerprint="x", findings=LayerFindings()
    )
    again = store.put_model(a_model(file_hash="e" * 32))
    assert again.id == model.id
    assert not store.placements(model.id, "conv") and not store.scores(model.id, "conv")
    assert store.known_keys(["k0-0"]) == {"k0-0"}


def test_the_same_file_again_keeps_everything(store):
    model = store.put_model(a_model())
    store.put_renders(model.id, "conv", [a_render()], run=1)
    store.put_model(a_model(plan={"recipes": {"scored": "other"}}))
    assert len(store.placements(model.id, "conv")) == 1


def test_scores_come_back_and_undefined_numbers_are_none(store):
    model = store.put_model(a_model())
    score = UnitScore(
        1, "dead", "proved", "never fires", False, structure=float("nan"), relations=Relations((2, 3))
    )
    store.put_scores(
        model.id, "conv", [score], fingerprint="x", findings=LayerFindings(summary=("one dead",))
    )
    assert store.scores(model.id, "conv") == [dataclasses.replace(score, structure=None)]
    assert store.findings(model.id, "conv") == LayerFindings(summary=("one dead",))
    assert store.scored_fingerprint(model.id, "conv") == "x"


def test_arrays_come_back_exactly_and_objects_are_refused():
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "names": np.array(["x", "yy"]),
        "none": np.zeros((0, 3), np.float32),
    }
    found = unpack_arrays(pack_arrays(arrays))
    assert all(np.array_equal(found[k], arrays[k]) and found[k].dtype == arrays[k].dtype for k in arrays)
    with pytest.raises(StoreError, match="Python objects"):
        pack_arrays({"bad": np.array([{}])})


def test_measurements_are_replaced_by_name(store):
    owner = layer_owner(1, "conv")
    store.put_measurement(owner, "probes", "one", {"max": np.zeros(2)})
    store.put_measurement(owner, "probes", "two", {"max": np.ones(3)})
    assert store.measurement_fingerprint(owner, "probes") == "two"
    assert store.measurement(owner, "probes")["max"].tolist() == [1, 1, 1]
    assert store.measurement(owner, "renders") is None


def test_recipes_come_back_by_their_hash(store):
    store.put_recipe("h", RenderSpec(tv=0.3))
    assert store.recipes() == {"h": RenderSpec(tv=0.3)}


def test_failed_renders_are_counted(store):
    model = store.put_model(a_model())
    store.put_renders(model.id, "conv", [a_render(0), a_render(1, failure="not finite")], run=1)
    assert store.count_failed(["k0-0", "k1-0"]) == 1


def test_two_runs_on_one_store_the_second_is_refused(tmp_path):
    with open_store(tmp_path / "s.db", create=True) as first, open_store(tmp_path / "s.db") as second:
        first.lock_for_rendering()
        with pytest.raises(StoreLocked, match="another run is rendering"):
            second.lock_for_rendering()
    with open_store(tmp_path / "s.db") as third:
        third.lock_for_rendering()


def test_a_store_of_another_schema_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "s.db"
    open_store(path, create=True).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE about SET value='99' WHERE key='schema'")
    before = path.read_bytes()
    with pytest.raises(StoreVersion, match="schema version 99"):
        open_store(path)
    assert path.read_bytes() == before


def test_what_is_no_store_is_refused(tmp_path):
    (tmp_path / "text.db").write_text("hello, this is no database, whatever its name says" * 40)
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE things(x)")
    for name in ("text.db", "other.db"):
        with pytest.raises(StoreError, match="not a reportgen store"):
            open_store(tmp_path / name, create=True)
    with pytest.raises(StoreError, match="does not exist"):
        open_store(tmp_path / "nothing.db")
    assert not (tmp_path / "nothing.db").exists()


def test_a_full_disk_is_one_line_and_keeps_what_was_committed(store):
    model = store.put_model(a_model())
    store.put_renders(model.id, "conv", [a_render(0)], run=1)
    store._db.execute("PRAGMA max_page_count = 1")  # SQLite then answers as it does when the disk is full.
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 1), np.uint8)
    with pytest.raises(StoreError, match="full"):
        store.put_renders(model.id, "conv", [a_render(1, picture=encode_png(noise))], run=1)
    assert [r.unit for r in store.renders(model.id, "conv")] == [0]


def test_a_killed_writer_loses_only_the_batch_in_flight(tmp_path):
    path = tmp_path / "s.db"
    script = f"""
import os, sys
sys.path.insert(0, {str(__file__).rsplit("/", 1)[0]!r})
from test_store import a_model, a_render
from reportgen.store import open_store
store = open_store({str(path)!r}, create=True)
model = store.put_model(a_model())
store.put_renders(model.id, "conv", [a_render(0), a_render(1)], run=1)
store._db.execute("BEGIN")
store._db.execute("UPDATE renders SET steps = 0")
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 9
    with open_store(path) as found:
        model = found.models()[0]
        assert [r.unit for r in found.renders(model.id, "conv")] == [0, 1]
        assert all(r.telemetry.steps == 64 for r in found.renders(model.id, "conv"))


def test_fields_that_an_earlier_release_wrote_and_nothing_reads_are_ignored():
    stored = {
        "natural": {
            "n_pictures": 12, "n_classes": 2, "silent": [3], "zeros_share_median": 0.5,
            "selectivity_median": None,
        },
        "twin": {
            "auc": 0.9, "n_trained": 8, "n_untrained": 10, "patterned_share_trained": 0.5,
            "patterned_share_untrained": 0.1,
        },
    }  # fmt: skip
    found = from_stored(LayerFindings, json.dumps(stored))
    assert found.natural == LayerOnPictures(12, 2, (3,))
    assert found.twin == TwinComparison(0.9, 10, 0.5, 0.1)
