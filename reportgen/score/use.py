"""How much of a unit the rest of the network takes: its outgoing weight times how much it varies.

Use ranks importance (in the example's layers, rank correlation with the loss when a unit is removed .68 to
.92), structure does not; neither says how many units can go. What a unit looks like is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Arrays = Mapping[str, np.ndarray]
Numbers = NDArray[np.float64]


def raw_use(weights: Arrays | None, rows: Sequence[NDArray[np.float32]], n_units: int) -> Numbers:
    """Return `(K,)`: sum of absolute outgoing weights times the standard deviation of the response.

    In the network's own units; nan where consumers or responses are unknown, and for a whole layer
    that nothing consumes (a model's output).

    Args:
        weights: `out_total` `(K,)`.
        rows: Responses to the probes, `(n, K)` each; renders would weigh units by what they were drawn for.
        n_units: K.
    """
    if weights is None or len(weights.get("out_total", ())) != n_units or not rows:
        return np.full(n_units, np.nan)
    total = np.asarray(weights["out_total"], float)
    if not np.any(total > 0):
        return np.full(n_units, np.nan)
    return np.asarray(total * np.concatenate(rows).astype(np.float64).std(axis=0))


def ranked(values: Numbers) -> list[float | None]:
    """Return each value's rank as a share: 0 for the least used unit, 1 for the most used one.

    Ranks compare across layers and models, which weights times responses do not. Ties share the mean of
    their ranks, but exact zeros are 0; a lone known unit is 1 unless it is zero.

    Example:
        >>> ranked(np.array([0.0, 5.0, float("nan"), 2.0]))
        [0.0, 1.0, None, 0.5]
    """
    known = np.isfinite(values)
    n = int(known.sum())
    found: list[float | None] = [None] * len(values)
    if not n:
        return found
    ranks = stats.rankdata(values[known]) - 1
    for place, rank in zip(np.flatnonzero(known), ranks, strict=True):
        share = float(rank) / (n - 1) if n > 1 else 1.0
        found[int(place)] = 0.0 if values[place] == 0 else share
    return found
