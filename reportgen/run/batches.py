"""The unit of work: pictures of one layer in one recipe, found by the engine and made into rows.

The same function runs here and on the workers of a cluster. It catches what a framework throws when it
runs out of memory: the batch halves, and what was not delivered yet is begun again. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from reportgen.errors import ReportgenError
from reportgen.images import encode_png
from reportgen.models import cut_model
from reportgen.plan import LayerPlan, PictureSet, PlannedPicture
from reportgen.run.memory import Bound, out_of_memory
from reportgen.run.progress import Reporter
from reportgen.spec import RenderSpec
from reportgen.store import StoredRender
from reportgen.units import Layer, Telemetry

if TYPE_CHECKING:
    from reportgen.models import Cut, Model
    from reportgen.render import Job, Render

KEPT = 4
"""Cuts that are kept."""

NO_ROOM = "there was not memory enough to render it, not even by itself"


@dataclass(frozen=True, slots=True)
class Part:
    """Something that was done of a layer.

    Attributes:
        layer: Its name.
        rows: Renders to be stored.
        ends: Whether nothing more of the layer comes.
    """

    layer: str
    rows: Sequence[StoredRender] = ()
    ends: bool = False


class Engine(Protocol):
    """What carries a plan out.

    Attributes:
        device: What pictures are computed on, in words.
        workers: How many work side by side.
    """

    @property
    def device(self) -> str: ...  # noqa: D102

    @property
    def workers(self) -> int: ...  # noqa: D102

    def carry_out(self, plans: Sequence[LayerPlan], stop: Callable[[], bool]) -> Iterator[Part]:
        """Yield rows of the plans' pictures as they are found, and the end of each layer."""


class Here:
    """Renders on this machine, one layer after the other."""

    workers = 1

    def __init__(self, network: Model, bound: Bound, batch: int | None, reporter: Reporter) -> None:
        from reportgen.render import device_name

        self._cuts, self._bound, self._batch, self._reporter = Cuts(network), bound, batch, reporter
        self.device = device_name()

    def carry_out(self, plans: Sequence[LayerPlan], stop: Callable[[], bool]) -> Iterator[Part]:
        """Yield rows of the plans' pictures as they are found, and the end of each layer."""
        for plan in plans:
            if stop():
                return
            name = plan.layer.name
            self._reporter.layer(name, len(plan.pictures))
            for pictures in plan.sets:
                for rows in rows_of(self._cuts, plan.layer, pictures, self._bound, self._batch, stop):
                    yield Part(name, rows)
                if stop():
                    break
            yield Part(name, ends=True)


class Cuts:
    """A network's cuts, the last few of which are kept: their programs are built once."""

    def __init__(self, network: Model, kept: int = KEPT) -> None:
        self.channels = network.input_shape[2]
        self.of = lru_cache(kept)(lambda layer, canvas, heads: cut_model(network, layer, canvas, heads=heads))


def rows_of(cuts: Cuts, layer: Layer, pictures: PictureSet, bound: Bound, batch: int | None,
            stop: Callable[[], bool]) -> Iterator[list[StoredRender]]:  # fmt: skip
    """Render pictures of one layer in one recipe.

    Args:
        bound: What may be taken, which this learns from.
        batch: Pictures at once, where the user said so.
        stop: Asked between windows of steps; once true, complete pictures are handed out, others dropped.

    Yields:
        Rows as pictures are done, each once; a picture that does not fit memory by itself, or whose layer
        fails, with that reason.
    """
    from reportgen.render import Job

    planned = {Job(p.unit, p.sign, p.seed): p for p in pictures.pictures}
    waiting = dict(planned)
    try:
        cut = cuts.of(layer, pictures.canvas_px, pictures.recipe.objective == "post")
        for renders in within_memory(cut, list(planned), pictures.recipe, bound, batch, stop):
            for render in renders:
                waiting.pop(render.job, None)
            yield [_row(planned[r.job], r) for r in renders]
    except Exception as error:  # whatever one layer makes a framework say; the others go on
        if out_of_memory(error):
            raise
        reason = f"its layer cannot be rendered: {in_a_line(error)}"
        size = (*pictures.canvas_px, cuts.channels)
        yield [_row(p, _without_picture(size, job, "error", reason)) for job, p in waiting.items()]


def in_a_line(error: BaseException) -> str:
    """Return what an error says, short and without line breaks, and of which kind it is."""
    said = (str(error).strip().splitlines() or [""])[0][:160]
    return said if isinstance(error, ReportgenError) else f"{type(error).__name__}: {said}".rstrip(": ")


def within_memory(cut: Cut, jobs: list[Job], recipe: RenderSpec, bound: Bound, batch: int | None,
                  stop: Callable[[], bool]) -> Iterator[list[Render]]:  # fmt: skip
    """Find a picture for every job, as `render_units` does, with smaller batches where memory ends."""
    from reportgen.render import render_units

    size = bound.batch(cut, batch)
    while jobs and not stop():
        large = False

        def halt(alone: bool = size == 1) -> bool:
            nonlocal large
            large = not alone and (large or bound.passed())
            return large or stop()

        found: set[Job] = set()
        full = False
        try:
            for renders in render_units(cut, jobs, recipe, batch=size, stop=halt):
                found.update(r.job for r in renders)
                yield renders
        except Exception as error:
            if not out_of_memory(error):
                raise
            full = True
        jobs = [job for job in jobs if job not in found]
        if full and size == 1 and jobs:
            size_px = (*cut.canvas_px, cut.channels)
            yield [_without_picture(size_px, jobs[0], "out_of_memory", NO_ROOM)]
            jobs = jobs[1:]
        elif full or large:
            bound.halve()
            size = max(1, size // 2)


def _row(planned: PlannedPicture, render: Render) -> StoredRender:
    height, width, channels = render.picture.shape
    return StoredRender(
        unit=planned.unit,
        recipe=planned.recipe,
        sign=planned.sign,
        seed=planned.seed,
        key=planned.key,
        picture=encode_png(render.picture),
        height=height,
        width=width,
        channels=channels,
        seconds=render.seconds,
        failure=render.failure,
        telemetry=render.telemetry,
    )


def _without_picture(size: tuple[int, int, int], job: Job, stop_reason: str, failure: str) -> Render:
    """Return what stands for a picture `(h, w, c)` that could not be found: grey, with the reason."""
    from reportgen.render import Render

    grey = np.full(size, 128, np.uint8)
    none = float("nan")
    telemetry = Telemetry(
        activation_start=none,
        activation_best=none,
        activation_end=none,
        activation_transformed=(),
        gradient_start=none,
        gradient_end=none,
        moved=0.0,
        steps=0,
        stop_reason=stop_reason,
        non_finite=0,
        reduction="",
    )
    return Render(job, grey, telemetry, 0.0, failure)
