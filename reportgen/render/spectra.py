"""Spectra: the amplitude of each wave of a picture, by a power law or as measured in photographs.

A picture's waves are those of the orthonormal discrete Fourier transform; frequencies are in cycles a pixel.
A measured spectrum is a few numbers, the same for pictures of any size. Nothing here knows how a picture is
optimised.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from reportgen.spec import SPECTRUM_FREQUENCIES

Array = NDArray[np.float32]

# Grey, yellow-blue and red-green, orthonormal, and how far natural photographs spread along each.
OPPONENT = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])
SPREAD = np.array([1.0, 0.32, 0.16])

_STEEP = 8
"""Power by which waves fade beyond a band, as in a Butterworth filter of half that order."""


def frequencies(height: int, width: int) -> NDArray[np.float64]:
    """Return the frequency of each wave of an `(h, w)` picture, in cycles a pixel."""
    return np.asarray(np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]))


def power_law(height: int, width: int, decay: float, band: float = 0.0) -> Array:
    """Return `(h, w)` amplitudes 1/max(f, 1/N)**decay of mean square 1, N the longer side.

    With a `band` they fade beyond that frequency.
    """
    found = frequencies(height, width)
    weights = 1.0 / np.maximum(found, 1.0 / max(height, width)) ** decay
    if band > 0:
        weights /= 1.0 + (found / band) ** _STEEP
    return np.asarray(weights / np.sqrt(np.mean(weights**2)), np.float32)


def measured_spectrum(pictures: Iterable[NDArray[np.uint8]]) -> tuple[float, ...]:
    """Return the mean amplitudes of photographs at `SPECTRUM_FREQUENCIES`, to four digits.

    Of grey for pictures of one channel, of grey, yellow-blue and red-green, one after the other, for three.
    Each picture is multiplied by a Hann window, so that its edges add no waves. Frequencies too low for the
    pictures' size get the amplitude of the lowest one that they have.

    Args:
        pictures: `(h, w, 1)` or `(h, w, 3)`, all of one size, at least 8 px a side.
    """
    total: NDArray[np.float64] | None = None
    count = 0
    for picture in pictures:
        values = np.asarray(picture, np.float64) / 255.0
        if values.shape[2] == 3:
            values = values @ OPPONENT.T
        window = np.outer(np.hanning(values.shape[0] + 2)[1:-1], np.hanning(values.shape[1] + 2)[1:-1])
        window = window[..., None] / np.sqrt(np.mean(window**2))
        seen = window * (values - np.mean(values, axis=(0, 1)))
        power = np.abs(np.fft.fft2(seen, axes=(0, 1), norm="ortho")) ** 2
        total, count = power if total is None else total + power, count + 1
    if total is None:
        raise ValueError("no picture to measure a spectrum of")
    return tuple(
        float(f"{value:.4g}") for k in range(total.shape[2]) for value in _profile(total[..., k] / count)
    )


def _profile(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return amplitudes at `SPECTRUM_FREQUENCIES` from the power of each wave, averaged over directions."""
    at = frequencies(*power.shape)
    nearest = np.argmin(np.abs(np.log(np.maximum(at, 1e-9))[..., None] - np.log(SPECTRUM_FREQUENCIES)), -1)
    nearest[at == 0] = -1
    bins = [power[nearest == k] for k in range(len(SPECTRUM_FREQUENCIES))]
    there = [k for k, values in enumerate(bins) if values.size]
    amplitudes = [np.sqrt(np.mean(bins[k])) for k in there]
    return np.asarray(np.interp(np.arange(len(bins)), there, amplitudes))


def amplitudes_of(
    spectrum: tuple[float, ...], size: tuple[int, int], channels: int, spread: float, decay: float
) -> Array:
    """Return the amplitude of each wave, `(channels, h, w)`; that of the mean is 0.

    Of three channels these are along grey, yellow-blue and red-green.

    Args:
        spectrum: As from `measured_spectrum`; empty for the power law 1/f**decay, whose pictures have the
            standard deviation `spread` in grey and less in colours, as photographs do.
    """
    at = frequencies(*size)
    if not spectrum:
        shape = power_law(*size, decay) * (at > 0)
        shape = shape * (spread / np.sqrt(np.mean(shape**2)))
        along = np.sqrt(3.0) * SPREAD if channels == 3 else np.ones(channels)
        return np.asarray(shape * along[:, None, None], np.float32)
    profiles = np.reshape(spectrum, (-1, len(SPECTRUM_FREQUENCIES)))
    found = [
        np.interp(np.log(np.maximum(at, 1e-9)), np.log(SPECTRUM_FREQUENCIES), profile) * (at > 0)
        for profile in (profiles[min(k, len(profiles) - 1)] for k in range(channels))
    ]
    return np.asarray(found, np.float32)
