"""Operations that older Keras wrote as layers: TensorFlow calls in a graph, and `Merge`.

`x / 127.5 - 1` before a network of Keras 2 is two layers of class TFOpLambda. Those with an equivalent layer
in Keras 3 become that layer; no TensorFlow function is ever looked up by a name from a file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reportgen.errors import ModelError
from reportgen.keras_types import Config, ConfigValue
from reportgen.models.keras_legacy.functions import (
    ACTIVATIONS,
    OPS,
    Step,
    canonical,
    paired,
    second,
    translated,
)

MERGES = frozenset({"Merge", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "TFOp"})
"""Classes that this module translates."""

_CONSTANT = "_CONSTANT_VALUE"
_OF_SEVERAL = {"concat", "stack", "add_n"}
_MERGE_MODES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate"}


def operation_entries(class_name: str, config: object, linked: Config, where: str) -> list[Config]:
    """Return the Keras 3 equivalent of an operation of older Keras; the last entry has its name.

    Args:
        class_name: `TFOpLambda`, `SlicingOpLambda` or `Merge`.
        config: As in the file.
        linked: The entry's `name` and `inbound_nodes`.
        where: File and layer, for messages.

    Raises:
        ModelError: It is unknown.
    """
    name, nodes = linked.get("name"), linked.get("inbound_nodes")
    if class_name == "Merge" and isinstance(config, dict):
        return [_merge(config, linked, where)]
    function = config.get("function") if isinstance(config, dict) else None
    if isinstance(function, str) and isinstance(nodes, list) and isinstance(name, str):
        calls = [_one_call(function, node, name) for node in nodes]
        found = _merged_calls(calls)
        if found:
            return found
    shown = f" {function}" if isinstance(function, str) else ""
    raise ModelError(
        f"{where}: class {class_name}{shown} is an operation of TensorFlow that is not translated",
        hint="rebuild that step from Keras layers, or load it with its own Keras and save it as .keras",
    )


def _merged_calls(calls: list[list[Config] | None]) -> list[Config] | None:
    """Return the layers of the first call, each with its other calls too; None where they differ."""
    first = calls[0] if calls else None
    for other in calls[1:]:
        if first is None or other is None or len(first) != 1 or len(other) != 1:
            return None
        if any(first[0][key] != other[0][key] for key in ("module", "class_name", "config")):
            return None
        first[0]["inbound_nodes"] += other[0]["inbound_nodes"]
    return first


def _one_call(function: str, node: ConfigValue, name: str) -> list[Config] | None:
    """Return the layers for one call of a TensorFlow function, None if it is unsupported."""
    if not isinstance(node, list) or not node:
        return None
    inputs = node if isinstance(node[0], list) else [node]
    inputs = [[*i, {}] if isinstance(i, list) and len(i) == 3 else i for i in inputs]
    if not all(isinstance(i, list) and len(i) == 4 and isinstance(i[3], dict) for i in inputs):
        return None
    given = {k: v for k, v in inputs[0][3].items() if k != "name" and v is not None}
    if isinstance(node[0], list) and canonical(function) in _OF_SEVERAL:
        return _of_list(function, inputs, given, name)
    return _of_one(function, inputs[0], given, name) if len(inputs) == 1 else None


def _of_list(function: str, inputs: list[ConfigValue], given: Config, name: str) -> list[Config] | None:
    """Return the layers for a function of several tensors: concatenated, stacked or added."""
    word = canonical(function)
    if word is None or not all(is_history(i) and i[0] != _CONSTANT for i in inputs):
        return None
    steps = translated(word, given)
    if steps is not None and len(inputs) == 1 and word != "stack":
        steps = [Step("layers.Identity", {})]
    return _chain(steps, inputs[0] if len(inputs) == 1 and word != "stack" else inputs, name)


def _of_one(function: str, call: list[object], given: Config, name: str) -> list[Config] | None:
    """Return the layers for a function of one tensor and its other arguments."""
    source, word = call[:3], canonical(function)
    if function == "__operators__.getitem":
        return _slice(given, source, name)
    if word is None:
        return None
    if word == "where":
        return _chosen(source, given, name)
    if second(word) is not None:
        if given.get("data_format") == "NHWC":
            del given["data_format"]
        other = given.pop(str(second(word)), None)
        return _of_two(word, source, other, given, name)
    if source[0] == _CONSTANT:
        return None
    if word == "silu" and given.get("beta") == 1:
        del given["beta"]
    if word in ACTIVATIONS and given.get("axis", -1) == -1 and not set(given) - {"axis"}:
        return [_layer("Activation", {"activation": word}, [[[*source, {}]]], name)]
    return _chain(translated(word, given), source, name)


def _of_two(word: str, source: list[object], other: object, given: Config, name: str) -> list[Config] | None:
    """Return the layers for a function of two, one of which may be a constant."""
    turned = (
        [key for key in ("transpose_a", "transpose_b") if given.pop(key, False)] if word == "matmul" else []
    )
    if any(given.values()) or other is None:
        return None
    numbers = None if is_history(other) else _numbers(other)
    if source[0] == _CONSTANT and is_history(other):
        scaled = _from_constant(word, source[2], other, name)
        if scaled is not None:
            return [scaled]
    elif numbers is not None and (scaling := _scaling(word, numbers)) is not None:
        return [_layer("Rescaling", scaling, [[[*source, {}]]], name)]
    both = [_argument(source[2] if source[0] == _CONSTANT else source), _argument(other)]
    if None in both or not any(_is_tensor(b) for b in both):
        return None
    before = []
    for index, key in enumerate(("transpose_a", "transpose_b")):
        if key in turned:
            inner = f"{name}_{key}"
            before.append(_operation("numpy.Swapaxes", {"axis1": -2, "axis2": -1}, [both[index]], {}, inner))
            both[index] = tensor([inner, 0, 0])
    if word == "squared_difference":
        inner = f"{name}_difference"
        last = _operation("numpy.Square", {}, [tensor([inner, 0, 0])], {}, name)
        return [_operation("numpy.Subtract", {}, both, {}, inner), last]
    return [*before, _operation(str(paired(word)), {}, both, {}, name)]


def _chosen(source: list[object], given: Config, name: str) -> list[Config] | None:
    """Return the operation for `where(condition, x, y)`."""
    both = [_argument(given.pop(key, None)) for key in ("x", "y")]
    if given or None in both or source[0] == _CONSTANT:
        return None
    return [_operation("numpy.Where", {}, [tensor(source), *both], {}, name)]


def _chain(steps: list[Step] | None, source: list[ConfigValue], name: str) -> list[Config] | None:
    """Return the entry of a step that takes the source, or a list of sources."""
    if not steps:
        return None
    (step,) = steps
    several = isinstance(source[0], list)
    if step.place.startswith("layers."):
        inputs = [[*s[:3], {}] for s in source] if several else [[*source[:3], {}]]
        return [_layer(step.place.rpartition(".")[2], step.config, [inputs], name)]
    first: ConfigValue = [tensor(s) for s in source] if several else tensor(source)
    return [_operation(step.place, step.config, [first, *step.more], step.keywords or {}, name)]


def _operation(
    place: str, config: Config, arguments: list[ConfigValue], keywords: Config, name: str
) -> Config:
    module, _, class_name = place.rpartition(".")
    return {
        "module": OPS + module, "class_name": class_name, "config": {**config, "name": safe_name(name)},
        "registered_name": class_name, "name": name,
        "inbound_nodes": [{"args": arguments, "kwargs": keywords}],
    }  # fmt: skip


def _argument(value: ConfigValue) -> ConfigValue:
    """Return a tensor or a constant among an operation's arguments, None for others."""
    if is_history(value):
        return tensor(value)
    if not _is_numeric(value):
        return None
    if isinstance(value, list):
        return {"class_name": "__numpy__", "config": {"value": value, "dtype": "float32"}}
    return value


