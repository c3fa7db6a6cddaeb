"""One layer judged: from its evidence to a row for each unit and findings about the whole.

Measures are combined here: each unit is measured once, against the layer's noise baseline and against
pictures of other units. Formulas are with the measures; thresholds in `ScoreSpec`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from reportgen.judgement import ConsistencyReference, LayerFindings, Obstacle, ResponseGroups, Responsiveness
from reportgen.score import agreement as agree
from reportgen.score import structure as st
from reportgen.score.colour import colour_axes, colour_name, contrast
from reportgen.score.copies import CopyRelations, copy_relations, correlations, response_rows
from reportgen.score.evidence import Arrays, LayerEvidence, Picture
from reportgen.score.layer_summary import layer_findings
from reportgen.score.light import light_of
from reportgen.score.response_groups import response_groups
from reportgen.score.responsiveness import responsiveness_of
from reportgen.score.spectrum import LEAST_PX, Floats, Stripes, inside, prevailing, spectrum
from reportgen.score.use import ranked, raw_use
from reportgen.score.verdict import Facts, judge
from reportgen.spec import WHITE_PROBES, ScoreSpec, null_canvas
from reportgen.units import UnitScore

MOST_OTHER_PICTURES = 384
"""Pictures of other units that a unit's are compared with, at most."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was measured on the live pictures of one unit."""

    seeds: tuple[int, ...]
    shape: tuple[int, ...]
    n_pictures: int
    contrast: float
    colour: str
    colour_spread: float
    measured: tuple[st.Order, ...] = ()
    looks: agree.Looks | None = None
    wave: Stripes | None = None
    axes: str = ""
    too_small: Obstacle | None = None


class _Significance(TypedDict):
    """How a unit's structure compares with the noise baseline, as fields of `Facts`."""

    z: float | None
    p: float | None
    q: float | None
    null_share_below: float | None


_UNKNOWN = _Significance(z=None, p=None, q=None, null_share_below=None)


# Activations may overflow: such units are found and reported, without warnings of numpy.
@np.errstate(invalid="ignore", over="ignore")
def score_layer(evidence: LayerEvidence, spec: ScoreSpec) -> tuple[list[UnitScore], LayerFindings]:
    """Return a row for every unit that was rendered or failed, and the findings about the layer.

    Args:
        evidence: Of the layer.
        spec: Thresholds.

    Returns:
        Rows in order of units, and findings about the whole, without supplementary ones.
    """
    found = responsiveness_of(
        evidence.n_units,
        evidence.probes,
        evidence.renders,
        evidence.bounds,
        evidence.weights,
        activation=evidence.layer.activation,
        spec=spec,
        assumed_range=evidence.assumed_range,
    )
    seen = {unit: _see(evidence, unit, spec) for unit in evidence.units if unit in evidence.pictures}
    null, null_missing = _null(evidence, seen, spec)
    deviations = {
        unit: st.deviation(s.measured, null)
        for unit, s in seen.items()
        if null is not None and any(np.isfinite(m[0]) for m in s.measured)
    }
    copies = _copy_relations(evidence, found, spec)
    agreements, compared = _agreements(evidence, seen, deviations, found, copies, null, spec)
    significance = {} if null is None else _significance(deviations, null)
    probe_rows = response_rows(evidence.n_units, evidence.probes)
    raw = raw_use(evidence.weights, probe_rows, evidence.n_units)
    use = ranked(raw)
    scores = []
    for unit in evidence.units:
        facts = Facts(
            unit=unit,
            responsiveness=found[unit],
            relations=copies[unit],
            failure=evidence.failures.get(unit, ""),
            light=light_of(evidence, unit),
            **significance.get(unit, _UNKNOWN),
            null_missing=null_missing,
            agreement=agreements.get(unit),
            use=use[unit],
            raw_use=float(raw[unit]) if np.isfinite(raw[unit]) else None,
            note=evidence.note,
            **_facts_seen(evidence, unit, seen.get(unit)),
        )
        scores.append(judge(facts, spec))
    noise = None if null is None else st.noise_rate(null, spec.structure_z)
    findings = dataclasses.replace(
        layer_findings(scores, evidence, compared, _response_groups(evidence, found), noise),
        null_structure=() if null is None else tuple(round(float(z), 3) for z in null.deviations),
        noise=noise,
        structure_z=spec.structure_z,
        borderline_z=spec.borderline_z,
        duplicate_correlation=spec.duplicate_correlation,
    )
    return scores, findings


