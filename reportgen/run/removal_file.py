"""Measurements of removal in a file, which can be published with a model whose pictures cannot."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reportgen.errors import ConfigError, ReportgenError
from reportgen.removal import Removal, UnitNeed
from reportgen.run.progress import Reporter
from reportgen.store import ModelRecord, Store
from reportgen.validation import refusal

_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Measurement:
    """Removal measured on one network, as stored in a file.

    Attributes:
        file_hash: Hash of the model file.
        fingerprint: Hash of everything that the measurement depends on.
        removal: The measurement.
        needs: The need of each unit, by layer.
    """

    file_hash: str
    fingerprint: str
    removal: Removal
    needs: Mapping[str, tuple[UnitNeed, ...]]


def take_measurement(store: Store, model: ModelRecord, file: Path, reporter: Reporter) -> bool:
    """Store the measurement of a model version's file; return whether the file of measurements has one.

    Raises:
        ConfigError: It cannot be read.
    """
    for found in read_measurements(file):
        if found.file_hash == model.file_hash:
            if store.removal_fingerprint(model.id) != found.fingerprint:
                store.put_removal(model.id, found.removal, found.needs, fingerprint=found.fingerprint)
            reporter.say(f"removal: as measured on {found.removal.measured}, from {file.name}")
            return True
    return False


_FILE = TypeAdapter(tuple[Measurement, ...])


def read_measurements(file: Path) -> tuple[Measurement, ...]:
    """Return the measurements in a file.

    Raises:
        ConfigError: It cannot be read, or holds something else.
    """
    try:
        with file.open("rb") as handle:
            data = handle.read(_MOST_BYTES)
        return _FILE.validate_json(data)
    except OSError as error:
        raise ConfigError(f'removal "{file}" cannot be read: {error.strerror or error}') from None
    except ValidationError as error:
        raise ConfigError(f"removal: {file.name}: {refusal(error).message}") from None


def check_place(file: Path) -> None:
    """Check, before anything is measured, that a measurement can be added to a file.

    Raises:
        ConfigError: Its folder is missing or cannot be written, or it holds something else.
    """
    if file.exists():
        read_measurements(file)
    elif not file.parent.is_dir():
        raise ConfigError(f'removal: folder "{file.parent}" does not exist')
    if not os.access(file.parent, os.W_OK):
        raise ConfigError(f'removal: folder "{file.parent}" cannot be written')


def write_measurement(file: Path, new: Measurement) -> None:
    """Add a measurement to a file, replacing an earlier one of the same model file.

    Raises:
        ReportgenError: It cannot be written; an existing file stays as it was.
    """
    before = read_measurements(file) if file.exists() else ()
    kept = [m for m in before if m.file_hash != new.file_hash]
    temporary = file.with_name(f".{file.name}.part")
    try:
        values = [_rounded(json.loads(_FILE.dump_json((m,))))[0] for m in (*kept, new)]
        temporary.write_text(json.dumps(values, separators=(",", ":")) + "\n", encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ReportgenError(f'"{file.name}" cannot be written: {error.strerror or error}') from None


def _rounded(value: object) -> Any:
    """Return JSON values with numbers rounded to six digits, more than their accuracy."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value
