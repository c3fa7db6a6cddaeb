"""Convolutions and transposed convolutions over one, two or three spatial axes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.operators.windows import Window, crop, pad, window_of
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Array, Deferred, SpaceToBatch, Value

_BOTH = "has strides and dilations above 1 at once, which Keras does not compute"


@operator("Conv", fixed=(1, 2))
def _conv(call: Call) -> Value:
    value, kernel = call.value(0), call.array(1)
    groups = int(call.attr("group", 1))
    window = window_of(call, value.shape[2:], kernel.shape[2:])
    if value.rank not in (3, 4, 5):
        call.refuse(f"has {value.rank - 2} spatial axes, wanted 1 to 3")
    if kernel.ndim != value.rank or value.shape[1] != kernel.shape[1] * groups or kernel.shape[0] % groups:
        call.refuse(f"has a kernel of {kernel.shape} in {groups} groups for {value.shape[1]} channels")
    bias = call.array(2) if call.has(2) else absorbed_bias(call, kernel.shape[0])
    if value.space_to_batch is not None and value.axes == (0, 1, 2, 3) and window.is_plain():
        return _dilated(call, value, value.space_to_batch, (kernel, bias), window)
    return _convolved(call, value, kernel, bias, window)


def _convolved(call: Call, value: Value, kernel: Array, bias: Array | None, window: Window) -> Value:
    groups, tensor = int(call.attr("group", 1)), call.last(value)
    padding = "valid"
    if window.is_same():
        padding = "same"
    else:
        tensor = pad(call, tensor, window.pads, 0.0)
    if value.rank == 4 and _is_depthwise(kernel, groups, value.shape[1], window):
        return call.map_out(_depthwise(call, tensor, kernel, bias, window, padding))
    if max(window.strides) > 1 and max(window.dilations) > 1:
        call.refuse(_BOTH)
    layer = call.layer(
        f"Conv{value.rank - 2}D", int(kernel.shape[0]), kernel.shape[2:], strides=window.strides,
        padding=padding, dilation_rate=window.dilations, groups=groups, use_bias=bias is not None,
        kernel_initializer="zeros",
    )  # fmt: skip
    order = (*range(2, kernel.ndim), 1, 0)
    weights = [kernel.transpose(order), *([] if bias is None else [bias])]
    return call.map_out(call.weighted(layer, tensor, weights))


def _dilated(
    call: Call, value: Value, dealt: SpaceToBatch, weights: tuple[Array, Array | None], window: Window
) -> Value:
    """Return a convolution over blocks of a map as the equivalent dilated one over the whole map."""
    kernel, bias = weights
    rows, columns = window.outputs()
    wide = tuple(d * dealt.block for d in window.dilations)

    def build(cut: tuple[int, int]) -> Value:
        whole = dealt.whole
        if any(cut):
            tensor = call.layer("Cropping2D", tuple((0, c) for c in cut))(call.last(whole))
            whole = call.map_out(tensor)
        over = dataclasses.replace(window, sides=whole.shape[2:], dilations=wide)
        made = _convolved(call, whole, kernel, bias, over)
        call.builder.name(call.node, [made], [dealt.whole])
        return made

    whole_shape = (dealt.whole.shape[0], kernel.shape[0], rows * dealt.block, columns * dealt.block)
    result = Value(whole_shape, value.dtype, axes=(0, 1, 2, 3), deferred=Deferred(build))
    shape = (value.shape[0], kernel.shape[0], rows, columns)
    return Value(shape, value.dtype, axes=(0, 1, 2, 3), space_to_batch=SpaceToBatch(result, dealt.block))


def _is_depthwise(kernel: Array, groups: int, channels: int, window: Window) -> bool:
    even = len(set(window.strides)) == 1
    plain = set(window.strides) == {1} or set(window.dilations) == {1}
    return groups == channels > 1 and kernel.shape[1] == 1 and even and plain


def _depthwise(
    call: Call, tensor: Tensor, kernel: Array, bias: Array | None, window: Window, padding: str
) -> Tensor:
    channels = int(tensor.shape[-1])
    multiplier = kernel.shape[0] // channels
    layer = call.layer(
        "DepthwiseConv2D", kernel.shape[2:], strides=window.strides, padding=padding,
        depth_multiplier=multiplier, dilation_rate=window.dilations, use_bias=bias is not None,
        depthwise_initializer="zeros",
    )  # fmt: skip
    weight = kernel.reshape(channels, multiplier, *kernel.shape[2:]).transpose(2, 3, 0, 1)
    return call.weighted(layer, tensor, [weight, *([] if bias is None else [bias])])


def absorbed_bias(call: Call, n_units: int) -> Array | None:
    """Return the constant that the next node adds to each channel, and mark that node as done.

    Some exporters write a layer's bias as a separate Add.
    """
    builder, output = call.builder, call.node.output[0]
    reader = builder.only_consumer(output)
    if reader is None or reader.op_type != "Add" or list(reader.input).count(output) != 1:
        return None
    other = builder.values.get(next(name for name in reader.input if name != output))
    if other is None or other.array is None or other.array.size != n_units:
        return None
    if other.rank > call.value(0).rank or other.rank < call.value(0).rank - 1:
        return None
    if other.shape[-(call.value(0).rank - 1)] != n_units:
        return None
    builder.absorb(call.node, reader)
    return np.asarray(other.array.reshape(-1))


@operator("ConvTranspose", fixed=(1, 2))
def _transposed(call: Call) -> Value:
    value, kernel = call.value(0), call.array(1)
    groups, channels = int(call.attr("group", 1)), value.shape[1]
    if value.rank not in (3, 4, 5) or kernel.ndim != value.rank or kernel.shape[0] != channels:
        call.refuse(f"has a kernel of {kernel.shape} for a map of {value.shape[1:]}")
    bias = call.array(2) if call.has(2) else absorbed_bias(call, kernel.shape[1] * groups)
    spread = _Spread(call, value.shape[2:], kernel.shape[2:])
    parts = _split(call, call.last(value), groups)
    kernels = np.split(kernel, groups)
    late = bias is not None and (groups > 1 or spread.reaches_past)
    use = None if late else bias
    made = [_spread_out(call, p, k, use, spread) for p, k in zip(parts, kernels, strict=True)]
    tensor = made[0] if groups == 1 else call.ops.concatenate(made, axis=-1)
    tensor = tensor if spread.padding == "same" else crop(call, tensor, spread.before, spread.sizes)
    return call.map_out(call.ops.add(tensor, bias) if late else tensor)


def _split(call: Call, tensor: Tensor, groups: int) -> list[Tensor]:
    return [tensor] if groups == 1 else list(call.ops.split(tensor, groups, axis=-1))


def _spread_out(call: Call, tensor: Tensor, kernel: Array, bias: Array | None, spread: _Spread) -> Tensor:
    layer = call.layer(
        f"Conv{kernel.ndim - 2}DTranspose", int(kernel.shape[1]), kernel.shape[2:], strides=spread.strides,
        padding=spread.padding, dilation_rate=spread.dilations, use_bias=bias is not None,
        kernel_initializer="zeros",
    )  # fmt: skip
    weight = kernel.transpose((*range(2, kernel.ndim), 1, 0))
    return call.weighted(layer, tensor, [weight, *([] if bias is None else [bias])])


class _Spread:
    """The part of a transposed convolution's full output that it keeps.

    Attributes:
        strides, dilations: As the node has them.
        before: Positions cut off in front, on each axis.
        sizes: Positions kept.
        padding: `same` where Keras cuts the same ones off, else `valid`.
        reaches_past: Whether positions are kept that no kernel reaches.
    """

    def __init__(self, call: Call, sides: Sequence[int], kernel: Sequence[int]) -> None:
        n = len(sides)
        self.strides = tuple(int(s) for s in call.attr("strides", [1] * n))
        self.dilations = tuple(int(d) for d in call.attr("dilations", [1] * n))
        if max(self.strides) > 1 and max(self.dilations) > 1:
            call.refuse(_BOTH)
        more = [int(p) for p in call.attr("output_padding", [0] * n)]
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, self.dilations, strict=True)]
        full = [s * (side - 1) + r for s, side, r in zip(self.strides, sides, reach, strict=True)]
        pads = [int(p) for p in call.attr("pads", [0] * 2 * n)]
        auto, wanted = str(call.attr("auto_pad", "NOTSET")), call.attr("output_shape")
        self.before, self.sizes = (
            pads[:n],
            [f + m - b - e for f, m, b, e in zip(full, more, pads[:n], pads[n:], strict=True)],
        )
        if wanted is not None or auto.startswith("SAME"):
            goal = (
                [int(w) for w in wanted][-n:]
                if wanted is not None
                else [side * s for side, s in zip(sides, self.strides, strict=True)]
            )
            total = [f + m - g for f, m, g in zip(full, more, goal, strict=True)]
            upper = auto == "SAME_UPPER"
            self.before = [max(0, t // 2 if upper else t - t // 2) for t in total]
            self.sizes = goal
        self.reaches_past = any(b + s > f for b, s, f in zip(self.before, self.sizes, full, strict=True))
        same = all(
            s * side == size and r >= s and b == (r - s) // 2 and d == 1
            for s, side, size, r, b, d in zip(
                self.strides, sides, self.sizes, reach, self.before, self.dilations, strict=True
            )
        )
        self.padding = "same" if same else "valid"
