"""Ctrl-C: the first asks a run to stop, the second ends the process."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.terminal.progress import Progress

EXIT_UNITS_FAILED = 3
EXIT_INTERRUPTED = 130
"""For commands other than runs: the exit code of shells for a program that Ctrl-C ended."""
STOPPED = "stopped; what was rendered is in the store"
SECONDS_TO_END = 2.0
"""Time for cleaning up, between a second Ctrl-C and the process's end."""


class Stopped(KeyboardInterrupt):
    """A run that a second Ctrl-C ended at once."""


class Interrupt:
    """The first Ctrl-C asks the run to stop after the current batch; the second ends it at once.

    Python handles a signal between two of its own instructions, and a framework's call may take many seconds.
    So a thread, which the system notifies directly, ends the process if it has not ended shortly after the
    second Ctrl-C.
    """

    def __init__(self, progress: Progress) -> None:
        self._asked = threading.Event()
        self._progress = progress

    def __enter__(self) -> Callable[[], bool]:
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        self._before = signal.signal(signal.SIGINT, self._ask), signal.set_wakeup_fd(write_end)
        threading.Thread(target=self._watch, args=(read_end, write_end), daemon=True).start()
        return self._asked.is_set

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before[0])
        os.write(signal.set_wakeup_fd(self._before[1]), b"\0")  # No signal: this ends the thread.

    def _ask(self, *_: object) -> None:
        if self._asked.is_set():
            raise Stopped
        self._asked.set()
        self._progress.say("stopping: what is rendered is scored and written; Ctrl-C again ends at once")

    @staticmethod
    def _watch(read_end: int, write_end: int) -> None:
        times, over = 0, False
        while not over:
            for byte in os.read(read_end, 64):
                times, over = times + (byte == signal.SIGINT), over or byte == 0
            if times > 1 and not over and not select.select([read_end], [], [], SECONDS_TO_END)[0]:
                os.write(2, (STOPPED + "\n").encode())
                os._exit(EXIT_UNITS_FAILED)
        os.close(read_end)
        os.close(write_end)
