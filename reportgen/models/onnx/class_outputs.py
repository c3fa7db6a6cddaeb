"""Outputs after a classifier's scores: names of classes and lists of them, which are not tensors.

Exporters of classifiers (of scikit-learn, of TensorFlow, of cloud services) end a network with nodes of the
domain `ai.onnx.ml` that say which class is largest, or pair each number with a name. The network is read up
to the numbers; what only names them is left out, with what it alone needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reportgen.models.onnx.branches import reads
from reportgen.models.onnx.reading import onnx_module

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

_ML = "ai.onnx.ml"
_STANDARD = ("", "ai.onnx")
_STRING = 8
_LONGEST = 32
"""Most nodes of such an ending."""

_PASSING = frozenset({"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose"})
_CHOOSING = frozenset({"ArgMax", "ArgMin"})
_DECIDING = frozenset({"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Binarizer"})
_NAMING = {"ArrayFeatureExtractor": 1, "LabelEncoder": 0, "CategoryMapper": 0}
"""Operators that map a class to its name, and which of their inputs is the class."""


_BOUNDED = frozenset({"Sigmoid", "HardSigmoid", "Softmax", "Tanh", "Softsign"})


def with_outputs_before_bounds(graph: GraphProto) -> dict[str, str]:
    """Make the inputs of a graph's final bounded functions outputs as well; return them by output name.

    Near its bounds such a function hides differences of its inputs.
    """
    writer = {name: node for node in graph.node for name in node.output if name}
    ends = {o.name: writer[o.name] for o in graph.output if o.name in writer}
    before = {name: node.input[0] for name, node in ends.items() if node.op_type in _BOUNDED and node.input}
    known = {o.name for o in graph.output}
    new = [name for name in dict.fromkeys(before.values()) if name in writer and name not in known]
    graph.output.extend(onnx_module().helper.make_empty_tensor_value_info(name) for name in new)
    return {name: source for name, source in before.items() if source in known or source in new}


def without_class_names(graph: GraphProto) -> list[str]:
    """End a graph at its class scores instead of class names; return a sentence for each changed output.

    Nodes, stored tensors and inputs that become unused are removed from the graph.
    """
    writer = {name: node for node in graph.node for name in node.output if name}
    stored = {tensor.name for tensor in graph.initializer}
    kept, names, choices = _classified(graph, writer, stored)
    if not names and not choices:
        return []
    notes = []
    behind = _behind(kept, writer)
    for output, numbers, node in names:
        if numbers in behind:
            notes.append(f'Output "{output}" names classes ({node.op_type}) and is left out.')
            continue
        kept.append(numbers)
        _behind([numbers], writer, behind)
        notes.append(
            f'Output "{output}" names classes ({node.op_type}); "{numbers}", which it names, is read.'
        )
    for output, numbers, node in choices:
        if numbers in behind:
            notes.append(f'Output "{output}" gives the chosen class ({node.op_type}) and is left out.')
        else:
            kept.append(output)
            _behind([output], writer, behind)
    if notes:
        order = {o.name: i for i, o in enumerate(graph.output)}
        _end_at(graph, sorted(kept, key=lambda name: order.get(name, len(order))), writer)
    return notes


_Ending = tuple[str, str, Any]
"""Name of an output, of the scores it is derived from, and the node that ends the graph."""


def _classified(
    graph: GraphProto, writer: Mapping[str, NodeProto], stored: set[str]
) -> tuple[list[str], list[_Ending], list[_Ending]]:
    """Return the outputs that are scores, those that are class names, and those that are class indices."""
    kept: list[str] = []
    names: list[_Ending] = []
    choices: list[_Ending] = []
    for output in graph.output:
        texts = output.type.tensor_type.elem_type == _STRING
        found = _numbers(output.name, writer, stored)
        if found is None:
            kept.append(output.name)
        else:
            numbers, node, naming = found
            (names if naming or texts else choices).append((output.name, numbers, node))
    # Lists of scores with names come first: they represent the scores.
    names.sort(key=lambda one: one[2].op_type != "ZipMap")
    return kept, names, choices


def _numbers(name: str, writer: Mapping[str, NodeProto], stored: set[str]) -> tuple[str, Any, bool] | None:
    """Return the scores of an output of classes, the node that derives it, and whether it gives names."""
    naming = None
    for _ in range(_LONGEST):
        node = writer.get(name)
        if node is None or not node.input:
            return None
        kind, own = node.op_type, node.domain in _STANDARD
        if node.domain == _ML and kind == "ZipMap":
            return node.input[0], node, True
        if (own and kind in _CHOOSING) or (naming is not None and kind in _DECIDING):
            return node.input[0], naming or node, naming is not None
        if node.domain == _ML and kind in _NAMING and len(node.input) > _NAMING[kind]:
            naming, name = node, node.input[_NAMING[kind]]
        elif own and kind == "Gather" and len(node.input) == 2 and _is_constant(node, writer, stored):
            naming, name = naming or node, node.input[1]
        elif own and kind in _PASSING:
            name = node.input[0]
        else:
            return (name, naming, True) if naming is not None and naming.domain == _ML else None
    return None


def _is_constant(gather: NodeProto, writer: Mapping[str, NodeProto], stored: set[str]) -> bool:
    """Whether the gathered tensor is a constant list in the file."""
    name = gather.input[0]
    return name in stored or (name in writer and writer[name].op_type == "Constant")


def _behind(ends: Sequence[str], writer: Mapping[str, NodeProto], known: set[str] | None = None) -> set[str]:
    """Return all values that the given ones depend on, themselves included; extends `known`."""
    found: set[str] = set() if known is None else known
    waiting = list(ends)
    while waiting:
        name = waiting.pop()
        if name and name not in found:
            found.add(name)
            if name in writer:
                waiting.extend(reads(writer[name]))
    return found


def _end_at(graph: GraphProto, outputs: Sequence[str], writer: Mapping[str, NodeProto]) -> None:
    """Make some values a graph's outputs, and remove what none of them needs."""
    needed = _behind(outputs, writer)
    typed = {value.name: value for value in (*graph.value_info, *graph.output)}
    ends = []
    for name in outputs:
        ends.append(onnx_module().helper.make_empty_tensor_value_info(name))
        if name in typed:
            ends[-1].CopyFrom(typed[name])
    del graph.output[:]
    graph.output.extend(ends)
    removed = {tensor.name for tensor in graph.initializer} - needed
    _remove(graph.node, lambda node: not needed & set(node.output))
    _remove(graph.initializer, lambda tensor: tensor.name in removed)
    _remove(graph.input, lambda value: value.name in removed)


def _remove(field: Any, unneeded: Callable[[Any], bool]) -> None:
    for index in reversed(range(len(field))):
        if unneeded(field[index]):
            del field[index]
