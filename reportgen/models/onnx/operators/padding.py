"""Pads of all modes, and pads and crops to a size."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from reportgen.keras_types import KerasLayer, Nest, Tensor
from reportgen.models.framework import keras_module
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Value, carries_batch, live

_NUMPY = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


@operator("Pad", fixed=(1, 2, 3))
def _pad(call: Call) -> Value:
    value = call.value(0)
    pads = call.listed(1, "pads") or []
    axes = call.ints(3) if call.has(3) else list(range(value.rank))
    widths = [(0, 0)] * value.rank
    for i, axis in enumerate(axes):
        widths[axis % value.rank] = (pads[i], pads[i + len(axes)])
    for side, width in zip(value.shape, widths, strict=True):
        if any(width):
            call.no_batch(side, "adds to")
    mode = str(call.attr("mode", "constant"))
    fill = np.ravel(call.array(2))[0] if call.has(2) else call.attr("value", 0.0)
    tensor, order = call.held(value)
    return live(_padded(call, tensor, [widths[a] for a in order], mode, np.asarray(fill, value.dtype)), order)


def _padded(
    call: Call, tensor: Tensor, widths: list[tuple[int, int]], mode: str, fill: float | np.ndarray
) -> Tensor:
    if any(min(w) < 0 for w in widths):
        tensor = tensor[tuple(slice(max(-b, 0), -max(-e, 0) or None) for b, e in widths)]
        widths = [(max(b, 0), max(e, 0)) for b, e in widths]
    if not any(any(w) for w in widths):
        return tensor
    if mode == "constant":
        if fill == 0 and len(widths) == 4 and not any(widths[0] + widths[3]):
            return call.layer("ZeroPadding2D", tuple(widths[1:3]))(tensor)
        return call.ops.pad(tensor, widths, constant_values=fill)
    if mode not in _NUMPY:
        call.refuse(f'pads by "{mode}", wanted constant, reflect, edge or wrap')
    if mode == "reflect" and all(max(w) < int(s) for w, s in zip(widths, tensor.shape, strict=True)):
        return call.ops.pad(tensor, widths, mode="reflect")
    if mode == "edge" and len(widths) == 4 and not any(widths[0] + widths[3]):
        return edge_padding_layer()(widths[1:3])(tensor)
    for axis, width in enumerate(widths):
        if any(width):
            index: Any = np.pad(np.arange(int(tensor.shape[axis])), width, mode=_NUMPY[mode])  # type: ignore[call-overload]
            tensor = call.ops.take(tensor, index.astype(np.int32), axis=axis)
    return tensor


@functools.cache
def edge_padding_layer() -> type[KerasLayer]:
    """Return the layer that repeats the edges of maps `(n, h, w, c)`; Keras is imported on first use."""
    keras = keras_module()

    class EdgePadding(keras.layers.Layer):  # type: ignore[misc, name-defined, unused-ignore]
        """Edge padding on a map of any size."""

        def __init__(self, widths: Nest, **more: object) -> None:
            super().__init__(dtype="float32", **more)
            self.widths = tuple((int(before), int(after)) for before, after in widths)

        def call(self, inputs: Tensor) -> Tensor:
            for at, width in zip((1, 2), self.widths, strict=True):
                if any(width):
                    index = np.pad(np.arange(int(inputs.shape[at])), width, mode="edge").astype(np.int32)
                    inputs = keras.ops.take(inputs, index, axis=at)
            return inputs

        def compute_output_shape(self, input_shape: Nest) -> Nest:
            batch, *sides, channels = input_shape
            return (
                batch,
                *(side + sum(width) for side, width in zip(sides, self.widths, strict=True)),
                channels,
            )

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "widths": self.widths}

    EdgePadding.__module__ = __name__
    return EdgePadding


@operator("CenterCropPad", fixed=(1,))
def _center(call: Call) -> Value:
    value, wanted = call.value(0), call.ints(1)
    axes = [int(a) % value.rank for a in call.attr("axes", range(value.rank))]
    widths = [(0, 0)] * value.rank
    for axis, size in zip(axes, wanted, strict=True):
        side = value.shape[axis]
        if side == size or (carries_batch(side) and carries_batch(size)):
            continue
        call.no_batch(side, "picks from")
        before = abs(size - side) // 2
        after = abs(size - side) - before
        widths[axis] = (before, after) if size > side else (-before, -after)
    tensor, order = call.held(value)
    fill = np.asarray(0, value.dtype)
    return live(_padded(call, tensor, [widths[a] for a in order], "constant", fill), order)
