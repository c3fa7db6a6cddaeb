"""Resize and Upsample in all modes: whole factors as UpSampling2D, all else as one matrix an axis.

Every mode of ONNX is separable, so along one axis a resize is a product with a matrix of output
by input positions, computed here in float64.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from reportgen.keras_types import KerasLayer, Nest, Tensor
from reportgen.models.framework import keras_module
from reportgen.models.graph.kinds import DerivedConstant
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Array, Value, channels_last, live


@dataclass(frozen=True)
class Axis:
    """How one axis is resized.

    Attributes:
        side, size: Positions before and after.
        scale: Factor that coordinates are divided by.
        region: Start and end of the part read, as shares; `tf_crop_and_resize` only.
    """

    side: int
    size: int
    scale: float
    region: tuple[float, float] = (0.0, 1.0)


@operator("Upsample", fixed=(1,))
def _upsample(call: Call) -> Value:
    scales = call.array(1).reshape(-1) if call.has(1) else np.asarray(call.attr("scales"))
    value = call.value(0)
    axes = [Axis(s, math.floor(s * f), float(f)) for s, f in zip(value.shape, scales, strict=True)]
    mode = {"bilinear": "linear"}.get(str(call.attr("mode", "nearest")), str(call.attr("mode", "nearest")))
    return _resized(call, axes, mode, "asymmetric", "floor")


@operator("Resize", fixed=(1, 2, 3))
def _resize(call: Call) -> Value:
    mode = str(call.attr("mode", "nearest"))
    if call.version < 11:
        scales = call.array(1).reshape(-1)
        axes = [
            Axis(s, math.floor(s * f), float(f)) for s, f in zip(call.value(0).shape, scales, strict=True)
        ]
        return _resized(call, axes, mode, "asymmetric", "floor")
    how = str(call.attr("coordinate_transformation_mode", "half_pixel"))
    nearest = str(call.attr("nearest_mode", "round_prefer_floor"))
    return _resized(call, _axes(call, how), mode, how, nearest)


def _axes(call: Call, how: str) -> list[Axis]:
    """Return how each axis is resized, from scales or sizes."""
    shape = call.value(0).shape
    chosen = [int(a) % len(shape) for a in call.attr("axes", range(len(shape)))]
    found = [Axis(s, s, 1.0) for s in shape]
    roi = call.array(1).reshape(-1) if call.has(1) and how == "tf_crop_and_resize" else None
    scales = call.array(2).reshape(-1) if call.has(2) else np.zeros(0)
    sizes = call.ints(3) if call.has(3) else []
    if sizes:
        sizes = [call.opened(n, shape[a]) for n, a in zip(sizes, chosen, strict=True)]
        factors = [n / shape[a] for n, a in zip(sizes, chosen, strict=True)]
        policy = str(call.attr("keep_aspect_ratio_policy", "stretch"))
        if policy != "stretch":
            factor = min(factors) if policy == "not_larger" else max(factors)
            factors = [factor] * len(chosen)
            sizes = [math.floor(shape[a] * factor + 0.5) for a in chosen]
    else:
        factors = [float(f) for f in scales]
        sizes = [math.floor(shape[a] * f) for a, f in zip(chosen, factors, strict=True)]
    for i, axis in enumerate(chosen):
        region = (float(roi[i]), float(roi[i + len(chosen)])) if roi is not None else (0.0, 1.0)
        if roi is not None and not call.has(3):
            sizes[i] = math.floor(shape[axis] * (region[1] - region[0]) * factors[i])
        found[axis] = Axis(shape[axis], sizes[i], factors[i], region)
    return found


def _resized(call: Call, axes: list[Axis], mode: str, how: str, nearest: str) -> Value:
    if mode not in ("nearest", "linear", "cubic"):
        call.refuse(f'resizes by "{mode}", wanted nearest, linear or cubic')
    value = call.value(0)
    cropped = how == "tf_crop_and_resize"
    work = [
        i for i, a in enumerate(axes) if a.side != a.size or a.scale != 1 or (cropped and a.region != (0, 1))
    ]
    for i in work:
        call.no_batch(value.shape[i], "resizes")
        if axes[i].size < 1 or axes[i].size * axes[i].side * 4 > call.builder.source.max_memory:
            call.refuse(f"resizes {axes[i].side} to {axes[i].size} positions")
    if set(work) <= {2, 3} and value.rank == 4 and work:
        made = _upsampled(call, axes, mode, how, nearest)
        if made is not None:
            return made
        if _follows_canvas(call, axes, how) and value.dtype == "float32":
            options = {name: call.attr(name) for name in _OPTIONS if call.attr(name) is not None}
            layer = resized_layer()((axes[2].scale, axes[3].scale), mode, how, nearest, options)
            return call.map_out(layer(call.last(value)))
    tensor, order = call.held(value)
    outside = np.zeros(0)
    for i in work:
        matrix, outside = _matrix(call, axes[i], mode, how, nearest)
        tensor = _along(call, tensor, order.index(i), matrix, value.dtype)
        if outside.any():
            fill = np.asarray(call.attr("extrapolation_value", 0.0), value.dtype)
            shape = [1] * value.rank
            shape[order.index(i)] = -1
            tensor = call.ops.where(outside.reshape(shape), fill, tensor)
    return live(tensor, order)


_OPTIONS = ("cubic_coeff_a", "exclude_outside", "antialias")


def _follows_canvas(call: Call, axes: list[Axis], how: str) -> bool:
    """Whether a resize is by factors, given or whole, and so is the same for maps of any size."""
    if how == "tf_crop_and_resize":
        return False
    given = call.version < 11 or not call.has(3)
    return all(
        math.floor(a.side * a.scale) == a.size and (given or a.scale == int(a.scale)) for a in axes[2:]
    )


@functools.cache
def resized_layer() -> type[KerasLayer]:
    """Return the layer that resizes maps `(n, h, w, c)` by factors; Keras is imported on first use."""
    keras = keras_module()

    class Resized(keras.layers.Layer):  # type: ignore[misc, name-defined, unused-ignore]
        """A resize by factors as ONNX defines it, computed for each size of map."""

        def __init__(
            self, scale: Nest, mode: str, how: str, nearest: str, options: Any, **more: object
        ) -> None:
            super().__init__(dtype="float32", **more)
            self.scale = (float(scale[0]), float(scale[1]))
            self.mode, self.how, self.nearest, self.options = mode, how, nearest, dict(options)

        def call(self, inputs: Tensor) -> Tensor:
            settings = SimpleNamespace(ops=keras.ops, attr=self.options.get)
            for at, scale in zip((1, 2), self.scale, strict=True):
                side = int(inputs.shape[at])
                axis = Axis(side, math.floor(side * scale), scale)
                if axis.size != side or scale != 1:
                    matrix, _ = _matrix(settings, axis, self.mode, self.how, self.nearest)
                    inputs = _along(settings, inputs, at, matrix, "float32")
            return inputs

        def compute_output_shape(self, input_shape: Nest) -> Nest:
            batch, *sides, channels = input_shape
            made = [math.floor(side * scale) for side, scale in zip(sides, self.scale, strict=True)]
            return (batch, *made, channels)

        def get_config(self) -> dict[str, Any]:
            own = {"scale": self.scale, "mode": self.mode, "how": self.how, "nearest": self.nearest}
            return {**super().get_config(), **own, "options": self.options}

    Resized.__module__ = __name__
    return Resized


def _upsampled(call: Call, axes: list[Axis], mode: str, how: str, nearest: str) -> Value | None:
    """Return a resize by a whole factor as UpSampling2D, where that is exactly the same; else None."""
    factors = [axes[i].size // axes[i].side for i in (2, 3)]
    if any(
        axes[i].size != f * axes[i].side or axes[i].scale != f for i, f in zip((2, 3), factors, strict=True)
    ):
        return None
    if mode == "nearest":
        for f in factors:
            probe = Axis(8, 8 * f, float(f))
            matrix, _ = _matrix(call, probe, mode, how, nearest)
            if how == "align_corners" or not np.array_equal(matrix, np.repeat(np.eye(8), f, axis=0)):
                return None
        word = "nearest"
    elif mode == "linear" and how in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        word = "bilinear"
        if call.attr("exclude_outside", 0):
            return None
    else:
        return None
    layer = call.layer("UpSampling2D", tuple(factors), interpolation=word)
    return live(layer(call.last(0)), channels_last(4))


def _along(call: Call | SimpleNamespace, tensor: Tensor, at: int, matrix: Array, dtype: str) -> Tensor:
    """Return a tensor with one axis multiplied by a matrix; a gather where its rows have one entry."""
    ops = call.ops
    if np.all((matrix == 0) | (matrix == 1)) and np.all(matrix.sum(axis=1) == 1):
        return ops.take(tensor, matrix.argmax(axis=1).astype(np.int32), axis=at)
    rank = len(tensor.shape)
    letters = "abcdefgh"[:rank]
    other = letters.replace(letters[at], "z")
    cast = dtype != "float32"
    tensor = ops.cast(tensor, "float32") if cast else tensor
    shares = matrix.astype(np.float32).view(DerivedConstant)
    made = ops.einsum(f"{letters},z{letters[at]}->{other}", tensor, shares)
    return ops.cast(made, dtype) if cast else made


def _places(axis: Axis, how: str) -> Array:
    """Return for each output position its coordinate in the input, in float32 (rounding decides ties)."""
    out, half, scale = np.arange(axis.size, dtype=np.float32), np.float32(0.5), np.float32(axis.scale)
    if how == "asymmetric":
        return out / scale
    if how == "align_corners":
        return (
            out * np.float32(axis.side - 1) / np.float32(axis.size - 1)
            if axis.size > 1
            else np.zeros_like(out)
        )
    if how == "pytorch_half_pixel":
        return (out + half) / scale - half if axis.size > 1 else np.zeros_like(out)
    if how == "half_pixel_symmetric":
        adjust = axis.size / (axis.side * axis.scale)
        return np.float32(axis.side / 2 * (1 - adjust)) + (out + half) / scale - half
    if how == "tf_half_pixel_for_nn":
        return (out + half) / scale
    if how == "tf_crop_and_resize":
        start, end = axis.region
        if axis.size > 1:
            return np.float32(start * (axis.side - 1)) + out * np.float32(
                (end - start) * (axis.side - 1) / (axis.size - 1)
            )
        return np.full_like(out, 0.5 * (start + end) * (axis.side - 1))
    return (out + half) / scale - half


def _matrix(
    call: Call | SimpleNamespace, axis: Axis, mode: str, how: str, nearest: str
) -> tuple[Array, Array]:
    """Return weights of output by input positions, and which outputs are outside the input."""
    places = _places(axis, how)
    outside = np.zeros(axis.size, bool)
    if how == "tf_crop_and_resize":
        outside = (places < 0) | (places > axis.side - 1)
    matrix = np.zeros((axis.size, axis.side))
    if mode == "nearest":
        matrix[np.arange(axis.size), np.clip(_rounded(places, nearest), 0, axis.side - 1)] = 1
        return matrix, outside
    reach, weigh = (1, _tent) if mode == "linear" else (2, _cubic(float(call.attr("cubic_coeff_a", -0.75))))
    scale = min(1.0, axis.scale) if call.attr("antialias", 0) else 1.0
    width = math.ceil(reach / scale)
    base = np.floor(places).astype(int)
    rows = np.arange(axis.size)
    for step in range(1 - width, width + 1):
        at = base + step
        share = weigh((places - at) * scale)
        if call.attr("exclude_outside", 0) or scale < 1:
            share = np.where(
                (at < 0) | (at >= axis.side), 0 if call.attr("exclude_outside", 0) else share, share
            )
        np.add.at(matrix, (rows, np.clip(at, 0, axis.side - 1)), share)
    if call.attr("exclude_outside", 0) or scale < 1:
        matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix, outside


def _tent(x: Array) -> Array:
    return np.asarray(np.maximum(0.0, 1 - np.abs(x)))


def _cubic(a: float) -> Callable[[Array], Array]:
    def weigh(x: Array) -> Array:
        x = np.abs(x)
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        return np.asarray(np.where(x <= 1, near, np.where(x < 2, far, 0.0)))

    return weigh


def _rounded(places: Array, nearest: str) -> Array:
    if nearest == "floor":
        found = np.floor(places)
    elif nearest == "ceil":
        found = np.ceil(places)
    elif nearest == "round_prefer_ceil":
        found = np.floor(places + 0.5)
    else:
        found = np.ceil(places - 0.5)
    return np.asarray(found, int)
