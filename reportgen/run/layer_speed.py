"""How fast pictures of one layer are rendered, measured on a few steps; and how much work they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.plan import LayerPlan, PictureSet
from reportgen.run.calibration import work_of
from reportgen.run.memory import MemoryBound
from reportgen.spec import with_numbers

if TYPE_CHECKING:
    from reportgen.models import Model

_WINDOWS = 3
"""Windows of steps that a layer is measured on. In one alone, what each picture takes once (its evaluation,
another start where nothing was gained yet) can take as long as its steps."""


@dataclass(frozen=True, slots=True)
class LayerSpeed:
    """How fast pictures of one layer are rendered.

    Attributes:
        program_s: Seconds to build the program of one recipe.
        multiplications_per_s: Of a gradient step.
        batch: Pictures that are always computed together.
    """

    program_s: float
    multiplications_per_s: float
    batch: int


def layer_speed(model: Model, plan: LayerPlan, bound: MemoryBound, batch: int | None,
                stop: Callable[[], bool]) -> LayerSpeed | None:  # fmt: skip
    """Return the speed of a layer, measured on a few windows of steps of one batch, twice.

    Args:
        batch: Pictures at once, if the user set it.

    Returns:
        None if it was stopped, or the layer cannot be rendered, which is reported when it is.
    """
    from reportgen.models import cut_model
    from reportgen.render import Job, render_units

    pictures = next(s for s in plan.sets if s.pictures)
    steps = min(_WINDOWS * pictures.recipe.window, pictures.recipe.steps)
    recipe = with_numbers(pictures.recipe, {"steps": steps, "min_steps": steps})
    seconds = []
    try:
        cut = cut_model(model, plan.layer, pictures.canvas_px, heads=recipe.objective == "post")
        together = bound.batch(cut, batch)
        jobs = [Job(plan.units[n % len(plan.units)], "happy", n) for n in range(together)]
        for _ in range(2):
            began = time.perf_counter()
            done = sum(len(r) for r in render_units(cut, jobs, recipe, batch=together, stop=stop))
            seconds.append(max(time.perf_counter() - began, 1e-6))
            if done < together:
                return None
    except Exception:  # Whatever a framework raises for one layer.
        return None
    work = together * steps * work_of_picture(model, plan, pictures)
    return LayerSpeed(max(seconds[0] - seconds[1], 1e-3), work / seconds[1], together)


def work_of_picture(model: Model, plan: LayerPlan, pictures: PictureSet) -> float:
    """Return the multiplications of a forward pass of one picture of a set."""
    height, width, _ = model.input_shape
    share = pictures.canvas_px[0] * pictures.canvas_px[1] / (height * width)
    return max(multiplications(model, plan.layer.name) * share, 1.0)


def multiplications(model: Model, layer: str) -> int:
    """Return the work of one forward pass up to a layer at the model's own input size, in multiplications."""
    wanted = {model.taps[layer].pre[0]}
    total = 0
    for index in range(len(model.nodes) - 1, -1, -1):
        if index not in wanted:
            continue
        node = model.nodes[index]
        wanted.update(source for source, _ in node.inputs)
        total += work_of(node.output_shapes[0], getattr(node.operation, "weights", ()))
    return total
