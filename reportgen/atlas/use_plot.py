"""Use against structure: which units of a layer the next layers draw on, over how much order they show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from reportgen.atlas.drawing import Across, Dot, Drawing, Mark, drawing, line, words
from reportgen.atlas.plots import number, tenths
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.structure_plots import (
    BASE,
    LEFT,
    RIGHT,
    TALL,
    TOP,
    WIDE,
    Axis,
    axis_of,
    structure_across,
)
from reportgen.atlas.words import mark
from reportgen.units import UnitScore

_LEAST = 3


def use_against_structure(rows: LayerRows, most: int) -> Drawing | None:
    """Return a dot a unit, use over structure; None where too few units have both.

    Args:
        rows: The layer.
        most: How many dots are drawn, spread evenly over the units.
    """
    known = [(u, s) for u, s in sorted(rows.scores.items()) if _finite(s.structure) and _finite(s.use)]
    if len(known) < _LEAST:
        return None
    axis, cut = axis_of([rows]), rows.thresholds.structure_z
    across = Across("structure", axis.low, axis.high, LEFT, WIDE - RIGHT)
    chosen = np.unique(np.linspace(0, len(known) - 1, min(most, len(known))).round().astype(int))
    marks = [words("title", "start", 0, 13, "use, rank in the layer"), *_axes(axis, cut)]
    marks += [_dot(axis, *known[i]) for i in chosen.tolist()]
    return drawing(WIDE, TALL, _in_words(known, cut), marks, across)


def _dot(axis: Axis, unit: int, score: UnitScore) -> Mark:
    held = min(max(score.use or 0.0, 0.0), 1.0)
    x, y = axis.at(score.structure or 0.0, LEFT, WIDE - RIGHT), BASE - (BASE - TOP) * held
    text = f"{unit}: structure {tenths(score.structure)}, use {number(score.use)}, {score.verdict}"
    return Dot(mark(score.verdict), round(x, 1), round(y, 1), 3.2, f"#u{unit}", text)


def _axes(axis: Axis, cut: float) -> Iterator[Mark]:
    for level in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = BASE - (BASE - TOP) * level
        yield from [line("grid", [(LEFT, y), (WIDE - RIGHT, y)])] if level else []
        yield words("tick", "end", LEFT - 6, y + 4, number(level))
    yield from structure_across(axis, cut)


def _in_words(known: Sequence[tuple[int, UnitScore]], cut: float) -> str:
    above = [s.use or 0.0 for _, s in known if (s.structure or 0.0) >= cut]
    below = [s.use or 0.0 for _, s in known if (s.structure or 0.0) < cut]
    descriptions = [
        f"median use {number(float(np.median(uses)))} of the {len(uses):,} {side} structure {number(cut)}"
        for uses, side in ((above, "at or above"), (below, "below"))
        if uses
    ]
    return f"Use against structure of {len(known):,} units, a dot each: {'; '.join(descriptions)}."


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
