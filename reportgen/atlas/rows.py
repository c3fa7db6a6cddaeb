"""A layer as the pages need it: its renders without their pixels, scores, findings and measurements.

Read from the store once a layer; pictures stay there until they are encoded. Nothing here
is worded or laid out.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from reportgen.atlas.faint import faint_of
from reportgen.images import decode_png
from reportgen.judgement import LayerFindings
from reportgen.removal import Removal, UnitNeed
from reportgen.score.sampled import Shares, verdict_shares
from reportgen.spec import RenderSpec, ScoreSpec
from reportgen.store import ModelRecord, Store, StoredRender, layer_owner, model_owner, null_owner, units_of
from reportgen.units import Layer, Telemetry, UnitScore
from reportgen.verdicts import verdict_of

N_NEIGHBOURS = 8
N_LINKS = 6
SHOWCASE_CONTRAST = 0.1
"""RMS contrast of a unit's pictures, in [0,1], below which it comes last where the best are shown."""
LEAST_REACHED = 0.25
"""Share of the scored pictures' activation that a display picture needs to stand for its unit."""


@dataclass(frozen=True, slots=True)
class RenderRow:
    """A stored render without its pixels.

    Attributes:
        spread: Standard deviation of all its values, 0..1.
        faint: Whether it is hard to see (see `reportgen.atlas.faint`).
    """

    unit: int
    recipe: str
    sign: str
    seed: int
    key: str
    height: int
    width: int
    channels: int
    failure: str
    telemetry: Telemetry
    spread: float = 1.0
    faint: bool = False


@dataclass(frozen=True)
class LayerRows:
    """All that is known of one layer.

    Attributes:
        units: Those with a score or a render, in order.
        renders: By unit, in the store's order.
        scores: By unit.
        flat, weights: Arrays as measured; empty if they were not.
        null_setting: Hash under which the renderer null stands, or empty.
        n_null, null_size: Pictures of the renderer null, and their height and width in pixels.
        probes: What its units answer to the probe pictures, as measured; empty if it was not.
        dim: Units whose leading picture is known to be nearly of one colour (see `showcase`).
        natural, about: What its units answer to a person's own pictures, as measured, and what is known of
            these; empty if it was not.
        needs: By unit, what the network loses without it; empty if it was not measured.
        removal: The result of removal for the model version, where rows are read for the layer's own page.
    """

    record: ModelRecord
    layer: Layer
    units: tuple[int, ...]
    renders: Mapping[int, tuple[RenderRow, ...]]
    scores: Mapping[int, UnitScore]
    findings: LayerFindings
    flat: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]
    null_setting: str
    n_null: int
    null_size: tuple[int, int]
    natural: Mapping[str, np.ndarray] = field(default_factory=dict)
    about: Mapping[str, np.ndarray] = field(default_factory=dict)
    probes: Mapping[str, np.ndarray] = field(default_factory=dict)
    dim: frozenset[int] = frozenset()
    needs: Mapping[int, UnitNeed] = field(default_factory=dict)
    removal: Removal | None = None

    @cached_property
    def scored_recipe(self) -> str:
        """Hash of the recipe that is scored."""
        return str(self.record.roles(self.layer.name).get("scored", ""))

    @cached_property
    def shown_recipe(self) -> str:
        """Hash of the recipe that is shown first."""
        return str(self.record.roles(self.layer.name).get("shown", ""))

    @cached_property
    def estimates(self) -> Shares:
        """Share of each verdict among all units, exact or estimated; nothing where neither is known."""
        return verdict_shares(self.record, self.layer, self.scores.values())

    @property
    def sweep_recipes(self) -> tuple[str, ...]:
        """Hashes of the recipes of the weight sweep, weakest first."""
        return tuple(self.record.roles(self.layer.name).get("sweep") or ())

    @cached_property
    def links(self) -> dict[str, list[list[tuple[str, int, float, float]]]]:
        """Strongest links, by `in` and `out` and then by unit: the other's layer, unit, weight and norm.

        Up to six, largest norm first.
        """
        found = {}
        for way in ("in", "out"):
            parts = [self.weights.get(f"{way}_{what}") for what in ("layer", "unit", "weight", "norm")]
            if all(part is not None for part in parts):
                layers, units, weights, norms = (part for part in parts if part is not None)
                order = np.argsort(np.where(layers == "", np.inf, -norms), axis=1, kind="stable")[:, :N_LINKS]
                best = (
                    np.take_along_axis(part, order, 1).tolist() for part in (layers, units, weights, norms)
                )
                found[way] = [
                    [link for link in zip(*own, strict=True) if link[0]] for own in zip(*best, strict=True)
                ]
        return found

    @cached_property
    def thresholds(self) -> ScoreSpec:
        """Cut, borderline band and least correlation of copies it was scored by; else the defaults."""
        names = ("structure_z", "borderline_z", "duplicate_correlation")
        thresholds = {name: value for name in names if (value := getattr(self.findings, name)) is not None}
        return dataclasses.replace(ScoreSpec(), **thresholds)

    def of(self, unit: int, recipe: str, sign: str) -> tuple[RenderRow, ...]:
        """Return a unit's renders of one recipe and sign, in order of seeds."""
        return tuple(r for r in self.renders.get(unit, ()) if r.recipe == recipe and r.sign == sign)

    def lead(self, unit: int) -> RenderRow | None:
        """Return the render that stands for a unit."""
        verdict = self.scores[unit].verdict if unit in self.scores else ""
        return lead_of(self.renders.get(unit, ()), self.record.roles(self.layer.name), verdict)

    def pale(self, unit: int) -> bool:
        """Return whether a unit's scored pictures, or the one it leads with, are known to be hard to see."""
        contrast = self.scores[unit].look.contrast if unit in self.scores else None
        return unit in self.dim or (contrast is not None and contrast < SHOWCASE_CONTRAST)

    @cached_property
    def copies(self) -> dict[int, list[int]]:
        """Units that are copies, by the unit they are copies of."""
        found: dict[int, list[int]] = {}
        for unit, score in self.scores.items():
            if score.duplicate_of is not None:
                found.setdefault(score.duplicate_of, []).append(unit)
        return found

    @property
    def counts(self) -> dict[str, int]:
        """Units by verdict; those that were rendered and not scored under an empty word."""
        found: dict[str, int] = {}
        for unit in self.units:
            word = self.scores[unit].verdict if unit in self.scores else ""
            found[word] = found.get(word, 0) + 1
        return found