def _significance(deviations: Mapping[int, float], null: st.Null) -> dict[int, _Significance]:
    """Return z, p, q (p adjusted for the number of units) and the share of the baseline below, by unit."""
    if not deviations:
        return {}
    p_values = [st.p_value(z, null) for z in deviations.values()]
    return {
        unit: _Significance(z=z, p=p, q=q, null_share_below=st.null_share_below(z, null))
        for (unit, z), p, q in zip(deviations.items(), p_values, st.adjusted(p_values), strict=True)
    }


def _see(evidence: LayerEvidence, unit: int, spec: ScoreSpec) -> _Seen:
    pictures = evidence.pictures[unit]
    seeds = _live_seeds(evidence, unit, sorted(pictures))
    shape = Counter(pictures[s].shape for s in seeds).most_common(1)[0][0]
    seeds = [s for s in seeds if pictures[s].shape == shape]
    inner = inside(np.stack([pictures[s] for s in seeds]), _crop(evidence, spec))
    colours = inner.mean(axis=(1, 2))
    spread = float((colours.max(axis=0) - colours.min(axis=0)).max())
    seen = _Seen(
        tuple(seeds),
        shape,
        len(pictures),
        float(np.median(contrast(inner))),
        colour_name(colours.mean(axis=0)),
        spread,
    )
    h, w = inner.shape[1:3]
    if min(h, w) < LEAST_PX:
        return dataclasses.replace(seen, too_small=Obstacle("small", (h, w, LEAST_PX)))
    power = spectrum(inner, evidence.around)
    mean = power.mean(axis=0)
    return dataclasses.replace(
        seen,
        measured=tuple(st.orders_of(inner, power, evidence.around)),
        looks=agree.looks(inner, power),
        wave=prevailing(mean),
        axes=colour_axes(mean),
    )


def _crop(evidence: LayerEvidence, spec: ScoreSpec) -> float:
    """Return the share of a picture left out on each side: none where it has no frame."""
    return 0.0 if evidence.around else spec.crop


def _null(evidence: LayerEvidence, seen: dict[int, _Seen],
          spec: ScoreSpec) -> tuple[st.Null | None, Obstacle | None]:  # fmt: skip
    """Return the noise baseline, or None and why there is none."""
    missing = Obstacle("no null")
    pictures = evidence.null
    if pictures is None or not len(pictures):
        return None, missing
    h, w, c = next((s.shape for s in seen.values()), pictures.shape[1:])
    if pictures.shape[1:] != (*null_canvas((h, w)), c):
        return None, Obstacle("another canvas", tuple(pictures.shape[1:]))
    inner = inside(pictures, _crop(evidence, spec))
    if min(inner.shape[1:3]) < LEAST_PX:
        return None, missing
    null = st.null_of(st.orders_of(inner, spectrum(inner, evidence.around), evidence.around))
    if null is None:
        return None, Obstacle("few", (st.LEAST_NULL,))
    return null, None


def _copy_relations(
    evidence: LayerEvidence, found: Sequence[Responsiveness], spec: ScoreSpec
) -> list[CopyRelations]:
    kernel = evidence.weights.get("kernel") if evidence.weights is not None else None
    return copy_relations(
        response_rows(evidence.n_units, evidence.probes, evidence.renders),
        evidence.n_units,
        live=[life.state == "live" for life in found],
        least=spec.duplicate_correlation,
        head=evidence.layer.head,
        white=response_rows(evidence.n_units, _first_pictures(evidence.probes, WHITE_PROBES)),
        kernel=kernel if evidence.layer.first else None,
    )


