"""Pooling over windows and over whole maps."""

from __future__ import annotations

import itertools

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.operators.windows import Window, pad, window_of
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Value


@operator("MaxPool", note="its second output, the indices, is not read")
def _max_pool(call: Call) -> Value:
    if len(call.node.output) > 1 and call.node.output[1]:
        call.refuse("gives the indices of its maxima, which are not supported", "export without unpooling")
    window, value = _window(call), call.value(0)
    if window.is_same() and set(window.dilations) == {1} and value.rank == 4:
        layer = call.layer("MaxPooling2D", window.kernel, strides=window.strides, padding="same")
        return call.map_out(layer(call.last(value)))
    tensor = pad(call, call.last(value), window.pads, -np.inf)
    return call.map_out(_swept(call, tensor, window, "max"))


@operator("AveragePool")
def _average_pool(call: Call) -> Value:
    window, value = _window(call), call.value(0)
    inside = bool(call.attr("count_include_pad", 0))
    plain = value.rank == 4 and set(window.dilations) == {1}
    if plain and not inside and window.is_same():
        layer = call.layer("AveragePooling2D", window.kernel, strides=window.strides, padding="same")
        return call.map_out(layer(call.last(value)))
    tensor = _swept(call, pad(call, call.last(value), window.pads, 0.0), window, "average")
    share = _shares(window, inside)
    return call.map_out(tensor if share is None else call.ops.multiply(tensor, share))


@operator("LpPool")
def _lp_pool(call: Call) -> Value:
    window, p = _window(call), float(call.attr("p", 2))
    ops = call.ops
    raised = ops.power(ops.abs(call.last(0)), p)
    tensor = _swept(call, pad(call, raised, window.pads, 0.0), window, "average")
    return call.map_out(ops.power(ops.multiply(tensor, np.float32(np.prod(window.kernel))), 1 / p))


@operator("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def _global(call: Call) -> Value:
    value, ops = call.value(0), call.ops
    for side in value.shape[2:]:
        call.no_batch(side, "mixes")
    tensor, places = call.last(value), tuple(range(1, value.rank - 1))
    kind = call.node.op_type
    if kind == "GlobalLpPool":
        p = float(call.attr("p", 2))
        total = ops.sum(ops.power(ops.abs(tensor), p), axis=places, keepdims=True)
        return call.map_out(ops.power(total, 1 / p))
    if value.rank == 4:
        name = "GlobalAveragePooling2D" if kind == "GlobalAveragePool" else "GlobalMaxPooling2D"
        return call.map_out(call.layer(name, keepdims=True)(tensor))
    reduce = ops.mean if kind == "GlobalAveragePool" else ops.max
    return call.map_out(reduce(tensor, axis=places, keepdims=True))


def _window(call: Call) -> Window:
    value = call.value(0)
    if value.rank not in (3, 4, 5):
        call.refuse(f"pools over {value.rank - 2} axes, wanted 1 to 3")
    kernel = [int(k) for k in call.attr("kernel_shape", [])]
    return window_of(call, value.shape[2:], kernel, ceil_mode=bool(call.attr("ceil_mode", 0)))


def _swept(call: Call, tensor: Tensor, window: Window, how: str) -> Tensor:
    """Return the pooling of a map that already has its pads."""
    if set(window.dilations) != {1} or str(tensor.dtype) != "float32":
        return _gathered(call, tensor, window, how)
    if len(window.kernel) == 2:
        name = "MaxPooling2D" if how == "max" else "AveragePooling2D"
        return call.layer(name, window.kernel, strides=window.strides, padding="valid")(tensor)
    pool = call.ops.max_pool if how == "max" else call.ops.average_pool
    return pool(tensor, window.kernel, strides=window.strides, padding="valid", data_format="channels_last")


def _gathered(call: Call, tensor: Tensor, window: Window, how: str) -> Tensor:
    """Pooling by operations, with one shifted view of the map for each position of the window."""
    ops, found = call.ops, None
    for place in itertools.product(*(range(k) for k in window.kernel)):
        cut = tuple(
            slice(i * d, i * d + (n - 1) * s + 1, s)
            for i, d, n, s in zip(place, window.dilations, window.outputs(), window.strides, strict=True)
        )
        view = tensor[(slice(None), *cut)]
        joined = ops.maximum if how == "max" else ops.add
        found = view if found is None else joined(found, view)
    return found if how == "max" else ops.divide(found, np.float32(np.prod(window.kernel)))


def _shares(window: Window, inside: bool) -> Tensor:
    """Return factors from a mean over whole windows to one over positions that count, or None."""
    shares = np.ones((1,) * (len(window.sides) + 2), np.float64)
    for axis, (side, (before, _), counted, k, s, d, n) in enumerate(
        zip(window.sides, window.pads, window.counted, window.kernel, window.strides, window.dilations,
            window.outputs(), strict=True)
    ):  # fmt: skip
        places = np.arange(n)[:, None] * s + np.arange(k) * d - before
        low, high = (-counted[0], side + counted[1]) if inside else (0, side)
        kept = np.maximum(((places >= low) & (places < high)).sum(axis=1), 1)
        shape = [1] * shares.ndim
        shape[axis + 1] = n
        shares = shares * (k / kept).reshape(shape)
    return None if np.all(shares == 1) else shares.astype(np.float32)
