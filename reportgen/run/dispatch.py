"""Handing slices of plans to workers, each in a process of its own, and taking back what they rendered.

Which processes these are, and how they are started and called, is for the engines derived from here to say:
child processes of this machine (`processes`) or those of a cluster (`cluster`). Slices are rendered by the
same function as without workers (`batches.rows_of`). Only the caller writes to the store.
"""

from __future__ import annotations

import abc
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from reportgen.config import Settings
from reportgen.errors import ReportgenError
from reportgen.plan import LayerPlan
from reportgen.run.batches import CACHED_CUTS, Further, LayerPart
from reportgen.run.layer_speed import LayerSpeed
from reportgen.run.progress import Reporter
from reportgen.run.slices import SLICE, Slice, Slices
from reportgen.store import StoredRender

AHEAD = 2
"""Slices a worker has at once: one in progress, one queued, so that it never waits for the driver."""
TRIES = 3
"""Workers that may die while rendering the same slice before the run fails."""
_TICK, _START, _END = 0.5, 600.0, 60.0
"""Seconds: between two checks of `stop`; for a first worker to be ready; for workers to return what is
complete after a stop."""

WorkerT = TypeVar("WorkerT")
CallT = TypeVar("CallT")


class WorkerEngine(abc.ABC, Generic[WorkerT, CallT]):
    """Workers that render slices, as an `Engine`.

    Workers, and calls of them that have not ended yet, are whatever the engine derived from here makes them.
    """

    what = "worker"
    """What errors call one of them."""

    def __init__(self, settings: Settings, reporter: Reporter) -> None:
        self._settings, self._reporter = settings, reporter
        self._idle: dict[WorkerT, tuple[str, ...]] = {}  # Worker that is ready: programs it has, last first.
        self._starting: dict[CallT, WorkerT] = {}  # Pending call that gets it ready: the worker.
        self._at_work: dict[CallT, tuple[WorkerT, Slice]] = {}  # Pending call: its worker and slice.
        self._pictures_of_slice = SLICE  # Unless the user set a batch.
        self.device = ""

    @property
    def workers(self) -> int:
        """Workers that are ready or starting, at least 1."""
        return max(1, len(self._idle) + len(self._starting))

    @abc.abstractmethod
    def _grow(self) -> None:
        """Start workers that there is room for.

        Raises:
            ReportgenError: There is no worker, and none can be started.
        """

    @abc.abstractmethod
    def _call(self, worker: WorkerT, name: str, *arguments: object) -> CallT:
        """Call a method of a `Worker`; return the pending call."""

    @abc.abstractmethod
    def _wait(self, pending: Sequence[CallT], seconds: float) -> Sequence[CallT]:
        """Wait so long for a pending call to end; return those that have."""

    @abc.abstractmethod
    def _result(self, ended: CallT) -> tuple[object, bool]:
        """Return what a call returned, and whether the worker is alive.

        Raises:
            ReportgenError: The call failed.
        """

    @abc.abstractmethod
    def _halt(self) -> None:
        """Make all workers return what is complete."""

    @abc.abstractmethod
    def _kill(self, worker: WorkerT) -> None:
        """End a worker, which may have ended already."""

    def wait_for_a_worker(self, stop: Callable[[], bool]) -> None:
        """Start as many workers as there is room for, and wait for the first.

        Raises:
            ReportgenError: No worker became ready, or the first has another model or arithmetic.
        """
        self._grow()
        until = time.monotonic() + _START
        while not self._idle and not stop():
            if not self._starting or time.monotonic() > until:
                raise ReportgenError(
                    f"no {self.what} is ready", hint="check that there are free CPUs and memory"
                )
            self._collect(_TICK)
            self._grow()

    def measured(self, plans: Sequence[LayerPlan], stop: Callable[[], bool]) -> Sequence[LayerSpeed | None]:
        """Return how fast workers render the layers of plans, several at once, as they will.

        None for those that could not be measured; for all of them once `stop` returns true.
        """
        while self._starting and not stop():
            self._collect(_TICK)
        ready = itertools.cycle([*self._idle])
        pending = {self._call(next(ready), "speed", plan): i for i, plan in enumerate(plans)}
        speeds: list[LayerSpeed | None] = [None] * len(plans)
        while pending and not stop():
            for ended in self._wait([*pending], _TICK):
                found, _ = self._result(ended)
                speeds[pending.pop(ended)] = found if isinstance(found, LayerSpeed) else None
        return speeds

    def render_plans(
        self, plans: Sequence[LayerPlan], stop: Callable[[], bool], further: Further
    ) -> Iterator[LayerPart]:
        """Yield rows of the plans' pictures as they come back, and the end of each layer, in no fixed order.

        Raises:
            ReportgenError: A worker failed, or several died of the same pictures.
        """
        waiting = Slices(plans, 2 * self._settings.batch if self._settings.batch else self._pictures_of_slice)
        begun: set[str] = set()
        until = float("inf")
        while waiting.unfinished and time.monotonic() < until:
            if stop() and until == float("inf"):
                until = time.monotonic() + _END
                waiting.drop()
                self._halt()
            for given in self._hand_out(waiting):
                if given.layer.name not in begun:
                    begun.add(given.layer.name)
                    self._reporter.layer(given.layer.name, waiting.of_layer(given.layer.name))
            for given, rows in self._collect(_TICK):
                if rows is None:
                    self._retry(waiting, given)
                    continue
                yield LayerPart(given.layer.name, rows)
                if waiting.finished(given):
                    yield LayerPart(given.layer.name, ends=True)
                    if until == float("inf"):
                        waiting.add(further(given.layer.name))
            self._grow()

    def end(self) -> None:
        """End all workers."""
        for worker in [*self._idle, *self._starting.values()]:
            self._kill(worker)
        self._idle, self._starting, self._at_work = {}, {}, {}

    def _retry(self, waiting: Slices, lost: Slice) -> None:
        """Put back the slice of a worker that died."""
        if lost.tries + 1 >= TRIES:
            raise ReportgenError(
                f'{TRIES} times a {self.what} died while it rendered layer "{lost.layer.name}"',
                hint="check their memory, or try a smaller --batch",
            )
        waiting.put_back(lost)

    def _hand_out(self, waiting: Slices) -> Iterator[Slice]:
        """Assign slices to every worker, if possible of its last layer, whose program is already built."""
        load = dict.fromkeys(self._idle, 0)
        for worker, _ in self._at_work.values():
            load[worker] = load.get(worker, 0) + 1
        for most in range(1, AHEAD + 1):
            for worker in [w for w in self._idle if load[w] < most]:
                recent = self._idle[worker]
                given = waiting.take(recent, {programs[0] for programs in self._idle.values() if programs})
                if given is None:
                    return
                others = (program for program in recent if program != given.program)
                self._idle[worker] = (given.program, *others)[:CACHED_CUTS]
                load[worker] += 1
                self._at_work[self._call(worker, "render", given.layer, given.pictures)] = (worker, given)
                yield given

    def _collect(self, seconds: float) -> list[tuple[Slice, Sequence[StoredRender] | None]]:
        """Return finished slices, with None for those whose worker died; register workers that are ready."""
        pending = [*self._starting, *self._at_work]
        if not pending:
            time.sleep(seconds)
            return []
        found: list[tuple[Slice, Sequence[StoredRender] | None]] = []
        for ended in self._wait(pending, seconds):
            if ended in self._starting:
                self._register(ended)
                continue
            worker, given = self._at_work.pop(ended)
            rows, alive = self._result(ended)
            if not alive:
                self._idle.pop(worker, None)
                self._kill(worker)
            assert isinstance(rows, list) == alive
            found.append((given, rows if isinstance(rows, list) else None))
        return found

    def _register(self, ended: CallT) -> None:
        state, alive = self._result(ended)
        if not alive:
            self._kill(self._starting.pop(ended))
            return
        assert isinstance(state, dict)
        if state["arithmetic"] != self._settings.arithmetic:
            raise ReportgenError(
                f"a {self.what} computes in {state['arithmetic']}, "
                f"this machine in {self._settings.arithmetic}",
                hint="render on machines of one kind",
            )
        self._idle[self._starting.pop(ended)] = ()
        self.device = self.device or state["device"]
