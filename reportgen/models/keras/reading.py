"""Reads a Keras model from a file: checked, converted to float32, without running code from the file.

Returns the model as Keras builds it.
"""

from __future__ import annotations

import copy
import importlib
import json
import shutil
import textwrap
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from reportgen.errors import ModelError, ReportgenError
from reportgen.keras_types import Config, ConfigValue, KerasLayer, Network, Tensor
from reportgen.models.framework import deep_graphs, keras_module
from reportgen.models.keras.archive import WEIGHTS, Archive, read_archive, temporary_folder, unpack_weights
from reportgen.models.keras.code_safety import of_keras, refuse_code, with_known_classes
from reportgen.models.keras.custom import custom_objects, under_all_names
from reportgen.models.keras.hdf5 import h5py_module
from reportgen.models.keras.known_classes import LAYERS, OPERATIONS
from reportgen.models.keras_legacy.archive import load_archive_weights
from reportgen.models.keras_legacy.config import HARD_SIGMOID, major_version, to_keras_3, without_modules
from reportgen.models.keras_legacy.kernel_layout import Writer
from reportgen.models.keras_legacy.weights import load_weights
from reportgen.models.model_memory import build_within, default_max_memory
from reportgen.models.sources import ModelSource
from reportgen.models.training_config import own_training, without_training

_OTHER_FLOATS = {"float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"}
_POLICIES = {"DTypePolicy", "FloatDTypePolicy", "Policy", "PolicyV1"}


def read_keras(
    source: str | Path | ModelSource,
    *,
    trust_model: bool = False,
    custom: Iterable[str] = (),
    max_memory: int | None = None,
) -> tuple[Network, list[str]]:
    """Return the Keras model in a file, and notes on how it was read.

    Args:
        source: A `.keras` archive, a whole-model HDF5 file of Keras 1 to 3, or an architecture with weights.
        trust_model: Whether code in the file may run.
        custom: The user's own classes and functions, each `module:name`; only with `trust_model`.
        max_memory: In bytes; half of the machine's memory, at least 2 GB, by default.

    Raises:
        ModelError: The file cannot be used.
        UntrustedModel: It carries code and is not trusted.
        ConfigError: A custom class cannot be imported.
    """
    limit = max_memory if max_memory is not None else default_max_memory()
    objects = custom_objects(custom, trust_model=trust_model)
    archive = read_archive(source, max_memory=limit)
    keras = keras_module()
    objects[HARD_SIGMOID] = hard_sigmoid_of_keras_2
    untrained = without_training(archive.config)
    bringing = refuse_code(untrained, archive.name, trust_model=trust_model)
    notes = [f'Layer "{name}" runs code that came with the file.' for name in bringing]
    notes += [f"{text} is the user's own code." for text in custom]
    notes += own_training(archive.training)
    _refuse_quantized(archive)
    _refuse_kept_states(untrained, archive.name)
    writer = Writer(major_version(archive.keras_version), archive.backend.lower())
    if archive.keras_version is not None and writer.version < 3:
        untrained = without_modules(untrained)
    if archive.format != "keras" or writer.version < 3:
        untrained, remarks = to_keras_3(untrained, writer.version, class_of, archive.name)
        notes += remarks + _writer_notes(writer)
    config, changed = in_float32(untrained)
    if changed:
        found = ", ".join(sorted(changed))
        notes.append(
            f"The model was saved in {found}; its weights were converted and it computes in float32."
        )
    config, remarks = with_known_classes(
        config, archive.name, _IsCustom(keras, objects), trust_model=trust_model
    )
    notes += remarks
    objects = under_all_names(objects, config)
    model = _built(keras, archive, config, objects, limit, trust_model)
    if getattr(model, "inputs", None) or model.built:
        _load_weights(keras, model, archive, writer)
    return model, notes


def _writer_notes(writer: Writer) -> list[str]:
    if writer.version > 1:
        return []
    assumed = "" if writer.backend else " It does not state its backend; TensorFlow is assumed."
    return [f"The file was written by Keras {writer.version} and translated.{assumed}"]


def hard_sigmoid_of_keras_2(x: Tensor) -> Tensor:
    """Return `hard_sigmoid` as it was in Keras 1 and 2; configurations refer to this function by name."""
    return keras_module().ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def in_float32(config: Config) -> tuple[Config, set[str]]:
    """Return a configuration with all floating-point types replaced by float32, and the replaced types."""
    found: set[str] = set()

    def converted(value: ConfigValue) -> ConfigValue:
        if isinstance(value, list):
            return [converted(v) for v in value]
        if not isinstance(value, dict):
            return value
        inner = value.get("config")
        if (
            isinstance(inner, dict)
            and isinstance(inner.get("name"), str)
            and str(value.get("class_name")) in _POLICIES
            and inner["name"] in _OTHER_FLOATS
        ):
            found.add(inner["name"])
            return "float32"
        return {k: _as_float32(v, found) if k == "dtype" else converted(v) for k, v in value.items()}

    def _as_float32(value: ConfigValue, seen: set[str]) -> ConfigValue:
        if isinstance(value, str) and value in _OTHER_FLOATS:
            seen.add(value)
            return "float32"
        return converted(value)

    result = converted(config)
    return result, found


class _IsCustom:
    """Whether the user named an object, or the running program registered it with Keras."""

    def __init__(self, keras: ModuleType, objects: Mapping[str, Any]) -> None:
        self._keras = keras
        self._objects = objects

    def __call__(self, name: str) -> bool:
        if name.rpartition(">")[2] in self._objects:
            return True
        found = self._keras.saving.get_registered_object(name)
        return found is not None and not of_keras(getattr(found, "__module__", None))


