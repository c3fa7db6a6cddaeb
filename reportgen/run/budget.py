"""A budget of time: whether it is spent, in which order pictures are rendered under it, and what is missing.

The clock runs from the call on, so that reading the model counts; measuring and the renderer null are part of
it. The order itself is the plan's matter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.plan import FIRST_UNITS, LayerPlan, missing, passes
from reportgen.run.measuring import Passes, measure_layer, unmeasured
from reportgen.run.memory import Bound
from reportgen.store import ModelRecord, Store

if TYPE_CHECKING:
    from reportgen.models import Model

SURELY_FITS = 1 / 3
"""Share of the budget up to which an estimate, which may be wrong by a factor of three, is believed."""


class Clock:
    """The time a run may take; it never ends where there is no budget.

    Args:
        seconds: The budget, or None.
        now: Tells the time in seconds.
    """

    def __init__(self, seconds: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._now = now
        self._end = None if seconds is None else now() + seconds
        self._reserve = 0.0

    def left(self) -> float:
        """Return the seconds left for rendering; infinity without a budget."""
        return float("inf") if self._end is None else self._end - self._now() - self._reserve

    def over(self) -> bool:
        """Return whether nothing more should be begun."""
        return self.left() <= 0

    def share(self, parts: int) -> Clock:
        """Return a clock for one of so many parts that are still to be done, each with as much time."""
        return Clock(None if self._end is None else max(0.0, self.left()) / parts, self._now)

    def reserve(self, seconds: float) -> None:
        """Keep at least so much of the end for what has to follow the last picture."""
        self._reserve = max(self._reserve, seconds)


@dataclass(frozen=True, slots=True)
class Missing:
    """What of a plan is not there.

    Attributes:
        pictures, layers: How many are missing, and in how many layers.
        of_pictures, of_layers: How many are planned.
    """

    pictures: int
    of_pictures: int
    layers: int
    of_layers: int

    def __str__(self) -> str:
        return (
            f"{self.pictures:,} of {self.of_pictures:,} pictures are missing, "
            f"in {self.layers} of {self.of_layers} layers"
        )


def missing_of(plans: Sequence[LayerPlan], stored: Collection[str]) -> Missing:
    """Return what of the plans is not stored."""
    left = missing(plans, stored)
    return Missing(
        sum(len(plan.pictures) for plan in left),
        len({p.key for plan in plans for p in plan.pictures}),
        len(left),
        len(plans),
    )


def order(
    plans: Sequence[LayerPlan],
    stored: Collection[str],
    clock: Clock,
    estimate: Callable[[Sequence[LayerPlan]], float],
) -> tuple[list[list[LayerPlan]], float]:
    """Return what is missing in the order in which it is rendered, and about how many seconds it takes.

    Layer by layer, because every pass over the layers builds their programs again; in passes only where the
    budget may not be enough. Of each layer the first pass has as many units as leave time for more.
    """
    left = missing(plans, stored)
    seconds = estimate(left)
    if seconds <= clock.left() * SURELY_FITS:
        return [left], seconds
    turns, first = passes(plans, stored), FIRST_UNITS
    while first > 1 and estimate(turns[0]) > clock.left() * SURELY_FITS:
        first //= 2
        turns = passes(plans, stored, first)
    return turns, seconds


class Measurer:
    """Measures layers while their network is at hand, and keeps time for it at the end."""

    def __init__(self, store: Store, model: ModelRecord, network: Model, plans: Sequence[LayerPlan],
                 clock: Clock, bound: Bound, arithmetic: str,
                 told: Callable[[str], None]) -> None:  # fmt: skip
        self._told = told
        self._store, self._model, self._network, self._arithmetic = store, model, network, arithmetic
        self._plans, self._clock = {plan.layer.name: plan for plan in plans}, clock
        self._passes: Passes = {}
        self._bound = bound

    def layer(self, name: str, stop: Callable[[], bool], *, null: bool = True) -> None:
        """Take the measurements of a layer that are missing or stale; the null only if asked and in time.

        A layer of which nothing was rendered is left alone.
        """
        plan = self._plans[name]
        if not self._store.placements(self._model.id, name):
            return
        if self._lacks(plan):
            began = time.monotonic()
            self._measure(plan, lambda: True)
            self._clock.reserve(time.monotonic() - began)
        if null and not stop() and self._lacks(plan):
            self._measure(plan, stop)

    def all(self, stop: Callable[[], bool]) -> None:
        """Take what is missing of every layer."""
        for name in self._plans:
            self.layer(name, stop)

    def _lacks(self, plan: LayerPlan) -> list[str]:
        return unmeasured(self._store, self._model, plan, self._arithmetic)

    def _measure(self, plan: LayerPlan, stop: Callable[[], bool]) -> None:
        measure_layer(
            self._store, self._model, self._network, plan, self._arithmetic, self._passes, self._bound, stop,
            self._told,
        )  # fmt: skip
