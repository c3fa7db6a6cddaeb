"""Jobs in, pictures out: slots that are refilled as soon as a picture has converged.

This module decides when a picture is done, when it needs another start, and what its telemetry records. It
knows no framework: arrays are passed to the compiled ascent and come back.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from reportgen.render import transforms
from reportgen.render.objectives import NEVER_SILENT, SILENT, Aim
from reportgen.render.optimise import Ascent, ascent, empty_state
from reportgen.render.penalties import PENALTIES
from reportgen.render.randomness import key_of
from reportgen.spec import RenderSpec
from reportgen.units import Sign, Telemetry

if TYPE_CHECKING:
    from reportgen.models import Cut

Array = np.ndarray

CURVE_POINTS = 32
FRESH = 4
"""Transforms, used in no step, under which a final picture that is not scored is evaluated too."""


WHOLE_LAYER = -1
"""Instead of a unit's index: the whole layer, see `objectives.mean_squares`."""


@dataclass(frozen=True)
class Job:
    """One picture to render: a unit of the cut's layer, a direction, and the number of the random start.

    Attributes:
        unit: Its index, which random numbers depend on; the lowest index of a sum; or `WHOLE_LAYER`.
        terms: Pairs of unit and coefficient if a sum of units is maximised, else empty.
    """

    unit: int
    sign: Sign
    seed: int
    terms: tuple[tuple[int, float], ...] = ()

    @property
    def aim(self) -> Aim:
        """What is maximised."""
        return "units" if self.terms else "layer" if self.unit == WHOLE_LAYER else "unit"


@dataclass(frozen=True)
class Render:
    """A rendered picture.

    Attributes:
        job: What was requested.
        picture: uint8 `(h, w, c)`.
        telemetry: What was recorded on the way.
        seconds: Its share of the time spent.
        failure: Empty, or why there is no picture; `picture` is then the last usable one, or grey.
    """

    job: Job
    picture: Array
    telemetry: Telemetry
    seconds: float
    failure: str = ""


@dataclass
class _Slot:
    """A picture that is being optimised."""

    job: Job
    key: int
    x: Array
    start: Array
    given: bool = False
    steps_before: int = 0
    louder: bool = False
    seconds: float = 0.0
    step: int = 0
    silence: float = 0.0
    rescued: bool = False
    non_finite: int = 0
    gradients: list[float] = field(default_factory=list)
    curve: list[tuple[int, float]] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)  # objective of the untransformed picture, once a window
    means: list[float] = field(default_factory=list)  # mean objective of each window
    stop: str = ""


def render_units(
    cut: Cut, jobs: Iterable[Job], recipe: RenderSpec, *, batch: int, stop: Callable[[], bool] = lambda: False
) -> Iterator[list[Render]]:
    """Render a picture for every job, several at a time.

    Args:
        cut: The network from pictures to the layer.
        jobs: Units with signs and seeds, or sums of units, or the layer, all of one aim; read as slots
            become free.
        recipe: How pictures are rendered.
        batch: Pictures optimised at once. Empty slots are computed too: a framework's kernels add up in an
            order that depends on the number of pictures, and a picture must not depend on how many others
            were still to be rendered.
        stop: Checked between two windows of steps; once true, complete pictures are yielded, others dropped.

    Yields:
        Renders as they are completed, each job once, in no particular order.
    """
    waiting = iter(jobs)
    first = next(waiting, None)
    if first is None:
        return
    waiting = itertools.chain([first], waiting)
    run = BatchRunner(cut, recipe, ascent(cut, recipe, batch, first.aim), batch)
    while not stop():
        run.fill(waiting)
        if not run.busy:
            break
        run.advance()
        if len(run.done) >= run.places:
            yield run.finished()
    while run.done:
        yield run.finished()


