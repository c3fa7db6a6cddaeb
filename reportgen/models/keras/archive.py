"""The container of a model file, checked before anything is built from it.

Opens `.keras` archives, whole-model HDF5 files and architectures in JSON, checks that they contain no more
than they declare and no references to other files, and returns the configuration as plain JSON. Nothing is
deserialised here.
"""

from __future__ import annotations

import errno
import json
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reportgen.errors import ModelError, ReportgenError
from reportgen.keras_types import Config, ConfigValue
from reportgen.models.keras.configuration import parsed, refuse_larger_text
from reportgen.models.keras.hdf5 import check_hdf5, first_line, h5py_module
from reportgen.models.model_memory import default_max_memory
from reportgen.models.sources import ModelSource, find_source

_METADATA_LIMIT = 1 << 20
_EXPANSION_FLOOR, _EXPANSION_LIMIT = 256 << 20, 100
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_SAVE_WHOLE = 'save the whole model: model.save("model.keras")'
WEIGHTS = "model.weights.h5"


@dataclass(frozen=True)
class Archive:
    """A model file whose container has been checked.

    Attributes:
        path: Of the file.
        name: What to call it in messages.
        format: `keras` (a zip archive), `h5`, or `json` with `weights` in a separate file.
        config: The model's configuration, plain JSON types.
        keras_version: As stated in the file; None if it is not.
        backend: That it was trained on, as stated in the file; empty if it is not.
        weights: For `json` the file of weights, else None.
        training: How it was trained, plain JSON types; None if it is not stated.
    """

    path: Path
    name: str
    format: Literal["keras", "h5", "json"]
    config: Config
    keras_version: object = None
    backend: str = ""
    weights: Path | None = None
    training: object = None


def read_archive(source: str | Path | ModelSource, *, max_memory: int | None = None) -> Archive:
    """Return the checked container of a Keras model file.

    Args:
        source: The file.
        max_memory: Limit for its arrays, in bytes; half of the machine's memory by default.

    Raises:
        ModelError: The file is missing, damaged, of another kind, declares more than is allowed, or holds
            weights only.
    """
    found = source if isinstance(source, ModelSource) else find_source(source)
    limit = max_memory if max_memory is not None else default_max_memory()
    if found.kind == "keras":
        config, version = _zip_config(found.path, limit)
        training = config.get("compile_config")
        return Archive(found.path, found.file_name, "keras", config, version, training=training)
    if found.kind == "h5":
        return _h5(found.path, limit)
    if found.kind == "json" and found.weights is not None:
        return _architecture(found, found.weights, limit)
    raise ModelError(f"{found.file_name}: was not written by Keras", hint="give a .keras or .h5 file")


