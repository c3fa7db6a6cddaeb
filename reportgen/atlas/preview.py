"""Pictures for link previews: a wide JPEG of a layer's, or a model version's, best units.

What shows a link to others reads JPEG and wants 1200 by 630 pixels. Only sites with an address have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reportgen.atlas.pictures import page_pixels, shrink
from reportgen.atlas.rows import LayerRows, ranked
from reportgen.atlas.showcase import is_dim
from reportgen.atlas.strips import UnitPictures, squared
from reportgen.images import encode_jpeg

WIDTH, HEIGHT = 1200, 630
_SIDE, _GAP = 144, 5
_ACROSS, _DOWN = 8, 4
N_TILES = _ACROSS * _DOWN
_PAPER = 21


class Montage:
    """Gathers the tiles of a layer's best units."""

    def __init__(self, rows: LayerRows, own: Mapping[int, UnitPictures]) -> None:
        self._order = {u: i for i, u in enumerate(ranked(rows)) if own[u].lead is not None and i < N_TILES}
        self._tiles: dict[tuple[bool, int], np.ndarray] = {}

    def offer(self, unit: int, pixels: np.ndarray) -> None:
        """Take a unit's `(h, w, c)` uint8 pixels if it is among the best."""
        if unit in self._order:
            self._tiles[is_dim(pixels), self._order[unit]] = tile(pixels)

    def jpeg(self) -> bytes:
        """Return the picture."""
        return montage([self._tiles[i] for i in sorted(self._tiles)])


def tile(pixels: np.ndarray) -> np.ndarray:
    """Return a render's `(h, w, c)` uint8 pixels as a square of the montage."""
    longest = max(pixels.shape[:2])
    if longest > _SIDE:
        scale = _SIDE / longest
        pixels = shrink(pixels, *(max(1, round(n * scale)) for n in pixels.shape[:2]))
    plain = page_pixels(pixels, max(pixels.shape[:2]))
    times = max(1, _SIDE // max(plain.shape[:2]))
    return squared(plain.repeat(times, axis=0).repeat(times, axis=1), _SIDE)


def montage(tiles: Sequence[np.ndarray]) -> bytes:
    """Return the JPEG of up to 32 tiles in rows of eight, centred."""
    whole = np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)
    step = _SIDE + _GAP
    left, rows = (WIDTH - _ACROSS * step + _GAP) // 2, max(1, -(-min(len(tiles), N_TILES) // _ACROSS))
    top = (HEIGHT - rows * step + _GAP) // 2
    for i, square in enumerate(tiles[:N_TILES]):
        y, x = top + i // _ACROSS * step, left + i % _ACROSS * step
        whole[y : y + _SIDE, x : x + _SIDE] = square
    return encode_jpeg(whole, quality=82)
