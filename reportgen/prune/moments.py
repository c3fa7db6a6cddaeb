"""Means and covariances of what layers read, streamed, and what follows: what each channel tells alone.

Ridge regression of channels on each other. Covariances of a flattened map are those of its places together,
each around its own mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.prune.groups import Reader
from reportgen.prune.weights import Floats, Kept, Refit

MOST_PLACES = 400
"""Places of a map whose values are taken of one picture, at most, evenly spread."""


@dataclass(frozen=True)
class Moments:
    """What a layer reads, on average.

    Attributes:
        mean: `(P, C)`.
        covariance: `(C, C)`, float64.
        pictures: Pictures that were seen.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    pictures: int

    def precision(self, kept: Kept, ridge: float) -> NDArray[np.float64]:
        """Return the inverse of the ridged covariance of channels that are kept, `(k, k)`."""
        some = self.covariance[np.ix_(kept, kept)]
        return np.asarray(np.linalg.inv(some + self._ridge(ridge) * np.eye(len(some))))

    def alone(self, kept: Kept, ridge: float) -> Floats:
        """Return `(C, C)`: columns that give of a centred row what each kept channel tells and no other does.

        That is the channel less its regression on the others; see Cox and Wermuth 1996 on partial residuals.
        """
        found = np.zeros(self.covariance.shape, np.float32)
        inverse = self.precision(kept, ridge)
        found[np.ix_(kept, kept)] = inverse / np.diag(inverse)[None, :]
        return found

    def refit(self, removed: Kept, ridge: float) -> Refit:
        """Return by which sums of the others each removed channel is best made up for (least squares)."""
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
    """Return the moments of what each reader reads, all its calls together.

    Args:
        batches: For each batch of pictures and each reader, the tensors of its calls, `(n, ..., C)`.
        readers: In the same order.
    """
    guesses: dict[int, Floats] = {}
    sums = [np.zeros((r.places, len(r.groups))) for r in readers]
    squares = [np.zeros((len(r.groups), len(r.groups))) for r in readers]
    rows = [0] * len(readers)
    pictures = 0
    for batch in batches:
        for number, (calls, reader) in enumerate(zip(batch, readers, strict=True)):
            for tensor in calls:
                values = _rows(tensor, reader)
                # Squares around a first guess of the mean lose no digits where it is far from 0.
                values = values - guesses.setdefault(number, values.mean(axis=0))
                sums[number] += values.sum(axis=0, dtype=np.float64)
                flat = values.reshape(-1, values.shape[-1])
                squares[number] += flat.T @ flat
                rows[number] += len(values)
        pictures += len(batch[0][0]) if batch else 0
    found = []
    for number, reader in enumerate(readers):
        n = max(rows[number], 1)
        off = sums[number] / n
        covariance = squares[number] / (n * reader.places) - off.T @ off / reader.places
        found.append(Moments(off + guesses.get(number, 0.0), covariance, pictures))
    return found


def _rows(tensor: Floats, reader: Reader) -> Floats:
    """Return `(rows, P, C)`: places of a map are rows, those of a flattened one its own axis."""
    width = len(reader.groups)
    if reader.places > 1:
        return tensor.reshape(-1, reader.places, width)
    places = tensor.reshape(len(tensor), -1, width)
    step = -(-places.shape[1] // MOST_PLACES)
    return places[:, ::step].reshape(-1, 1, width)
