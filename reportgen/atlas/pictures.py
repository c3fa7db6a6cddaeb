"""Pictures for pages, and pictures as files: what size they have and how they are named.

Pages get WebP. A small render is enlarged twofold by repeating pixels before it is encoded: a lossy encoder
halves the resolution of colour, which then costs the render nothing, and the page shows hard pixels. Larger
renders are averaged down to the size the page has for them. Which pictures a page shows is not known here.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from reportgen.images import decode_png, encode_webp, webp_name

_MOST_ENLARGED = 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the pictures of a site are; a step of the ladder (see `ladder`).

    Attributes:
        picture_px: Longest side of a picture on a unit's page.
        webp_quality: Encoder quality, 0..100.
        tile_px: Side of a unit's tile in the sheets of a layer.
        few_seeds: Whether units without a pattern show one start only.
    """

    picture_px: int = 128
    webp_quality: int = 60
    tile_px: int = 64
    few_seeds: bool = False


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture as a page shows it: file name, size in pixels, and how it is made from the render."""

    name: str
    height: int
    width: int
    enlarge: int

    @property
    def stem(self) -> str:
        """The file name without its ending."""
        return self.name.removesuffix(".webp")


def page_picture(key: str, height: int, width: int, sizes: Sizes) -> PagePicture:
    """Return how a page shows the render of that content key and size in pixels."""
    tall, wide, enlarge = page_size(height, width, sizes.picture_px)
    name = webp_name(key, size=max(tall, wide), quality=sizes.webp_quality, enlarge=enlarge)
    return PagePicture(name, tall * enlarge, wide * enlarge, enlarge)


@functools.lru_cache(1024)
def page_size(height: int, width: int, picture_px: int) -> tuple[int, int, int]:
    """Return the height and width to which a render is averaged down, and by how much it is enlarged then."""
    side = max(height, width)
    enlarge = max(1, min(_MOST_ENLARGED, picture_px // side))
    scale = min(1.0, picture_px / side)
    return max(1, round(height * scale)), max(1, round(width * scale)), enlarge


def page_pixels(pixels: np.ndarray, picture_px: int) -> np.ndarray:
    """Return a render's `(h, w, c)` uint8 pixels in the size of its page picture, 1 or 3 channels."""
    tall, wide, enlarge = page_size(*pixels.shape[:2], picture_px)
    if (tall, wide) != pixels.shape[:2]:
        pixels = shrink(pixels, tall, wide)
    if pixels.shape[2] not in (1, 3):
        pixels = pixels.mean(axis=2, keepdims=True).round().astype(np.uint8)
    return pixels.repeat(enlarge, axis=0).repeat(enlarge, axis=1) if enlarge > 1 else pixels


def encode_page_picture(pixels: np.ndarray, wanted: PagePicture, sizes: Sizes) -> bytes:
    """Return the WebP of a render's `(h, w, c)` uint8 pixels as `page_picture` described it."""
    tall, wide = wanted.height // wanted.enlarge, wanted.width // wanted.enlarge
    if (tall, wide) != pixels.shape[:2]:
        pixels = shrink(pixels, tall, wide)
    return encode_webp(pixels, quality=sizes.webp_quality, enlarge=wanted.enlarge)


def encode_stored(png: bytes, channels: int, wanted: PagePicture, sizes: Sizes) -> bytes:
    """Return the WebP of a stored render."""
    return encode_page_picture(decode_png(png, channels), wanted, sizes)


def shrink(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return `pixels` `(h, w, c)` uint8 averaged down to `(height, width, c)`, by area."""
    down, across = _area_weights(pixels.shape[0], height), _area_weights(pixels.shape[1], width)
    h, w, c = pixels.shape
    rows = (down @ pixels.reshape(h, w * c).astype(np.float32)).reshape(height, w, c)
    small = across @ rows
    result: np.ndarray = np.clip(small.round(), 0, 255).astype(np.uint8)
    return result


@functools.lru_cache(64)
def _area_weights(size: int, wanted: int) -> np.ndarray:
    """Return `(wanted, size)`: the share of each old pixel in each new one; rows sum to 1."""
    edges = np.linspace(0, size, wanted + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    overlap = np.clip(overlap, 0, None)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True), np.float32)
