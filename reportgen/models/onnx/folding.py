"""What can be answered before any picture is there: nodes with constant inputs, and shapes.

`onnx.reference` answers; the size of an answer is worked out before it is made. An answer
whose own size depends on the number of pictures is left to be built live.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reportgen.models.onnx.reading import onnx_module, widened
from reportgen.models.onnx.values import Value, carries_batch, constant, count

_ALLOCATORS = {
    "ConstantOfShape", "Expand", "Tile", "Range", "Pad", "Resize", "Upsample", "OneHot", "EyeLike",
    "CenterCropPad", "Reshape", "AffineGrid",
}  # fmt: skip
_ALWAYS = ("Constant", "Shape", "Size")


def fold(call: Any) -> tuple[Value, ...] | None:
    """Return a node's constant answers, or None if it must be built."""
    kind = call.node.op_type
    if kind == "Constant":
        return (_constant(call),)
    if kind in ("Shape", "Size") and call.has(0):
        return (_shape(call),)
    given = [v for v in call.inputs if v is not None]
    if not all(v.array is not None for v in given) or kind == "Constant":
        return None
    shapes = _answer_shapes(call)
    if any(carries_batch(side) for shape in shapes for side in shape) and kind in _ALLOCATORS:
        return None
    limit = call.builder.source.max_memory
    if any(count(shape) * 4 > limit for shape in shapes):
        call.refuse(f"gives {max(count(s) for s in shapes)} numbers, wanted at most {limit} bytes")
    return tuple(constant(widened(np.asarray(a))) for a in _evaluated(call))


def _constant(call: Any) -> Value:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        found = call.attr(name)
        if found is None:
            continue
        if name == "value":
            return constant(found)
        return constant(np.asarray(found, np.float32 if "float" in name else np.int64))
    call.refuse("holds no numbers, wanted a dense tensor", "export it with dense weights")
    raise AssertionError


def _shape(call: Any) -> Value:
    sides = call.value(0).shape
    if call.node.op_type == "Size":
        return constant(np.asarray(count(sides), np.int64))
    chosen = sides[slice(call.attr("start"), call.attr("end"))]
    return constant(np.asarray(chosen, np.int64))


def _answer_shapes(call: Any) -> list[tuple[int, ...]]:
    """Return the shapes a node's answers will have, worked out without making them."""
    onnx = onnx_module()
    from onnx import shape_inference

    names = [n for n, v in zip(call.node.input, call.inputs, strict=True) if v is not None]
    arrays = [v.array for v in call.inputs if v is not None]
    types, data = {}, {}
    for name, array in zip(names, arrays, strict=True):
        kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        types[name] = onnx.helper.make_tensor_type_proto(kind, array.shape)
        if array.size <= 4096:
            data[name] = onnx.numpy_helper.from_array(array, name)
    schema = onnx.defs.get_schema(call.node.op_type, call.builder.opset, "")
    try:
        found = shape_inference.infer_node_outputs(
            schema, call.node, types, data, opset_imports=[onnx.helper.make_opsetid("", call.builder.opset)]
        )
    except Exception as error:  # C++ raises what it likes
        call.refuse(f"does not fit its inputs: {str(error).strip().splitlines()[0][:120]}")
    shapes = []
    for proto in found.values():
        dims = proto.tensor_type.shape.dim
        if all(d.HasField("dim_value") for d in dims):
            shapes.append(tuple(int(d.dim_value) for d in dims))
    if not shapes and call.node.op_type in _ALLOCATORS:
        shapes = [_estimate(call)]
    return shapes


def _estimate(call: Any) -> tuple[int, ...]:
    """Return an answer's shape where ONNX's own inference gives none."""
    kind, arrays = call.node.op_type, [v.array for v in call.inputs if v is not None]
    if kind == "Range":
        start, stop, step = (float(np.ravel(a)[0]) for a in arrays)
        if step == 0:
            call.refuse("has a step of 0")
        return (max(0, int(np.ceil((stop - start) / step))),)
    if kind == "Tile":
        return tuple(int(s) * int(r) for s, r in zip(arrays[0].shape, np.ravel(arrays[1]), strict=True))
    if kind in ("ConstantOfShape", "Expand"):
        return tuple(int(s) for s in np.ravel(arrays[-1]))
    return tuple(a for array in arrays for a in array.shape[:1])


def _evaluated(call: Any) -> list[Any]:
    from onnx.reference import ReferenceEvaluator

    node = onnx_module().NodeProto()
    node.CopyFrom(call.node)
    evaluator = ReferenceEvaluator(node, opsets={"": call.builder.opset})
    feeds = {n: v.array for n, v in zip(node.input, call.inputs, strict=True) if v is not None}
    with np.errstate(all="ignore"):
        return list(evaluator.run(None, feeds))
