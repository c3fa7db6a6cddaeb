"""How many different responses a layer's units have: groups, effective rank, and a basis.

All three are computed from correlations of activations, so that strong units count no more than weak ones.
What any unit looks like, and whether it matters, is not known here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy
from scipy.spatial import distance

from reportgen.judgement import ResponseGroups

GROUP_CORRELATION = 0.7
"""Mean correlation with each other from which units are one group."""

BASIS_SHARE = 0.95
"""Share of the variance of all activations that the units of the basis must explain."""


def response_groups(correlations: NDArray[np.float32]) -> ResponseGroups | None:
    """Return what the units of a layer have in common; None where fewer than two vary.

    Groups: average linkage, cut at a mean correlation of .7. Effective rank: the exponential of the
    entropy of the shares of the correlation matrix's eigenvalues. Basis: at each step the unit that explains
    most of the remaining variance is taken, and what it explains is removed (a Cholesky decomposition
    with pivoting, by gain).

    Args:
        correlations: `(K, K)`; nan in the rows of units that do not vary.

    Reference: O. Roy, M. Vetterli, "The effective rank", 2007.
    """
    vary = np.flatnonzero(np.isfinite(np.diag(correlations)))
    if len(vary) < 2:
        return None
    matrix = np.clip(np.nan_to_num(correlations[np.ix_(vary, vary)].astype(np.float64)), -1, 1)
    np.fill_diagonal(matrix, 1.0)
    shares = np.maximum(np.linalg.eigvalsh(matrix), 0) / len(vary)
    shares = shares[shares > 0] / shares.sum()
    rank = float(np.exp(-(shares * np.log(shares)).sum()))
    groups = _groups(matrix)
    return ResponseGroups(
        len(vary),
        tuple(tuple(int(vary[i]) for i in group) for group in groups),
        round(rank, 6),
        tuple(int(vary[i]) for i in _spanning(matrix)),
        BASIS_SHARE,
    )


def _groups(matrix: NDArray[np.float64]) -> list[list[int]]:
    tree = hierarchy.linkage(distance.squareform(1 - matrix, checks=False), "average")
    names = hierarchy.fcluster(tree, 1 - GROUP_CORRELATION, "distance")
    found: dict[int, list[int]] = {}
    for unit, name in enumerate(names):
        found.setdefault(int(name), []).append(unit)
    return sorted((g for g in found.values() if len(g) > 1), key=lambda g: (-len(g), g))


def _spanning(matrix: NDArray[np.float64]) -> list[int]:
    """Return the units whose span leaves at most 5 % of the trace."""
    left = matrix.copy()
    chosen: list[int] = []
    while np.trace(left) > (1 - BASIS_SHARE) * len(matrix):
        gain = (left**2).sum(axis=0) / np.maximum(np.diag(left), 1e-12)
        gain[np.diag(left) < 1e-9] = 0
        best = int(gain.argmax())
        chosen.append(best)
        left -= np.outer(left[:, best], left[best]) / left[best, best]
    return sorted(chosen)
