"""Parametrizations: where a picture starts, and how a step changes it.

`pixel` weighs every pixel equally; `fourier` prefers low frequencies, weighing each by a power of 1/f; `raw`
optimises the model's own input values. These optimise the picture itself. `spectrum` optimises Fourier
coefficients behind a sigmoid, as Lucid does, `phases` the phases of waves of given amplitudes, as MaCo does.
Nothing here knows a network or an objective.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from keras import ops
from numpy.typing import NDArray

from reportgen.keras_types import Tensor
from reportgen.registry import Registry
from reportgen.render.backend import backend
from reportgen.render.randomness import normals, uniforms
from reportgen.render.spectra import OPPONENT, SPREAD, amplitudes_of, frequencies, power_law
from reportgen.spec import CHOICES, RenderSpec
from reportgen.units import InputRange

Array = NDArray[np.float32]
Shape = tuple[int, int, int]

_START, _LOUDER_START = 1, 2  # streams of random numbers
LOUDER = 6.0
"""Factor of the noise when an ascent is restarted because it gained nothing."""

# Lucid's square root of the covariance of colours.
_LUCID_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]])
_EDGE = 1e-3
"""How near to black and white a given picture may be where a sigmoid must be inverted."""
_LUCID_SCALE = 4.0
"""Lucid's divisor of its Fourier coefficients, which gives pictures a low contrast at the start."""


@dataclass(frozen=True)
class Parametrization:
    """How pictures start and how a step changes them.

    Attributes:
        start: From random keys (n) and whether to start louder, the numbers that are optimised,
            `(n, h, w, c)`: pictures in [0,1] (for `raw`, in the model's range), waves or phases.
        direction: From these and a gradient, the gradient in the parametrization's own metric, same shape.
        stepped: From these and a step to subtract, the next ones, same shape.
        to_unit: From these as arrays, of one picture `(h, w, c)` or several, values whose valid range is
            [0,1].
        numbers_of: From such a picture, red first, the numbers that are optimised: `to_unit` of them is the
            picture again (of `phases`, one with the same phases).
        picture: From these as tensors, what the network sees; None where they are the picture itself.
    """

    start: Callable[[Sequence[int], bool], Array]
    direction: Callable[[Tensor, Tensor], Tensor]
    stepped: Callable[[Tensor, Tensor], Tensor]
    to_unit: Callable[[Array], Array]
    numbers_of: Callable[[Array], Array]
    picture: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class NamedParametrization:
    """A parametrization that recipes may name.

    Attributes:
        make: From recipe, shape and input range.
        compiled: Fields of a recipe whose values its `picture` and `stepped` hold: compiled in.
        own_range: Whether its numbers are the model's own input values, not pictures in [0,1].
    """

    make: Callable[[RenderSpec, Shape, InputRange], Parametrization]
    compiled: tuple[str, ...]
    own_range: bool


PARAMETRIZATIONS: Registry[NamedParametrization] = Registry("parametrization", CHOICES["parametrization"])


def _named(
    name: str, *, compiled: tuple[str, ...] = (), own_range: bool = False
) -> Callable[[Callable[[RenderSpec, Shape, InputRange], Parametrization]], Callable[..., Parametrization]]:
    """Return a decorator that registers a parametrization under the name that recipes use."""

    def entered(
        make: Callable[[RenderSpec, Shape, InputRange], Parametrization],
    ) -> Callable[..., Parametrization]:
        PARAMETRIZATIONS.register(name, NamedParametrization(make, compiled, own_range))
        return make

    return entered


def parametrization(recipe: RenderSpec, shape: Shape, input_range: InputRange) -> Parametrization:
    """Return the recipe's parametrization of pictures of `shape` (h, w, c)."""
    return PARAMETRIZATIONS[recipe.parametrization].make(recipe, shape, input_range)


@_named("pixel")
def pixel(recipe: RenderSpec, shape: Shape, input_range: InputRange) -> Parametrization:
    """The picture itself, kept in [0,1]; starts as white noise around the mean."""

    def start(keys: Sequence[int], louder: bool) -> Array:
        if louder:
            noise = LOUDER * _coarse(_noise(keys, shape, _LOUDER_START))
        else:
            noise = _noise(keys, shape, _START)
        return np.clip(recipe.start_mean + recipe.start_noise * noise, 0.0, 1.0).astype(np.float32)

    return Parametrization(start, _as_it_is, _kept_in_range, np.asarray, _float32)


