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
from reportgen.run.context import Clock, RunContext
from reportgen.run.measuring import Passes, measure_layer, unmeasured
from reportgen.store import ModelRecord

if TYPE_CHECKING:
    from reportgen.models import Model

SURELY_FITS = 1 / 3
"""Share of the budget up to which an estimate, which may be wrong by a factor of three, is believed."""


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

    def __init__(
        self, run: RunContext, model: ModelRecord, network: Model, plans: Sequence[LayerPlan]
    ) -> None:
        self._run, self._model, self._network = run, model, network
        self._plans = {plan.layer.name: plan for plan in plans}
        self._passes: Passes = {}

    def layer(self, name: str, *, null: bool = True) -> None:
        """Take the measurements of a layer that are missing or stale; the null only if asked and in time.

        A layer of which nothing was rendered is left alone.
        """
        plan = self._plans[name]
        if not self._run.store.placements(self._model.id, name):
            return
        if self._lacks(plan):
            began = time.monotonic()
            self._measure(plan, null=False)
            self._run.clock.reserve(time.monotonic() - began)
        if null and not self._run.halted() and self._lacks(plan):
            self._measure(plan, null=True)

    def all(self) -> None:
        """Take what is missing of every layer."""
        for name in self._plans:
            self.layer(name)

    def _lacks(self, plan: LayerPlan) -> list[str]:
        return unmeasured(self._run, self._model, plan)

    def _measure(self, plan: LayerPlan, *, null: bool) -> None:
        measure_layer(self._run, self._model, self._network, plan, self._passes, null=null)
