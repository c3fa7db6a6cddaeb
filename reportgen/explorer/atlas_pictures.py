"""The atlas's own pictures as the explorer shows them: with what asked for them, and how they were found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reportgen.atlas.rows import RenderRow
from reportgen.explorer.render_request import Asked
from reportgen.json_values import JsonObject
from reportgen.spec import RECIPES, RenderSpec
from reportgen.store import ModelRecord, Store, placements_of
from reportgen.units import Sign, activation_of


@dataclass(frozen=True, slots=True)
class AtlasPicture:
    """A picture of the atlas.

    Attributes:
        key: Its content key.
        asked: What would ask for it; None where its recipe has no name that a form knows.
        recipe: What its recipe is called.
        activation: Of the picture itself, in the network's own sign, as the unit's page has it.
        curve: Pairs of step and activation, each under its step's transform, in the network's own sign.
        steps: How many were taken.
    """

    key: str
    asked: Asked | None
    recipe: str
    activation: float
    curve: tuple[tuple[int, float], ...]
    steps: int

    def as_json(self) -> JsonObject:
        """Return it for the page, JSON's types only."""
        return {
            "key": self.key,
            "form": self.asked.as_dict() if self.asked else None,
            "recipe": self.recipe,
            "activation": finite_or_none(self.activation),
            "curve": [[step, value] for step, value in self.curve if math.isfinite(value)],
            "steps": self.steps,
        }


def atlas_picture(
    record: ModelRecord, layer: str, render: RenderRow, recipes: Mapping[str, RenderSpec]
) -> AtlasPicture:
    """Return a stored render that did not fail.

    Args:
        record, layer: Whose render it is.
        render: The render.
        recipes: Of the store, by hash.
    """
    recipe, sign = recipes.get(render.recipe), _sign(render.sign)
    return AtlasPicture(
        render.key,
        _asked(record, layer, render.unit, sign, render.seed, recipe),
        recipe.name if recipe else "",
        activation_of(render.telemetry.activation_end, sign),
        tuple((step, activation_of(value, sign)) for step, value in render.telemetry.curve),
        render.telemetry.steps,
    )


def asked_of(store: Store, key: str, near: str = "") -> Asked | None:
    """Return what would ask for the atlas's picture of a content key; None where nothing would.

    Args:
        store: The store.
        key: The content key; several versions of a model may share a picture.
        near: The `model/version` that is preferred.
    """
    records, recipes = {r.id: r for r in store.models()}, store.recipes()
    found: Sequence[Asked] = [
        asked
        for model, layer, unit, recipe, sign, seed in placements_of(store, key)
        if model in records
        and (asked := _asked(records[model], layer, unit, _sign(sign), seed, recipes.get(recipe)))
    ]
    return next((asked for asked in found if asked.of == near), found[0] if found else None)


def finite_or_none(value: float | None) -> float | None:
    """Return a number as JSON has it, which knows no others than finite ones."""
    return value if value is not None and math.isfinite(value) else None


def _asked(
    record: ModelRecord, layer: str, unit: int, sign: Sign, seed: int, recipe: RenderSpec | None
) -> Asked | None:
    if recipe is None or recipe.name not in RECIPES:
        return None
    return Asked(record.name, record.version, layer, ((unit, 1.0),), sign, seed, recipe=recipe)


def _sign(word: str) -> Sign:
    return "sad" if word == "sad" else "happy"
