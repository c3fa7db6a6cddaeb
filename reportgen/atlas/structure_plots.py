"""How structure is spread over the units of a layer, with the noise baseline behind it.

Each spread is normalised to its own number, so that a baseline of 32 pictures compares with a layer of 1,000
units. Values beyond the axis stand in its last bin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.atlas.drawing import Across, Dot, Drawing, Mark, area, drawing, line, ticks, words
from reportgen.atlas.plots import number, tenths
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.words import mark
from reportgen.spec import ScoreSpec
from reportgen.units import UnitScore

_BIN = 0.5
_MOST_BINS = 64
_ROW, _SMALL_TALL = 190, 34
WIDE, TALL = 420, 300
LEFT, RIGHT, TOP, BASE = 44, 8, 30, 258
STRUCTURE_AXIS = "structure, standard deviations above the noise baseline"


@dataclass(frozen=True, slots=True)
class Axis:
    """The range of structure that plots share; `low` and `high` in standard deviations of the baseline.

    Where patterns begin, a bin does, so that no bin has units of both sides.
    """

    low: float
    high: float
    bins: int

    def at(self, value: float, left: float, right: float) -> float:
        """Return where a value lies between two places of a canvas; beyond the axis at its end."""
        share = (value - self.low) / (self.high - self.low)
        return left + (right - left) * min(max(share, 0.0), 1.0)

    def shares(self, values: Sequence[float]) -> np.ndarray:
        """Return the share of values in each bin, `(bins,)`."""
        held = np.clip(np.asarray(values, np.float64), self.low, np.nextafter(self.high, self.low))
        counts, _ = np.histogram(held, bins=self.bins, range=(self.low, self.high))
        return counts / max(1, len(values))


def structures_of(rows: LayerRows) -> list[float]:
    """Return the structure of each unit of a layer that has one."""
    found = (s.structure for s in rows.scores.values())
    return [x for x in found if x is not None and math.isfinite(x)]


def axis_of(rows: Sequence[LayerRows]) -> Axis:
    """Return the axis on which all units of some layers, and their baselines, can be seen."""
    values = [x for own in rows for x in (*structures_of(own), *_finite(own.findings.null_structure))]
    cut = rows[0].thresholds.structure_z if rows else ScoreSpec().structure_z
    low = max(min([-3.0, *values]), -8.0)
    high = min(max(float(np.quantile(values, 0.995)) if values else 8.0, 8.0), 40.0)
    wide = _BIN * math.ceil((high - low) / _BIN / _MOST_BINS)
    below, above = math.ceil((cut - low) / wide), math.ceil((high - cut) / wide)
    return Axis(cut - below * wide, cut + above * wide, below + above)


def small_spread(rows: LayerRows, axis: Axis) -> Drawing | None:
    """Return the spread of a layer in a row of a table; None where no unit has a structure score."""
    values, null = structures_of(rows), _finite(rows.findings.null_structure)
    if not values:
        return None
    cut, base = rows.thresholds.structure_z, _SMALL_TALL - 2
    most = max(axis.shares(values).max(), axis.shares(null).max() if null else 0.0)
    marks: list[Mark] = []
    if null:
        marks.append(area("baseline", _steps(axis, axis.shares(null), most, (2, _ROW - 2, 3, base))))
    marks.append(area("spread-of", _steps(axis, axis.shares(values), most, (2, _ROW - 2, 3, base))))
    x = axis.at(cut, 2, _ROW - 2)
    marks += [line("axis", [(0, base), (_ROW, base)]), line("cut", [(x, 0), (x, base)])]
    description = f"Structure from {tenths(min(values))} to {tenths(max(values))}"
    if null:
        description += f"; noise baseline from {tenths(min(null))} to {tenths(max(null))}"
    return drawing(_ROW, _SMALL_TALL, f"{description}.", marks)


def scale_of(axis: Axis) -> Drawing:
    """Return the axis of such rows, for the head of their table."""
    marks = [
        words("tick", "middle", axis.at(x, 2, _ROW - 2), 12, number(x))
        for x in ticks(axis.low, axis.high, 6)
        if axis.low < x < axis.high
    ]
    description = f"Axis of the spreads: structure from {number(axis.low)} to {number(axis.high)}"
    return drawing(_ROW, 15, description, marks)


def layer_spread(rows: LayerRows, most: int) -> Drawing | None:
    """Return the spread of a layer's structure: a dot a unit over the noise baseline, each leading to it.

    Args:
        rows: The layer.
        most: How many units are drawn as dots; of more, the outline is drawn instead.
    """
    scored = [
        (u, s) for u, s in rows.scores.items() if s.structure is not None and math.isfinite(s.structure)
    ]
    if not scored:
        return None
    axis, values, null = axis_of([rows]), structures_of(rows), _finite(rows.findings.null_structure)
    across = Across("structure", axis.low, axis.high, LEFT, WIDE - RIGHT)
    expected = axis.shares(null) * len(values) if null else np.zeros(axis.bins)
    counts = axis.shares(values) * len(values)
    tallest = float(max(counts.max(), expected.max(), 1.0))
    edges = (LEFT, WIDE - RIGHT, TOP, BASE)
    marks = [words("title", "start", 0, 13, "units"), *_grid(axis, rows.thresholds.structure_z, tallest)]
    if null:
        marks.append(area("baseline", _steps(axis, expected, tallest, edges)))
    if len(scored) > most:
        marks.append(area("spread-of", _steps(axis, counts, tallest, edges)))
    else:
        marks += _stacked(axis, scored, tallest)
    return drawing(WIDE, TALL, _in_words(values, null, rows.thresholds.structure_z), marks, across)


def _stacked(axis: Axis, scored: Sequence[tuple[int, UnitScore]], tallest: float) -> Iterator[Mark]:
    """Yield a dot a unit, those of a bin above one another, least structured first."""
    wide, a_unit = (WIDE - RIGHT - LEFT) / axis.bins, (BASE - TOP) / tallest
    radius, filled = min(wide / 2 - 0.5, a_unit / 2, 5.0), [0] * axis.bins
    for unit, score in sorted(scored, key=lambda x: (x[1].structure or 0.0, x[0])):
        place = min(axis.bins - 1, int(axis.at(score.structure or 0.0, 0, axis.bins)))
        x, y = LEFT + wide * (place + 0.5), BASE - a_unit * (filled[place] + 0.5)
        filled[place] += 1
        text = f"{unit}: structure {tenths(score.structure)}, {score.verdict}"
        yield Dot(mark(score.verdict), round(x, 1), round(y, 1), round(radius, 1), f"#u{unit}", text)


def _grid(axis: Axis, cut: float, tallest: float) -> Iterator[Mark]:
    """Yield the axes with their units, and where structure begins."""
    for level in (x for x in ticks(0, tallest, 5) if x > 0 and x == int(x)):
        y = BASE - (BASE - TOP) * level / tallest
        yield line("grid", [(LEFT, y), (WIDE - RIGHT, y)])
        yield words("tick", "end", LEFT - 6, y + 4, number(level))
    yield from structure_across(axis, cut)
    x = axis.at(cut, LEFT, WIDE - RIGHT)
    yield words("tick", "start", x + 5, TOP - 2, f"structured from {number(cut)}")


def structure_across(axis: Axis, cut: float) -> Iterator[Mark]:
    """Yield the axis of structure below a plot of a layer, and the line from which units are structured."""
    yield line("axis", [(LEFT, BASE), (WIDE - RIGHT, BASE)])
    for tick in ticks(axis.low, axis.high, 7):
        x = axis.at(tick, LEFT, WIDE - RIGHT)
        yield line("tick", [(x, BASE), (x, BASE + 4)])
        yield words("tick", "middle", x, BASE + 17, number(tick))
    yield words("tick", "middle", (LEFT + WIDE - RIGHT) / 2, TALL - 3, STRUCTURE_AXIS)
    x = axis.at(cut, LEFT, WIDE - RIGHT)
    yield line("cut", [(x, TOP - 8), (x, BASE)])


def _steps(
    axis: Axis, shares: np.ndarray, most: float, edges: tuple[float, float, float, float]
) -> list[tuple[float, float]]:
    """Return the outline of a histogram between left, right, top and bottom, its empty ends left out."""
    left, right, top, bottom = edges
    used = np.flatnonzero(shares)
    wide = (right - left) / len(shares)
    found = [(left + wide * int(used[0]), bottom)]
    for place in range(int(used[0]), int(used[-1]) + 1):
        y = bottom - (bottom - top) * float(shares[place]) / most
        found += [(left + wide * place, y), (left + wide * (place + 1), y)]
    return [*found, (left + wide * (int(used[-1]) + 1), bottom)]


def _in_words(values: Sequence[float], null: Sequence[float], cut: float) -> str:
    above = sum(x >= cut for x in values)
    description = (
        f"Structure of {len(values):,} units from {tenths(min(values))} to {tenths(max(values))}, median "
        f"{tenths(float(np.median(values)))}; {above:,} at or above {number(cut)}"
    )
    if not null:
        return f"{description}."
    noise = sum(x >= cut for x in null)
    return (
        f"{description}. Noise baseline of {len(null)} pictures from {tenths(min(null))} to "
        f"{tenths(max(null))}; {noise or 'none'} at or above {number(cut)}."
    )


def _finite(values: Sequence[float]) -> list[float]:
    return [x for x in values if math.isfinite(x)]
