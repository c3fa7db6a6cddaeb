"""What a model's configuration would run: nothing a file brings is run unasked.

Reads plain JSON only. Lambda layers and the like carry code; classes from outside Keras
would be imported; lookup tables would open other files. Each is refused by the name of its layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reportgen.errors import ModelError, UntrustedModel

_CODE = {
    "Lambda": "a Lambda layer",
    "__lambda__": "a Python lambda",
    "TorchModuleWrapper": "a pickled PyTorch module",
}
_FOREIGN = {"TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "__typespec__"}
_LOOKUPS = {"TextVectorization", "StringLookup", "IntegerLookup", "HashedCrossing", "Hashing", "FeatureSpace"}
_MARKERS = {
    "__keras_tensor__",
    "__tensor__",
    "__numpy__",
    "__bytes__",
    "__ellipsis__",
    "__slice__",
    "__tuple__",
}
_ROOMS = {
    "layers", "models", "ops", "initializers", "regularizers", "constraints", "activations", "dtype_policies",
    "random", "quantizers", "backend",
}  # fmt: skip
"""Packages of Keras whose classes a configuration may name."""

_LAYER_KEYS = {"layers", "layer", "forward_layer", "backward_layer"}
_MAX_DEPTH = 200


def check_trust(config: dict[str, Any], file_name: str, known: Any, *, trust_model: bool) -> list[str]:
    """Return the names of the layers that bring code, which are there only with `trust_model`.

    Args:
        config: A model's configuration as plain JSON.
        file_name: For messages.
        known: `known(class_name)` tells whether a class without a module is Keras's own;
            `known.registered(name)` whether the running program registered it itself.
        trust_model: Whether code that came with the file may run.

    Raises:
        UntrustedModel: The file brings code, and is not trusted.
        ModelError: The file names classes that are not Keras's.
    """
    bringing: list[str] = []
    for item, layer, is_layer in _objects(config, "", "layers", 0, file_name):
        class_name = item.get("class_name")
        if not isinstance(class_name, str):
            raise ModelError(f'{file_name}: layer "{layer}" has a class_name that is no text')
        if class_name in _CODE:
            if not trust_model or class_name == "TorchModuleWrapper":
                raise UntrustedModel(
                    f'{file_name}: layer "{layer}" is {_CODE[class_name]}, code that would run here',
                    hint="only if you know who made the file: trust the model (--trust-model)",
                )
            bringing.append(layer)
        elif class_name in _FOREIGN:
            raise UntrustedModel(f'{file_name}: layer "{layer}" ({class_name}) runs code from outside Keras')
        elif class_name in _LOOKUPS:
            raise ModelError(
                f'{file_name}: layer "{layer}" ({class_name}) is for text or tables, wanted an image model'
            )
        elif class_name not in _MARKERS:
            _check_class(item, class_name, layer, is_layer, file_name, known)
    return list(dict.fromkeys(bringing))


def _check_class(
    item: dict[str, Any], class_name: str, layer: str, is_layer: bool, file_name: str, known: Any
) -> None:
    module, registered = item.get("module"), item.get("registered_name")
    if registered is not None and not isinstance(registered, str):
        raise ModelError(f'{file_name}: layer "{layer}" ({class_name}) has a registered_name that is no text')
    if known.registered(registered or class_name):
        return
    if module is None and (registered is None or registered == class_name):
        if known(class_name) or not is_layer:
            return
    elif isinstance(module, str) and _of_keras(module, class_name):
        return
    own = item["config"] if class_name == "function" and isinstance(item.get("config"), str) else class_name
    where = f"{module}.{own}" if isinstance(module, str) else registered or own
    raise ModelError(
        f'{file_name}: layer "{layer}" is of class {where}, which is not part of Keras',
        hint="custom classes are not loaded from a file; rebuild the layer from Keras layers and save again",
    )


def _of_keras(module: str, class_name: str) -> bool:
    """Whether a module is one of Keras's that holds layers and the like, not one that opens files."""
    parts = [part for part in module.split(".") if part != "src"]
    if class_name == "function":
        return module == "builtins" or parts[:2] in (["keras", "activations"], ["keras", "ops"])
    return parts[:1] == ["keras"] and (len(parts) == 1 or parts[1] in _ROOMS)


def _objects(
    value: Any, layer: str, key: str, depth: int, file_name: str
) -> Iterator[tuple[dict[str, Any], str, bool]]:
    """Yield every object described, the name of the layer it belongs to, and whether it is one itself."""
    if depth > _MAX_DEPTH:
        raise ModelError(f"{file_name}: its configuration is nested more than {_MAX_DEPTH} deep")
    if isinstance(value, list):
        for entry in value:
            yield from _objects(entry, layer, key, depth + 1, file_name)
    elif isinstance(value, dict):
        if "class_name" in value:
            layer = _name_of(value) or layer
            yield value, layer or "the model", key in _LAYER_KEYS
        for inner_key, entry in value.items():
            yield from _objects(entry, layer, str(inner_key), depth + 1, file_name)


def _name_of(item: dict[str, Any]) -> str:
    class_name = item.get("class_name")
    if not isinstance(class_name, str) or class_name in _MARKERS | {"DTypePolicy", "Policy", "function"}:
        return ""
    inner = item.get("config")
    name = item.get("name") or (inner.get("name") if isinstance(inner, dict) else "")
    return name if isinstance(name, str) else ""
