"""Random numbers that depend on unit, sign, seed and step alone.

A counter-based generator (SplitMix64's mixing function applied to a key plus a counter; Steele, Lea and
Flood, "Fast splittable pseudorandom number generators", 2014) on the host, so that a picture gets the
same numbers on every backend, in every batch and in every slot. It knows no layer and no weights:
a model and its converted copy get equal starts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.units import Sign

Keys = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def key_of(unit: int, sign: Sign, seed: int) -> int:
    """Return the 64-bit key of one picture's random numbers."""
    key = np.zeros(1, np.uint64)
    for part in (unit, 1 if sign == "happy" else 2, seed):
        key = _mixed(key + np.array([part % 2**64], np.uint64) * _GOLDEN + _GOLDEN)
    return int(key[0])


def uniforms(keys: Sequence[int] | Keys, streams: int | Sequence[int], count: int) -> NDArray[np.float64]:
    """Return `(n, count)` numbers in [0, 1).

    Args:
        keys: One a row, or a single one for all rows.
        streams: Select independent series of one key; one a row, or a single one for all rows.
        count: Numbers a row.
    """
    series = np.atleast_1d(np.asarray(streams, np.uint64))
    base = _mixed(np.asarray(keys, np.uint64) ^ _mixed(series + _GOLDEN))
    counters = np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
    return np.asarray((_mixed(base[:, None] + counters[None, :]) >> np.uint64(11)) * 2.0**-53)


def normals(keys: Sequence[int] | Keys, streams: int | Sequence[int], count: int) -> NDArray[np.float64]:
    """Return `(n, count)` standard normal numbers (Box and Muller)."""
    pairs = uniforms(keys, streams, 2 * count)
    radius = np.sqrt(-2.0 * np.log1p(-pairs[:, :count]))
    return np.asarray(radius * np.cos(2.0 * np.pi * pairs[:, count:]))


def _mixed(x: Keys) -> Keys:
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return np.asarray(x ^ (x >> np.uint64(31)))
