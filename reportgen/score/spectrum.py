"""What repeats in a picture: its power spectrum and autocorrelation, position-free.

A picture is split into opponent colours and read through overlapping Hann windows of 32 px, so
that the same pattern elsewhere in the picture gives the same spectrum. Pictures that were moved around
their own edges while they were made have no frame, and are read around the edges as well. What a
spectrum says of a unit is not known here.

Reference: P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra", 1967.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

Floats = NDArray[np.float32]

WINDOW_PX = 32
"""Side of a window; smaller pictures are read through one as large as they allow."""

STEP_PX = 14
"""Most pixels between neighbouring windows."""

_ROUNDING = 1e-10

LEAST_PX = 16
"""Least side of the inside of a picture that can be judged: below it lags of 3 px and more do not fit."""


@lru_cache(maxsize=32)
def opponent_axes(channels: int) -> Floats:
    """Return `(channels, channels)` orthonormal colour axes: the sum first, then differences.

    For 3 channels: brightness, red against green, red and green against blue (a Helmert matrix). Orthonormal,
    so that the power of a picture is the sum over its opponent channels.

    Example:
        >>> opponent_axes(3).round(2).tolist()[1]
        [0.7099999785423279, -0.7099999785423279, 0.0]
    """
    axes = np.zeros((channels, channels))
    axes[0] = 1 / np.sqrt(channels)
    for i in range(1, channels):
        axes[i, :i] = 1
        axes[i, i] = -i
        axes[i] /= np.sqrt(i * (i + 1))
    return axes.astype(np.float32)


def inside(pictures: NDArray[np.uint8], crop: float) -> Floats:
    """Return the inside of pictures in [0,1].

    Args:
        pictures: `(..., h, w, c)` uint8.
        crop: Share left out on each side.
    """
    top, left = round(crop * pictures.shape[-3]), round(crop * pictures.shape[-2])
    h, w = pictures.shape[-3] - 2 * top, pictures.shape[-2] - 2 * left
    return pictures[..., top : top + h, left : left + w, :].astype(np.float32) / np.float32(255)


def window_side(h: int, w: int) -> int:
    """Return the side of the windows for a picture of `h` by `w` pixels: even, at most 32."""
    return min(WINDOW_PX, h, w) // 2 * 2


def spectrum(pictures: Floats, around: bool = False) -> Floats:
    """Return the Welch power spectrum of each opponent channel.

    Each window loses its own (weighted) mean, so that neither brightness nor slow drifts count.

    Args:
        pictures: `(n, h, w, c)` in [0,1], each side at least `LEAST_PX`.
        around: Whether windows go on around the edges, for pictures that have none: every pixel then
            counts alike, and a small picture has four times the windows.

    Returns:
        `(n, c, N, N // 2 + 1)`: the half plane of `rfft2`, N the window's side; rows are vertical
        frequencies.
    """
    n, h, w, c = pictures.shape
    side = window_side(h, w)
    taper = _taper(side)
    weight = taper / taper.sum()
    colours = np.ascontiguousarray(np.moveaxis(pictures @ opponent_axes(c).T, -1, 1))
    power = np.zeros((n, c, side, side // 2 + 1), np.float32)
    if around:
        colours = np.pad(colours, ((0, 0), (0, 0), (0, side), (0, side)), mode="wrap")
    starts = [(y, x) for y in _starts(h, side, around) for x in _starts(w, side, around)]
    for y, x in starts:
        window = colours[:, :, y : y + side, x : x + side]
        mean = np.einsum("ncyx,yx->nc", window, weight)[:, :, None, None]
        waves = fft.rfft2((window - mean) * taper)
        power += waves.real**2 + waves.imag**2
    power /= len(starts)
    power[:, :, 0, 0] = 0
    # What is left of one colour after rounding is not a pattern.
    variance = (power * frequencies(side).weight).sum(axis=(1, 2, 3)) / side**4
    power[variance < _ROUNDING] = 0
    return power


def autocorrelation(power: Floats) -> Floats:
    """Return the autocorrelation, 1 at lag 0, of spectra `(..., N, N // 2 + 1)`.

    Returns:
        `(..., N, N)` with lag 0 first, as `ifft2` orders it; the windows' taper is left in it. Zeros where
        there is no power.
    """
    side = power.shape[-2]
    found = fft.irfft2(power, s=(side, side))
    total = found[..., :1, :1]
    safe = np.where(total > 0, total, 1)
    return np.asarray(np.where(total > 0, found / safe, 0), np.float32)


@lru_cache(maxsize=32)
def lag_radius(side: int) -> Floats:
    """Return `(side, side)` distances in pixels of each lag from lag 0, as `autocorrelation` orders them."""
    lag = np.minimum(np.arange(side), side - np.arange(side))
    return np.hypot(lag[:, None], lag[None, :]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Frequencies:
    """The half plane of a window: radius in cycles a pixel, stripe direction, and how often each counts.

    `stripes` are directions in degrees, 0..180, counter-clockwise from horizontal, of the stripes that
    have this frequency.
    """

    radius: Floats
    stripes: Floats
    weight: Floats


@lru_cache(maxsize=32)
def frequencies(side: int) -> Frequencies:
    """Return what the entries of `spectrum` of windows of `side` stand for."""
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    radius = np.hypot(fy, fx)
    # Rows run downwards, so a wave's direction is atan2(-fy, fx); its stripes stand across it.
    stripes = (np.degrees(np.arctan2(-fy, fx)) + 90) % 180
    weight = np.full_like(radius, 2)
    weight[:, [0, -1]] = 1
    weight[0, 0] = 0
    return Frequencies(
        radius.astype(np.float32), (stripes + 0 * radius).astype(np.float32), weight.astype(np.float32)
    )


@dataclass(frozen=True, slots=True)
class Stripes:
    """The prevailing pattern of a picture.

    Attributes:
        degrees: Prevailing direction of its stripes, counter-clockwise from horizontal, 0..180.
        oriented: How far all power has that direction: 1 for a grating, 0 for noise and for plaids.
        period_px: Of the strongest wave.
        share: Of the power, that which is next to the strongest wave's frequency; near 1 for a pure grating.
    """

    degrees: float
    oriented: float
    period_px: float
    share: float


def prevailing(power: Floats) -> Stripes | None:
    """Return the prevailing pattern of a spectrum `(c, N, N // 2 + 1)`; None where there is no power."""
    plane = power.sum(axis=0)
    side = plane.shape[0]
    grid = frequencies(side)
    mass = plane * grid.weight
    total = float(mass.sum())
    if total <= 0:
        return None
    # Stripes at t and t + 180 degrees are the same, so directions are averaged at twice their angle.
    mean = complex((mass * np.exp(2j * np.radians(grid.stripes))).sum()) / total
    row, column = np.unravel_index(int(np.argmax(plane)), plane.shape)
    # A wave that runs up or down stands in the half plane twice, with either sign.
    near = np.zeros(plane.shape, bool)
    for y, x in ((row, column), (-row, -column)):
        dy = (np.arange(side) - y + side // 2) % side - side // 2
        near |= np.hypot(dy[:, None], (np.arange(side // 2 + 1) - x)[None, :]) <= 1.6
    near[0, 0] = False
    radius = float((mass * near * grid.radius).sum() / (mass * near).sum())
    return Stripes(
        degrees=float(np.degrees(np.angle(mean)) / 2 % 180),
        oriented=min(1.0, abs(mean)),
        period_px=1 / radius,
        share=min(1.0, float((mass * near).sum()) / total),
    )


def _starts(length: int, side: int, around: bool) -> list[int]:
    """Return evenly spread first pixels of windows, at most `STEP_PX` apart, from edge to edge or around."""
    if around:
        count = -(-length // STEP_PX)
        return [round(length * i / count) for i in range(count)]
    room = length - side
    count = -(-room // STEP_PX) + 1
    return [round(room * i / (count - 1)) for i in range(count)] if count > 1 else [0]


@lru_cache(maxsize=32)
def _taper(side: int) -> Floats:
    line = signal.get_window("hann", side)
    return np.outer(line, line).astype(np.float32)
