"""Operators that create constants; most are folded during the import, the rest depend on the batch."""

from __future__ import annotations

import numpy as np

from reportgen.models.onnx.call import Call
from reportgen.models.onnx.operators.shape import expanded
from reportgen.models.onnx.refusals import VALUES
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import BATCH, Value, constant


@operator("Constant", "Shape", "Size", note="computed during the import")
def _beforehand(call: Call) -> Value:
    call.refuse("cannot be computed during the import")


@operator("NonZero", note="of constants alone")
def _of_numbers(call: Call) -> Value:
    """The size of the result depends on the values, so only constants are supported."""
    call.refuse(f"depends on values computed from the picture: {VALUES[0]}", VALUES[1])


@operator("ConstantOfShape", fixed=(0,))
def _filled(call: Call) -> Value:
    shape = tuple(call.ints(0))
    fill = np.ravel(call.attr("value", np.zeros(1, np.float32)))[0]
    return expanded(call, constant(np.full((1,) * len(shape), fill)), shape)


@operator("Range", fixed=(0, 1, 2), note="of a length that depends on the batch: one for each picture")
def _range(call: Call) -> Value:
    start, stop, step = (call.array(i).reshape(()) for i in range(3))
    whole = np.issubdtype(start.dtype, np.integer) and int(step) != 0
    if not whole or -(-(int(stop) - int(start)) // int(step)) != BATCH:
        call.refuse("counts the pictures of a batch", "export with a batch of 1")
    return Value((BATCH,), str(start.dtype), once=start.reshape(1), step=int(step))


@operator("EyeLike")
def _eye(call: Call) -> Value:
    rows, columns = call.value(0).shape
    call.no_batch(rows, "counts")
    onnx_type = call.attr("dtype")
    from reportgen.models.onnx.reading import numpy_type

    dtype = call.value(0).dtype if onnx_type is None else numpy_type(int(onnx_type))
    return constant(np.eye(rows, columns, int(call.attr("k", 0)), dtype=dtype))
