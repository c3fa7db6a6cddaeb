"""The plan is what was wanted less what is stored; canvases follow receptive fields."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.errors import ConfigError, UnknownLayer
from reportgen.plan import PlanRequest, canvas_for, make_plan, missing, passes, select_layers, select_units
from reportgen.sampling import drawn_order
from reportgen.spec import RECIPES, RenderSpec
from reportgen.store import ModelRecord
from reportgen.units import InputRange, Layer, LayerGraph


def layer(name, position=0, n_units=4, field=(3, 3), kind="conv2d", graph="g"):
    is_map = kind != "dense"
    return Layer(
        name, name.replace("/", "-"), kind, position, n_units, (8, 8) if is_map else None,
        (1, 1) if is_map else None, field, "relu", "", position == 0, graph + name, graph + name + "relu",
    )  # fmt: skip


def model(layers, size=(96, 96, 3)):
    return ModelRecord(
        "m", "v", "m.keras", "f", {}, size, "model", InputRange(), tuple(layers), LayerGraph((), ())
    )


WISH = PlanRequest(scored=RECIPES["default"], shown=RECIPES["show"])


def keys(plans):
    return [p.key for plan in plans for p in plan.pictures]


def test_the_default_plan_is_six_pictures_a_unit():
    (plan,) = make_plan(model([layer("a")]), WISH, arithmetic="float32")
    of_first = [(p.sign, p.seed) for p in plan.pictures if p.unit == 0]
    assert of_first == [("happy", 0), ("happy", 1), ("happy", 2), ("happy", 3), ("happy", 0), ("sad", 0)]
    assert [s.recipe.name for s in plan.sets] == ["default", "show"]


def test_every_picture_of_a_plan_has_a_key_of_its_own():
    found = keys(make_plan(model([layer("a"), layer("b", 1)]), WISH, arithmetic="float32"))
    assert len(found) == len(set(found)) == 48


def test_what_is_stored_is_not_planned_again():
    plans = make_plan(model([layer("a"), layer("b", 1)]), WISH, arithmetic="float32")
    everything = set(keys(plans))
    assert missing(plans, everything) == []
    assert keys(missing(plans, set())) == keys(plans)
    lost = keys(plans)[7]
    assert keys(missing(plans, everything - {lost})) == [lost]


def test_keys_do_not_depend_on_what_else_is_wanted():
    whole = make_plan(model([layer("a"), layer("b", 1)]), WISH, arithmetic="float32")
    part = make_plan(
        model([layer("a"), layer("b", 1)]),
        dataclasses.replace(WISH, layers=("b",), units="2,3"),
        arithmetic="float32",
    )
    assert set(keys(part)) < set(keys(whole))


def test_signs_and_seeds_are_as_asked():
    happy = make_plan(
        model([layer("a")]), dataclasses.replace(WISH, signs="happy", seeds=1), arithmetic="float32"
    )
    assert [(p.sign, p.seed) for p in happy[0].pictures if p.unit == 0] == [("happy", 0), ("happy", 0)]
    none_scored = make_plan(model([layer("a")]), dataclasses.replace(WISH, seeds=0), arithmetic="float32")
    assert [s.recipe.name for s in none_scored[0].sets] == ["default", "show"]
    assert none_scored[0].sets[0].pictures == ()


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("all", (0, 1, 2, 3, 4)),
        ("2", (0, 1)),
        ("9", (0, 1, 2, 3, 4)),
        ("3,1", (1, 3)),
        ("1-2,4", (1, 2, 4)),
        ("3,", (3,)),
    ],
)
def test_units_are_chosen_by_number_or_list(text, units):
    assert select_units(text, 5) == units


@pytest.mark.parametrize("text", ["", "x", "3-1", "1;2", "-1", "1.5", "1-"])
def test_units_that_cannot_be_read_are_refused(text):
    with pytest.raises(ConfigError, match="units"):
        select_units(text, 5)


@given(st.sets(st.integers(0, 60), min_size=2))
def test_a_list_of_units_means_these_units(units):
    assert select_units(",".join(map(str, units)), 61) == tuple(sorted(units))


def test_layers_are_chosen_by_globs_in_the_models_order():
    layers = [layer(n, i) for i, n in enumerate(["in/conv1", "in/conv2", "out/conv1", "dense"])]
    assert [x.name for x in select_layers(layers, ["dense", "conv1"])] == ["in/conv1", "out/conv1", "dense"]
    assert [x.name for x in select_layers(layers, ["in/*"])] == ["in/conv1", "in/conv2"]
    assert [x.name for x in select_layers(layers, ["::2"])] == ["in/conv1", "out/conv1"]
    assert [x.name for x in select_layers(layers, ["1::2"])] == ["in/conv2", "dense"]
    assert select_layers(layers, []) == layers


def test_a_name_with_brackets_is_chosen_by_itself():
    layers = [layer("conv[1]"), layer("conv1", 1)]
    assert [x.name for x in select_layers(layers, ["conv[1]"])] == ["conv[1]", "conv1"]


def test_a_glob_that_matches_nothing_offers_the_nearest_names():
    with pytest.raises(UnknownLayer, match='nearest: "conv2d_1"'):
        select_layers([layer("conv2d_1"), layer("dense_1", 1)], ["conv2_1"])


def test_the_canvas_follows_the_receptive_field():
    recipe = RenderSpec()
    size = (224, 224)
    assert canvas_for(layer("a", field=(3, 3)), size, recipe) == (48, 48)
    assert canvas_for(layer("a", field=(52, 52)), size, recipe) == (56, 56)
    assert canvas_for(layer("a", field=(300, 300)), size, recipe) == size
    assert canvas_for(layer("a", field=None), size, recipe) == size
    assert canvas_for(layer("a", field=(3, 3)), (32, 40), recipe) == (32, 40)
    assert canvas_for(layer("a", field=(3, 3)), size, RECIPES["keras-vis-2019"]) == size


def test_the_canvas_holds_most_of_the_effective_field_and_eight_places_where_the_field_has_them():
    def canvas(stride_px, **known):
        places = (224 // stride_px[0],) * 2
        found = dataclasses.replace(
            layer("a", field=(171, 171)), stride_px=stride_px, map_size=places, **known
        )
        return canvas_for(found, (224, 224), RenderSpec())

    assert canvas(effective_field_px=(104, 90), stride_px=(8, 8)) == (88, 72)
    assert canvas(effective_field_px=(104, 90), stride_px=(16, 16)) == (128, 128)
    assert canvas(effective_field_px=None, stride_px=(16, 16)) == (176, 176)
    assert canvas(effective_field_px=(147, 147), stride_px=(32, 32)) == (120, 120)
    small = dataclasses.replace(
        layer("a", field=(40, 40)), effective_field_px=(30, 30), stride_px=(16, 16), map_size=(14, 14)
    )
    assert canvas_for(small, (224, 224), RenderSpec()) == (72, 72)


def test_a_sweep_is_one_happy_picture_a_unit_and_weight():
    sweep = tuple(dataclasses.replace(RECIPES["keras-vis-2019"], tv=10.0**k) for k in (-5, 0, 3))
    (plan,) = make_plan(
        model([layer("a", n_units=2)]), dataclasses.replace(WISH, sweep=sweep), arithmetic="float32"
    )
    assert [s.recipe.tv for s in plan.sets[2:]] == [1e-5, 1.0, 1e3]
    assert all(len(s.pictures) == 2 for s in plan.sets[2:])


@st.composite
def partly_stored(draw):
    """Plans of some layers, and the keys of those of their pictures that are stored."""
    sizes = draw(st.lists(st.integers(1, 90), min_size=1, max_size=4))
    layers = [layer(f"l{i}", i, n_units=n) for i, n in enumerate(sizes)]
    signs = draw(st.sampled_from(["happy", "sad", "both"]))
    wish = dataclasses.replace(WISH, seeds=draw(st.integers(0, 5)), signs=signs)
    plans = make_plan(model(layers), wish, arithmetic="float32")
    every = sorted(set(keys(plans)))
    kept = draw(st.sampled_from([1.0, 0.5, 0.0]))
    return plans, {key for key in every if int(key[:4], 16) / 65536 >= kept}


def test_what_a_gate_adds_to_a_field_makes_no_larger_canvas():
    gated = dataclasses.replace(layer("a", field=None), local_field_px=(20, 10))
    assert canvas_for(gated, (224, 224), RECIPES["default"]) == canvas_for(
        layer("b", field=(20, 10)), (224, 224), RECIPES["default"]
    )
    assert max(canvas_for(gated, (224, 224), RECIPES["default"])) < 224


def test_canvases_of_enlarged_branches_are_multiples_of_the_coarsest_step_and_never_above_the_input():
    enlarged = dataclasses.replace(layer("a", field=(30, 30)), canvas_multiple_px=(32, 12))
    down, across = canvas_for(enlarged, (224, 224), RECIPES["default"])
    assert down % 32 == 0 and across % 12 == 0 and across % 8 == 0
    assert canvas_for(enlarged, (40, 40), RECIPES["default"]) == (40, 40)


@given(partly_stored(), st.sampled_from([1, 2, 8]))
def test_every_missing_picture_is_in_exactly_one_pass_and_the_last_completes_the_plan(given_, first):
    plans, stored = given_
    turns = passes(plans, stored, first)
    together = [key for turn in turns for key in keys(turn)]
    assert sorted(together) == sorted(keys(missing(plans, stored)))
    assert len(together) == len(set(together)) and stored.isdisjoint(together)
    assert all(keys(turn) for turn in turns)
    assert missing(plans, stored | set(together)) == []


@given(partly_stored())
def test_no_layer_has_less_after_a_pass_than_before_and_none_waits_for_another(given_):
    plans, _ = given_
    turns = passes(plans, set())
    there = {plan.layer.name: set() for plan in plans}
    for number, turn in enumerate(turns):
        before = {name: len(found) for name, found in there.items()}
        for plan in turn:
            there[plan.layer.name].update(p.key for p in plan.pictures)
        assert all(len(there[name]) >= n for name, n in before.items())
        if number == 0:
            assert all(there.values())


def test_the_first_pass_is_all_that_a_verdict_needs_of_eight_units_of_each_layer_drawn_at_random():
    plans = make_plan(model([layer("a", n_units=80), layer("b", 1, 3)]), WISH, arithmetic="float32")
    first = passes(plans, set())[0]
    assert [p.layer.name for p in first] == ["a", "b"]
    scored, shown = first[0].sets
    chosen = set(drawn_order(plans[0].layer.graph_hash, range(80))[:8])
    assert {p.unit for p in scored.pictures} == {p.unit for p in shown.pictures} == chosen
    assert {(p.sign, p.seed) for p in scored.pictures} == {("happy", seed) for seed in range(4)}
    assert {(p.sign, p.seed) for p in shown.pictures} == {("happy", 0)}
    assert [len(s.pictures) for s in first[1].sets] == [12, 3]


def test_after_the_first_pass_come_as_many_units_then_twice_as_many_and_sad_pictures_last():
    plans = make_plan(model([layer("a", n_units=80)]), WISH, arithmetic="float32")
    told = [[(s.recipe.name, len(s.pictures)) for p in turn for s in p.sets] for turn in passes(plans, set())]
    assert told == [
        [("default", 32), ("show", 8)],
        [("default", 32), ("show", 8)],
        [("default", 64), ("show", 16)],
        [("default", 128), ("show", 32)],
        [("default", 64), ("show", 16)],
        [("show", 80)],
    ]


def test_passes_are_cut_short_by_what_is_stored_and_not_begun_anew():
    plans = make_plan(model([layer("a", n_units=80)]), WISH, arithmetic="float32")
    turns = passes(plans, set())
    assert passes(plans, set(keys(turns[0]))) == turns[1:]
    assert passes(plans, set(keys(plans))) == []
