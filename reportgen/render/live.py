"""One picture, watched: told of after every step, and left as soon as nobody wants it any more.

The same ascent as in `queue`, a step a call. It gives the picture that a batch gives, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from reportgen.render.batch_runner import Job, Render, Run, shown
from reportgen.render.optimise import TRACE, ascent
from reportgen.spec import RenderSpec

if TYPE_CHECKING:
    from reportgen.models import Cut

Array = np.ndarray


@dataclass(frozen=True)
class Glimpse:
    """A picture on its way.

    Attributes:
        step: Steps taken, at least 1.
        objective: What the last step began from, under its transform.
        anew: Whether objectives told before do not compare with this one, since another start was needed or
            a silent unit is climbed otherwise (`objectives.reduced`); true of the first.
        picture: Returns the picture so far, uint8 `(h, w, c)`, as the recipe shows it.
    """

    step: int
    objective: float
    anew: bool
    picture: Callable[[], Array]


def render_live(
    cut: Cut, job: Job, recipe: RenderSpec, watch: Callable[[Glimpse], bool], start: Array | None = None
) -> Render | None:
    """Find one picture, telling of every step.

    Args:
        cut: The network from pictures to the layer.
        job: What is climbed.
        recipe: How the picture is found.
        watch: Told after each step; where it returns False the picture is given up.
        start: A picture to start from, uint8 `(h, w, c)` of the cut's canvas; else the job's random start.
            The job's seed then tells its transforms alone.

    Returns:
        The render; None where it was given up.
    """
    engine = ascent(cut, recipe, 1, job.aim, 1)
    run = Run(cut, recipe, engine, 1)
    given = (
        None if start is None else engine.parameters.numbers_of(np.asarray(start / 255.0, np.float32))[None]
    )
    run.fill(iter([job]), given)

    def so_far() -> Array:
        numbers = np.asarray(ops.convert_to_numpy(run.state["x"]))[0]
        return shown(engine.parameters.to_unit(numbers), recipe)

    taken = 0
    climbed: tuple[bool, float] | None = None

    def told(_: int, trace: list[Array]) -> bool:
        nonlocal taken, climbed
        now, slot = dict(zip(TRACE, trace, strict=True)), run.slots[0]
        before, climbed = climbed, (slot is not None and slot.louder, float(now["silence"][0, 0]))
        taken += 1
        return watch(Glimpse(taken, float(now["objective"][0, 0]), climbed != before, so_far))

    while run.busy:
        if not run.advance(told):
            return None
    return run.finished()[0]
