"""A Keras model out of a file: checked, computing in float32, with nothing of the file's own run.

Returns what Keras built; what it means is known elsewhere.
"""

from __future__ import annotations

import importlib
import json
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reportgen.errors import ModelError
from reportgen.models.archive import Archive, read_archive
from reportgen.models.framework import keras_module
from reportgen.models.trust import check_trust

_OTHER_FLOATS = {"float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"}
_POLICIES = {"DTypePolicy", "FloatDTypePolicy", "Policy", "PolicyV1"}


def read_keras(path: str | Path, *, trust_model: bool = False) -> tuple[Any, list[str]]:
    """Return the Keras model in a file, and what a reader should know of how it was read.

    Raises:
        ModelError: The file cannot be used.
        UntrustedModel: It brings code of its own and is not trusted.
    """
    archive = read_archive(path)
    keras = keras_module()
    operations = _Known(keras)
    untrained = without_training(archive.config)
    bringing = check_trust(untrained, archive.path.name, operations, trust_model=trust_model)
    notes = [f'Layer "{name}" runs code that came with the file.' for name in bringing]
    config, changed = in_float32(untrained)
    if changed:
        found = ", ".join(sorted(changed))
        notes.append(
            f"The model was saved in {found}; its weights were converted and it computes in float32."
        )
    _refuse_quantized(archive)
    with _on_disk(archive, config) as file:
        model = _load(keras, file, archive, operations, trust_model)
    return model, notes


def without_training(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration without how the model, or a model inside it, was trained.

    Losses and metrics are often custom, and none is needed to look at units.
    """

    def stripped(value: Any) -> Any:
        if isinstance(value, list):
            return [stripped(v) for v in value]
        if isinstance(value, dict):
            return {k: stripped(v) for k, v in value.items() if k != "compile_config"}
        return value

    return {k: stripped(v) for k, v in config.items() if k != "compile_config"}


def in_float32(config: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Return a configuration in which every other floating type became float32, and those types."""
    found: set[str] = set()

    def converted(value: Any) -> Any:
        if isinstance(value, list):
            return [converted(v) for v in value]
        if not isinstance(value, dict):
            return value
        inner = value.get("config")
        if (
            value.get("class_name") in _POLICIES
            and isinstance(inner, dict)
            and inner.get("name") in _OTHER_FLOATS
        ):
            found.add(inner["name"])
            return "float32"
        return {k: _as_float32(v, found) if k == "dtype" else converted(v) for k, v in value.items()}

    def _as_float32(value: Any, seen: set[str]) -> Any:
        if isinstance(value, str) and value in _OTHER_FLOATS:
            seen.add(value)
            return "float32"
        return converted(value)

    result = converted(config)
    return result, found


class _Known:
    """Which classes Keras itself has, and which the running program registered with it."""

    def __init__(self, keras: Any) -> None:
        self._keras = keras
        self.operations = _operation_classes(keras)

    def __call__(self, class_name: str) -> bool:
        owned = hasattr(self._keras.layers, class_name) or class_name in self.operations
        return owned or class_name in {"Functional", "Sequential", "Model"}

    def registered(self, name: str) -> bool:
        return name not in self.operations and self._keras.saving.get_registered_object(name) is not None


def _operation_classes(keras: Any) -> dict[str, Any]:
    """Return Keras's own operations by class name: HDF5 files name them without their module."""
    found: dict[str, Any] = {}
    for module in ("numpy", "nn", "core", "math", "image"):
        try:
            names = vars(importlib.import_module(f"keras.src.ops.{module}"))
        except ModuleNotFoundError:
            continue
        for name, value in names.items():
            if (
                isinstance(value, type)
                and issubclass(value, keras.Operation)
                and not hasattr(keras.layers, name)
            ):
                found[name] = value
    return found


def _refuse_quantized(archive: Archive) -> None:
    text = json.dumps(archive.config)
    if "QuantizedDTypePolicy" in text or "QuantizedFloat8DTypePolicy" in text or '"GPTQ' in text:
        raise ModelError(
            f"{archive.path.name}: the model is quantized, wanted float weights",
            hint="save it before quantization",
        )


@contextmanager
def _on_disk(archive: Archive, config: dict[str, Any]) -> Iterator[Path]:
    """Yield a file with that configuration: the original, or a copy that is gone afterwards."""
    if config == {k: v for k, v in archive.config.items() if k != "compile_config"}:
        yield archive.path
        return
    with tempfile.TemporaryDirectory(prefix="reportgen-") as folder:
        copied = Path(folder) / ("model.keras" if archive.format == "keras" else "model.h5")
        if archive.format == "keras":
            _rewrite_zip(archive.path, copied, config)
        else:
            _rewrite_h5(archive.path, copied, config)
        yield copied


def _rewrite_zip(source: Path, target: Path, config: dict[str, Any]) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            with old.open(member) as reader, new.open(member.filename, "w", force_zip64=True) as writer:
                if member.filename == "config.json":
                    writer.write(json.dumps(config).encode())
                else:
                    shutil.copyfileobj(reader, writer)


def _rewrite_h5(source: Path, target: Path, config: dict[str, Any]) -> None:
    import h5py

    shutil.copyfile(source, target)
    target.chmod(0o600)
    with h5py.File(target, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)


def _load(keras: Any, file: Path, archive: Archive, operations: _Known, trust_model: bool) -> Any:
    own = operations.operations if archive.format == "h5" else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return keras.models.load_model(file, custom_objects=own, compile=False, safe_mode=not trust_model)
    except Exception as error:  # Keras raises whatever a damaged or hostile file makes it meet
        raise ModelError(
            f"{archive.path.name}: Keras {keras.__version__} cannot build it: {_cause(error)}",
            hint="load it with the Keras it was saved with and save it as .keras",
        ) from None


def _cause(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
