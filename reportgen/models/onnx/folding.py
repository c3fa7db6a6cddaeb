"""Constant folding: evaluates nodes with constant inputs, and shapes, during the import.

The cost of a result, in work and in bytes, is estimated before it is computed (`budget`). Plain array
arithmetic is evaluated by `onnx.reference`, in the graph's own opset; operators that it computes element by
element in Python, or in the newest opset only, are evaluated by the operators of this package. A result whose
size depends on the batch size is not folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.models.onnx.budget import MOST_OPERATIONS, operations
from reportgen.models.onnx.reading import onnx_module, widened
from reportgen.models.onnx.values import Value, carries_batch, constant, count, live

if TYPE_CHECKING:
    from reportgen.models.onnx.call import Call

_ALLOCATORS = {
    "ConstantOfShape", "Expand", "Tile", "Range", "Pad", "Resize", "Upsample", "OneHot", "EyeLike",
    "CenterCropPad", "Reshape", "AffineGrid", "NonZero",
}  # fmt: skip
_OWN = {
    "Conv", "ConvTranspose", "AveragePool", "MaxPool", "LpPool", "GlobalAveragePool", "GlobalMaxPool",
    "GlobalLpPool", "Resize", "Upsample", "GridSample", "LSTM", "GRU", "RNN", "LRN", "Scatter",
    "Softmax", "LogSoftmax", "Hardmax", "Gelu", "Dropout", "BatchNormalization", "InstanceNormalization",
    "GroupNormalization", "LayerNormalization",
}  # fmt: skip
"""Operators that are evaluated by this package, not by `onnx.reference`."""


_STATES = {"LSTM": (5, 6), "GRU": (5,), "RNN": (5,)}
"""Inputs for the initial state of a sequence, which are never computed from a picture."""


def fold(call: Call) -> tuple[Value, ...] | None:
    """Return a node's constant outputs, or None if it must be built.

    Raises:
        ModelError: An output takes too much work or memory; the node is named.
    """
    kind = call.node.op_type
    if kind == "Constant":
        return (_constant(call),)
    if kind in ("Shape", "Size") and call.has(0):
        return (_shape(call),)
    given = [v for v in call.inputs if v is not None]
    if not all(v.array is not None for v in given):
        return None
    shapes = _output_shapes(call)
    if any(carries_batch(side) for shape in shapes for side in shape) and kind in _ALLOCATORS:
        return None
    _spend(call, shapes)
    if kind == "Unsqueeze":
        # The reference applies the axes of old opsets one at a time, in the given order.
        arrays = [np.expand_dims(call.array(0), tuple(call.listed(1, "axes") or ()))]
    else:
        arrays = _built(call) if kind in _OWN else _evaluated(call)
    return tuple(constant(widened(np.asarray(a))) for a in arrays)


def _spend(call: Call, shapes: list[tuple[int, ...]]) -> None:
    """Charge a node's cost to the graph's budget, or refuse it."""
    builder = call.builder
    made = sum(count(shape) for shape in shapes)
    # Computing an output takes a few arrays of its size.
    room = builder.source.max_memory - builder.constant_bytes
    if made * 8 > room:
        call.refuse(
            f"gives {made} numbers from constants, wanted at most {max(room, 0)} bytes",
            "fold constants when exporting, or allow more memory",
        )
    builder.operations += operations(call, shapes)
    if builder.operations > MOST_OPERATIONS:
        call.refuse(
            f"asks for {builder.operations} operations on constants, all before it counted, "
            f"wanted at most {MOST_OPERATIONS}",
            "fold constants when exporting",
        )


def _constant(call: Call) -> Value:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        found = call.attr(name)
        if found is None:
            continue
        if name == "value":
            return constant(found)
        return constant(np.asarray(found, np.float32 if "float" in name else np.int64))
    call.refuse("holds no numbers, wanted a dense tensor", "export it with dense weights")
    raise AssertionError


def _shape(call: Call) -> Value:
    sides = call.value(0).shape
    if call.node.op_type == "Size":
        return constant(np.asarray(count(sides), np.int64))
    chosen = sides[slice(call.attr("start"), call.attr("end"))]
    return constant(np.asarray(chosen, np.int64))


def _output_shapes(call: Call) -> list[tuple[int, ...]]:
    """Return the shapes of a node's outputs without computing them."""
    onnx = onnx_module()
    from onnx import shape_inference

    names = [n for n, v in zip(call.node.input, call.inputs, strict=True) if v is not None]
    arrays = _arrays(call)
    types, data = {}, {}
    for name, array in zip(names, arrays, strict=True):
        kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        types[name] = onnx.helper.make_tensor_type_proto(kind, array.shape)
        if array.size <= 4096:
            data[name] = onnx.numpy_helper.from_array(array, name)
    schema = call.builder.schema(call.node.op_type)
    try:
        found = shape_inference.infer_node_outputs(
            schema, call.node, types, data, opset_imports=[onnx.helper.make_opsetid("", call.builder.opset)]
        )
    except Exception as error:  # C++ raises errors of any class
        call.refuse(f"does not fit its inputs: {str(error).strip().splitlines()[0][:120]}")
    shapes = []
    for proto in found.values():
        dims = proto.tensor_type.shape.dim
        if all(d.HasField("dim_value") for d in dims):
            shapes.append(tuple(int(d.dim_value) for d in dims))
    if not shapes and call.node.op_type in _ALLOCATORS:
        shapes = [_estimate(call)]
    return shapes


