"""The form holds every part of a recipe, and what it says is what is asked."""

import dataclasses

import pytest

from reportgen.explorer.form import NOT_IN_FORM, form_spec, groups, recipe_values
from reportgen.explorer.render_request import parse
from reportgen.spec import RECIPES, RenderSpec


def test_every_part_of_a_recipe_has_one_control():
    shown = [field.name for group in groups() for field in group.fields]
    assert sorted(shown) == sorted(
        f.name for f in dataclasses.fields(RenderSpec) if f.name not in NOT_IN_FORM
    )


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_through_the_form_is_that_recipe(name):
    form = {
        "model": "m",
        "version": "v",
        "layer": "l",
        "recipe": name,
        "numbers": recipe_values(RECIPES[name]),
    }
    assert parse(form).recipe == RECIPES[name]


def test_every_choice_is_one_that_a_recipe_may_have():
    for group in groups():
        for field in group.fields:
            for choice in field.choices:
                form = {"model": "m", "version": "v", "layer": "l", "numbers": {field.name: choice}}
                assert getattr(parse(form).recipe, field.name) == choice


def test_the_form_is_json():
    import json

    assert set(json.loads(json.dumps(form_spec()))["recipes"]) == set(RECIPES)
