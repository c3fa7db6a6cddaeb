"""The context that every step of a run gets, and the clock that may end the run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from reportgen.config import Settings
from reportgen.run.memory import MemoryBound, default_bound
from reportgen.run.progress import Reporter
from reportgen.store import ModelRecord, Store


class Clock:
    """The time that a run may take; unlimited without a budget.

    Args:
        seconds: The budget, or None.
        now: Returns the current time in seconds.
    """

    def __init__(self, seconds: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._now = now
        self._end = None if seconds is None else now() + seconds
        self._reserve = 0.0

    def left(self) -> float:
        """Return the seconds left for rendering; infinity without a budget."""
        return float("inf") if self._end is None else self._end - self._now() - self._reserve

    def over(self) -> bool:
        """Return whether nothing more should be started."""
        return self.left() <= 0

    def share(self, parts: int) -> Clock:
        """Return a clock for one of the remaining parts, all of which get equal time."""
        return Clock(None if self._end is None else max(0.0, self.left()) / parts, self._now)

    def reserve(self, seconds: float) -> None:
        """Reserve at least so many seconds for what has to follow the last picture."""
        self._reserve = max(self._reserve, seconds)


@dataclass(frozen=True)
class RunContext:
    """A run: its store, settings, reporter, and when it ends.

    Attributes:
        store: Open, locked for rendering.
        settings: What was requested.
        reporter: Receives the progress.
        clock: The time that it may take.
        stop: Returns whether a person asked it to stop; called between batches.
        layer_done: Called with the model version after a layer of it was rendered and measured.
        bound: The memory that it may use, with the batch sizes that did not fit.
    """

    store: Store
    settings: Settings
    reporter: Reporter
    clock: Clock
    stop: Callable[[], bool]
    layer_done: Callable[[ModelRecord], None] = lambda _: None
    bound: MemoryBound = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bound", MemoryBound(self.settings.max_memory or default_bound()))

    @property
    def arithmetic(self) -> str:
        """The arithmetic in which it computes; a part of the keys of pictures and measurements."""
        return self.settings.arithmetic

    def halted(self) -> bool:
        """Return whether nothing more should be started: it was asked to stop, or its time is over."""
        return self.stop() or self.clock.over()

    def with_clock(self, clock: Clock) -> RunContext:
        """Return the same run with another clock and a fresh memory bound."""
        return dataclasses.replace(self, clock=clock)

    def with_settings(self, settings: Settings) -> RunContext:
        """Return the same run with other settings and a fresh memory bound."""
        return dataclasses.replace(self, settings=settings)