def lead_of(renders: Sequence[RenderRow], roles: Mapping[str, object], verdict: str) -> RenderRow | None:
    """Return the render that represents a unit: happy before sad, shown before scored before any other.

    A display picture that drives its unit far less than the scored ones do, or is hard to see where one of
    them is clearer, shows something else: then that scored one represents the unit. A unit that was judged
    static is represented by a scored one too, since the display recipe makes patterns out of noise.
    """
    order = {roles.get("shown"): 0, roles.get("scored"): 1}
    found = sorted(renders, key=lambda r: (r.sign != "happy", order.get(r.recipe, 2)))
    if not found:
        return None
    alike = [r for r in found if r.sign == found[0].sign and not r.failure]
    shown, scored = ([r for r in alike if order.get(r.recipe) == place] for place in (0, 1))
    if not shown or not scored:
        return found[0]
    if not verdict_of(verdict).shown_leads or _falls_short(shown[0], scored):
        return next((r for r in scored if not r.faint), scored[0])
    clearer = [r for r in scored if not r.faint and r.spread > shown[0].spread]
    return clearer[0] if shown[0].faint and clearer else found[0]


def _falls_short(shown: RenderRow, scored: Sequence[RenderRow]) -> bool:
    reached = statistics.median(r.telemetry.activation_end for r in scored)
    return reached > 0 and shown.telemetry.activation_end < LEAST_REACHED * reached


def render_rows(
    store: Store, record: ModelRecord, layer: Layer, units: Sequence[int] | None = None
) -> dict[int, tuple[RenderRow, ...]]:
    """Return a layer's renders by unit, in the store's order; of some units only, where they are named."""
    renders: dict[int, list[RenderRow]] = {}
    for r in store.renders(record.id, layer.name, units=units, plain_only=True):
        row = RenderRow(
            r.unit,
            r.recipe,
            r.sign,
            r.seed,
            r.key,
            r.height,
            r.width,
            r.channels,
            r.failure,
            r.telemetry,
            *_seen(r),
        )
        renders.setdefault(r.unit, []).append(row)
    return {unit: tuple(rows) for unit, rows in renders.items()}


