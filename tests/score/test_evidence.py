import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

from reportgen.images import encode_png
from reportgen.judgement import LayerFindings
from reportgen.score import evidence_fingerprint, read_evidence, score_store
from reportgen.spec import RenderSpec, ScoreSpec
from reportgen.store import ModelRecord, StoredRender, layer_owner, null_owner, open_store
from reportgen.units import InputRange, Layer, LayerGraph

RECIPE = "scored-recipe"
SPEC = ScoreSpec()


def layer(name, position, n_units):
    size, field = (48, 48), (9, 9)
    return Layer(name, name, "conv2d", position, n_units, size, (1, 1), field, "relu", "", False, name, name)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store.db", create=True) as opened:
        yield opened


@pytest.fixture
def model(store):
    record = ModelRecord(
        name="m", version="v1", file_name="m.keras", file_hash="00", options={}, input_shape=(64, 64, 3),
        input_size_source="model", input_range=InputRange(), layers=(layer("one", 0, 16), layer("two", 1, 3)),
        graph=LayerGraph((), ()), plan={"recipes": {"scored": RECIPE, "shown": "other", "sweep": []}},
    )  # fmt: skip
    return store.put_model(record)


@pytest.fixture
def put(store, model, telemetry_of):
    def put(name, units, *, failure="", recipe=RECIPE, first=0):
        rows = [
            StoredRender(
                u,
                recipe,
                "happy",
                s,
                f"{name}-{recipe}-{u}-{s}",
                encode_png(p),
                *p.shape,
                0.1,
                failure,
                telemetry_of(),
            )
            for u, pictures in enumerate(units, first)
            for s, p in enumerate(pictures)
        ]
        store.put_renders(model.id, name, rows, run=store.begin_run("now", {}))

    return put


@pytest.fixture
def measure(store, model, evidence_of, draw):
    def measure(name, k, mark="a"):
        rng = np.random.default_rng(k)
        owner = layer_owner(model.id, name)
        for kind, n in (("probes", 64), ("renders", 4 * k)):
            store.put_measurement(owner, kind, mark, evidence_of.responses(rng.exponential(size=(n, k))))
        null = np.stack([draw.white(i) for i in range(32)])
        store.put_measurement(null_owner("setting"), "pictures", "setting", {"pictures": null})
        store.put_measurement(owner, "null", "setting", {"setting": np.array(["setting"])})

    return measure


def test_what_was_stored_is_read(model, store, put, measure, gratings, draw):
    put("one", gratings[:3])
    put("one", [[draw.white(1)]], failure="not finite", first=3)
    put("one", [[draw.white(1)]], recipe="other", first=4)
    measure("one", 16)
    found = read_evidence(store, model, "one")
    assert sorted(found.pictures) == [0, 1, 2]
    assert found.units == [0, 1, 2, 3]
    assert np.array_equal(found.pictures[1][2], gratings[1][2])
    assert found.failures == {3: "not finite"}
    assert found.null.shape == (32, 48, 48, 3)
    assert found.probes["max"].shape == (64, 16)
    assert found.bounds is None
    assert found.note == "4 of 16 units rendered"
    with pytest.raises(KeyError):
        found.pictures[9]


def test_a_small_layer_reads_pictures_of_the_others(model, store, put, measure, gratings):
    put("one", gratings)
    put("two", gratings[:3])
    measure("two", 3)
    comparison = read_evidence(store, model, "two").comparison
    assert len(comparison) == 16
    assert np.array_equal(comparison[5], gratings[5][0])


def test_a_store_is_scored_once(model, store, put, measure, gratings):
    put("one", gratings)
    measure("one", 16)
    findings = score_store(store, model, SPEC)
    assert list(findings) == ["one"]
    assert findings["one"].counts == {"structured": 16}
    assert [s.verdict for s in store.scores(model.id, "one")] == ["structured"] * 16
    store.put_scores(
        model.id,
        "one",
        [],
        fingerprint=store.scored_fingerprint(model.id, "one"),
        findings=LayerFindings(n_units=1),
    )
    assert score_store(store, model, SPEC) == {"one": LayerFindings(n_units=1)}


def test_a_stop_keeps_the_layers_scored_so_far_and_the_next_call_goes_on(
    model, store, put, measure, gratings
):
    put("one", gratings[:4])
    put("two", gratings[:3])
    asked = iter([False, True])
    assert list(score_store(store, model, SPEC, stop=lambda: next(asked))) == ["one"]
    assert store.scores(model.id, "one") and not store.scores(model.id, "two")
    assert list(score_store(store, model, SPEC)) == ["one", "two"]
    assert store.scores(model.id, "two")


