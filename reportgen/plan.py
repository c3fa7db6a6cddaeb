"""The plan of a run: the pictures to render of a model version, with their content keys.

Pure functions of layers, recipes and stored keys; they know neither networks nor files.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from reportgen.errors import ConfigError, UnknownLayer, in_brief, nearest
from reportgen.json_values import Parsed
from reportgen.sampling import drawn_order
from reportgen.spec import (
    AROUND_PLACES,
    ENGINE_VERSION,
    NULL_VERSION,
    RenderSpec,
    content_hash,
    for_kind,
    null_canvas,
    recipe_fields,
    render_keys,
)
from reportgen.store import ModelRecord
from reportgen.units import Layer, Sign, unit_ranges

CANVAS_STEP_PX = 8
"""Canvases are multiples of this, so that layers with similar receptive fields share a renderer null."""

MOST_FIELDS = 1.67
"""Width in receptive fields beyond which a canvas is not widened to have that many places."""

FIRST_UNITS = 8
"""Units of each layer in the first pass under a budget, unless another number fits it."""


@dataclass(frozen=True, slots=True)
class PlannedPicture:
    """One picture of the plan: its unit, recipe, sign and seed, and its key in the store."""

    unit: int
    recipe: str
    sign: Sign
    seed: int
    key: str


@dataclass(frozen=True, slots=True)
class PictureSet:
    """The pictures of one layer in one recipe, all on one canvas.

    Attributes:
        recipe: The recipe as it applies to this kind of layer.
        recipe_hash: Hash of the recipe as the user named it, which placements carry.
        canvas_px: Height and width.
    """

    recipe: RenderSpec
    recipe_hash: str
    canvas_px: tuple[int, int]
    pictures: tuple[PlannedPicture, ...]


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """All planned pictures of one layer; the first set is the scored recipe's, which may be empty."""

    layer: Layer
    units: tuple[int, ...]
    sets: tuple[PictureSet, ...]

    @property
    def pictures(self) -> list[PlannedPicture]:
        """Every picture, set after set."""
        return [p for s in self.sets for p in s.pictures]


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a person wants rendered.

    Attributes:
        scored, shown: The recipes of the two roles.
        sweep: Recipes of a weight sweep, one happy picture a unit each.
        layers: Globs; empty for all.
        units: `all`, `N` or a list such as `3,17,40-47`.
        seeds: Most scored pictures per unit.
        signs: `happy`, `sad` or `both`.
        batch: Pictures computed at once, if the user set it.
    """

    scored: RenderSpec
    shown: RenderSpec
    sweep: tuple[RenderSpec, ...] = ()
    layers: tuple[str, ...] = ()
    units: str = "all"
    seeds: int = 4
    signs: Literal["happy", "sad", "both"] = "both"
    batch: int | None = None


def recipe_hash(recipe: RenderSpec) -> str:
    """Return a recipe's hash in the store, of its name and everything that determines a picture."""
    return content_hash({"name": recipe.name, **recipe_fields(recipe)})


def make_plan(model: ModelRecord, request: PlanRequest, *, arithmetic: str) -> list[LayerPlan]:
    """Return the pictures to render of a model version, layer by layer.

    The default plan is at most six pictures per unit: four happy seeds in the scored recipe, one happy and
    one sad in the display recipe. See `with_starts` for those that a unit needs.

    Raises:
        UnknownLayer: A glob matches nothing.
        ConfigError: The units have a wrong format, or no layer has any of them.
    """
    plans = []
    for layer in select_layers(model.layers, request.layers):
        units = select_units(request.units, layer.n_units)
        if units:
            sets = tuple(
                _picture_set(model, layer, units, recipe, takes, arithmetic, request.batch)
                for recipe, takes in _takes(request)
            )
            plans.append(LayerPlan(layer, units, sets))
    if not plans:
        raise ConfigError(f'units "{request.units}": no layer has any of these units')
    return plans


def with_starts(plan: LayerPlan, least: int, every: Collection[int]) -> LayerPlan:
    """Return the plan with the first `least` scored pictures of each unit, and all those of some units.

    Args:
        plan: With all scored pictures that units may get.
        least: Scored pictures of a unit, by seed from 0.
        every: Units that keep all of theirs.
    """
    scored, *others = plan.sets
    kept = tuple(p for p in scored.pictures if p.seed < least or p.unit in every)
    return dataclasses.replace(plan, sets=(dataclasses.replace(scored, pictures=kept), *others))