def _zip_config(path: Path, max_memory: int) -> tuple[Config, str]:
    """Return the configuration in an archive, and the version of the Keras that wrote it."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            names = set(archive.namelist())
            if "config.json" not in names:
                raise ModelError(f'{path.name}: the archive has no "config.json"', hint=_SAVE_WHOLE)
            if WEIGHTS not in names:
                raise ModelError(f"{path.name}: the archive has no weights", hint=_SAVE_WHOLE)
            broken = archive.testzip()
            if broken is not None:
                raise ModelError(
                    f'{path.name}: "{broken}" inside the archive is damaged', hint="copy the file again"
                )
            config = _json(path, archive.read("config.json"))
            _check_weights(path, archive, max_memory)
            return config, _version(archive)
    except ReportgenError:
        raise
    except Exception as error:  # zipfile and zlib raise errors of any class for damaged archives
        raise ModelError(
            f"{path.name}: the archive is cut short or damaged ({first_line(error)})",
            hint="copy or download the file again",
        ) from None


def _version(archive: zipfile.ZipFile) -> str:
    """Return the version of the Keras that wrote an archive; `3` if it is not stated."""
    if (
        "metadata.json" not in archive.namelist()
        or archive.getinfo("metadata.json").file_size > _METADATA_LIMIT
    ):
        return "3"
    try:
        metadata = json.loads(archive.read("metadata.json"))
    except (ValueError, RecursionError):
        return "3"
    return str(metadata.get("keras_version", "3")) if isinstance(metadata, dict) else "3"


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if len(members) > 10_000 or len({m.filename for m in members}) != len(members):
        raise ModelError(f"{path.name}: {len(members)} members or repeated names, which no model file has")
    for member in members:
        name = member.filename
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
            raise ModelError(
                f'{path.name}: "{name}" points outside the archive', hint="do not trust this file"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ModelError(
                f'{path.name}: "{name}" is a symbolic link, which is never followed',
                hint="do not trust this file",
            )
        if member.filename == "config.json":
            refuse_larger_text(member.file_size, path.name)
    size, stored = sum(m.file_size for m in members), path.stat().st_size
    if size > _EXPANSION_FLOOR and size > _EXPANSION_LIMIT * max(stored, 1):
        raise ModelError(
            f"{path.name}: {stored} bytes would unpack to {size}, which no model file does",
            hint="do not trust this file",
        )


def _check_weights(path: Path, archive: zipfile.ZipFile, max_memory: int) -> None:
    """Check the HDF5 file inside an archive, unpacked into a temporary folder."""
    with temporary_folder(path.name, archive.getinfo(WEIGHTS).file_size) as folder:
        unpacked = unpack_weights(archive, folder)
        check_hdf5(unpacked, path.name, unpacked.stat().st_size, max_memory)


@contextmanager
def temporary_folder(file_name: str, wanted_bytes: int) -> Iterator[Path]:
    """Provide a folder for unpacked parts of a file; it is removed afterwards.

    Raises:
        ReportgenError: No folder can be written to, or there is no space in it.
    """
    where = "any folder for temporary files"
    try:
        try:
            where = f"the folder for temporary files ({tempfile.gettempdir()})"
        except FileNotFoundError as error:  # no folder is writable
            raise OSError(errno.ENOSPC, "none can be written to") from error
        with tempfile.TemporaryDirectory(prefix="reportgen-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise ReportgenError(
            f"{file_name}: its weights take {wanted_bytes:,} bytes, which cannot be put into {where}: "
            f"{error.strerror}",
            hint="free some space there, or set the environment variable TMPDIR to another folder",
        ) from None


def unpack_weights(archive: zipfile.ZipFile, folder: Path) -> Path:
    """Write an archive's weights to a folder, never under a name from the file, and return their path."""
    target = folder / WEIGHTS
    with archive.open(WEIGHTS) as reader, target.open("wb") as writer:
        while chunk := reader.read(1 << 20):
            writer.write(chunk)
    return target


def _h5(path: Path, max_memory: int) -> Archive:
    check_hdf5(path, path.name, path.stat().st_size, max_memory)
    try:
        with h5py_module().File(path, "r") as file:
            config, compiled = file.attrs.get("model_config"), file.attrs.get("training_config")
            version, backend = file.attrs.get("keras_version"), _text(file.attrs.get("backend", ""))
            if config is None:
                raise ModelError(f"{path.name}: holds weights only, no network", hint=_SAVE_WHOLE)
            if "model_weights" not in file:
                raise ModelError(f"{path.name}: holds a network without weights", hint=_SAVE_WHOLE)
    except ModelError:
        raise
    except Exception as error:  # h5py raises errors of any class for damaged files
        raise ModelError(
            f"{path.name}: the HDF5 file is cut short or damaged ({first_line(error)})",
            hint="copy or download the file again",
        ) from None
    training = None
    if compiled is not None:
        with suppress(ModelError):  # It affects no result, so errors in it do not matter.
            training = parsed(_bytes(compiled), path.name)
    return Archive(path, path.name, "h5", _json(path, _bytes(config)), version, backend, training=training)


def _architecture(source: ModelSource, weights: Path, max_memory: int) -> Archive:
    """Return an architecture with its weights in a separate, checked HDF5 file."""
    path = source.path
    refuse_larger_text(path.stat().st_size, path.name)
    check_hdf5(weights, weights.name, weights.stat().st_size, max_memory)
    try:
        config = _json(path, path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror or error}") from None
    version, backend = config.pop("keras_version", None), _text(config.pop("backend", ""))
    return Archive(path, source.file_name, "json", config, version, backend, weights)


def _bytes(value: ConfigValue) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def _text(value: ConfigValue) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _json(path: Path, text: bytes) -> Config:
    config = parsed(text, path.name)
    if not isinstance(config.get("config"), (dict, list)):
        raise ModelError(f"{path.name}: its configuration describes no model", hint=_SAVE_WHOLE)
    return config
