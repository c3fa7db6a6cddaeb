"""The site of a run that is still going on, written early and again as layers are done."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from reportgen.config import Settings
from reportgen.errors import ReportgenError
from reportgen.run.context import RunContext
from reportgen.run.progress import Reporter
from reportgen.run.publishing import publish
from reportgen.score import score_store
from reportgen.store import ModelRecord, Store

FIRST_AFTER, FIRST_SHARE = 120.0, 1 / 6
"""Seconds of a run, or share of its budget, after which the site is first written, whichever is earlier."""

MOST_SHARE = 0.1
"""Share of a run's time that writing the site may take."""


def live(run: RunContext) -> RunContext:
    """Return the same run, which writes its site as layers are done."""
    site = LiveSite(run.store, run.settings, run.reporter, halted=run.stop)
    return dataclasses.replace(run, layer_done=site.layer_done)


class LiveSite:
    """Writes the site while its models are rendered: early, then as often as costs little.

    A page that is open stays whole: files are replaced one by one, each at once, and those that did not
    change are left alone. A store may hold so much from earlier that the site cannot be written in the time
    there is for it: that is then abandoned, and tried again once there is twice the time.

    Args:
        store: Of the run, which scores are written to.
        settings: Of the run.
        reporter: Receives a line when the site was written, and when it was not.
        now: Returns the current time in seconds.
        halted: Returns whether a person asked the run to stop.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        reporter: Reporter,
        now: Callable[[], float] = time.monotonic,
        halted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self._settings, self._reporter = store, settings, reporter
        self._now, self._halted = now, halted
        self._began, self._spent, self._expected = now(), 0.0, 0.0
        self._next = min(FIRST_AFTER, FIRST_SHARE * (settings.budget or float("inf")))

    def layer_done(self, model: ModelRecord) -> None:
        """Score what there is and write the site, if it is time."""
        elapsed = self._now() - self._began
        if elapsed < self._next or self._expected > MOST_SHARE * (elapsed - self._spent):
            return
        began = self._now()
        most = MOST_SHARE * max(elapsed - self._spent, self._settings.budget or 0.0)

        def stop() -> bool:
            return self._halted() or self._now() - began > most

        try:
            score_store(self._store, model, self._settings.score_spec(), stop=stop)
            site = publish(self._settings, stop=stop)
        except (ReportgenError, OSError) as error:
            took = self._now() - began
            if self._halted():
                return
            if took <= most:  # The run goes on; its end tries again, and says why if it cannot.
                self._reporter.say(f"the site is not written while the run goes on: {error}")
                self._next = float("inf")
                return
            self._reporter.say(f"the site is not written yet: it takes more than {most:.0f} s")
            self._pause(elapsed, took, 2 * took)
            return
        self._reporter.say(f"written so far: {site.index}")
        took = self._now() - began
        self._pause(elapsed, took, took)

    def _pause(self, elapsed: float, took: float, expected: float) -> None:
        """Wait until the time that the next writing is expected to take is a small share of that passed."""
        self._spent, self._expected = self._spent + took, expected
        self._next = elapsed + expected / MOST_SHARE
