"""Node cases of old opsets: the shipped cases of the newest, each written as every older version has it.

What a newer version takes as an input and an older one as an attribute is moved there; attributes and
inputs that the older one does not know are left out, which makes another case of the same operator.
onnxruntime says what is right.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import conformance
import numpy as np
import onnx
import onnxruntime
from onnx import helper

from reportgen.models.onnx.reading import OLDEST_OPSET, widened
from reportgen.models.onnx.registry import operators

_RENAMED = {"constant_value": "value", "K": "k"}
_NEVER = ("Constant", "Shape", "Size", "Cast", "CastLike", "Identity")
"""Whose versions differ in element types alone, or that the builder answers without their numbers."""


@dataclass(frozen=True)
class OldCase:
    """One node in the form of an old version, with its inputs."""

    name: str
    model: Any
    arrays: tuple[np.ndarray[Any, Any], ...]


@functools.cache
def history(kind: str) -> dict[int, Any]:
    """Return an operator's schemas by version, those that a file of opset 7 or newer can mean."""
    found = {
        s.since_version: s
        for s in onnx.defs.get_all_schemas_with_history()
        if s.name == kind and s.domain == ""
    }
    first = max((v for v in found if v <= OLDEST_OPSET), default=0)
    return {v: s for v, s in sorted(found.items()) if v >= first and not s.deprecated}


@functools.cache
def old_cases() -> tuple[OldCase, ...]:
    """Return all cases of old versions, by name."""
    found: dict[str, OldCase] = {}
    for case in conformance.cases():
        nodes = case.model.graph.node
        if conformance.out_of_scope(case) or len(nodes) != 1 or nodes[0].op_type in _NEVER:
            continue
        for made in _older(case, nodes[0]):
            found[made.name] = made
    for made in (*_upsamples(), *_scatters(), *_others()):
        found[made.name] = made
    return tuple(sorted(found.values(), key=lambda c: c.name))


def _older(case: Any, node: Any) -> Iterator[OldCase]:
    opset = next(o.version for o in case.model.opset_import if o.domain in ("", "ai.onnx"))
    schemas = history(node.op_type)
    newest = max((v for v in schemas if v <= opset), default=0)
    graph = case.model.graph
    inputs = [conformance.as_array(i) for i in case.data_sets[0][0]]
    arrays = dict(zip([i.name for i in graph.input], inputs, strict=False))
    if set(arrays) != {n for n in node.input if n}:
        return
    for version in [v for v in schemas if v < newest]:
        old = _written(node, arrays, schemas[newest], schemas[version])
        if old is not None:
            kept = [n for n in dict.fromkeys(old.input) if n]
            yield _case(f"{case.name}@{version}", old, {n: arrays[n] for n in kept}, version)


def _written(node: Any, arrays: dict[str, Any], new: Any, old: Any) -> Any:
    """Return a node as an older version writes it, None where that has no words for it."""
    names = [i.name for i in old.inputs]
    variadic = bool(old.inputs) and old.inputs[-1].option == onnx.defs.OpSchema.FormalParameterOption.Variadic
    inputs = [""] * len(names)
    made = onnx.NodeProto(op_type=node.op_type, output=node.output, name=node.name)
    for index, name in enumerate(node.input):
        formal = new.inputs[min(index, len(new.inputs) - 1)].name
        if not name:
            continue
        if variadic or len(old.inputs) == len(new.inputs):
            inputs[index : index + 1] = [name]
        elif formal in names or index < min(1, len(names)):
            inputs[names.index(formal) if formal in names else index] = name
        elif (attribute := _RENAMED.get(formal, formal)) in old.attributes:
            kind = old.attributes[attribute].type.name
            numbers = np.ravel(arrays[name]).astype(float if "FLOAT" in kind else int).tolist()
            if not kind.endswith("S") and len(numbers) != 1:
                return None
            plain = numbers if kind.endswith("S") else numbers[0]
            number = onnx.AttributeProto.AttributeType.Value(kind)
            made.attribute.append(helper.make_attribute(attribute, plain, attr_type=number))
        elif formal != "roi":
            return None
    while inputs and not inputs[-1]:
        inputs.pop()
    made.input.extend(inputs)
    made.attribute.extend(a for a in node.attribute if a.name in old.attributes)
    return made


