"""Translates the configuration of a whole-model HDF5 file of any Keras to Keras 3.

From plain JSON to plain JSON: layers are renamed and connected as in Keras 3, and TensorFlow operations in
the graph become Keras layers where that is exact. What has no equivalent is refused, naming layer, key and
class. `weights` loads the weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from reportgen.errors import ModelError
from reportgen.keras_types import Config, ConfigValue, KerasLayer
from reportgen.models.keras_legacy.keywords import CLASSES, current_class, layer_keys
from reportgen.models.keras_legacy.operations import MERGES, is_history, operation_entries, safe_name, tensor

HARD_SIGMOID = "hard_sigmoid_of_keras_2"
"""Name for `hard_sigmoid` before Keras 3, which changed its slope from 0.2 to 1/6."""

_MODELS = {"Sequential", "Functional"}
_MODULE_KEYS = {"module", "registered_name", "build_config", "shared_object_id"}
_LAYERS_WITHIN = {"layer", "backward_layer", "forward_layer", "cell", "cells"}
_NUMBERS = {"__numpy__", "__tensor__"}
_GRAPH_KEYS = {"name", "trainable", "layers", "input_layers", "output_layers", "dtype", "build_input_shape"}


@dataclass
class _Reading:
    """Settings for the whole file, and the keys left out so far."""

    file_name: str
    version: int
    class_of: ClassOf
    dropped: dict[str, int] = field(default_factory=dict)


ClassOf = Callable[[str, ConfigValue], type[KerasLayer] | None]
"""Returns the class of a name and configuration, or None."""


def to_keras_3(
    config: Config,
    version: int,
    class_of: ClassOf,
    file_name: str,
) -> tuple[Config, list[str]]:
    """Return a model's configuration for Keras 3, and notes.

    Args:
        config: `class_name` and `config` as in the file.
        version: The major version of the Keras that wrote it.
        class_of: Returns Keras's own class of a name, or None.
        file_name: For messages.

    Raises:
        ModelError: Something in it has no certain meaning in Keras 3.
    """
    reading = _Reading(file_name, version, class_of)
    result = _model(dict(config), reading, "the model")
    notes = []
    if reading.dropped:
        keys = ", ".join(f"{key} ({n})" for key, n in sorted(reading.dropped.items()))
        notes.append(f"Left out of the old configuration, since they change no result: {keys}.")
    return result, notes


def without_modules(config: Config) -> Config:
    """Return a configuration without the modules of Keras's classes, and with numbers unwrapped.

    Classes of Keras are identified by name; others keep their module, and so are refused.
    """

    def plain(value: ConfigValue) -> ConfigValue:
        if isinstance(value, list):
            return [plain(v) for v in value]
        if not isinstance(value, dict):
            return value
        name, inner = value.get("class_name"), value.get("config")
        if name == "__tuple__" and isinstance(value.get("items"), list):
            return plain(value["items"])
        if name in _NUMBERS and isinstance(inner, dict) and "value" in inner:
            return inner["value"]
        left_out = _MODULE_KEYS if _is_of_keras(value) else set()
        return {k: plain(v) for k, v in value.items() if k not in left_out}

    result: Config = plain(config)
    return result


def _is_of_keras(entry: Config) -> bool:
    module, name = entry.get("module"), entry.get("class_name")
    return (
        isinstance(module, str)
        and isinstance(name, str)
        and module.split(".")[0] == "keras"
        and entry.get("registered_name") in (None, name)
    )


def major_version(text: Any) -> int:
    """Return the major version of `2.4.0`; 2 if it is missing, since all files of Keras 3 state it."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    head = str(text).split(".")[0] if text is not None else ""
    return int(head) if head.isdecimal() and len(head) < 4 else 2


