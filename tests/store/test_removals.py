"""What removal told comes back as it was, goes with its file, and is refused where it is damaged."""

import dataclasses
import math
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_store import a_model, a_render

from reportgen.errors import StoreError
from reportgen.removal import CurvePoint, LayerNeed, PictureCounts, Removal, RemovalCurve, UnitNeed
from reportgen.store import layer_digest, open_store


def a_removal(**changes):
    fields = {
        "measured": "2026-11-30", "units": 6, "steady": 2, "largest": 3, "removed": 2, "max_loss": 0.01,
        "accuracy_before": 0.924, "accuracy_after": 0.924, "interval": (0.85, 0.97), "agreement": 0.98,
        "changed": 2, "majority_share": 0.783, "pictures": PictureCounts(90, 30, 92, 10, "faces"),
        "layers": (LayerNeed("conv", 4, 3, 2, (0, 1, 3)), LayerNeed("dense", 4, 3)),
        "curves": (
            RemovalCurve("need", "", (CurvePoint(0, 1.0, 0.924), CurvePoint(2, 0.98, 0.924))),
            RemovalCurve("random", "conv", (CurvePoint(1, 0.9, 0.8, 0.7, 0.9),)),
        ),
        "looks_correlation": {"conv": -0.45, "": -0.1}, "classes": ("left", "right"),
        "fixed": (("head", "it is the output"),),
    }  # fmt: skip
    return Removal(**{**fields, **changes})


def a_need(unit=0, **changes):
    fields = {"need": 0.5 + unit, "need_rank": 4 - unit, "changed": unit, "pictures": 92, "hurt": "left"}
    return UnitNeed(unit, **{**fields, **changes})


def read_all(store, model):
    return store.removal(model), store.removal_fingerprint(model), store.needs(model, "conv")


NEEDS = {"conv": [a_need(1), a_need(0, changed=None, pictures=0, hurt="")], "dense": [a_need(2)]}


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "s.db", create=True) as opened:
        yield opened


def test_a_removal_and_its_needs_come_back_as_they_were_in_order_of_units(store):
    model = store.put_model(a_model())
    store.put_removal(model.id, a_removal(), NEEDS, fingerprint="f")
    assert store.removal(model.id) == a_removal()
    assert store.needs(model.id, "conv") == [NEEDS["conv"][1], NEEDS["conv"][0]]
    assert store.needs(model.id, "dense") == NEEDS["dense"]
    assert store.needs(model.id, "other") == []
    assert store.removal_fingerprint(model.id) == "f"


def test_where_nothing_was_measured_there_is_nothing(store):
    model = store.put_model(a_model())
    assert store.removal(model.id) is None
    assert store.needs(model.id, "conv") == [] and store.removal_fingerprint(model.id) == ""


def test_measured_again_the_earlier_removal_goes(store):
    model = store.put_model(a_model())
    store.put_removal(model.id, a_removal(), NEEDS, fingerprint="f")
    store.put_removal(model.id, a_removal(removed=3), {"conv": [a_need(3)]}, fingerprint="g")
    assert store.removal(model.id).removed == 3 and store.removal_fingerprint(model.id) == "g"
    assert [n.unit for n in store.needs(model.id, "conv")] == [3] and not store.needs(model.id, "dense")


def test_it_goes_with_another_file_or_other_options_and_stays_with_the_same(store):
    for change, stays in ({"plan": {}}, True), ({"file_hash": "e" * 32}, False), ({"options": {}}, False):
        model = store.put_model(a_model())
        store.put_removal(model.id, a_removal(), NEEDS, fingerprint="f")
        other = store.put_model(a_model(version="v2"))
        store.put_removal(other.id, a_removal(), NEEDS, fingerprint="f")
        store.put_model(a_model(**change))
        assert (store.removal(model.id) is not None) == stays
        assert bool(store.needs(model.id, "conv")) == bool(store.removal_fingerprint(model.id)) == stays
        assert store.removal(other.id) == a_removal() and store.needs(other.id, "conv")


