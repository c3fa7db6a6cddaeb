"""Measurements of removal in a file of their own: they travel with a model whose pictures do not."""

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

_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Measurement:
    """Removal of one network, as it is kept in a file.

    Attributes:
        file_hash: Of the model file.
        fingerprint: Hash of all that it depends on.
        removal: The measurement.
        needs: By layer, of each unit.
    """

    file_hash: str
    fingerprint: str
    removal: Removal
    needs: Mapping[str, tuple[UnitNeed, ...]]


def take_measurement(store: Store, model: ModelRecord, file: Path, reporter: Reporter) -> bool:
    """Keep what a file of measurements says of a model version's file; return whether it says anything.

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
        first = error.errors(include_url=False)[0]
        where = "".join(f"{part}: " for part in (file.name, ".".join(map(str, first["loc"][:4]))) if part)
        raise ConfigError(f"removal: {where}{first['msg'][0].lower()}{first['msg'][1:]}") from None


def check_place(file: Path) -> None:
    """Refuse a file that a measurement could not be added to, before one is made.

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
    """Add a measurement to a file, in place of an earlier one of the same model file.

    Raises:
        ReportgenError: It cannot be written; an earlier file stays as it was.
    """
    before = read_measurements(file) if file.exists() else ()
    kept = [m for m in before if m.file_hash != new.file_hash]
    passing = file.with_name(f".{file.name}.part")
    try:
        values = [_rounded(json.loads(_FILE.dump_json((m,))))[0] for m in (*kept, new)]
        passing.write_text(json.dumps(values, separators=(",", ":")) + "\n", encoding="utf-8")
        passing.replace(file)
    except OSError as error:
        passing.unlink(missing_ok=True)
        raise ReportgenError(f'"{file.name}" cannot be written: {error.strerror or error}') from None


def _rounded(value: object) -> Any:
    """Return JSON values whose numbers have six digits, which is more than any is worth."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value
