"""The form holds every part of a recipe, and what it says is what is asked."""

import dataclasses

import pytest

from reportgen.explorer.form import NOT_IN_FORM, form_spec, groups, recipe_values
from reportgen.explorer.render_request import parse
from reportgen.spec import RECIPES, RenderSpec, for_kind


def test_every_part_of_a_recipe_has_one_control():
    shown = [field.name for group in groups() for field in group.fields]
    assert sorted(shown) == sorted(
        f.name for f in dataclasses.fields(RenderSpec) if f.name not in NOT_IN_FORM
    )


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("kind", ["conv", "dense"])
def test_what_the_form_shows_of_a_recipe_is_what_holds_for_that_kind_of_layer(name, kind):
    spec = form_spec()
    shown = {**spec["recipes"][name], **(spec["dense"][name] if kind == "dense" else {})}
    asked = parse({"model": "m", "version": "v", "layer": "l", "recipe": name, "numbers": shown})
    assert for_kind(asked.recipe, kind) == for_kind(RECIPES[name], kind)
    assert recipe_values(for_kind(RECIPES[name], kind)) == shown
    assert spec["dense"][name]["jitter_px"] == 0


def test_every_choice_is_one_that_a_recipe_may_have():
    for group in groups():
        for field in group.fields:
            for choice in field.choices:
                form = {"model": "m", "version": "v", "layer": "l", "numbers": {field.name: choice}}
                assert getattr(parse(form).recipe, field.name) == choice


def test_the_form_is_json():
    import json

    assert set(json.loads(json.dumps(form_spec()))["recipes"]) == set(RECIPES)
