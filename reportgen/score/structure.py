"""Whether a picture is structure or static, measured against a noise baseline.

Three numbers of the autocorrelation, `reach`, `extent` and `repeat`, and one of directions, `flow`, are
compared with those of the renderer null: pictures which the same renderer made, with the same settings, for
objectives without structure. Formulas and where they were found: docs/method.md. Whether a picture recurs
is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from reportgen.score.flow import flow
from reportgen.score.spectrum import Floats, autocorrelation, lag_radius

Numbers = NDArray[np.float64]

LEAST_NULL = 8
"""Fewest null pictures from which a mean and a spread are taken."""

LEAST_SPREAD = (0.2, 0.2, 0.2, 0.05)
"""Least spread of the null's logarithms; a null that hardly varies must not make much of little.

That of most nulls is .3 to .5, of flow .05 to .2; narrower ones, of grey dense units, gave the same dose of
structure twice the deviations.
"""
PRESENCE = (1, 3)
"""Indices of extent and flow in an `Order`: they show that there is a form, not how strong it is."""

ENOUGH_Z, PRESENCE_ROOM = 3.0, 2.0
"""Beyond `ENOUGH_Z` deviations extent and flow add less and less, at most `PRESENCE_ROOM`."""

Order = tuple[float, float, float, float]
"""Reach, extent, repeat and flow of one picture."""


def orders_of(pictures: Floats, power: Floats, around: bool) -> list[Order]:
    """Return how much order there is in each picture.

    Args:
        pictures: `(n, h, w, c)` in [0,1].
        power: Their spectra, `(n, c, N, N // 2 + 1)`.
        around: Whether they go on around their edges.

    Returns:
        `reach`, `extent` and `repeat`, see `spectral_order`, and `flow`, see there; all nan where a picture
        has no power.
    """
    return [
        (*spectral_order(p), float(f) if p.any() else float("nan"))
        for p, f in zip(power, flow(pictures, around), strict=True)
    ]


def spectral_order(power: Floats) -> tuple[float, float, float]:
    """Return how far a pattern reaches, how much of the picture it holds together, and how well it repeats.

    Args:
        power: `(c, N, N // 2 + 1)`, the spectrum of one picture.

    Returns:
        `reach`: the largest |A| at lags of 3..12 px (at most 3/8 of the window). `extent`: the root of the
        mean square of A at the same lags; a single shape, which is nowhere repeated, has little reach and
        much extent. `repeat`: the largest |A| at lags of 2.5 r..9 r, r the radius at which the radial mean of
        A falls to .3; nan where that lies beyond the window. All 0..1; nan where the picture has no power.
    """
    correlation = autocorrelation(power.sum(axis=0))
    if correlation[0, 0] <= 0:
        return float("nan"), float("nan"), float("nan")
    side = correlation.shape[0]
    radius = lag_radius(side)
    strength = np.abs(correlation)
    middle = strength[(radius >= 3) & (radius <= min(12.0, 3 * side / 8))]
    width = _falls_to(correlation, radius, 0.3)
    ring = (radius >= 2.5 * width) & (radius <= min(9 * width, side / 2))
    repeat = float(strength[ring].max()) if 2.5 * width <= side / 2 - 2 else float("nan")
    return float(middle.max()), float(np.sqrt((middle.astype(np.float64) ** 2).mean())), repeat


@dataclass(frozen=True, slots=True)
class Null:
    """What the renderer makes of nothing: logarithms of its orders, and each null picture's own z.

    Attributes:
        mean, spread: `(4,)`, of ln reach, ln extent, ln repeat and ln flow.
        deviations: `(m,)` z of the null pictures, sorted.
    """

    mean: Numbers
    spread: Numbers
    deviations: Numbers


def null_of(measured: Sequence[Order]) -> Null | None:
    """Return the null whose pictures have these orders; None for fewer than 8 pictures with any power."""
    rows = np.array([m for m in measured if np.isfinite(m[0])], float).reshape(-1, 4)
    if len(rows) < LEAST_NULL:
        return None
    logs = np.log(np.maximum(rows, 1e-6))
    known = np.isfinite(logs)
    counts = known.sum(axis=0)
    filled = np.where(known, logs, 0)
    mean = filled.sum(axis=0) / np.maximum(counts, 1)
    squares = np.where(known, (logs - mean) ** 2, 0).sum(axis=0)
    spread = np.maximum(np.sqrt(squares / np.maximum(counts - 1, 1)), LEAST_SPREAD)
    # A number that most null pictures do not have cannot be compared with.
    mean = np.where(counts >= LEAST_NULL, mean, np.nan)
    deviations = np.array([_deviation(row, mean, spread) for row in logs])
    return Null(mean, spread, np.sort(deviations))


def deviation(measured: Sequence[Order], null: Null) -> float:
    """Return z: by how many null spreads a unit's pictures, taken together, exceed the null.

    The largest of the four. Extent and flow hardly vary among null pictures, so that a trace of form is as
    many of their spreads as a whole grating is of reach's: above what decides they count no further.

    Args:
        measured: Orders of the unit's pictures, at least one with a reach.
        null: Of the same renderer, settings and canvas.
    """
    logs = np.log(np.maximum(np.array(measured, float), 1e-6))
    known = np.isfinite(logs)
    mean = np.where(known, logs, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return _deviation(np.where(known.any(axis=0), mean, np.nan), null.mean, null.spread)


def p_value(z: float, null: Null) -> float:
    """Return (1 + null pictures with at least this z) / (1 + null pictures): 0..1, never 0."""
    above = len(null.deviations) - int(np.searchsorted(null.deviations, z - 1e-9))
    return (1 + above) / (1 + len(null.deviations))


def null_share_below(z: float, null: Null) -> float:
    """Return the share of null pictures below z, 0..1."""
    return float(np.searchsorted(null.deviations, z - 1e-9)) / len(null.deviations)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number: the false discovery rate at which each would be accepted.

    Reference: Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", 1995.

    Example:
        >>> adjusted([0.01, 0.04, 0.03, 0.5])
        [0.04, 0.05333333333333334, 0.05333333333333334, 0.5]
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p)
    ranked = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty_like(p)
    found[order] = np.minimum.accumulate(ranked[::-1])[::-1]
    return [float(x) for x in np.minimum(found, 1.0)]


def p_structured(z: float, cut: float, slope: float) -> float:
    """Return P(structured), 0..1: a logistic of z, one half at `cut`."""
    return float(special.expit((z - cut) / slope))


def _deviation(logs: Numbers, mean: Numbers, spread: Numbers) -> float:
    values = (logs - mean) / spread
    for at in PRESENCE:
        beyond = np.maximum(values[at] - ENOUGH_Z, 0)
        values[at] = np.minimum(values[at], ENOUGH_Z) - PRESENCE_ROOM * np.expm1(-beyond / PRESENCE_ROOM)
    return float(np.nanmax(values))


def _falls_to(correlation: Floats, radius: Floats, level: float) -> float:
    """Return the radius in pixels at which the radial mean of A first falls to `level`."""
    rings = np.rint(radius).astype(int).ravel()
    sums = np.bincount(rings, correlation.ravel())
    means = (sums / np.bincount(rings))[: correlation.shape[0] // 2 + 1]
    below = np.flatnonzero(means <= level)
    if not len(below):
        return float(len(means))
    last = int(below[0]) - 1
    return last + float((means[last] - level) / (means[last] - means[last + 1]))
