"""The probe set: 64 fixed pictures that every unit is shown, at any size.

A probe is a scene on the unit square; a picture of `h` by `w` pixels is a centred window of it whose
longer side spans the square, so that the same probe at two sizes shows the same scene and responses
of models with different inputs can be compared. White noise has the same phases and the same contrast per
pixel at every size. All randomness is drawn from Philox counters with fixed keys, as raw bits, so that
no version of numpy changes it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reportgen.errors import ReportgenError, ShapeError
from reportgen.images import decode_photograph

Floats = NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_STREAM = 0x9E3779B97F4A7C15
"""High half of every Philox key of the probe set."""
_PINK_REFERENCE = 256
"""Side at which pink noise has its nominal contrast; other sizes gain or lose only fine detail."""


@dataclass(frozen=True)
class _Plane:
    """Where the pixels of a picture lie on the unit square: `x`, `y` are `(h, w)` pixel centres."""

    h: int
    w: int
    x: Floats
    y: Floats

    @property
    def side(self) -> int:
        return max(self.h, self.w)

    @property
    def window(self) -> tuple[slice, slice]:
        top, left = (self.side - self.h) // 2, (self.side - self.w) // 2
        return slice(top, top + self.h), slice(left, left + self.w)


Scene = Callable[[_Plane, int], Floats]
"""From a plane and a number of channels to `(h, w, channels)`, not yet clipped to [0,1]."""


def probe_pictures(canvas_px: tuple[int, int], channels: int) -> Floats:
    """Return the probe set at a size.

    Args:
        canvas_px: Height and width in pixels, each at least 1.
        channels: 1 gives grey (luma of the colours), 3 colour; with any other number channel `i`
            is colour `i % 3` of the scene, and noise is independent in every channel.

    Returns:
        `(n, h, w, channels)` in [0,1], in the order of `probe_names()`; the same numbers on every call.
        Read-only: the last set is cached, as the layers of a model are measured one after another.

    Raises:
        ShapeError: A side or the number of channels is below 1.
        ReportgenError: The photographs that scikit-image ships are missing.
    """
    h, w = canvas_px
    if h < 1 or w < 1 or channels < 1:
        raise ShapeError(f"canvas {h}x{w} with {channels} channels, wanted at least 1 of each")
    return _pictures(int(h), int(w), int(channels))


@lru_cache(maxsize=1)
def _pictures(h: int, w: int, channels: int) -> Floats:
    plane = _plane(h, w)
    pictures = np.empty((len(_SCENES), h, w, channels), np.float32)
    for picture, scene in zip(pictures, _SCENES.values(), strict=True):
        np.clip(scene(plane, channels), 0.0, 1.0, out=picture)
    pictures.flags.writeable = False
    return pictures


def probe_names() -> tuple[str, ...]:
    """Return the name of each probe, such as `grating-45-8`, in the order of `probe_pictures`."""
    return tuple(_SCENES)


def uniforms(key: int, n: int) -> NDArray[np.float64]:
    """Return `n` numbers in [0,1) that depend on `key` alone; fewer are a prefix of more.

    Made from raw Philox bits, whose stream numpy promises never to change.
    """
    bits = np.random.Philox(key=[key, _STREAM]).random_raw(n)
    return np.asarray((np.asarray(bits, np.uint64) >> np.uint64(11)) * 2.0**-53, np.float64)


def _plane(h: int, w: int) -> _Plane:
    side = max(h, w)
    y = 0.5 + (np.arange(h, dtype=np.float32) - (h - 1) / 2) / side
    x = 0.5 + (np.arange(w, dtype=np.float32) - (w - 1) / 2) / side
    grid_y, grid_x = np.meshgrid(y, x, indexing="ij")
    return _Plane(h, w, np.asarray(grid_x, np.float32), np.asarray(grid_y, np.float32))


def _with_channels(colours: Floats, channels: int) -> Floats:
    """Return `(h, w, 3)` colours as `channels` channels."""
    if channels == 3:
        return colours
    if channels == 1:
        return (colours @ _LUMA)[..., None]
    return colours[..., np.arange(channels) % 3]


def _grey(levels: Floats, channels: int) -> Floats:
    return np.repeat(levels[..., None], channels, axis=-1)


# Noise


@lru_cache(maxsize=4)
def _frequencies(side: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.complex128]]:
    """Return for each frequency of a `side` by `side` picture its rank, radius and pixel-centre phase.

    Ranks count outward in square shells, so that a frequency has the same rank at every size.
    """
    f = np.fft.fftfreq(side, 1 / side).round().astype(np.int64)
    fy, fx = np.meshgrid(f, f, indexing="ij")
    shell = np.maximum(abs(fy), abs(fx))
    across, down = fx + shell, fy + shell - 1
    within = np.select(
        [fy == -shell, fy == shell, fx == -shell],
        [across, 2 * shell + 1 + across, 4 * shell + 2 + down],
        default=6 * shell + 1 + down,
    )
    rank = np.where(shell == 0, 0, (2 * shell - 1) ** 2 + within)
    # Samples lie at pixel centres, (i + 1/2) / side, less the middle, so that the scene stands still.
    shift = np.exp(2j * np.pi * (fy + fx) * (0.5 / side - 0.5))
    return rank, np.hypot(fy, fx), shift


def _field(side: int, key: int, amplitude: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Floats:
    """Return a `(side, side)` sum of waves with random phases and that amplitude by radius; no mean."""
    rank, radius, shift = _frequencies(side)
    phases = uniforms(key, (side + 1) ** 2)[rank]
    spectrum = amplitude(np.maximum(radius, 0.5)) * np.exp(2j * np.pi * phases) * shift
    spectrum[0, 0] = 0
    if (
        side % 2 == 0
    ):  # The highest frequency has no partner of the opposite sign: it is not the same wave elsewhere.
        spectrum[side // 2, :] = spectrum[:, side // 2] = 0
    return (np.fft.ifft2(spectrum).real * side * side).astype(np.float32)


def _noise(plane: _Plane, channels: int, *, key: int, contrast: float, power: float, colour: bool) -> Floats:
    """Noise whose amplitude falls with frequency to `power`; `contrast` is its standard deviation."""
    side = plane.side

    def amplitude(radius: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(radius**-power)

    reference = side if power == 0 else _PINK_REFERENCE
    energy = float(
        (amplitude(np.maximum(_frequencies(reference)[1], 0.5)) ** 2).sum() - amplitude(np.array(0.5)) ** 2
    )
    scale = contrast * np.sqrt(2 / max(energy, 1.0))
    rows, columns = plane.window
    fields = [
        _field(side, key * 64 + i, amplitude)[rows, columns] * scale for i in range(channels if colour else 1)
    ]
    levels = np.asarray(0.5 + np.stack(fields, axis=-1), np.float32)
    return levels if colour else np.repeat(levels, channels, axis=-1)


def _dead_leaves(
    plane: _Plane, channels: int, *, key: int, smallest: float, largest: float, colour: bool
) -> Floats:
    """Discs that hide one another, radii spread by r^-3, until about 95 % of the square is covered."""
    mean_square = 2 * smallest**2 * np.log(largest / smallest) / (1 - (smallest / largest) ** 2)
    n = int(np.ceil(3 * (1 + 2 * largest) ** 2 / (np.pi * mean_square)))
    draws = uniforms(key * 64, n * 6).reshape(n, 6)
    low, high = smallest**-2, largest**-2
    radii = (low - draws[:, 0] * (low - high)) ** -0.5
    centres = draws[:, 1:3] * (1 + 2 * largest) - largest
    colours = draws[:, 3:].astype(np.float32)
    if not colour:
        colours = np.repeat(colours[:, :1], 3, axis=1)
    canvas = np.full((plane.h, plane.w, 3), 0.5, np.float32)
    side, x, y = plane.side, plane.x[0], plane.y[:, 0]
    for radius, (cx, cy), leaf in zip(radii, centres, colours, strict=True):
        reach = radius + 1 / side
        top, bottom = np.searchsorted(y, (cy - reach, cy + reach))
        left, right = np.searchsorted(x, (cx - reach, cx + reach))
        if top >= bottom or left >= right:
            continue
        distance = np.hypot(y[top:bottom, None] - cy, x[left:right] - cx)
        cover = np.clip((radius - distance) * side + 0.5, 0.0, 1.0).astype(np.float32)[..., None]
        part = canvas[top:bottom, left:right]
        part += cover * (leaf - part)
    return _with_channels(canvas, channels)


# Patterns


def _along(plane: _Plane, degrees: float) -> Floats:
    """Return the distance of each pixel from the middle along a direction; 0 points right, 90 up."""
    angle = np.deg2rad(degrees)
    return np.asarray((plane.x - 0.5) * np.cos(angle) - (plane.y - 0.5) * np.sin(angle), np.float32)


def _wave(plane: _Plane, degrees: float, cycles: float) -> Floats:
    """Return a sine of `cycles` a side, averaged over each pixel; zero above the Nyquist frequency."""
    angle, frequency = np.deg2rad(degrees), cycles / plane.side
    fx, fy = frequency * np.cos(angle), frequency * np.sin(angle)
    contrast = np.sinc(fx) * np.sinc(fy) if max(abs(fx), abs(fy)) <= 0.5 else 0.0
    return np.asarray(contrast * np.sin(2 * np.pi * cycles * _along(plane, degrees)), np.float32)


def _grating(plane: _Plane, channels: int, *, degrees: float, cycles: float) -> Floats:
    return _grey(0.5 + 0.45 * _wave(plane, degrees, cycles), channels)


def _colour_grating(plane: _Plane, channels: int, *, degrees: float, axis: tuple[float, ...]) -> Floats:
    wave = _wave(plane, degrees, 5.0)
    return _with_channels(0.5 + wave[..., None] * np.array(axis, np.float32), channels)


def _edge(plane: _Plane, channels: int, *, degrees: float, width: float) -> Floats:
    ramp = _along(plane, degrees) / max(width, 1 / plane.side)
    return _grey(0.1 + 0.8 * np.clip(ramp + 0.5, 0.0, 1.0), channels)


def _plaid(plane: _Plane, channels: int) -> Floats:
    return _grey(0.5 + 0.24 * (_wave(plane, 45.0, 6.0) + _wave(plane, 135.0, 6.0)), channels)


def _chequers(plane: _Plane, channels: int) -> Floats:
    waves = [np.clip(plane.side / 12 * np.sin(2 * np.pi * 3.0 * v), -1, 1) for v in (plane.x, plane.y)]
    return _grey(0.5 + 0.5 * waves[0] * waves[1], channels)


def _rings(plane: _Plane, channels: int) -> Floats:
    radius = np.hypot(plane.x - 0.5, plane.y - 0.5)
    return _grey(
        0.5 + 0.45 * np.float32(np.sinc(6.0 / plane.side)) * np.cos(2 * np.pi * 6.0 * radius), channels
    )


def _spot(plane: _Plane, channels: int, *, inner: float, outer: float) -> Floats:
    distance = np.hypot(plane.x - 0.5, plane.y - 0.5)
    return _grey(outer + (inner - outer) * np.clip((0.15 - distance) * plane.side + 0.5, 0, 1), channels)


def _flat(plane: _Plane, channels: int, *, colour: tuple[float, ...]) -> Floats:
    return _with_channels(np.broadcast_to(np.array(colour, np.float32), (plane.h, plane.w, 3)), channels)


# Photographs


@cache
def _photograph(name: str) -> Floats:
    """Return a photograph of the installed scikit-image as `(h, w, 3)` in [0,1]; never downloaded."""
    spec = importlib.util.find_spec("skimage")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / f"{name}.png"
        if path.is_file():
            return np.asarray(decode_photograph(path.read_bytes()) / 255, np.float32)
    raise ReportgenError(
        f'photograph "{name}.png" of the probe set is not in the installed scikit-image',
        hint="install scikit-image from its wheel, which ships it",
    )


def _resampling(n: int, offset: int, side: int, start: float, length: float, size: int) -> sparse.csr_matrix:
    """Return `(n, size)` weights that resample part of a row to pixels `offset..offset+n` of `side`.

    A triangle as wide as the coarser of the two pixels: smooth when enlarged, averaged when reduced.
    """
    step = length / side
    centres = start + (np.arange(offset, offset + n) + 0.5) * step - 0.5
    weights = np.maximum(1 - abs(np.arange(size) - centres[:, None]) / max(step, 1.0), 0.0)
    return sparse.csr_matrix((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))


def _photo(plane: _Plane, channels: int, *, name: str, x: float, y: float, span: float) -> Floats:
    """A square crop: `x`, `y` are its middle as shares of each side, `span` its share of the short side."""
    photo = _photograph(name)
    height, width = photo.shape[:2]
    length = span * min(height, width)
    top = min(max(y * height - length / 2, 0), height - length)
    left = min(max(x * width - length / 2, 0), width - length)
    rows, columns = plane.window
    down = _resampling(plane.h, rows.start, plane.side, top, length, height)
    across = _resampling(plane.w, columns.start, plane.side, left, length, width)
    # Sparse products: few terms a pixel, always summed in the same order.
    lines = (down @ photo.reshape(height, -1)).reshape(plane.h, width, 3)
    turned = across @ lines.transpose(1, 0, 2).reshape(width, -1)
    crop = turned.reshape(plane.w, plane.h, 3).transpose(1, 0, 2)
    return _with_channels(np.asarray(crop, np.float32), channels)


# The set


def _noises() -> dict[str, Scene]:
    scenes: dict[str, Scene] = {}
    white = [(0.04, True), (0.1, True), (0.2, True), (0.35, True), (0.1, False), (0.2, False), (0.35, False)]
    pink = [(0.12, True), (0.2, True), (0.28, True), (0.12, False), (0.2, False), (0.28, False)]
    for key, (contrast, colour) in enumerate(white):
        name = f"white-{'colour' if colour else 'grey'}-{contrast:g}"
        scenes[name] = partial(_noise, key=100 + key, contrast=contrast, power=0.0, colour=colour)
    for key, (contrast, colour) in enumerate(pink):
        name = f"pink-{'colour' if colour else 'grey'}-{contrast:g}"
        scenes[name] = partial(_noise, key=200 + key, contrast=contrast, power=1.0, colour=colour)
    radii = [(0.06, 0.4), (0.04, 0.25), (0.03, 0.12), (0.04, 0.08)]
    for key, (smallest, largest) in enumerate(radii):
        for colour in (True, False):
            name = f"leaves-{'colour' if colour else 'grey'}-{largest:g}"
            scenes[name] = partial(
                _dead_leaves, key=300 + 2 * key + colour, smallest=smallest, largest=largest, colour=colour
            )
    return scenes


def _patterns() -> dict[str, Scene]:
    scenes: dict[str, Scene] = {}
    for degrees in (0, 45, 90, 135):
        for cycles in (3, 8, 20):
            scenes[f"grating-{degrees}-{cycles}"] = partial(_grating, degrees=degrees, cycles=cycles)
    for name, axis in (("red-green", (0.4, -0.3, 0.0)), ("yellow-blue", (0.25, 0.25, -0.45))):
        for degrees in (30, 120):
            scenes[f"grating-{name}-{degrees}"] = partial(_colour_grating, degrees=degrees, axis=axis)
    for degrees in (0, 90, 225, 315):
        for name, width in (("sharp", 0.0), ("soft", 0.25)):
            scenes[f"edge-{name}-{degrees}"] = partial(_edge, degrees=degrees, width=width)
    scenes |= {"plaid": _plaid, "chequers": _chequers, "rings": _rings}
    scenes["spot-bright"] = partial(_spot, inner=0.95, outer=0.1)
    scenes["spot-dark"] = partial(_spot, inner=0.05, outer=0.9)
    return scenes


def _photos() -> dict[str, Scene]:
    crops = {
        "astronaut": ("astronaut", 0.5, 0.5, 1.0), "face": ("astronaut", 0.44, 0.22, 0.4),
        "cat": ("chelsea", 0.5, 0.45, 1.0), "coffee": ("coffee", 0.5, 0.5, 1.0),
        "camera": ("camera", 0.5, 0.3, 0.6),
        "motorcycle": ("motorcycle_left", 0.5, 0.5, 0.8), "brick": ("brick", 0.5, 0.5, 0.6),
        "grass": ("grass", 0.5, 0.5, 0.5), "coins": ("coins", 0.5, 0.5, 0.6),
    }  # fmt: skip
    return {f"photo-{k}": partial(_photo, name=n, x=x, y=y, span=s) for k, (n, x, y, s) in crops.items()}


def _flats() -> dict[str, Scene]:
    colours = {"black": (0.0,) * 3, "grey": (0.5,) * 3, "white": (1.0,) * 3, "warm": (0.8, 0.4, 0.2),
               "cool": (0.2, 0.4, 0.8)}  # fmt: skip
    return {f"flat-{name}": partial(_flat, colour=colour) for name, colour in colours.items()}


_SCENES: dict[str, Scene] = _noises() | _patterns() | _photos() | _flats()