def _arrays(call: Call) -> list[np.ndarray]:
    """Return the arrays of a node's inputs, all of which are constants."""
    return [v.array for v in call.inputs if v is not None and v.array is not None]


def _estimate(call: Call) -> tuple[int, ...]:
    """Return an output's shape where ONNX's shape inference gives none."""
    kind, arrays = call.node.op_type, _arrays(call)
    if kind == "Range":
        start, stop, step = (float(np.ravel(a)[0]) for a in arrays)
        if step == 0:
            call.refuse("has a step of 0")
        return (max(0, int(np.ceil((stop - start) / step))),)
    if kind == "NonZero":
        return (arrays[0].ndim, arrays[0].size)  # at most
    if kind == "Tile":
        return tuple(int(s) * int(r) for s, r in zip(arrays[0].shape, np.ravel(arrays[1]), strict=True))
    if kind in ("ConstantOfShape", "Expand"):
        return tuple(int(s) for s in np.ravel(arrays[-1]))
    return tuple(a for array in arrays for a in array.shape[:1])


def _evaluated(call: Call) -> list[Any]:
    """Return a node's outputs by `onnx.reference`, according to the graph's opset."""
    from onnx.reference import ReferenceEvaluator

    # A single node would be interpreted in the newest opset.
    helper = onnx_module().helper
    names = dict.fromkeys(n for n in call.node.input if n)
    graph = helper.make_graph(
        [call.node],
        "one",
        [helper.make_empty_tensor_value_info(n) for n in names],
        [helper.make_empty_tensor_value_info(n) for n in call.node.output if n],
    )
    evaluator = ReferenceEvaluator(graph, opsets={"": call.builder.opset})
    feeds = {n: v.array for n, v in zip(call.node.input, call.inputs, strict=True) if v is not None}
    with np.errstate(all="ignore"):
        found = iter(evaluator.run(None, feeds))
        return [next(found) if n else np.zeros(0) for n in call.node.output]


def _built(call: Call) -> list[Any]:
    """Return a node's outputs by this package's operator, with its constants fed like pictures."""
    keras, kind = call.keras, call.node.op_type
    fixed = (*call.builder.operator(kind).fixed, *_STATES.get(kind, ()))
    builder = call.builder.alone(call.node)
    feeds: dict[str, np.ndarray | None] = {}
    tensors = []
    for index, (name, value) in enumerate(zip(call.node.input, call.inputs, strict=True)):
        if value is None or name in builder.values:
            continue
        if index in fixed:
            builder.values[name] = value
            continue
        tensor = keras.Input(batch_shape=value.shape, dtype=value.dtype)
        builder.values[name] = live(tensor)
        tensors.append(tensor)
        feeds[name] = value.array
    builder.run([call.node])
    values = {n: builder.values[n] for n in call.node.output if n in builder.values}
    network = keras.Model(tensors, [builder.plain(v) for v in values.values()])
    found = keras.tree.flatten(network(list(feeds.values())))
    arrays = {n: keras.ops.convert_to_numpy(t) for n, t in zip(values, found, strict=True)}
    return [arrays.get(n, np.zeros(0)) for n in call.node.output]
