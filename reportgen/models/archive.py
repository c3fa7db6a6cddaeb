"""What a model file says of itself, read before anything is built from it.

Opens `.keras` archives and whole-model HDF5 files, checks that they are what their name
says, and returns the configuration as plain JSON. Nothing is deserialised here.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from reportgen.errors import MissingExtra, ModelError
from reportgen.models.fingerprint import existing_file

_ZIP = b"PK\x03\x04"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_CONFIG_LIMIT = 64 << 20
_EXPANSION_FLOOR, _EXPANSION_LIMIT = 256 << 20, 100
_SAVE_WHOLE = 'save the whole model: model.save("model.keras")'
_KNOWN_ELSEWHERE = {
    ".pt": "PyTorch", ".pth": "PyTorch", ".tflite": "TensorFlow Lite", ".pb": "a TensorFlow graph",
    ".safetensors": "bare weights", ".npz": "bare arrays", ".pkl": "a pickle, which is never opened",
    ".pickle": "a pickle, which is never opened", ".joblib": "a pickle, which is never opened",
    ".mlmodel": "Core ML", ".json": "a configuration without weights",
}  # fmt: skip


@dataclass(frozen=True)
class Archive:
    """A model file whose container has been checked.

    Attributes:
        path: Of the file.
        format: `keras` (a zip archive) or `h5`.
        config: The model's configuration, plain JSON types.
    """

    path: Path
    format: Literal["keras", "h5"]
    config: dict[str, Any]


def read_archive(path: str | Path) -> Archive:
    """Return the checked container of a Keras model file.

    Raises:
        ModelError: The file is missing, damaged, of another kind, or holds weights only.
    """
    path = existing_file(path)
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        raise ModelError(f"{path.name}: ONNX import is not in this version", hint="give a .keras or .h5 file")
    if suffix not in {".keras", ".h5", ".hdf5"}:
        found = f" ({_KNOWN_ELSEWHERE[suffix]})" if suffix in _KNOWN_ELSEWHERE else ""
        raise ModelError(
            f'{path.name}: suffix "{suffix}"{found} is not known, wanted .keras or .h5', hint=_SAVE_WHOLE
        )
    _check_magic(path, suffix)
    if suffix == ".keras":
        return Archive(path, "keras", _json(path, _zip_config(path)))
    return Archive(path, "h5", _json(path, _h5_config(path)))


def _check_magic(path: Path, suffix: str) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror or error}") from None
    wanted, other = (_ZIP, _HDF5) if suffix == ".keras" else (_HDF5, _ZIP)
    if start.startswith(wanted):
        return
    kind = "a zip archive" if suffix == ".keras" else "an HDF5 file"
    if start.startswith(other):
        right = ".h5" if suffix == ".keras" else ".keras"
        found = "an HDF5 file" if suffix == ".keras" else "a zip archive"
        raise ModelError(f"{path.name}: holds {found}, wanted {kind}", hint=f"rename it to end in {right}")
    found = "is empty" if not start else _looks_like(start)
    raise ModelError(f"{path.name}: {found}, wanted {kind}", hint=_hint_for(start))


def _looks_like(start: bytes) -> str:
    if start.startswith(b"version "):
        return "is a Git LFS pointer"
    if start.lstrip().lower().startswith((b"<!doctyp", b"<html")):
        return "is a web page"
    return (
        "is a text file"
        if all(32 <= b < 127 or b in b"\r\n\t" for b in start)
        else "is no model file Keras wrote"
    )


def _hint_for(start: bytes) -> str:
    if start.startswith(b"version "):
        return "run git lfs pull"
    return "the file is damaged or of another kind; copy it again or " + _SAVE_WHOLE


def _zip_config(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            names = set(archive.namelist())
            if "config.json" not in names:
                raise ModelError(f'{path.name}: the archive has no "config.json"', hint=_SAVE_WHOLE)
            if not {"model.weights.h5", "model.weights.npz"} & names:
                raise ModelError(f"{path.name}: the archive has no weights", hint=_SAVE_WHOLE)
            broken = archive.testzip()
            if broken is not None:
                raise ModelError(
                    f'{path.name}: "{broken}" inside the archive is damaged', hint="copy the file again"
                )
            return archive.read("config.json")
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"{path.name}: the archive is cut short or damaged ({error})",
            hint="copy or download the file again",
        ) from None


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
        if member.filename == "config.json" and member.file_size > _CONFIG_LIMIT:
            raise ModelError(
                f"{path.name}: config.json has {member.file_size} bytes, at most {_CONFIG_LIMIT} are read"
            )
    size, stored = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    if size > _EXPANSION_FLOOR and size > _EXPANSION_LIMIT * max(stored, 1):
        raise ModelError(
            f"{path.name}: {stored} bytes would unpack to {size}, which no model file does",
            hint="do not trust this file",
        )


def _h5_config(path: Path) -> bytes:
    try:
        import h5py
    except ModuleNotFoundError:
        raise MissingExtra("tensorflow", needed_for="reading an HDF5 model") from None
    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
            if config is None:
                raise ModelError(f"{path.name}: holds weights only, no network", hint=_SAVE_WHOLE)
            if "model_weights" not in file:
                raise ModelError(f"{path.name}: holds a network without weights", hint=_SAVE_WHOLE)
    except (OSError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{path.name}: the HDF5 file is cut short or damaged ({_first_line(error)})",
            hint="copy or download the file again",
        ) from None
    return config if isinstance(config, bytes) else str(config).encode()


def _json(path: Path, text: bytes) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path.name}: its configuration is not JSON ({_first_line(error)})") from None
    if not isinstance(config, dict) or not isinstance(config.get("config"), (dict, list)):
        raise ModelError(f"{path.name}: its configuration describes no model", hint=_SAVE_WHOLE)
    return config


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:160]
