"""Constants that are repeated for each picture, such as the state a recurrent layer starts from.

Their shape depends on the number of pictures, their numbers do not. An operation on them alone is answered
for two and for three pictures; where the answers are one array, repeated, it is a constant of that kind too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reportgen.errors import ModelError
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.folding import fold
from reportgen.models.onnx.operators.shape import expanded
from reportgen.models.onnx.values import BATCH, Array, Value, constant


def spread(call: Call) -> list[Value] | None:
    """Return a node's answers where they are the same for every picture, else None."""
    given = [v for v in call.inputs if v is not None]
    if not any(v.once is not None for v in given) or any(v.array is None and v.once is None for v in given):
        return None
    try:
        two, three = _answers(call, 2), _answers(call, 3)
    except ModelError:  # a size that counts pictures elsewhere; it is built as any other node
        return None
    if two is None or three is None:
        return None
    found = [_repeated(a, b) for a, b in zip(two, three, strict=True)]
    values = []
    for known in found:
        if known is None:
            return None
        array, axis = known
        shape = tuple(BATCH if i == axis else side for i, side in enumerate(array.shape))
        values.append(expanded(call, constant(array), shape))
    return values


def _answers(call: Call, n: int) -> list[Array] | None:
    inputs: list[Value | None] = []
    for value in call.inputs:
        if value is None or value.once is None:
            inputs.append(value)
        elif any(side != BATCH and side % BATCH == 0 for side in value.shape if side):
            return None
        else:
            shape = tuple(n if side == BATCH else side for side in value.shape)
            inputs.append(constant(np.broadcast_to(value.once, shape).copy()))
    answers = fold(Call(call.node, inputs, call.version, call.builder))
    if answers is None:
        return None
    return [np.asarray(a.array) for a in answers]


def _repeated(two: Array, three: Array) -> tuple[Any, int] | None:
    """Return what is repeated, with a side of 1, and along which axis."""
    if two.ndim != three.ndim:
        return None
    differs = [i for i, (a, b) in enumerate(zip(two.shape, three.shape, strict=True)) if a != b]
    if len(differs) != 1 or (two.shape[differs[0]], three.shape[differs[0]]) != (2, 3):
        return None
    first = np.take(two, [0], axis=differs[0])
    alike = np.array_equal(np.broadcast_to(first, two.shape), two) and np.array_equal(
        np.broadcast_to(first, three.shape), three
    )
    return (first, differs[0]) if alike else None
