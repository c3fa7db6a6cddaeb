"""Constants repeated for each picture, such as a recurrent layer's initial state, and counts of pictures.

Their shape depends on the batch size; their values do not, or increase by one step for each picture, such as
offsets into a list of all pictures' values. An operation on such constants alone is evaluated for two and for
three pictures; if the results are one array, repeated or counted on, it is again such a constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reportgen.errors import ModelError
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.folding import fold
from reportgen.models.onnx.operators.shape import expanded
from reportgen.models.onnx.values import BATCH, Array, Value, constant

_LINEAR = frozenset(
    {"Add", "Sub", "Mul", "Neg", "Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze",
     "Transpose", "Expand"}
)  # fmt: skip
"""Operators that preserve a count of pictures, or visibly break it within three pictures."""


def batch_constants(call: Call) -> list[Value] | None:
    """Return a node's outputs if they are the same for every picture, or counted on; else None.

    Raises:
        ModelError: A count of pictures is used other than to select each picture's own values.
    """
    given = [v for v in call.inputs if v is not None]
    counted = sum(v.step != 0 for v in given)
    known = [v for v in given if v.once is not None]
    values = None
    if known and all(v.array is not None or v.once is not None for v in given):
        values = _known(call, counted)
    if values is None and counted and not (call.node.op_type == "Gather" and not given[0].step):
        call.refuse("counts the pictures of a batch", call.batch_export_hint)
    return values


def _known(call: Call, counted: int) -> list[Value] | None:
    if counted > 1 and call.node.op_type == "Mul":
        return None
    if counted and call.node.op_type not in _LINEAR:
        return None
    try:
        two, three = _outputs(call, 2), _outputs(call, 3)
    except ModelError:  # a size that depends on the batch elsewhere; built like any other node
        return None
    if two is None or three is None:
        return None
    values = []
    for pair in zip(two, three, strict=True):
        found = _repeated(*pair)
        if found is None:
            return None
        array, axis, step = found
        shape = tuple(BATCH if i == axis else side for i, side in enumerate(array.shape))
        if step and not counted and call.node.op_type != "NonZero":
            return None
        count = Value(shape, str(array.dtype), once=array, step=step)
        values.append(count if step else expanded(call, constant(array), shape))
    return values


def _outputs(call: Call, n: int) -> list[Array] | None:
    inputs: list[Value | None] = []
    for value in call.inputs:
        if value is None or value.once is None:
            inputs.append(value)
        elif sum(bool(side) and side % BATCH == 0 for side in value.shape) != 1 or BATCH not in value.shape:
            return None
        else:
            inputs.append(constant(_of_pictures(value, value.once, n)))
    outputs = fold(Call(call.node, inputs, call.version, call.builder))
    if outputs is None:
        return None
    return [np.asarray(a.array) for a in outputs]


def _of_pictures(value: Value, once: Array, n: int) -> Array:
    """Return the values for that many pictures."""
    along = [1] * value.rank
    along[value.shape.index(BATCH)] = n
    steps = np.arange(n, dtype=np.int64).reshape(along) * value.step
    whole = np.broadcast_to(once, tuple(n if side == BATCH else side for side in value.shape))
    return whole + steps.astype(once.dtype) if value.step else whole.copy()


def _repeated(two: Array, three: Array) -> tuple[Any, int, int] | None:
    """Return the first picture's values, with a side of 1, the batch axis, and the step for each picture."""
    if two.ndim != three.ndim:
        return None
    differs = [i for i, (a, b) in enumerate(zip(two.shape, three.shape, strict=True)) if a != b]
    if len(differs) != 1 or (two.shape[differs[0]], three.shape[differs[0]]) != (2, 3):
        return None
    axis = differs[0]
    first, second = (np.take(two, [i], axis=axis) for i in (0, 1))
    step = 0
    if np.issubdtype(two.dtype, np.integer) and two.size:
        step = int(np.ravel(second)[0]) - int(np.ravel(first)[0])
    shape = tuple(BATCH if i == axis else side for i, side in enumerate(two.shape))
    found = Value(shape, str(two.dtype), once=first, step=step)
    same = all(np.array_equal(_of_pictures(found, first, n), whole) for n, whole in ((2, two), (3, three)))
    return (first, axis, step) if same else None
