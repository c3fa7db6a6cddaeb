"""What a model's configuration would run or look up: code from a file runs only if the user trusts it.

Reads plain JSON only. Lambda layers and the like carry code and are refused without trust. Every other
object is rewritten with the module and name that `known_classes` lists, so that Keras can look up only what
is in that table or named by the user, whatever the file contains.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reportgen.errors import ModelError, UntrustedModel
from reportgen.keras_types import Config, ConfigValue
from reportgen.models.keras import known_classes as known

_CODE = {
    "Lambda": "a Lambda layer",
    "__lambda__": "a Python lambda",
    "TorchModuleWrapper": "a pickled PyTorch module",
}
_FOREIGN = {"TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "__typespec__"}
_MARKERS = {
    "__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__",
}  # fmt: skip
_TRAINING = {
    "initializer": known.INITIALIZERS,
    "regularizer": known.REGULARIZERS,
    "constraint": known.CONSTRAINTS,
}
"""Suffixes of a layer's keys whose values affect training and not what the network computes."""

_KINDS = {
    "ops": known.OPERATIONS,
    "models": known.MODELS,
    "layers": known.LAYERS,
    "initializers": known.INITIALIZERS,
    "regularizers": known.REGULARIZERS,
    "constraints": known.CONSTRAINTS,
    "dtype_policies": known.POLICIES,
    "random": known.RANDOM,
}
_LOOKUP_ORDER = (
    "models",
    "layers",
    "initializers",
    "regularizers",
    "constraints",
    "dtype_policies",
    "random",
    "ops",
)
"""Kinds in which a name is looked up, in this order, if its module does not give the kind."""

_MAX_DEPTH = 200
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def refuse_code(config: Config, file_name: str, *, trust_model: bool) -> list[str]:
    """Return the names of the layers that carry code, allowed only with `trust_model`.

    Raises:
        UntrustedModel: The file carries code, and is not trusted.
        ModelError: It is nested too deep, or a class has no name.
    """
    bringing: list[str] = []
    for item, layer in _objects(config, "", 0, file_name):
        class_name = item["class_name"]
        if not isinstance(class_name, str):
            raise ModelError(f'{file_name}: layer "{layer}" has a class_name that is not text')
        last = _last(class_name)
        if last in _FOREIGN:
            raise UntrustedModel(f'{file_name}: layer "{layer}" ({last}) runs code from outside Keras')
        if last in _CODE:
            if not trust_model:
                raise UntrustedModel(
                    f'{file_name}: layer "{layer}" is {_CODE[last]}, code that would run here',
                    hint="only if you know who made the file: trust the model (--trust-model)",
                )
            bringing.append(layer)
    return list(dict.fromkeys(bringing))


def with_known_classes(
    config: Config, file_name: str, own: Callable[[str], bool], *, trust_model: bool
) -> tuple[Config, list[str]]:
    """Return a configuration in which every object is in `known_classes` or the user's own, and notes.

    Unknown initialisers, regularisers and constraints only affect training and are left out.

    Args:
        config: A model's configuration as plain JSON.
        file_name: For messages.
        own: Whether the user named, or the running program registered, an object of this name.
        trust_model: Whether code that came with the file may run.

    Raises:
        UntrustedModel: The file carries code, and is not trusted.
        ModelError: It names an object that is neither.
    """
    refuse_code(config, file_name, trust_model=trust_model)
    reading = _Reading(file_name, own, trust_model, config)
    result = reading.value(config, "", "layers")
    notes = []
    if reading.dropped:
        dropped = ", ".join(f"{what} ({n})" for what, n in sorted(reading.dropped.items()))
        notes.append(f"Left out, since it affects training but no result: {dropped}.")
    return dict(result), notes


