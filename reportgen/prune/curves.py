"""How a network does as more and more of its units go, in a given order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.prune.judging import Judge, Shares
from reportgen.prune.order import Measured
from reportgen.removal import CurvePoint


@dataclass(frozen=True)
class Choice:
    """How many units can go.

    Attributes:
        steady: Largest count of a curve up to which every smaller one holds.
        largest: Largest count that holds.
    """

    steady: int
    largest: int


def removed_after(n_groups: int, order: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Return `(G,)`, which units are gone after that many of an order."""
    gone = np.zeros(n_groups, bool)
    gone[order[:count]] = True
    return gone


def shares_without(measured: Measured, judge: Judge, removed: NDArray[np.bool_]) -> Shares:
    """Return how a network does on pictures without groups `(G,)`."""
    measured.trial.take(measured.refits(removed))
    return judge.shares(measured.trial.answers(judge.pictures))


def shares_along(measured: Measured, judge: Judge, order: NDArray[np.int64], counts: Sequence[int],
                 stop: Callable[[], bool] = lambda: False) -> dict[int, Shares]:  # fmt: skip
    """Return how a network does after each of some counts of an order; fewer of them where it was stopped."""
    found: dict[int, Shares] = {}
    for count in counts:
        if stop():
            break
        found[count] = shares_without(
            measured, judge, removed_after(len(measured.trial.groups), order, count)
        )
    return found


def choice_of(curve: Mapping[int, Shares], max_loss: float) -> Choice:
    """Return how many units can go on a curve.

    Args:
        curve: By count, from 0 on.
        max_loss: 0..1, what may be lost of the accuracy (of the agreement without classes).
    """
    least = curve[0].share - max_loss - 1e-9
    holds = {count: curve[count].share >= least for count in sorted(curve)}
    steady = 0
    for count, fine in holds.items():
        if not fine:
            break
        steady = count
    return Choice(steady, max(count for count, fine in holds.items() if fine))


def points_of(curve: Mapping[int, Shares]) -> tuple[CurvePoint, ...]:
    """Return a curve as it is kept."""
    return tuple(CurvePoint(n, curve[n].agreement, curve[n].accuracy) for n in sorted(curve))


def points_of_draws(draws: Sequence[Mapping[int, Shares]]) -> tuple[CurvePoint, ...]:
    """Return the mean of curves of several draws with the range of what they show."""
    found = []
    for count in sorted(set.intersection(*(set(d) for d in draws))):
        some = [d[count] for d in draws]
        accuracies = [s.accuracy for s in some if s.accuracy is not None]
        shown = [s.share for s in some]
        found.append(
            CurvePoint(
                count,
                float(np.mean([s.agreement for s in some])),
                float(np.mean(accuracies)) if accuracies else None,
                min(shown),
                max(shown),
            )
        )
    return tuple(found)


def counts_up_to(n: int, points: int) -> list[int]:
    """Return counts from 0 to n, evenly spread."""
    return sorted({round(i * n / points) for i in range(points + 1)})
