"""From a model file to its record in the store; the file is read only if it has changed."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.config import Settings
from reportgen.errors import ConfigError, ModelError
from reportgen.json_values import JsonObject, Parsed
from reportgen.models.sources import find_source
from reportgen.run.memory import default_bound
from reportgen.store import ModelRecord, Store

if TYPE_CHECKING:
    from reportgen.models import Model

IMPORT_VERSION = 7
"""Increased whenever the same file gives other layers, so that stored records are renewed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model version: its record, and a function that loads the network.

    Attributes:
        path: The model as the user named it.
        record: As stored, or as just read.
        load: Reads the file, once; only this imports the framework.
    """

    path: str | Path
    record: ModelRecord
    load: Callable[[], Model]


def open_source(store: Store, path: str | Path, settings: Settings) -> Source:
    """Return the model version that a file, or another source such as `keras.applications:NAME`, holds.

    If the store has a record of the same file with the same options, the file is not read.

    Raises:
        ModelError: The file cannot be used.
    """
    named = find_source(path)
    try:
        named.file_name.encode()
    except UnicodeEncodeError:
        raise ModelError(f"the file name {named.file_name!r} is not valid text", hint="rename it") from None
    hash_ = named.digest()
    options = _options(settings)
    name, version = named.name, settings.version or hash_[:8]
    loaded: list[Model] = []

    def load() -> Model:
        if not loaded:
            loaded.append(load_network(path, version, settings))
        return loaded[0]

    stored = store.find_model(name, version)
    if stored is not None and stored.file_hash == hash_ and stored.options == options:
        return Source(path, stored, load)
    return Source(path, record_of(load(), options), load)


def _options(settings: Settings) -> JsonObject:
    return {
        "input_range": [list(e) if isinstance(e, tuple) else e for e in settings.input_range]
        if settings.input_range
        else None,
        **({"channel_order": settings.channel_order} if settings.channel_order else {}),
        **({"channels": settings.channels} if settings.channels else {}),
        "input_size": list(settings.input_size) if settings.input_size else None,
        "trust_model": settings.trust_model,
        "custom": list(settings.custom),
        "hold": dict(settings.hold),
        "import_version": IMPORT_VERSION,
    }


def load_network(path: str | Path, version: str, settings: Settings, untrained: int | None = None) -> Model:
    """Read a model as the settings say.

    Args:
        untrained: A seed, for the same network with fresh weights.

    Raises:
        ModelError: The file cannot be used.
    """
    from reportgen.models import load_model

    choose_device(settings.device)
    choose_arithmetic(settings.arithmetic)
    return load_model(
        path,
        version=version,
        input_range=settings.input_range,
        input_size=settings.input_size,
        channel_order=settings.channel_order,
        channels=settings.channels,
        trust_model=settings.trust_model,
        custom=settings.custom,
        hold=settings.hold,
        max_memory=settings.max_memory or default_bound(),
        untrained=untrained,
    )


def summary_lines(model: ModelRecord | Model) -> Iterator[str]:
    """Yield lines that describe a network: its units, its input, what is skipped, notes."""
    n_units = sum(layer.n_units for layer in model.layers)
    yield f"{model.name} {model.version}: {len(model.layers)} layers, {n_units:,} units"
    yield input_line(model)
    for name, reason in model.skipped:
        yield f"skipped {name}: {reason}"
    yield from model.notes


def input_line(model: ModelRecord | Model) -> str:
    """Return a line that describes a network's input."""
    height, width, channels = model.input_shape
    size = "" if model.input_size_source == "model" else f" ({model.input_size_source})"
    found = model.input_range
    evidence = f": {found.evidence}" if found.evidence else ""
    return f"input {height}x{width}x{channels}{size}, range {found} ({found.source}{evidence})"


def choose_device(device: str) -> None:
    """Choose the device, before a framework allocates anything on one."""
    if device == "auto" and "keras" not in sys.modules:
        return
    from reportgen.models.framework import keras_module

    keras_module()
    from reportgen.render.backend import use_device

    use_device(device)


def choose_arithmetic(wanted: str) -> None:
    """Choose the arithmetic.

    Raises:
        ConfigError: It is bfloat16, and the device does not support it.
    """
    if wanted == "float32" and "keras" not in sys.modules:
        return
    from reportgen.models.framework import keras_module

    keras_module()
    from reportgen.render import device_name, use_arithmetic

    if use_arithmetic(wanted) != wanted:
        raise ConfigError(
            f"arithmetic is {wanted}, but {device_name()} supports only float32", hint="--arithmetic float32"
        )


def record_of(model: Model, options: Parsed) -> ModelRecord:
    """Return what the store keeps of a network that was read with these options."""
    names = {f.name for f in dataclasses.fields(ModelRecord)} - {"options", "plan", "id"}
    return ModelRecord(options=options, **{name: getattr(model, name) for name in names})