def _first_pictures(measured: Arrays | None, n: int) -> Arrays | None:
    return None if measured is None else {name: values[:n] for name, values in measured.items()}


def _response_groups(evidence: LayerEvidence, found: Sequence[Responsiveness]) -> ResponseGroups | None:
    rows = response_rows(evidence.n_units, evidence.probes, evidence.renders)
    if not rows:
        return None
    similarities = np.array(correlations(rows))
    dead = np.array([life.state != "live" for life in found])
    similarities[dead] = np.nan
    return response_groups(similarities)


def _agreements(evidence: LayerEvidence, seen: dict[int, _Seen], deviations: dict[int, float],
                found: Sequence[Responsiveness], copies: Sequence[CopyRelations], null: st.Null | None,
                spec: ScoreSpec) -> tuple[dict[int, agree.Agreement], ConsistencyReference]:  # fmt: skip
    """Return how each unit's pictures agree, and what they were compared with.

    Compared with are pictures that show a pattern, of units with other activations: static and flat
    pictures are nearly all the same, and a layer may have four units for one and the same edge.
    """
    patterned = [
        u
        for u, s in seen.items()
        if s.looks is not None
        and found[u].state == "live"
        and s.contrast >= spec.flat_contrast
        and deviations.get(u, -np.inf) >= spec.borderline_z[0]
    ]
    copied = {u: copies[u].duplicate_of for u in seen}
    family = {u: u if first is None else first for u, first in copied.items()}
    families = len({family[u] for u in patterned})
    filled, compared = _filling(evidence, patterned, families, null, seen, spec)
    pool, owners = _pool([(u, seen[u].looks) for u in patterned], filled)
    result = {}
    for u, s in seen.items():
        unrelated = ~np.isin(owners, [u, *copies[u].related])
        if pool is not None and s.looks is not None and len(s.looks) >= 2 and unrelated.any():
            result[u] = agree.agreement(
                s.looks, pool.rows(unrelated), share=spec.unstable_share, distance=spec.unstable_distance
            )
    return result, compared


def _pool(own: Sequence[tuple[int, agree.Looks | None]],
          filled: agree.Looks | None) -> tuple[agree.Looks | None, NDArray[np.int64]]:  # fmt: skip
    """Return at most `MOST_OTHER_PICTURES` descriptions, evenly taken, and whose each is (-1: filled in)."""
    parts = [(name, p) for name, p in (*own, (-1, filled)) if p is not None and len(p)]
    if not parts:
        return None, np.empty(0, np.int64)
    owners = np.concatenate([np.full(len(p), name, np.int64) for name, p in parts])
    if len(owners) <= MOST_OTHER_PICTURES:
        return agree.together([p for _, p in parts]), owners
    every = len(owners) / MOST_OTHER_PICTURES
    wanted = np.unique((np.arange(MOST_OTHER_PICTURES) * every).astype(int))
    starts = np.cumsum([0, *(len(p) for _, p in parts)])
    rows = [
        p.rows(wanted[(wanted >= a) & (wanted < b)] - a)
        for (_, p), a, b in zip(parts, starts[:-1], starts[1:], strict=True)
    ]
    return agree.together(rows), owners[wanted]


def _filling(
    evidence: LayerEvidence, patterned: list[int], families: int, null: st.Null | None,
    seen: dict[int, _Seen], spec: ScoreSpec,
) -> tuple[agree.Looks | None, ConsistencyReference]:  # fmt: skip
    """Return pictures that fill in where a layer has too few units, and what there is to compare with."""
    own = ConsistencyReference(len(patterned))
    if families >= spec.min_comparison:
        return None, own
    channels = {s.shape[2] for s in seen.values()}
    parts = []
    others = [p for p in evidence.comparison if p.shape[2] in channels]
    others_seen = [x for p in others if (x := _other_looks(p, evidence, null, spec)) is not None]
    if others_seen:
        parts.append(agree.together(others_seen))
        own = dataclasses.replace(own, n_others=len(others_seen))
    if families + len(others_seen) < spec.min_comparison and evidence.null is not None:
        inner = inside(evidence.null, _crop(evidence, spec))
        if min(inner.shape[1:3]) >= LEAST_PX and inner.shape[3] in channels:
            parts.append(agree.looks(inner, spectrum(inner, evidence.around)))
            own = dataclasses.replace(own, n_null=len(inner))
    return (agree.together(parts) if parts else None), own


