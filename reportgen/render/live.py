"""Rendering of one picture with a callback after every step, which can cancel it.

The same ascent as in `batch_runner`, one step a call. The picture equals that of a batch, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from reportgen.render.batch_runner import BatchRunner, Job, Render, to_uint8
from reportgen.render.optimise import TRACE, ascent
from reportgen.spec import RenderSpec

if TYPE_CHECKING:
    from reportgen.models import Cut

Array = np.ndarray


@dataclass(frozen=True)
class LiveStep:
    """The state of a picture after a step.

    Attributes:
        step: Steps taken, at least 1.
        objective: Before the last step, under that step's transform.
        restarted: Whether earlier objectives are not comparable with this one, because the ascent was
            restarted or a silent unit has another reduction now (`objectives.reduced`); true for the first
            step.
        picture: Returns the picture so far, uint8 `(h, w, c)`, in the way the recipe displays it.
    """

    step: int
    objective: float
    restarted: bool
    picture: Callable[[], Array]


def render_live(
    cut: Cut, job: Job, recipe: RenderSpec, watch: Callable[[LiveStep], bool], start: Array | None = None
) -> Render | None:
    """Render one picture, with a callback after every step.

    Args:
        cut: The network from pictures to the layer.
        job: What is maximised.
        recipe: How the picture is rendered.
        watch: Called after each step; if it returns False the rendering is cancelled.
        start: A picture to start from, uint8 `(h, w, c)` of the cut's canvas; else the job's random start.
            The job's seed then determines its transforms alone.

    Returns:
        The render; None if it was cancelled.
    """
    engine = ascent(cut, recipe, 1, job.aim, 1)
    run = BatchRunner(cut, recipe, engine, 1)
    given = (
        None if start is None else engine.parameters.numbers_of(np.asarray(start / 255.0, np.float32))[None]
    )
    run.fill(iter([job]), given)

    def so_far() -> Array:
        numbers = np.asarray(ops.convert_to_numpy(run.state["x"]))[0]
        return to_uint8(engine.parameters.to_unit(numbers), recipe)

    taken = 0
    objective_kind: tuple[bool, float] | None = None

    def after_step(_: int, trace: list[Array]) -> bool:
        nonlocal taken, objective_kind
        now, slot = dict(zip(TRACE, trace, strict=True)), run.slots[0]
        before = objective_kind
        objective_kind = (slot is not None and slot.louder, float(now["silence"][0, 0]))
        taken += 1
        return watch(LiveStep(taken, float(now["objective"][0, 0]), objective_kind != before, so_far))

    while run.busy:
        if not run.advance(after_step):
            return None
    return run.finished()[0]
