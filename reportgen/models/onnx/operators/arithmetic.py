"""Elementwise operators: sums, products, powers, functions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Value, live

_UNARY = {
    "Abs": "abs", "Neg": "negative", "Ceil": "ceil", "Floor": "floor", "Sqrt": "sqrt", "Exp": "exp",
    "Log": "log", "Round": "round", "Sign": "sign", "Erf": "erf", "Reciprocal": "reciprocal",
    "Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "arcsin", "Acos": "arccos", "Atan": "arctan",
    "Sinh": "sinh", "Cosh": "cosh", "Asinh": "arcsinh", "Acosh": "arccosh", "Atanh": "arctanh",
}  # fmt: skip
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@operator(*_UNARY)
def _unary(call: Call) -> Value:
    return call.unary(getattr(call.ops, _UNARY[call.node.op_type]))


@operator("Add")
def _add(call: Call) -> Value:
    return call.elementwise(lambda a, b: added(call, a, b), call.value(0), call.value(1))


def added(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """Return a sum.

    Keras 3.15 on TensorFlow takes a second operand with one long side, such as (1, 4, 1), for a bias, and
    adds it along the last axis wherever the length fits. Operands stand so that it does not, or is right.
    """
    if not _taken_for_bias(a, b):
        return call.ops.add(a, b)
    if not _taken_for_bias(b, a):
        return call.ops.add(b, a)
    return call.ops.subtract(a, call.ops.negative(b))


def _taken_for_bias(a: Tensor, b: Tensor) -> bool:
    """Whether `b` would be wrongly taken for a bias of `a`."""
    long = [int(s) for s in b.shape if s != 1]
    if len(long) != 1 or len(a.shape) < 2 or long[0] not in (a.shape[1], a.shape[-1]):
        return False
    return not (long[0] == a.shape[-1] == b.shape[-1])


@operator("Sub")
def _sub(call: Call) -> Value:
    return call.elementwise(call.ops.subtract, call.value(0), call.value(1))


@operator("Mul")
def _mul(call: Call) -> Value:
    return call.elementwise(call.ops.multiply, call.value(0), call.value(1))


@operator("Div")
def _div(call: Call) -> Value:
    if call.value(0).dtype in _INTEGERS:
        return call.elementwise(lambda a, b: _whole(call, a, b), call.value(0), call.value(1))
    return call.elementwise(call.ops.divide, call.value(0), call.value(1))


def _whole(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """Integer division towards zero."""
    ops, dtype = call.ops, call.value(0).dtype
    if dtype.startswith("u"):
        return ops.floor_divide(a, b)
    sign = ops.multiply(ops.sign(a), ops.sign(b))
    return ops.cast(ops.multiply(sign, ops.floor_divide(ops.abs(a), ops.abs(b))), dtype)


@operator("Mod")
def _mod(call: Call) -> Value:
    ops = call.ops

    def remainder(a: Tensor, b: Tensor) -> Tensor:
        if not call.attr("fmod", 0):
            return ops.mod(a, b)
        # The sign of the dividend, as in C.
        rest = ops.mod(ops.abs(a), ops.abs(b))
        return ops.multiply(rest, ops.sign(a))

    return call.elementwise(remainder, call.value(0), call.value(1))


@operator("Pow")
def _pow(call: Call) -> Value:
    ops, base, exponent = call.ops, call.value(0), call.value(1)

    def power(a: Tensor, b: Tensor) -> Tensor:
        if base.dtype == exponent.dtype:
            return _power_of(call, a, b)
        if base.dtype == "float32":
            b = b.astype("float32") if isinstance(b, np.ndarray) else ops.cast(b, "float32")
            return _power_of(call, a, b)
        return ops.cast(ops.power(ops.cast(a, "float32"), ops.cast(b, "float32")), base.dtype)

    return call.elementwise(power, base, exponent)


def _power_of(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """A square or a root as such: their gradients are defined at zero and below."""
    if isinstance(b, np.ndarray) and b.size == 1 and not isinstance(a, np.ndarray):
        if float(b.reshape(())) == 2.0:
            return call.ops.square(a)
        if float(b.reshape(())) == 0.5:
            return call.ops.sqrt(a)
    return call.ops.power(a, b)


@operator("Max", "Min", "Sum", "Mean")
def _many(call: Call) -> Value:
    kind, ops = call.node.op_type, call.ops
    step = {"Max": ops.maximum, "Min": ops.minimum}.get(kind, partial(added, call))

    def joined(*tensors: Tensor) -> Tensor:
        total = tensors[0]
        for tensor in tensors[1:]:
            total = step(total, tensor)
        return total / len(tensors) if kind == "Mean" and len(tensors) > 1 else total

    values = [v for v in call.inputs if v is not None]
    if len(values) == 1:
        return call.unary(call.keras.layers.Identity())
    return call.elementwise(joined, *values)


@operator("BitShift")
def _shift(call: Call) -> Value:
    left = call.attr("direction") == "LEFT"
    shift = call.ops.left_shift if left else call.ops.right_shift
    return call.elementwise(shift, call.value(0), call.value(1))


@operator("Clip")
def _clip(call: Call) -> Value:
    low, high = (_bound(call, i, n) for i, n in ((1, "min"), (2, "max")))
    ops, dtype = call.ops, call.value(0).dtype
    if isinstance(low, Value) or isinstance(high, Value):
        tensor, axes = call.held(0)
        if low is not None:
            tensor = ops.maximum(tensor, call.plain(low) if isinstance(low, Value) else low)
        if high is not None:
            tensor = ops.minimum(tensor, call.plain(high) if isinstance(high, Value) else high)
        return live(tensor, axes)
    if dtype == "float32" and low == 0 and high is not None and 0 < high < 1e30:
        return call.unary(call.layer("ReLU", max_value=float(high)))
    if dtype == "float32" and low == 0:
        return call.unary(call.layer("ReLU"))
    if low is None and high is None:
        return call.unary(call.keras.layers.Identity())
    if high is None:
        return call.unary(lambda x: ops.maximum(x, np.asarray(low, dtype)))
    if low is None:
        return call.unary(lambda x: ops.minimum(x, np.asarray(high, dtype)))
    return call.unary(lambda x: ops.minimum(ops.maximum(x, np.asarray(low, dtype)), np.asarray(high, dtype)))


def _bound(call: Call, index: int, name: str) -> Any:
    """Return one end of a Clip: a number, a live value, or None."""
    if call.has(index):
        value = call.value(index)
        if value.array is None:
            return value
        return value.array.reshape(-1)[0]
    return call.attr(name)