def test_a_page_of_a_layer_is_made_again_when_what_is_needed_changed(store):
    model = store.put_model(a_model())
    store.put_renders(model.id, "conv", [a_render()], run=1)
    seen = [layer_digest(store, model.id, "conv")]
    store.put_removal(model.id, a_removal(), NEEDS, fingerprint="f")
    seen.append(layer_digest(store, model.id, "conv"))
    assert layer_digest(store, model.id, "conv") == seen[-1]
    store.put_removal(model.id, a_removal(), {"conv": [a_need(0, need=9.0)]}, fingerprint="g")
    seen.append(layer_digest(store, model.id, "conv"))
    assert len(set(seen)) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"agreement": math.nan},
        {"interval": (0.1, math.inf)},
        {"changed": "two"},
        {"accuracy_after": math.nan},
        {"removed": 7},
        {"looks_correlation": {"": math.nan}},
        {"majority_share": 1e300},
        {"looks_correlation": {"conv": -1.5}},
        {"steady": -1},
        {"macs_after": 10**30},
        {"layers": (LayerNeed("conv", 4, 5),)},
        {"curves": (RemovalCurve("need", "", (CurvePoint(10**9, 0.5),)),)},
    ],
)
def test_a_removal_that_could_not_be_read_again_is_refused_and_the_earlier_one_stays(store, change):
    model = store.put_model(a_model())
    store.put_removal(model.id, a_removal(), NEEDS, fingerprint="f")
    with pytest.raises(StoreError, match="cannot be stored") as caught:
        store.put_removal(model.id, a_removal(**change), NEEDS, fingerprint="g")
    assert "\n" not in str(caught.value)
    assert store.removal(model.id) == a_removal() and store.removal_fingerprint(model.id) == "f"


@pytest.mark.parametrize(
    "change",
    [{"need": math.nan}, {"need": -1.0}, {"need_rank": 0}, {"unit": -1}, {"changed": -1}, {"hurt": None}],
)
def test_a_need_that_is_none_is_refused_with_its_layer_and_unit(store, change):
    model = store.put_model(a_model())
    bad = dataclasses.replace(a_need(), **change)
    with pytest.raises(StoreError, match=r'unit -?[01] of "conv" cannot be stored'):
        store.put_removal(model.id, a_removal(), {"conv": [bad]}, fingerprint="f")
    assert store.removal(model.id) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE removals SET record='{'",
        "UPDATE removals SET record='[]'",
        "UPDATE removals SET record=x'00'",
        "UPDATE removals SET record=json_set(record, '$.removed', 'two')",
        "UPDATE removals SET record=json_set(record, '$.removed', 7)",
        "UPDATE removals SET record=json_set(record, '$.removed', -1)",
        "UPDATE removals SET record=json_set(record, '$.interval[1]', null)",
        "UPDATE removals SET record=json_set(record, '$.curves[0].order', 'age')",
        "UPDATE removals SET record=replace(record, '\"changed\":2', '\"changed\":1e999')",
        "UPDATE removals SET record=replace(record, '0.98', 'NaN')",
        "UPDATE removals SET record=replace(record, '0.98', '1e999')",
        "UPDATE removals SET fingerprint=x'00'",
        "UPDATE needs SET need='much'",
        "UPDATE needs SET need=9e999",
        "UPDATE needs SET need=-1",
        "UPDATE needs SET need_rank=0",
        "UPDATE needs SET need_rank=1.5",
        "UPDATE needs SET changed='some'",
        "UPDATE needs SET changed=-2",
        "UPDATE needs SET pictures='all'",
        "UPDATE needs SET hurt=x'ff'",
        "UPDATE needs SET hurt_pictures=0.5",
        "UPDATE needs SET unit=-unit-1",
    ],
)
def test_what_is_damaged_is_one_line(tmp_path, statement):
    with open_store(tmp_path / "s.db", create=True) as store:
        model = store.put_model(a_model())
        store.put_removal(model.id, a_removal(), NEEDS, fingerprint="f")
    with closing(sqlite3.connect(tmp_path / "s.db")) as db, db:
        assert db.execute(statement).rowcount
    with open_store(tmp_path / "s.db") as store, pytest.raises(StoreError, match="damaged") as caught:
        read_all(store, model.id)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500
