"""Reductions over axes, and running sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Value, channels_last, live

_KINDS = (
    "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
    "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare",
)  # fmt: skip


@operator(*_KINDS, fixed=(1,))
def _reduce(call: Call) -> Value:
    value = call.value(0)
    axes = call.listed(1, "axes")
    if not axes:
        if call.attr("noop_with_empty_axes", 0):
            return _each(call, value)
        axes = list(range(value.rank))
    removed = sorted({a % value.rank for a in axes}) if value.rank else []
    for axis in removed:
        call.no_batch(value.shape[axis], "mixes")
    keep = bool(call.attr("keepdims", 1))
    tensor, order = call.held(value)
    if (
        call.node.op_type == "ReduceMean"
        and removed == [2, 3]
        and order == channels_last(4)
        and value.dtype == "float32"
    ):
        pooled = call.layer("GlobalAveragePooling2D", keepdims=keep)(tensor)
        return live(pooled, order if keep else (0, 1))
    places = tuple(order.index(a) for a in removed)
    result = _reduced(call, tensor, places, keep, value.dtype)
    if keep:
        return live(result, order)
    left = [a for a in order if a not in removed]
    ranks = sorted(left)
    return live(result, tuple(ranks.index(a) for a in left))


def _each(call: Call, value: Value) -> Value:
    """A reduction over no axes still applies the functions before and after the sum."""
    ops, kind = call.ops, call.node.op_type
    functions: dict[str, Any] = {
        "ReduceL1": ops.abs, "ReduceL2": ops.abs, "ReduceLogSum": ops.log, "ReduceSumSquare": ops.square,
    }  # fmt: skip
    return call.unary(functions[kind]) if kind in functions else value


def _reduced(call: Call, x: Tensor, axis: tuple[int, ...], keep: bool, dtype: str) -> Tensor:
    ops, kind = call.ops, call.node.op_type
    plain = {"ReduceSum": ops.sum, "ReduceMean": ops.mean, "ReduceProd": ops.prod}
    if kind in plain:
        found = plain[kind](x, axis=axis, keepdims=keep)
    elif kind in ("ReduceMax", "ReduceMin"):
        found = _extreme(call, x, axis, keep, dtype)
    elif kind == "ReduceL1":
        found = ops.sum(ops.abs(x), axis=axis, keepdims=keep)
    elif kind == "ReduceLogSum":
        found = ops.log(ops.sum(x, axis=axis, keepdims=keep))
    elif kind == "ReduceLogSumExp":
        found = _log_sum_exp(call, x, axis, keep)
    else:
        found = ops.sum(ops.square(x), axis=axis, keepdims=keep)
        found = ops.sqrt(found) if kind == "ReduceL2" else found
    return found if str(found.dtype) == dtype else ops.cast(found, dtype)


def _extreme(call: Call, x: Tensor, axis: tuple[int, ...], keep: bool, dtype: str) -> Tensor:
    ops, largest = call.ops, call.node.op_type == "ReduceMax"
    if dtype == "bool":
        return (ops.any if largest else ops.all)(x, axis=axis, keepdims=keep)
    if any(x.shape[a] == 0 for a in axis):
        end = np.inf if dtype == "float32" else (np.iinfo(dtype).max if not largest else np.iinfo(dtype).min)
        end = -end if largest and dtype == "float32" else end
        return (ops.max if largest else ops.min)(x, axis=axis, keepdims=keep, initial=end)
    return (ops.max if largest else ops.min)(x, axis=axis, keepdims=keep)


def _log_sum_exp(call: Call, x: Tensor, axis: tuple[int, ...], keep: bool) -> Tensor:
    if any(x.shape[a] == 0 for a in axis):
        return call.ops.log(call.ops.sum(call.ops.exp(x), axis=axis, keepdims=keep))
    return call.ops.logsumexp(x, axis=axis, keepdims=keep)


@operator("ArgMax", "ArgMin")
def _arg(call: Call) -> Value:
    value, ops = call.value(0), call.ops
    axis = int(call.attr("axis", 0)) % value.rank
    call.no_batch(value.shape[axis], "compares")
    best = ops.argmax if call.node.op_type == "ArgMax" else ops.argmin
    keep, last = bool(call.attr("keepdims", 1)), bool(call.attr("select_last_index", 0))
    x = call.plain(value)
    found = best(ops.flip(x, axis=axis) if last else x, axis=axis, keepdims=keep)
    if last:
        found = ops.subtract(np.int64(value.shape[axis] - 1), ops.cast(found, "int64"))
    return live(ops.cast(found, "int64"))


@operator("CumSum", "CumProd", fixed=(1,))
def _running(call: Call) -> Value:
    value, ops = call.value(0), call.ops
    axis = int(np.ravel(call.array(1))[0]) % value.rank
    call.no_batch(value.shape[axis], "mixes")
    tensor, order = call.held(value)
    at = order.index(axis)
    if call.attr("reverse", 0):
        tensor = ops.flip(tensor, axis=at)
    product = call.node.op_type == "CumProd"
    if call.attr("exclusive", 0):
        first = [slice(None)] * value.rank
        first[at] = slice(0, value.shape[axis] - 1)
        width = [(0, 0)] * value.rank
        width[at] = (1, 0)
        tensor = ops.pad(tensor[tuple(first)], width, constant_values=np.asarray(int(product), value.dtype))
    tensor = (ops.cumprod if product else ops.cumsum)(tensor, axis=at)
    tensor = ops.flip(tensor, axis=at) if call.attr("reverse", 0) else tensor
    return live(tensor if str(tensor.dtype) == value.dtype else ops.cast(tensor, value.dtype), order)
