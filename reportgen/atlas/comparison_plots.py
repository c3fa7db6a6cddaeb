"""Plots of comparisons as numbers: flows of verdicts, the map of CKA, lines over versions.

Frozen values that a template draws, each with a text that says the same. Nothing here is HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reportgen.atlas.plots import number
from reportgen.atlas.short_names import short_names
from reportgen.atlas.views import Box, Dot, Label
from reportgen.atlas.views import Line as Drawn
from reportgen.atlas.words import mark
from reportgen.comparison import Comparison, Line, Series
from reportgen.verdicts import MARKS

_WIDTH, _BAR, _SIDE, _GAP = 420, 10, 118, 5
_LINE_WIDTH, _LINE_HEIGHT, _LEFT, _RIGHT, _LABEL = 420, 170, 40, 110, 12
_NO_UNIT = "unmatched"
_MOST_NAMED = 24


class Ribbon(NamedTuple):
    """Units that went from one verdict to another, as a path; `mark` is of the first."""

    mark: str
    path: str


class Cell(NamedTuple):
    """How alike two layers answer, 0..1 as its strength; outlined where the two are a pair."""

    x: int
    y: int
    side: int
    strength: float
    paired: bool
    text: str


class End(NamedTuple):
    """The name of a line, at its end."""

    style: str
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlot:
    """How units went from verdicts to verdicts; the style of a bar is the mark of its verdict."""

    width: int
    height: float
    bars: tuple[Box, ...]
    ribbons: tuple[Ribbon, ...]
    labels: tuple[Label, ...]
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CkaPlot:
    """The map of CKA, a cell a pair of layers; `named` where rows and columns have room for names."""

    width: int
    height: int
    cells: tuple[Cell, ...]
    labels: tuple[Label, ...]
    named: bool
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesPlot:
    """Lines of a number over versions.

    Attributes:
        width, height: Of the canvas.
        lines: One a layer, and a heavier one for all of them, `dots` on it.
        labels, ends: Of the axes, and of the lines.
        axis, left, right: Where the horizontal axis lies.
        alt: The same in words.
    """

    width: int
    height: int
    lines: tuple[Drawn, ...]
    dots: tuple[Dot, ...]
    labels: tuple[Label, ...]
    ends: tuple[End, ...]
    axis: float
    left: int
    right: int
    alt: str


def flow_plot(flow: Mapping[tuple[str, str], int], a: str, b: str) -> FlowPlot:
    """Return how units went from verdicts in A to verdicts in B."""
    total = sum(flow.values()) or 1
    order = [*MARKS, _NO_UNIT]
    named = {(x or _NO_UNIT, y or _NO_UNIT): n for (x, y), n in flow.items()}
    left = [v for v in order if any(x == v for x, _ in named)]
    right = [v for v in order if any(y == v for _, y in named)]
    tall = max(90, 18 * max(len(left), len(right)))
    scale = (tall - _GAP * (max(len(left), len(right)) - 1)) / total
    starts_a, bars_a, labels_a = _column(left, named, 0, _SIDE, scale, "end", _SIDE - 6)
    x_b = _WIDTH - _SIDE - _BAR
    starts_b, bars_b, labels_b = _column(right, named, 1, x_b, scale, "start", x_b + _BAR + 6)
    ribbons = []
    for x in left:
        for y in right:
            n = named.get((x, y), 0) * scale
            if n:
                path = _ribbon(starts_a[x], starts_b[y], n, x_b)
                ribbons.append(Ribbon(mark(x) if x != _NO_UNIT else "o", path))
                starts_a[x] += n
                starts_b[y] += n
    parts = [f"{n} {x} to {y}" for (x, y), n in sorted(named.items(), key=lambda item: -item[1])]
    lowest = max(bar.y + bar.height for bar in [*bars_a, *bars_b])
    height = max(lowest, *(label.y for label in [*labels_a, *labels_b])) + 4
    return FlowPlot(
        width=_WIDTH,
        height=round(height, 1),
        bars=(*bars_a, *bars_b),
        ribbons=tuple(ribbons),
        labels=(*labels_a, *labels_b),
        alt=f"Verdicts from {a} to {b}: {', '.join(parts)}",
    )


def _column(verdicts: Sequence[str], flow: Mapping[tuple[str, str], int], side: int, x: int, scale: float,
            anchor: str, text_x: int) -> tuple[dict[str, float], list[Box], list[Label]]:  # fmt: skip
    """Return where each verdict's ribbons start, its bars and its labels, from the top."""
    starts, bars, labels, y = {}, [], [], 2.0
    for v in verdicts:
        n = sum(count for pair, count in flow.items() if pair[side] == v)
        height = max(n * scale, 1.0)
        starts[v] = y
        bars.append(Box(mark(v) if v != _NO_UNIT else "o", x, round(y, 1), _BAR, round(height, 1)))
        labels.append(Label(anchor, text_x, round(y + max(height / 2 + 4, 9), 1), f"{n} {v or 'not scored'}"))
        y += max(height + _GAP, 15.0)
    return starts, bars, labels


def _ribbon(y_a: float, y_b: float, height: float, x_b: int) -> str:
    x_a, middle = _SIDE + _BAR, (_SIDE + _BAR + x_b) / 2
    a, b, c, d = (round(v, 1) for v in (y_a, y_b, y_b + height, y_a + height))
    return f"M{x_a} {a}C{middle} {a} {middle} {b} {x_b} {b}V{c}C{middle} {c} {middle} {d} {x_a} {d}Z"


