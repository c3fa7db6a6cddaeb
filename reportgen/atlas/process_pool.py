"""Work spread over child processes. With one process, or little to do, the same calls run in this one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from reportgen.child_process import ChildEnded, ChildProcess
from reportgen.errors import ReportgenError

Job = Callable[..., Any]


class ProcessPool:
    """Runs one function over many tasks."""

    def __init__(self, job: Job, n_processes: int) -> None:
        self._job, self._n = job, n_processes
        self._workers: list[ChildProcess] = []
        self._threads = ThreadPoolExecutor(max(1, n_processes))
        self._pending: list[Future[object]] = []

    def run(self, tasks: Sequence[tuple[object, ...]]) -> Iterator[Any]:
        """Begin at once, where there are processes, and return what yields each result in the tasks' order.

        Raises:
            ReportgenError, OSError: What the job raised, when its result is asked for.
        """
        if self._n < 2 or len(tasks) < 2:
            return (self._job(*task) for task in tasks)
        free: SimpleQueue[ChildProcess] = SimpleQueue()
        for _ in range(min(self._n, len(tasks))):
            self._workers.append(ChildProcess(self._job))
            free.put(self._workers[-1])

        def one(task: tuple[object, ...]) -> Any:
            worker = free.get()
            try:
                return worker.run(task)
            except ChildEnded:
                raise ReportgenError(
                    "a process that made pages ended before it was done", hint="is there enough memory?"
                ) from None
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
        for worker in self._workers:
            worker.close()
        self._workers, self._pending = [], []


@contextmanager
def process_pool(job: Job, n_processes: int) -> Iterator[ProcessPool]:
    """Open a pool for a function of a module; its processes end with the block."""
    own = ProcessPool(job, n_processes)
    try:
        yield own
    finally:
        own.close()


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
