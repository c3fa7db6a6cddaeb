"""Running statistics over a stream of pictures: largest values, and histograms of unknown range.

Each holds all units of a layer at once; the result does not depend on how the pictures are batched.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

BINS = 32
"""Bins of a histogram."""

_NARROWEST = -10
"""A unit whose activation never changes gets bins of this power of two times that activation."""


class Extremes:
    """The largest values of each unit, with the picture and the place each came from.

    Args:
        n_units: K.
        count: How many are kept.

    Attributes:
        values: `(K, count)`, largest first; -inf where there were fewer.
        pictures, places: `(K, count)`: index of the picture and of the place in its map; -1 for none.
    """

    def __init__(self, n_units: int, count: int) -> None:
        self.values: Numbers = np.full((n_units, count), -np.inf)
        self.pictures: Indices = np.full((n_units, count), -1, np.int64)
        self.places: Indices = np.full((n_units, count), -1, np.int64)

    def add(self, values: np.ndarray, places: np.ndarray, first: int) -> None:
        """Add `(n, K)` values and places of pictures `first`, `first + 1`, ...; only finite values count.

        Among equal values the earlier picture is kept.
        """
        n, count = len(values), self.values.shape[1]
        fresh = np.where(np.isfinite(values), values, -np.inf).astype(np.float64).T
        numbers = np.broadcast_to(first + np.arange(n), fresh.shape)
        both = np.concatenate([self.values, fresh], axis=1)
        order = np.argsort(-both, axis=1, kind="stable")[:, :count]
        self.values = np.take_along_axis(both, order, axis=1)
        found = [(self.pictures, numbers), (self.places, places.T)]
        self.pictures, self.places = (
            np.where(
                np.isfinite(self.values), np.take_along_axis(np.concatenate(x, axis=1), order, axis=1), -1
            )
            for x in found
        )


class Histogram:
    """Counts of each unit's values in 32 bins, whose width doubles whenever a value lies outside them.

    Widths are powers of two and bins begin at multiples of them, so that widening merges pairs of bins
    and every count stays exact.

    Args:
        n_units: K.

    Attributes:
        counts: `(K, 32)`.
    """

    def __init__(self, n_units: int) -> None:
        self.counts: Indices = np.zeros((n_units, BINS), np.int64)
        self._low = np.full(n_units, np.inf)
        self._high = np.full(n_units, -np.inf)
        self._power: Indices = np.zeros(n_units, np.int64)
        self._first: Indices = np.zeros(n_units, np.int64)

    @property
    def start(self) -> Numbers:
        """Where each unit's first bin begins, `(K,)`."""
        return np.asarray(np.ldexp(self._first.astype(float), self._power))

    @property
    def width(self) -> Numbers:
        """How wide each unit's bins are, `(K,)`."""
        return np.asarray(np.ldexp(1.0, self._power))

    def add(self, values: np.ndarray) -> None:
        """Add `(m, K)` values; those that are not finite are ignored."""
        real = np.asarray(values, np.float64)
        known = np.isfinite(real)
        had_values = self._high >= self._low
        self._low = np.minimum(self._low, np.where(known, real, np.inf).min(axis=0, initial=np.inf))
        self._high = np.maximum(self._high, np.where(known, real, -np.inf).max(axis=0, initial=-np.inf))
        self._widen(had_values)
        units = np.broadcast_to(np.arange(real.shape[1]), real.shape)[known]
        bins = np.floor(np.ldexp(real[known], -self._power[units])).astype(np.int64) - self._first[units]
        np.add.at(self.counts, (units, bins), 1)

    def _widen(self, had_values: NDArray[np.bool_]) -> None:
        """Make each unit's bins reach from its lowest to its highest value so far."""
        some = self._high >= self._low
        low, high = np.where(some, self._low, 0.0), np.where(some, self._high, 0.0)
        power = self._power.copy()
        fresh = some & ~had_values
        span = np.maximum((high - low) / BINS, np.ldexp(np.maximum(abs(low), abs(high)), _NARROWEST))
        power[fresh] = np.floor(np.log2(np.maximum(span, 1e-30)))[fresh].astype(np.int64)
        while (beyond := _bin(high, power) - _bin(low, power) >= BINS).any():
            power[beyond] += 1
        first = _bin(low, power).astype(np.int64)
        old = (self._first[:, None] + np.arange(BINS)) >> (power - self._power)[:, None]
        units, bins = np.nonzero(self.counts)
        moved = np.zeros_like(self.counts)
        np.add.at(moved, (units, (old - first[:, None])[units, bins]), self.counts[units, bins])
        self.counts, self._power, self._first = moved, power, first


def _bin(values: Numbers, power: Indices) -> Numbers:
    return np.asarray(np.floor(np.ldexp(values, -power)))