def missing(plans: Iterable[LayerPlan], stored: Collection[str]) -> list[LayerPlan]:
    """Return the plans without stored pictures, and without sets and plans that are then empty.

    A picture that two recipes share is returned once.
    """
    seen = set(stored)
    remaining = []

    def unseen(picture: PlannedPicture) -> bool:
        fresh = picture.key not in seen
        seen.add(picture.key)
        return fresh

    for plan in plans:
        sets = tuple(
            PictureSet(s.recipe, s.recipe_hash, s.canvas_px, pictures)
            for s in plan.sets
            if (pictures := tuple(p for p in s.pictures if unseen(p)))
        )
        if sets:
            remaining.append(LayerPlan(plan.layer, plan.units, sets))
    return remaining


def passes(
    plans: Sequence[LayerPlan], stored: Collection[str], first: int = FIRST_UNITS
) -> list[list[LayerPlan]]:
    """Return what is missing in passes over all layers, so that each layer has some units early.

    First all that the verdicts and pages need of a few units of each layer, drawn at random: the scored
    pictures and the first display picture. Then the same of as many again, of twice as many, and so on; at
    last all others, such as sad pictures. Empty passes are left out; together they are
    `missing(plans, stored)`.

    Args:
        plans: All planned pictures.
        stored: Keys of stored pictures.
        first: Units of each layer in the first pass.
    """
    numbers: dict[str, int] = {}
    tiers = [_tiers(plan, first) for plan in plans]
    last = max((max(found.values()) for found in tiers), default=0)
    for plan, tier in zip(plans, tiers, strict=True):
        for role, pictures in enumerate(plan.sets):
            for p in pictures.pictures:
                needed = role == 0 or (role == 1 and p.seed == 0 and p.sign == pictures.pictures[0].sign)
                number = tier[p.unit] if needed else last + 1
                numbers[p.key] = min(number, numbers.get(p.key, number))
    lacking = missing(plans, stored)
    wanted = sorted({numbers[p.key] for plan in lacking for p in plan.pictures})
    return [_restricted(lacking, {key for key, at in numbers.items() if at == number}) for number in wanted]


def canvas_for(layer: Layer, input_size: tuple[int, int], recipe: RenderSpec) -> tuple[int, int]:
    """Return the height and width at which a layer's pictures are optimised.

    About `canvas_fields` fields, at least `canvas_min_px`, at most the model's input; the input itself for
    units whose field is the whole input. Fields through gates are ignored. With effective fields, the layer
    also has at least eight places a side where the input and the receptive field allow as many; where the
    effective field is not known, the canvas is the receptive field. If branches are upsampled to be joined
    with others, sides are multiples of the coarsest stride among them.
    """
    field, effective = layer.field_px, layer.effective_field_px
    if recipe.canvas == "input" or field is None:
        return input_size

    def side(axis: int) -> int:
        if recipe.canvas == "receptive-field":
            wanted = recipe.canvas_fields * field[axis]
        else:
            known = field[axis] if effective is None else recipe.canvas_fields * effective[axis]
            wanted = max(known, 0 if effective is None else _least_side(layer, axis, input_size[axis]))
        step = math.lcm(CANVAS_STEP_PX, layer.canvas_multiple_px[axis])
        return min(math.ceil(max(wanted, recipe.canvas_min_px) / step) * step, input_size[axis])

    return side(0), side(1)


def _least_side(layer: Layer, axis: int, input_px: int) -> int:
    """Return the pixels that a layer needs for eight places a side, or for one if the input has not as many.

    Convolutions without padding lose places at the edges. No canvas is widened beyond `MOST_FIELDS`.
    """
    if layer.field_px is None or layer.stride_px is None or layer.map_size is None:
        return 0
    field, stride = layer.field_px[axis], layer.stride_px[axis]
    lost_px = max(0, input_px - layer.map_size[axis] * stride)
    if AROUND_PLACES * stride + lost_px <= input_px:
        return min(AROUND_PLACES * stride + lost_px, math.ceil(field * MOST_FIELDS))
    return field if lost_px >= stride else 0


def select_layers(layers: Sequence[Layer], globs: Sequence[str]) -> list[Layer]:
    """Return the layers that match any of `globs`, in the model's order; all for no globs.

    `::4` takes every fourth layer, `2::4` from the third on; other globs match the model's own
    names, `*` any characters.

    Raises:
        UnknownLayer: A glob matches nothing; the nearest names are offered.
    """
    if not globs:
        return list(layers)
    chosen: set[str] = set()
    for glob in globs:
        found = _stride(layers, glob) if "::" in glob else [x.name for x in layers if _matches(x.name, glob)]
        if not found:
            names = [x.name for x in layers]
            near = nearest(glob, names, n=3, cutoff=0.3) or names[:3]
            raise UnknownLayer(
                f'layers "{glob}" matches none of {len(names)} layers',
                hint="nearest: " + ", ".join(f'"{n}"' for n in near),
            )
        chosen.update(found)
    return [x for x in layers if x.name in chosen]


