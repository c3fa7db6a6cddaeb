"""Whether a unit activates at all: from its measured responses, its bounds and its outgoing weights.

A picture cannot decide this: a unit that never fires can still be drawn as a beautiful zebra through its
pre-activation. What its pictures look like is not known here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import activation_called
from reportgen.judgement import Nuance, Proof, Responsiveness
from reportgen.spec import ScoreSpec

Numbers = NDArray[np.float64]
Arrays = Mapping[str, np.ndarray]

_ROUNDING = 1e-6
"""Range, as a share of the level, that float32 sums make of nothing."""


def responsiveness_of(n_units: int, probes: Arrays | None, renders: Arrays | None, bounds: Arrays | None,
          weights: Arrays | None, *, activation: str, spec: ScoreSpec,
          assumed_range: str = "") -> list[Responsiveness]:  # fmt: skip
    """Return for each unit of a layer whether it activates.

    Args:
        n_units: K.
        probes, renders: Responses with `max` and `min` `(n, K)`, post-activation; None if not measured.
        bounds: `post_low`, `post_high`: `(K,)`, nan where unknown.
        weights: `out_total` `(K,)`, nan where unknown.
        activation: The layer's activation.
        spec: `dead_share`, `constant_share`.
        assumed_range: The input range, where it is assumed: bounds over it then prove nothing; else empty.
    """
    seen = [_ends(r, n_units) for r in (probes, renders)]
    fixed = _fixed_by_bounds(bounds, n_units)
    cut_off = without_outgoing_weights(weights, n_units)
    both = [e for e in seen if e is not None]
    if not both:
        return [_unmeasured(fixed[k], bool(cut_off[k]), assumed_range) for k in range(n_units)]
    high = np.max([e[1] for e in both], axis=0)
    low = np.min([e[0] for e in both], axis=0)
    level = np.maximum(np.abs(high), np.abs(low))
    span = high - low
    usual_level, usual_span = _median_of_some(level), _median_of_some(span)
    row = activation_called(activation)
    exact = row is not None and row.exact  # There a tiny response is a response.
    counts = [
        0 if r is None or e is None else len(r["max"]) for r, e in zip((probes, renders), seen, strict=True)
    ]
    found = []
    for k in range(n_units):
        still = span[k] <= _ROUNDING * level[k] or (
            span[k] <= spec.constant_share * usual_span and span[k] <= 1e-2 * level[k]
        )
        nothing = level[k] == 0 or (level[k] <= spec.dead_share * usual_level and (still or not exact))
        seen_of = Responsiveness(
            unused=bool(cut_off[k]),
            low=_finite(low[k]),
            high=_finite(high[k]),
            bound=fixed[k],
            n_probes=counts[0],
            n_renders=counts[1],
            assumed_range=assumed_range,
        )
        if not np.isfinite(span[k]):
            found.append(dataclasses.replace(seen_of, missing="finite"))
        elif nothing or still:
            found.append(_unresponsive(seen_of, bool(nothing)))
        else:
            quiet = seen[0] is not None and _silent(seen[0], k, spec, usual_level, usual_span)
            faint = level[k] <= spec.dead_share * usual_level
            nuance: Nuance = "silent" if quiet else "faint" if faint else ""
            found.append(dataclasses.replace(seen_of, state="live", nuance=nuance))
    return found


def without_outgoing_weights(weights: Arrays | None, n_units: int) -> NDArray[np.bool_]:
    """Return `(K,)`: units all of whose outgoing weights are zero, in a layer where some are not."""
    if weights is None or "out_total" not in weights or len(weights["out_total"]) != n_units:
        return np.zeros(n_units, bool)
    total = np.asarray(weights["out_total"], float)
    return np.asarray((total == 0) & bool(np.any(total > 0)))


def given_out(weights: Arrays | None, n_units: int) -> NDArray[np.bool_]:
    """Return `(K,)`: units that are among the network's own outputs."""
    if weights is None or "out_total" not in weights or len(weights["out_total"]) != n_units:
        return np.zeros(n_units, bool)
    return np.asarray(np.isposinf(np.asarray(weights["out_total"], float)))


def _ends(responses: Arrays | None, n_units: int) -> tuple[Numbers, Numbers] | None:
    if responses is None or not {"max", "min"} <= set(responses):
        return None
    high, low = responses["max"], responses["min"]
    if high.ndim != 2 or high.shape[1] != n_units or not len(high):
        return None
    return low.min(axis=0).astype(float), high.max(axis=0).astype(float)


def _fixed_by_bounds(bounds: Arrays | None, n_units: int) -> list[float | None]:
    """Return the one value that bounds leave each unit; None where they leave it room."""
    if bounds is None or len(bounds.get("post_high", ())) != n_units:
        return [None] * n_units
    low, high = np.asarray(bounds["post_low"], float), np.asarray(bounds["post_high"], float)
    room = high - low
    return [
        float(high[k]) if np.isfinite(room[k]) and room[k] <= 1e-9 * max(1e-30, abs(high[k])) else None
        for k in range(n_units)
    ]


def _unresponsive(seen: Responsiveness, nothing: bool) -> Responsiveness:
    """Return what is known of a unit that was never active, or always the same."""
    proof: Proof = "bounds" if _proved(seen) else "weights" if seen.unused else ""
    if not proof and not (seen.n_probes and seen.n_renders):
        return dataclasses.replace(seen, missing="renders" if seen.n_probes else "probes")
    return dataclasses.replace(seen, state="dead" if nothing else "constant", proof=proof)


def _unmeasured(bound: float | None, unused: bool, assumed_range: str) -> Responsiveness:
    """Return what is known of a unit whose responses were not measured: what its bounds prove."""
    found = Responsiveness(unused=unused, bound=bound, assumed_range=assumed_range)
    if not _proved(found):
        return dataclasses.replace(found, missing="responses")
    return dataclasses.replace(found, state="dead" if bound == 0 else "constant", proof="bounds")


def _proved(found: Responsiveness) -> bool:
    """Whether bounds leave a unit one value, over an input range that is known."""
    return found.bound is not None and not found.assumed_range


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _silent(ends: tuple[Numbers, Numbers], k: int, spec: ScoreSpec, level: float, span: float) -> bool:
    low, high = float(ends[0][k]), float(ends[1][k])
    size = max(abs(low), abs(high))
    return size <= spec.dead_share * level or (
        high - low <= spec.constant_share * span and high - low <= 1e-2 * size
    )


def _median_of_some(values: Numbers) -> float:
    some = values[np.isfinite(values) & (values > 0)]
    return float(np.median(some)) if len(some) else 0.0
