"""Where a picture starts, and which way a step takes it.

`pixel` steps in every pixel alike; `fourier` prefers broad waves, weighing each by 1/f in a real basis any
backend can compute by small matrix products; `raw` steps through the model's own input values. All keep
the picture itself as the numbers that are optimised. Nothing here knows a network or an objective.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from reportgen.render.randomness import normals, uniforms
from reportgen.spec import RenderSpec
from reportgen.units import InputRange

Tensor = Any
Array = NDArray[np.float32]
Shape = tuple[int, int, int]

_START, _LOUDER_START = 1, 2  # streams of random numbers
LOUDER = 6.0
"""How many times the noise of a start that found nothing is raised."""

_STEEP = 8
"""Power by which steps fade beyond the band, as in a Butterworth filter of half that order."""

# Grey, yellow-blue and red-green, orthonormal, and how far natural photographs spread along each.
_OPPONENT = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])
_SPREAD = np.array([1.0, 0.32, 0.16])


@dataclass(frozen=True)
class Parametrization:
    """A way to start pictures and to move them.

    Attributes:
        start: From random keys (n) and whether to start louder, pictures `(n, h, w, c)` in [0,1] (or, for
            `raw`, in the model's range).
        stepped: From pictures and what the optimiser would subtract, the next pictures, same shape.
        to_unit: From pictures as arrays, values whose valid range is [0,1].
    """

    start: Callable[[Sequence[int], bool], Array]
    stepped: Callable[[Tensor, Tensor], Tensor]
    to_unit: Callable[[Array], Array]


def parametrization(recipe: RenderSpec, shape: Shape, input_range: InputRange) -> Parametrization:
    """Return the recipe's parametrization of pictures of `shape` (h, w, c)."""
    if recipe.parametrization == "fourier":
        return fourier(recipe, shape)
    if recipe.parametrization == "raw":
        return raw(recipe, shape, input_range)
    return pixel(recipe, shape)


def pixel(recipe: RenderSpec, shape: Shape) -> Parametrization:
    """The picture itself, kept in [0,1]; starts as white noise around the mean."""

    def start(keys: Sequence[int], louder: bool) -> Array:
        if louder:
            noise = LOUDER * _coarse(_noise(keys, shape, _LOUDER_START))
        else:
            noise = _noise(keys, shape, _START)
        return np.clip(recipe.start_mean + recipe.start_noise * noise, 0.0, 1.0).astype(np.float32)

    return Parametrization(start, lambda x, change: ops.clip(x - change, 0.0, 1.0), np.asarray)


def fourier(recipe: RenderSpec, shape: Shape) -> Parametrization:
    """The picture, kept in [0,1], whose steps prefer broad waves and, decorrelated, grey to colour.

    A step is weighed wave by wave, 1/max(|f|, 1/N)**decay of mean square 1 (and hardly anything beyond
    `band`, where photographs have hardly anything), and colour by colour, by the spread of photographs.
    Values at an end of their range that would leave it take no part in the step: two-metric projection
    (Bertsekas, SIAM J. Control and Optimization 20, 1982), without which the others drag them along, and
    textures and colours end in plain black or white. The basis is the Hartley transform (cas x cas;
    Bracewell, "Discrete Hartley transform", 1983): real, orthonormal and its own inverse.
    """
    height, width, channels = shape
    rows, columns = _hartley(height), _hartley(width)
    weights = _amplitudes(height, width, recipe.decay, recipe.band)[None, :, :, None]
    colours = _colours(channels, recipe.decorrelate)

    def shaped(values: Tensor) -> Tensor:
        return values if colours is None else ops.matmul(values, colours)

    def start(keys: Sequence[int], louder: bool) -> Array:
        noise = recipe.start_noise * (LOUDER if louder else 1.0) * weights
        noise = noise * _noise(keys, shape, _LOUDER_START if louder else _START)
        waves = shaped(_transformed(noise.astype(np.float32), rows, columns))
        picture = recipe.start_mean + np.asarray(ops.convert_to_numpy(waves))
        return np.clip(picture, 0.0, 1.0).astype(np.float32)

    def stepped(x: Tensor, change: Tensor) -> Tensor:
        held = ((x <= 0.0) & (change > 0.0)) | ((x >= 1.0) & (change < 0.0))
        free = 1.0 - ops.cast(held, "float32")
        waves = _transformed(free * change, rows, columns)
        return ops.clip(x - free * shaped(_transformed(weights * waves, rows, columns)), 0.0, 1.0)

    return Parametrization(start, stepped, np.asarray)


def raw(recipe: RenderSpec, shape: Shape, input_range: InputRange) -> Parametrization:
    """Unbounded values as the model takes them, range and order; starts as uniform noise of exact moments."""
    low, high = (np.asarray(ends, np.float64) for ends in (input_range.low, input_range.high))

    def start(keys: Sequence[int], louder: bool) -> Array:
        noise = uniforms(keys, _LOUDER_START if louder else _START, int(np.prod(shape)))
        noise = (noise - noise.mean(axis=1, keepdims=True)) / (noise.std(axis=1, keepdims=True) + 1e-12)
        level = recipe.start_mean + recipe.start_noise * (LOUDER if louder else 1.0) * noise.reshape(
            -1, *shape
        )
        return np.asarray(low + (high - low) * level, np.float32)

    def to_unit(values: Array) -> Array:
        unit = np.asarray((values - low) / np.where(high == low, 1.0, high - low), np.float32)
        return unit[..., ::-1] if input_range.order == "bgr" else unit

    return Parametrization(start, lambda x, change: x - change, to_unit)


def _transformed(pictures: Tensor, rows: Array, columns: Array) -> Tensor:
    # The symmetric matrices act on one axis each; the transposes put that axis last.
    waves = ops.matmul(ops.transpose(pictures, (0, 3, 1, 2)), columns)
    return ops.transpose(ops.matmul(rows, waves), (0, 2, 3, 1))


def _noise(keys: Sequence[int], shape: Shape, stream: int) -> NDArray[np.float64]:
    return normals(keys, stream, int(np.prod(shape))).reshape(-1, *shape)


def _coarse(noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return noise averaged over 3 x 3 neighbours around the edges, of the same spread as before."""
    for axis in (1, 2):
        if noise.shape[axis] >= 3:
            noise = (noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)) / np.sqrt(3.0)
    return np.asarray(noise)


def _hartley(size: int) -> Array:
    angle = 2.0 * np.pi * np.outer(np.arange(size), np.arange(size)) / size
    return np.asarray((np.cos(angle) + np.sin(angle)) / np.sqrt(size), np.float32)


def _amplitudes(height: int, width: int, decay: float, band: float) -> Array:
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    weights = 1.0 / np.maximum(frequency, 1.0 / max(height, width)) ** decay
    if band > 0:
        weights /= 1.0 + (frequency / band) ** _STEEP
    return np.asarray(weights / np.sqrt(np.mean(weights**2)), np.float32)


def _colours(channels: int, decorrelate: bool) -> Array | None:
    """Return the symmetric (3, 3) matrix that weighs grey and opponent colours, or None for no weighing."""
    if not decorrelate or channels != 3:
        return None
    return np.asarray(_OPPONENT.T @ (_SPREAD[:, None] * _OPPONENT), np.float32)
