"""Drawings next to the removal curve: how wide layers are and need to be, and need against structure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.atlas.drawing import Dot, Drawing, Mark, box, dot, drawing, line, ticks, words
from reportgen.atlas.plots import number
from reportgen.atlas.short_names import short_names
from reportgen.atlas.structure_plots import STRUCTURE_AXIS
from reportgen.removal import LayerNeed

_WIDE, _TALL = 420, 330
_LEAST_FOR_MEDIANS, _LETTERS = 24, 17


@dataclass(frozen=True, slots=True)
class SeenUnit:
    """A unit as the scatter shows it.

    Attributes:
        layer, unit: Which it is.
        href: Where its dot leads.
        mark: The letter of its verdict.
        structure: In deviations of the renderer null.
        need: At least 0, in nats.
        stays: Whether it is left at the chosen count.
    """

    layer: str
    unit: int
    href: str
    mark: str
    structure: float
    need: float
    stays: bool


def widths(layers: Sequence[LayerNeed], n_more: int = 0) -> Drawing | None:
    """Return a bar a layer: its width, what stays of it when units of all go, and when its own alone go.

    Args:
        layers: Those to show, in order.
        n_more: How many layers are left out.
    """
    if not layers:
        return None
    step = 34 if len(layers) <= 16 else 22
    left, right, head = 122, _WIDE - 104, 24
    most = max(1, *(x.units for x in layers))
    alone = any(x.alone is not None for x in layers)
    short = short_names((x.layer for x in layers), _LETTERS)
    marks: list[Mark] = [words("title", "start", 0, 13, "units a layer has, and needs")]
    marks.append(words("tick", "end", _WIDE, 13, "needed" + (" (alone)" if alone else "")))
    for at, layer in enumerate(layers):
        y = head + at * step
        middle, tall = y + step / 2, min(18, step - 8)
        of = (right - left) * layer.units / most
        marks.append(words("name", "end", left - 8, middle + 4.5, short[layer.layer]))
        marks.append(box("has", left, middle - tall / 2, max(of, 1.5), tall))
        if layer.together:
            marks.append(
                box("needs", left, middle - tall / 2, max(1.5, of * layer.together / layer.units), tall)
            )
        if layer.alone is not None:
            x = left + of * layer.alone / max(1, layer.units)
            marks.append(line("alone", [(x, middle - tall / 2 - 3), (x, middle + tall / 2 + 3)]))
        marks.append(
            words(
                "name",
                "end",
                _WIDE - 38 if alone else _WIDE,
                middle + 4.5,
                f"{layer.together:,} of {layer.units:,}",
            )
        )
        if layer.alone is not None:
            marks.append(words("tick", "end", _WIDE, middle + 4.5, f"({layer.alone:,})"))
    descriptions = "; ".join(
        f"{x.layer}: {x.together:,} of {x.units:,}" + (f", alone {x.alone:,}" if x.alone is not None else "")
        for x in layers
    )
    more = f"; {n_more:,} more layers are not drawn" if n_more else ""
    return drawing(
        _WIDE,
        head + len(layers) * step + 4,
        f"Units that layers need, of those they have. {descriptions}{more}.",
        marks,
    )


def drawn(units: Sequence[SeenUnit], most: int) -> list[SeenUnit]:
    """Return at most so many units, spread evenly over all of them."""
    if len(units) <= most:
        return list(units)
    return [units[i] for i in np.unique(np.linspace(0, len(units) - 1, most).round().astype(int)).tolist()]


def need_against_structure(units: Sequence[SeenUnit], cut: float, most: int) -> Drawing | None:
    """Return a dot a unit, need over structure, with the middle need of units that look alike.

    Args:
        units: With finite numbers.
        cut: Structure from which on a unit has a pattern.
        most: How many dots are drawn; the line of medians is of all units.
    """
    if len(units) < 2 or not any(u.need > 0 for u in units):
        return None
    place = _Scales(units, cut)
    marks: list[Mark] = [words("title", "start", 0, 13, "need, nats"), *_key(), *place.axes()]
    marks += [
        Dot(f"{u.mark}{'' if u.stays else ' open'}", *place.of(u), 3.2, u.href, f"{u.layer} {u.unit}")
        for u in drawn(units, most)
    ]
    medians = _medians(units)
    if medians:
        marks.append(line("median", [place.at(x, y) for x, y in medians]))
        _, y = place.at(*medians[-1])
        marks.append(words("of-median", "end", _WIDE - 8, y - 9, "median need"))
    return drawing(_WIDE, _TALL, _cloud_in_words(units, cut, medians), marks)


def _cloud_in_words(units: Sequence[SeenUnit], cut: float, medians: Sequence[tuple[float, float]]) -> str:
    noise = sum(u.structure < cut for u in units)
    description = (
        f"Need against structure of {len(units):,} units, one dot each; {noise:,} of them lie below "
        f"structure "
        f"{number(cut)}, where patterns begin."
    )
    if not medians:
        return description
    least, most = (number(need) for _, need in (medians[0], medians[-1]))
    return f"{description} Median need is {least} among the least structured, {most} among the most."


class _Scales:
    """Structure across, need upwards: by powers of ten, with those that are 0 at the foot."""

    _left, _right, _top, _bottom = 46.0, _WIDE - 10.0, 44.0, _TALL - 42.0

    def __init__(self, units: Sequence[SeenUnit], cut: float) -> None:
        structures = np.array([u.structure for u in units])
        needs = np.array([u.need for u in units])
        known = needs[needs > 0]
        self._cut = cut
        self._x0 = math.floor(min(float(np.quantile(structures, 0.005)), cut, 0.0))
        self._x1 = math.ceil(max(float(np.quantile(structures, 0.995)), cut + 1))
        self._y1 = math.log10(float(known.max())) + 0.08
        self._y0 = max(math.log10(float(known.min())) - 0.12, self._y1 - 5)
        self._zeros = bool((needs < 10**self._y0).any())

    def at(self, structure: float, need: float) -> tuple[float, float]:
        floor = self._bottom - (16 if self._zeros else 0)
        share = (min(max(structure, self._x0), self._x1) - self._x0) / (self._x1 - self._x0)
        x = self._left + 6 + (self._right - self._left - 12) * share
        if need < 10**self._y0:
            return round(x, 1), self._bottom
        up = min(1.0, (math.log10(need) - self._y0) / (self._y1 - self._y0))
        return round(x, 1), round(floor - (floor - self._top) * up, 1)

    def of(self, unit: SeenUnit) -> tuple[float, float]:
        return self.at(unit.structure, unit.need)

    def axes(self) -> Iterator[Mark]:
        powers = range(math.ceil(self._y0), math.floor(self._y1) + 1)
        levels = [10.0**k for k in powers]
        if len(levels) < 2:
            levels = [
                s * 10.0**k for k in range(math.floor(self._y0), math.ceil(self._y1) + 1) for s in (1, 2, 5)
            ]
        small = levels[0] < 1e-4 and len(powers) > 1
        for level in (v for v in levels if self._y0 <= math.log10(v) <= self._y1):
            _, y = self.at(self._x0, level)
            yield line("grid", [(self._left, y), (self._right, y)])
            yield words("tick", "end", self._left - 6, y + 4, _power(level) if small else number(level))
        if self._zeros:
            yield words("tick", "end", self._left - 6, self._bottom + 4, "≈ 0")
        base = self._bottom + 8
        yield line("axis", [(self._left, base), (self._right, base)])
        for tick in ticks(self._x0, self._x1, 7):
            x, _ = self.at(tick, 1.0)
            yield line("tick", [(x, base), (x, base + 4)])
            yield words("tick", "middle", x, base + 17, number(tick))
        yield words(
            "tick",
            "middle",
            (self._left + self._right) / 2,
            _TALL - 3,
            STRUCTURE_AXIS,
        )
        x, _ = self.at(self._cut, 1.0)
        yield line("cut", [(x, self._top - 8), (x, base)])
        yield words("tick", "end", x - 5, self._top - 10, "noise")
        yield words("tick", "start", x + 5, self._top - 10, "pattern")


def _power(level: float) -> str:
    """Return a power of ten as one."""
    raised = str(round(math.log10(level))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}"


def _key() -> Iterator[Mark]:
    """Yield what full and open dots mean."""
    for kind, x, text in (("full", _WIDE - 130, "stays"), ("open", _WIDE - 70, "can go")):
        yield dot(kind, x, 9, 4)
        yield words("tick", "start", x + 8, 13, text)


def _medians(units: Sequence[SeenUnit]) -> list[tuple[float, float]]:
    """Return the median structure and need of groups of equal size, least structured first."""
    if len(units) < _LEAST_FOR_MEDIANS:
        return []
    ordered = sorted(units, key=lambda u: (u.structure, u.layer, u.unit))
    groups = np.array_split(np.arange(len(ordered)), 4)
    return [
        (float(np.median([ordered[i].structure for i in g])), float(np.median([ordered[i].need for i in g])))
        for g in groups
    ]
