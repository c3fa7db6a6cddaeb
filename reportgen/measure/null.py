"""Networks without structure, for the renderer's null: what it produces for objectives that have none.

Pictures rendered for them, with a recipe's own settings, are the baseline of the structure score. Units of
maps are means over six rectified random kernels of one size. Units of vectors are the means of such units
over a whole picture, and random templates, since a vector may follow convolutions or read pixels. All are
spectrally white, so that no frequency or direction is favoured. Half of them treat all channels the same,
since static of one colour has fewer independent pixels than static of three. The mean of each channel is
zero: a kernel with a mean asks for brightness, and its pictures would be flat rather than static.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ShapeError
from reportgen.keras_types import Network, Tensor
from reportgen.measure.probes import uniforms
from reportgen.models import Cut
from reportgen.models.framework import keras_module
from reportgen.units import InputRange

KERNEL_SIZES = (3, 5, 7, 9)
UNITS_PER_SIZE = {"map": 8, "vector": 4}
KERNELS_PER_UNIT = 6
TEMPLATES = 16
SMALL_CANVAS = 48 * 48
"""Pixels up to which tracing one network more costs more than the kernels that a picture does not need."""

_KEY = 1 << 40
"""Keys of the null's random numbers start here, so that they differ from those of the probes."""


def null_cuts(
    canvas_px: tuple[int, int],
    channels: int,
    kind: Literal["map", "vector"],
    seed: int = 0,
    input_range: InputRange | None = None,
) -> list[Cut]:
    """Return networks whose units have no structure.

    Args:
        canvas_px: Height and width of the pictures.
        channels: Of the pictures.
        kind: `map`: 8 units for each kernel size of 3, 5, 7 and 9 that fits the canvas at least twice, in one
            network on small canvases, in one network for each size on others. `vector`: 4 such units for
            each size, averaged over the picture, and 16 templates.
        seed: Draws other networks of the same kind.
        input_range: Of the model whose null this is; only `raw_network` uses it. 0..1 if None.

    Returns:
        Cuts whose `pre` and `post` are the same, and never negative except for templates. Their weights are
        the same on every backend.

    Raises:
        ShapeError: The canvas is smaller than 6 pixels, or there are no channels.
    """
    if min(canvas_px) < 2 * KERNEL_SIZES[0] or channels < 1:
        raise ShapeError(
            f"null canvas {canvas_px[0]}x{canvas_px[1]} with {channels} channels, wanted 6x6 and 1"
        )
    scale = dataclasses.replace(input_range or InputRange(), order="rgb")
    sizes = [size for size in KERNEL_SIZES if 2 * size <= min(canvas_px)]
    # A picture runs through all kernels of its network, and each network must be traced.
    groups = [sizes] if canvas_px[0] * canvas_px[1] <= SMALL_CANVAS else [[size] for size in sizes]
    cuts = [_kernel_cut(canvas_px, channels, group, seed, scale, kind) for group in groups]
    return [*cuts, _template_cut(canvas_px, channels, seed, scale)] if kind == "vector" else cuts


