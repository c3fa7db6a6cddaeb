"""In what order units go: a few of the least needed, and again, on the network as it is by then.

A unit's score is the mean over pictures of the squared first-order change of the decision's log probability
when the unit says only what the others tell of it (Molchanov et al. 2019, with the regression on the other
channels as the reference; without compensation, with the mean).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.prune.decision import Decision
from reportgen.prune.groups import STAYS, Left, Reader
from reportgen.prune.moments import Moments
from reportgen.prune.trial import Pictures, Trial
from reportgen.prune.weights import Floats, Kept, Refit, replaced_by_means

ROUNDS = 40
"""Rounds in which units are taken away: in each a fortieth of all."""


@dataclass(frozen=True)
class Ordering:
    """Units in the order in which they go.

    Attributes:
        order: Groups, the least needed first; those at the end are never taken.
        counts: How many were gone after each round, from 0.
        needs: `(G,)`, root mean square change where a unit alone gives its mean, with all others there.
    """

    order: NDArray[np.int64]
    counts: tuple[int, ...]
    needs: NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A trial with what was measured of the network as it was.

    Attributes:
        trial: Where removal is tried.
        moments: Of each reader.
        compensate: Whether channels that stay make up for those that go.
        ridge: For each reader, as a share of the mean variance of its channels.
    """

    trial: Trial
    moments: Sequence[Moments]
    compensate: bool
    ridge: Sequence[float]

    def removed_of(self, reader: Reader, removed: NDArray[np.bool_]) -> Kept:
        """Return `(C,)`, channels of a reader that go with groups `(G,)`."""
        return np.asarray((reader.groups != STAYS) & removed[reader.groups])

    def refits(self, removed: NDArray[np.bool_]) -> dict[int, Refit]:
        """Return for readers, by number, how they read without groups `(G,)`."""
        found = {}
        for number, reader in enumerate(self.trial.groups.readers):
            gone = self.removed_of(reader, removed)
            if gone.any():
                found[number] = self._refit(number, gone)
        return found

    def _refit(self, number: int, gone: Kept) -> Refit:
        moments = self.moments[number]
        if self.mixes(number):
            return moments.refit(gone, self.ridge[number])
        return replaced_by_means(gone, moments.mean.astype(np.float32))

    def mixes(self, number: int) -> bool:
        """Whether a reader can take one channel for another: a depthwise kernel in front forbids it."""
        node = self.trial.model.nodes[self.trial.groups.readers[number].nodes[0]]
        return self.compensate and node.kind != "separable_conv2d"

    def directions_from_means(self, removed: NDArray[np.bool_]) -> dict[int, tuple[Floats, Floats]]:
        """Return what gates need where a channel that is taken away gives its mean."""
        return dataclasses.replace(self, compensate=False).directions(removed)

    def directions(self, removed: NDArray[np.bool_]) -> dict[int, tuple[Floats, Floats]]:
        """Return what gates need: what each channel says alone, with groups `(G,)` gone."""
        found = {}
        for number, reader in enumerate(self.trial.groups.readers):
            kept = ~self.removed_of(reader, removed)
            moments = self.moments[number]
            if self.mixes(number):
                matrix = moments.alone(kept, self.ridge[number])
            else:
                matrix = np.diag(kept).astype(np.float32)
            found[number] = (matrix, moments.mean.astype(np.float32))
        return found


def ordered(
    measured: Measured,
    pictures: Pictures,
    decisions: Sequence[Decision],
    chosen: Sequence[NDArray[np.int64]],
    *,
    known: Sequence[Sequence[int]] = (),
    goes_on: Callable[[Sequence[int], int], bool] = lambda taken, count: True,
) -> Ordering:
    """Return the units of a network in the order in which they can be missed.

    Args:
        measured: The trial.
        pictures: That put units in order.
        decisions: How outputs are read.
        chosen: For each output, what the whole network decides of the pictures.
        known: What earlier rounds took, where they were measured before.
        goes_on: Asked after each round, while the trial lacks what was taken, with what this round took and
            how many are gone.
    """
    groups = measured.trial.groups
    removed = np.zeros(len(groups), bool)
    order: list[int] = []
    counts = [0]
    step = max(1, round(len(groups) / ROUNDS))

    def scored(directions: Mapping[int, tuple[Floats, Floats]] | None = None) -> NDArray[np.float64]:
        told = directions or measured.directions(removed)
        effects = measured.trial.effects(pictures, decisions, chosen, told, len(order))
        return np.asarray(np.mean(np.square(effects, dtype=np.float64), axis=0))

    measured.trial.take({})
    needs, stale = np.sqrt(scored(measured.directions_from_means(removed))), False
    scores = scored()
    for number in range(len(groups)):
        again = number < len(known)
        if stale and not again:
            scores = scored()
        taken = list(known[number]) if again else _least(measured, scores, removed, step)
        if not taken:
            break
        removed[taken], stale = True, True
        order += taken
        counts.append(len(order))
        measured.trial.take(measured.refits(removed))
        if not goes_on(taken, len(order)):
            break
    scores = scored() if stale else scores
    left = [g for g in np.argsort(scores, kind="stable").tolist() if not removed[g]]
    return Ordering(np.asarray([*order, *left], np.int64), tuple(counts), needs)


def _least(measured: Measured, scores: NDArray[np.float64], removed: NDArray[np.bool_], n: int) -> list[int]:
    """Return the n least needed units, one at a time: what one told, another may have to tell now."""
    left = Left(measured.trial.groups, removed)
    tried = removed.copy()
    alone = _Alone(measured, removed) if measured.compensate else None
    worth = scores
    taken: list[int] = []
    while len(taken) < n and not tried.all():
        least = int(np.argmin(np.where(tried, np.inf, worth)))
        tried[least] = True
        if not left.can_go(least):
            continue
        taken.append(least)
        left.take(least)
        if alone is not None:
            worth = scores * alone.without(least)
    return taken


class _Alone:
    """How much more each unit tells alone as others go, without a pass over pictures."""

    def __init__(self, measured: Measured, removed: NDArray[np.bool_]) -> None:
        self._groups = measured.trial.groups
        self._inverses: dict[int, NDArray[np.float64]] = {}
        self._first: dict[int, NDArray[np.float64]] = {}
        self._factors = np.ones(len(self._groups))
        self._readers: dict[int, list[int]] = {}
        for number, reader in enumerate(self._groups.readers):
            if not measured.mixes(number):
                continue
            kept = ~measured.removed_of(reader, removed)
            inverse = np.zeros(measured.moments[number].covariance.shape)
            inverse[np.ix_(kept, kept)] = measured.moments[number].precision(kept, measured.ridge[number])
            self._inverses[number] = inverse
            self._first[number] = np.diag(inverse).copy()
            for g in np.unique(reader.groups[reader.groups != STAYS]).tolist():
                self._readers.setdefault(g, []).append(number)

    def without(self, group: int) -> NDArray[np.float64]:
        """Take a unit away; return by what factor the squared effect of each other has grown."""
        for number in self._readers.get(group, ()):
            reader, inverse = self._groups.readers[number], self._inverses[number]
            for channel in np.flatnonzero(reader.groups == group):
                if inverse[channel, channel] > 0:
                    inverse -= np.outer(inverse[:, channel], inverse[channel]) / inverse[channel, channel]
                    inverse[channel], inverse[:, channel] = 0, 0
            now = np.diag(inverse)
            known = (now > 0) & (reader.groups != STAYS)
            grown = self._first[number][known] / now[known]
            np.maximum.at(self._factors, reader.groups[known], grown)
        return self._factors
