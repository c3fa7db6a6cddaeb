"""Streaming means and covariances of the inputs of layers, and the unique part of each channel.

The unique part of a channel is what its ridge regression on the other channels leaves. Covariances of a
flattened map are those of its places together, each around its own mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.prune.groups import Reader
from reportgen.prune.weights import Floats, Kept, Refit

MOST_PLACES = 400
"""Most places of a picture's map whose values are used, evenly spread."""

FOLDS = 4
"""Parts of the pictures for cross-validation of the ridge."""

RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Ridges that are tried, as shares of the mean variance of channels."""

MOST_TESTED = 128
"""Most channels of a layer on which ridges are tried, evenly spread."""


@dataclass(frozen=True)
class Moments:
    """First and second moments of a layer's input.

    Attributes:
        mean: `(P, C)`.
        covariance: `(C, C)`, float64.
        pictures: Number of pictures.
        ridge: The one of `RIDGES` whose regressions of channels on each other have the smallest error on
            held-out pictures. With few pictures and many channels it is large, and predictions are near the
            mean.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    pictures: int
    ridge: float = RIDGES[1]

    def precision(self, kept: Kept, ridge: float) -> NDArray[np.float64]:
        """Return the inverse of the ridged covariance of channels that are kept, `(k, k)`."""
        some = self.covariance[np.ix_(kept, kept)]
        return np.asarray(np.linalg.inv(some + self._ridge(ridge) * np.eye(len(some))))

    def alone(self, kept: Kept, ridge: float) -> Floats:
        """Return `(C, C)`, by which a centred row is multiplied to give each kept channel's unique part.

        That is the channel minus its regression on the others; see Cox and Wermuth 1996 on partial residuals.
        """
        found = np.zeros(self.covariance.shape, np.float32)
        inverse = self.precision(kept, ridge)
        found[np.ix_(kept, kept)] = inverse / np.diag(inverse)[None, :]
        return found

    def refit(self, removed: Kept, ridge: float) -> Refit:
        """Return the least-squares prediction of each removed channel from the kept ones."""
        kept = ~removed
        mixing = np.diag(kept).astype(np.float64)
        if kept.any() and removed.any():
            across = self.covariance[np.ix_(kept, removed)]
            some = self.covariance[np.ix_(kept, kept)] + self._ridge(ridge) * np.eye(int(kept.sum()))
            mixing[np.ix_(removed, kept)] = np.linalg.solve(some, across).T
        constant = np.where(removed, self.mean - self.mean @ mixing.T, 0)
        return Refit(mixing.astype(np.float32), constant.astype(np.float32))

    def _ridge(self, share: float) -> float:
        return share * float(np.trace(self.covariance)) / len(self.covariance) + 1e-12


def moments_of(batches: Iterable[Sequence[Sequence[Floats]]], readers: Sequence[Reader]) -> list[Moments]:
    """Return the moments of each reader's input, over all its calls.

    Args:
        batches: For each batch of pictures and each reader, the tensors of its calls, `(n, ..., C)`.
        readers: In the same order.
    """
    sums = [_Sums(r.places, len(r.groups)) for r in readers]
    pictures = 0
    for batch in batches:
        for calls, reader, own in zip(batch, readers, sums, strict=True):
            for tensor in calls:
                # Places of a picture are correlated: all places of a picture are in one fold.
                for fold, some in enumerate(np.array_split(tensor, FOLDS)):
                    if len(some):
                        own.add(fold, _rows(some, reader))
        pictures += len(batch[0][0]) if batch else 0
    return [own.moments(pictures) for own in sums]


class _Sums:
    """Running sums over the rows of one reader, by fold.

    Args:
        places: Of a flattened map.
        width: Channels.
    """

    def __init__(self, places: int, width: int) -> None:
        self._guess: Floats | None = None
        self._sums = np.zeros((FOLDS, places, width))
        self._squares = np.zeros((FOLDS, width, width))
        self._rows = np.zeros(FOLDS, np.int64)

    def add(self, fold: int, values: Floats) -> None:
        """Add `(rows, P, C)` values."""
        # Squares around a first guess of the mean keep their precision if the mean is far from 0.
        self._guess = values.mean(axis=0) if self._guess is None else self._guess
        values = values - self._guess
        self._sums[fold] += values.sum(axis=0, dtype=np.float64)
        flat = values.reshape(-1, values.shape[-1])
        self._squares[fold] += flat.T @ flat
        self._rows[fold] += len(values)

    def moments(self, pictures: int) -> Moments:
        """Return the moments of all folds together, with the ridge that cross-validation chooses."""
        off, covariance = self._of(range(FOLDS))
        guess = 0.0 if self._guess is None else self._guess
        return Moments(off + guess, covariance, pictures, self._best_ridge())

    def _of(self, folds: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the means' offset from the guess, `(P, C)`, and the covariance."""
        some = list(folds)
        rows, places = max(int(self._rows[some].sum()), 1), self._sums.shape[1]
        off = self._sums[some].sum(axis=0) / rows
        return off, self._squares[some].sum(axis=0) / (rows * places) - off.T @ off / places

    def _best_ridge(self) -> float:
        tested = [f for f in range(FOLDS) if 0 < self._rows[f] < self._rows.sum()]
        if not tested or not np.isfinite(self._squares).all():
            return RIDGES[1]
        lost = np.zeros(len(RIDGES))
        for fold in tested:
            _, known = self._of([f for f in range(FOLDS) if f != fold])
            _, unseen = self._of([fold])
            lost += [_unexplained_variance(known, unseen, ridge) * int(self._rows[fold]) for ridge in RIDGES]
        return RIDGES[int(np.argmin(lost))]


def _unexplained_variance(known: NDArray[np.float64], unseen: NDArray[np.float64], ridge: float) -> float:
    """Return the variance on held-out rows that is left after each channel is regressed on all others."""
    width = len(known)
    added = ridge * float(np.trace(known)) / width + 1e-12
    tested = np.arange(0, width, -(-width // MOST_TESTED))
    inverse = np.linalg.solve(known + added * np.eye(width), np.eye(width)[:, tested])
    alone = inverse / inverse[tested, np.arange(len(tested))]
    return float(np.sum(alone * (unseen @ alone)))


def _rows(tensor: Floats, reader: Reader) -> Floats:
    """Return `(rows, P, C)`: places of a map are rows, those of a flattened one its own axis."""
    width = len(reader.groups)
    if reader.places > 1:
        return tensor.reshape(-1, reader.places, width)
    places = tensor.reshape(len(tensor), -1, width)
    step = -(-places.shape[1] // MOST_PLACES)
    return places[:, ::step].reshape(-1, 1, width)
