"""Progress of a run, reported to whoever started it. The run itself never prints."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from reportgen.store import Store


@runtime_checkable
class Reporter(Protocol):
    """Receives the progress of a run."""

    def say(self, text: str) -> None:
        """One line worth reading."""

    def begin(self, pictures: int, seconds: float) -> None:
        """About `pictures` will be rendered, in about `seconds`: how many starts a unit needs shows later."""

    def layer(self, name: str, pictures: int) -> None:
        """A layer starts; `pictures` of it are missing."""

    def rendered(self, pictures: int) -> None:
        """So many pictures more are in the store."""

    def end(self) -> None:
        """Rendering is over."""


@runtime_checkable
class StepReporter(Protocol):
    """A reporter that also receives the progress within a single picture."""

    def steps(self, name: str, done: int, total: int) -> None:
        """Of a picture, which a name describes, `done` of at most `total` steps are taken."""


class Silent:
    """A reporter that says nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def begin(self, pictures: int, seconds: float) -> None:
        """Say nothing."""

    def layer(self, name: str, pictures: int) -> None:
        """Say nothing."""

    def rendered(self, pictures: int) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


def report_upgrade(store: Store, reporter: Reporter) -> None:
    """Report that a store was upgraded, and where the copy of the old one is."""
    if store.backup is not None:
        kept = store.backup.name
        reporter.say(
            f"store {store.path.name}: upgraded to the current format; the old one is kept as {kept}"
        )
