"""Activations, as layers that the rest of the package recognises by name."""

from __future__ import annotations

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.own_layers import own_layers
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Value, live, target

_NAMED = {
    "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus", "Softsign": "softsign",
    "HardSwish": "hard_silu", "Mish": "mish",
}  # fmt: skip


@operator(*_NAMED, elementwise=True)
def _named(call: Call) -> Value:
    return call.unary(call.layer("Activation", _NAMED[call.node.op_type]))


@operator("Relu", elementwise=True)
def _relu(call: Call) -> Value:
    if call.value(0).dtype != "float32":
        return call.unary(call.ops.relu)
    return call.unary(call.layer("ReLU"))


@operator("LeakyRelu", elementwise=True)
def _leaky(call: Call) -> Value:
    return call.unary(call.layer("LeakyReLU", negative_slope=float(call.attr("alpha", 0.01))))


@operator("PRelu")
def _prelu(call: Call) -> Value:
    """One slope for each channel becomes a PReLU layer; other slopes, and computed ones, two halves."""
    value, slope, ops = call.value(0), call.value(1), call.ops
    if slope.array is not None and value.rank == 4:
        spread = slope.array.reshape((1,) * (4 - slope.rank) + slope.shape)
        if spread.shape[0] == spread.shape[2] == spread.shape[3] == 1:
            alpha = np.broadcast_to(spread.reshape(1, 1, -1), (1, 1, value.shape[1]))
            layer = call.layer("PReLU", shared_axes=[1, 2])
            return call.map_out(call.weighted(layer, call.last(value), [alpha]))
    return call.elementwise(
        lambda x, a: ops.add(ops.maximum(x, np.float32(0)), ops.multiply(ops.minimum(x, np.float32(0)), a)),
        value, slope,
    )  # fmt: skip


@operator("Elu", elementwise=True)
def _elu(call: Call) -> Value:
    return call.unary(call.layer("ELU", alpha=float(call.attr("alpha", 1.0))))


@operator("Selu", elementwise=True)
def _selu(call: Call) -> Value:
    alpha = float(call.attr("alpha", 1.67326319217681884765625))
    gamma = float(call.attr("gamma", 1.05070102214813232421875))
    if abs(alpha - 1.6732632) < 1e-6 and abs(gamma - 1.0507010) < 1e-6:
        return call.unary(call.layer("Activation", "selu"))
    elu = call.layer("ELU", alpha=alpha)
    return call.unary(lambda x: call.ops.multiply(elu(x), np.float32(gamma)))


@operator("Celu", elementwise=True)
def _celu(call: Call) -> Value:
    return call.unary(lambda x: call.ops.celu(x, alpha=float(call.attr("alpha", 1.0))))


@operator("Gelu", elementwise=True)
def _gelu(call: Call) -> Value:
    if call.attr("approximate", "none") == "tanh":
        return call.unary(lambda x: call.ops.gelu(x, approximate=True))
    return call.unary(lambda x: call.ops.gelu(x, approximate=False))


@operator("Swish", elementwise=True)
def _swish(call: Call) -> Value:
    alpha = float(call.attr("alpha", 1.0))
    if alpha == 1.0:
        return call.unary(call.layer("Activation", "silu"))
    ops = call.ops
    return call.unary(lambda x: ops.multiply(x, ops.sigmoid(ops.multiply(x, np.float32(alpha)))))


@operator("HardSigmoid", elementwise=True)
def _hard_sigmoid(call: Call) -> Value:
    alpha, beta = float(call.attr("alpha", 0.2)), float(call.attr("beta", 0.5))
    if abs(alpha - 1 / 6) < 1e-7 and beta == 0.5:
        return call.unary(call.layer("Activation", "hard_sigmoid"))
    return call.unary(own_layers().HardSigmoid(alpha=alpha, beta=beta, dtype="float32"))


@operator("ThresholdedRelu", elementwise=True)
def _threshold(call: Call) -> Value:
    alpha = np.float32(call.attr("alpha", 1.0))
    return call.unary(lambda x: call.ops.where(call.ops.greater(x, alpha), x, np.float32(0)))


@operator("Shrink", elementwise=True)
def _shrink(call: Call) -> Value:
    ops, dtype = call.ops, call.value(0).dtype
    limit = np.asarray(call.attr("lambd", 0.5), "float32")
    bias = np.asarray(call.attr("bias", 0.0), "float32")

    def shrink(x: Tensor) -> Tensor:
        x = ops.cast(x, "float32")
        low = ops.where(ops.less(x, -limit), ops.add(x, bias), np.float32(0))
        return ops.cast(ops.where(ops.greater(x, limit), ops.subtract(x, bias), low), dtype)

    return call.unary(shrink)


@operator("Softmax", "LogSoftmax", "Hardmax")
def _softmax(call: Call) -> Value:
    """Over one axis; before opset 13, over all axes from the given one, flattened."""
    value, kind = call.value(0), call.node.op_type
    axis = int(call.attr("axis", -1 if call.version >= 13 else 1))
    axis = axis % value.rank if value.rank else 0
    over_all = call.version < 13 and any(s != 1 for s in value.shape[axis + 1 :])
    if over_all:
        rows, columns = int(np.prod(value.shape[:axis])), int(np.prod(value.shape[axis:]))
        flat = call.ops.reshape(call.plain(value), target((rows, columns)))
        return live(call.ops.reshape(_over(call, kind, flat, 1), target(value.shape)))
    call.no_batch(value.shape[axis], "compares")
    tensor, axes = call.held(value)
    return live(_over(call, kind, tensor, axes.index(axis)), axes)


def _over(call: Call, kind: str, tensor: Tensor, at: int) -> Tensor:
    axis = -1 if at == len(tensor.shape) - 1 else at
    if kind == "Softmax":
        return call.layer("Softmax", axis=axis)(tensor)
    if kind == "LogSoftmax":
        return call.ops.log_softmax(tensor, axis=axis)
    best = call.ops.argmax(tensor, axis=axis)
    return call.ops.one_hot(best, int(tensor.shape[axis]), axis=axis, dtype="float32")