def _case(name: str, node: Any, arrays: dict[str, Any], version: int) -> OldCase:
    schema = history(node.op_type)[version]
    fitted = {n: _fitted(a, index, schema) for index, (n, a) in enumerate(arrays.items())}
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in fitted.items()
        ],
        [helper.make_empty_tensor_value_info(o) for o in node.output if o],
    )
    opsets = [helper.make_opsetid("", max(version, OLDEST_OPSET))]
    return OldCase(name, helper.make_model(graph, opset_imports=opsets, ir_version=8), tuple(fitted.values()))


def _fitted(array: Any, index: int, schema: Any) -> Any:
    """Return an input in a type that the version takes: its own, else float32."""
    types = schema.inputs[min(index, len(schema.inputs) - 1)].types
    kind = helper.tensor_dtype_to_string(helper.np_dtype_to_tensor_dtype(array.dtype)).split(".")[-1].lower()
    return array if f"tensor({kind})" in types else array.astype(np.float32)


def _upsamples() -> Iterator[OldCase]:
    x = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    for mode in ("nearest", "linear"):
        scales = [1.0, 1.0, 2.0, 3.0]
        node = helper.make_node("Upsample", ["x"], ["y"], mode=mode, scales=scales)
        yield _case(f"upsample_{mode}@7", node, {"x": x}, 7)
        node = helper.make_node("Upsample", ["x", "s"], ["y"], mode=mode)
        yield _case(f"upsample_{mode}@9", node, {"x": x, "s": np.array(scales, np.float32)}, 9)
        node = helper.make_node("Resize", ["x", "s"], ["y"], mode=mode)
        yield _case(f"resize_{mode}@10", node, {"x": x, "s": np.array(scales, np.float32)}, 10)
        smaller = np.array([1, 1, 0.6, 0.5], np.float32)
        yield _case(f"resize_smaller_{mode}@10", node, {"x": x, "s": smaller}, 10)


def _scatters() -> Iterator[OldCase]:
    arrays = {
        "x": np.zeros((3, 3), np.float32),
        "i": np.array([[1, 0, 2], [0, 2, 1]]),
        "u": np.arange(6, dtype=np.float32).reshape(2, 3),
    }
    for axis in (0, 1):
        node = helper.make_node("Scatter", list(arrays), ["y"], axis=axis)
        yield _case(f"scatter_{axis}@9", node, arrays, 9)


def _others() -> Iterator[OldCase]:
    """Yield cases of what the package ships none for, or none that onnxruntime runs."""
    x = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    yield _case("global_lp_pool@2", helper.make_node("GlobalLpPool", ["x"], ["y"], p=3), {"x": x}, 2)
    more = {"roi": np.zeros(0, np.float32), "s": np.array([1, 1, 2, 1.5], np.float32)}
    for mode in ("nearest", "linear", "cubic"):
        node = helper.make_node("Resize", ["x", *more], ["y"], mode=mode)
        yield _case(f"resize_{mode}@11", node, {"x": x, **more}, 11)


def expected(case: OldCase) -> Sequence[Any] | None:
    """Return what onnxruntime gives, None where it does not run the node in that version."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    data = case.model.SerializeToString()
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        names = [i.name for i in session.get_inputs()]
        found = session.run(None, dict(zip(names, case.arrays, strict=True)))
    except Exception:
        return None
    return [widened(np.asarray(a)) for a in found]


def covered(cases: Sequence[OldCase]) -> set[tuple[str, int]]:
    """Return which versions of which operators cases are of."""
    return {(c.model.graph.node[0].op_type, int(c.name.rsplit("@", 1)[1])) for c in cases}


def all_versions() -> set[tuple[str, int]]:
    """Return every old version of every operator of the table."""
    return {(k, v) for k in operators() if k not in _NEVER for v in list(history(k))[:-1]}
