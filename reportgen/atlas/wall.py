"""The wall: all units of a model version as sheets of small pictures, each with a line for its verdict.

The lines are one small picture, in light and in dark colours, so that 100,000 units add one file
and no element each. A verdict has a kind of line as well as a colour.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from PIL import Image

from reportgen.atlas.addresses import Place
from reportgen.atlas.columns import script
from reportgen.atlas.heat_strip import DARK, LIGHT, rgba
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.sheets import ACROSS, UNITS_PER_SHEET, place_on_sheet
from reportgen.atlas.short_names import short_names
from reportgen.atlas.words import counts_in_words, mark

FEW_UNITS = 1500
"""Up to so many the wall begins with larger pictures, and units that stand far apart are shown one by one."""

LINES = {
    "s": "########", "u": "#######.", "m": "###..###", "t": "#.#.#.#.", "f": "..####..", "d": "#...#...",
    "n": "##..##..", "x": "########", "o": "#.......",
}  # fmt: skip
"""The kind of line of a verdict by its mark, along the width of a unit."""

_ABSENT, _STACKED, _LETTERS, _NARROW = "-", 512, 24, 8
_LINE_PX = len(LINES["s"])
LINES_WIDTH = ACROSS * _LINE_PX
"""Width of a sheet's lines in their picture; those in dark colours are next to those in light ones."""


@dataclass(frozen=True, slots=True)
class WallSheet:
    """A sheet on the wall, or one unit of it.

    Attributes:
        number: Of the layer's sheets.
        first, n: Its first unit, and how many places it has up to its last.
        rows: Of units, on the whole sheet.
        left, top, width: Where its lines are in the picture of lines, in pixels.
        alt: In words.
        column, row: Place on the sheet of a unit that is shown by itself.
    """

    number: int
    first: int
    n: int
    rows: int
    left: int
    top: int
    width: int
    alt: str
    column: int = 0
    row: int = 0


@dataclass(frozen=True, slots=True)
class WallLayer:
    """A layer on the wall.

    Attributes:
        name, short, slug: Its name, in full, above its units and in addresses.
        n_units, n_all: How many units are shown, and how many it has.
        across: How many units its first row has.
        apart: Whether its units are shown one by one: those drawn from a wide layer would be lost on sheets.
        sheets: In order.
    """

    name: str
    short: str
    slug: str
    n_units: int
    n_all: int
    across: int
    apart: bool
    sheets: tuple[WallSheet, ...]


@dataclass(frozen=True, slots=True)
class Wall:
    """The wall.

    Attributes:
        file, script: Names of the picture of lines and of the script of marks, in the model version's folder.
        width, height: Of that picture, in pixels.
        step: How far its dark colours are from its light ones, in pixels.
        layers: In order from the input.
        few, narrow: Whether there are few enough units to begin with larger pictures; few in each layer too.
        strokes: By mark, where a verdict's line is drawn, as `(left, width)` of a length of 8.
    """

    file: str
    script: str
    width: int
    height: int
    step: int
    layers: tuple[WallLayer, ...]
    few: bool
    narrow: bool
    strokes: Mapping[str, tuple[tuple[int, int], ...]]