def _model(entry: Config, reading: _Reading, name: str) -> Config:
    """Return a model's entry, also for a list of layers, as Keras wrote Sequential models until 2.2."""
    class_name = CLASSES.get(str(entry.get("class_name")), entry.get("class_name"))
    config = entry.get("config")
    if class_name not in _MODELS:
        raise ModelError(
            f"{reading.file_name}: {name} is of class {class_name}, wanted a Sequential or functional model",
            hint="subclassed models are not loaded from a file; rebuild it from Keras layers and save again",
        )
    if isinstance(config, list):
        config = {"name": entry.get("name") or "sequential", "layers": config}
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        raise ModelError(f"{reading.file_name}: {name} lists no layers")
    layers = [x for x in config["layers"] if isinstance(x, dict)]
    if len(layers) != len(config["layers"]):
        raise ModelError(f"{reading.file_name}: {name} has a layer that is not an object")
    inner = {k: v for k, v in config.items() if k in _GRAPH_KEYS and k != "dtype"}
    inner["name"] = safe_name(str(inner.get("name") or "model"))
    if class_name == "Sequential":
        inner["layers"] = _sequence(layers, reading)
    else:
        inner["layers"] = _graph(layers, inner, reading)
    module = (
        "keras.src.models.functional" if class_name == "Functional" else "keras"
    )  # as Keras 3 writes them
    result = {"module": module, "class_name": class_name, "config": inner, "registered_name": None}
    return {**{k: v for k, v in entry.items() if k in ("name", "inbound_nodes")}, **result}


def _sequence(layers: list[Config], reading: _Reading) -> list[Config]:
    """Return the layers of a Sequential model, with an input in front if the first layer has its shape."""
    result = [_entry(layer, reading) for layer in layers]
    first = layers[0].get("config") if layers else None
    shape = first.get("batch_input_shape") if isinstance(first, dict) else None
    if shape is not None and layers[0].get("class_name") != "InputLayer":
        config = {"batch_shape": shape, "dtype": "float32", "name": f"{_name(layers[0])}_input"}
        result.insert(0, _native("InputLayer", config))
    return result


def _graph(layers: list[Config], graph: Config, reading: _Reading) -> list[Config]:
    """Return the layers of a functional model, connected by 0-based calls."""
    result = [entry for layer in layers for entry in _entries(layer, reading)]
    nested = {_name(e): len(e.get("inbound_nodes") or ()) for e in result if e["class_name"] in _MODELS}
    histories = list(_histories([e.get("inbound_nodes") for e in result]))
    histories += [h for key in ("input_layers", "output_layers") for h in _histories(graph.get(key))]
    late = {h[0] for h in histories if h[0] in nested and h[1] >= max(1, nested[h[0]])}
    for history in {id(h): h for h in histories if h[0] in late}.values():
        history[1] -= 1  # Keras 2 counted a nested model's own graph as its first call.
    for key in ("input_layers", "output_layers"):
        ends = graph.get(key)
        if isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0], list):
            graph[key] = ends[0]  # Keras 3 treats a list of one as a structure.
    return result


def _histories(value: ConfigValue) -> Iterable[list[ConfigValue]]:
    """Yield each `[layer, call, output, ...]` within a value."""
    if isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is int:
            yield value
            value = value[3:]
        for entry in value:
            yield from _histories(entry)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _histories(entry)


def _entry(layer: Config, reading: _Reading) -> Config:
    """Return one layer, where several are not possible."""
    *more, result = _entries(layer, reading)
    if more:
        raise ModelError(f'{reading.file_name}: layer "{_name(layer)}" is an operation outside a graph')
    return result


def _entries(layer: Config, reading: _Reading) -> list[Config]:
    """Return a layer of a model; an operation of TensorFlow may become several."""
    class_name, config = layer.get("class_name"), layer.get("config")
    if not isinstance(class_name, str) or not isinstance(config, (dict, list)):
        raise ModelError(f'{reading.file_name}: layer "{_name(layer)}" has no class or configuration')
    where = f'{reading.file_name}: layer "{_name(layer)}"'
    linked = {k: _with_arguments(v) if k == "inbound_nodes" else v for k, v in layer.items()
              if k in ("name", "inbound_nodes")}  # fmt: skip
    if isinstance(config, dict):
        class_name, config = current_class(class_name, config, reading.version)
    if class_name in _MODELS:
        return [_model({**layer, **linked, "class_name": class_name}, reading, f'layer "{_name(layer)}"')]
    if class_name in MERGES or isinstance(config, list):
        if class_name != "Merge":
            linked = {k: v for k, v in layer.items() if k in ("name", "inbound_nodes")}
        return operation_entries(class_name, config, linked, where)
    cls = reading.class_of(class_name, config if reading.version > 2 else None)
    if cls is None or "module" in layer:  # the user's class, or already one of Keras 3
        return [dict(layer)]
    known = getattr(cls, "__module__", "")
    if not known.startswith("keras.src.layers"):  # an operation of Keras 3
        config, dropped = dict(config), list[str]()
        module = known
    else:
        config, dropped = layer_keys(class_name, config, accepted_keys(cls), where)
        _check_defaults(class_name, config, reading, where)
        for key in _LAYERS_WITHIN & set(config):
            config[key] = _within(config[key], reading)
        module = "keras.layers"
    for key in dropped:
        reading.dropped[key] = reading.dropped.get(key, 0) + 1
    config = {k: _plain_policy(v) if k == "dtype" else v for k, v in config.items()}
    if reading.version < 3:
        config = {k: _activation(v) if k.endswith("activation") else v for k, v in config.items()}
    if isinstance(config.get("name"), str):
        config["name"] = safe_name(config["name"])
    native = _native(class_name, config)
    return [{**linked, **native, "module": module}]


