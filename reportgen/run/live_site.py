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
    return dataclasses.replace(run, layer_done=LiveSite(run.store, run.settings, run.reporter).layer_done)


class LiveSite:
    """Writes the site while its models are rendered: early, then as often as costs little.

    A page that is open stays whole: files are replaced one by one, each at once, and those that did not
    change are left alone.
    """

    def __init__(
        self, store: Store, settings: Settings, reporter: Reporter, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._settings, self._reporter, self._now = store, settings, reporter, now
        self._began, self._spent, self._last = now(), 0.0, 0.0
        self._first = min(FIRST_AFTER, FIRST_SHARE * (settings.budget or float("inf")))

    def layer_done(self, model: ModelRecord) -> None:
        """Score what there is and write the site, if it is time."""
        elapsed = self._now() - self._began
        if elapsed < self._first or self._last > MOST_SHARE * (elapsed - self._spent):
            return
        began = self._now()
        try:
            score_store(self._store, model, self._settings.score_spec())
            site = publish(self._settings)
        except (
            ReportgenError,
            OSError,
        ) as error:  # The run goes on; its end tries again, and says why if it cannot.
            self._reporter.say(f"the site is not written while the run goes on: {error}")
            self._first = float("inf")
            return
        self._reporter.say(f"written so far: {site.index}")
        self._last = self._now() - began
        self._spent += self._last
        self._first = elapsed + self._last / MOST_SHARE
