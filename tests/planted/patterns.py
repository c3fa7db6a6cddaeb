"""Kernels with a known optimum: edges, static, brightness. Numbers only, no network.

All are drawn from a generator. Kernels `(k, k, c)` are scaled so that pictures in [0,1] move them by
one at most.
"""

from __future__ import annotations

import numpy as np

Rng = np.random.Generator


def grey_axis(channels: int) -> np.ndarray:
    """Return the direction of brightness, summing to one."""
    return np.full(channels, 1 / channels)


def colour_axis(rng: Rng, channels: int) -> np.ndarray:
    """Return a direction of colour without brightness: one channel against one or two others."""
    one, two, three = rng.permutation(channels)
    axis = np.zeros(channels)
    axis[one] = 1.0
    axis[[two, three]] = (-1.0, 0.0) if rng.random() < 0.5 else (-0.5, -0.5)
    return axis


def scaled(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel whose absolute values sum to 2: zero-mean ones then answer 1 at most."""
    return 2 * kernel / np.abs(kernel).sum()


def edge(k: int, period: float, degrees: float, phase: float, axis: np.ndarray) -> np.ndarray:
    """Return an oriented edge: a wave under a bell, with mean zero. Stripes stand at `degrees`."""
    y, x = np.mgrid[:k, :k] - (k - 1) / 2
    a = np.radians(degrees + 90)
    wave = np.cos(2 * np.pi * (x * np.cos(a) - y * np.sin(a)) / period + phase)
    bell = np.exp(-(x**2 + y**2) / (2 * (0.36 * k) ** 2))
    wave = (wave - (wave * bell).sum() / bell.sum()) * bell
    return scaled(wave[:, :, None] * axis)


def pixel_minus_surround(k: int, side: int, axis: np.ndarray) -> np.ndarray:
    """Return a pixel less the mean of its surround, which answers to single pixels: pepper."""
    kernel, c, r = np.zeros((k, k)), k // 2, side // 2
    kernel[c - r : c + r + 1, c - r : c + r + 1] = -1 / (side**2 - 1)
    kernel[c, c] = 1
    return scaled(kernel[:, :, None] * axis)


def white(rng: Rng, k: int, axis: np.ndarray, draws: int = 20) -> np.ndarray:
    """Return a kernel with no favourite frequency: the whitest of some, each whitened as far as it goes.

    Random phases alone leave peaks between the frequencies of the kernel's own grid; the optimum would be
    the grating at the highest. Alternately the spectrum is made flat and the kernel cut to its size.
    """
    best, peak = None, np.inf
    for _ in range(draws):
        kernel = rng.normal(size=(k, k))
        for _ in range(60):
            waves = np.fft.rfft2(kernel, s=(32, 32))
            kernel = np.fft.irfft2(waves / np.maximum(np.abs(waves), 1e-9), s=(32, 32))[:k, :k]
        kernel = kernel - kernel.mean()
        power = np.abs(np.fft.rfft2(kernel, s=(32, 32))) ** 2
        if power.max() / power.mean() < peak:
            best, peak = kernel, power.max() / power.mean()
    return scaled(best[:, :, None] * axis)


def plain(rng: Rng, k: int, colour: np.ndarray) -> np.ndarray:
    """Return a kernel that wants one colour everywhere: positive weights times a colour."""
    weights = 1 + 0.2 * rng.uniform(-1, 1, (k, k, 1))
    return scaled(weights * colour)


def place(rng: Rng, size: int, axis: np.ndarray, *, low: bool = False) -> np.ndarray:
    """Return a template `(size, size, c)` with stripes at one place, or a few broad ones (`low`)."""
    y, x = np.mgrid[:size, :size].astype(float)
    centre = rng.uniform(0.3, 0.7, 2) * size
    radius = size * (rng.uniform(0.3, 0.45) if low else rng.uniform(0.16, 0.35))
    period = size * rng.uniform(0.25, 0.5) if low else rng.uniform(3, 9)
    a = rng.uniform(0, np.pi)
    wave = np.cos(2 * np.pi * (x * np.cos(a) + y * np.sin(a)) / period + rng.uniform(0, 6.28))
    inside = np.hypot(y - centre[0], x - centre[1]) <= radius
    wave = np.where(inside, wave - wave[inside].mean(), 0)
    return scaled(wave[:, :, None] * axis)


def noise(rng: Rng, size: int, channels: int) -> np.ndarray:
    """Return a random template `(size, size, c)`, each channel with mean zero."""
    values = rng.normal(size=(size, size, channels))
    return scaled(values - values.mean(axis=(0, 1)))


def bar(k: int, width: float, degrees: float, axis: np.ndarray) -> np.ndarray:
    """Return a line of `width` pixels through the middle, less its flanks; it stands at `degrees`."""
    y, x = np.mgrid[:k, :k] - (k - 1) / 2
    a = np.radians(degrees + 90)
    across = x * np.cos(a) - y * np.sin(a)
    profile = np.clip(width / 2 + 0.5 - np.abs(across), 0, 1)
    return scaled((profile - profile.mean())[:, :, None] * axis)


def step(k: int, degrees: float, axis: np.ndarray) -> np.ndarray:
    """Return a difference of two halves, such as Prewitt's; the edge stands at `degrees`."""
    y, x = np.mgrid[:k, :k] - (k - 1) / 2
    a = np.radians(degrees + 90)
    half = np.clip(x * np.cos(a) - y * np.sin(a), -1, 1)
    return scaled((half - half.mean())[:, :, None] * axis)


def lattice(k: int, period: float, degrees: float, axis: np.ndarray) -> np.ndarray:
    """Return two square waves at right angles, their product: chequers that want chequers."""
    y, x = np.mgrid[:k, :k] - (k - 1) / 2
    a = np.radians(degrees)
    u, v = x * np.cos(a) - y * np.sin(a), x * np.sin(a) + y * np.cos(a)
    wave = np.cos(2 * np.pi * u / period) * np.cos(2 * np.pi * v / period)
    return scaled((wave - wave.mean())[:, :, None] * axis)


def spot(k: int, radius: float, axis: np.ndarray) -> np.ndarray:
    """Return a round spot less its surround; it wants spots or curves of that width, in no direction."""
    y, x = np.mgrid[:k, :k] - (k - 1) / 2
    square = (x**2 + y**2) / (2 * radius**2)
    hat = (1 - square) * np.exp(-square)
    return scaled((hat - hat.mean())[:, :, None] * axis)


def random(rng: Rng, k: int, channels: int) -> np.ndarray:
    """Return a kernel of independent normal weights, each channel with mean zero."""
    values = rng.normal(size=(k, k, channels))
    return scaled(values - values.mean(axis=(0, 1)))


def shape(rng: Rng, size: int, axis: np.ndarray) -> np.ndarray:
    """Return a template `(size, size, c)`: a ring, a cross, a corner, half of the field or chequers."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    cy, cx = rng.uniform(-0.12, 0.12, 2) * size
    y, x = (y - cy) / size, (x - cx) / size
    a = rng.uniform(0, np.pi)
    u, v = x * np.cos(a) + y * np.sin(a), -x * np.sin(a) + y * np.cos(a)
    wide = rng.uniform(0.04, 0.09)
    drawn = [
        np.abs(np.hypot(x, y) - rng.uniform(0.16, 0.3)) < wide,
        (np.abs(u) < wide) | (np.abs(v) < wide),
        (u > 0) & (v > 0),
        u > 0,
        np.sin(2 * np.pi * u / (3 * wide)) * np.sin(2 * np.pi * v / (3 * wide)) > 0,
    ][rng.integers(5)]
    values = drawn.astype(float)
    return scaled((values - values.mean())[:, :, None] * axis)
