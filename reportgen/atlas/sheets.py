"""A layer as large pictures: the tile of every unit in its place, 16 by 16 units a sheet, one recipe in all.

Sheets stand at addresses made from the layer's alone, so that other layers' pages show a unit's tile
without knowing which render it is, and need not change when that layer is rendered again.
"""

from __future__ import annotations

import numpy as np

from reportgen.atlas.pictures import Sizes, page_pixels
from reportgen.atlas.strips import GRID_RECIPES, squared
from reportgen.images import encode_webp

ACROSS = 16
UNITS_PER_SHEET = ACROSS * ACROSS
_GREY = 119


STEMS = dict(zip(GRID_RECIPES, ("sheet", "display"), strict=True))
"""How the sheets of a recipe are called; `layer.js` and `wall.js` know them too."""


def sheet_name(slug: str, unit: int, recipe: str = GRID_RECIPES[0]) -> str:
    """Return the path, from the version's folder, of a recipe's sheet that a unit is on."""
    return f"{slug}/{STEMS[recipe]}-{unit // UNITS_PER_SHEET}.webp"


def place_on_sheet(unit: int) -> tuple[int, int]:
    """Return column and row of a unit on its sheet."""
    at = unit % UNITS_PER_SHEET
    return at % ACROSS, at // ACROSS


class Sheets:
    """Gathers the tiles of a layer in one recipe."""

    def __init__(
        self, slug: str, units: tuple[int, ...], sizes: Sizes, recipe: str = GRID_RECIPES[0]
    ) -> None:
        self._slug, self._sizes, self._recipe = slug, sizes, recipe
        self._rows: dict[int, int] = {}
        for unit in units:
            number = unit // UNITS_PER_SHEET
            self._rows[number] = max(self._rows.get(number, 0), place_on_sheet(unit)[1] + 1)
        self._pixels: dict[int, np.ndarray] = {}

    def put(self, unit: int, pixels: np.ndarray) -> None:
        """Put a render's `(h, w, c)` uint8 pixels in the unit's place."""
        number, (column, row), side = unit // UNITS_PER_SHEET, place_on_sheet(unit), self._sizes.tile_px
        if number not in self._pixels:
            self._pixels[number] = np.full((self._rows[number] * side, ACROSS * side, 3), _GREY, np.uint8)
        tile = squared(_filled(pixels, side), side)
        self._pixels[number][row * side : (row + 1) * side, column * side : (column + 1) * side] = tile

    def files(self) -> list[tuple[str, bytes]]:
        """Return `(path from the version's folder, WebP)` of every sheet that has a tile."""
        return [
            (
                sheet_name(self._slug, number * UNITS_PER_SHEET, self._recipe),
                encode_webp(pixels, quality=self._sizes.webp_quality),
            )
            for number, pixels in sorted(self._pixels.items())
        ]


def _filled(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return `(h, w, 1 or 3)` whose longer side is `side`; small renders by repeating pixels."""
    longest = max(pixels.shape[:2])
    if longest >= side:
        return page_pixels(pixels, side)
    tall, wide = (max(1, round(n * side / longest)) for n in pixels.shape[:2])
    plain = page_pixels(pixels, longest)
    down, across = np.arange(tall) * plain.shape[0] // tall, np.arange(wide) * plain.shape[1] // wide
    filled: np.ndarray = plain[down][:, across]
    return filled