def select_units(text: str, n_units: int) -> tuple[int, ...]:
    """Return the units that `text` names and the layer has.

    Args:
        text: `all`; `N`, the first N; or a list such as `3,17,40-47` (with a comma or a dash).
        n_units: Units of the layer.

    Raises:
        ConfigError: Not of that form.
    """
    try:
        ranges = unit_ranges(text)
    except ValueError as error:
        raise ConfigError(f"units is {in_brief(text)}, {error}") from None
    if ranges is None:
        return tuple(range(n_units))
    return tuple(sorted({u for low, high in ranges for u in range(low, min(high + 1, n_units))}))


def null_setting(recipe: RenderSpec, canvas_px: tuple[int, int], channels: int, *, is_map: bool,
                 arithmetic: str) -> str:  # fmt: skip
    """Return the hash of everything that the renderer null of pictures on a canvas depends on."""
    return content_hash(
        {
            "recipe": recipe_fields(recipe),
            "canvas": null_canvas(canvas_px),
            "channels": channels,
            "map": is_map,
            "version": NULL_VERSION,
            "engine": ENGINE_VERSION,
            "arithmetic": arithmetic,
        }
    )


def _tiers(plan: LayerPlan, first: int) -> dict[int, int]:
    """Return the tier of each unit: the first few that are drawn, then as many again, then twice as many."""
    order = drawn_order(plan.layer.graph_hash, plan.units)
    return {unit: (i // first).bit_length() for i, unit in enumerate(order)}


def _restricted(plans: Iterable[LayerPlan], keys: Collection[str]) -> list[LayerPlan]:
    """Return the plans restricted to the pictures with these keys."""
    chosen = []
    for plan in plans:
        sets = tuple(
            PictureSet(s.recipe, s.recipe_hash, s.canvas_px, pictures)
            for s in plan.sets
            if (pictures := tuple(p for p in s.pictures if p.key in keys))
        )
        if sets:
            chosen.append(LayerPlan(plan.layer, plan.units, sets))
    return chosen


def _takes(request: PlanRequest) -> list[tuple[RenderSpec, list[tuple[Sign, int]]]]:
    """Return each recipe with its signs and seeds."""
    scored_sign: Sign = "sad" if request.signs == "sad" else "happy"
    shown_signs: list[Sign] = ["happy", "sad"] if request.signs == "both" else [request.signs]
    sweep: list[tuple[RenderSpec, list[tuple[Sign, int]]]] = [(r, [("happy", 0)]) for r in request.sweep]
    return [
        (request.scored, [(scored_sign, seed) for seed in range(request.seeds)]),
        (request.shown, [(sign, 0) for sign in shown_signs]),
        *sweep,
    ]  # fmt: skip


def key_parts(
    model: ModelRecord, layer: Layer, recipe: RenderSpec, arithmetic: str, batch: int | None = None
) -> tuple[RenderSpec, tuple[int, int], Parsed]:
    """Return the recipe as it applies to a layer, its canvas, and the arguments of `spec.render_keys`."""
    own = for_kind(recipe, layer.kind)
    canvas = canvas_for(layer, model.input_shape[:2], own)
    fixed = {
        "graph_hash": layer.judged_hash if own.objective == "post" else layer.graph_hash,
        "input_range": model.input_range.key,
        "input_shape": model.input_shape,
        "recipe": own,
        "canvas_px": canvas,
        "arithmetic": arithmetic,
        "batch": batch,
    }
    return own, canvas, fixed


def _picture_set(model: ModelRecord, layer: Layer, units: Sequence[int], recipe: RenderSpec,
                 takes: Sequence[tuple[Sign, int]], arithmetic: str,
                 batch: int | None) -> PictureSet:  # fmt: skip
    own, canvas, fixed = key_parts(model, layer, recipe, arithmetic, batch)
    hash_, key = recipe_hash(recipe), render_keys(**fixed)
    pictures = tuple(
        PlannedPicture(unit, hash_, sign, seed, key(((unit, 1.0),), sign, seed))
        for unit in units
        for sign, seed in takes
    )  # fmt: skip
    return PictureSet(own, hash_, canvas, pictures)


def _stride(layers: Sequence[Layer], glob: str) -> list[str]:
    found = re.fullmatch(r"(\d*)::(\d+)", glob)
    if found is None or int(found[2]) == 0:
        raise ConfigError(f'layers "{glob}": wanted ::N for every Nth layer, or START::N')
    return [x.name for x in layers[int(found[1] or 0) :: int(found[2])]]


def _matches(name: str, glob: str) -> bool:
    """A glob matches a layer's whole name, or the part after the last `/` of a nested one."""
    return (
        name == glob or fnmatch.fnmatchcase(name, glob) or fnmatch.fnmatchcase(name.rsplit("/", 1)[-1], glob)
    )
