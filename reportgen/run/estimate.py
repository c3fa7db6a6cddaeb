"""How long rendering will take and how large the site will be, said before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.plan import LayerPlan, PictureSet
from reportgen.run.calibration import Speed, calibrated, kept, multiplications_a_second, work_of
from reportgen.spec import AtlasSpec

if TYPE_CHECKING:
    from reportgen.models import Model

BYTES_A_PIXEL, BYTES_A_UNIT, BYTES_A_UNIT_PAGE = 0.4, 7_000, 15_000
"""What a page picture's pixel takes as WebP (0.29 structured, twice that noise), a unit's data and its place
on the layer's page, and its own page where it has one; texts as measured on a site of 112 units."""

_WORTH_MEASURING = 30.0
"""Seconds of foretold work from which measuring the machine first, for some seconds, is worth it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the full atlas of a model will take.

    Attributes:
        pictures: How many are planned.
        image_steps: Steps of one picture each, at the mean of the recipe's fewest and most.
        seconds: To render them here; within a factor of two or three.
        site_bytes: Of the site, pages and pictures; within a factor of two.
    """

    pictures: int
    image_steps: int
    seconds: float
    site_bytes: int


def full_estimate(model: Model, plans: Sequence[LayerPlan], spec: AtlasSpec) -> Estimate:
    """Return what the plans' pictures take here: work is counted, nothing of the model is run."""
    return Estimate(
        pictures=sum(len(plan.pictures) for plan in plans),
        image_steps=round(sum(len(s.pictures) * _steps(s) for plan in plans for s in plan.sets)),
        seconds=estimated_seconds(model, plans),
        site_bytes=_site_bytes(plans, spec),
    )


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


def estimated_seconds(model: Model, plans: Sequence[LayerPlan]) -> float:
    """Return about how many seconds the plans' pictures take here; within a factor of two or three.

    Work of the network up to each layer, at the canvas, times three for the gradient, at the machine's
    calibrated speed. Where much is to be done and this machine was never measured, it is measured now.
    """
    seconds = _seconds(model, plans, kept())
    return seconds if seconds < _WORTH_MEASURING else _seconds(model, plans, calibrated())


def _seconds(model: Model, plans: Sequence[LayerPlan], speed: Speed) -> float:
    rate = multiplications_a_second() / speed.slower
    height, width, _ = model.input_shape
    seconds = 0.0
    for plan in plans:
        work = multiplications(model, plan.layer.name)
        for pictures in plan.sets:
            area = pictures.canvas_px[0] * pictures.canvas_px[1] / (height * width)
            passes = len(pictures.pictures) * _steps(pictures) * 3
            seconds += speed.program_seconds + passes * work * area / rate
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
        total += work_of(node.output_shapes[0], getattr(node.operation, "weights", ()))
    return total
