"""Work spread over processes: each reads tasks from its input and writes results to its output.

Plain child processes of this Python, given the name of what to call, so that nothing of the caller's program
is run again in them. With one process, or little to do, the same calls run in this one.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import IO, Any

from reportgen.errors import ReportgenError

_SERVE = "from reportgen.atlas.process_pool import serve; serve()"
Job = Callable[..., Any]


class ProcessPool:
    """Runs one function over many tasks."""

    def __init__(self, job: Job, n_processes: int) -> None:
        self._job, self._n = job, n_processes
        self._workers: list[_Worker] = []
        self._threads = ThreadPoolExecutor(max(1, n_processes))
        self._pending: list[Future[object]] = []

    def run(self, tasks: Sequence[tuple[object, ...]]) -> Iterator[Any]:
        """Begin at once, where there are processes, and return what yields each result in the tasks' order.

        Raises:
            ReportgenError, OSError: What the job raised, when its result is asked for.
        """
        if self._n < 2 or len(tasks) < 2:
            return (_done(self._job, task) for task in tasks)
        free: SimpleQueue[_Worker] = SimpleQueue()
        for _ in range(min(self._n, len(tasks))):
            self._workers.append(_Worker(self._job))
            free.put(self._workers[-1])

        def one(task: tuple[object, ...]) -> Any:
            worker = free.get()
            try:
                return worker.run(task)
            finally:
                free.put(worker)

        self._pending = [self._threads.submit(one, task) for task in tasks]
        return (future.result() for future in self._pending)

    def close(self) -> None:
        """End the processes; what has not begun is not begun."""
        for future in self._pending:
            future.cancel()
        for worker in self._workers:
            worker.end()
        self._threads.shutdown()
        self._workers, self._pending = [], []


@contextmanager
def process_pool(job: Job, n_processes: int) -> Iterator[ProcessPool]:
    """Open a pool for a function of a module; its processes end with the block."""
    own = ProcessPool(job, n_processes)
    try:
        yield own
    finally:
        own.close()


def n_processes() -> int:
    """Return how many processes this machine has cores for."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """One child process."""

    def __init__(self, job: Job) -> None:
        # One thread a process for linear algebra: the processes themselves fill the cores.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **threads}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        _send(self._to, (job.__module__, job.__qualname__))

    def run(self, task: tuple[object, ...]) -> Any:
        try:
            _send(self._to, task)
            good, result = _receive(self._from)
        except (EOFError, BrokenPipeError):
            raise ReportgenError(
                "a process that made pages ended before it was done", hint="is there enough memory?"
            ) from None
        if not good:
            raise result
        return result

    def end(self) -> None:
        self._to.close()
        self._process.terminate()
        self._process.wait()
        self._from.close()


def serve() -> None:
    """Run tasks until there are no more: the main of a child process.

    Ctrl-C goes to every process of a terminal; what it means is for the one that asks to say. It ends its
    children by ending their input.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, target = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what prints must not come between results
    module, name = _receive(source)
    job = getattr(importlib.import_module(module), name)
    while True:
        try:
            task = _receive(source)
        except EOFError:
            return
        try:
            result = (True, _done(job, task))
        except (ReportgenError, OSError) as error:
            result = (False, error)
        _send(target, result)


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Turn off the search for cycles in a block: it would go through a layer's many rows again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _done(job: Job, task: tuple[object, ...]) -> Any:
    with without_garbage_collection():
        return job(*task)


def _send(to: IO[bytes], value: Any) -> None:
    data = pickle.dumps(value)
    to.write(struct.pack(">Q", len(data)))
    to.write(data)
    to.flush()


def _receive(source: IO[bytes]) -> Any:
    head = source.read(8)
    if len(head) < 8:
        raise EOFError
    return pickle.loads(source.read(struct.unpack(">Q", head)[0]))
