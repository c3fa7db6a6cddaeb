"""The order in which units are removed: a few of the least needed, then again on the network without them.

A unit's score is the mean over pictures of the squared first-order change of the decision's log probability
when the unit is replaced by its prediction from the others (Molchanov et al. 2019, with the regression on the
other channels as the reference; without compensation, with the mean).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.prune.decision import Decision
from reportgen.prune.groups import STAYS, Reader, RemainingUnits
from reportgen.prune.moments import Moments
from reportgen.prune.trial import Pictures, Trial
from reportgen.prune.weights import Floats, Kept, Refit, replaced_by_means

ROUNDS = 40
"""Rounds in which units are removed: in each a fortieth of all."""


@dataclass(frozen=True)
class Ordering:
    """Units in the order in which they are removed.

    Attributes:
        order: Groups, the least needed first; those at the end are never removed.
        counts: How many were removed after each round, from 0.
        needs: `(G,)`, root mean square change if only that unit is replaced by its mean.
    """

    order: NDArray[np.int64]
    counts: tuple[int, ...]
    needs: NDArray[np.float64]


@dataclass(frozen=True)
class MeasuredTrial:
    """A trial with measurements of the whole network.

    Attributes:
        trial: The network on which removal is tried.
        moments: Of each reader.
        compensate: Whether kept channels compensate for removed ones.
        ridge: For each reader, as a share of the mean variance of its channels.
    """

    trial: Trial
    moments: Sequence[Moments]
    compensate: bool
    ridge: Sequence[float]

    def removed_of(self, reader: Reader, removed: NDArray[np.bool_]) -> Kept:
        """Return `(C,)`, channels of a reader that are removed with groups `(G,)`."""
        return np.asarray((reader.groups != STAYS) & removed[reader.groups])

    def refits(self, removed: NDArray[np.bool_]) -> dict[int, Refit]:
        """Return the refits of readers, by number, when groups `(G,)` are removed."""
        found = {}
        for number, reader in enumerate(self.trial.groups.readers):
            channels = self.removed_of(reader, removed)
            if channels.any():
                found[number] = self._refit(number, channels)
        return found

    def _refit(self, number: int, removed: Kept) -> Refit:
        moments = self.moments[number]
        if self.mixes(number):
            return moments.refit(removed, self.ridge[number])
        return replaced_by_means(removed, moments.mean.astype(np.float32))

    def mixes(self, number: int) -> bool:
        """Whether a reader can replace one channel by others: a depthwise kernel in front prevents it."""
        node = self.trial.model.nodes[self.trial.groups.readers[number].nodes[0]]
        return self.compensate and node.kind != "separable_conv2d"

    def directions_from_means(self, removed: NDArray[np.bool_]) -> dict[int, tuple[Floats, Floats]]:
        """Return the gates' matrices and centres if a removed channel is replaced by its mean."""
        return dataclasses.replace(self, compensate=False).directions(removed)

    def directions(self, removed: NDArray[np.bool_]) -> dict[int, tuple[Floats, Floats]]:
        """Return the gates' matrices and centres for unique parts, with groups `(G,)` removed."""
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


def order_units(
    measured: MeasuredTrial,
    pictures: Pictures,
    decisions: Sequence[Decision],
    chosen: Sequence[NDArray[np.int64]],
    *,
    known: Sequence[Sequence[int]] = (),
    should_continue: Callable[[Sequence[int], int], bool] = lambda taken, count: True,
) -> Ordering:
    """Return the units of a network, the least needed first.

    Args:
        measured: The trial.
        pictures: Those for the order of units.
        decisions: How outputs are read.
        chosen: For each output, the whole network's decisions on the pictures.
        known: Units that earlier rounds removed, if these were measured before.
        should_continue: Called after each round, while the trial lacks the removed units, with the units of
            this round and the number of all that are removed.
    """
    groups = measured.trial.groups
    removed = np.zeros(len(groups), bool)
    order: list[int] = []
    counts = [0]
    step = max(1, round(len(groups) / ROUNDS))

    def scored(directions: Mapping[int, tuple[Floats, Floats]] | None = None) -> NDArray[np.float64]:
        unique = directions or measured.directions(removed)
        effects = measured.trial.effects(pictures, decisions, chosen, unique, len(order))
        return np.asarray(np.mean(np.square(effects, dtype=np.float64), axis=0))

    measured.trial.apply({})
    needs, stale = np.sqrt(scored(measured.directions_from_means(removed))), False
    scores = scored()
    for number in range(len(groups)):
        again = number < len(known)
        if stale and not again:
            scores = scored()
        taken = list(known[number]) if again else _least_needed(measured, scores, removed, step)
        if not taken:
            break
        removed[taken], stale = True, True
        order += taken
        counts.append(len(order))
        measured.trial.apply(measured.refits(removed))
        if not should_continue(taken, len(order)):
            break
    scores = scored() if stale else scores
    kept = [g for g in np.argsort(scores, kind="stable").tolist() if not removed[g]]
    return Ordering(np.asarray([*order, *kept], np.int64), tuple(counts), needs)


def _least_needed(
    measured: MeasuredTrial, scores: NDArray[np.float64], removed: NDArray[np.bool_], n: int
) -> list[int]:
    """Return the n least needed units, one at a time, since redundant units are needed once alone."""
    remaining = RemainingUnits(measured.trial.groups, removed)
    tried = removed.copy()
    growth = _UniquePartGrowth(measured, removed) if measured.compensate else None
    current = scores
    taken: list[int] = []
    while len(taken) < n and not tried.all():
        least = int(np.argmin(np.where(tried, np.inf, current)))
        tried[least] = True
        if not remaining.can_remove(least):
            continue
        taken.append(least)
        remaining.remove(least)
        if growth is not None:
            current = scores * growth.without(least)
    return taken


class _UniquePartGrowth:
    """How much each unit's unique part grows as others are removed, without a pass over pictures."""

    def __init__(self, measured: MeasuredTrial, removed: NDArray[np.bool_]) -> None:
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
        """Remove a unit; return the factor by which the squared effect of each other unit has grown."""
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
