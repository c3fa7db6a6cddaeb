"""Products of matrices; those with constant weights are dense layers."""

from __future__ import annotations

import numpy as np

from reportgen.models.onnx.call import Call
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Array, Value, live, target


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
    if (turned := _gemm_from_the_left(call, alpha, beta)) is not None:
        return turned
    call.no_batch(value.shape[0 if call.attr("transA", 0) else 1], "mixes")
    a, b = call.plain(value), call.plain(weight)
    a = ops.transpose(a) if call.attr("transA", 0) else a
    b = ops.transpose(b) if call.attr("transB", 0) else b
    y = ops.matmul(a, b)
    y = y if alpha == 1 else ops.multiply(y, np.float32(alpha))
    if bias is None:
        return live(y)
    c = call.plain(bias)
    return live(ops.add(y, c if beta == 1 else ops.multiply(c, np.float32(beta))))


def _gemm_from_the_left(call: Call, alpha: float, beta: float) -> Value | None:
    """Return the dense layer equivalent to a product with weights on the left; None if there is none."""
    weight, value = call.value(0).array, call.value(1)
    bias = call.value(2) if call.has(2) else None
    steady = bias is None or (bias.array is not None and bias.shape[-1:] == (1,))
    if weight is None or value.array is not None or not steady:
        return None
    kernel = (weight if call.attr("transA", 0) else weight.T) * np.float32(alpha)
    rows = value if call.attr("transB", 0) else call.relabelled(value, (1, 0))
    row = None
    if bias is not None and bias.array is not None:
        row = np.broadcast_to(bias.array.reshape(-1), (kernel.shape[1],)) * np.float32(beta)
    return call.relabelled(dense(call, rows, kernel, row), (1, 0))


def dense(call: Call, value: Value, kernel: Array, bias: Array | None) -> Value:
    """Return a dense layer over a value's last axis; a flattened map is used in its own layout."""
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
    call.no_batch(a.shape[-1], "mixes")
    if b.array is not None and b.dtype == "float32" and a.array is None and a.rank >= 2:
        kernel = _one_matrix(b.array, a.rank)
        if kernel is not None:
            return dense(call, a, kernel, _bias_after(call, kernel.shape[1]))
        if b.rank == 1:
            summed = dense(call, a, b.array[:, None], None)
            return live(call.ops.reshape(call.plain(summed), target(a.shape[:-1])))
    if a.array is not None and a.dtype == "float32" and b.array is None and b.rank >= 2:
        kernel = _one_matrix(a.array, b.rank)
        made = None if kernel is None else _over_axis(call, b, kernel.T, b.rank - 2)
        if made is not None:
            last = b.rank - 1
            return call.relabelled(made, (*range(last - 1), last, last - 1))
    return live(call.ops.matmul(call.plain(a), call.plain(b)))


def _one_matrix(array: Array, rank: int) -> Array | None:
    """Return a constant as one matrix for all places, None if it is several or not a matrix."""
    alone = 2 <= array.ndim <= rank and all(side == 1 for side in array.shape[:-2])
    return array.reshape(array.shape[-2:]) if alone else None


def _over_axis(call: Call, value: Value, kernel: Array, axis: int) -> Value | None:
    """Return a dense layer over one axis of a value, its units as the last axis, if that axis holds features.

    Those of a vector, or the axis that a map holds its channels in; over any other, a product is no layer
    over places, and None.
    """
    if value.shape[axis] != kernel.shape[0]:
        call.refuse(f"multiplies axis {axis} of {value.shape} by {kernel.shape}")
    if value.rank != 2 and (value.tensor is None or value.axes[-1] != axis):
        return None
    others = [i for i in range(value.rank) if i != axis]
    turned = value if axis == value.rank - 1 else call.relabelled(value, (*others, axis))
    return dense(call, turned, kernel, None)


def _bias_after(call: Call, n_units: int) -> Array | None:
    """Return the constant that the next node adds to each unit, and mark that node as done."""
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
    terms, _, result = equation.partition("->")
    if result and "." not in equation:
        for value, term in zip(values, terms.split(","), strict=True):
            for side, letter in zip(value.shape, term, strict=True):
                if letter not in result:
                    call.no_batch(side, "mixes")
        if len(values) == 2 and (made := _einsum_dense(call, values, terms.split(","), result)) is not None:
            return made
    return live(call.ops.einsum(equation, *(call.plain(v) for v in values)))


def _einsum_dense(call: Call, values: list[Value], terms: list[str], result: str) -> Value | None:
    """Return the dense layer equivalent to an einsum over one axis of a weight matrix; None for others."""
    weights = [i for i, v in enumerate(values) if v.array is not None and v.dtype == "float32"]
    if len(weights) != 1:
        return None
    at = weights[0]
    (value, x), (array, k) = (values[1 - at], terms[1 - at]), (values[at].array, terms[at])
    removed, units = [c for c in k if c not in result], [c for c in k if c not in x]
    if array is None or len(k) != 2 or len(removed) != 1 or len(units) != 1 or x.count(removed[0]) != 1:
        return None
    now = [*(c for c in x if c != removed[0]), units[0]]
    if sorted(result) != sorted(now):
        return None
    made = _over_axis(call, value, array if k[0] == removed[0] else array.T, x.index(removed[0]))
    return None if made is None else call.relabelled(made, tuple(now.index(c) for c in result))


@operator("Det")
def _det(call: Call) -> Value:
    return live(call.ops.det(call.plain(0)))


@operator("Trilu", fixed=(1,))
def _trilu(call: Call) -> Value:
    value, k = call.value(0), int(np.ravel(call.array(1))[0]) if call.has(1) else 0
    rows, columns = value.shape[-2:]
    call.no_batch(rows, "compares")
    call.no_batch(columns, "compares")
    kept: np.ndarray = (np.triu if call.attr("upper", 1) else np.tril)(np.ones((rows, columns), bool), k)
    return live(call.ops.where(kept, call.plain(value), np.asarray(0, value.dtype)))
