"""A budget of time: in which order pictures are rendered within it, and what is missing afterwards.

The clock starts with the call, so that reading the model counts, as do measuring and the renderer null.
Passes over the units are defined in `plan`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.plan import LayerPlan, missing, passes
from reportgen.run.context import Clock, RunContext
from reportgen.run.measuring import Passes, measure_layer, missing_measurements
from reportgen.store import ModelRecord

if TYPE_CHECKING:
    from reportgen.models import Model

SAFE_SHARE = 0.6
"""Share of the budget up to which an estimate is trusted, which leaves room for one that is too low."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The part of a plan that is not stored.

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
            f"{self.of_pictures - self.pictures:,} of {self.of_pictures:,} pictures are rendered, "
            f"some are missing in {self.layers} of {self.of_layers} layers"
        )


def missing_pictures(plans: Sequence[LayerPlan], stored: Collection[str]) -> Missing:
    """Return how many pictures and layers of the plans are not stored."""
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
    """Return what is missing in the order in which to render it, and about how many seconds it takes.

    Layer by layer, because every pass over the layers builds their programs again; in several passes only if
    the budget may not be enough. The first pass has as many units of each layer as surely fit.
    """

    def fits(seconds: float) -> bool:
        return seconds <= clock.left() * SAFE_SHARE  # Estimating may take a while, which is of the budget.

    left = missing(plans, stored)
    seconds = estimate(left)
    if not left or fits(seconds):
        return [left], seconds
    first, turns = 1, passes(plans, stored, 1)
    while first < max(len(plan.units) for plan in left):
        more = passes(plans, stored, 2 * first)
        if not fits(estimate(more[0])):
            break
        first, turns = 2 * first, more
    return turns, seconds


class Measurer:
    """Measures layers while their network is loaded, and reserves time for that at the end of the budget."""

    def __init__(
        self, run: RunContext, model: ModelRecord, network: Model, plans: Sequence[LayerPlan]
    ) -> None:
        self._run, self._model, self._network = run, model, network
        self._plans = {plan.layer.name: plan for plan in plans}
        self._passes: Passes = {}

    def layer(self, name: str) -> None:
        """Take a layer's missing or outdated measurements; the null only if time remains.

        A layer of which nothing was rendered is skipped.
        """
        plan = self._plans[name]
        if not self._run.store.placements(self._model.id, name):
            return
        if self._lacks(plan):
            began = time.monotonic()
            self._measure(plan, null=False)
            self._run.clock.reserve(time.monotonic() - began)
        if not self._run.halted() and self._lacks(plan):
            self._measure(plan, null=True)

    def all(self) -> None:
        """Take the missing measurements of every layer."""
        for name in self._plans:
            self.layer(name)

    def _lacks(self, plan: LayerPlan) -> list[str]:
        return missing_measurements(self._run, self._model, plan)

    def _measure(self, plan: LayerPlan, *, null: bool) -> None:
        measure_layer(self._run, self._model, self._network, plan, self._passes, null=null)
