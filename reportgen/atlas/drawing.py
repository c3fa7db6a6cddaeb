"""A drawing as plain values: marks in the order in which they are painted, and a text that says the same.

A dict, so that a template draws it: `a` (alternative text), `w`, `h`, and `marks`, each a list that begins
with its kind and the class under which the style sheet knows it. Nothing here is HTML.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

Drawing = dict[str, Any]
Mark = list[Any]
Points = Sequence[tuple[float, float]]


def drawing(w: int, h: int, alt: str, marks: Iterable[Mark]) -> Drawing:
    """Return a drawing of that width and height."""
    return {"a": alt, "w": w, "h": h, "marks": list(marks)}


def line(kind: str, points: Points) -> Mark:
    """Return a line through points."""
    return ["line", kind, _places(points)]


def area(kind: str, points: Points) -> Mark:
    """Return the filled area that a line through points encloses."""
    return ["area", kind, _places(points)]


def box(kind: str, x: float, y: float, w: float, h: float) -> Mark:
    """Return a box."""
    return ["box", kind, _place(x), _place(y), _place(w), _place(h)]


def dot(kind: str, x: float, y: float, r: float) -> Mark:
    """Return a dot of radius `r`."""
    return ["dot", kind, _place(x), _place(y), r]


def words(kind: str, anchor: str, x: float, y: float, text: str) -> Mark:
    """Return words that start at, are centred on or end at `x` (`start`, `middle`, `end`)."""
    return ["words", kind, anchor, _place(x), _place(y), text]


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


def shortened(name: str, most: int) -> str:
    """Return a name of at most so many letters, its middle left out if need be."""
    if len(name) <= most:
        return name
    head = (most - 1) // 2
    return f"{name[:head]}…{name[len(name) - (most - 1 - head) :]}"


def _places(points: Points) -> str:
    return " ".join(f"{_place(x)},{_place(y)}" for x, y in points)


def _place(value: float) -> float | int:
    """Return a place on the canvas to a tenth of its unit."""
    near = round(float(value), 1)
    return int(near) if near == int(near) else near
