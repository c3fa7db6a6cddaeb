"""Estimates, before rendering starts, of how long it will take and how large the site will be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reportgen.plan import LayerPlan, PictureSet
from reportgen.run.calibration import Speed, cached_speed, calibrated, multiplications_a_second
from reportgen.run.layer_speed import LayerSpeed, work_of_picture
from reportgen.run.measuring_time import NullTime, measuring_seconds
from reportgen.spec import AtlasSpec

if TYPE_CHECKING:
    from reportgen.models import Model

BYTES_A_PIXEL, BYTES_A_UNIT, BYTES_A_UNIT_PAGE = 0.4, 7_000, 15_000
"""Size of a pixel of a page's picture as WebP (0.29 structured, twice that noise), of a unit's data and entry
on the layer's page, and of its own page if it has one; texts as measured on a site of 112 units."""

_CALIBRATE_FROM = 30.0
"""Estimated seconds of work from which the machine is measured first, which takes some seconds."""

_MEASURE_FROM = 150.0
"""Estimated seconds from which layers of the network itself are measured, which takes a while."""

_MEASURED_AT = (0.1, 0.5, 1.0)
"""Which layers are measured, as shares of the way through the plans."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of the full atlas of a model.

    Attributes:
        pictures: How many are planned.
        image_steps: Steps of all pictures, at the mean of the recipe's minimum and maximum.
        seconds: To render them on this machine, within a factor of three.
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
        seconds=Estimator(model)(plans),
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


class Estimator:
    """Estimates how long pictures of one network take on this machine, with what is measured for them.

    Work of the network up to each layer, at the canvas, times three for the gradient, at the machine's
    calibrated speed: within a factor of three. If that is more than some seconds and the machine was never
    measured, it is measured first. If it is minutes, a few layers of this very network are. Each is done at
    most once, so that later estimates are quick and can be compared with the first.

    Args:
        model: The network.
        stop: Called between windows of steps; once true, nothing more is measured.
        nulls: Estimates the noise baselines; if None, all of them are to be rendered.
    """

    def __init__(
        self,
        model: Model,
        stop: Callable[[], bool] = lambda: False,
        nulls: NullTime | None = None,
    ) -> None:
        self._model, self._stop, self._nulls = model, stop, nulls or NullTime(model)
        self._machine = _by_machine(cached_speed())
        self._speed_of: SpeedOf = lambda _: self._machine
        self._measurements: list[tuple[float, Callable[[Sequence[LayerPlan]], None]]] = [
            (_CALIBRATE_FROM, self._calibrate)
        ]

    def measure_layers_with(self, measured: Measured) -> None:
        """Have later estimates of minutes be of layers of this very network, measured once."""

        def measure(plans: Sequence[LayerPlan]) -> None:
            self._speed_of = _by_layers(plans, measured, self._stop) or self._speed_of

        self._measurements.append((_MEASURE_FROM, measure))

    def __call__(self, plans: Sequence[LayerPlan]) -> float:
        """Return about how many seconds the plans take."""
        seconds = self._seconds(plans)
        while self._measurements and seconds >= self._measurements[0][0] and not self._stop():
            _, measure = self._measurements.pop(0)
            measure(plans)
            seconds = self._seconds(plans)
        return seconds

    def _calibrate(self, plans: Sequence[LayerPlan]) -> None:
        self._machine = _by_machine(calibrated())

    def _seconds(self, plans: Sequence[LayerPlan]) -> float:
        machine = self._machine
        seconds = self._nulls(plans, machine.program_s, machine.multiplications_per_s)
        return seconds + _seconds(self._model, plans, self._speed_of)


SpeedOf = Callable[[LayerPlan], LayerSpeed]
Measured = Callable[[Sequence[LayerPlan], Callable[[], bool]], Sequence[LayerSpeed | None]]
"""Returns how fast layers of plans are rendered, unless stopped."""


def _by_machine(speed: Speed) -> LayerSpeed:
    return LayerSpeed(speed.program_seconds, multiplications_a_second() / speed.slower / 3, 1)


def _by_layers(plans: Sequence[LayerPlan], measured: Measured, stop: Callable[[], bool]) -> SpeedOf | None:
    """Return the speed of each layer from that of a few, measured now; between them, in between.

    Returns:
        None if no layer could be measured.
    """
    some = [plans[i] for i in sorted({round(share * (len(plans) - 1)) for share in _MEASURED_AT})]
    found_speeds = zip(some, measured(some, stop), strict=True)
    speeds = {plan.layer.position: speed for plan, speed in found_speeds if speed is not None}
    if not speeds:
        return None
    places, found = list(speeds), list(speeds.values())

    def speed_of(plan: LayerPlan) -> LayerSpeed:
        def between(values: Sequence[float]) -> float:
            return float(np.exp(np.interp(plan.layer.position, places, np.log(values))))

        nearest = min(range(len(places)), key=lambda i: abs(places[i] - plan.layer.position))
        return LayerSpeed(
            between([x.program_s for x in found]),
            between([x.multiplications_per_s for x in found]),
            found[nearest].batch,
        )

    return speed_of


def _seconds(model: Model, plans: Sequence[LayerPlan], speed_of: SpeedOf) -> float:
    seconds = 0.0
    for plan in plans:
        speed = speed_of(plan)
        for pictures in plan.sets:
            together = -(-len(pictures.pictures) // speed.batch) * speed.batch
            steps = together * _steps(pictures)
            work = work_of_picture(model, plan, pictures)
            seconds += speed.program_s + steps * work / speed.multiplications_per_s
            if pictures.recipe.scored:
                seconds += measuring_seconds(
                    plan, pictures, work, speed.program_s, speed.multiplications_per_s
                )
    return seconds