def _within(value: ConfigValue, reading: _Reading) -> ConfigValue:
    """Return an inner layer, or a list of them."""
    if isinstance(value, list):
        return [_within(v, reading) for v in value]
    return _entry(value, reading) if isinstance(value, dict) and "class_name" in value else value


def _activation(value: ConfigValue) -> ConfigValue:
    """Return the Keras 3 equivalent of an activation of Keras 1 and 2."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        value = value.get("config")
    if value != "hard_sigmoid":
        return value
    return {
        "module": "builtins", "class_name": "function", "config": HARD_SIGMOID,
        "registered_name": HARD_SIGMOID,
    }  # fmt: skip


def _check_defaults(class_name: str, config: Config, reading: _Reading, where: str) -> None:
    """Refuse missing keys whose default has changed since an old Keras."""
    if reading.version < 2 and class_name == "BatchNormalization" and "epsilon" not in config:
        raise ModelError(f'{where}: key "epsilon" of class BatchNormalization is missing, wanted a number')
    if reading.version < 2 and class_name == "Flatten":
        config["data_format"] = "channels_last"  # Keras 1 flattened in the order in memory


def _native(class_name: str, config: Config) -> Config:
    return {"module": "keras.layers", "class_name": class_name, "config": config, "registered_name": None}


def _with_arguments(nodes: ConfigValue) -> ConfigValue:
    """Return the calls of a layer, each input with its keyword arguments, in the format since Keras 2.0."""
    return (
        [_call(node) if isinstance(node, list) else node for node in nodes]
        if isinstance(nodes, list)
        else nodes
    )


def _call(node: list[ConfigValue]) -> ConfigValue:
    """Return one call; in Keras 3's format if keyword arguments hold tensors, which older ones cannot."""
    inputs = [
        [*i, {}] if isinstance(i, list) and len(i) == 3 else list(i) if isinstance(i, list) else i
        for i in node
    ]
    given = [i for i in inputs if isinstance(i, list) and len(i) == 4 and isinstance(i[3], dict)]
    if len(given) != len(inputs) or not any(is_history(v) for i in given for v in i[3].values()):
        return inputs
    tensors = [tensor(i) for i in given]
    keywords = {k: tensor(v) if is_history(v) else v for k, v in given[0][3].items()}
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": keywords}


def _plain_policy(dtype: ConfigValue) -> ConfigValue:
    """Return the name of a number type, which older files wrap in a policy."""
    if isinstance(dtype, dict) and isinstance(dtype.get("config"), dict):
        return dtype["config"].get("name", "float32")
    return dtype


def accepted_keys(cls: type) -> frozenset[str]:
    """Return the keyword arguments that a Keras class accepts, including those of its bases."""
    keys: set[str] = set()
    for base in cls.__mro__:
        init = base.__dict__.get("__init__")
        if init is None:
            continue
        parameters = inspect.signature(init).parameters.values()
        keys |= {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return frozenset(keys - {"self", "kwargs"})


def _name(layer: Config) -> str:
    inner = layer.get("config")
    name = layer.get("name") or (inner.get("name") if isinstance(inner, dict) else "")
    return name if isinstance(name, str) else ""
