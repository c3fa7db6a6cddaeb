"""How a picture is written as the numbers that are optimised, and where those start.

`pixel` is the picture itself; `fourier` its spectrum, in a real basis any backend can compute by two
small matrix products; `raw` the model's own input values. Nothing here knows a network or an objective.
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

# Grey, yellow-blue and red-green, orthonormal, and how far natural photographs spread along each.
_OPPONENT = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])
_SPREAD = np.array([1.0, 0.32, 0.16])


@dataclass(frozen=True)
class Parametrization:
    """A way to write pictures as numbers.

    Attributes:
        start: From random keys (n) and whether to start louder, `(n, h, w, c)` numbers.
        to_picture: From the numbers, pictures in [0,1] (or, for `raw`, in the model's range), same shape.
        project: Puts numbers back where they may be, after each step.
        is_picture: Whether numbers and picture are the same.
        to_unit: From the pictures as arrays, values whose valid range is [0,1].
    """

    start: Callable[[Sequence[int], bool], Array]
    to_picture: Callable[[Tensor], Tensor]
    project: Callable[[Tensor], Tensor]
    is_picture: bool
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

    return Parametrization(start, _same, lambda x: ops.clip(x, 0.0, 1.0), True, np.asarray)


def fourier(recipe: RenderSpec, shape: Shape) -> Parametrization:
    """Coefficients of plane waves, weighted by 1/f, through a sigmoid into (0,1).

    The basis is the separable Hartley transform (cas x cas; Bracewell, "Discrete Hartley transform", 1983):
    real, orthonormal and its own inverse. The coefficient of the wave (u, v) weighs 1/max(|f|, 1/N)**decay,
    scaled so that coefficients of spread s give a picture of spread s before the sigmoid.
    """
    height, width, channels = shape
    rows, columns = _hartley(height), _hartley(width)
    weights = _amplitudes(height, width, recipe.decay)[None, :, :, None]
    colours = _colours(channels, recipe.decorrelate)
    offset = float(np.log(_inside(recipe.start_mean) / (1.0 - _inside(recipe.start_mean))))

    def start(keys: Sequence[int], louder: bool) -> Array:
        # A quarter is the slope of the sigmoid in its middle.
        scale = 4.0 * recipe.start_noise * (LOUDER if louder else 1.0)
        return (scale * _noise(keys, shape, _LOUDER_START if louder else _START)).astype(np.float32)

    def to_picture(x: Tensor) -> Tensor:
        # The symmetric matrices act on one axis each; the transposes put that axis last.
        waves = ops.matmul(ops.transpose(x * weights, (0, 3, 1, 2)), columns)
        waves = ops.transpose(ops.matmul(rows, waves), (0, 2, 3, 1))
        if colours is not None:
            waves = ops.matmul(waves, colours)
        return ops.sigmoid(waves + offset)

    return Parametrization(start, to_picture, _same, False, np.asarray)


def raw(recipe: RenderSpec, shape: Shape, input_range: InputRange) -> Parametrization:
    """Unbounded values in the model's own input range; starts as uniform noise of exact mean and spread."""
    low, high = (np.asarray(ends, np.float64) for ends in (input_range.low, input_range.high))

    def start(keys: Sequence[int], louder: bool) -> Array:
        noise = uniforms(keys, _LOUDER_START if louder else _START, int(np.prod(shape)))
        noise = (noise - noise.mean(axis=1, keepdims=True)) / (noise.std(axis=1, keepdims=True) + 1e-12)
        level = recipe.start_mean + recipe.start_noise * (LOUDER if louder else 1.0) * noise.reshape(
            -1, *shape
        )
        return np.asarray(low + (high - low) * level, np.float32)

    def to_unit(values: Array) -> Array:
        return np.asarray((values - low) / np.where(high == low, 1.0, high - low), np.float32)

    return Parametrization(start, _same, _same, True, to_unit)


def _same(x: Tensor) -> Tensor:
    return x


def _inside(level: float) -> float:
    return min(max(level, 0.01), 0.99)


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


def _amplitudes(height: int, width: int, decay: float) -> Array:
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    weights = 1.0 / np.maximum(frequency, 1.0 / max(height, width)) ** decay
    return np.asarray(weights / np.sqrt(np.mean(weights**2)), np.float32)


def _colours(channels: int, decorrelate: bool) -> Array | None:
    """Return the (3, 3) matrix from independent to natural colours, or None where there is nothing to do."""
    if not decorrelate or channels != 3:
        return None
    matrix = _SPREAD[:, None] * _OPPONENT
    return np.asarray(matrix / np.sqrt(np.mean(np.sum(matrix**2, axis=0))), np.float32)