def wall_of(place: Place, rows: Sequence[LayerRows], stem: str) -> Wall:
    """Return the wall of some layers.

    Args:
        place: Of the model version.
        rows: Its layers, in order, with scores.
        stem: Of the names of its files, see `line_picture` and `mark_script`.
    """
    layers, at = [], 0
    few = _are_few(rows)
    short = short_names((own.layer.name for own in rows), _LETTERS)
    for own in rows:
        marks, apart = _marks(own), few and _is_sparse(own)
        sheets = [_sheet(own, marks, number, at + i) for i, number in enumerate(_sheet_numbers(own))]
        at += len(sheets)
        if apart:
            by_number = {sheet.number: sheet for sheet in sheets}
            sheets = [_alone(own, by_number[unit // UNITS_PER_SHEET], unit) for unit in own.units]
        layers.append(
            WallLayer(
                name=own.layer.name,
                short=short[own.layer.name],
                slug=place.slug(own.layer.name) or own.layer.slug,
                n_units=len(own.units),
                n_all=own.layer.n_units,
                across=min(ACROSS, len(own.units) if apart else len(marks)),
                apart=apart,
                sheets=tuple(sheets),
            )
        )
    return Wall(
        file=f"{stem}.webp",
        script=f"{stem}.js",
        width=2 * LINES_WIDTH * -(-at // _STACKED),
        height=ACROSS * min(at, _STACKED),
        step=LINES_WIDTH,
        layers=tuple(layers),
        few=few,
        narrow=few and all(layer.across <= _NARROW for layer in layers),
        strokes={letter: tuple(_strokes(line)) for letter, line in LINES.items()},
    )


def line_picture(rows: Sequence[LayerRows]) -> bytes:
    """Return the lines of all sheets as a WebP without loss: a row of pixels for a row of units."""
    letters = list(LIGHT)
    known = np.array([[c == "#" for c in LINES[letter]] for letter in letters])
    blocks = []
    for own in rows:
        marks = _marks(own)
        for number in _sheet_numbers(own):
            here = marks[number * UNITS_PER_SHEET : (number + 1) * UNITS_PER_SHEET]
            places = [letters.index(m) + 1 if m != _ABSENT else 0 for m in here]
            cells = np.pad(np.array(places, np.uint8), (0, UNITS_PER_SHEET - len(places)))
            drawn = np.vstack([np.zeros(_LINE_PX, bool), known])[cells]
            index = np.where(drawn, cells[:, None], 0).reshape(ACROSS, LINES_WIDTH)
            blocks.append(np.concatenate([rgba(LIGHT)[index], rgba(DARK)[index]], axis=1))
    blocks = blocks or [np.zeros((1, 1, 4), np.uint8)]
    stacks = [np.concatenate(blocks[i : i + _STACKED]) for i in range(0, len(blocks), _STACKED)]
    stacks[-1] = np.pad(stacks[-1], ((0, len(stacks[0]) - len(stacks[-1])), (0, 0), (0, 0)))
    data = io.BytesIO()
    Image.fromarray(np.concatenate(stacks, axis=1), "RGBA").save(data, "WEBP", lossless=True, method=4)
    return data.getvalue()


def mark_script(rows: Sequence[LayerRows]) -> bytes:
    """Return a script with the marks of the units behind each link; a minus for a place without a unit."""
    found: list[str] = []
    few = _are_few(rows)
    for own in rows:
        marks = _marks(own)
        if few and _is_sparse(own):
            found += [marks[unit] for unit in own.units]
        else:
            starts = [number * UNITS_PER_SHEET for number in _sheet_numbers(own)]
            found += [marks[start : start + UNITS_PER_SHEET] for start in starts]
    return script("atlasMarks", "wall", found)


def _are_few(rows: Sequence[LayerRows]) -> bool:
    return sum(len(own.units) for own in rows) <= FEW_UNITS


def _is_sparse(own: LayerRows) -> bool:
    """Whether less than half of a layer's places, up to its last unit, have a unit."""
    return 2 * len(own.units) < max(own.units) + 1


def _sheet(own: LayerRows, marks: str, number: int, at: int) -> WallSheet:
    first = number * UNITS_PER_SHEET
    here = marks[first : first + UNITS_PER_SHEET]
    units = [unit for unit in own.units if first <= unit < first + len(here)]
    counts: dict[str, int] = {}
    for unit in units:
        word = own.scores[unit].verdict if unit in own.scores else ""
        counts[word] = counts.get(word, 0) + 1
    named = f"Unit {units[0]}" if len(units) == 1 else f"Units {units[0]} to {units[-1]}"
    return WallSheet(
        number,
        first,
        len(here),
        -(-len(here) // ACROSS),
        2 * LINES_WIDTH * (at // _STACKED),
        ACROSS * (at % _STACKED),
        LINES_WIDTH,
        f"{named} of {own.layer.name}: {counts_in_words(counts)}",
    )


def _alone(own: LayerRows, sheet: WallSheet, unit: int) -> WallSheet:
    """Return a unit of a sheet by itself."""
    column, row = place_on_sheet(unit)
    word = own.scores[unit].verdict if unit in own.scores else ""
    return replace(
        sheet,
        first=unit,
        n=1,
        left=sheet.left + column * _LINE_PX,
        top=sheet.top + row,
        width=_LINE_PX,
        alt=f"Unit {unit} of {own.layer.name}: {word or 'not scored'}",
        column=column,
        row=row,
    )


def _marks(own: LayerRows) -> str:
    """Return the mark of each unit of a layer from 0 to its last; a minus where there is none."""
    found = [_ABSENT] * (max(own.units) + 1)
    for unit in own.units:
        found[unit] = mark(own.scores[unit].verdict if unit in own.scores else "")
    return "".join(found)


def _sheet_numbers(own: LayerRows) -> list[int]:
    return sorted({unit // UNITS_PER_SHEET for unit in own.units})


def _strokes(line: str) -> list[tuple[int, int]]:
    """Return where a line is drawn, as `(left, width)`."""
    found, at = [], 0
    for drawn, run in groupby(line):
        n = len(list(run))
        if drawn == "#":
            found.append((at, n))
        at += n
    return found
