"""How similar units of two versions are, by their stored responses to common pictures.

Responses are correlated within groups of pictures (noise, leaves, patterns, photographs), and the least of
them counts: two units that both rise with brightness agree on most photographs and disagree on noise, while
the same unit agrees on all. What a similarity means for a unit is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.measure.probes import probe_names

Arrays = Mapping[str, np.ndarray]
Floats = NDArray[np.float32]

_LEAST_SPREAD = 0.1
"""Groups in which neither unit varies this much of its most in any group say nothing about them."""
_ROUNDING = 1e-5
_GROUPS = {
    "noise": ("white", "pink"),
    "leaves": ("leaves",),
    "patterns": ("grating", "edge", "plaid", "chequers", "rings", "spot"),
    "photographs": ("photo",),
}


def probe_groups() -> list[NDArray[np.intp]]:
    """Return the indices of the probes of each group; flat pictures are in none."""
    kinds = [name.split("-")[0] for name in probe_names()]
    return [np.flatnonzero([kind in members for kind in kinds]) for members in _GROUPS.values()]


def probe_responses(probes: Arrays | None, n_units: int, *, by_place: bool) -> list[Floats]:
    """Return a layer's responses to the probes, `(rows, K)` for each group; empty if they were not measured.

    Args:
        probes: The measurement `probes` of the layer.
        n_units: K.
        by_place: Whether to read single positions, which compare only at one canvas; else each picture's
            mean and largest response.
    """
    wanted = ("samples",) if by_place else ("mean", "max")
    n = len(probe_names())
    if probes is None or any(
        name not in probes or len(probes[name]) != n or probes[name].shape[-1] != n_units for name in wanted
    ):
        return []
    return [
        np.concatenate([_finite(probes[name][group]).reshape(-1, n_units) for name in wanted])
        for group in probe_groups()
    ]


def similarity(a: Sequence[Floats], b: Sequence[Floats]) -> Floats:
    """Return `(Ka, Kb)`, the least correlation over groups; nan where both are silent throughout.

    A group in which one unit varies and the other does not counts as 0.

    Args:
        a, b: `(rows, K)` for each group, rows of both about the same pictures.
    """
    parts_a, parts_b = [_scaled(x) for x in a], [_scaled(x) for x in b]
    shares_a, shares_b = _shares([s for _, s in parts_a]), _shares([s for _, s in parts_b])
    found = np.full((a[0].shape[1], b[0].shape[1]), np.inf, np.float32)
    for (x, _), (y, _), in_a, in_b in zip(parts_a, parts_b, shares_a, shares_b, strict=True):
        varied = (in_a >= _LEAST_SPREAD)[:, None] | (in_b >= _LEAST_SPREAD)[None, :]
        np.minimum(found, np.where(varied, x.T @ y, np.inf), out=found)
    return np.where(np.isinf(found), np.nan, found)


def silent(groups: Sequence[Floats]) -> NDArray[np.bool_]:
    """Return `(K,)`: whether a unit's answers never vary."""
    spreads = np.array([_scaled(x)[1] for x in groups])
    return np.asarray(spreads.max(axis=0) == 0)


def _finite(values: np.ndarray) -> Floats:
    return np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def _scaled(rows: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """Return answers without their means and of length 1, zeros where they do not vary; and their spreads."""
    mean = rows.mean(axis=0, dtype=np.float64)
    centred = (rows - mean).astype(np.float32)
    spread = np.sqrt(np.einsum("ij,ij->j", centred, centred, dtype=np.float64) / max(len(rows), 1))
    level = np.abs(rows).max(axis=0, initial=0)
    spread = np.where(spread > _ROUNDING * level, spread, 0.0)
    length = np.where(spread > 0, spread * np.sqrt(max(len(rows), 1)), np.inf)
    return np.asarray(centred / length, np.float32), spread


def _shares(spreads: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return `(groups, K)`: each group's spread as a share of the unit's largest."""
    table = np.array(spreads)
    largest = table.max(axis=0)
    return np.asarray(table / np.where(largest > 0, largest, np.inf))
