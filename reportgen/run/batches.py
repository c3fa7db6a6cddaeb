"""The unit of work: pictures of one layer in one recipe, rendered and converted to rows of the store.

The same function runs on this machine and on the workers of a cluster. It catches out-of-memory errors of a
framework: the batch is halved, and pictures that were not yielded yet are started again. It writes nothing.
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
from reportgen.run.layer_speed import LayerSpeed, layer_speed
from reportgen.run.memory import MemoryBound, out_of_memory
from reportgen.run.progress import Reporter
from reportgen.spec import RenderSpec
from reportgen.store import StoredRender
from reportgen.units import Layer, Telemetry

if TYPE_CHECKING:
    from reportgen.models import Cut, Model
    from reportgen.render import Job, Render

CACHED_CUTS = 4
"""Cuts that a `CutCache` holds."""

TOO_LARGE = "there was not enough memory to render it, even in a batch of its own"


@dataclass(frozen=True, slots=True)
class LayerPart:
    """A part of a layer's pictures that was rendered.

    Attributes:
        layer: The layer's name.
        rows: Renders to store.
        ends: Whether this is the layer's last part.
    """

    layer: str
    rows: Sequence[StoredRender] = ()
    ends: bool = False


Further = Callable[[str], Sequence[LayerPlan]]
"""Returns what is to be rendered of a layer after its first pictures were stored and measured."""


class Engine(Protocol):
    """Renders what plans ask for.

    Attributes:
        device: Name of the device that pictures are computed on.
        workers: How many render at the same time.
    """

    @property
    def device(self) -> str: ...  # noqa: D102

    @property
    def workers(self) -> int: ...  # noqa: D102

    def measured(self, plans: Sequence[LayerPlan], stop: Callable[[], bool]) -> Sequence[LayerSpeed | None]:
        """Return how fast it renders the layers of plans; None for those that could not be measured."""

    def render_plans(
        self, plans: Sequence[LayerPlan], stop: Callable[[], bool], further: Further
    ) -> Iterator[LayerPart]:
        """Yield rows of the plans' pictures as they are rendered, and the end of each layer.

        Args:
            plans: What to render.
            stop: Returns whether to render nothing more.
            further: Returns what to render besides of a layer, once its end was yielded; of plans for this
                layer the end is yielded again.
        """


class LocalEngine:
    """Renders in this process, one layer after the other."""

    workers = 1

    def __init__(self, network: Model, bound: MemoryBound, batch: int | None, reporter: Reporter) -> None:
        from reportgen.render import device_name

        self._network = network
        self._cuts, self._bound, self._batch, self._reporter = CutCache(network), bound, batch, reporter
        self.device = device_name()

    def measured(self, plans: Sequence[LayerPlan], stop: Callable[[], bool]) -> Sequence[LayerSpeed | None]:
        """Return how fast it renders the layers of plans; None for those that could not be measured."""
        return [layer_speed(self._network, plan, self._bound, self._batch, stop) for plan in plans]

    def render_plans(
        self, plans: Sequence[LayerPlan], stop: Callable[[], bool], further: Further
    ) -> Iterator[LayerPart]:
        """Yield rows of the plans' pictures as they are rendered, and the end of each layer."""
        for plan in plans:
            if stop():
                return
            yield from self._layer(plan, stop)
            if not stop():
                for more in further(plan.layer.name):
                    yield from self._layer(more, stop)

    def _layer(self, plan: LayerPlan, stop: Callable[[], bool]) -> Iterator[LayerPart]:
        name = plan.layer.name
        self._reporter.layer(name, len(plan.pictures))
        for pictures in plan.sets:
            for rows in rows_of(self._cuts, plan.layer, pictures, self._bound, self._batch, stop):
                yield LayerPart(name, rows)
            if stop():
                break
        yield LayerPart(name, ends=True)


class CutCache:
    """A network's cuts; the last few stay in memory, so that their programs are built once."""

    def __init__(self, network: Model, kept: int = CACHED_CUTS) -> None:
        self.channels = network.input_shape[2]
        self.of = lru_cache(kept)(lambda layer, canvas, heads: cut_model(network, layer, canvas, heads=heads))


def rows_of(cuts: CutCache, layer: Layer, pictures: PictureSet, bound: MemoryBound, batch: int | None,
            stop: Callable[[], bool]) -> Iterator[list[StoredRender]]:  # fmt: skip
    """Render pictures of one layer in one recipe.

    Args:
        bound: The memory that may be used; batches that did not fit are noted in it.
        batch: Pictures at once, if the user set it.
        stop: Called between windows of steps; once true, complete pictures are yielded, others dropped.

    Yields:
        Rows as pictures are done, each once; a picture that does not fit memory in a batch of its own, or
        whose layer fails, has that reason as its failure.
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
    except Exception as error:  # whatever a framework raises for one layer; the other layers are rendered
        if out_of_memory(error):
            raise
        reason = f"its layer cannot be rendered: {one_line(error)}"
        size = (*pictures.canvas_px, cuts.channels)
        yield [_row(p, _without_picture(size, job, "error", reason)) for job, p in waiting.items()]


def one_line(error: BaseException) -> str:
    """Return an error's message, shortened and without line breaks, with its type unless it is ours."""
    message = (str(error).strip().splitlines() or [""])[0][:160]
    return message if isinstance(error, ReportgenError) else f"{type(error).__name__}: {message}".rstrip(": ")


def within_memory(cut: Cut, jobs: list[Job], recipe: RenderSpec, bound: MemoryBound, batch: int | None,
                  stop: Callable[[], bool]) -> Iterator[list[Render]]:  # fmt: skip
    """Render a picture for every job, as `render_units` does, with smaller batches if memory runs out."""
    from reportgen.render import render_units

    size = bound.batch(cut, batch)
    while jobs and not stop():
        large = False

        def halt(alone: bool = size == 1) -> bool:
            nonlocal large
            large = not alone and (large or bound.exceeded())
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
            yield [_without_picture(size_px, jobs[0], "out_of_memory", TOO_LARGE)]
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
    """Return a grey picture `(h, w, c)` in place of one that could not be rendered, with the reason."""
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
