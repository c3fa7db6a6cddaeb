"""How long rendering will take, said before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from reportgen.plan import LayerPlan

if TYPE_CHECKING:
    from reportgen.models import Model

SECONDS_A_PROGRAM = 4.0
"""Building and tracing the loop of one layer and recipe; 2 to 6 s were seen on two cores."""

OVERHEAD_A_NUMBER = 4
"""Multiplications that could be done while one number is written and read: what elementwise and depthwise
operations cost."""


def estimated_seconds(model: Model, plans: Sequence[LayerPlan]) -> float:
    """Return about how many seconds the plans' pictures take here; within a factor of two or three.

    Work of the network up to each layer, at the canvas, times three for the gradient, over the rate of
    a matrix product measured now. Pictures that stop early make up for convolutions that are slower.
    """
    rate = _multiplications_a_second()
    height, width, _ = model.input_shape
    seconds = 0.0
    for plan in plans:
        work = multiplications(model, plan.layer.name)
        for pictures in plan.sets:
            area = pictures.canvas_px[0] * pictures.canvas_px[1] / (height * width)
            steps = (pictures.recipe.steps + pictures.recipe.min_steps) / 2
            seconds += SECONDS_A_PROGRAM + len(pictures.pictures) * steps * 3 * work * area / rate
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
