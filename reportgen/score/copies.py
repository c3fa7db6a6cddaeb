"""Which units of a layer have similar activations: copies, mirrors, complements and neighbours.

Responses decide; weights and pictures are evidence to show (measured: weight cosine finds copies with
F1 .91, distances of pictures .62). Whether a unit is structured is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.judgement import Shortfall

Arrays = Mapping[str, np.ndarray]

NEIGHBOURS = 8
"""Most neighbours named for a unit."""

_ALIKE = 0.5
"""Least correlation of a neighbour."""

_LEAST_ACTIVE = 1e-4
"""Smallest spread of activations, as a share of their size, for which a correlation is computed."""

On = Literal["all", "probes", "renders", "white"]
_PARTS: tuple[On, ...] = ("probes", "renders")
"""What the rows of two measurements are."""


_RELATED = 0.7
"""Correlation from which another unit's pictures may look the same: they are not compared with."""


@dataclass(frozen=True, slots=True)
class CopyRelations:
    """How one unit's responses relate to those of others in its layer; None where there is no such unit.

    Attributes:
        duplicate_of, mirror_of: The lowest index of a unit with the same, or opposite, activations.
        copy_correlation: Least correlation with `duplicate_of`, of those that decide.
        complement_of: The other output of a softmax over two.
        neighbours: Up to 8 units with the most similar activations, nearest first.
        correlations: With each of them.
        copy_shortfall: Why the first of them is no copy; None where it is, or there is none.
        related: All units so similar that their pictures are not compared with this one's.
    """

    duplicate_of: int | None = None
    copy_correlation: float | None = None
    mirror_of: int | None = None
    complement_of: int | None = None
    neighbours: tuple[int, ...] = ()
    correlations: tuple[float, ...] = ()
    copy_shortfall: Shortfall | None = None
    related: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32), compare=False)


def response_rows(n_units: int, *measured: Arrays | None) -> list[NDArray[np.float32]]:
    """Return `(rows, K)` for each measurement, what correlations are over: a row per picture and position.

    Samples at single positions where they were kept, else each picture's mean and largest value.
    """
    parts = []
    for arrays in measured:
        if arrays is None:
            continue
        samples = arrays.get("samples")
        if samples is not None and samples.ndim == 3 and samples.shape[2] == n_units:
            part = samples.reshape(-1, n_units)
        else:
            kept = [a for a in (arrays.get("mean"), arrays.get("max")) if a is not None and a.ndim == 2]
            if not kept or kept[0].shape[1] != n_units:
                continue
            part = np.concatenate(kept)
        if len(part):
            parts.append(np.asarray(part, np.float32))
    return parts


