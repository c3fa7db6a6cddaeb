"""How many starts each unit gets: a few at first, and all of them where its verdict is unsure after these.

Which units those are is decided once a layer's first starts are measured, and stored with its measurements,
so that later runs ask for the same pictures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from reportgen.config import Settings
from reportgen.plan import LayerPlan, PictureSet, missing, null_setting, with_starts
from reportgen.score import read_evidence
from reportgen.score.evidence import SCORE_VERSION
from reportgen.score.unsure import unsure_units
from reportgen.spec import content_hash
from reportgen.store import ModelRecord, Store, layer_owner, null_owner

Arrays = dict[str, np.ndarray]

MEASUREMENT = "starts"
"""Its name in the store."""

UNSURE_SHARE = 0.25
"""Share of units that is expected to get every start (docs/decisions/0024-as-many-starts-as-needed.md)."""


def least_seeds(settings: Settings) -> int:
    """Return how many starts every unit gets. Of sad pictures all: nothing is decided from them."""
    return settings.seeds if settings.signs == "sad" else min(settings.least_seeds, settings.seeds)


def null_mark(model: ModelRecord, plan: LayerPlan, settings: Settings) -> str:
    """Return the hash of everything that a layer's noise baseline depends on."""
    scored = plan.sets[0]
    return null_setting(
        scored.recipe,
        scored.canvas_px,
        model.input_shape[2],
        is_map=plan.layer.is_map,
        arithmetic=settings.arithmetic,
    )


def starts_mark(store: Store, model: ModelRecord, plan: LayerPlan, settings: Settings) -> str:
    """Return a hash of what the decision about a layer depends on; empty where there is nothing to decide."""
    least, scored = least_seeds(settings), plan.sets[0]
    first = [
        key
        for _, recipe, _, seed, key in store.placements(model.id, plan.layer.name)
        if recipe == scored.recipe_hash and seed < least
    ]
    if not first or least == settings.seeds:
        return ""
    return content_hash(
        {
            "keys": sorted(first),
            "least": least,
            "null": null_mark(model, plan, settings),
            "spec": dataclasses.asdict(settings.score_spec()),
            "version": SCORE_VERSION,
        }
    )


def decided_starts(store: Store, model: ModelRecord, plan: LayerPlan, settings: Settings) -> Arrays | None:
    """Return the units of a layer that need every start, as `units`; None while its own null is missing."""
    from reportgen.score import score_layer

    name, null = plan.layer.name, null_mark(model, plan, settings)
    if store.measurement_fingerprint(layer_owner(model.id, name), "null") != null:
        return None
    if not store.measurement_fingerprint(null_owner(null), "pictures"):
        return None
    spec = settings.score_spec()
    scores, _ = score_layer(read_evidence(store, model, name), spec)
    return {"units": np.array(unsure_units(scores, spec), np.int32)}


def undecided(
    store: Store, model: ModelRecord, plans: Sequence[LayerPlan], settings: Settings
) -> frozenset[str]:
    """Return the layers of which it is not known yet which units need every start."""
    if least_seeds(settings) == settings.seeds:
        return frozenset()
    return frozenset(p.layer.name for p in plans if _decided_units(store, model, p, settings) is None)


def needed(
    store: Store, model: ModelRecord, plans: Sequence[LayerPlan], settings: Settings
) -> list[LayerPlan]:
    """Return the plans with the pictures known to be needed: first starts, and further ones once decided."""
    least = least_seeds(settings)
    return [with_starts(plan, least, _decided_units(store, model, plan, settings) or ()) for plan in plans]


def further_starts(
    store: Store, model: ModelRecord, plans: Sequence[LayerPlan], settings: Settings
) -> list[LayerPlan]:
    """Return the further starts of units that were decided to need them, unless the store has them."""
    least, wanted = least_seeds(settings), []
    for plan in plans:
        scored, units = plan.sets[0], _decided_units(store, model, plan, settings) or ()
        further = tuple(p for p in scored.pictures if p.seed >= least and p.unit in units)
        wanted.append(dataclasses.replace(plan, sets=(dataclasses.replace(scored, pictures=further),)))
    return missing(wanted, store.known_keys(p.key for plan in wanted for p in plan.pictures))


def expected(
    first: Sequence[LayerPlan], whole: Mapping[str, LayerPlan], settings: Settings, open_: Collection[str]
) -> list[LayerPlan]:
    """Return plans of first starts with as many further starts as will probably be needed.

    Args:
        first: Pictures to be rendered; of each unit the first starts or less.
        whole: All planned pictures, by layer.
        settings: Of the run.
        open_: Layers that are `undecided`; of others the plans have what is needed.
    """
    least = least_seeds(settings)
    return [
        _with_expected(plan, whole[plan.layer.name].sets[0], least) if plan.layer.name in open_ else plan
        for plan in first
    ]


def expected_at_first(plans: Sequence[LayerPlan], settings: Settings) -> list[LayerPlan]:
    """Return the plans with as many pictures as a first run will probably render."""
    first = [with_starts(plan, least_seeds(settings), ()) for plan in plans]
    whole = {plan.layer.name: plan for plan in plans}
    return expected(first, whole, settings, whole)


def _with_expected(plan: LayerPlan, scored: PictureSet, least: int) -> LayerPlan:
    def extended(pictures: PictureSet) -> PictureSet:
        if pictures.recipe_hash != scored.recipe_hash:
            return pictures
        units = sorted({p.unit for p in pictures.pictures})
        every_nth = round(1 / UNSURE_SHARE)
        # From the middle of the first group: of few units, the nearest number.
        chosen = frozenset(units[every_nth // 2 :: every_nth])
        present = {p.key for p in pictures.pictures}
        further = (
            p for p in scored.pictures if p.seed >= least and p.unit in chosen and p.key not in present
        )
        return dataclasses.replace(pictures, pictures=(*pictures.pictures, *further))

    return dataclasses.replace(plan, sets=tuple(extended(s) for s in plan.sets))


def _decided_units(
    store: Store, model: ModelRecord, plan: LayerPlan, settings: Settings
) -> frozenset[int] | None:
    """Return the units that were decided to need every start; None while that is not decided, or outdated."""
    owner, mark = layer_owner(model.id, plan.layer.name), starts_mark(store, model, plan, settings)
    if not mark or store.measurement_fingerprint(owner, MEASUREMENT) != mark:
        return None
    found = store.measurement(owner, MEASUREMENT)
    return None if found is None else frozenset(found["units"].tolist())
