"""Accuracy and agreement of a network as more and more of its units are removed, in a given order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.prune.judging import Judge, Shares
from reportgen.prune.order import MeasuredTrial
from reportgen.removal import CurvePoint


@dataclass(frozen=True)
class Choice:
    """How many units can be removed.

    Attributes:
        steady: Largest count of a curve for which it and every smaller count stay within the loss.
        largest: Largest count that stays within the loss.
    """

    steady: int
    largest: int


def removed_after(n_groups: int, order: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Return which groups `(G,)` are removed after that many of an order."""
    removed = np.zeros(n_groups, bool)
    removed[order[:count]] = True
    return removed


def shares_without(measured: MeasuredTrial, judge: Judge, removed: NDArray[np.bool_]) -> Shares:
    """Return the accuracy and agreement of a network without groups `(G,)`."""
    measured.trial.apply(measured.refits(removed))
    return judge.shares(measured.trial.outputs(judge.pictures))


def shares_along(measured: MeasuredTrial, judge: Judge, order: NDArray[np.int64], counts: Sequence[int],
                 stop: Callable[[], bool] = lambda: False) -> dict[int, Shares]:  # fmt: skip
    """Return accuracy and agreement after each of some counts of an order; of fewer counts if stopped."""
    found: dict[int, Shares] = {}
    for count in counts:
        if stop():
            break
        found[count] = shares_without(
            measured, judge, removed_after(len(measured.trial.groups), order, count)
        )
    return found


def choice_of(curve: Mapping[int, Shares], max_loss: float) -> Choice:
    """Return how many units can be removed along a curve.

    Args:
        curve: By count, from 0 on.
        max_loss: 0..1, the allowed loss of accuracy (of agreement without classes).
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
    """Return a curve in the form in which it is stored."""
    return tuple(CurvePoint(n, curve[n].agreement, curve[n].accuracy) for n in sorted(curve))


def points_of_draws(draws: Sequence[Mapping[int, Shares]]) -> tuple[CurvePoint, ...]:
    """Return the mean of the curves of several random orders, with the range of their shares."""
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
