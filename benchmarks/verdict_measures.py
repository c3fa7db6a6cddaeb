"""Numbers that tell verdicts from the truth: areas, F1, calibration. Knows no models, no stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

NEVER = -1e9
"""Stands for a score that is empty, such as the structure of a dead unit: below all others."""


def auc(higher: Sequence[float], lower: Sequence[float]) -> float:
    """Return the chance that one of `higher` exceeds one of `lower`, ties counting half; nan of none."""
    if not len(higher) or not len(lower):
        return float("nan")
    ranks = stats.rankdata([*higher, *lower])[: len(higher)]
    n, m = len(higher), len(lower)
    return float((ranks.sum() - n * (n + 1) / 2) / (n * m))


def labels(rows: Sequence[tuple[tuple[str, ...], str]]) -> list[tuple[str, str]]:
    """Return pairs of true and found verdicts; of several that are right, the found one counts as true."""
    return [(found if found in right else right[0], found) for right, found in rows]


def accuracy(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the share of pairs that agree."""
    return float(np.mean([a == b for a, b in pairs]))


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the mean F1 over the verdicts that are true of some unit."""
    true, found = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    both = Counter(a for a, b in pairs if a == b)
    return float(np.mean([2 * both[v] / (true[v] + found[v]) for v in true]))


def calibration_error(chances: Sequence[float], happened: Sequence[bool], bins: int = 10) -> float:
    """Return the mean distance of stated chances from frequencies, over ten equal bins weighted by size."""
    p, y = np.asarray(chances, float), np.asarray(happened, float)
    at = np.minimum((p * bins).astype(int), bins - 1)
    return float(sum(abs(p[at == b].sum() - y[at == b].sum()) for b in range(bins)) / max(len(p), 1))


def precision_recall(true: Sequence[Any], found: Sequence[Any]) -> tuple[float, float]:
    """Return how many of the found references are right, and how many of the true ones were found."""
    hits = sum(t is not None and t == f for t, f in zip(true, found, strict=True))
    named, wanted = sum(f is not None for f in found), sum(t is not None for t in true)
    return hits / named if named else float("nan"), hits / wanted if wanted else float("nan")


def spearman(doses: Sequence[float], scores: Sequence[float]) -> float:
    """Return the rank correlation of scores with doses."""
    return float(stats.spearmanr(doses, scores).statistic)