@_named("fourier", compiled=("decay", "band", "decorrelate"))
def fourier(recipe: RenderSpec, shape: Shape, input_range: InputRange) -> Parametrization:
    """The picture, kept in [0,1], whose steps prefer low frequencies and, decorrelated, grey to colour.

    A step is weighed by frequency, 1/max(|f|, 1/N)**decay of mean square 1 (and hardly anything beyond
    `band`, where photographs have hardly any power), and by colour, with the spread of photographs.
    Values at an end of their range that would leave it are excluded from the step: two-metric projection
    (Bertsekas, SIAM J. Control and Optimization 20, 1982). Without it they would move with the others, and
    textures and colours would end in plain black or white.
    """
    height, width, channels = shape
    weights = power_law(height, width, recipe.decay, recipe.band)
    colours = _colours(channels, recipe.decorrelate)

    def start(keys: Sequence[int], louder: bool) -> Array:
        noise = _noise(keys, shape, _LOUDER_START if louder else _START)
        waves = np.fft.fft2(noise, axes=(1, 2)) * weights[:, :, None]
        values = np.fft.ifft2(waves, axes=(1, 2)).real
        values = values if colours is None else values @ colours
        loudness = recipe.start_noise * (LOUDER if louder else 1.0)
        return np.clip(recipe.start_mean + loudness * values, 0.0, 1.0).astype(np.float32)

    def direction(x: Tensor, gradient: Tensor) -> Tensor:
        held = ((x <= 0.0) & (gradient > 0.0)) | ((x >= 1.0) & (gradient < 0.0))
        free = 1.0 - ops.cast(held, "float32")
        planes = ops.transpose(free * gradient, (0, 3, 1, 2))
        weighed = ops.transpose(backend().weighed_waves(planes, weights), (0, 2, 3, 1))
        return free * (weighed if colours is None else ops.matmul(weighed, colours))

    return Parametrization(start, direction, _kept_in_range, np.asarray, _float32)


@_named("raw", own_range=True)
def raw(recipe: RenderSpec, shape: Shape, input_range: InputRange) -> Parametrization:
    """Unbounded values in the model's range and channel order; starts as uniform noise of exact moments."""
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

    def numbers_of(picture: Array) -> Array:
        ordered = picture[..., ::-1] if input_range.order == "bgr" else picture
        return np.asarray(low + (high - low) * ordered, np.float32)

    return Parametrization(start, _as_it_is, ops.subtract, to_unit, numbers_of)


@_named("spectrum", compiled=("decay", "decorrelate", "start_mean"))
def spectrum(recipe: RenderSpec, shape: Shape, input_range: InputRange) -> Parametrization:
    """Fourier coefficients, weighed by 1/f, behind a sigmoid (Olah et al., "Feature visualization", 2017).

    Constants of Lucid 0.3: `fft_image` with its decorrelated colours and `to_valid_rgb`. The basis is the
    Hartley transform (cas x cas; Bracewell, "Discrete Hartley transform", 1983): real, orthonormal and its
    own inverse.
    """
    height, width, channels = shape
    rows, columns = _hartley(height), _hartley(width)
    weights = 1.0 / np.maximum(frequencies(height, width), 1.0 / max(height, width)) ** recipe.decay
    scale = np.asarray(weights / _LUCID_SCALE, np.float32)[None, :, :, None]
    colours = None
    if recipe.decorrelate and channels == 3:
        largest = np.max(np.linalg.norm(_LUCID_COLOURS, axis=0))
        colours = np.asarray((_LUCID_COLOURS / largest).T, np.float32)
    level = np.float32(_logit(recipe.start_mean))

    def picture(waves: Tensor) -> Tensor:
        values = _transformed(waves * scale, rows, columns)
        return ops.sigmoid(level + (values if colours is None else ops.matmul(values, colours)))

    def start(keys: Sequence[int], louder: bool) -> Array:
        noise = _noise(keys, shape, _LOUDER_START if louder else _START)
        return np.asarray(recipe.start_noise * (LOUDER if louder else 1.0) * noise, np.float32)

    def numbers_of(picture: Array) -> Array:
        held = np.clip(picture, _EDGE, 1.0 - _EDGE)
        values = np.log(held / (1.0 - held)) - level
        if colours is not None:
            values = values @ np.linalg.inv(colours)
        waves = _transformed(np.asarray(values, np.float32)[None], rows, columns)
        return np.asarray(ops.convert_to_numpy(waves)[0] / scale[0], np.float32)

    return Parametrization(start, _as_it_is, ops.subtract, _as_arrays(picture), numbers_of, picture)


