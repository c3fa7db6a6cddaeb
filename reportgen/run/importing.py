"""From a model file to its record in the store, reading the file only when it has changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.config import Settings
from reportgen.errors import ModelError
from reportgen.models.fingerprint import file_hash
from reportgen.store import ModelRecord, Store

if TYPE_CHECKING:
    from reportgen.models import Model

IMPORT_VERSION = 2
"""Raised whenever the same file is read into other layers, so that stored records are renewed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model version: its record, and the network itself for those who must run it.

    Attributes:
        record: As stored, or as just read.
        load: Reads the file; the framework is imported only here. Reads it once.
    """

    record: ModelRecord
    load: Callable[[], Model]


def open_source(store: Store, path: str | Path, settings: Settings) -> Source:
    """Return the model version that a file holds.

    If the store has a record of the same file with the same options, the file is not read.

    Raises:
        ModelError: The file cannot be used.
    """
    path = Path(path)
    try:
        path.stem.encode()
    except UnicodeEncodeError:
        raise ModelError(f"the name of file {path.name!r} is no text", hint="rename it") from None
    hash_ = file_hash(path)
    options = _options(settings)
    name, version = path.stem, settings.version or hash_[:8]
    loaded: list[Model] = []

    def load() -> Model:
        if not loaded:
            loaded.append(_load(path, version, settings))
        return loaded[0]

    stored = store.find_model(name, version)
    if stored is not None and stored.file_hash == hash_ and stored.options == options:
        return Source(stored, load)
    return Source(_record(load(), options), load)


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "input_range": list(settings.input_range) if settings.input_range else None,
        "input_size": list(settings.input_size) if settings.input_size else None,
        "trust_model": settings.trust_model,
        "import_version": IMPORT_VERSION,
    }


def _load(path: Path, version: str, settings: Settings) -> Model:
    from reportgen.models import load_model

    return load_model(
        path,
        version=version,
        input_range=settings.input_range,
        input_size=settings.input_size,
        trust_model=settings.trust_model,
    )


def _record(model: Model, options: dict[str, Any]) -> ModelRecord:
    names = {f.name for f in dataclasses.fields(ModelRecord)} - {"options", "plan", "id"}
    return ModelRecord(options=options, **{name: getattr(model, name) for name in names})