def _other_looks(picture: Picture, evidence: LayerEvidence, null: st.Null | None,
              spec: ScoreSpec) -> agree.Looks | None:  # fmt: skip
    """Return the description of another layer's picture if it shows a pattern itself."""
    inner: Floats = inside(picture[None], _crop(evidence, spec))
    if min(inner.shape[1:3]) < LEAST_PX or float(contrast(inner)[0]) < spec.flat_contrast:
        return None
    power = spectrum(inner, evidence.around)
    measured = st.orders_of(inner, power, evidence.around)
    if null is None or not np.isfinite(measured[0][0]) or st.deviation(measured, null) < spec.borderline_z[0]:
        return None
    return agree.looks(inner, power)


def _facts_seen(evidence: LayerEvidence, unit: int, seen: _Seen | None) -> dict[str, Any]:
    if seen is None:
        return {}
    activations = _own_activations(evidence, unit)[0]
    rows: NDArray[np.float64] = np.array(seen.measured, float).reshape(-1, len(st.Order._fields))
    means = [float(c[np.isfinite(c)].mean()) if np.isfinite(c).any() else None for c in rows.T]
    return {
        "pictures": seen.n_pictures,
        "live": len(seen.seeds),
        "seeds": seen.seeds,
        "activations": tuple(activations[s] for s in seen.seeds if s in activations),
        "activated": _was_activated(evidence, unit),
        "contrast": seen.contrast,
        "colour": seen.colour,
        "colour_spread": seen.colour_spread,
        "too_small": seen.too_small,
        **dict(zip(st.Order._fields, means, strict=True)),
        "wave": seen.wave,
        "axes": seen.axes,
    }


def _live_seeds(evidence: LayerEvidence, unit: int, seeds: Sequence[int]) -> list[int]:
    """Return the seeds of live starts, by the unit's activation on the finished picture if known."""
    activations, baseline = _own_activations(evidence, unit)
    if baseline is not None and set(seeds) <= set(activations):
        return agree.live_starts({s: activations[s] - baseline for s in seeds})
    runs = evidence.telemetry.get(unit, {})
    return agree.live_starts({s: agree.gain(runs[s]) if s in runs else None for s in seeds})


def _was_activated(evidence: LayerEvidence, unit: int) -> bool:
    """Whether any picture raised the unit's activation; True where unknown."""
    activations, baseline = _own_activations(evidence, unit)
    if baseline is not None and activations:
        return max(activations.values()) > baseline
    gains = [agree.gain(run) for run in evidence.telemetry.get(unit, {}).values()]
    return not gains or any(g is None or g > 0 for g in gains)


def _own_activations(evidence: LayerEvidence, unit: int) -> tuple[dict[int, float], float | None]:
    """Return a unit's activations on its own pictures, by seed, and its median activation on the probes.

    Each is the mean over positions; the largest where some positions are below zero, since the mean of a
    linear map is that of its kernel, for any input.
    """
    renders, probes = evidence.renders, evidence.probes
    wanted, shape = {"max", "min", "mean"}, (evidence.n_units,)
    if renders is None or probes is None or not wanted | {"unit", "seed"} <= set(renders):
        return {}, None
    if not wanted <= set(probes) or any(m[n].shape[1:] != shape for m in (renders, probes) for n in wanted):
        return {}, None
    own = np.flatnonzero(renders["unit"] == unit)
    signed = len(own) > 0 and float(renders["min"][own, unit].min()) < 0
    statistic = "max" if signed else "mean"
    activations = {int(renders["seed"][i]): float(renders[statistic][i, unit]) for i in own}
    baseline = float(np.median(probes[statistic][:, unit]))
    return {s: a for s, a in activations.items() if np.isfinite(a)}, baseline if np.isfinite(
        baseline
    ) else None
