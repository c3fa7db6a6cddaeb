"""The progress of a run in a notebook: lines, and a bar that is updated in the output of the cell.

The bar is an element of HTML, so that it needs no widgets, and a stored notebook keeps how the run ended.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from reportgen.run.notebook_html import as_html, folded, lines, whole
from reportgen.run.progress import Reporter, Silent

UPDATE_SECONDS = 0.2
"""Between two updates of the bar."""


class NotebookProgress:
    """A `Reporter` that shows lines and a bar in one place of a notebook.

    Args:
        show: Shows HTML, in place of what it showed before.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._lines: list[str] = []
        self._layer = ""
        self._counted = "pictures"
        self._ended = False
        self._total = self._done = 0
        self._began = self._last = 0.0

    def say(self, text: str) -> None:
        """Show one line more."""
        self._lines.append(text)
        self._update()

    def begin(self, pictures: int, seconds: float) -> None:
        """Show an empty bar, or that there is nothing to render."""
        self._total, self._done, self._began = pictures, 0, time.monotonic()
        if not pictures:
            self.say("nothing to render; measuring")
        self._update()

    def layer(self, name: str, pictures: int) -> None:
        """Show which layer is being rendered."""
        self._layer = name
        self._update()

    def rendered(self, pictures: int) -> None:
        """Advance the bar."""
        self._done += pictures
        self._total = max(self._total, self._done)  # It is an estimate: see `starts`.
        if time.monotonic() - self._last > UPDATE_SECONDS or self._done >= self._total:
            self._update()

    def steps(self, name: str, done: int, total: int) -> None:
        """Show the steps of a single picture in the bar."""
        if self._counted != "steps":
            self._counted, self._began = "steps", time.monotonic()
        self._layer, self._done, self._total = name, done, total
        if time.monotonic() - self._last > UPDATE_SECONDS or done in (0, total):
            self._update()

    def end(self) -> None:
        """Show how much was done, which may be less than was expected, and fold the lines."""
        self._layer, self._ended = "", True
        self._update()

    def _update(self) -> None:
        self._last = time.monotonic()
        bar = self._bar() if self._total else ""
        long = self._ended and len(self._lines) > 1
        said = folded(self._lines[0], self._lines[1:]) if long else lines(self._lines)
        self._show(whole("", bar, said))

    def _bar(self) -> str:
        seconds, total = self._last - self._began, self._done if self._ended else self._total
        if self._ended:
            state = f"{self._done:,} {self._counted} in {seconds:.0f} s"
        else:
            state = f"{self._done:,} of {total:,} {self._counted}"
        if 0 < self._done < total:
            state += f", about {seconds / self._done * (total - self._done):.0f} s left"
        name = f", {self._layer}" if self._layer else ""
        bar = f'<progress max="{max(total, 1)}" value="{self._done}" style="width:240px"></progress>'
        return f"<div>{bar} {as_html(state + name)}</div>"


def reporter_here() -> Reporter:
    """Return what receives the progress by default: a bar in a notebook, elsewhere nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):  # Only the shell of a notebook has one.
        return Silent()
    return NotebookProgress(_place_in_cell())


def _place_in_cell() -> Callable[[str], None]:
    """Return a function that shows HTML in the output of the running cell, in place of what it showed."""
    from IPython.display import HTML, DisplayHandle

    place: list[DisplayHandle] = []

    def show(html: str) -> None:
        if not place:
            place.append(DisplayHandle())
            place[0].display(HTML(html))
        else:
            place[0].update(HTML(html))

    return show
