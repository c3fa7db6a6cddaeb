"""How good a network's decisions are: right by the classes of pictures, and the same as those of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from reportgen.prune.decision import Decision, Floats

Ints = NDArray[np.int64]

SURE = 0.01
"""Chance that a network without any skill is taken to have some."""


@dataclass(frozen=True)
class Shares:
    """What came of one judgement.

    Attributes:
        n: Pictures.
        agreement: 0..1, decisions that are those of the whole network; of several outputs, for each picture,
            of the one that keeps least.
        changed: Pictures any of whose decisions is another.
        accuracy: 0..1; None without classes.
    """

    n: int
    agreement: float
    changed: int
    accuracy: float | None = None

    @property
    def share(self) -> float:
        """The accuracy, or the agreement where there are no classes."""
        return self.agreement if self.accuracy is None else self.accuracy


@dataclass(frozen=True)
class Judge:
    """Pictures with what is known of them.

    Attributes:
        pictures: `(n, h, w, c)` uint8.
        decisions: How outputs are read.
        whole: For each output `(n, places)`, what the whole network decides.
        labels: `(n,)`, the output unit that is right; empty without classes.
        output: Which output has a unit for each class.
    """

    pictures: NDArray[np.uint8]
    decisions: Sequence[Decision]
    whole: Sequence[Ints]
    labels: Ints
    output: int = 0

    def shares(self, answers: Sequence[Floats]) -> Shares:
        """Return how good answers are, given before a softmax or sigmoid."""
        now = [d.decided(a) for d, a in zip(self.decisions, answers, strict=True)]
        every = [np.mean(n == w, axis=1) for n, w in zip(now, self.whole, strict=True)]
        # Classes are what is asked, if there are; else the output of each picture that keeps least counts.
        same = every[self.output] if len(self.labels) else np.min(every, axis=0)
        agreement, changed = float(np.mean(same)), int(np.sum(same < 1))
        right = np.mean(now[self.output][:, 0] == self.labels) if len(self.labels) else None
        return Shares(len(self.pictures), agreement, changed, None if right is None else float(right))

    def majority_share(self) -> float:
        """Return the share of the commonest class; of the commonest decision without classes."""
        values = self.labels if len(self.labels) else self.whole[self.output].ravel()
        return float(np.unique(values, return_counts=True)[1].max() / len(values))

    def has_skill(self) -> bool:
        """Whether the whole network is more often right than its own decisions, shuffled, would be.

        Without classes: whether it decides in more than one way.
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
        return bool(stats.binom.sf(right - 1, n, by_chance) < SURE)


def interval_of(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of n pictures (Wilson 1927)."""
    found = stats.binomtest(round(share * n), n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
