"""The whole network as a strip, one cell a unit, in the order of layers, coloured by verdict.

The cells are one small picture, so that 100,000 units cost no more than a photograph; where each layer lies
is listed next to it, so that a page can lead from a cell to its unit.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from reportgen.atlas import words
from reportgen.atlas.addresses import Place
from reportgen.atlas.rows import LayerRows
from reportgen.verdicts import MARKS

_ACROSS_TO_TALL = 16
_LARGEST_CELL, _LEAST_CELL, _WIDE = 18, 2, 1300
LIGHT = {
    "s": "1d6b4f", "u": "b05f00", "m": "6247aa", "t": "77756f", "f": "8a7100", "d": "1c1c1a", "n": "77756f",
    "x": "b3261e", "o": "a5a39c",
}  # fmt: skip
DARK = {
    "s": "63c29b", "u": "e89b45", "m": "c0aeff", "t": "b9b7b0", "f": "cdb445", "d": "e9e7e2", "n": "b9b7b0",
    "x": "f0837a", "o": "6b6963",
}  # fmt: skip
"""Colours of verdicts by their marks, as the style sheet has them in its two palettes."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a layer's cells lie.

    Attributes:
        href: Its page.
        label: What is said of it.
        left, width: In cells; its units go down each column, then on to the next.
        units: Their numbers, as `0-31 40` where some are missing; empty where they are 0, 1, 2, ...
        n_units: How many.
    """

    href: str
    label: str
    left: int
    width: int
    units: str
    n_units: int


@dataclass(frozen=True, slots=True)
class HeatStrip:
    """The strip.

    Attributes:
        file: Its picture, in the model version's folder: see `heat_picture`.
        width, height: In cells, of one of the two.
        cell: Side of a cell in pixels.
        spans: The layers, in order.
        alt: In words.
    """

    file: str
    width: int
    height: int
    cell: int
    spans: tuple[Span, ...]
    alt: str


def heat_strip(place: Place, rows: Sequence[LayerRows], name: str) -> HeatStrip:
    """Return the strip of all units of some layers.

    Args:
        place: Of the model version.
        rows: Its layers, in order, with scores.
        name: Of the picture's file.
    """
    total = sum(len(own.units) for own in rows)
    tall, left, spans = _rows_of(total), 0, []
    for own in rows:
        wide, slug = -(-len(own.units) // tall), place.slug(own.layer.name) or own.layer.slug
        label = f"{own.layer.name}: {len(own.units):,} units, {words.counts_in_words(own.counts)}"
        spans.append(
            Span(
                f"{slug}.html",
                label,
                left,
                wide,
                "" if list(own.units) == list(range(len(own.units))) else words.runs(own.units),
                len(own.units),
            )
        )
        left += wide + 1
    across = max(1, left - 1)
    cell = max(_LEAST_CELL, min(_LARGEST_CELL, _WIDE // across))
    alt = f"The {total:,} units as cells, layer by layer, coloured by verdict. " + "; ".join(
        span.label for span in spans[:12]
    )
    more = f"; and {len(spans) - 12} more layers" if len(spans) > 12 else ""
    return HeatStrip(name, across, tall, cell, tuple(spans), f"{alt}{more}.")


def heat_picture(rows: Sequence[LayerRows]) -> bytes:
    """Return the cells as a WebP without loss: in light colours, and below them in dark ones."""
    tall = _rows_of(sum(len(own.units) for own in rows))
    letters = list(LIGHT)
    places = {word: letters.index(mark) + 1 for word, mark in MARKS.items()}
    blocks = []
    for own in rows:
        cells = np.zeros(-(-len(own.units) // tall) * tall, np.uint8)
        verdicts = [own.scores[u].verdict if u in own.scores else "" for u in own.units]
        cells[: len(verdicts)] = [places.get(word, letters.index("o") + 1) for word in verdicts]
        blocks += [cells.reshape(-1, tall).T, np.zeros((tall, 1), np.uint8)]
    # A run that was stopped early has no unit to show: one cell of nothing.
    index = np.concatenate(blocks[:-1], axis=1) if blocks else np.zeros((1, 1), np.uint8)
    both = np.concatenate([rgba(LIGHT)[index], rgba(DARK)[index]], axis=0)
    data = io.BytesIO()
    Image.fromarray(both, "RGBA").save(data, "WEBP", lossless=True, method=4, exact=False)
    return data.getvalue()


def _rows_of(n_units: int) -> int:
    """Return how many cells stand above one another."""
    return max(4, math.isqrt(max(1, n_units) // _ACROSS_TO_TALL))


def rgba(palette: Mapping[str, str]) -> np.ndarray:
    """Return `(n, 4)` RGBA of nothing, then of each mark."""
    opaque = [(*bytes.fromhex(code), 255) for code in palette.values()]
    return np.array([(0, 0, 0, 0), *opaque], np.uint8)
