"""Pictures as bytes: lossless PNG for the store, WebP for pages. The only module that uses Pillow."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

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


def png_with_notes(data: bytes, notes: Mapping[str, str]) -> bytes:
    """Return a PNG with texts in it, by their keywords (at most 79 Latin letters); its pixels are the same.

    Raises:
        ReportgenError: Not a PNG, damaged, or larger than any picture may be.
    """
    chunks = PngInfo()
    for keyword, text in notes.items():
        chunks.add_itxt(keyword, text)
    buffer = io.BytesIO()
    Image.fromarray(_pixels(data)).save(buffer, "PNG", compress_level=6, pnginfo=chunks)
    return buffer.getvalue()


def webp_with_notes(picture: np.ndarray, *, description: str, software: str) -> bytes:
    """Return `(h, w, 1 or 3)` uint8 as a lossless WebP whose EXIF holds a description and a program's name.

    Raises:
        ShapeError: It has another number of channels, which a WebP cannot hold.
    """
    if picture.ndim != 3 or picture.shape[2] not in (1, 3):
        raise ShapeError(f"picture has shape {picture.shape}, a WebP holds 1 or 3 channels")
    notes = Image.Exif()
    notes[ExifTags.Base.ImageDescription] = description
    notes[ExifTags.Base.Software] = software
    buffer = io.BytesIO()
    _as_image(picture).convert("RGB").save(buffer, "WEBP", lossless=True, method=WEBP_METHOD, exif=notes)
    return buffer.getvalue()


def decode_png(data: bytes, channels: int) -> np.ndarray:
    """Return the `(h, w, channels)` uint8 picture that `encode_png` wrote.

    Raises:
        ReportgenError: Not a PNG, damaged, or larger than any picture may be.
        ShapeError: The PNG does not have the form in which that number of channels is stored.
    """
    pixels = _pixels(data)
    fits = pixels.shape[2:] == (3,) if channels == 3 else channels >= 1 and pixels.ndim == 2
    if pixels.dtype != np.uint8 or not fits or (channels != 3 and pixels.shape[1] % channels):
        raise ShapeError(
            f"a picture is {pixels.dtype} {pixels.shape}, which does not fit {channels} channels"
        )
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
        reason = "it is not a PNG" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ReportgenError(f"a picture cannot be read: {reason}") from None


PHOTOGRAPHS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "WEBP")
"""Formats of untrusted pictures that are read; no others are tried."""

_OF_FOLDERS = (*PHOTOGRAPHS, "TIFF")
"""Formats of pictures in the user's folder that are read."""


def fitted_photograph(data: bytes, size_px: tuple[int, int], channels: int) -> np.ndarray:
    """Return any picture as `(h, w, channels)` uint8: cropped around its centre and scaled to that size.

    Args:
        data: The bytes of a file, which is not trusted.
        size_px: Height and width of the result.
        channels: 1 for grey, 3 for red, green and blue.

    Raises:
        ReportgenError: Not a picture, damaged, of an unknown format, or larger than Pillow's limit.
    """
    return _middle(_photograph(data, _mode(channels), _OF_FOLDERS), size_px)


def fitted_pixels(pixels: np.ndarray, size_px: tuple[int, int], channels: int) -> np.ndarray:
    """Return `(h, w, 3)` uint8 as `fitted_photograph` does a file."""
    return _middle(Image.fromarray(pixels).convert(_mode(channels)), size_px)


