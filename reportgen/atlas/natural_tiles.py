"""A unit's top and bottom natural pictures as tiles: a receptive field of each, cut out of a person's own.

Where no crops were kept, there are none. A unit's tiles lie side by side in one strip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from reportgen.atlas.pictures import Sizes, shrink
from reportgen.atlas.plots import number
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.strips import Strip, encode_strip, make_strip, tile_side
from reportgen.atlas.views import Picture, Pictures
from reportgen.images import decode_webp
from reportgen.store import Store, pictures_owner

Arrays = Mapping[str, np.ndarray]

TILE_PX = 64
"""Side of a tile; smaller parts are enlarged by whole pixels, larger ones averaged down."""

_DECODED = 64
_WAYS = (("top", 5, "activates it most"), ("bottom", 3, "activates it least"))


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture.

    Attributes:
        key: Names picture and part, whatever unit they are shown for.
        picture: Its index in the folder.
        box: Top, left, bottom and right.
        caption, alt: In words.
    """

    key: str
    picture: int
    box: tuple[int, int, int, int]
    caption: str
    alt: str


def tiles_of(natural: Arrays, about: Arrays, shape: tuple[int, int, int], unit: int) -> list[Tile]:
    """Return the tiles of a unit, those that activate it most first; none where none were kept.

    Args:
        natural: The layer's responses, as `measure.natural_pass` gave them.
        about: What is known of the pictures.
        shape: Height, width and channels of the model's input.
        unit: Its index.
    """
    if "crops" not in about or not about["crops"].all() or not len(about.get("folder", ())):
        return []
    owner, names = pictures_owner(str(about["folder"][0]), shape), about.get("names", ())
    return [
        Tile(f"{owner} {index} {box}", index, box, number(value), _alt(names, index, value, words))
        for way, most, words in _WAYS
        for index, box, value in islice(_places(natural, way, unit, shape), most)
        if index < len(names)
    ]


def _places(natural: Arrays, way: str, unit: int, shape: tuple[int, int, int]) -> Iterator[Any]:
    """Yield `(picture, box, value)`; what lies in no picture is left out, since a store may be anybody's."""
    wanted = (natural.get(f"{way}_picture"), natural.get(f"{way}_box"), natural.get(way))
    if any(x is None or x.ndim < 2 or unit >= len(x) for x in wanted):
        return
    for index, box, value in zip(*(x[unit] for x in wanted if x is not None), strict=False):
        top, left, bottom, right = (int(side) for side in box)
        if int(index) >= 0 and 0 <= top < bottom <= shape[0] and 0 <= left < right <= shape[1]:
            yield int(index), (top, left, bottom, right), float(value)


def _alt(names: Any, index: int, value: float, words: str) -> str:
    return f"Part of natural picture {names[index]} that {words}: {number(value)}"


def natural_strip(rows: LayerRows, unit: int, sizes: Sizes) -> tuple[Strip | None, list[Tile]]:
    """Return the strip of a unit's tiles and what is in it; None for a unit without any."""
    tiles = tiles_of(rows.natural, rows.about, rows.record.input_shape, unit)
    if not tiles:
        return None, []
    return make_strip([t.key for t in tiles], tile_side(TILE_PX, TILE_PX, sizes), sizes), tiles


def synthetic_photographs(rows: LayerRows, unit: int, sizes: Sizes) -> Pictures | None:
    """Return the section of a unit's page that shows them."""
    strip, tiles = natural_strip(rows, unit, sizes)
    if strip is None:
        return None
    n = len(tiles)
    shown = tuple(
        Picture(
            file=strip.stem, width=strip.side, height=strip.side, alt=tile.alt, caption=tile.caption,
            tile=i if n > 1 else None, tiles=n if n > 1 else None,
        )
        for i, tile in enumerate(tiles)
    )  # fmt: skip
    note = (
        "The receptive field at the position of largest activation, then of least; one position per picture."
    )
    return Pictures(title="Natural pictures", note=note, size="s", pictures=shown)


class TilePixels:
    """Cuts tiles out of the pictures that a store keeps."""

    def __init__(self, store: Store, about: Arrays, shape: tuple[int, int, int]) -> None:
        owner = pictures_owner(str(about["folder"][0]), shape)

        @lru_cache(_DECODED)
        def picture(index: int) -> np.ndarray | None:
            found = store.measurement(owner, str(index))
            if found is None or "webp" not in found:
                return None
            return decode_webp(found["webp"].astype(np.uint8).tobytes())

        self._picture, self._shape = picture, shape

    def encoded(self, strip: Strip, tiles: Sequence[Tile], sizes: Sizes) -> bytes:
        """Return the WebP of a unit's strip; a tile whose picture is not there stays grey."""
        pixels = {t.key: found for t in tiles if (found := self.of(t)) is not None}
        return encode_strip(strip, pixels, sizes)

    def of(self, tile: Tile) -> np.ndarray | None:
        """Return `(64, 64, 3)` uint8, the piece on white; None where the picture is not there."""
        piece = self.piece(tile)
        return None if piece is None else framed(piece)

    def piece(self, tile: Tile) -> np.ndarray | None:
        """Return `(h, w, 3)` uint8, the piece as it is; None where the picture is not there."""
        whole = self._picture(tile.picture)
        if whole is None or whole.shape[:2] != self._shape[:2]:
            return None
        top, left, bottom, right = tile.box
        return whole[top:bottom, left:right]


def framed(piece: np.ndarray) -> np.ndarray:
    """Return a piece `(h, w, 3)` on a white tile, enlarged by whole pixels or averaged down to fit."""
    h, w = piece.shape[:2]
    times = max(1, TILE_PX // max(h, w))
    if max(h, w) > TILE_PX:
        scale = TILE_PX / max(h, w)
        piece = shrink(piece, max(1, round(h * scale)), max(1, round(w * scale)))
    piece = piece.repeat(times, axis=0).repeat(times, axis=1)
    h, w = piece.shape[:2]
    tile = np.full((TILE_PX, TILE_PX, 3), 255, np.uint8)
    down, across = (TILE_PX - h) // 2, (TILE_PX - w) // 2
    tile[down : down + h, across : across + w] = piece
    return tile
