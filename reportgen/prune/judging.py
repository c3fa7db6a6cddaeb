"""The quality of a network's decisions: their accuracy, and their agreement with the whole network's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from reportgen.prune.decision import Decision, Floats

Ints = NDArray[np.int64]

SIGNIFICANCE = 0.01
"""Probability with which a network without any skill is taken to have some."""


@dataclass(frozen=True)
class Shares:
    """Accuracy and agreement on a set of pictures.

    Attributes:
        n: Pictures.
        agreement: 0..1, share of decisions equal to the whole network's; of several outputs, for each
            picture, of the one with the lowest share.
        changed: Pictures with a decision that differs.
        accuracy: 0..1; None without classes.
    """

    n: int
    agreement: float
    changed: int
    accuracy: float | None = None

    @property
    def share(self) -> float:
        """The accuracy, or the agreement if there are no classes."""
        return self.agreement if self.accuracy is None else self.accuracy


@dataclass(frozen=True)
class Judge:
    """Pictures with the decisions that are expected of them.

    Attributes:
        pictures: `(n, h, w, c)` uint8.
        decisions: How outputs are read.
        whole: For each output `(n, places)`, the whole network's decisions.
        labels: `(n,)`, the correct output unit; empty without classes.
        output: The output that has a unit for each class.
    """

    pictures: NDArray[np.uint8]
    decisions: Sequence[Decision]
    whole: Sequence[Ints]
    labels: Ints
    output: int = 0

    def shares(self, outputs: Sequence[Floats]) -> Shares:
        """Return accuracy and agreement of outputs before a softmax or sigmoid."""
        now = [d.decided(a) for d, a in zip(self.decisions, outputs, strict=True)]
        every = [np.mean(n == w, axis=1) for n, w in zip(now, self.whole, strict=True)]
        # If there are classes, their output counts; else each picture's output with the lowest share.
        same = every[self.output] if len(self.labels) else np.min(every, axis=0)
        agreement, changed = float(np.mean(same)), int(np.sum(same < 1))
        right = np.mean(now[self.output][:, 0] == self.labels) if len(self.labels) else None
        return Shares(len(self.pictures), agreement, changed, None if right is None else float(right))

    def majority_share(self) -> float:
        """Return the share of the most frequent class; of the most frequent decision without classes."""
        values = self.labels if len(self.labels) else self.whole[self.output].ravel()
        return float(np.unique(values, return_counts=True)[1].max() / len(values))

    def has_skill(self) -> bool:
        """Whether the whole network is right more often than its shuffled decisions would be.

        Without classes: whether it makes more than one decision.
        """
        decided = self.whole[self.output][:, 0]
        if not len(self.labels):
            return any(len(np.unique(w)) > 1 for w in self.whole)
        n = len(self.labels)
        by_chance = sum(
            float(np.mean(decided == k)) * float(np.mean(self.labels == k)) for k in np.unique(self.labels)
        )
        right = int(np.sum(decided == self.labels))
        if by_chance >= 1 or right <= n * by_chance:
            return False
        return bool(stats.binom.sf(right - 1, n, by_chance) < SIGNIFICANCE)


def interval_of(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of n pictures (Wilson 1927)."""
    found = stats.binomtest(round(share * n), n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
