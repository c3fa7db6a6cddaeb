"""How far a unit's pictures can be trusted: four checks that critics of such pictures ask for.

Each is one number per unit, and does not affect the verdict. Formulas and what the literature doubts:
docs/method.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from reportgen.images import decode_png
from reportgen.score.agreement import Looks, looks
from reportgen.score.evidence import LayerEvidence, read_evidence
from reportgen.score.natural_findings import fits, natural_of
from reportgen.score.spectrum import LEAST_PX, Floats, inside, spectrum
from reportgen.spec import ScoreSpec
from reportgen.store import ModelRecord, Store, layer_owner
from reportgen.units import Layer, Telemetry, UnitScore
from reportgen.verdicts import verdict_of

Arrays = Mapping[str, np.ndarray]

LEAST_UNITS = 8
"""Fewest other units with which a unit's pictures are compared."""


def recipes_agree(store: Store, model: ModelRecord, layer: Layer, scores: Sequence[UnitScore],
                  spec: ScoreSpec) -> dict[int, float]:  # fmt: skip
    """Return how reliably each unit is matched across recipes, 0..1: 1 is always, one half is chance.

    For every scored happy picture of a unit: the share of other units' display pictures that look more like
    it than the unit's own display picture does, by texture or by layout, whichever is smaller; 1 minus the
    mean. Copies are no others. Undefined for flat, dead and failed units, and where fewer than 8 others are
    left.
    """
    evidence = read_evidence(store, model, layer)
    wanted = [s.unit for s in scores if verdict_of(s.verdict).varied and s.unit in evidence.pictures]
    shown = _shown(store, model, layer, wanted)
    units = [u for u in wanted if u in shown]
    family = {s.unit: s.unit if s.duplicate_of is None else s.duplicate_of for s in scores}
    if len({family[u] for u in units}) <= LEAST_UNITS:
        return {}
    pool = _looks_of(np.stack([shown[u] for u in units]), evidence, spec)
    if pool is None:
        return {}
    families = np.array([family[u] for u in units])
    found = {}
    for place, unit in enumerate(units):
        pictures = [p for p in evidence.pictures[unit].values() if p.shape == shown[unit].shape]
        own = _looks_of(np.stack(pictures), evidence, spec) if pictures else None
        others = families != families[place]
        if own is not None and others.sum() >= LEAST_UNITS:
            found[unit] = 1 - float(np.mean(_nearer(own, pool, place, others)))
    return found


def _nearer(own: Looks, pool: Looks, place: int, others: NDArray[np.bool_]) -> Floats:
    """Return for each picture the share of others that are nearer than the one at `place`."""
    shares = []
    for mine, theirs in ((own.texture, pool.texture), (own.layout, pool.layout)):
        gaps = np.linalg.norm(mine[:, None, :] - theirs[None], axis=2)
        shares.append(np.mean(gaps[:, others] < gaps[:, place : place + 1], axis=1))
    return np.asarray(np.minimum(*shares), np.float32)


def _looks_of(pictures: NDArray[np.uint8], evidence: LayerEvidence, spec: ScoreSpec) -> Looks | None:
    inner = inside(pictures, 0.0 if evidence.around else spec.crop)
    if min(inner.shape[1:3]) < LEAST_PX:
        return None
    return looks(inner, spectrum(inner, evidence.around))


def _shown(store: Store, model: ModelRecord, layer: Layer,
           units: Sequence[int]) -> dict[int, NDArray[np.uint8]]:  # fmt: skip
    """Return the first happy display picture of each unit, those of the commonest size alone."""
    recipe = str(model.roles(layer.name).get("shown", ""))
    found: dict[int, NDArray[np.uint8]] = {}
    wanted = set(units)
    for r in store.renders(model.id, layer.name, recipe=recipe, sign="happy"):
        if r.unit in wanted and not r.failure and r.unit not in found:
            found[r.unit] = decode_png(r.picture, r.channels)
    common = Counter(p.shape for p in found.values()).most_common(1)
    return {unit: p for unit, p in found.items() if p.shape == common[0][0]}


def robust_share(telemetry: Telemetry) -> float | None:
    """Return the share of what a picture gained that it keeps under fresh transforms; None where undefined.

    The median over some transforms of the finished picture, above the start, over the end above the start: 1
    where nothing is lost, 0 where all is.
    """
    gained = telemetry.activation_end - telemetry.activation_start
    if not telemetry.activation_transformed or telemetry.rescue or not np.isfinite(gained) or gained <= 0:
        return None
    kept = float(np.median(telemetry.activation_transformed)) - telemetry.activation_start
    return kept / gained if np.isfinite(kept) else None


