"""What goes to the process that renders, and what comes back: plain values that cross a pipe."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from reportgen.explorer.model_files import ModelFile
from reportgen.spec import RenderSpec
from reportgen.units import Sign, Telemetry

Array = np.ndarray

FRAMES = 32
"""Pictures at even distances that show how one grew."""


@dataclass(frozen=True, slots=True)
class Order:
    """A picture to be found.

    Attributes:
        ticket: What answers are marked with.
        file: Of the model.
        layer, graph_hash: The layer's name, and the hash it must have.
        recipe, canvas_px: As they apply to the layer.
        terms, sign, seed: See `Asked`.
        start: A picture to start from, `(h, w, c)` uint8 of that canvas, or None.
        most_seconds: How long it may take; more is given up.
        preparing: Whether it only makes model and programs ready: no picture comes of it, and it is given up
            when there is work.
    """

    ticket: str
    file: ModelFile
    version: str
    layer: str
    graph_hash: str
    recipe: RenderSpec
    canvas_px: tuple[int, int]
    terms: tuple[tuple[int, float], ...]
    sign: Sign
    seed: int
    start: Array | None = None
    most_seconds: float = 300.0
    preparing: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """An order that nobody wants any more."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Step:
    """State of an order; also sent at every step of `is_kept`, since those show how the picture grew.

    Attributes:
        ticket: Of the order.
        step: Steps taken.
        curve: Points that come to the curve.
        restarted: Whether they begin another curve: what was before does not compare.
        preview: The picture so far, WebP.
    """

    ticket: str
    step: int
    curve: tuple[tuple[int, float], ...]
    restarted: bool
    preview: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """A finished picture: PNG, size, what happened, and on what it was computed."""

    ticket: str
    picture: bytes
    size: tuple[int, int, int]
    telemetry: Telemetry
    seconds: float
    device: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An order that ended without a picture; without a message it was given up as it was asked to be."""

    ticket: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """The process computes, on a GPU or not; sent once, before any order is worked on."""

    on_gpu: bool
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Full:
    """The process has grown so much that another should take its place, when that disturbs nobody."""

    ticket: str = ""


Reply = Ready | Step | Done | Failed | Full


def is_kept(step: int, steps: int) -> bool:
    """Return whether the picture after `step` of at most `steps` steps is one of those that show its growth.

    The first steps change most: those by powers of two, and about 32 at even distances.
    """
    return step & (step - 1) == 0 or step % -(-steps // FRAMES) == 0


def preparation(order: Order) -> Order:
    """Return an order that makes the process ready for that one, and gives no picture.

    One step is taken: numbers of a recipe are no part of the programs, except those that shape them.
    """
    recipe = dataclasses.replace(order.recipe, steps=1, min_steps=0)
    return dataclasses.replace(order, ticket="", preparing=True, start=None, recipe=recipe)
