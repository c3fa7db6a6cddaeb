"""Rendering in several child processes of one thread each, which is faster than one process of all threads.

Each reads the model for itself. On how much faster, see `benchmarks.threads`. A process that dies, usually
for want of memory, is not replaced while another one lives.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from pathlib import Path

from reportgen.child_process import ChildEnded, ChildProcess
from reportgen.config import Settings
from reportgen.control_groups import usable_cores
from reportgen.errors import ReportgenError
from reportgen.run.batches import one_line
from reportgen.run.context import RunContext
from reportgen.run.dispatch import TRIES, WorkerEngine
from reportgen.run.importing import Source
from reportgen.run.memory import resident_bytes
from reportgen.run.progress import Reporter
from reportgen.run.worker import Worker

WORTH_S, LEAST_LEFT_S = 300.0, 120.0
"""Estimated seconds in one process, which may be three times too many, and seconds left of the budget, from
which several are started: each takes some seconds to be ready, and builds programs of its own."""

LEAST_BYTES, GROWTH = 600_000_000, 1.5
"""Memory of a process: at least so much, and so many times that of this one, which has read the model."""


def n_processes(run: RunContext, seconds: float, *, on_gpu: bool) -> int:
    """Return in how many processes to render what takes so many seconds in this one.

    As the settings say; else one for each core, if the work is worth it and there is memory for them.
    """
    if run.settings.processes is not None:
        return run.settings.processes
    if on_gpu or seconds < WORTH_S or run.clock.left() < LEAST_LEFT_S:
        return 1
    fits = run.bound.bytes / (GROWTH * max(resident_bytes(), LEAST_BYTES)) - 1  # This one remains.
    return max(1, min(usable_cores(), int(fits)))


@contextlib.contextmanager
def processes(run: RunContext, source: Source, n: int) -> Iterator[Processes]:
    """Start processes, which end with the block.

    Raises:
        ReportgenError: None of them becomes ready.
    """
    with tempfile.TemporaryDirectory(prefix="reportgen-") as folder:
        halt = Path(folder, "halt")
        share = run.settings.model_copy(update={"max_memory": run.bound.bytes // (n + 1)})
        found = Processes((str(source.path), source.record.file_hash, share, str(halt)), n, run.reporter)
        try:
            found.wait_for_a_worker(run.halted)
            run.reporter.say(f"rendering in {n} processes of one thread each (--processes)")
            yield found
        finally:
            found.end()


class Calls:
    """What a child process calls: a worker's methods, by name."""

    def __init__(self, model: str, file_hash: str, settings: Settings, halt: str) -> None:
        self._halt, self._parent = Path(halt), os.getppid()
        self._worker = Worker(model, file_hash, settings, self._halted)

    def __call__(self, name: str, *arguments: object) -> object:
        """Return what a method of the worker returns.

        Raises:
            ReportgenError: It failed.
        """
        try:
            return getattr(self._worker, name)(*arguments)
        except (ReportgenError, OSError):
            raise
        except Exception as error:
            raise ReportgenError(f"a rendering process failed: {one_line(error)}") from None

    def _halted(self) -> bool:
        return self._halt.exists() or os.getppid() != self._parent


class _Child:
    """A child process with a thread that passes it one call after another."""

    def __init__(self, made: tuple[str, str, Settings, str]) -> None:
        self._process = ChildProcess(Calls, *made)
        self._thread = ThreadPoolExecutor(1)

    def call(self, name: str, *arguments: object) -> Future[object]:
        return self._thread.submit(self._process.run, (name, *arguments))

    def end(self) -> None:
        self._process.end()
        self._thread.shutdown(cancel_futures=True)
        self._process.close()


class Processes(WorkerEngine[_Child, Future[object]]):
    """Child processes, as an `Engine`.

    Args:
        made: What each is started with: the model, its file's hash, settings, and the file that halts it.
        n: How many.
        reporter: Receives the progress.
    """

    what = "rendering process"

    def __init__(self, made: tuple[str, str, Settings, str], n: int, reporter: Reporter) -> None:
        super().__init__(made[2], reporter)
        self._made, self._n = made, n
        self._ended: set[_Child] = set()

    def _grow(self) -> None:
        if self._idle or self._starting:
            return
        if len(self._ended) >= TRIES * self._n:
            raise ReportgenError(
                "rendering processes ended again and again", hint="is there enough memory? try --processes 1"
            )
        for _ in range(1 if self._ended else self._n):
            child = _Child(self._made)
            self._starting[child.call("ready")] = child

    def _call(self, worker: _Child, name: str, *arguments: object) -> Future[object]:
        return worker.call(name, *arguments)

    def _wait(self, pending: Sequence[Future[object]], seconds: float) -> Sequence[Future[object]]:
        return [*wait(pending, seconds, FIRST_COMPLETED).done]

    def _result(self, ended: Future[object]) -> tuple[object, bool]:
        """Return what a call returned, and whether the process is alive.

        Raises:
            ReportgenError: The call failed.
        """
        try:
            return ended.result(), True
        except (ChildEnded, CancelledError):
            return None, False

    def _halt(self) -> None:
        Path(self._made[3]).touch()

    def _kill(self, worker: _Child) -> None:
        worker.end()
        self._ended.add(worker)
