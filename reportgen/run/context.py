"""What every step of a run has at hand, and the clock that may end it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from reportgen.config import Settings
from reportgen.run.memory import Bound, default_bound
from reportgen.run.progress import Reporter
from reportgen.store import Store


class Clock:
    """The time a run may take; it never ends where there is no budget.

    Args:
        seconds: The budget, or None.
        now: Tells the time in seconds.
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
        """Return whether nothing more should be begun."""
        return self.left() <= 0

    def share(self, parts: int) -> Clock:
        """Return a clock for one of so many parts that are still to be done, each with as much time."""
        return Clock(None if self._end is None else max(0.0, self.left()) / parts, self._now)

    def reserve(self, seconds: float) -> None:
        """Keep at least so much of the end for what has to follow the last picture."""
        self._reserve = max(self._reserve, seconds)


@dataclass(frozen=True)
class RunContext:
    """A run: where it writes, what was asked of it, who is told, and when it ends.

    Attributes:
        store: Open, locked for rendering.
        settings: What was asked.
        reporter: Told of the progress.
        clock: The time it may take.
        stop: Whether a person asked it to stop; asked between batches.
        bound: The memory it may take, and what was learnt of that.
    """

    store: Store
    settings: Settings
    reporter: Reporter
    clock: Clock
    stop: Callable[[], bool]
    bound: Bound = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bound", Bound(self.settings.max_memory or default_bound()))

    @property
    def arithmetic(self) -> str:
        """In what is computed; a part of what pictures and measurements are kept under."""
        return self.settings.arithmetic

    def halted(self) -> bool:
        """Return whether nothing more should be begun: it was asked to stop, or its time is spent."""
        return self.stop() or self.clock.over()

    def with_clock(self, clock: Clock) -> RunContext:
        """Return the same run with other time, and with memory of which nothing was learnt."""
        return dataclasses.replace(self, clock=clock)

    def with_settings(self, settings: Settings) -> RunContext:
        """Return the same run as it is asked for otherwise, with memory of which nothing was learnt."""
        return dataclasses.replace(self, settings=settings)
