"""A drawing as plain values: marks in the order in which they are painted, and a text that says the same.

Each mark has a shape, which a template draws, and a style, a class of the style sheet. Nothing here is HTML.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, `x,y` after `x,y`; or, of shape `area`, what it encloses."""

    shape: str
    style: str
    points: str


@dataclass(frozen=True, slots=True)
class Box:
    """A filled box."""

    shape: ClassVar[str] = "box"
    style: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A dot; with an address it leads there, and has a text."""

    shape: ClassVar[str] = "dot"
    style: str
    x: float
    y: float
    radius: float
    href: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """Words that start at, are centred on or end at `x`: `anchor` is `start`, `middle` or `end`."""

    shape: ClassVar[str] = "words"
    style: str
    anchor: str
    x: float
    y: float
    text: str


Mark = Path | Box | Dot | Words


@dataclass(frozen=True, slots=True)
class Across:
    """What lies across a canvas, so that a script can filter by a stretch of it.

    Attributes:
        column: As the filter calls it.
        low, high: Its numbers at `left` and `right`.
        left, right: Places on the canvas.
    """

    column: str
    low: float
    high: float
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks on a canvas, and `alt`, a text that says the same; `across` where a stretch of it is a filter."""

    width: int
    height: int
    alt: str
    marks: tuple[Mark, ...]
    across: Across | None = None


def drawing(
    width: int, height: int, alt: str, marks: Iterable[Mark], across: Across | None = None
) -> Drawing:
    """Return a drawing of that width and height."""
    return Drawing(width, height, alt, tuple(marks), across)


def line(style: str, points: Points) -> Mark:
    """Return a line through points."""
    return Path("line", style, _places(points))


def area(style: str, points: Points) -> Mark:
    """Return the filled area that a line through points encloses."""
    return Path("area", style, _places(points))


def box(style: str, x: float, y: float, width: float, height: float) -> Mark:
    """Return a box."""
    return Box(style, _place(x), _place(y), _place(width), _place(height))


def dot(style: str, x: float, y: float, radius: float) -> Mark:
    """Return a dot."""
    return Dot(style, _place(x), _place(y), radius)


def words(style: str, anchor: str, x: float, y: float, text: str) -> Mark:
    """Return words that start at, are centred on or end at `x` (`start`, `middle`, `end`)."""
    return Words(style, anchor, _place(x), _place(y), text)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers within a range, at most so many and their distance 1, 2 or 5 times ten to n.

    Example:
        >>> ticks(0, 224, 6)
        [0.0, 50.0, 100.0, 150.0, 200.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / max(1, most)
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(s * ten for s in (1, 2, 5, 10, 20) if (high - low) / (s * ten) <= most - 1 + 1e-9)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def _places(points: Points) -> str:
    return " ".join(f"{_place(x)},{_place(y)}" for x, y in points)


def _place(value: float) -> float | int:
    """Return a place on the canvas to a tenth of its unit."""
    near = round(float(value), 1)
    return int(near) if near == int(near) else near
