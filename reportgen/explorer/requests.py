"""Requests and their progress: immutable values for reports, and the mutable request behind them."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from reportgen.explorer.growth import Frame
from reportgen.explorer.messages import Done, Order, Step, is_kept
from reportgen.explorer.render_request import Asked
from reportgen.explorer.result_cache import Result
from reportgen.store import Experiment
from reportgen.units import activation_of

State = Literal["waiting", "starting", "rendering", "done", "cancelled", "failed", "replaced"]
ENDED: tuple[State, ...] = ("done", "cancelled", "failed", "replaced")
"""States after which nothing of a request changes any more, but its message."""

CURVE_POINTS = 128
"""Points of a curve that are reported while a picture is rendered."""


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
        curve: Pairs of step and activation so far, each under its step's transform, thinned; in the
            network's own sign.
        preview: The picture so far, a WebP, or None before the first; once done, the picture itself.
        preview_number: Counts previews: another number, another picture.
        key: The content key of what was asked; None where the ticket is unknown.
        seconds: Since it was asked, until it ended.
        message: Why it failed, or what else a person should know; one line, may be empty.
        grown: Whether it can be shown how the finished picture grew.
        stored: Whether the picture was there when it was asked for.
        activation: Of the finished picture itself, in the network's own sign, as the atlas reports it; None
            before.
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
    activation: float | None = None
    grown: bool = False
    stored: bool = False


@dataclass
class Request:
    """A request as it changes; guarded by the studio's lock."""

    ticket: str
    asked: Asked
    person: str
    panel: str
    key: str
    order: Order | None
    state: State = "waiting"
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    looked: float = field(default_factory=time.monotonic)  # when somebody last asked how it stands
    step: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)
    objective: float | None = None
    preview: bytes | None = None
    preview_number: int = 0
    message: str = ""
    frames: list[Frame] = field(default_factory=list)
    wants_growth: bool = False

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDED

    def end(self, state: State, message: str = "") -> None:
        """End, if it has not ended before."""
        if not self.over:
            self.state, self.message, self.ended = state, message, time.monotonic()

    def finish(self, result: Result) -> None:
        """End with a picture."""
        if not self.over:
            self.preview, self.step, self.objective = result.picture, result.steps, result.objective
            self.curve = self.curve or list(result.curve)  # What was seen on the way has more points.
            self.preview_number += 1
            self.frames = [*(f for f in self.frames if f.step < self.step), Frame(self.step, self.preview)]
            self.end("done")

    def experiment(self, done: Done) -> Experiment:
        """Return its finished picture as a store keeps it."""
        height, width, channels = done.size
        return Experiment(
            key=self.key,
            picture=done.picture,
            height=height,
            width=width,
            channels=channels,
            seconds=done.seconds,
            telemetry=done.telemetry,
            asked=self.asked.as_dict(),
            provenance={
                "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "device": done.device,
            },
        )

    def advance(self, step: Step) -> None:
        """Take in how its order stands."""
        if not self.over:
            self.state, self.step = "rendering", step.step
            self.curve = [*([] if step.restarted else self.curve), *step.curve]
            self.preview, self.preview_number = step.preview, self.preview_number + 1
            if is_kept(step.step, self.asked.recipe.steps):
                self.frames.append(Frame(step.step, step.preview))

    def progress(self, place: int, trouble: str, grown: bool) -> Progress:
        """Return how it stands.

        Args:
            place: How many are served before it.
            trouble: What a person should know besides.
            grown: Whether frames of its finished picture are kept.
        """
        sign = self.asked.sign
        ended = self.ended if self.ended is not None else time.monotonic()
        return Progress(
            state=self.state,
            place=place,
            step=self.step,
            steps=max(self.asked.recipe.steps, self.step),
            curve=tuple((at, activation_of(value, sign)) for at, value in _thinned(self.curve)),
            activation=None if self.objective is None else activation_of(self.objective, sign),
            preview=self.preview,
            preview_number=self.preview_number,
            key=self.key,
            seconds=ended - self.began,
            message=self.message or trouble,
            grown=grown and self.state == "done",
            stored=self.state == "done" and self.order is None,
        )


def _thinned(curve: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    if len(curve) <= CURVE_POINTS:
        return tuple(curve)
    return tuple(curve[i] for i in np.linspace(0, len(curve) - 1, CURVE_POINTS).round().astype(int))
