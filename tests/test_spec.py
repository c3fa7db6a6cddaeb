"""Specs hash by what they mean: same recipe, same key; anything that changes a picture, another key."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.errors import ConfigError
from reportgen.spec import (
    ENGINE_VERSION,
    RECIPES,
    RenderSpec,
    canonical_json,
    content_hash,
    for_kind,
    recipe_fields,
    recipe_named,
    render_key,
    with_numbers,
)

PICTURE = {
    "graph_hash": "g",
    "input_range": ((0.0,), (1.0,)),
    "input_shape": (48, 48, 1),
    "objective": ((3, 1.0),),
    "sign": "happy",
    "start": 0,
    "recipe": RenderSpec(),
    "canvas_px": (48, 48),
    "arithmetic": "float32",
    "batch": None,
}


def test_the_same_picture_has_the_same_key():
    assert render_key(**PICTURE) == render_key(**PICTURE)
    assert len(render_key(**PICTURE)) == 32


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("graph_hash", "h"),
        ("input_range", ((0.0,), (255.0,))),
        ("input_shape", (64, 64, 1)),
        ("objective", ((4, 1.0),)),
        ("objective", ((3, -1.0),)),
        ("sign", "sad"),
        ("start", 1),
        ("start", "hash of a picture"),
        ("recipe", RenderSpec(tv=0.2)),
        ("canvas_px", (56, 48)),
        ("arithmetic", "bfloat16"),
        ("batch", 4),
    ],
)
def test_whatever_changes_the_picture_changes_the_key(part, value):
    assert render_key(**{**PICTURE, part: value}) != render_key(**PICTURE)


@pytest.mark.parametrize(
    "name", [f.name for f in dataclasses.fields(RenderSpec) if f.name not in ("name", "scored")]
)
def test_every_field_of_a_recipe_enters_the_key(name):
    value = getattr(RenderSpec(), name)
    other = (
        1.0
        if value is None
        else (not value)
        if isinstance(value, bool)
        else value + 1
        if isinstance(value, (int, float))
        else (*value, 1.0)
        if isinstance(value, tuple)
        else value + "x"
    )
    changed = dataclasses.replace(RenderSpec(), **{name: other})
    assert render_key(**{**PICTURE, "recipe": changed}) != render_key(**PICTURE)


def test_a_recipes_name_does_not_enter_the_key():
    renamed = dataclasses.replace(RenderSpec(), name="mine")
    assert render_key(**{**PICTURE, "recipe": renamed}) == render_key(**PICTURE)


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.booleans(), st.none())))
def test_canonical_json_does_not_depend_on_order(value):
    shuffled = dict(reversed(list(value.items())))
    assert canonical_json(value) == canonical_json(shuffled)
    assert json.loads(canonical_json(value)) == value


def test_one_and_one_point_zero_are_one_number():
    assert content_hash({"tv": 1}) == content_hash({"tv": 1.0})


def test_a_number_of_a_recipe_can_be_set_from_text():
    assert with_numbers(RenderSpec(), {"tv": "0.2", "steps": "64", "rescue": "false"}) == RenderSpec(
        tv=0.2, steps=64, rescue=False
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("tvv", 1, '"tvv" is not a setting'),
        ("tv", "much", "wanted float"),
        ("tv", -1, "wanted 0 to"),
        ("tv", "nan", "tv is nan"),
        ("steps", "1.5", "wanted int"),
        ("steps", "inf", "wanted int"),
        ("keep", "some", "one of last, best"),
        ("spectrum", "1,2", "spectrum has 2 values, wanted 16 amplitudes"),
        ("spectrum", "1,much", "wanted tuple"),
    ],
)
def test_a_wrong_number_is_named(key, value, said):
    with pytest.raises(ConfigError, match=said):
        with_numbers(RenderSpec(), {key: value})


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"one of .*keras-vis-2019"):
        recipe_named("none of them")


def test_a_recipe_mistyped_offers_the_nearest():
    with pytest.raises(ConfigError, match=r'recipe "lucit" does not exist \(did you mean "lucid"\?\)$'):
        recipe_named("lucit")


def test_the_reproduction_weighs_tv_more_on_dense_layers_unless_the_user_said_so():
    recipe = RECIPES["keras-vis-2019"]
    assert for_kind(recipe, "conv2d").tv == 1e-2
    assert for_kind(recipe, "dense").tv == 1e1
    assert for_kind(with_numbers(recipe, {"tv": 3.0}), "dense").tv == 3.0
    assert for_kind(with_numbers(recipe, {"tv": 1e-2}), "dense").tv == 1e-2
    assert for_kind(with_numbers(recipe, {"lp": 1.0}), "dense").tv == 1e1


def test_a_spectrum_is_a_value_that_survives_the_way_through_a_file():
    recipe = with_numbers(RECIPES["maco"], {"spectrum": [0.1] * 16})
    assert RenderSpec(**json.loads(canonical_json(recipe))) == recipe
    assert with_numbers(RECIPES["maco"], {"spectrum": ",".join(["0.1"] * 16)}) == recipe


def test_only_the_default_recipe_is_scored():
    assert [name for name, recipe in RECIPES.items() if recipe.scored] == ["default"]


def test_a_key_is_the_hash_of_the_canonical_json_of_all_its_parts():
    """As docs/store.md says, so that others can work it out."""
    whole = {
        "graph": "g", "range": [[0], [1]], "input": [48, 48, 1], "objective": [[3, 1]], "sign": "happy",
        "start": 0, "recipe": recipe_fields(RenderSpec()), "canvas": [48, 48], "arithmetic": "float32",
        "engine": ENGINE_VERSION,
    }  # fmt: skip
    assert render_key(**PICTURE) == content_hash(whole)
    assert render_key(**{**PICTURE, "batch": 4}) == content_hash({**whole, "batch": 4})
