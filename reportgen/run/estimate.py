"""Estimates, before rendering starts, of how long it will take and how large the site will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.plan import LayerPlan, PictureSet
from reportgen.run.calibration import Speed, cached_speed, calibrated, multiplications_a_second, work_of
from reportgen.spec import AtlasSpec

if TYPE_CHECKING:
    from reportgen.models import Model

BYTES_A_PIXEL, BYTES_A_UNIT, BYTES_A_UNIT_PAGE = 0.4, 7_000, 15_000
"""Size of a pixel of a page's picture as WebP (0.29 structured, twice that noise), of a unit's data and entry
on the layer's page, and of its own page if it has one; texts as measured on a site of 112 units."""

_CALIBRATE_FROM = 30.0
"""Estimated seconds of work from which the machine is measured first, which takes some seconds."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of the full atlas of a model.

    Attributes:
        pictures: How many are planned.
        image_steps: Steps of all pictures, at the mean of the recipe's minimum and maximum.
        seconds: To render them on this machine; within a factor of two or three.
        site_bytes: Size of the site, pages and pictures; within a factor of two.
    """

    pictures: int
    image_steps: int
    seconds: float
    site_bytes: int


def full_estimate(model: Model, plans: Sequence[LayerPlan], spec: AtlasSpec) -> Estimate:
    """Return the cost of the plans' pictures on this machine: work is counted, the model is not run."""
    return Estimate(
        pictures=sum(len(plan.pictures) for plan in plans),
        image_steps=round(sum(len(s.pictures) * _steps(s) for plan in plans for s in plan.sets)),
        seconds=estimated_seconds(model, plans),
        site_bytes=_site_bytes(plans, spec),
    )


def _steps(pictures: PictureSet) -> float:
    """Return the expected steps of a picture, some of which stop early."""
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
    """Return about how many seconds the plans' pictures take on this machine, within a factor of three.

    Work of the network up to each layer, at the canvas, times three for the gradient, at the machine's
    calibrated speed. If there is much to render and the machine was never measured, it is measured now.
    """
    seconds = _seconds(model, plans, cached_speed())
    return seconds if seconds < _CALIBRATE_FROM else _seconds(model, plans, calibrated())


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
