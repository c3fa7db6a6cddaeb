"""If nodes with a constant condition, replaced by the branch taken.

Exporters write one where a side might be 1, for example for a squeeze; here sizes are fixed, so one branch is
taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from reportgen.models.onnx.reading import initialisers, onnx_module
from reportgen.models.onnx.refusals import check_operators, check_signatures, refuse_flow

if TYPE_CHECKING:
    from onnx import NodeProto

    from reportgen.models.onnx.building import Builder


def is_if(node: NodeProto) -> bool:
    """Whether a node chooses between two graphs."""
    return node.op_type == "If" and node.domain in ("", "ai.onnx")


def reads(node: NodeProto) -> Iterator[str]:
    """Yield the names a node reads, also within its inner graphs."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield from one.input
        for attribute in one.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting.extend(graph.node)
                if one is not node or graph.output:
                    yield from (output.name for output in graph.output)


def taken_branch(builder: Builder, node: NodeProto) -> list[NodeProto]:
    """Return the nodes of the branch that an If takes, and store that branch's constants.

    Raises:
        ModelError: Its condition depends on the picture, or its branch has unsupported nodes.
    """
    onnx = onnx_module()
    condition = builder.values.get(node.input[0]) if len(node.input) == 1 else None
    if condition is None or condition.array is None or condition.array.size != 1:
        refuse_flow(node, builder.file_name)
    wanted = "then_branch" if bool(np.ravel(condition.array)[0]) else "else_branch"
    graph = next((a.g for a in node.attribute if a.name == wanted), None)
    if graph is None or len(graph.output) != len(node.output):
        refuse_flow(node, builder.file_name)
    check_signatures(graph.node, builder.operators(), builder.opset, builder.file_name)
    check_operators(graph.node, builder.operators(), builder.file_name)
    # Branches may use the same names inside; those of the second are made unique.
    written = [o for inner in graph.node for o in inner.output] + [t.name for t in graph.initializer]
    apart = {name: f"{node.output[0]}/{name}" for name in written if name and name in builder.values}
    builder.constants({apart.get(k, k): v for k, v in initialisers(graph, builder.source).items()})
    nodes = []
    for inner in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(inner)
        copy.input[:] = [apart.get(name, name) for name in inner.input]
        copy.output[:] = [apart.get(name, name) for name in inner.output]
        nodes.append(copy)
    for end, name in zip(graph.output, node.output, strict=True):
        nodes.append(onnx.helper.make_node("Identity", [apart.get(end.name, end.name)], [name]))
    return nodes