def robust_shares(store: Store, model: ModelRecord, layer: Layer) -> dict[int, float]:
    """Return `robust_share` of each unit's first happy display picture."""
    recipe = str(model.roles(layer.name).get("shown", ""))
    found: dict[int, float] = {}
    for r in store.renders(model.id, layer.name, recipe=recipe, sign="happy"):
        share = None if r.failure else robust_share(r.telemetry)
        if share is not None:
            found.setdefault(r.unit, share)
    return found


def beyond_natural(natural: Arrays, renders: Arrays) -> dict[int, float]:
    """Return by how many times a unit's renders exceed its best natural picture; infinite where that is 0.

    Both are the largest value inside the map, after the activation function, on the unit's best own render
    and on the best of all natural pictures. Undefined where the renders give nothing above 0.
    """
    found = {}
    for unit in np.unique(renders["unit"]):
        own = float(renders["max"][renders["unit"] == unit, unit].max())
        best = float(natural["max"][unit])
        if np.isfinite(own) and np.isfinite(best) and own > 0:
            found[int(unit)] = own / best if best > 0 else float("inf")
    return found


def natural_agreement(near: Arrays, renders: Arrays, family: Mapping[int, int]) -> dict[int, float]:
    """Return how reliably a unit's renders are matched to its own top natural examples, 0..1.

    A render and a crop of a picture are similar if they activate the rest of the layer similarly: rank
    correlation of the layer's activations, each unit's in its own standard deviations, without the unit in
    question. Of all units' natural examples, the share that is more similar to the unit's renders than its
    own are; 1 minus that. One half is chance; copies do not count as others. Undefined in layers of fewer
    than 9 units.

    Args:
        near: `response` `(m, K)` and `of` `(K, 2)` (see `measure.natural_responses.crop_responses`).
        renders: `unit` `(n,)` and `max` `(n, K)`.
        family: Of each unit, the first unit of its copies.

    Reference: R. Geirhos and others, "Don't trust your eyes", 2024, compares paths through a network this
        way.
    """
    of, pieces = near["of"], near["response"].astype(np.float64)
    own = renders["max"].astype(np.float64)
    units = [int(u) for u in np.unique(renders["unit"]) if (of[u] >= 0).all()]
    both = np.concatenate([pieces, own])
    if len(units) <= LEAST_UNITS or both.shape[1] <= LEAST_UNITS or not np.isfinite(both).all():
        return {}
    spread = both.std(axis=0)
    varies = spread > 0
    scaled = (both - both.mean(axis=0))[:, varies] / spread[varies]
    ranks = stats.rankdata(scaled, axis=1)
    natural = np.stack([ranks[of[u]].mean(axis=0) for u in units])
    renders_of = [np.flatnonzero(renders["unit"] == u) + len(pieces) for u in units]
    synthetic = np.stack([ranks[rows].mean(axis=0) for rows in renders_of])
    column = np.cumsum(varies) - 1
    families = np.array([family.get(u, u) for u in units])
    found = {}
    for place, unit in enumerate(units):
        kept = np.ones(synthetic.shape[1], bool)
        if varies[unit]:
            kept[column[unit]] = False
        similarities = _correlations(synthetic[place, kept], natural[:, kept])
        others = similarities[families != families[place]]
        if len(others) >= LEAST_UNITS and np.isfinite(similarities[place]):
            nearer = np.mean(others > similarities[place]) + np.mean(others == similarities[place]) / 2
            found[unit] = 1 - float(nearer)
    return found


def _correlations(one: Floats, rows: Floats) -> NDArray[np.float64]:
    a, b = one - one.mean(), rows - rows.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(a) * np.linalg.norm(b, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(scale > 0, b @ a / scale, np.nan))


def family_of(scores: Sequence[UnitScore]) -> dict[int, int]:
    """Return of each unit the first unit of its copies, itself where it is none."""
    return {s.unit: s.unit if s.duplicate_of is None else s.duplicate_of for s in scores}


def with_data(store: Store, model: ModelRecord, layer: Layer,
              scores: Sequence[UnitScore]) -> dict[str, dict[int, float]]:  # fmt: skip
    """Return the checks that need a person's own pictures, by name and unit; none where there are none."""
    owner = layer_owner(model.id, layer.name)
    natural = natural_of(store, model, layer)
    near, renders = (store.measurement(owner, name) for name in ("natural_near", "renders"))
    k = layer.n_units
    if natural is None or renders is None or not fits(renders, {"unit": ("n",), "max": ("n", k)}):
        return {}
    if len(renders["unit"]) and not 0 <= renders["unit"].min() <= renders["unit"].max() < k:
        return {}
    found = {"beyond_natural": beyond_natural(natural[0], renders)}
    known = near is not None and fits(near, {"of": (k, "c"), "response": ("m", k)})
    if near is not None and known and near["of"].max(initial=-1) < len(near["response"]):
        found["natural_agreement"] = natural_agreement(near, renders, family_of(scores))
    return found