def cka_plot(c: Comparison) -> CkaPlot | None:
    """Return the map of CKA: a cell a pair of layers, darker the more alike; None if not measured."""
    if not any(v is not None for row in c.cka for v in row):
        return None
    named = max(len(c.names_a), len(c.names_b)) <= _MOST_NAMED
    side = 26 if named else max(4, 560 // max(len(c.names_a), len(c.names_b)))
    left = 150 if named else 24
    pairs = {(p.layer_a, p.layer_b) for p in c.layers}
    cells = []
    for i, (name_a, row) in enumerate(zip(c.names_a, c.cka, strict=True)):
        for j, (name_b, value) in enumerate(zip(c.names_b, row, strict=True)):
            strength = round(min(max(value or 0.0, 0.0), 1.0), 2)
            text = f"{name_a} and {name_b}: {number(value)}"
            paired = (name_a, name_b) in pairs
            cells.append(Cell(left + j * side, i * side + 2, side - 1, strength, paired, text))
    tall = len(c.names_a) * side + 2
    labels: list[Label] = []
    if named:
        short_a = short_names(c.names_a, 22)
        labels += [Label("end", left - 6, i * side + 18, short_a[name]) for i, name in enumerate(c.names_a)]
        middles = [left + j * side + side // 2 for j in range(len(c.names_b))]
        labels += [Label("middle", x, tall + 14, str(j)) for j, x in enumerate(middles, 1)]
    best = sum(1 for p in c.layers if p.cka is not None and p.cka >= 0.5)
    alt = (
        f"CKA of {len(c.names_a)} layers of {c.a} with {len(c.names_b)} of {c.b}; {best} pairs at .5 or more"
    )
    return CkaPlot(
        width=left + len(c.names_b) * side + 4,
        height=tall + (20 if named else 2),
        cells=tuple(cells),
        labels=tuple(labels),
        named=named,
        alt=alt,
    )


def lines_plot(series: Series, measure: str, title: str) -> LinesPlot | None:
    """Return lines of a number over versions; None where it is not known."""
    lines = [line for line in series.lines if line.measure == measure]
    known = [v for line in lines for v in line.values if v is not None]
    if not known:
        return None
    share = measure.endswith("_share")
    top = 1.0 if share else max([*known, 1.0])
    n = len(series.versions)

    def at(k: int, value: float) -> tuple[float, float]:
        x = _LEFT + k * (_LINE_WIDTH - _LEFT - _RIGHT) / max(n - 1, 1)
        return round(x, 1), round(_LINE_HEIGHT - 24 - value / top * (_LINE_HEIGHT - 36), 1)

    drawn, ends, named_layers = [], [], _named(lines)
    short = short_names((line.layer for line in lines if line.layer), 15)
    versions = short_names((v.version for v in series.versions), 16)
    for i, line in enumerate(sorted(lines, key=lambda x: not x.layer)):
        points = [at(k, v) for k, v in enumerate(line.values) if v is not None]
        kind = "all" if not line.layer else f"n{i % 6}"
        drawn.append(Drawn(kind, " ".join(f"{x},{y}" for x, y in points)))
        if points and line.layer in named_layers:
            ends.append((points[-1][1], short[line.layer] if line.layer else "all layers", kind))
    labels = [
        Label("end", _LEFT - 6, at(0, top)[1] + 4, _value(top, share)),
        Label("end", _LEFT - 6, at(0, 0)[1] + 4, "0"),
    ]
    labels += [
        Label("middle", at(k, 0)[0], _LINE_HEIGHT - 6, versions[v.version])
        for k, v in enumerate(series.versions)
    ]
    named = [End(kind, _LINE_WIDTH - _RIGHT + 8, y, text) for y, text, kind in _apart(ends)]
    whole = next((line for line in lines if not line.layer), None)
    values = whole.values if whole else ()
    return LinesPlot(
        width=_LINE_WIDTH,
        height=_LINE_HEIGHT,
        lines=tuple(drawn[::-1]),
        dots=tuple(Dot("all", *at(k, v)) for k, v in enumerate(values) if v is not None),
        labels=tuple(labels),
        ends=tuple(named),
        axis=at(0, 0)[1],
        left=_LEFT,
        right=_LINE_WIDTH - _RIGHT,
        alt=_alt(series, whole, title, share),
    )


def _alt(series: Series, line: Line | None, title: str, share: bool) -> str:
    values = line.values if line else ()
    descriptions = (
        f"{v.version} {'–' if x is None else _value(x, share)}"
        for v, x in zip(series.versions, values, strict=False)
    )
    return f"{title} over versions, all layers: {', '.join(descriptions)}"


def _apart(ends: Sequence[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Return labels moved within the plot so that none lies on another."""
    found: list[tuple[float, str, str]] = []
    for y, text, kind in sorted(ends):
        found.append((max(y + 4, found[-1][0] + _LABEL if found else 10.0), text, kind))
    low = _LINE_HEIGHT - 20.0
    for i in range(len(found) - 1, -1, -1):
        found[i] = (round(min(found[i][0], low), 1), *found[i][1:])
        low = found[i][0] - _LABEL
    return found


def _named(lines: Sequence[Line]) -> set[str]:
    """Return the layers whose lines have room for a label, the most changed first; "" for all of them."""
    room = int((_LINE_HEIGHT - 30) // _LABEL)

    def change(line: Line) -> float:
        known = [v for v in line.values if v is not None]
        return abs(known[-1] - known[0]) if known else 0.0

    layers = sorted((x for x in lines if x.layer), key=change, reverse=True)
    return {"", *(x.layer for x in layers[:room])}


def _value(value: float, share: bool) -> str:
    return f"{100 * value:.0f} %" if share else f"{value:.1f}".removesuffix(".0")
