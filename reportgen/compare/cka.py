"""How alike whole layers answer: debiased linear CKA, whatever their widths and the order of their units.

Kornblith et al. 2019 (Similarity of neural network representations revisited), with the unbiased estimator
of HSIC of Song et al. 2012, without which layers wider than the number of pictures look alike. What layers
are is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Table = tuple[tuple[float | None, ...], ...]

LEAST_CKA = 0.2
"""CKA below which two layers are not paired."""


def gram(features: NDArray[np.floating]) -> Floats:
    """Return the `(n, n)` products of answers, centred and without their diagonal, for `cka`.

    Args:
        features: `(n, K)`: a row for each picture (or place in one), of at least 4.
    """
    scale = float(np.abs(features).max(initial=0)) or 1.0
    x = features.astype(np.float64) / scale
    x = x - x.mean(axis=0)
    products = x @ x.T
    np.fill_diagonal(products, 0.0)
    return np.asarray(products, np.float32)


def cka(a: Floats, b: Floats) -> float | None:
    """Return debiased linear CKA of two layers from their `gram`s: 1 alike, about 0 unlike; None if constant.

    Scale, rotation and order of units do not matter. It may fall slightly below 0.
    """
    both, own_a, own_b = _hsic(a, b), _hsic(a, a), _hsic(b, b)
    if min(own_a, own_b) <= 0:
        return None
    return float(both / np.sqrt(own_a * own_b))


def _hsic(a: Floats, b: Floats) -> float:
    """Return the unbiased estimator HSIC_1 of Song et al., both without their diagonals."""
    n = len(a)
    rows_a, rows_b = a.sum(axis=1, dtype=np.float64), b.sum(axis=1, dtype=np.float64)
    trace = float(np.einsum("ij,ij->", a, b, dtype=np.float64))
    sums = float(rows_a.sum() * rows_b.sum()) / ((n - 1) * (n - 2))
    return (trace + sums - 2 * float(rows_a @ rows_b) / (n - 2)) / (n * (n - 3))


def aligned(table: Table, alike: Sequence[Sequence[bool]]) -> list[tuple[int, int]]:
    """Return pairs of layers, in order in both networks, with the largest sum of CKA.

    Args:
        table: `(La, Lb)`.
        alike: Whether two layers may be paired at all.
    """
    n_a, n_b = len(table), len(table[0]) if table else 0
    best = np.zeros((n_a + 1, n_b + 1))
    for i in range(n_a - 1, -1, -1):
        for j in range(n_b - 1, -1, -1):
            best[i, j] = max(best[i + 1, j], best[i, j + 1], _worth(table, alike, i, j) + best[i + 1, j + 1])
    pairs, i, j = [], 0, 0
    while i < n_a and j < n_b:
        worth = _worth(table, alike, i, j)
        if worth > 0 and best[i, j] == worth + best[i + 1, j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i, j] == best[i + 1, j]:
            i += 1
        else:
            j += 1
    return pairs


def _worth(table: Table, alike: Sequence[Sequence[bool]], i: int, j: int) -> float:
    value = table[i][j]
    return value if alike[i][j] and value is not None and value >= LEAST_CKA else 0.0
