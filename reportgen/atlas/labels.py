"""Where the names of lines stand in a plot: next to their line, on nothing else.

Pure geometry in units of the canvas; what the lines mean is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_STEP = 4.0
_N_ANCHORS = 24
_WAYS = np.array([(0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1), (1, 0), (-1, 0)], float)
_DISTANCES = np.array([6.0, 15.0, 27.0, 44.0, 64.0, 90.0])
_LETTER = 0.54
"""Mean width of a letter of the sans-serif types, as a share of their size."""
_ON_A_LINE, _ON_A_LABEL, _MISTAKABLE, _CROSSING = 25.0, 2000.0, 5.0, 20.0
"""What a place costs for each point of a line that it covers, each label, each point of another line that is
as near as its own, and each that its leader crosses; a unit of distance costs 1."""
_AS_NEAR, _MOST_MISTAKEN = 5.0, 8
LEADER_FROM = 12.0
"""Distance of a label from its line from which on a thin line leads to it."""

Points = Sequence[tuple[float, float]]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True)
class Label:
    """A text that has its place.

    Attributes:
        text: What it says.
        x, y: Its middle across, and its baseline.
        leader: From the line to the text, where it stands away from it; else empty.
    """

    text: str
    x: float
    y: float
    leader: tuple[tuple[float, float], ...] = ()


class Labels:
    """Finds places for labels, one after another.

    Args:
        box: Of where labels may stand.
        size: Of the letters.
    """

    def __init__(self, box: Box, size: float) -> None:
        self._box, self._size = box, size
        self._lines: list[np.ndarray] = []
        self._taken: list[Box] = []
        self._placed: list[Box] = []

    def keep_clear(self, points: Points) -> int:
        """Take a line into account and return its number."""
        self._lines.append(_along(points))
        return len(self._lines) - 1

    def take(self, box: Box) -> None:
        """Keep labels out of a box."""
        self._taken.append(box)

    def place(self, text: str, line: int, *, alone: bool = False) -> Label:
        """Return a label next to a line: nearer to it than to any other, and over nothing.

        Args:
            text: What it says.
            line: Its line's number.
            alone: Whether its line has its own style, and so stands out among others.
        """
        own = self._lines[line]
        other = np.concatenate([np.zeros((0, 2)), *(x for at, x in enumerate(self._lines) if at != line)])
        half = np.array([len(text) * self._size * _LETTER, self._size * 1.1]) / 2
        anchors, boxes, costs = self._places(own, half)
        near, far = _away(own, boxes), _away(other, boxes)
        reach = near.min(axis=1)
        costs += _ON_A_LINE * ((near < 1).sum(axis=1) + (far < 1).sum(axis=1))
        if not alone:
            mistaken = (far < reach[:, None] + _AS_NEAR).sum(axis=1)
            costs += _MISTAKABLE * np.minimum(mistaken, _MOST_MISTAKEN)
        for taken in [*self._taken, *self._placed]:
            costs += _ON_A_LABEL * _overlap(boxes, taken)
        best, lowest = int(np.argmin(costs)), np.inf
        for at in np.argsort(costs, kind="stable"):
            if costs[at] >= lowest:
                break
            cost = costs[at]
            if reach[at] >= LEADER_FROM:
                cost += self._crossed(anchors[at], boxes[at], other)
            if cost < lowest:
                best, lowest = int(at), cost
        return self._label(text, anchors[best], boxes[best])

    def _places(self, own: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return `(n, 2)` anchors on a line, `(n, 4)` boxes next to them in the plot, and how far off."""
        at = np.linspace(0, len(own) - 1, min(_N_ANCHORS, len(own))).round().astype(int)
        n_ways, n_distances = len(_WAYS), len(_DISTANCES)
        anchors = own[at].repeat(n_ways * n_distances, axis=0)
        ways = np.tile(_WAYS.repeat(n_distances, axis=0), (len(at), 1))
        distances = np.tile(_DISTANCES, len(at) * n_ways)
        middles = anchors + ways * (half + distances[:, None])
        boxes = np.concatenate([middles - half, middles + half], axis=1)
        left, top, right, bottom = self._box
        inside = (
            (boxes[:, 0] >= left) & (boxes[:, 1] >= top) & (boxes[:, 2] <= right) & (boxes[:, 3] <= bottom)
        )
        inside = inside if inside.any() else np.ones(len(boxes), bool)
        return anchors[inside], boxes[inside], distances[inside]

    def _crossed(self, anchor: np.ndarray, box: np.ndarray, other: np.ndarray) -> float:
        """Return what a leader costs: for lines that it crosses, and for labels."""
        along = anchor + (_nearest(anchor, box) - anchor) * np.linspace(0.15, 0.97, 12)[:, None]
        crossed = np.abs(other[:, None, :] - along[None]).max(axis=2) < 2.5
        cost = _CROSSING * float(crossed.any(axis=1).sum())
        hit = sum(bool((_away(along, np.array([placed])) < 1).any()) for placed in self._placed)
        return cost + _ON_A_LABEL * hit

    def _label(self, text: str, anchor: np.ndarray, box: np.ndarray) -> Label:
        left, top, right, bottom = box.tolist()
        self._placed.append((left, top, right, bottom))
        end = _nearest(anchor, box)
        away = float(np.hypot(*(end - anchor))) >= LEADER_FROM
        x, y = (left + right) / 2, (top + bottom) / 2 + self._size * 0.35
        return Label(text, round(x, 1), round(y, 1), (_pair(anchor), _pair(end)) if away else ())


def _along(points: Points) -> np.ndarray:
    """Return points every few units along a line of straight pieces."""
    given = np.array(points, np.float64).reshape(-1, 2)
    pieces = [given[:1]]
    for a, b in pairwise(given):
        n = max(1, int(np.ceil(np.hypot(*(b - a)) / _STEP)))
        pieces.append(a + (b - a) * (np.arange(1, n + 1) / n)[:, None])
    return np.concatenate(pieces)


def _nearest(anchor: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the point of a box that is nearest to another."""
    return np.asarray(np.clip(anchor, box[:2], box[2:]))


def _away(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return `(boxes, points)`: how far each point lies from each box, 0 inside of it."""
    x, y = points[None, :, 0], points[None, :, 1]
    left, top, right, bottom = (boxes[:, i, None] for i in range(4))
    across = np.maximum(np.maximum(left - x, x - right), 0)
    up = np.maximum(np.maximum(top - y, y - bottom), 0)
    return np.asarray(np.hypot(across, up))


def _overlap(boxes: np.ndarray, taken: Box) -> np.ndarray:
    """Return which boxes come too near to another."""
    left, top, right, bottom = taken
    across = (boxes[:, 0] < right + 4) & (boxes[:, 2] > left - 4)
    return across & (boxes[:, 1] < bottom + 1) & (boxes[:, 3] > top - 1)


def _pair(point: np.ndarray) -> tuple[float, float]:
    return round(float(point[0]), 1), round(float(point[1]), 1)
