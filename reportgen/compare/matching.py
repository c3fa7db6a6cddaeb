"""Which unit of one version is which of another: copies as one, optimal assignment, mutual best matches.

Pure over a matrix of similarities. What a match means for a unit is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

COPY = 0.99
"""Similarity within a layer from which units count as one, as `ScoreSpec.duplicate_correlation` has it."""

_PICTURES = 64
"""Independent observations that a confidence is about: probes, not their positions."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Match:
    """Two units that match.

    Attributes:
        a, b: Their indices.
        similarity: -1..1.
        confidence: 0.5..1, probability that no other unit is a better match, if the probes were a random
            sample.
        mutual: Whether each is the other's best match, copies counting as one.
        shared: Whether `b` (or `a`) is already matched to a copy of this unit.
    """

    a: int
    b: int
    similarity: float
    confidence: float
    mutual: bool
    shared: bool = False


def families(own: Floats) -> NDArray[np.int64]:
    """Return `(K,)`: the lowest unit of which each is a copy; itself where it is none.

    Args:
        own: `(K, K)` similarities within a layer.
    """
    first = np.arange(len(own))
    for unit in range(len(own)):
        before = np.flatnonzero(own[unit, :unit] >= COPY)
        if len(before):
            first[unit] = first[before[0]]
    return first


def matches(similarities: Floats, family_a: NDArray[np.int64], family_b: NDArray[np.int64],
            silent_a: NDArray[np.bool_], silent_b: NDArray[np.bool_]) -> list[Match]:  # fmt: skip
    """Return the optimal pairs of units, each unit of A and of B at most once but for copies.

    The sum of similarities over pairs of families is maximised (Hungarian method, scipy's
    `linear_sum_assignment`). Members of a pair of families are paired by index where they share one, then in
    order; those left over share the first of the other family.

    Args:
        similarities: `(Ka, Kb)`; nan where unknown.
        family_a, family_b: See `families`.
        silent_a, silent_b: Units that are never active, which are left out.
    """
    known_a = [k for k in np.unique(family_a) if not silent_a[k]]
    known_b = [k for k in np.unique(family_b) if not silent_b[k]]
    if not known_a or not known_b:
        return []
    table = np.nan_to_num(similarities[np.ix_(known_a, known_b)], nan=-1.0)
    best_a, best_b = table.argmax(axis=1), table.argmax(axis=0)
    found = []
    for i, j in zip(*linear_sum_assignment(-table), strict=True):
        members_a = np.flatnonzero(family_a == known_a[i])
        members_b = np.flatnonzero(family_b == known_b[j])
        mutual = bool(best_a[i] == j and best_b[j] == i)
        certainty = confidence(table, int(i), int(j))
        for a, b, shared in _members(members_a.tolist(), members_b.tolist()):
            found.append(Match(a, b, float(table[i, j]), certainty, mutual, shared))
    return sorted(found, key=lambda m: (m.a, m.shared, m.b))


def confidence(table: Floats, i: int, j: int) -> float:
    """Return the probability that neither `i` nor `j` would match another unit better.

    Fisher's transform of both correlations; the variance of each is 1 / (64 probes - 3).
    """
    others = np.concatenate([np.delete(table[i], j), np.delete(table[:, j], i)])
    best_other = float(others.max(initial=-1.0))
    apart = _fisher(float(table[i, j])) - _fisher(best_other)
    return 0.5 * (1 + math.erf(apart / math.sqrt(2 / (_PICTURES - 3)) / math.sqrt(2)))


def _fisher(r: float) -> float:
    return math.atanh(min(max(r, -0.9999), 0.9999))


def _members(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int, bool]]:
    both = [k for k in a if k in set(b)]
    left_a, left_b = [k for k in a if k not in both], [k for k in b if k not in both]
    pairs = [(k, k, False) for k in both]
    pairs += [(x, y, False) for x, y in zip(left_a, left_b, strict=False)]
    n = min(len(left_a), len(left_b))
    pairs += [(x, b[0], True) for x in left_a[n:]]
    pairs += [(a[0], y, True) for y in left_b[n:]]
    return pairs
