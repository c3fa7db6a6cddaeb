"""The removal curve as a drawing: what is left of a network over the units that are gone, a line an order.

The large one names its lines where they run and marks the count that was chosen; small ones stand in rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.atlas.drawing import Drawing, Mark, area, box, dot, drawing, line, ticks, words
from reportgen.atlas.labels import Labels
from reportgen.atlas.removal_words import ORDER_NAMES, curve_in_words, per_cent, what_is_counted
from reportgen.removal import WHOLE_NETWORK, CurvePoint, Order, Removal, RemovalCurve

MOST_POINTS = 96
"""Of a line; where more were measured, as many are drawn, spread evenly."""
WIDE, MIDDLE, NARROW, SMALL = (720, 372), (480, 300), (360, 356), (168, 112)
_PAINTED: tuple[Order, ...] = ("random", "structured_first", "looks", "need")
_CLASSES = {"need": "need", "looks": "looks", "structured_first": "structured", "random": "random"}
_STRIP, _ROOMY = 20, 400


@dataclass(frozen=True)
class _Chosen:
    """What a curve marks: a count of units removed, and what was left.

    Attributes:
        removed, units: That many of so many.
        share: 0..1, what was left.
        interval: Its interval, where known.
        largest: The largest count that held, where it is another, and what the curve shows there.
    """

    removed: int
    units: int
    share: float
    interval: tuple[float, float] | None = None
    largest: tuple[int, float] | None = None


@dataclass(frozen=True)
class _Frame:
    """Where numbers lie on a canvas: units removed across, shares upwards."""

    left: float
    right: float
    top: float
    bottom: float
    units: int
    low: float
    high: float

    def x(self, removed: float) -> float:
        return self.left + (self.right - self.left) * min(max(removed / max(1, self.units), 0.0), 1.0)

    def y(self, share: float) -> float:
        held = min(max(share, self.low), self.high)
        return self.bottom - (self.bottom - self.top) * (held - self.low) / (self.high - self.low)

    def points(self, points: Sequence[CurvePoint]) -> list[tuple[float, float]]:
        return [(self.x(p.removed), self.y(p.share)) for p in points]


def removal_curve(
    removal: Removal, size: tuple[int, int] = WIDE, scope: str = WHOLE_NETWORK
) -> Drawing | None:
    """Return the curve of the whole network, or of a layer alone; None where none was measured.

    Args:
        removal: What was measured.
        size: Width and height of the canvas, in pixels of a page that shows it as it is.
        scope: Of which curves.
    """
    curves = _curves(removal, scope)
    if not curves:
        return None
    chosen, letter = _chosen_of(removal, curves, scope), _letter(size[0])
    frame = _frame(removal, curves, chosen.units, (44, size[0] - 14, 34, size[1] - _STRIP - 40))
    marks = [*_grid(frame, letter), *_strip(chosen, frame, letter), *_spread(curves, frame)]
    marks.append(line("majority", [(frame.left, y := frame.y(removal.majority_share)), (frame.right, y)]))
    marks += [line(_CLASSES[c.order], frame.points(_thinned(c, chosen.removed))) for c in curves]
    marks += [*_chosen_marks(chosen, frame), *_named(removal, curves, chosen, frame)]
    title = f"{what_is_counted(removal)} on {removal.pictures.report:,} pictures"
    marks.append(words("title", "start", 0, 14, title[:1].upper() + title[1:]))
    return drawing(*size, curve_in_words(removal, scope), marks)


def small_curve(removal: Removal, layer: str) -> Drawing | None:
    """Return the curve of one layer alone, small and without names; None where none was measured."""
    curves, (wide, tall) = _curves(removal, layer), SMALL
    if not curves:
        return None
    chosen = _chosen_of(removal, curves, layer)
    frame = _frame(removal, curves, chosen.units, (36, wide - 6, 8, tall - 18))
    marks: list[Mark] = []
    for share in (frame.low, frame.high):
        marks.append(line("grid", [(frame.left, y := frame.y(share)), (frame.right, y)]))
        marks.append(words("tick", "end", frame.left - 5, y + 4, per_cent(share, 0)))
    marks.append(words("tick", "start", frame.left, tall - 4, "0"))
    marks.append(words("tick", "end", frame.right, tall - 4, f"{chosen.units:,}"))
    marks.append(line("majority", [(frame.left, y := frame.y(removal.majority_share)), (frame.right, y)]))
    marks += _spread(curves, frame)
    marks += [line(_CLASSES[c.order], frame.points(_thinned(c, chosen.removed))) for c in curves]
    x, y = frame.x(chosen.removed), frame.y(chosen.share)
    marks += [line("drop", [(x, y), (x, frame.bottom)]), dot("chosen", x, y, 4)]
    if frame.left + 20 < x < frame.right - 7 * (1 + len(f"{chosen.units:,}")):
        marks.append(words("count", "middle", x, tall - 4, f"{chosen.removed:,}"))
    return drawing(wide, tall, curve_in_words(removal, layer), marks)


def _curves(removal: Removal, scope: str) -> list[RemovalCurve]:
    """Return the lines of a scope that have at least two points, in the order in which they are painted."""
    found = [removal.curve(order, scope) for order in _PAINTED]
    return [c for c in found if c is not None and len(c.points) > 1]


def _chosen_of(removal: Removal, curves: Sequence[RemovalCurve], scope: str) -> _Chosen:
    """Return what is marked: the count of the whole network, or how many units of a layer can go alone."""
    best = next((c for c in curves if c.order == "need"), curves[-1])
    if scope == WHOLE_NETWORK:
        share = removal.agreement if removal.accuracy_after is None else removal.accuracy_after
        largest = removal.largest if removal.largest != removal.removed and best.order == "need" else None
        held = None if largest is None else (largest, _share_at(best, largest))
        return _Chosen(removal.removed, removal.units, share, removal.interval, held)
    own = next((x for x in removal.layers if x.layer == scope), None)
    units = own.units if own else max(p.removed for c in curves for p in c.points)
    removed = own.units - own.alone if own and own.alone is not None else 0
    return _Chosen(removed, units, _share_at(best, removed))


def _frame(
    removal: Removal, curves: Sequence[RemovalCurve], units: int, edges: tuple[float, float, float, float]
) -> _Frame:
    """Return a frame that holds all lines, from a round share below them to the round one above.

    Args:
        edges: Left, right, top and bottom.
    """
    shares = [x for c in curves for p in c.points for x in (p.share, p.low, p.high) if x is not None]
    shares.append(removal.majority_share)
    low, high = min(shares), max(shares)
    step = 0.1 if high - low > 0.12 else 0.05
    floor = max(0.0, float(np.floor((low - 0.02) / step + 1e-9)) * step)
    ceiling = min(1.0, float(np.ceil(high / step - 1e-9)) * step)
    return _Frame(*edges, units, floor, ceiling if ceiling > floor else floor + step)


def _grid(frame: _Frame, letter: float) -> Iterator[Mark]:
    """Yield the ticks of both axes, with their numbers."""
    levels = ticks(frame.low * 100, frame.high * 100, 6)
    for at, level in enumerate(levels):
        y, unit = frame.y(level / 100), " %" if at == len(levels) - 1 else ""
        yield line("grid", [(frame.left, y), (frame.right, y)])
        yield words("tick", "end", frame.left - 7, y + 4, f"{level:g}{unit}")
    base, last = frame.bottom + _STRIP, f"all {frame.units:,}"
    for removed in ticks(0, frame.units, max(3, int((frame.right - frame.left) // (letter * 6)))):
        x = frame.x(removed)
        if removed == int(removed) and frame.right - x > letter * 0.6 * (len(last) + 3):
            yield line("tick", [(x, base), (x, base + 4)])
            yield words("tick", "middle", x, base + 17, f"{removed:,.0f}")
    yield line("tick", [(frame.right, base), (frame.right, base + 4)])
    yield words("tick", "end", frame.right + 8, base + 17, last)
    yield words("tick", "middle", (frame.left + frame.right) / 2, base + 35, "units removed")


def _strip(chosen: _Chosen, frame: _Frame, letter: float) -> Iterator[Mark]:
    """Yield the axis as a strip: units that can go, and those that are needed."""
    split = frame.x(chosen.removed)
    parts = (
        ("goes", frame.left, split, f"{chosen.removed:,} can be removed"),
        ("stays", split, frame.right, f"{chosen.units - chosen.removed:,} needed"),
    )
    for kind, start, end, text in parts:
        if end - start < 1:
            continue
        yield box(kind, start, frame.bottom, end - start, _STRIP)
        shown = next((t for t in (text, text.split()[0]) if len(t) * letter * 0.56 + 8 < end - start), "")
        if shown:
            yield words(f"on-{kind}", "middle", (start + end) / 2, frame.bottom + 14.5, shown)


def _spread(curves: Sequence[RemovalCurve], frame: _Frame) -> Iterator[Mark]:
    """Yield the area between the least and the most that random orders kept."""
    for curve in curves:
        known = [(frame.x(p.removed), p.low, p.high) for p in _thinned(curve)]
        upper = [(x, frame.y(high)) for x, low, high in known if low is not None and high is not None]
        lower = [(x, frame.y(low)) for x, low, high in known if low is not None and high is not None]
        if len(upper) > 1:
            yield area("spread", [*upper, *lower[::-1]])


def _chosen_marks(chosen: _Chosen, frame: _Frame) -> Iterator[Mark]:
    """Yield the mark of the count that was chosen, with its interval, and of the largest that held."""
    x, y = frame.x(chosen.removed), frame.y(chosen.share)
    yield line("drop", [(x, y), (x, frame.bottom)])
    if chosen.interval is not None:
        yield line("interval", [(x, frame.y(share)) for share in chosen.interval])
    if chosen.largest is not None:
        yield dot("largest", frame.x(chosen.largest[0]), frame.y(chosen.largest[1]), 4.5)
    yield dot("chosen", x, y, 6)


def _named(
    removal: Removal, curves: Sequence[RemovalCurve], chosen: _Chosen, frame: _Frame
) -> Iterator[Mark]:
    """Yield the names of the lines and of what is marked, each next to what it names."""
    box = (frame.left + 4, frame.top - 14, frame.right - 2, frame.bottom - 3)
    labels, brief = Labels(box, _letter(frame.right)), frame.right < _ROOMY
    level, decided = (
        frame.y(removal.majority_share),
        "class" if removal.accuracy_after is not None else "decision",
    )
    always = f"most common {decided}" if brief else f"always the most common {decided}"
    lines = [(_CLASSES[c.order], ORDER_NAMES[c.order], frame.points(_thinned(c))) for c in reversed(curves)]
    lines.append(("majority", always, [(frame.left, level), (frame.right, level)]))
    marks = list(_named_marks(chosen, frame, brief=brief))
    found = [
        (kind, text, labels.keep_clear(points)) for kind, text, points in [*lines[:1], *marks, *lines[1:]]
    ]
    for _, _, ((x, y),) in marks:
        labels.take((x - 7, y - 7, x + 7, y + 7))
    x = frame.x(chosen.removed)
    labels.keep_clear(
        [(x, frame.y(chosen.interval[1] if chosen.interval else chosen.share)), (x, frame.bottom)]
    )
    for kind, text, number in found:
        label = labels.place(text, number, alone=kind == "majority")
        if label.leader:
            yield line(f"to-{kind}", label.leader)
        yield words(f"of-{kind}", "middle", label.x, label.y, label.text)


def _named_marks(
    chosen: _Chosen, frame: _Frame, *, brief: bool
) -> Iterator[tuple[str, str, list[tuple[float, float]]]]:
    """Yield what is marked: its class, its name and its place."""
    of = "" if brief else f" of {chosen.units:,}"
    caption = f"{chosen.removed:,}{of} removed: {per_cent(chosen.share)}"
    yield "chosen", caption, [(frame.x(chosen.removed), frame.y(chosen.share))]
    if chosen.largest is not None:
        removed, share = chosen.largest
        held = "held too" if brief else "the largest that held"
        yield "largest", f"{removed:,}{' ' if brief else ', '}{held}", [(frame.x(removed), frame.y(share))]


def _letter(width: float) -> float:
    """Return the size of letters on a canvas of that width; the style sheet sets the same."""
    return 13 if width > _ROOMY else 12


def _thinned(curve: RemovalCurve, keep: int | None = None) -> list[CurvePoint]:
    """Return at most `MOST_POINTS` of a line's points, spread evenly, and the one at `keep` removed."""
    points = curve.points
    if len(points) <= MOST_POINTS:
        return list(points)
    at = set(np.linspace(0, len(points) - 1, MOST_POINTS).round().astype(int).tolist())
    at |= {i for i, p in enumerate(points) if p.removed == keep}
    return [points[i] for i in sorted(at)]


def _share_at(curve: RemovalCurve, removed: int) -> float:
    """Return what a line shows at a count, between its points on the straight line."""
    return float(np.interp(removed, [p.removed for p in curve.points], [p.share for p in curve.points]))
