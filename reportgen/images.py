"""Pictures as bytes: lossless PNG for the store, WebP for pages. The only room that knows Pillow."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from reportgen.errors import ReportgenError, ShapeError

WEBP_METHOD = 4
"""Encoder effort; measured: 6 is 3 % smaller and three times slower, 2 is a trap on noise."""


def encode_png(picture: np.ndarray) -> bytes:
    """Return `picture` as a PNG, lossless.

    Args:
        picture: `(h, w, c)` uint8. 1 and 3 channels give an ordinary picture; other counts are
            laid side by side as one grey strip, which `decode_png` takes apart again.

    Raises:
        ShapeError: Not three axes, or not uint8.
    """
    buffer = io.BytesIO()
    _as_image(picture).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def decode_png(data: bytes, channels: int) -> np.ndarray:
    """Return the `(h, w, channels)` uint8 picture that `encode_png` wrote.

    Raises:
        ReportgenError: Not a PNG, damaged, or larger than any picture may be.
        ShapeError: A PNG of another kind than that number of channels is kept in.
    """
    pixels = _pixels(data)
    fits = pixels.shape[2:] == (3,) if channels == 3 else channels >= 1 and pixels.ndim == 2
    if pixels.dtype != np.uint8 or not fits or (channels != 3 and pixels.shape[1] % channels):
        raise ShapeError(f"a picture of {channels} channels is kept as {pixels.dtype} {pixels.shape}")
    if channels == 3:
        return pixels
    if channels == 1:
        return pixels[:, :, None]
    return np.stack(np.split(pixels, channels, axis=1), axis=2)


def decode_photograph(data: bytes) -> np.ndarray:
    """Return any PNG as `(h, w, 3)` uint8.

    Raises:
        ReportgenError: Not a PNG, damaged, or larger than any picture may be.
    """
    return _pixels(data, mode="RGB")


def _pixels(data: bytes, mode: str | None = None) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            return np.asarray(image.convert(mode) if mode else image)
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        told = "it is no PNG" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ReportgenError(f"a picture cannot be read: {told}") from None


def encode_webp(picture: np.ndarray, *, quality: int, enlarge: int = 1) -> bytes:
    """Return `picture` as a lossy WebP for a page.

    Args:
        picture: `(h, w, c)` uint8; other than 1 or 3 channels are averaged to grey.
        quality: 0..100.
        enlarge: Whole factor by which each pixel is repeated first; small pictures keep hard
            pixels that way, where a lossy encoder would blur them.
    """
    if picture.ndim == 3 and picture.shape[2] not in (1, 3):
        picture = picture.mean(axis=2, keepdims=True).round().astype(np.uint8)
    if enlarge > 1:
        picture = picture.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    buffer = io.BytesIO()
    _as_image(picture).convert("RGB").save(buffer, "WEBP", quality=quality, method=WEBP_METHOD)
    return buffer.getvalue()


def webp_name(key: str, *, size: int, quality: int, enlarge: int = 1) -> str:
    """Return the file name of a page picture: from content key, size and encoder settings.

    Never from the encoded bytes, so that another encoder version keeps every address.
    """
    text = f"{key}:{size}:webp:{quality}:{WEBP_METHOD}:{enlarge}"
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest() + ".webp"


def _as_image(picture: np.ndarray) -> Image.Image:
    if picture.ndim != 3 or picture.dtype != np.uint8:
        raise ShapeError(
            f"picture has shape {picture.shape} and type {picture.dtype}, wanted (h, w, c) uint8"
        )
    channels = picture.shape[2]
    if channels == 3:
        return Image.fromarray(picture)
    if channels == 1:
        return Image.fromarray(picture[:, :, 0])
    return Image.fromarray(np.concatenate([picture[:, :, c] for c in range(channels)], axis=1))