def correlations(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return `(K, K)` correlations over all rows together; nan for units that never vary."""
    k = rows[0].shape[1]
    n = sum(len(r) for r in rows)
    scale = np.max([np.abs(r).max(axis=0, initial=0) for r in rows], axis=0)
    scale = np.where(np.isfinite(scale) & (scale > 0), scale, 1)
    scaled = [np.where(np.isfinite(r), r, 0) / scale for r in rows]
    mean = sum((r.sum(axis=0, dtype=np.float64) for r in scaled), np.zeros(k)) / n
    products = np.zeros((k, k), np.float32)
    for r in scaled:
        centred = (r - mean).astype(np.float32)
        products += centred.T @ centred
    size = np.sqrt(np.maximum(np.diag(products), 0))
    varies = size > 1e-5 * np.sqrt(n)
    size = np.where(varies, size, np.nan)
    return np.asarray(products / size[:, None] / size[None, :], np.float32)


def copy_relations(rows: Sequence[NDArray[np.float32]], n_units: int, *, live: Sequence[bool], least: float,
             head: str, white: Sequence[NDArray[np.float32]] = (),
             kernel: np.ndarray | None = None) -> list[CopyRelations]:  # fmt: skip
    """Return each unit's relations.

    A copy has the same activations over all pictures together, and also over each measurement alone, so that
    one outlying picture makes no copies; nor does agreement on smooth pictures alone, which detectors of one
    position or of brightness share: they must agree on white noise too, where every weight counts equally.
    After a ReLU a mirrored unit is silent where the other is active, so no correlation reaches -.99 there; in
    a first convolution the kernels decide.

    Args:
        rows: See `response_rows`, of probes and renders; empty if nothing was measured.
        n_units: K.
        live: Whether each unit is ever active.
        least: Correlation from which units are copies.
        white: The rows of white noise among them.
        head: `softmax` makes two units complements: each is one minus the other, which is no finding.
        kernel: `(kh, kw, cin, K)` of a first convolution.
    """
    pair = head == "softmax" and n_units == 2
    complement = [1 - k if pair else None for k in range(n_units)]
    if not rows:
        return [CopyRelations(complement_of=c) for c in complement]
    found = np.array(correlations(rows))
    alive = np.asarray(live, bool)
    found[~alive] = np.nan
    found[:, ~alive] = np.nan
    np.fill_diagonal(found, np.nan)
    parts = [(on, correlations([r]), least) for on, r in zip(_PARTS, rows, strict=False)]
    parts = parts if len(rows) > 1 else []
    parts += [("white", _active_rows(r), least_with_confidence(least, len(r))) for r in white]
    same = found >= least
    opposite = found <= -least
    lowest = found
    for _, part, asked in parts:
        lowest = np.fmin(lowest, part)
        same &= ~(part < asked)
        opposite &= ~(part > -asked)
    if kernel is not None and kernel.shape[-1] == n_units:
        opposite |= (_cosines(kernel) <= -least) & (found < 0)
    relations = []
    for k in range(n_units):
        near, related = _neighbours(found[k])
        why = (
            None if not near or same[k, near[0]] else _shortfall(k, near[0], [("all", found, least), *parts])
        )
        first = _lowest(same[k], k)
        relations.append(
            CopyRelations(
                first,
                None if first is None else float(lowest[k, first]),
                _lowest(opposite[k], k),
                complement[k],
                near,
                tuple(float(found[k, other]) for other in near),
                why,
                related,
            )
        )
    return relations


def _shortfall(
    one: int, other: int, asked: Sequence[tuple[On, NDArray[np.float32], float]]
) -> Shortfall | None:
    """Return on what two units do not agree as copies do: the first of these that falls short."""
    for on, found, least in asked:
        if found[one, other] < least:
            return Shortfall(on, float(found[one, other]), least)
    return None


def least_with_confidence(least: float, n: int) -> float:
    """Return the correlation over `n` rows from which the true one is at least `least`, with 95 % confidence.

    Reference: R. A. Fisher, "On the probable error of a coefficient of correlation", 1921 (atanh of a
    correlation is normal with a variance of 1 / (n - 3)).

    Example:
        >>> round(least_with_confidence(0.99, 7), 4), round(least_with_confidence(0.99, 112), 4)
        (0.9981, 0.9927)
    """
    if n <= 3 or least >= 1:
        return least
    return math.tanh(math.atanh(least) + 1.645 / math.sqrt(n - 3))


def _active_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return correlations over few rows; nan for units whose activations there hardly differ.

    A ten-thousandth of their size may be rounding, where a device multiplies coarsely. White noise moves the
    mean over a 64-px picture by some thousandths.
    """
    found = np.array(correlations([rows]))
    quiet = ~(rows.std(axis=0) > _LEAST_ACTIVE * np.abs(rows).max(axis=0, initial=0))
    found[quiet] = np.nan
    found[:, quiet] = np.nan
    return found


def _lowest(row: NDArray[np.bool_], k: int) -> int | None:
    first = np.flatnonzero(row[:k])
    return int(first[0]) if len(first) else None


def _neighbours(row: NDArray[np.float32]) -> tuple[tuple[int, ...], NDArray[np.int32]]:
    values = np.where(np.isnan(row), -np.inf, row)
    order = np.argsort(-values, kind="stable")[:NEIGHBOURS]
    near = tuple(int(i) for i in order if values[i] >= _ALIKE)
    related = np.flatnonzero(values >= _RELATED).astype(np.int32)
    return near, related


def _cosines(kernel: np.ndarray) -> NDArray[np.float64]:
    flat = kernel.reshape(-1, kernel.shape[-1]).astype(float)
    size = np.sqrt((flat**2).sum(axis=0))
    flat = flat / np.where(size > 0, size, 1)
    return np.asarray(flat.T @ flat)
