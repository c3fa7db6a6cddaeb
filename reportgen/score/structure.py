"""Whether a picture is structure or static, measured against a noise baseline.

Three numbers of the autocorrelation, `reach`, `extent` and `repeat`, one of the spectrum, `concentration`,
and one of directions, `flow`, are compared with those of the renderer null: pictures which the same renderer
made, with the same settings, for objectives without structure. Formulas and where they were found:
docs/method.md. Whether a picture recurs is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from reportgen.judgement import NoiseRate
from reportgen.score.flow import flow
from reportgen.score.spectrum import Floats, autocorrelation, lag_radius, prevailing

Numbers = NDArray[np.float64]

LEAST_NULL = 8
"""Fewest null pictures from which a mean and a spread are taken."""

LEAST_SPREAD = (0.2, 0.2, 0.2, 0.2, 0.1)
"""Least spread of the null's logarithms; a null that hardly varies must not make much of little.

That of most nulls is .3 to .5, of flow .1 to .2; narrower ones, of grey dense units, gave the same dose of
structure twice the deviations.
"""
ENOUGH_Z, PRESENCE_ROOM = 3.0, 2.0
"""Beyond `ENOUGH_Z` deviations extent and flow add less and less, at most `PRESENCE_ROOM`.

They show that there is a form, not how much of one.
"""


class Order(NamedTuple):
    """How much order there is in a picture: see `spectral_order` and `flow`."""

    reach: float
    extent: float
    repeat: float
    concentration: float
    flow: float


def orders_of(pictures: Floats, power: Floats, around: bool) -> list[Order]:
    """Return how much order there is in each picture.

    Args:
        pictures: `(n, h, w, c)` in [0,1].
        power: Their spectra, `(n, c, N, N // 2 + 1)`.
        around: Whether they go on around their edges.

    Returns:
        One for each; all nan where a picture has no power.
    """
    return [
        Order(*spectral_order(p), float(f) if p.any() else float("nan"))
        for p, f in zip(power, flow(pictures, around), strict=True)
    ]


def spectral_order(power: Floats) -> tuple[float, float, float, float]:
    """Return how far a pattern reaches, how much it holds together, how well it repeats, and how purely.

    Args:
        power: `(c, N, N // 2 + 1)`, the spectrum of one picture.

    Returns:
        `reach`: the largest |A| at lags of 3..12 px (at most 3/8 of the window). `extent`: the root of the
        mean square of A at the same lags; a single shape, which is nowhere repeated, has little reach and
        much extent. `repeat`: the largest |A| at lags of 2.5 r..9 r, r the radius at which the radial mean of
        A falls to .3; nan where that lies beyond the window. `concentration`: the share of the power next to
        the strongest frequency. All 0..1; nan where the picture has no power.
    """
    correlation = autocorrelation(power.sum(axis=0))
    wave = prevailing(power)
    if correlation[0, 0] <= 0 or wave is None:
        return (float("nan"),) * 4
    side = correlation.shape[0]
    radius = lag_radius(side)
    strength = np.abs(correlation)
    middle = strength[(radius >= 3) & (radius <= min(12.0, 3 * side / 8))]
    width = _falls_to(correlation, radius, 0.3)
    ring = (radius >= 2.5 * width) & (radius <= min(9 * width, side / 2))
    repeat = float(strength[ring].max()) if 2.5 * width <= side / 2 - 2 else float("nan")
    extent = float(np.sqrt((middle.astype(np.float64) ** 2).mean()))
    return float(middle.max()), extent, repeat, wave.share


@dataclass(frozen=True, slots=True)
class Null:
    """What the renderer makes of nothing: logarithms of its orders, and each null picture's own z.

    Attributes:
        mean, spread: `(5,)`, of the logarithms of an `Order`; nan where most pictures have no such number.
        deviations: `(m,)` z of the null pictures, sorted; each measured against the others, since one that
            helps to set the scale lies closer to it than any unit does.
    """

    mean: Numbers
    spread: Numbers
    deviations: Numbers


def null_of(measured: Sequence[Order]) -> Null | None:
    """Return the null whose pictures have these orders; None for fewer than 8 pictures with any power."""
    rows = np.array([m for m in measured if np.isfinite(m[0])], float).reshape(-1, len(Order._fields))
    if len(rows) < LEAST_NULL:
        return None
    logs = np.log(np.maximum(rows, 1e-6))
    others = ~np.eye(len(logs), dtype=bool)
    deviations = [_deviation(own, *_scale(logs[rest])) for own, rest in zip(logs, others, strict=True)]
    return Null(*_scale(logs), np.sort(np.array(deviations)))


def deviation(measured: Sequence[Order], null: Null) -> float:
    """Return z: by how many null spreads a unit's pictures, taken together, exceed the null.

    The largest of three: of reach and extent, of repeat and concentration, and of flow. What one number alone
    finds in a pair counts half: grains that keep their distance repeat after a pixel or two without going on,
    and a few large spots are one strong frequency by chance.

    Extent and flow hardly vary among null pictures, so that a trace of form is as many of their spreads as
    a whole grating is of reach's: above what decides they count no further.

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


def noise_rate(null: Null, cut: float) -> NoiseRate:
    """Return how many null pictures would be said to have a pattern, each judged by the others."""
    return NoiseRate(len(null.deviations), int((null.deviations >= cut).sum()))


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


def _scale(logs: Numbers) -> tuple[Numbers, Numbers]:
    """Return mean and spread `(5,)` of null pictures' logarithms `(m, 5)`, nan where few are known."""
    known = np.isfinite(logs)
    counts = known.sum(axis=0)
    mean = np.where(known, logs, 0).sum(axis=0) / np.maximum(counts, 1)
    squares = np.where(known, (logs - mean) ** 2, 0).sum(axis=0)
    spread = np.maximum(np.sqrt(squares / np.maximum(counts - 1, 1)), LEAST_SPREAD)
    # A number that most null pictures do not have cannot be compared with; one picture may be left out here.
    return np.where(counts >= LEAST_NULL - 1, mean, np.nan), spread


def _deviation(logs: Numbers, mean: Numbers, spread: Numbers) -> float:
    z = Order(*((logs - mean) / spread).tolist())
    groups = ((z.reach, _presence(z.extent)), (z.repeat, z.concentration), (_presence(z.flow),))
    known = [[x for x in group if math.isfinite(x)] for group in groups]
    return max((sum(group) / len(group) for group in known if group), default=math.nan)


def _presence(z: float) -> float:
    """Return a deviation that counts less and less beyond `ENOUGH_Z`."""
    beyond = max(z - ENOUGH_Z, 0.0)
    return min(z, ENOUGH_Z) - PRESENCE_ROOM * math.expm1(-beyond / PRESENCE_ROOM)


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
