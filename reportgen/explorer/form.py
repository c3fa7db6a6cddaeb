"""The form by which a recipe is changed: every field of a recipe, its kind, and where it stands.

Drawn by the client; the values come back as `asked.parse` takes them. Pure.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

from reportgen.explorer.render_request import Device
from reportgen.json_values import JsonObject
from reportgen.spec import CHOICES, RECIPES, RenderSpec, for_kind
from reportgen.units import SIGNS

NOT_IN_FORM = ("name", "scored", "tv_dense", "spectrum")
"""Fields that are no control: a recipe's name and use; what `tv` stands for; amplitudes from a file."""


@dataclass(frozen=True, slots=True)
class Field:
    """A control of the form.

    Attributes:
        name: The recipe's field.
        label: What people read.
        kind: `weight` (a number over decades), `number`, `whole`, `choice` or `flag`.
        choices: Of a `choice`.
        slider: Lower end, upper end and step of a slider next to the number; for `weight` in powers of ten.
        note: What it does, in a few words.
    """

    name: str
    label: str
    kind: Literal["weight", "number", "whole", "choice", "flag"]
    choices: tuple[str, ...] = ()
    slider: tuple[float, float, float] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Controls under one heading; those of the first group are always in sight."""

    title: str
    fields: tuple[Field, ...]


_WORDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Recipe": (
        ("tv", "Total variation", "penalty on roughness; smoother to the right"),
        ("steps", "Steps", "most steps of the ascent"),
        ("step_size", "Step size", "of the optimiser"),
        ("jitter_px", "Jitter", "px; shifts at each step"),
    ),
    "Penalties and moves": (
        ("tv_power", "Its exponent", "of total variation"),
        ("lp", "Lp weight", "penalty on distance from mid-grey"),
        ("lp_power", "p of Lp", ""),
        ("penalty_scaling", "Weights are", "relative to the gradient, or absolute"),
        ("scale", "Change of size", "share; 0.1 is a tenth"),
        ("rotate_degrees", "Rotation", "degrees"),
    ),
    "Picture and start": (
        ("parametrization", "Parametrization", "what the optimiser moves"),
        ("decay", "Decay", "power of 1/f"),
        ("band", "Band", "cycles a pixel; 0 for all"),
        ("decorrelate", "Grey before colour", "as photographs have it"),
        ("start_mean", "Start, mean", "0 to 1"),
        ("start_noise", "Start, noise", "spread"),
        ("rescue", "Rescue silent starts", ""),
        ("output", "Output", ""),
        ("keep", "Keep", "the last picture or the best"),
    ),
    "Objective and ascent": (
        ("objective", "Before or after activation", ""),
        ("reduction", "Reduction", "over positions"),
        ("rim", "Rim", "share of the map left out"),
        ("optimiser", "Optimiser", ""),
        ("cooling", "Shortening", "share of the step size lost by the last step"),
        ("min_steps", "Fewest steps", ""),
        ("plateau", "Plateau", "least gain in a window; 0 never stops early"),
        ("window", "Window", "steps"),
    ),
    "Canvas": (
        ("canvas", "Canvas", ""),
        ("canvas_fields", "Fields", "across the canvas"),
        ("canvas_min_px", "Least side", "px"),
    ),
}
_SLIDERS: dict[str, tuple[float, float, float]] = {
    "tv": (-5, 3, 0.25),
    "lp": (-5, 3, 0.25),
    "steps": (8, 512, 8),
    "jitter_px": (0, 32, 1),
    "rotate_degrees": (0, 45, 1),
    "scale": (0, 0.5, 0.01),
}
_WEIGHTS = ("tv", "lp")


def groups() -> tuple[Group, ...]:
    """Return the form's controls in order."""
    hints = get_type_hints(RenderSpec)
    return tuple(
        Group(title, tuple(_field(*words, hints[words[0]]) for words in own)) for title, own in _WORDS.items()
    )


def form_spec() -> JsonObject:
    """Return all that the client draws the form from, JSON's types only."""
    return {
        "groups": [dataclasses.asdict(group) for group in groups()],
        "recipes": {name: recipe_values(recipe) for name, recipe in RECIPES.items()},
        "dense": {name: _of_dense(recipe) for name, recipe in RECIPES.items()},
        "signs": list(SIGNS),
        "devices": list(get_args(Device)),
    }


def recipe_values(recipe: RenderSpec) -> JsonObject:
    """Return the values of the form's controls for a recipe."""
    return {f.name: getattr(recipe, f.name) for f in dataclasses.fields(recipe) if f.name not in NOT_IN_FORM}


def _of_dense(recipe: RenderSpec) -> JsonObject:
    """Return the values that are others for dense layers."""
    own, general = recipe_values(for_kind(recipe, "dense")), recipe_values(recipe)
    return {name: value for name, value in own.items() if value != general[name]} | {"jitter_px": 0}


def _field(name: str, label: str, note: str, hint: object) -> Field:
    if name in CHOICES:
        return Field(name, label, "choice", CHOICES[name], note=note)
    slider = _SLIDERS.get(name)
    if name in _WEIGHTS:
        return Field(name, label, "weight", slider=slider, note=note)
    kind: Literal["number", "whole", "flag"] = (
        "flag" if hint is bool else "whole" if hint is int else "number"
    )
    return Field(name, label, kind, slider=slider, note=note)