def class_of(class_name: str, config: ConfigValue = None) -> type[KerasLayer] | None:
    """Return Keras's own layer or operation of a known name, or None.

    `Add` and some others are both; an operation's configuration has only a name.
    """
    alone = isinstance(config, dict) and set(config) <= {"name"}
    tables = (OPERATIONS, LAYERS) if alone else (LAYERS, OPERATIONS)
    for table in tables:
        if class_name in table:
            module, name = table[class_name]
            return getattr(importlib.import_module(module), name, None)
    return None


def _refuse_quantized(archive: Archive) -> None:
    text = json.dumps(archive.config)
    if "QuantizedDTypePolicy" in text or "QuantizedFloat8DTypePolicy" in text or '"GPTQ' in text:
        raise ModelError(
            f"{archive.name}: the model is quantized, wanted float weights",
            hint="save it before quantization",
        )


def _refuse_kept_states(config: ConfigValue, file_name: str) -> None:
    """Refuse a recurrent layer that carries its state over from one batch to the next."""
    inside = config.values() if isinstance(config, dict) else config if isinstance(config, list) else ()
    inner = config.get("config") if isinstance(config, dict) else None
    if isinstance(inner, dict) and inner.get("stateful") is True:
        layer = f'layer "{str(inner.get("name"))[:60]}" ({str(config.get("class_name"))[:60]})'
        raise ModelError(
            f"{file_name}: {layer} keeps its state from one batch of pictures to the next, "
            "wanted each picture processed independently",
            hint="rebuild the network with stateful=False, and copy the weights",
        )
    for value in inside:
        _refuse_kept_states(value, file_name)


def _built(
    keras: ModuleType, archive: Archive, config: Config, objects: dict[str, Any], limit: int, trusted: bool
) -> Network:
    """Return a configuration's network; weights are allocated only once all are known to fit."""
    options = {"custom_objects": objects, "safe_mode": not trusted}

    def build() -> Network:
        # Keras modifies a configuration while reading it.
        return keras.saving.deserialize_keras_object(copy.deepcopy(config), **options)

    try:
        with warnings.catch_warnings(), deep_graphs():
            warnings.simplefilter("ignore")
            model = build_within(build, limit, archive.name)
    except ReportgenError:
        raise
    except Exception as error:  # Keras raises errors of any class for damaged or hostile files
        found = _failing_layer(keras, config, options)
        raise _unbuildable(keras, archive, found[1] if found else error, found[0] if found else "") from None
    if not isinstance(model, keras.Model):
        raise ModelError(
            f"{archive.name}: its configuration describes a {type(model).__name__}, wanted a model"
        )
    return model


def _load_weights(keras: ModuleType, model: Network, archive: Archive, writer: Writer) -> None:
    """Load the weights into a network."""
    own = archive.weights or archive.path
    if archive.format == "h5" or (archive.format == "json" and _is_old_arrangement(own)):
        load_weights(model, own, writer, archive.name)
        return
    try:
        with warnings.catch_warnings(), temporary_folder(archive.name, own.stat().st_size) as folder:
            warnings.simplefilter("ignore")
            if archive.format == "keras":
                with zipfile.ZipFile(archive.path) as container:
                    file = unpack_weights(container, folder)
                if writer.version < 3:
                    load_archive_weights(model, archive.config, file, archive.name)
                    return
            else:
                file = folder / WEIGHTS
                shutil.copyfile(own, file)
            model.load_weights(file)
    except ReportgenError:
        raise
    except Exception as error:  # as above
        raise _unbuildable(keras, archive, error) from None


def _is_old_arrangement(weights: Path) -> bool:
    """Whether weights are laid out as in Keras 1 and 2, as Keras 3 still does in files ending in `.h5`."""
    with h5py_module().File(weights, "r") as file:
        return "model_weights" in file or any(str(key).startswith("layer_names") for key in file.attrs)


def _unbuildable(keras: ModuleType, archive: Archive, error: BaseException, where: str = "") -> ModelError:
    return ModelError(
        f"{archive.name}: {where}Keras {keras.__version__} cannot build it: {_cause(error)}",
        hint="load it with the Keras it was saved with and save it as .keras",
    )


def _failing_layer(
    keras: ModuleType, config: ConfigValue, options: Mapping[str, Any]
) -> tuple[str, BaseException] | None:
    """Return the first layer that cannot be created on its own, and why; None if all can.

    Layers are created but not built, so that no weights are allocated.
    """
    layers = config.get("config", {}).get("layers") if isinstance(config.get("config"), dict) else None
    for entry in layers if isinstance(layers, list) else ():
        inner = entry.get("config") if isinstance(entry, dict) else None
        if not isinstance(inner, dict):
            continue
        if isinstance(inner.get("layers"), list):
            if found := _failing_layer(keras, entry, options):
                return found
            continue
        alone = {k: v for k, v in entry.items() if k not in ("build_config", "inbound_nodes")}
        try:
            keras.saving.deserialize_keras_object(alone, **options)
        except Exception as error:  # as above
            return f'layer "{str(inner.get("name"))[:60]}" ({str(entry.get("class_name"))[:60]}): ', error
    return None


def _cause(error: BaseException) -> str:
    """Return the root cause of an error in one line, since Keras wraps it in further errors."""
    first: BaseException | None = error
    while first is not None:
        error, first = first, first.__cause__ or first.__context__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (
        f"{type(error).__name__}: {textwrap.shorten(lines[0], 240, placeholder='...')}"
        if lines
        else type(error).__name__
    )
