"""Widens a graph of 16-bit floats to 32 bits, so that onnxruntime runs the same network as is imported.

Rounding errors of 16 bits accumulate over nodes, and a tolerance for them would hide wrong weights of the
same magnitude. So both sides compute in 32 bits, from the file's own weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reportgen.models.onnx.reading import onnx_module

_TYPES = ("to", "dtype")
"""Attributes that name the type of a node's outputs."""


def widen_halves(model: Any) -> bool:
    """Make the 16-bit floating numbers of a model 32-bit, in place; return whether it has any.

    Weights stay where they are, in the file or in external data, and are cast at the beginning of the graph.
    """
    onnx = onnx_module()
    graph, halves = model.graph, (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    stored = [tensor.name for tensor in graph.initializer if tensor.data_type in halves]
    names = {name for node in graph.node for name in (*node.input, *node.output)}
    wide = {name: _unused(f"{name}/widened", names) for name in stored}
    changed = _widen_nodes(graph, wide, halves) or bool(wide)
    del graph.value_info[:]
    known = {tensor.name for tensor in graph.initializer}
    for value in (*graph.input, *graph.output):
        kind = value.type.tensor_type
        if kind.elem_type in halves and value.name not in known:
            kind.elem_type, changed = onnx.TensorProto.FLOAT, True
    casts = [onnx.helper.make_node("Cast", [n], [w], to=onnx.TensorProto.FLOAT) for n, w in wide.items()]
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return changed


def _unused(name: str, names: set[str]) -> str:
    while name in names:
        name += "_"
    return name


def _widen_nodes(graph: Any, wide: dict[str, str], halves: tuple[int, ...]) -> bool:
    """Widen nodes' inputs, constants and outputs, also in inner graphs; return whether any were 16-bit."""
    onnx, changed = onnx_module(), False
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = wide.get(name, name)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                changed |= _widen_nodes(attribute.g, wide, halves)
            elif attribute.name in _TYPES and attribute.i in halves:
                attribute.i, changed = onnx.TensorProto.FLOAT, True
            elif attribute.HasField("t") and attribute.t.data_type in halves:
                numbers = onnx.numpy_helper.to_array(attribute.t).astype(np.float32)
                attribute.t.CopyFrom(onnx.numpy_helper.from_array(numbers, attribute.t.name))
                changed = True
    return changed