def white_kernels(size: int, channels: int, n: int, seed: int) -> NDArray[np.float32]:
    """Return `(size, size, channels, n)` kernels of norm 1 with the same power at every frequency but zero.

    Phases are random, in the first half of the kernels independent in each channel, in the second half
    the same in all; the mean of each channel is zero.
    """
    f = np.fft.fftfreq(size, 1 / size).round().astype(int)
    fy, fx = np.meshgrid(f, f, indexing="ij")
    phases = uniforms(_KEY + seed * 4096 + size, n * channels * size * size).reshape(n, channels, size, size)
    # Opposite frequencies of a real kernel have opposite phases; so has the difference of two uniform draws.
    opposite = phases[..., -fy % size, -fx % size]
    amplitude = np.where((fy == 0) & (fx == 0), 0.0, 1.0)
    kernels = np.fft.ifft2(amplitude * np.exp(2j * np.pi * (phases - opposite))).real
    kernels[(n + 1) // 2 :, 1:] = kernels[(n + 1) // 2 :, :1]
    kernels /= np.sqrt((kernels**2).sum(axis=(1, 2, 3), keepdims=True))
    return kernels.transpose(2, 3, 1, 0).astype(np.float32)


def white_templates(canvas_px: tuple[int, int], channels: int, n: int, seed: int) -> NDArray[np.float32]:
    """Return `(h, w, channels, n)` Gaussian templates of norm 1, each channel with mean zero.

    The second half of them have the same values in all channels.
    """
    shape = (n, *canvas_px, channels)
    draws = uniforms(_KEY + seed * 4096, 2 * int(np.prod(shape))).reshape(2, *shape)
    # Box and Muller, "A note on the generation of random normal deviates", 1958.
    values = np.sqrt(-2 * np.log1p(-draws[0])) * np.cos(2 * np.pi * draws[1])
    values[(n + 1) // 2 :] = values[(n + 1) // 2 :, :, :, :1]
    values -= values.mean(axis=(1, 2), keepdims=True)
    values /= np.sqrt((values**2).sum(axis=(1, 2, 3), keepdims=True))
    return np.asarray(values.transpose(1, 2, 3, 0), np.float32)


def _kernel_cut(canvas_px: tuple[int, int], channels: int, sizes: list[int], seed: int, scale: InputRange,
                kind: Literal["map", "vector"]) -> Cut:  # fmt: skip
    """Return units over rectified kernels of these sizes; those of vectors are averaged over the picture."""
    keras = keras_module()
    n_each, whole = UNITS_PER_SIZE[kind], kind == "vector"
    n_kernels = n_each * KERNELS_PER_UNIT
    mean = np.repeat(np.eye(n_each), KERNELS_PER_UNIT, axis=0) / KERNELS_PER_UNIT
    picture = keras.Input((*canvas_px, channels), dtype="float32")
    units = []
    for size in sizes:
        padding = "valid" if whole else "same"  # a vector has no rim that could be left out
        kernels = keras.layers.Conv2D(n_kernels, size, padding=padding, activation="relu", use_bias=False)
        means = keras.layers.Conv2D(n_each, 1, use_bias=False)
        responses = means(kernels(picture))
        units.append(keras.layers.GlobalAveragePooling2D()(responses) if whole else responses)
        kernels.set_weights([white_kernels(size, channels, n_kernels, seed)])
        means.set_weights([mean[None, None].astype(np.float32)])
    maps = keras.layers.Concatenate()(units) if len(units) > 1 else units[0]
    n_units, name = n_each * len(sizes), "null-" + "-".join(map(str, sizes))
    return _cut(keras.Model(picture, [maps, maps]), canvas_px, channels, n_units, name, scale)


def _template_cut(canvas_px: tuple[int, int], channels: int, seed: int, scale: InputRange) -> Cut:
    keras = keras_module()
    templates = keras.layers.Dense(TEMPLATES, use_bias=False, name="templates")
    picture = keras.Input((*canvas_px, channels), dtype="float32")
    units = templates(keras.layers.Flatten()(picture))
    templates.set_weights([white_templates(canvas_px, channels, TEMPLATES, seed).reshape(-1, TEMPLATES)])
    return _cut(keras.Model(picture, [units, units]), canvas_px, channels, TEMPLATES, "null-templates", scale)


def _cut(
    network: Network, canvas_px: tuple[int, int], channels: int, n_units: int, name: str, scale: InputRange
) -> Cut:
    network.trainable = False
    return Cut(
        network=network,
        raw_network=_from_raw(network, scale, channels),
        n_units=n_units,
        canvas_px=canvas_px,
        channels=channels,
        input_range=scale,
        is_map=len(network.outputs[0].shape) == 4,
        layer_name=name,
    )


def _from_raw(network: Network, scale: InputRange, channels: int) -> Tensor:
    """Return the network on pictures in the model's own range."""
    keras = keras_module()
    low, high = (np.broadcast_to(np.asarray(end, float), (channels,)) for end in (scale.low, scale.high))
    if (low == 0).all() and (high == 1).all():
        return network
    raw = keras.Input(network.inputs[0].shape[1:], dtype="float32")
    factor = 1 / (high - low)
    scaled = keras.layers.Rescaling(factor.tolist(), offset=(-low * factor).tolist(), dtype="float32")(raw)
    mapped = keras.Model(raw, network(scaled, training=False))
    mapped.trainable = False
    return mapped
