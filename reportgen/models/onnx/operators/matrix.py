"""Products of matrices; those with constant weights are dense layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from reportgen.models.onnx.call import Call
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Array, Value, live


@operator("Gemm")
def _gemm(call: Call) -> Value:
    alpha, beta = float(call.attr("alpha", 1.0)), float(call.attr("beta", 1.0))
    value, weight, ops = call.value(0), call.value(1), call.ops
    bias = call.value(2) if call.has(2) else None
    steady = bias is None or bias.array is not None
    if weight.array is not None and steady and not call.attr("transA", 0) and value.array is None:
        kernel = (weight.array.T if call.attr("transB", 0) else weight.array) * np.float32(alpha)
        added = None if bias is None or bias.array is None else bias.array * np.float32(beta)
        if added is None or added.ndim < 2 or added.shape[0] == 1:
            row = None if added is None else np.broadcast_to(added.reshape(-1), (kernel.shape[1],))
            return dense(call, value, kernel, row)
    a, b = call.plain(value), call.plain(weight)
    a = ops.transpose(a) if call.attr("transA", 0) else a
    b = ops.transpose(b) if call.attr("transB", 0) else b
    y = ops.matmul(a, b)
    y = y if alpha == 1 else ops.multiply(y, np.float32(alpha))
    if bias is None:
        return live(y)
    c = call.plain(bias)
    return live(ops.add(y, c if beta == 1 else ops.multiply(c, np.float32(beta))))


def dense(call: Call, value: Value, kernel: Array, bias: Array | None) -> Value:
    """Return a dense layer over a value's last axis; a map that was flattened is taken as it is held."""
    layer = call.layer("Dense", int(kernel.shape[1]), use_bias=bias is not None, kernel_initializer="zeros")
    if value.shape[-1] != kernel.shape[0]:
        call.refuse(f"multiplies {value.shape} by {kernel.shape}")
    if value.flat is not None:
        tensor, axes = call.held(value.flat)
        if axes[0] == 0 and len(axes) > 2:
            rows = np.arange(kernel.shape[0]).reshape(value.flat.shape[1:])
            kernel = kernel[rows.transpose([a - 1 for a in axes[1:]]).reshape(-1)]
            tensor = call.layer("Flatten")(tensor)
            return live(call.weighted(layer, tensor, [kernel, *([] if bias is None else [bias])]))
    tensor, axes = call.held(value)
    if axes[-1] != value.rank - 1:
        tensor, axes = call.plain(value), tuple(range(value.rank))
    return live(call.weighted(layer, tensor, [kernel, *([] if bias is None else [bias])]), axes)


@operator("MatMul")
def _matmul(call: Call) -> Value:
    a, b = call.value(0), call.value(1)
    if b.array is not None and b.rank == 2 and a.rank >= 2 and b.dtype == "float32" and a.array is None:
        return dense(call, a, b.array, _bias_after(call, b.shape[1]))
    if b.array is None and a.array is None and a.rank == b.rank and a.rank > 2:
        return _batched(call, a, b)
    return live(call.ops.matmul(call.plain(a), call.plain(b)))


def _batched(call: Call, a: Value, b: Value) -> Value:
    return live(call.ops.matmul(call.plain(a), call.plain(b)))


def _bias_after(call: Call, n_units: int) -> Array | None:
    """Return the constant that the next node adds to each unit, and count that node as done."""
    builder, output = call.builder, call.node.output[0]
    reader = builder.only_consumer(output)
    if reader is None or reader.op_type != "Add" or list(reader.input).count(output) != 1:
        return None
    other = builder.values.get(next(name for name in reader.input if name != output))
    if other is None or other.array is None or other.array.size != n_units or not other.shape:
        return None
    if other.shape[-1] != n_units or other.rank > call.value(0).rank:
        return None
    builder.absorb(call.node, reader)
    return np.asarray(other.array.reshape(-1))


@operator("Einsum")
def _einsum(call: Call) -> Value:
    values = [v for v in call.inputs if v is not None]
    equation = str(call.attr("equation", "")).replace(" ", "")
    return live(call.ops.einsum(equation, *(call.plain(v) for v in values)))


@operator("Det")
def _det(call: Call) -> Value:
    return live(call.ops.det(call.plain(0)))


@operator("Trilu", fixed=(1,))
def _trilu(call: Call) -> Value:
    value, k = call.value(0), int(np.ravel(call.array(1))[0]) if call.has(1) else 0
    rows, columns = value.shape[-2:]
    call.no_batch(rows, "compares")
    call.no_batch(columns, "compares")
    kept: Any = (np.triu if call.attr("upper", 1) else np.tril)(np.ones((rows, columns), bool), k)
    return live(call.ops.where(kept, call.plain(value), np.asarray(0, value.dtype)))