def _seen(render: StoredRender) -> tuple[float, bool]:
    """Return the spread of a picture's values, and whether it is hard to see."""
    if render.failure or not render.picture:
        return 0.0, False
    pixels = decode_png(render.picture, render.channels)
    mean, spread = float(pixels.mean()) / 255, float(pixels.std()) / 255
    return spread, faint_of(mean, spread) is not None


def layer_rows(
    store: Store, record: ModelRecord, layer: Layer, units: Sequence[int] | None = None
) -> LayerRows:
    """Return what the store knows of a layer; with the renders of some units only, where they are named."""
    renders = render_rows(store, record, layer, units)
    scores = {s.unit: s for s in store.scores(record.id, layer.name)}
    owner = layer_owner(record.id, layer.name)
    setting = _text(store.measurement(owner, "null"), "setting")
    null = store.measurement(null_owner(setting), "pictures") if setting else None
    return LayerRows(
        record=record,
        layer=layer,
        units=tuple(sorted(set(renders) | set(scores))),
        renders=renders,
        scores=scores,
        findings=store.findings(record.id, layer.name),
        flat=store.measurement(owner, "flat") or {},
        weights=store.measurement(owner, "weights") or {},
        null_setting=setting if null else "",
        n_null=len(null["pictures"]) if null else 0,
        null_size=(null["pictures"].shape[1], null["pictures"].shape[2]) if null else (0, 0),
        natural=store.measurement(owner, "natural") or {},
        about=store.measurement(model_owner(record.id), "natural") or {},
        probes=store.measurement(owner, "probes") or {},
        needs=unit_needs(store, record, layer),
        removal=store.removal(record.id),
    )


def ranked(rows: LayerRows) -> list[int]:
    """Return a layer's units, best first: structured ones that are no copies, most structure first.

    Those of little contrast come after the other structured ones: order that nobody can see shows nothing.
    """

    def rank(unit: int) -> tuple[bool, bool, float, int]:
        score = rows.scores.get(unit)
        good = score is not None and bool(verdict_of(score.verdict).recurs) and score.duplicate_of is None
        return (not good, rows.pale(unit), -(score.structure or 0.0) if score else 0.0, unit)

    return sorted(rows.units, key=rank)


def listed_rows(store: Store, record: ModelRecord, layer: Layer) -> LayerRows:
    """Return what pages above a layer need of it: its units, scores and findings; no renders."""
    scores = {s.unit: s for s in store.scores(record.id, layer.name)}
    units, found = units_of(store, record.id, layer.name), store.findings(record.id, layer.name)
    needs = unit_needs(store, record, layer)
    return LayerRows(record, layer, units, {}, scores, found, {}, {}, "", 0, (0, 0), needs=needs)


def unit_needs(store: Store, record: ModelRecord, layer: Layer) -> dict[int, UnitNeed]:
    """Return by unit what the network loses without it; empty where that was not measured."""
    return {need.unit: need for need in store.needs(record.id, layer.name)}


def null_pictures(store: Store, setting: str) -> np.ndarray:
    """Return the renderer null's pictures, `(m, h, w, c)` uint8."""
    found = store.measurement(null_owner(setting), "pictures")
    return found["pictures"] if found else np.zeros((0, 1, 1, 1), np.uint8)


def neighbours_of(score: UnitScore | None) -> tuple[tuple[int, float], ...]:
    """Return up to eight `(unit, correlation)` of units of its layer that answer most like it, nearest first.

    Correlations are those by which copies are found; nan where a store lacks them.
    """
    if score is None:
        return ()
    named, correlations = score.relations.neighbours[:N_NEIGHBOURS], score.relations.correlations
    known = [math.nan if r is None else r for r in correlations] + [math.nan] * len(named)
    return tuple(zip(named, known, strict=False))


def _text(arrays: Mapping[str, np.ndarray] | None, name: str) -> str:
    return str(arrays[name].ravel()[0]) if arrays and name in arrays and arrays[name].size else ""


def recipe_name(recipes: Mapping[str, RenderSpec], hash_: str) -> str:
    """Return what people call a recipe, or an empty text."""
    return recipes[hash_].name if hash_ in recipes else ""
