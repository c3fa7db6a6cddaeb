"""Requests, from being asked to their pictures: the queue, the worker, the store, in one place.

Everything here may be called from any thread and returns at once; nothing here knows Dash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from reportgen.explorer.asked import Asked

State = Literal["waiting", "starting", "rendering", "done", "cancelled", "failed", "replaced"]
ENDED: tuple[State, ...] = ("done", "cancelled", "failed", "replaced")
"""States after which nothing of a request changes any more, but its message."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request that was taken; `id` is how to ask after it."""

    id: str
    key: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How a request stands.

    Attributes:
        state: `waiting` for its turn; `starting`, while a worker or the layer's program is made ready;
            `rendering`; or how it ended: `done`, `cancelled`, `failed`, `replaced` by the person's newer one.
        place: How many requests are served before it; 0 once it is served.
        step, steps: Steps taken, and the most there will be.
        curve: Pairs of step and objective so far, thinned.
        preview: The picture so far, a WebP, or None before the first; once done, the picture itself.
        preview_number: Counts previews: another number, another picture.
        key: The content key of what was asked; None where the ticket is unknown.
        seconds: Since it was asked, until it ended.
        message: Why it failed, or what else a person should know; one line, may be empty.
    """

    state: State
    place: int = 0
    step: int = 0
    steps: int = 0
    curve: tuple[tuple[int, float], ...] = ()
    preview: bytes | None = None
    preview_number: int = 0
    key: str | None = None
    seconds: float = 0.0
    message: str = ""


class Studio:
    """Renders what people ask, one request after the other, in a process of its own.

    Args:
        store: The store's file.
        models: By `model/version` the file of a model, where it does not lie beside the store or in the
            current folder under its own name; or files alone, which are known by their hash.
        device: What computes where a request does not say.
        arithmetic: `float32` or `bfloat16`.
        trust_model, custom: As for `reportgen render`; a store's word for it does not count.
    """

    def __init__(
        self, store: str | Path, models: Mapping[str, str | Path] | Sequence[str | Path] = (), *,
        device: str = "auto", arithmetic: str = "float32", trust_model: bool = False,
        custom: Sequence[str] = (),
    ) -> None:  # fmt: skip
        raise NotImplementedError

    def __enter__(self) -> Studio:
        """Start the worker."""
        raise NotImplementedError

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        """End the worker, and write what could not be written before."""
        raise NotImplementedError

    def ask(self, asked: Asked, person: str, panel: str) -> Ticket:
        """Take a request; a person's older ones for the same panel are replaced.

        Raises:
            ReportgenError: The model version, layer, unit or start is not there; it cannot be rendered here;
                too many of the person's requests wait.
        """
        raise NotImplementedError

    def sweep(self, asked: Asked, person: str, panel: str) -> tuple[Ticket, ...]:
        """Take nine requests, the weight of total variation from 1e-5 to 1e3 in decades, weakest first."""
        raise NotImplementedError

    def progress(self, ticket: str) -> Progress:
        """Return how a request stands; of an unknown one that it failed."""
        raise NotImplementedError

    def cancel(self, ticket: str) -> None:
        """End a request; nothing happens to one that has ended."""
        raise NotImplementedError

    def renderable(self) -> Mapping[str, str | None]:
        """Return by `model/version` None where it can be rendered here, or why not, in a line."""
        raise NotImplementedError

    def picture(self, key: str) -> bytes | None:
        """Return the picture of a content key as WebP, of an experiment or of the atlas; None for none."""
        raise NotImplementedError

    def add_start(self, data: bytes) -> str:
        """Keep a person's picture to start from, and return its hash.

        Raises:
            ReportgenError: No picture, or too large.
        """
        raise NotImplementedError

    def unsaved(self) -> int:
        """Return how many results wait to be written, because a run is rendering into the store."""
        raise NotImplementedError
