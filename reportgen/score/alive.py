"""Whether a unit answers at all: from its measured responses, its bounds and its outgoing weights.

A picture cannot decide this: a unit that never fires can still be drawn as a beautiful zebra through its
pre-activation. What its pictures look like is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import activation_called
from reportgen.spec import ScoreSpec

Numbers = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]

_ROUNDING = 1e-6
"""Range, as a share of the level, that float32 sums make of nothing."""


@dataclass(frozen=True, slots=True)
class Life:
    """Whether a unit answers.

    Attributes:
        state: `live`, `dead` (always zero, as near as counts), `constant` (always one other value)
            or `unknown`.
        detail: Nuance in words: `silent but excitable`, `faint`, or empty.
        proof: What proves that it is dead or constant; empty if nothing does.
        words: What was seen, in words with numbers.
    """

    state: Literal["live", "dead", "constant", "unknown"]
    detail: str = ""
    proof: str = ""
    words: str = ""


def lives(n_units: int, probes: Arrays | None, renders: Arrays | None, bounds: Arrays | None,
          weights: Arrays | None, *, activation: str, spec: ScoreSpec,
          assumed_range: str = "") -> list[Life]:  # fmt: skip
    """Return for each unit of a layer whether it answers.

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
    asked_in = f"the assumed input range {assumed_range}" if assumed_range else ""
    cut_off = without_consumers(weights, n_units)
    both = [e for e in seen if e is not None]
    if not both:
        return [_unmeasured(fixed[k], asked_in) for k in range(n_units)]
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
        if not np.isfinite(span[k]):
            found.append(Life("unknown", words="its responses are not finite numbers"))
        elif nothing or still:
            proof = ("" if asked_in else fixed[k]) or ("no outgoing weight" if cut_off[k] else "")
            found.append(_unresponsive(counts, float(high[k]), nothing, proof, asked_in))
        else:
            quiet = seen[0] is not None and _silent(seen[0], k, spec, usual_level, usual_span)
            faint = level[k] <= spec.dead_share * usual_level
            detail = "silent but excitable" if quiet else "faint" if faint else ""
            found.append(Life("live", detail, "", f"answers {low[k]:.3g} to {high[k]:.3g}"))
    return found


def without_consumers(weights: Arrays | None, n_units: int) -> NDArray[np.bool_]:
    """Return `(K,)`: units all of whose outgoing weights are zero, in a layer where some are not."""
    if weights is None or "out_total" not in weights or len(weights["out_total"]) != n_units:
        return np.zeros(n_units, bool)
    total = np.asarray(weights["out_total"], float)
    return np.asarray((total == 0) & bool(np.any(total > 0)))


def given_out(weights: Arrays | None, n_units: int) -> NDArray[np.bool_]:
    """Return `(K,)`: units whose answers are among the network's own results."""
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


def _fixed_by_bounds(bounds: Arrays | None, n_units: int) -> list[str]:
    if bounds is None or len(bounds.get("post_high", ())) != n_units:
        return [""] * n_units
    low, high = np.asarray(bounds["post_low"], float), np.asarray(bounds["post_high"], float)
    room = high - low
    return [
        f"interval bounds: {high[k]:.3g} for every picture the input can hold"
        if np.isfinite(room[k]) and room[k] <= 1e-9 * max(1e-30, abs(high[k]))
        else ""
        for k in range(n_units)
    ]


def _unresponsive(counts: list[int], value: float, nothing: bool, proof: str, asked_in: str) -> Life:
    asked = " and ".join(
        f"{n} {what}" for n, what in zip(counts, ("probe pictures", "renders of its layer"), strict=True) if n
    )
    if not proof and not all(counts):
        missing = "probe pictures" if not counts[0] else "the layer's renders"
        return Life("unknown", words=f"silent on {asked}; its responses to {missing} were not measured")
    where = f" in {asked_in}" if asked_in and not proof else ""
    if nothing:
        detail = "proved" if proof else f"no input found{where}"
        return Life("dead", detail, proof, f"zero on {asked}{where}")
    detail = "constant, proved" if proof else f"constant{where}"
    return Life("constant", detail, proof, f"always {value:.3g} on {asked}{where}")


def _unmeasured(fixed: str, asked_in: str) -> Life:
    if not fixed or asked_in:
        words = "no responses were measured, so it cannot be told whether it ever answers"
        return Life("unknown", words=words + (f"; bounds over {asked_in} prove nothing" if fixed else ""))
    zero = fixed.startswith("interval bounds: 0 ")
    return Life("dead" if zero else "constant", "proved" if zero else "constant, proved", fixed, "not asked")


def _silent(ends: tuple[Numbers, Numbers], k: int, spec: ScoreSpec, level: float, span: float) -> bool:
    low, high = float(ends[0][k]), float(ends[1][k])
    size = max(abs(low), abs(high))
    return size <= spec.dead_share * level or (
        high - low <= spec.constant_share * span and high - low <= 1e-2 * size
    )


def _median_of_some(values: Numbers) -> float:
    some = values[np.isfinite(values) & (values > 0)]
    return float(np.median(some)) if len(some) else 0.0
