"""The onnx package's own node tests, run through the importer: which are in scope, and what came out."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from reportgen.models.framework import keras_module
from reportgen.models.onnx.building import Builder
from reportgen.models.onnx.reading import _PLAIN_TYPES, Source, initialisers, opset_of, widened
from reportgen.models.onnx.registry import operators
from reportgen.models.onnx.values import live

_TYPES = set(_PLAIN_TYPES) - {16}


@dataclass(frozen=True)
class Outcome:
    name: str
    kind: str
    reason: str = ""


@functools.cache
def cases() -> tuple[Any, ...]:
    """All node cases that the package ships."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(sorted(load_model_tests(kind="node"), key=lambda c: c.name))


def out_of_scope(case: Any) -> str:
    """Return why a case is out of scope, or nothing."""
    graph = case.model.graph
    for node in graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type not in operators():
            return f"operator {node.op_type}"
        for attribute in node.attribute:
            if attribute.name == "to" and attribute.i not in _TYPES:
                return "element type"
            if attribute.type == onnx.AttributeProto.TENSOR and attribute.t.data_type not in _TYPES:
                return "element type"
    for value in (*graph.input, *graph.output):
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type" or value.type.tensor_type.elem_type not in _TYPES:
            return "element type"
    return ""


def run(case: Any) -> str:
    """Return nothing if a case passes, else what was wrong."""
    try:
        with np.errstate(all="ignore"):
            return _differences(case)
    except Exception as error:
        return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:200]}"


def _differences(case: Any) -> str:
    model = case.model
    source = Source(case.name, None, 1 << 30)
    for inputs, wanted in case.data_sets:
        got = imported(model, source, [as_array(i) for i in inputs])
        for name, own, their in zip([o.name for o in model.graph.output], got, wanted, strict=True):
            wrong = wrong_in(name, np.asarray(own), as_array(their), case.rtol, case.atol)
            if wrong:
                return wrong
    return ""


def as_array(value: Any) -> Any:
    return widened(np.asarray(numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value))


def wrong_in(name: str, own: Any, their: Any, rtol: float = 0.0, atol: float = 0.0) -> str:
    """Return what is wrong with an output, or an empty text."""
    if own.shape != their.shape:
        return f"{name} is {own.shape}, wanted {their.shape}"
    if own.dtype != their.dtype:
        return f"{name} is {own.dtype}, wanted {their.dtype}"
    if own.dtype.kind == "f":
        good = np.allclose(own, their, rtol=max(rtol, 1e-3), atol=max(atol, 1e-5), equal_nan=True)
    else:
        good = np.array_equal(own, their)
    return "" if good else f"{name} differs by {np.max(np.abs(own.astype(float) - their.astype(float))):g}"


def imported(model: Any, source: Source, arrays: Sequence[Any], *, folded: bool = False) -> list[Any]:
    """Return the outputs of a graph built the way networks are.

    Inputs are live unless they must be constant; all are constant if the graph is to be folded.
    """
    keras = keras_module()
    graph = model.graph
    nodes = list(graph.node)
    builder = Builder(source, opset_of(model, source.file_name), nodes, [o.name for o in graph.output])
    builder.constants(initialisers(graph, source))
    fixed = _fixed(graph, builder.opset)
    feeds, tensors = [], []
    for value, array in zip([i for i in graph.input if i.name not in builder.values], arrays, strict=True):
        if folded or value.name in fixed:
            builder.constants({value.name: array})
            continue
        tensor = keras.Input(batch_shape=array.shape, dtype=str(array.dtype))
        builder.values[value.name] = live(tensor)
        tensors.append(tensor)
        feeds.append(array)
    builder.run(nodes)
    ends = [builder.values[o.name] for o in graph.output]
    there = [v for v in ends if v.array is None]
    found: list[Any] = []
    if there:
        network = keras.Model(tensors, [builder.plain(v) for v in there])
        found = [np.asarray(keras.ops.convert_to_numpy(t)) for t in keras.tree.flatten(network(feeds))]
    return [v.array if v.array is not None else found.pop(0) for v in ends]


_STARTS = {"LSTM": (5, 6), "GRU": (5,), "RNN": (5,)}
"""Inputs that are constants, or constants repeated for each picture, which a lone node cannot show."""


def _fixed(graph: Any, opset: int) -> set[str]:
    """Return the inputs that must be constant: those of the operators' tables, and what these are made of."""
    needed: set[str] = set()
    for node in reversed(graph.node):
        positions = (*operators()[node.op_type].fixed, *_STARTS.get(node.op_type, ()))
        needed.update(name for i, name in enumerate(node.input) if i in positions)
        if needed & set(node.output) and node.op_type not in ("Shape", "Size"):
            needed.update(node.input)
    return needed
