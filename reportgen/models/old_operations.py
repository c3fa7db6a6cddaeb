"""Operations that older Keras wrote as layers of their own: TensorFlow calls in a graph, and `Merge`.

`x / 127.5 - 1` before a network of Keras 2 is two layers of class TFOpLambda. Those whose meaning
is a layer of Keras 3 become that layer; no TensorFlow function is ever looked up by a name from a file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from reportgen.errors import ModelError

MERGES = frozenset({"Merge", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "TFOp"})
"""Classes that this module knows."""

_MERGE_MODES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate"}
_PAIRS = {"add": "Add", "subtract": "Subtract", "multiply": "Multiply", "maximum": "Maximum",
          "minimum": "Minimum"}  # fmt: skip
_SHORT = {
    "truediv": "divide", "div": "divide", "sub": "subtract", "mul": "multiply", "bias_add": "add",
    "__truediv__": "divide", "__sub__": "subtract", "__mul__": "multiply", "__add__": "add",
}  # fmt: skip
_ACTIVATIONS = {"relu", "relu6", "sigmoid", "tanh", "softmax", "silu", "swish", "elu", "selu", "softplus"}
_REFERENCE = ("math", "nn", "__operators__", "keras")


def operation_entry(class_name: str, config: Any, linked: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the layer of Keras 3 that does what an operation of older Keras does.

    Args:
        class_name: `TFOpLambda`, `SlicingOpLambda` or `Merge`.
        config: As in the file.
        linked: The entry's `name` and `inbound_nodes`.
        where: File and layer, for messages.

    Raises:
        ModelError: It is not one of those that are known.
    """
    name, nodes = linked.get("name"), linked.get("inbound_nodes")
    if class_name == "Merge" and isinstance(config, dict):
        return _merge(config, linked, where)
    function = config.get("function") if isinstance(config, dict) else None
    if isinstance(function, str) and isinstance(nodes, list) and len(nodes) == 1 and isinstance(name, str):
        call = nodes[0][0] if nodes[0] and isinstance(nodes[0][0], list) else nodes[0]
        alone = call is nodes[0] or len(nodes[0]) == 1
        if alone and len(call) == 4 and isinstance(call[3], dict) and isinstance(call[0], str):
            found = _operation(function, call, name)
            if found is not None:
                return found
    said = f" {function}" if isinstance(function, str) else ""
    raise ModelError(
        f"{where}: class {class_name}{said} is an operation of TensorFlow that is not translated",
        hint="rebuild that step from Keras layers, or load it with its own Keras and save it as .keras",
    )


def _operation(function: str, call: list[Any], name: str) -> dict[str, Any] | None:
    """Return the layer for a TensorFlow function called on one tensor and what else it was given."""
    head, _, short = function.rpartition(".")
    word = _SHORT.get(short, short)
    given = {k: v for k, v in call[3].items() if k != "name" and v is not None}
    if given.get("data_format") == "NHWC":
        del given["data_format"]
    source = call[:3]
    if function == "__operators__.getitem":
        return _slice(given, source, name)
    if head not in _REFERENCE:
        return None
    if head == "nn" and word in _ACTIVATIONS and not given:
        return _layer("Activation", {"activation": word}, [[[*source, {}]]], name)
    other = given.pop("bias" if short == "bias_add" else "y", None)
    if given or other is None:
        return None
    if source[0] == "_CONSTANT_VALUE":
        return _from_constant(word, source[2], other, name)
    if is_history(other):
        pair = _PAIRS.get(word)
        return _layer(pair, {}, [[[*source, {}], [*other[:3], {}]]], name) if pair else None
    numbers = _numbers(other)
    scaling = _scaling(word, numbers) if numbers is not None else None
    return _layer("Rescaling", scaling, [[[*source, {}]]], name) if scaling is not None else None


def _from_constant(word: str, constant: Any, other: Any, name: str) -> dict[str, Any] | None:
    """Return the layer for `c - x`, `c + x` or `c * x`."""
    numbers = _numbers(constant)
    if numbers is None or not is_history(other):
        return None
    if word == "subtract":
        scaling: dict[str, Any] | None = {"scale": -1.0, "offset": numbers}
    else:
        scaling = _scaling(word, numbers) if word in ("add", "multiply") else None
    return _layer("Rescaling", scaling, [[[*other[:3], {}]]], name) if scaling is not None else None


def _scaling(word: str, numbers: float | list[float]) -> dict[str, Any] | None:
    values = numbers if isinstance(numbers, list) else [numbers]
    alone = not isinstance(numbers, list)
    if word == "divide" and all(values):
        inverse = [1.0 / v for v in values]
        return {"scale": inverse[0] if alone else inverse, "offset": 0.0}
    if word == "multiply":
        return {"scale": numbers, "offset": 0.0}
    if word == "add":
        return {"scale": 1.0, "offset": numbers}
    if word == "subtract":
        return {"scale": 1.0, "offset": -values[0] if alone else [-v for v in values]}
    return None


def _slice(given: dict[str, Any], source: Sequence[Any], name: str) -> dict[str, Any] | None:
    """Return the operation for `x[..., a:b:c]` by whole numbers."""
    parts = given.pop("slice_spec", None)
    if given or not isinstance(parts, list):
        return None
    spec: list[dict[str, Any]] = []
    for part in parts:
        if not isinstance(part, dict):
            return None
        if part.get("class_name") == "__ellipsis__":
            spec.append({"class_name": "__ellipsis__", "config": {}})
        elif set(part) == {"start", "stop", "step"} and all(
            v is None or type(v) is int for v in part.values()
        ):
            spec.append({"class_name": "__slice__", "config": part})
        else:
            return None
    return {
        "module": "keras.src.ops.numpy", "class_name": "GetItem", "config": {"name": _safe(name)},
        "registered_name": "GetItem", "name": name,
        "inbound_nodes": [{"args": [tensor(source), spec], "kwargs": {}}],
    }  # fmt: skip


def _merge(config: dict[str, Any], linked: dict[str, Any], where: str) -> dict[str, Any]:
    mode = config.get("mode")
    if not isinstance(mode, str) or mode not in _MERGE_MODES or "layers" in config:
        raise ModelError(
            f"{where}: Merge with mode {str(mode)[:40]!r} is not translated, "
            f"wanted one of {', '.join(_MERGE_MODES)} in a functional model",
            hint="load it with the Keras it was saved with and save it as .keras",
        )
    own = {"axis": config.get("concat_axis", -1)} if mode == "concat" else {}
    return _layer(_MERGE_MODES[mode], own, linked.get("inbound_nodes"), str(linked.get("name")))


def _layer(class_name: str, config: dict[str, Any], nodes: Any, name: str) -> dict[str, Any]:
    return {
        "module": "keras.layers", "class_name": class_name, "config": {"name": _safe(name), **config},
        "registered_name": None, "name": name, "inbound_nodes": nodes,
    }  # fmt: skip


def _safe(name: str) -> str:
    return name.replace("/", "_")


def tensor(history: Sequence[Any]) -> dict[str, Any]:
    """Return an output of a layer, `[layer, call, output, ...]`, as Keras 3 writes it among arguments."""
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None], "dtype": "float32", "keras_history": list(history[:3])},
    }


def is_history(value: Any) -> bool:
    """Whether a value names an output of a layer."""
    return isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is int


def _numbers(value: Any) -> float | list[float] | None:
    """Return a finite number or a list of them, else None."""
    values = value if isinstance(value, list) else [value]
    fine = all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    return value if fine and values else None
