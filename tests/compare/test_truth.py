"""Comparisons of small real networks whose twins are known."""

import json

import numpy as np
import pytest
from chain_networks import changed, make, overwrite, permute
from measured_versions import put_version

from reportgen.compare import as_json, compare_versions
from reportgen.comparison import Comparisons
from reportgen.store import open_store

keras = pytest.importorskip("keras", reason="the networks are made with Keras")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make(tmp_path_factory.mktemp("base") / "net.keras")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("store") / "s.db", create=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def first(store, base):
    return put_version(store, base, "first")


@pytest.fixture
def against(store, first, tmp_path):
    """Compare the first version with another file, measured under a label."""

    def compare(path, label, verdict=None, chance=None):
        return compare_versions(first, put_version(store, path, label, verdict), chance)

    return compare


def states(pair):
    return {x.a.unit if x.a else -1 - x.b.unit: x.state for x in pair.changes}


def test_the_same_file_twice_is_unchanged_throughout(against, base):
    c = against(base, "again")
    assert set(c.counts) == {"unchanged"} and c.counts["unchanged"] == 12 + 16 + 16 + 3
    assert all(p.same and p.ordered and p.cka == pytest.approx(1) for p in c.layers)
    assert c.largest(10) == [] and c.consequences == 0


def test_permuted_channels_are_all_moved_and_none_is_changed(against, base, tmp_path):
    order = np.roll(np.arange(16), 5)
    c = against(changed(base, tmp_path / "net.keras", permute("two", "three", order)), "permuted")
    two = next(p for p in c.layers if p.layer_b == "two")
    assert not two.ordered and states(two) == dict.fromkeys(range(16), "moved")
    assert all(order[x.b.unit] == x.a.unit and x.mutual for x in two.changes)
    assert all(set(p.counts) == {"unchanged"} for p in c.layers if p is not two)
    printed = json.loads(json.dumps(as_json(Comparisons((c,)))))["comparisons"][0]
    assert printed["counts"]["moved"] == 16
    units = [unit for layer in printed["layers"] for unit in layer["units"]]
    assert [unit["likeness"] for unit in units] == [x.similarity for pair in c.layers for x in pair.changes]


def only_the_overwritten_is_named(compared, layer, unit):
    names = ["one", "two", "three", "head"]
    for p in compared.layers:
        where, found = names.index(p.layer_b) - names.index(layer), [x for x in p.changes if not x.kept]
        if where == 0:
            assert [x.a.unit for x in found] == [unit], found
            assert found[0].state in ("re-purposed", "blurred", "died") and not found[0].consequence
        else:
            assert all(x.consequence for x in found) and (where > 0 or not found), p.layer_b


@pytest.mark.parametrize(("layer", "seeds"), [("one", range(5)), ("two", range(5, 10))])
def test_one_overwritten_filter_is_named_and_nothing_else_in_its_layer_or_before(
    against, base, tmp_path, layer, seeds
):
    for seed in seeds:
        unit = (5 * seed + 1) % 12
        path = changed(base, tmp_path / f"{seed}.keras", overwrite(layer, unit, seed))
        only_the_overwritten_is_named(against(path, f"{layer} {seed}"), layer, unit)


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["one", "two", "three"])
def test_of_sixty_four_filters_the_one_overwritten_is_named_for_ten_seeds(store, tmp_path, layer):
    wide = make(tmp_path / "wide.keras", units=(64, 64, 64), size=32)
    before = put_version(store, wide, f"wide {layer}")
    for seed in range(10):
        unit = (7 * seed + 1) % 64
        path = changed(wide, tmp_path / f"{seed}.keras", overwrite(layer, unit, seed))
        after = put_version(store, path, f"wide {layer} {seed}")
        only_the_overwritten_is_named(compare_versions(before, after), layer, unit)


def test_a_layer_widened_by_copies_keeps_every_unit_and_has_nothing_new(against, base, tmp_path):
    wide = make(tmp_path / "net.keras", units=(12, 32, 16))
    source, twin = keras.saving.load_model(base), keras.saving.load_model(wide)
    for name in ("one", "three", "head"):
        w = source.get_layer(name).get_weights()
        if name == "three":
            w = [np.concatenate([w[0], w[0]], axis=2) / 2, w[1]]
        twin.get_layer(name).set_weights(w)
    twin.get_layer("two").set_weights(
        [np.concatenate([w, w], -1) for w in source.get_layer("two").get_weights()]
    )
    twin.save(wide)
    c = against(wide, "wide")
    two = next(p for p in c.layers if p.layer_b == "two")
    assert (two.counterparts_a, two.counterparts_b) == (16, 32)
    assert set(c.counts) == {"unchanged"} and len(two.changes) == 16


