"""The progress of a run on standard error: a progress bar, or plain lines if there is no terminal."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from reportgen.terminal.text import duration, printable

PLAIN_LINE_SECONDS = 10.0
"""Between two plain lines of progress, if there is no terminal."""


class Progress:
    """A `Reporter` that prints on standard error: a progress bar, or plain lines if that is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Bar | None = None
        self._task: Any = None
        self._total = self._done = 0
        self._began = self._last = 0.0
        self._layer = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(escape(printable(text)))

    def begin(self, pictures: int, seconds: float) -> None:
        """Print how much there is to render, and start the bar."""
        self._began = self._last = time.monotonic()
        if not pictures:
            self.say("nothing to render; measuring")
            return
        self.say(f"{pictures:,} pictures to render, about {duration(seconds)}")
        self._total, self._done = pictures, 0
        self._start_bar()

    def layer(self, name: str, pictures: int) -> None:
        """Show which layer is being rendered."""
        self._layer = printable(name)
        if self._bar is not None:
            self._bar.update(self._task, description=escape(self._layer))
        else:
            self.say(f"{self._layer}: {pictures:,} pictures")

    def rendered(self, pictures: int) -> None:
        """Advance the bar."""
        self._done += pictures
        self._total = max(self._total, self._done)  # It is an estimate: see `run.starts`.
        now = time.monotonic()
        rate = self._done / max(now - self._began, 1e-3)
        if self._bar is not None:
            self._bar.update(
                self._task, completed=self._done, total=self._total, rate=f"{rate:.1f} pictures/s"
            )
        elif now - self._last > PLAIN_LINE_SECONDS:
            self._last = now
            left = duration((self._total - self._done) / rate)
            self.say(f"{self._layer}: {self._done:,} of {self._total:,}, {rate:.1f} pictures/s, {left} left")

    def steps(self, name: str, done: int, total: int) -> None:
        """Show the steps of a single picture in the bar."""
        if not done:
            self._total, self._began = total, time.monotonic()
            self._last = self._began
            self._start_bar()
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, completed=done, description=escape(printable(name)))
        elif now - self._last > PLAIN_LINE_SECONDS:
            self._last = now
            self.say(f"{printable(name)}: {done:,} of {total:,} steps")

    def _start_bar(self) -> None:
        """Start a bar of the total, if this is a terminal."""
        self.end()
        if not self._console.is_terminal:
            return
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=self._total, rate="")
        self._bar.start()

    def end(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