class BatchRunner:
    """The slots of a batch, and the state of the compiled ascent."""

    def __init__(self, cut: Cut, recipe: RenderSpec, engine: Ascent, places: int) -> None:
        self.cut, self.recipe, self.engine, self.places = cut, recipe, engine, places
        self.slots: list[_Slot | None] = [None] * places
        self.state: dict[str, Any] = dict(empty_state(engine.size, places))
        self.done: list[_Slot] = []

    @property
    def busy(self) -> bool:
        """Whether any picture is still being optimised."""
        return any(slot is not None for slot in self.slots)

    def fill(self, waiting: Iterator[Job], given: Array | None = None) -> None:
        """Assign the next jobs to free slots.

        Args:
            given: The values to start from, `(n, h, w, c)`, instead of random starts.
        """
        free = [i for i, slot in enumerate(self.slots) if slot is None]
        entering = list(itertools.islice(waiting, len(free)))
        if not entering:
            return
        if any(job.aim != self.engine.structure.aim for job in entering):
            raise ValueError(
                f"a job's aim differs from the batch's, \"{self.engine.structure.aim}\": "
                "render each aim in a batch of its own"
            )
        keys = [key_of(job.unit, job.sign, job.seed) for job in entering]
        starts = self.engine.parameters.start(keys, False) if given is None else given
        for i, job, key, start in zip(free, entering, keys, starts, strict=False):
            self.slots[i] = _Slot(job, key, start, start, given is not None)
            self._begin(i, start)

    def _begin(self, i: int, start: Array) -> None:
        """Put a start into slot i."""
        blank = empty_state(self.engine.size, 1)
        for name in self.state:
            if not isinstance(self.state[name], np.ndarray):
                self.state[name] = np.array(ops.convert_to_numpy(self.state[name]))
            self.state[name][i] = blank[name][0]
        self.state["x"][i] = start
        self.state["best"][i] = start

    def advance(self, watch: Callable[[int, list[Array]], bool] | None = None) -> bool:
        """Take one window of steps and check every slot; return whether the window was completed.

        Args:
            watch: Called after each part of the window with the steps taken so far and the part's trace
                (`optimise.TRACE`). If it returns False the window is abandoned and slots stay unchanged.
        """
        began = time.perf_counter()
        active = [i for i, slot in enumerate(self.slots) if slot is not None]
        numbers, moves, part = self._numbers(self.slots), self._moves(), self.engine.structure.part
        left = max(self.recipe.steps - slot.step for slot in self.slots if slot is not None)
        parts = []
        for at in range(0, min(self.recipe.window, left), part):
            begins = np.zeros(part, np.float32)
            begins[0] = at == 0
            state, trace = self.engine.chunk(self.state, numbers, moves[at : at + part], begins)
            self.state = dict(state)
            parts.append([np.asarray(ops.convert_to_numpy(of_all)) for of_all in trace])
            if watch is not None and not watch(at + part, parts[-1]):
                return False
        trace_of_window = [np.concatenate(of_parts) for of_parts in zip(*parts, strict=True)]
        share = (time.perf_counter() - began) / len(active)
        for i in active:
            slot = self.slots[i]
            assert slot is not None
            slot.seconds += share
            self._record(slot, [of_all[:, i] for of_all in trace_of_window])
        self._release(active)
        return True

    def _numbers(self, slots: list[_Slot | None]) -> dict[str, Array]:
        recipe = self.recipe
        signs = np.array([-1.0 if slot and slot.job.sign == "sad" else 1.0 for slot in slots], np.float32)
        aimed, levels = self._aimed([slot.job if slot else None for slot in slots])
        return {
            **aimed,
            "sign": signs,
            "reference": np.maximum(signs * levels, 0.0).astype(np.float32),
            "steps": np.array([recipe.steps if slot else 0 for slot in slots], np.float32),
            "step_size": np.float32(recipe.step_size),
            "cooling": np.float32(recipe.cooling),
            **{name: np.float32(getattr(recipe, name)) for name in PENALTIES},
        }

    def _aimed(self, jobs: list[Job | None]) -> tuple[dict[str, Any], Array]:
        """Return the engine's arguments that choose the units, and their responses to plain mid-grey."""
        references, aim = self.engine.references, self.engine.structure.aim
        if aim == "layer":
            return {}, np.zeros(len(jobs), np.float32)
        if aim == "unit":
            units = np.array([job.unit if job else 0 for job in jobs], np.int32)
            return {"unit": units}, references[units]
        weights = np.zeros((len(jobs), len(references)), np.float32)
        for row, job in zip(weights, jobs, strict=True):
            for unit, coefficient in job.terms if job else ():
                row[unit] += coefficient
        return {"weights": weights}, weights @ references

    def _moves(self) -> Array:
        """Return the window's transforms; its first step has the untransformed picture."""
        window = self.recipe.window
        moves = np.tile(transforms.IDENTITY, (window, self.places, 1, 1))
        if self.engine.structure.moved:
            for i, slot in enumerate(self.slots):
                if slot is not None:
                    series = transforms.LOUDER_STEPS if slot.louder else transforms.STEPS
                    moves[1:, i] = self._drawn(slot.key, series, range(slot.step + 1, slot.step + window))
        return moves

    def _drawn(self, key: int, series: int, steps: range) -> Array:
        around = self.engine.structure.around
        return transforms.drawn(self.recipe, self.engine.size[:2], around, key, series, steps)

    def _record(self, slot: _Slot, trace: list[Array]) -> None:
        """Record one window's trace of a picture, and whether the picture is done."""
        count = min(self.recipe.window, self.recipe.steps - slot.step)
        values, gradients, finite, silence = (part[:count] for part in trace)
        bad = int(np.sum(finite <= 0))
        slot.non_finite += bad
        slot.step += count - bad
        if silence[0] != slot.silence:  # another objective from now on: earlier values are not comparable
            slot.curve, slot.plain, slot.means = [], [], []
            slot.silence = float(silence[0])
        slot.rescued |= slot.silence > NEVER_SILENT
        if bad > count / 2:
            slot.stop = "non_finite"
            return
        before = slot.steps_before + slot.step - count
        slot.gradients.append(float(gradients[0]))
        slot.plain.append(float(values[0]))
        slot.means.append(float(np.mean(values[finite > 0])))
        slot.curve += [(before + k, float(v)) for k, v in enumerate(values) if finite[k] > 0]
        slot.stop = self._stop_reason(slot)

    def _stop_reason(self, slot: _Slot) -> str:
        """Return why the picture is done; empty if it is not."""
        recipe = self.recipe
        if slot.step >= recipe.steps:
            return "max_steps"
        if slot.gradients[-1] == 0.0 and recipe.rescue:
            return "converged"
        if recipe.plateau <= 0 or slot.step < recipe.min_steps or len(slot.means) < 2:
            return ""
        gained, all_gained = slot.means[-1] - slot.means[-2], slot.means[-1] - slot.plain[0]
        return "converged" if gained <= recipe.plateau * max(all_gained, 0.0) else ""

    def _release(self, active: list[int]) -> None:
        """Free the slots of finished pictures, or restart with stronger noise if nothing was gained."""
        leaving = [i for i in active if (slot := self.slots[i]) is not None and slot.stop]
        if not leaving:
            return
        kept = np.array(ops.convert_to_numpy(self.state["best" if self.recipe.keep == "best" else "x"]))
        for i in leaving:
            slot = self.slots[i]
            assert slot is not None
            if self._needs_restart(slot):
                self._restart(i, slot)
                continue
            slot.x = kept[i]
            self.done.append(slot)
            self.slots[i] = None

    def _needs_restart(self, slot: _Slot) -> bool:
        if not self.recipe.rescue or slot.louder or slot.given or slot.stop == "non_finite":
            return False
        silent = slot.silence >= SILENT or self.engine.structure.reduction.kind == "neuron"
        gain = slot.means[-1] - slot.plain[0] if slot.means else 0.0
        return slot.gradients[-1] == 0.0 or (silent and gain <= 1e-6 * abs(slot.plain[0]))

    def _restart(self, i: int, slot: _Slot) -> None:
        start = self.engine.parameters.start([slot.key], True)[0]
        fresh = _Slot(slot.job, slot.key, start, start, louder=True, seconds=slot.seconds)
        fresh.steps_before, fresh.non_finite, fresh.rescued = slot.step, slot.non_finite, slot.rescued
        self.slots[i] = fresh
        self._begin(i, start)

    def finished(self) -> list[Render]:
        """Evaluate up to a batch of finished pictures and return their renders."""
        began = time.perf_counter()
        slots, self.done = self.done[: self.places], self.done[self.places :]
        padded: list[_Slot | None] = [*slots, *[None] * (self.places - len(slots))]
        xs = np.zeros((self.places, *self.engine.size), np.float32)
        fresh = 0 if self.recipe.scored else FRESH
        moves = np.tile(transforms.IDENTITY, (1 + fresh, self.places, 1, 1))
        for i, slot in enumerate(slots):
            xs[i] = np.nan_to_num(slot.x, nan=0.5)
            if fresh:
                moves[1:, i] = self._drawn(slot.key, transforms.FRESH, range(fresh))
        silence = np.array([slot.silence if slot else 0.0 for slot in padded], np.float32)
        values = np.asarray(
            ops.convert_to_numpy(self.engine.evaluate(xs, self._numbers(padded), moves, silence))
        )
        share = (time.perf_counter() - began) / len(slots)
        return [self._render(slot, xs[i], values[:, i], slot.seconds + share) for i, slot in enumerate(slots)]

    def _render(self, slot: _Slot, picture: Array, values: Array, seconds: float) -> Render:
        to_unit, failure = self.engine.parameters.to_unit, ""
        if slot.stop == "non_finite":
            failure = f"its layer computed values that are not finite numbers at {slot.non_finite} steps"
        plain, after = to_unit(picture), to_unit(slot.start)
        end = float(values[0])
        telemetry = Telemetry(
            activation_start=_finite_or_nan(slot.plain[0] if slot.plain else float("nan")),
            activation_best=_finite_or_nan(max([*slot.plain, end])),
            activation_end=_finite_or_nan(end),
            activation_transformed=tuple(_finite_or_nan(v) for v in values[1:]),
            gradient_start=_finite_or_nan(slot.gradients[0] if slot.gradients else float("nan")),
            gradient_end=_finite_or_nan(slot.gradients[-1] if slot.gradients else float("nan")),
            moved=_finite_or_nan(np.sqrt(np.mean(np.square(np.asarray(plain, np.float64) - after)))),
            steps=slot.steps_before + slot.step,
            stop_reason=slot.stop,
            non_finite=slot.non_finite,
            reduction=self.engine.structure.reduction.word(slot.silence),
            rescue="louder-start" if slot.louder else "cell-maxima" if slot.rescued else "",
            curve=_thinned(slot.curve),
        )
        return Render(slot.job, to_uint8(plain, self.recipe), telemetry, seconds, failure)


def to_uint8(picture: Array, recipe: RenderSpec) -> Array:
    """Return a picture in [0,1] (or beyond) as uint8, in the way the recipe displays it."""
    picture = np.nan_to_num(np.asarray(picture, np.float64), nan=0.5)
    if recipe.output == "standardise":
        picture = 0.5 + 0.1 * (picture - picture.mean()) / (picture.std() + 1e-7)
    return np.asarray(np.round(255.0 * np.clip(picture, 0.0, 1.0)), np.uint8)


def _thinned(curve: list[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    if len(curve) > CURVE_POINTS:
        curve = [curve[i] for i in np.linspace(0, len(curve) - 1, CURVE_POINTS).round().astype(int)]
    return tuple((step, _finite_or_nan(value)) for step, value in curve)


def _finite_or_nan(value: Any) -> float:
    """Return a float; NaN for every value that is not finite, so that records hold no infinities."""
    value = float(value)
    return value if np.isfinite(value) else float("nan")
