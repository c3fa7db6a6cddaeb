"""Comparisons, truth values, bits, and choices between values."""

from __future__ import annotations

from reportgen.models.onnx.call import Call
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Value

_PAIRS = {
    "And": "logical_and", "Or": "logical_or", "Xor": "logical_xor", "Equal": "equal", "Greater": "greater",
    "GreaterOrEqual": "greater_equal", "Less": "less", "LessOrEqual": "less_equal",
    "BitwiseAnd": "bitwise_and", "BitwiseOr": "bitwise_or", "BitwiseXor": "bitwise_xor",
}  # fmt: skip
_SINGLE = {"Not": "logical_not", "IsNaN": "isnan", "BitwiseNot": "bitwise_not"}


@operator(*_PAIRS)
def _pair(call: Call) -> Value:
    return call.elementwise(getattr(call.ops, _PAIRS[call.node.op_type]), call.value(0), call.value(1))


@operator(*_SINGLE)
def _single(call: Call) -> Value:
    return call.unary(getattr(call.ops, _SINGLE[call.node.op_type]))


@operator("IsInf")
def _is_inf(call: Call) -> Value:
    ops = call.ops
    up, down = call.attr("detect_positive", 1), call.attr("detect_negative", 1)
    if up and down:
        return call.unary(ops.isinf)
    if not up and not down:
        return call.unary(lambda x: ops.zeros_like(x, dtype="bool"))
    return call.unary(ops.isposinf if up else ops.isneginf)


@operator("Where")
def _where(call: Call) -> Value:
    return call.elementwise(call.ops.where, call.value(0), call.value(1), call.value(2))
