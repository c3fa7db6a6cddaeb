"""Estimates of what a run takes besides its pictures: noise baselines, and a layer's measurements."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from reportgen.plan import LayerPlan, PictureSet, null_setting
from reportgen.run.calibration import work_of_cut
from reportgen.spec import RenderSpec, null_canvas

if TYPE_CHECKING:
    from reportgen.models import Model

PICTURES_MEASURED = 91
"""Pictures that are run through each layer: probes and flat ones."""

SECONDS_A_PICTURE, SECONDS_A_PAIR = 0.02, 2.5e-6
"""Of scoring first starts, to find which units need more: structure of a picture, similarity of two units.
Measured on MobileNetV2, in CPU seconds."""


class NullTime:
    """Estimates how long the noise baselines of plans take that are not stored, each once.

    Args:
        model: The network that the plans are of.
        arithmetic: In which it computes.
        is_stored: Returns whether the baseline of a setting is stored.
    """

    def __init__(
        self, model: Model, arithmetic: str = "float32", is_stored: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._channels, self._arithmetic, self._is_stored = model.input_shape[2], arithmetic, is_stored
        self._works = functools.cache(_works)

    def __call__(self, plans: Sequence[LayerPlan], program_s: float, multiplications_per_s: float) -> float:
        """Return about how many seconds they take.

        Args:
            plans: What is to be rendered.
            program_s: To build a program.
            multiplications_per_s: Of a gradient step.
        """
        needed = dict(setting for plan in plans for setting in self._settings(plan))
        seconds = 0.0
        for recipe, canvas, kind in needed.values():
            for pictures, work in self._works(canvas, self._channels, kind):
                seconds += program_s + pictures * recipe.steps * work / multiplications_per_s
        return seconds

    def _settings(self, plan: LayerPlan) -> Iterator[tuple[str, _Setting]]:
        for pictures in plan.sets:
            if pictures.recipe.scored and pictures.pictures:
                is_map, canvas = plan.layer.is_map, null_canvas(pictures.canvas_px)
                setting = null_setting(
                    pictures.recipe,
                    pictures.canvas_px,
                    self._channels,
                    is_map=is_map,
                    arithmetic=self._arithmetic,
                )
                if not self._is_stored(setting):
                    yield setting, (pictures.recipe, canvas, "map" if is_map else "vector")


_Setting = tuple[RenderSpec, tuple[int, int], Literal["map", "vector"]]


def _works(canvas: tuple[int, int], channels: int, kind: Literal["map", "vector"]) -> list[tuple[int, int]]:
    """Return, for each network of a noise baseline, its pictures and the multiplications of one."""
    from reportgen.errors import ShapeError
    from reportgen.measure import null_cuts

    try:
        return [(cut.n_units, work_of_cut(cut)) for cut in null_cuts(canvas, channels, kind)]
    except ShapeError:  # A canvas that is too small for a baseline, which is reported when it is measured.
        return []


def measuring_seconds(
    plan: LayerPlan, scored: PictureSet, work: float, program_s: float, multiplications_per_s: float
) -> float:
    """Return about how many seconds the measurements of a layer take, without its noise baseline.

    Args:
        plan: What is to be rendered of the layer.
        scored: Its scored pictures.
        work: Multiplications of a forward pass of one of them.
        program_s: To build the program of a gradient step, of which a forward pass is about a third.
        multiplications_per_s: Of a gradient step.
    """
    forward = program_s + (PICTURES_MEASURED + len(scored.pictures)) * work / multiplications_per_s
    return forward / 3 + SECONDS_A_PICTURE * len(scored.pictures) + SECONDS_A_PAIR * plan.layer.n_units**2