def test_a_keras_file_and_its_onnx_export_are_the_same(store):
    pytest.importorskip("onnx", reason="reads an ONNX file")
    from pathlib import Path

    example = Path(__file__).parents[2] / "examples" / "facing_left"
    a, b = (put_version(store, example / f"facing_left.{kind}", kind) for kind in ("keras", "onnx"))
    c = compare_versions(a, b)
    assert c.paired_by == "position" and set(c.counts) == {"unchanged"}
    assert c.counterparts_a == c.n_a == 226


def test_another_input_size_changes_nothing_of_a_network_of_convolutions(against, base, tmp_path):
    larger = make(tmp_path / "net.keras", size=40)
    source, twin = keras.saving.load_model(base), keras.saving.load_model(larger)
    twin.set_weights(source.get_weights())
    twin.save(larger)
    c = against(larger, "larger")
    assert c.counts.get("unchanged", 0) >= 0.95 * sum(c.counts.values()), c.counts
    assert any("differ in size" in note for note in c.notes)


def test_a_finetuned_twin_keeps_its_places_and_its_units(against, base, tmp_path):
    def drift(weights):
        rng = np.random.default_rng(1)
        for values in weights.values():
            values[0] += rng.normal(0, 0.03 * values[0].std(), values[0].shape)

    c = against(changed(base, tmp_path / "net.keras", drift), "tuned")
    assert all(p.ordered for p in c.layers)
    assert set(c.counts) == {"unchanged"}


def test_a_unit_that_dies_and_one_that_is_born_are_named(against, base, tmp_path, store):
    def kill(weights):
        weights["two"][0][..., 3] = 0
        weights["two"][1][3] = 0

    path = changed(base, tmp_path / "net.keras", kill)
    c = against(path, "killed")
    two = next(p for p in c.layers if p.layer_b == "two")
    assert {u: s for u, s in states(two).items() if s != "unchanged"} == {3: "died"}
    back = compare_versions(put_version(store, path, "killed"), put_version(store, base, "again"))
    assert {s for p in back.layers if p.layer_b == "two" for s in p.counts} == {"unchanged", "born"}


def test_networks_trained_apart_have_hardly_a_counterpart_and_chance_is_reported(against, store, tmp_path):
    other = make(tmp_path / "net.keras", seed=7)
    twin = put_version(store, make(tmp_path / "twin.keras", seed=8), "twin")
    c = against(other, "other", chance=twin)
    three = next(p for p in c.layers if p.layer_b == "three")
    assert not three.ordered and three.counterparts_a < 8
    assert three.chance_a is not None and three.chance_a < 8
    assert c.chance.version == "twin"


def test_a_flip_of_verdict_without_another_response_is_no_change(against, base):
    def verdict(layer, unit):
        return ("static", 1.9) if (layer, unit) == ("one", 2) else None

    assert set(against(base, "flip", verdict).counts) == {"unchanged"}


def test_a_unit_that_loses_its_pattern_is_blurred(against, base, tmp_path):
    def verdict(layer, unit):
        return ("static", 0.2) if (layer, unit) == ("one", 4) else None

    path = changed(base, tmp_path / "net.keras", overwrite("one", 4, 0))
    c = against(path, "blur", verdict)
    assert states(c.layers[0])[4] == "blurred" and "structure 4.0 to 0.2" in c.layers[0].changes[4].reason


def test_other_architectures_are_paired_by_similarity_of_their_layers(store, first, tmp_path, base):
    x = inputs = keras.Input((24, 24, 3))
    x = keras.layers.Conv2D(12, 3, padding="same", activation="leaky_relu", name="a")(x)
    x = keras.layers.Conv2D(16, 3, padding="same", activation="leaky_relu", name="b")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    small = keras.Model(inputs, keras.layers.Dense(2, name="c")(x))
    source = keras.saving.load_model(base)
    for mine, theirs in (("a", "one"), ("b", "two")):
        small.get_layer(mine).set_weights(source.get_layer(theirs).get_weights())
    small.save(tmp_path / "small.keras")
    c = compare_versions(first, put_version(store, tmp_path / "small.keras", "small"))
    assert c.paired_by == "cka"
    assert {("one", "a"), ("two", "b")} <= {(p.layer_a, p.layer_b) for p in c.layers}
    assert [p.counterparts_a for p in c.layers[:2]] == [12, 16]
