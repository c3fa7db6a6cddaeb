"""Ctrl-C: the first asks a run to stop, the second ends the process."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.terminal.progress import Progress

EXIT_UNITS_FAILED = 3
EXIT_INTERRUPTED = 130
"""For commands other than runs: the exit code of shells for a program that Ctrl-C ended."""
SECONDS_TO_END = 2.0
"""Time for cleaning up, between a second Ctrl-C and the process's end."""


@dataclass(frozen=True)
class Kept:
    """What is kept of work that is interrupted, in words.

    Attributes:
        stopping: What happens next, after the first Ctrl-C.
        stopped: What there is, after the second.
    """

    stopping: str
    stopped: str


RENDERED = Kept("what is rendered is scored and written", "what was rendered is in the store")
ORDERED = Kept("the order of units so far is kept", "the order of units so far is kept")
NOTHING = Kept("nothing is written", "nothing was written")


class Stopped(KeyboardInterrupt):
    """Work that a second Ctrl-C ended at once; its text says what is kept."""


class Interrupt:
    """The first Ctrl-C asks the run to stop after the current batch; the second ends it at once.

    Python handles a signal between two of its own instructions, and a framework's call may take many seconds.
    So a thread, which the system notifies directly, ends the process if it has not ended shortly after the
    second Ctrl-C.
    """

    def __init__(self, progress: Progress, kept: Kept = RENDERED) -> None:
        self._asked = threading.Event()
        self._progress = progress
        self._kept = kept

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
            raise Stopped(f"stopped; {self._kept.stopped}")
        self._asked.set()
        self._progress.say(f"stopping: {self._kept.stopping}; Ctrl-C again ends at once")

    def _watch(self, read_end: int, write_end: int) -> None:
        times, over = 0, False
        while not over:
            for byte in os.read(read_end, 64):
                times, over = times + (byte == signal.SIGINT), over or byte == 0
            if times > 1 and not over and not select.select([read_end], [], [], SECONDS_TO_END)[0]:
                os.write(2, f"stopped; {self._kept.stopped}\n".encode())
                os._exit(EXIT_UNITS_FAILED)
        os.close(read_end)
        os.close(write_end)
