"""How far a trained layer is from the same layer with fresh weights: the untrained twin as a second null.

An untrained network has structured units too; only what goes beyond it was learnt. Reads the scores of both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from reportgen.judgement import TwinComparison
from reportgen.sentences.layers import too_few_twins_in_words, twin_in_words
from reportgen.store import ModelRecord, Store
from reportgen.units import Layer, UnitScore
from reportgen.verdicts import verdict_of


def twin_findings(store: Store, model: ModelRecord, layer: Layer,
                  scores: Sequence[UnitScore]) -> tuple[TwinComparison | None, list[str]]:  # fmt: skip
    """Return how a layer compares with its untrained twin, as values and in a sentence."""
    twin = store.twin_of(model)
    others = store.scores(twin.id, layer.name) if twin is not None else []
    if not others or not scores:
        return None, []
    if len(others) < min(LEAST_UNITS, layer.n_units):
        return None, [too_few_twins_in_words(len(others))]
    own, fresh = (np.array([_order(s) for s in x]) for x in (scores, others))
    area = auc(own, fresh)
    shares = [float(np.mean([bool(verdict_of(s.verdict).pattern) for s in x])) for x in (scores, others)]
    found = TwinComparison(round(area, 4), len(others), round(shares[0], 4), round(shares[1], 4))
    how = str(twin.options.get("twin_how", "")) if twin is not None else ""
    return found, [twin_in_words(found, how)]


LEAST_UNITS = 16
"""Fewest untrained units, or all of a smaller layer, with which trained ones are compared."""


def auc(first: object, second: object) -> float:
    """Return the probability that a value of `first` is larger than one of `second`, ties counted half.

    Example:
        >>> auc([2, 3], [1, 2])
        0.875
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    ranks = stats.rankdata(np.concatenate([a, b]))
    return float((ranks[: len(a)].sum() - len(a) * (len(a) + 1) / 2) / (len(a) * len(b)))


def _order(score: UnitScore) -> float:
    """Return a unit's structure; units without any, because they are flat or dead, come below all others."""
    return -np.inf if score.structure is None else score.structure