def resized(values: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Return values `(h, w, c)` at another height and width as float32, interpolated by cubic polynomials."""
    height, width = size_px
    planes = (Image.fromarray(np.asarray(plane, np.float32)) for plane in np.moveaxis(values, 2, 0))
    made = (np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC)) for plane in planes)
    return np.stack(list(made), axis=2)


def _mode(channels: int) -> str:
    return "L" if channels == 1 else "RGB"


def _middle(image: Image.Image, size_px: tuple[int, int]) -> np.ndarray:
    height, width = size_px
    across = min(image.width, max(1, round(image.height * width / height)))
    down = min(image.height, max(1, round(image.width * height / width)))
    left, top = (image.width - across) // 2, (image.height - down) // 2
    middle = image.crop((left, top, left + across, top + down))
    pixels = np.asarray(middle.resize((width, height), Image.Resampling.BILINEAR))
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def read_photograph(data: bytes, *, most_pixels: int, most_px: int) -> np.ndarray:
    """Return any picture as `(h, w, 3)` uint8, upright, scaled down if a side is longer than `most_px`.

    Args:
        data: The bytes of a file, which is not trusted.
        most_pixels: Most pixels that are decoded.
        most_px: Longest side of the result.

    Raises:
        ReportgenError: Not a picture, damaged, of an unknown format, or with too many pixels.
    """
    image = _photograph(data, "RGB", PHOTOGRAPHS, most_pixels)
    image.thumbnail((most_px, most_px), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _photograph(
    data: bytes, mode: str, formats: tuple[str, ...], most_pixels: int | None = None
) -> Image.Image:
    """Return any picture in a mode of 8 bits, upright and without transparency.

    Raises:
        ReportgenError: See `read_photograph`.
    """
    try:
        with warnings.catch_warnings():
            # Pillow only warns of pictures up to twice its limit.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning)  # About unusual metadata.
            with Image.open(io.BytesIO(data), formats=formats) as opened:
                if most_pixels is not None and opened.width * opened.height > most_pixels:
                    raise ValueError(
                        f"it has {opened.width}x{opened.height} px, wanted at most {most_pixels:,} in all"
                    )
                image = ImageOps.exif_transpose(opened)
                if image.mode.startswith(("I", "F")):
                    image = _eight_bits(image, opened.format)
                return _without_alpha(image).convert(mode)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError,
            ZeroDivisionError, NotImplementedError, AttributeError,
            RuntimeError, EOFError, AssertionError, struct.error, Image.DecompressionBombError,
            Image.DecompressionBombWarning) as error:  # fmt: skip
        reason = "it is not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ReportgenError(f"a picture cannot be read: {reason}") from None


def _eight_bits(image: Image.Image, kind: str | None) -> Image.Image:
    """Return a picture of more than 8 bits a pixel scaled to 8, where Pillow's own conversion would clip.

    16-bit values are scaled from 0..65535, however dark the picture. Signed, 32-bit and floating-point values
    have no defined white: it is 1, 255 or 65535, the smallest of these that is not exceeded, or else the
    picture's own minimum and maximum are used.

    Raises:
        ValueError: Some of its values are not finite numbers.
    """
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("some of its values are not finite numbers")
    low, high = values.min(initial=0.0), values.max(initial=0.0)
    whites = (65535.0,) if image.mode.startswith("I;16") or kind in ("PNG", "PPM") else (1.0, 255.0, 65535.0)
    white = next((w for w in whites if low >= 0 and high <= w), None)
    bottom, top = (0.0, white) if white else (low, high)
    return Image.fromarray(((values - bottom) * (255 / (top - bottom))).round().astype(np.uint8))


def _without_alpha(image: Image.Image) -> Image.Image:
    """Return a picture on white where it is transparent."""
    if not image.has_transparency_data:
        return image
    clear = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)


def decode_webp(data: bytes) -> np.ndarray:
    """Return a WebP that `encode_webp` wrote as `(h, w, 3)` uint8.

    Raises:
        ReportgenError: No WebP, damaged, or larger than any picture may be.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        raise ReportgenError(f"a picture cannot be read: {error}") from None


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


def encode_animation(frames: Sequence[np.ndarray], *, milliseconds: Sequence[int], quality: int) -> bytes:
    """Return pictures `(h, w, 3)` uint8 of one size as an animated WebP that repeats.

    Args:
        frames: At least one.
        milliseconds: How long each is shown.
        quality: 0..100.
    """
    first, *others = (Image.fromarray(frame) for frame in frames)
    buffer = io.BytesIO()
    first.save(
        buffer, "WEBP", save_all=True, append_images=others, duration=list(milliseconds), loop=0,
        quality=quality, method=WEBP_METHOD,
    )  # fmt: skip
    return buffer.getvalue()


def encode_jpeg(picture: np.ndarray, *, quality: int) -> bytes:
    """Return `(h, w, 3)` uint8 as a JPEG, for readers of link previews, which know little else."""
    buffer = io.BytesIO()
    _as_image(picture).save(buffer, "JPEG", quality=quality, optimize=True)
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