@dataclass
class _Reading:
    """The configuration being read, and what was left out so far."""

    file_name: str
    own: Callable[[str], bool]
    trust_model: bool
    whole: Config
    dropped: Counter[str] = field(default_factory=Counter)

    def value(self, value: object, layer: str, key: str) -> ConfigValue:
        if isinstance(value, dict):
            if "class_name" in value:
                return self._object(value, layer, key)
            return self._entries(value, layer)
        if isinstance(value, list):
            result = []
            for entry in value:
                result.append(
                    self.value(entry, layer, key) if isinstance(entry, (dict, list)) else entry
                )  # no comprehension, which would deepen the call stack
            return result
        return value

    def _entries(self, item: Config, layer: str) -> Config:
        result = {}
        for key, value in item.items():
            result[key] = self.value(value, layer, key) if isinstance(value, (dict, list)) else value
        return result

    def _object(self, item: Config, layer: str, key: str) -> Config:
        """Return an object with the one module and name under which Keras may look it up."""
        class_name, registered = item["class_name"], item.get("registered_name")
        layer = (_name_of(item) or layer) if item is not self.whole else ""
        if registered is not None and not isinstance(registered, str):
            raise self._error(layer, f"({class_name}) has a registered_name that is not text")
        if class_name in _MARKERS or class_name == "__lambda__":  # the latter only in a trusted model
            return self._entries(item, layer)
        if class_name == "function":
            return self._function(item, layer)
        found = self._place(item, key)
        if found is None:
            for name in (registered, class_name):
                if name is not None and self.own(name):
                    return {**self._entries(item, layer), "module": "own", "registered_name": name}
            raise self._unknown(item, class_name, layer)
        module, name = found
        item = {k: v for k, v in item.items() if k not in ("spec_name", "compile_config")}
        if isinstance(item.get("config"), dict):
            item["config"] = self._trained(item["config"], layer)
        return {**self._entries(item, layer), "module": module, "class_name": name, "registered_name": None}

    def _place(self, item: Config, key: str) -> tuple[str, str] | None:
        """Return the table's entry for an object's class, None if it has none or the class is not Keras's."""
        class_name, module = item["class_name"], item.get("module")
        package, _, last = (item.get("registered_name") or class_name).rpartition(">")
        if package not in ("", "keras", "Keras") or (package and last != class_name):
            return None
        if module is None and (item.get("registered_name") or self.own(class_name)):
            return None  # This is how Keras writes a user's class; its own always have a module.
        if module is not None and not of_keras(module):
            return None
        if class_name == "Lambda" and self.trust_model:
            return "keras.layers", "Lambda"
        if _ending(key) in _TRAINING:
            return _TRAINING[_ending(key)].get(class_name)
        parts = module.split(".") if isinstance(module, str) else ()
        for room in (*(r for r in _KINDS if r in parts), *_LOOKUP_ORDER):
            if class_name in _KINDS[room]:
                return _KINDS[room][class_name]
        return None

    def _function(self, item: Config, layer: str) -> Config:
        name, module = item.get("config"), item.get("module")
        if not isinstance(name, str):
            raise self._error(layer, "has a function whose name is not text")
        table = known.FUNCTIONS if self.trust_model else known.TENSOR_FUNCTIONS
        plain = {"class_name": "function", "config": name, "registered_name": name}
        if (module is None or module == "builtins" or not of_keras(module)) and self.own(name):
            return {"module": "builtins", **plain}
        if (module is None or module == "builtins" or of_keras(module)) and name in table:
            return {"module": table[name][0], **plain}
        if of_keras(module):
            raise self._error(
                layer,
                f"has the function {module}.{name}, which is not part of Keras's activations, "
                "wanted one that turns a tensor into one of its shape",
            )
        raise self._unknown(item, name, layer)

    def _trained(self, config: Config, layer: str) -> Config:
        """Return a layer's configuration without unknown settings that only affect training."""
        kept = dict(config)
        for key, value in config.items():
            if key.endswith("activation") and isinstance(value, str):
                if value not in known.ACTIVATIONS and not self.own(value):
                    raise self._unknown({"class_name": "function"}, value, layer)
            elif _ending(key) in _TRAINING and isinstance(value, (str, dict)):
                name = value if isinstance(value, str) else str(value.get("class_name"))
                if not self._is_known_training(key, value, name):
                    del kept[key]
                    self.dropped[f"{key} {name[:60]}"] += 1
        return kept

    def _is_known_training(self, key: str, value: str | Config, name: str) -> bool:
        kind = _ending(key)
        if isinstance(value, str):
            return value in _TRAINING[kind] or value in known.OLD_NAMES.get(kind, ()) or self.own(value)
        registered, inner = value.get("registered_name"), value.get("config")
        if registered is not None and not isinstance(registered, str):
            return False
        if any(isinstance(word, str) and self.own(word) for word in (name, registered, inner)):
            return True
        return self._place({**value, "class_name": name}, key) is not None

    def _unknown(self, item: Config, name: str, layer: str) -> ModelError:
        """Return the error for an object that is not in the table, with a hint."""
        module, registered = item.get("module"), item.get("registered_name")
        last = _last(name)
        if last in known.TEXT_OR_TABLES:
            return self._error(layer, f"({last}) is for text or tables, wanted an image model")
        if last in known.DROPPED and registered in (None, last) and (module is None or of_keras(module)):
            return self._error(
                layer,
                f"is of class {last}, which Keras 3 no longer has",
                hint="export the model to ONNX with the Keras that it was made with",
            )
        named = isinstance(module, str) and module not in ("builtins", "")
        where = f"{module}.{name}" if named else registered if registered not in (None, "function") else name
        if named and of_keras(module):
            return self._error(layer, f"is of class {where}, which is not part of Keras's network API")
        verb = "names the function" if item["class_name"] == "function" else "is of class"
        own_module = module if named and _MODULE.fullmatch(str(module)) and module != "__main__" else "MODULE"
        option = f"--trust-model --custom {own_module}:{last}"
        return self._error(
            layer,
            f"{verb} {where}, which is not part of Keras",
            hint=f"if you know who made the file and have that code: {option}",
        )

    def _error(self, layer: str, problem: str, *, hint: str = "") -> ModelError:
        where = f'layer "{layer}"' if layer else "the model"
        return ModelError(f"{self.file_name}: {where} {problem}", hint=hint)


def of_keras(module: object) -> bool:
    """Whether a module belongs to Keras, of any release."""
    return isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras")


def _ending(key: str) -> str:
    return key.rpartition("_")[2]


def _last(name: str) -> str:
    """Return the last part of a name such as `layers.Lambda` or `pack>Swirl`."""
    return re.split(r"[.>]", name)[-1]


def _objects(value: object, layer: str, depth: int, file_name: str) -> Iterator[tuple[Config, str]]:
    """Yield every object in a configuration, and the name of the layer it belongs to."""
    stack = [(value, layer, depth)]
    while stack:
        value, layer, depth = stack.pop()
        if depth > _MAX_DEPTH:
            raise ModelError(f"{file_name}: its configuration is nested more than {_MAX_DEPTH} deep")
        if isinstance(value, dict):
            if "class_name" in value:
                layer = _name_of(value) or layer
                yield value, layer or "the model"
            value = list(value.values())
        if isinstance(value, list):
            stack += [(v, layer, depth + 1) for v in reversed(value) if isinstance(v, (dict, list))]


def _name_of(item: Config) -> str:
    class_name = item.get("class_name")
    if not isinstance(class_name, str) or class_name in _MARKERS | {"DTypePolicy", "Policy", "function"}:
        return ""
    inner = item.get("config")
    name = item.get("name") or (inner.get("name") if isinstance(inner, dict) else "")
    return name if isinstance(name, str) else ""