@pytest.mark.parametrize("change", ["picture", "measurement", "threshold", "null"])
def test_whatever_changes_evidence_changes_its_fingerprint(model, store, put, measure, gratings, change):
    put("one", gratings[:4])
    measure("one", 16)
    before = evidence_fingerprint(store, model, model.layers[0], SPEC)
    assert before == evidence_fingerprint(store, model, model.layers[0], SPEC)
    spec = SPEC
    if change == "picture":
        put("one", gratings[:1], first=9)
    elif change == "measurement":
        measure("one", 16, "b")
    elif change == "threshold":
        spec = dataclasses.replace(SPEC, structure_z=3.0)
    else:
        store.put_measurement(
            null_owner("setting"), "pictures", "b", {"pictures": np.zeros((1, 8, 8, 3), np.uint8)}
        )
    assert evidence_fingerprint(store, model, model.layers[0], spec) != before


def test_other_recipes_do_not_change_the_fingerprint(model, store, put, gratings):
    put("one", gratings[:4])
    before = evidence_fingerprint(store, model, model.layers[0], SPEC)
    put("one", gratings[4:6], recipe="other")
    assert evidence_fingerprint(store, model, model.layers[0], SPEC) == before


def test_a_model_of_which_nothing_was_rendered_has_no_scores(model, store):
    assert score_store(store, model, SPEC) == {}
    unplanned = dataclasses.replace(model, plan={})
    assert score_store(store, unplanned, SPEC) == {}
    assert read_evidence(store, unplanned, "one").units == []


def test_pictures_without_any_measurement_are_undecided(model, store, put, gratings):
    put("one", gratings[:2])
    score_store(store, model, SPEC)
    scores = store.scores(model.id, "one")
    assert [s.verdict for s in scores] == ["undecided"] * 2
    assert all("no responses were measured" in s.reason for s in scores)


def test_pictures_of_many_places_that_were_moved_have_no_frame(model, store, put, gratings):
    put("one", gratings[:3])
    assert not read_evidence(store, model, "one").around  # nothing is known of the recipe
    store.put_recipe(RECIPE, RenderSpec())
    assert read_evidence(store, model, "one").around


@pytest.mark.parametrize(
    ("recipe", "changes", "around"),
    [
        (RenderSpec(jitter_px=0), {}, False),
        (RenderSpec(), {"map_size": (23, 23)}, False),  # 7 places on a canvas that is 16 px smaller
        (RenderSpec(), {"map_size": (24, 24)}, True),
        (RenderSpec(), {"map_size": (12, 12), "stride_px": (4, 4)}, True),
        (RenderSpec(), {"map_size": (11, 12), "stride_px": (4, 4)}, False),
        (RenderSpec(), {"map_size": None, "stride_px": None}, False),
    ],
)
def test_places_on_the_canvas_decide_whether_pictures_have_a_frame(
    model, store, put, gratings, recipe, changes, around
):
    put("one", gratings[:3])  # 48 px, of a model of 64 px
    store.put_recipe(RECIPE, recipe)
    changed = dataclasses.replace(layer("one", 0, 16), **changes)
    assert read_evidence(store, dataclasses.replace(model, layers=(changed,)), "one").around is around


def test_pictures_with_a_frame_are_no_strangers_of_those_without(model, store, put, gratings):
    put("one", gratings)
    put("two", gratings[:2])
    store.put_recipe(RECIPE, RenderSpec())
    assert len(read_evidence(store, model, "two").comparison) > 0
    few = dataclasses.replace(model.layers[0], map_size=(20, 20))
    framed = dataclasses.replace(model, layers=(few, model.layers[1]))
    assert len(read_evidence(store, framed, "two").comparison) == 0
    assert len(read_evidence(store, framed, "one").comparison) > 0


_SCORED_ELSEWHERE = """
import sys
from reportgen.score import read_evidence, score_layer
from reportgen.spec import ScoreSpec
from reportgen.store import open_store
with open_store(sys.argv[1]) as store:
    (model,) = store.models()
    scores, findings = score_layer(read_evidence(store, model, "one"), ScoreSpec())
print([repr(s) for s in scores], repr(findings))
"""


def test_the_same_store_gives_the_same_verdicts_bit_for_bit(model, store, put, measure, gratings, draw):
    put("one", [*gratings[:14], [draw.clipped(s) for s in range(4)], [draw.plaid()] * 4])
    measure("one", 16)

    def scored(threads):
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        command = [sys.executable, "-c", _SCORED_ELSEWHERE, str(store.path)]
        done = subprocess.run(
            command, env={**os.environ, **limits}, capture_output=True, text=True, check=True
        )
        return done.stdout

    first = scored("1")
    assert "structured" in first
    assert "static" in first
    assert scored("2") == first
