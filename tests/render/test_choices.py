"""What a recipe may say is there, and what is there a recipe may say."""

import dataclasses
from typing import get_args

import numpy as np
import pytest

from reportgen.models.onnx.registry import operator, operators
from reportgen.render.objectives import OBJECTIVES, REDUCTIONS, Aim
from reportgen.render.optimisers import OPTIMISERS
from reportgen.render.parametrizations import PARAMETRIZATIONS, parametrization
from reportgen.render.penalties import PENALTIES
from reportgen.render.structure import compiled_part
from reportgen.spec import CHOICES, RECIPES, RenderSpec
from reportgen.units import InputRange

FIELDS = {field.name for field in dataclasses.fields(RenderSpec)}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (PARAMETRIZATIONS, CHOICES["parametrization"]),
        (OPTIMISERS, CHOICES["optimiser"]),
        (REDUCTIONS, (*CHOICES["reduction"], "mean-square")),
        (OBJECTIVES, get_args(Aim)),
    ],
    ids=["parametrizations", "optimisers", "reductions", "objectives"],
)
def test_each_choice_of_a_recipe_has_a_function(found, wanted):
    assert set(found) == set(wanted)


def test_each_penalty_has_a_weight_and_an_exponent_in_recipes():
    assert {name for penalty in PENALTIES for name in (penalty, f"{penalty}_power")} <= FIELDS


def test_each_parametrization_compiles_fields_that_recipes_have():
    for name, way in PARAMETRIZATIONS.items():
        assert set(way.compiled) <= FIELDS, name


@pytest.mark.parametrize("name", CHOICES["parametrization"])
def test_what_a_parametrization_compiles_is_all_that_its_steps_and_pictures_depend_on(name):
    recipe = RenderSpec(
        parametrization=name, decay=0.6, band=0.3, decorrelate=True, start_mean=0.4, start_noise=0.1,
        spectrum=tuple(0.01 * k for k in range(1, 17)),
    )  # fmt: skip
    whole, part = (
        parametrization(r, (8, 8, 3), InputRange((-1.0,), (2.0,))) for r in (recipe, compiled_part(recipe))
    )
    x, change = np.random.default_rng(0).random((2, 1, 8, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(*(np.asarray(p.stepped(x, change - 0.5)) for p in (whole, part)))
    if whole.picture is not None and part.picture is not None:
        np.testing.assert_array_equal(*(np.asarray(p.picture(x)) for p in (whole, part)))


def test_an_operator_of_onnx_is_entered_once():
    assert "Relu" in operators()
    with pytest.raises(ValueError, match='operator "Relu" is registered twice'):
        operator("Relu")(lambda call: None)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_numbers_that_are_not_compiled_in_leave_the_structure_alone(name):
    recipe = RECIPES[name]
    numbers = {"steps": 7, "step_size": 0.5, "plateau": 0.5, "min_steps": 1, "canvas_min_px": 32}
    numbers |= {weight: 0.3 for weight in PENALTIES if getattr(recipe, weight)}
    changed = dataclasses.replace(recipe, name="other", scored=False, **numbers)
    assert compiled_part(changed) == compiled_part(recipe)
    assert compiled_part(compiled_part(recipe)) == compiled_part(recipe)


@pytest.mark.parametrize(
    "change",
    [{"tv": 0.0}, {"lp": 0.5}, {"tv_power": 1.5}, {"jitter_px": 0}, {"rotate_degrees": 3.0}, {"rim": 0.2},
     {"keep": "best"}, {"objective": "post"}, {"optimiser": "rmsprop-2019"}, {"window": 4}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_is_compiled_in_makes_another_structure(change):
    recipe = RECIPES["default"]
    assert compiled_part(dataclasses.replace(recipe, **change)) != compiled_part(recipe)