@_named("phases", compiled=("decay", "spectrum", "start_mean", "start_noise"))
def phases(recipe: RenderSpec, shape: Shape, input_range: InputRange) -> Parametrization:
    """Phases of waves whose amplitudes are given (Fel et al., "MaCo", NeurIPS 2023).

    The amplitudes are the recipe's `spectrum`, or 1/f**decay with the spread `start_noise`; the mean is
    `start_mean`. A wave's phase is the difference of two numbers, its own and its mirror's, so that every
    choice of numbers is a real picture. The network's input is clipped to [0,1]; before clipping, the picture
    has exactly the given spectrum.
    """
    height, width, channels = shape
    strengths = amplitudes_of(
        recipe.spectrum, (height, width), channels, recipe.start_noise, recipe.decay
    ) * np.float32(np.sqrt(height * width))
    axes = np.asarray(OPPONENT, np.float32) if channels == 3 else None

    def picture(numbers: Tensor) -> Tensor:
        own = ops.transpose(numbers, (0, 3, 1, 2))
        angle = own - ops.roll(ops.flip(own, axis=(2, 3)), (1, 1), axis=(2, 3))
        waves, _ = ops.ifft2((strengths * ops.cos(angle), strengths * ops.sin(angle)))
        values = ops.transpose(waves, (0, 2, 3, 1))
        return ops.clip(recipe.start_mean + (values if axes is None else ops.matmul(values, axes)), 0.0, 1.0)

    def start(keys: Sequence[int], louder: bool) -> Array:
        draws = uniforms(keys, _LOUDER_START if louder else _START, int(np.prod(shape)))
        return np.asarray(np.pi * (2.0 * draws - 1.0), np.float32).reshape(-1, *shape)

    def numbers_of(picture: Array) -> Array:
        values = picture - recipe.start_mean
        waves = np.fft.fft2(values if axes is None else values @ axes.T, axes=(0, 1))
        return np.asarray(np.angle(waves) / 2.0, np.float32)

    return Parametrization(start, _as_it_is, ops.subtract, _as_arrays(picture), numbers_of, picture)


def _as_it_is(x: Tensor, gradient: Tensor) -> Tensor:
    return gradient


def _kept_in_range(x: Tensor, step: Tensor) -> Tensor:
    return ops.clip(x - step, 0.0, 1.0)


def _as_arrays(picture: Callable[[Tensor], Tensor]) -> Callable[[Array], Array]:
    """Return the function for numpy arrays, of one picture's numbers or of several pictures'."""

    def to_unit(values: Array) -> Array:
        several = np.asarray(values, np.float32).reshape(-1, *np.shape(values)[-3:])
        return np.asarray(ops.convert_to_numpy(picture(several)), np.float32).reshape(np.shape(values))

    return to_unit


def _float32(picture: Array) -> Array:
    return np.asarray(picture, np.float32)


def _logit(share: float) -> float:
    held = min(max(share, 1e-3), 1.0 - 1e-3)
    return float(np.log(held / (1.0 - held)))


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


def _colours(channels: int, decorrelate: bool) -> Array | None:
    """Return the symmetric (3, 3) matrix that weighs grey and opponent colours, or None for no weighing."""
    if not decorrelate or channels != 3:
        return None
    return np.asarray(OPPONENT.T @ (SPREAD[:, None] * OPPONENT), np.float32)
