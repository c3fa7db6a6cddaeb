"""How long rendering will take and how large the site will be, said before it starts."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reportgen.plan import LayerPlan, PictureSet
from reportgen.spec import AtlasSpec

if TYPE_CHECKING:
    from reportgen.models import Model

SECONDS_A_PROGRAM = 4.0
"""Building and tracing the loop of one layer and recipe; 2 to 6 s were seen on two cores."""

OVERHEAD_A_NUMBER = 4
"""Multiplications that could be done while one number is written and read: what elementwise and depthwise
operations cost."""


BYTES_A_PIXEL, BYTES_A_UNIT, BYTES_A_UNIT_PAGE = 0.4, 7_000, 15_000
"""What a page picture's pixel takes as WebP (0.29 structured, twice that noise), a unit's data and its place
on the layer's page, and its own page where it has one; texts as measured on a site of 112 units."""

_TRIED = 4
"""Pictures that are rendered to measure this machine."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the full atlas of a model will take.

    Attributes:
        pictures: How many are planned.
        image_steps: Steps of one picture each, at the mean of the recipe's fewest and most.
        seconds: To render them here; within a factor of two or so.
        site_bytes: Of the site, pages and pictures; within a factor of two.
        measured_on: The layer whose pictures were rendered for a few steps to measure this machine.
        image_steps_a_second: What was measured there.
    """

    pictures: int
    image_steps: int
    seconds: float
    site_bytes: int
    measured_on: str
    image_steps_a_second: float


def full_estimate(model: Model, plans: Sequence[LayerPlan], spec: AtlasSpec) -> Estimate:
    """Return what the plans' pictures take here, measured on one batch of a few steps.

    The layer measured is the one of median work; its program is built, which takes seconds, and then
    run once more. The work of the other layers is counted and taken to run as fast.
    """
    rate = _multiplications_a_second()
    height, width, _ = model.input_shape
    costs = {plan.layer.name: multiplications(model, plan.layer.name) for plan in plans}
    tried = sorted(plans, key=lambda plan: costs[plan.layer.name])[len(plans) // 2]
    program, a_step = _tried_seconds(model, tried)
    canvas = tried.sets[0].canvas_px
    counted = 3 * costs[tried.layer.name] * canvas[0] * canvas[1] / (height * width) / rate
    return Estimate(
        pictures=sum(len(plan.pictures) for plan in plans),
        image_steps=round(sum(len(s.pictures) * _steps(s) for plan in plans for s in plan.sets)),
        seconds=estimated_seconds(model, plans, program=program, slower=a_step / counted, rate=rate),
        site_bytes=_site_bytes(plans, spec),
        measured_on=tried.layer.name,
        image_steps_a_second=1 / a_step,
    )


def _tried_seconds(model: Model, plan: LayerPlan) -> tuple[float, float]:
    """Return the seconds that building a layer's program took, and those of one step of one picture."""
    from reportgen.render import Job, render_units

    pictures = next((s for s in plan.sets if s.pictures), plan.sets[0])
    window = pictures.recipe.window
    cut = model.cut(plan.layer, pictures.canvas_px, heads=pictures.recipe.objective == "post")
    jobs = [Job(n % plan.layer.n_units, "happy", n) for n in range(_TRIED)]

    def seconds(windows: int) -> float:
        recipe = dataclasses.replace(pictures.recipe, steps=windows * window, min_steps=windows * window)
        began = time.perf_counter()
        list(render_units(cut, jobs, recipe, batch=_TRIED))
        return time.perf_counter() - began

    built, one, two = seconds(1), seconds(1), seconds(2)
    # The window more is steps alone; a clock that was disturbed still gives a sensible share.
    steps = max(two - one, two / 4, 1e-6)
    return max(built - one, 0.0), steps / (_TRIED * window)


def _steps(pictures: PictureSet) -> float:
    """Return the steps of a picture, some of which stop early."""
    return (pictures.recipe.steps + pictures.recipe.min_steps) / 2


def _site_bytes(plans: Sequence[LayerPlan], spec: AtlasSpec) -> int:
    pixels = 0.0
    for plan in plans:
        for s in plan.sets:
            scale = min(1.0, spec.picture_px / max(s.canvas_px))
            pixels += len(s.pictures) * s.canvas_px[0] * s.canvas_px[1] * scale**2
    n_units = sum(len(plan.units) for plan in plans)
    texts = BYTES_A_UNIT + (BYTES_A_UNIT_PAGE if n_units <= spec.unit_pages_max else 0)
    return round(pixels * BYTES_A_PIXEL + n_units * texts)


def estimated_seconds(
    model: Model,
    plans: Sequence[LayerPlan],
    *,
    program: float = SECONDS_A_PROGRAM,
    slower: float = 1.0,
    rate: float | None = None,
) -> float:
    """Return about how many seconds the plans' pictures take here; within a factor of two or three.

    Work of the network up to each layer, at the canvas, times three for the gradient, over the rate of
    a matrix product measured now. Pictures that stop early make up for convolutions that are slower.

    Args:
        program: Seconds to build the program of one layer and recipe.
        slower: By how much a step takes longer than counted, where that was measured.
        rate: Multiplications a second, where they were measured.
    """
    rate = rate or _multiplications_a_second()
    height, width, _ = model.input_shape
    seconds = 0.0
    for plan in plans:
        work = multiplications(model, plan.layer.name)
        for pictures in plan.sets:
            area = pictures.canvas_px[0] * pictures.canvas_px[1] / (height * width)
            passes = len(pictures.pictures) * _steps(pictures) * 3
            seconds += program + passes * work * area / rate * slower
    return seconds


def multiplications(model: Model, layer: str) -> int:
    """Return the work of one forward pass up to a layer at the model's own input size, in multiplications."""
    wanted = {model.taps[layer].pre[0]}
    total = 0
    for index in range(len(model.nodes) - 1, -1, -1):
        if index not in wanted:
            continue
        node = model.nodes[index]
        wanted.update(source for source, _ in node.inputs)
        positions = math.prod(n or 1 for n in node.output_shapes[0][1:-1])
        weights = getattr(node.operation, "weights", ())
        total += OVERHEAD_A_NUMBER * positions * (node.output_shapes[0][-1] or 1)
        total += positions * sum(math.prod(w.shape) for w in weights if len(w.shape) > 1)
    return total


def _multiplications_a_second() -> float:
    matrix = np.ones((768, 768), np.float32)
    matrix @ matrix
    began = time.perf_counter()
    for _ in range(4):
        matrix @ matrix
    return 4 * 768**3 / (time.perf_counter() - began)