def _is_tensor(argument: object) -> bool:
    return isinstance(argument, dict) and argument["class_name"] == "__keras_tensor__"


def _is_numeric(value: object) -> bool:
    """Whether a value is a finite number, or nested lists of them."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack += item
        elif isinstance(item, bool) or not isinstance(item, (int, float)) or not math.isfinite(item):
            return False
    return not isinstance(value, list) or bool(value)


def _from_constant(word: str, constant: object, other: ConfigValue, name: str) -> Config | None:
    """Return the layer for `c - x`, `c + x` or `c * x`."""
    numbers = _numbers(constant)
    if numbers is None or not is_history(other):
        return None
    if word == "subtract":
        scaling: Config | None = {"scale": -1.0, "offset": numbers}
    else:
        scaling = _scaling(word, numbers) if word in ("add", "multiply") else None
    return _layer("Rescaling", scaling, [[[*other[:3], {}]]], name) if scaling is not None else None


def _scaling(word: str, numbers: float | list[float]) -> Config | None:
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


def _slice(given: Config, source: Sequence[object], name: str) -> list[Config] | None:
    """Return the operation for `x[..., a:b:c, 0]` with integers."""
    parts = given.pop("slice_spec", None)
    if given or not isinstance(parts, list):
        return None
    spec: list[object] = []
    for part in parts:
        if part is None or type(part) is int:
            spec.append(part)
        elif not isinstance(part, dict):
            return None
        elif part.get("class_name") == "__ellipsis__":
            spec.append({"class_name": "__ellipsis__", "config": {}})
        elif set(part) == {"start", "stop", "step"} and all(
            v is None or type(v) is int for v in part.values()
        ):
            spec.append({"class_name": "__slice__", "config": part})
        else:
            return None
    return [_operation("numpy.GetItem", {}, [tensor(source), spec], {}, name)]


def _merge(config: Config, linked: Config, where: str) -> Config:
    mode = config.get("mode")
    if not isinstance(mode, str) or mode not in _MERGE_MODES or "layers" in config:
        raise ModelError(
            f"{where}: Merge with mode {str(mode)[:40]!r} is not translated, "
            f"wanted one of {', '.join(_MERGE_MODES)} in a functional model",
            hint="load it with the Keras it was saved with and save it as .keras",
        )
    own = {"axis": config.get("concat_axis", -1)} if mode == "concat" else {}
    return _layer(_MERGE_MODES[mode], own, linked.get("inbound_nodes"), str(linked.get("name")))


def _layer(class_name: str, config: Config, nodes: object, name: str) -> Config:
    return {
        "module": "keras.layers", "class_name": class_name, "config": {"name": safe_name(name), **config},
        "registered_name": None, "name": name, "inbound_nodes": nodes,
    }  # fmt: skip


def safe_name(name: str) -> str:
    """Return a layer's name as Keras 3 accepts it, without slashes."""
    return name.replace("/", "_")


def tensor(history: Sequence[ConfigValue]) -> Config:
    """Return an output of a layer, `[layer, call, output, ...]`, in Keras 3's format of arguments."""
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None], "dtype": "float32", "keras_history": list(history[:3])},
    }


def is_history(value: object) -> bool:
    """Whether a value refers to an output of a layer."""
    return isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is int


def _numbers(value: ConfigValue) -> float | list[float] | None:
    """Return a finite number or a list of them, else None."""
    values = value if isinstance(value, list) else [value]
    fine = all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    return value if fine and values else None
