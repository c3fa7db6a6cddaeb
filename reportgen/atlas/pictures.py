"""Pictures for pages, and pictures as files: what size they have and how they are named.

Pages get WebP. A small render is enlarged twofold by repeating pixels before it is encoded: a lossy encoder
halves the resolution of colour, which then costs the render nothing, and the page shows hard pixels. Larger
renders are averaged down to the size the page has for them. Which pictures a page shows is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reportgen.images import decode_png, encode_webp, webp_name
from reportgen.spec import AtlasSpec

_MOST_ENLARGED = 2


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


def page_picture(key: str, height: int, width: int, spec: AtlasSpec) -> PagePicture:
    """Return how a page shows the render of that content key and size in pixels."""
    side = max(height, width)
    enlarge = max(1, min(_MOST_ENLARGED, spec.picture_px // side))
    scale = min(1.0, spec.picture_px / side)
    tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
    name = webp_name(key, size=max(tall, wide), quality=spec.webp_quality, enlarge=enlarge)
    return PagePicture(name, tall * enlarge, wide * enlarge, enlarge)


def encode_page_picture(pixels: np.ndarray, wanted: PagePicture, spec: AtlasSpec) -> bytes:
    """Return the WebP of a render's `(h, w, c)` uint8 pixels as `page_picture` described it."""
    tall, wide = wanted.height // wanted.enlarge, wanted.width // wanted.enlarge
    if (tall, wide) != pixels.shape[:2]:
        pixels = shrink(pixels, tall, wide)
    return encode_webp(pixels, quality=spec.webp_quality, enlarge=wanted.enlarge)


def encode_stored(png: bytes, channels: int, wanted: PagePicture, spec: AtlasSpec) -> bytes:
    """Return the WebP of a stored render."""
    return encode_page_picture(decode_png(png, channels), wanted, spec)


def shrink(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return `pixels` `(h, w, c)` uint8 averaged down to `(height, width, c)`, by area."""
    down, across = _area_weights(pixels.shape[0], height), _area_weights(pixels.shape[1], width)
    tall = np.tensordot(down, pixels.astype(np.float64), axes=1)
    small = np.tensordot(across, tall, axes=(1, 1)).transpose(1, 0, 2)
    result: np.ndarray = np.clip(small.round(), 0, 255).astype(np.uint8)
    return result


def _area_weights(size: int, wanted: int) -> np.ndarray:
    """Return `(wanted, size)`: the share of each old pixel in each new one; rows sum to 1."""
    edges = np.linspace(0, size, wanted + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    overlap = np.clip(overlap, 0, None)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True))
