"""The hash of a model file's bytes, by which a store identifies the file.

Needs no framework, so that a file can be recognised without loading the network.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from reportgen.errors import ModelError, nearest

_CHUNK_BYTES = 1 << 20
_MODEL_SUFFIXES = {".keras", ".h5", ".hdf5", ".onnx"}


def file_hash(path: str | Path) -> str:
    """Return 32 hexadecimal digits (blake2b, 16 bytes) of the file's bytes.

    Raises:
        ModelError: The file is missing, a folder, or cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    path = existing_file(path)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f'"{path.name}" cannot be read: {error.strerror or error}') from None
    return digest.hexdigest()


def existing_file(path: str | Path) -> Path:
    """Return the path of an existing file.

    Raises:
        ModelError: It is missing (the hint gives the nearest names), a folder, or not a plain file.
    """
    path = Path(path)
    try:
        if path.is_file():
            return path
        if path.is_dir():
            raise ModelError(f'"{_shown(path)}" is a folder, wanted a model file', hint=_folder_hint(path))
        if path.exists():
            raise ModelError(f'"{_shown(path)}" is not a plain file, wanted a model file')
    except (OSError, ValueError) as error:
        raise ModelError(
            f'"{_shown(path)}" cannot be read: {getattr(error, "strerror", None) or error}'
        ) from None
    raise ModelError(f'"{_shown(path)}" does not exist', hint=_nearest(path))


def _shown(path: Path) -> str:
    return path.name or str(path)


def _folder_hint(path: Path) -> str:
    if (path / "saved_model.pb").exists():
        return 'a SavedModel is not read; load it and save it as "model.keras"'
    inside = sorted(p.name for p in path.iterdir() if p.suffix.lower() in _MODEL_SUFFIXES)[:3]
    return (
        "inside it: " + ", ".join(f'"{name}"' for name in inside) if inside else "give a .keras or .h5 file"
    )


def _nearest(path: Path) -> str:
    try:
        siblings = [p.name for p in path.parent.iterdir() if p.is_file()]
    except OSError:
        return f'neither does its folder "{path.parent.name}"'
    near = nearest(path.name, siblings, n=3, cutoff=0.5)
    near = near or sorted(name for name in siblings if Path(name).suffix.lower() in _MODEL_SUFFIXES)[:3]
    return (
        "nearest: " + ", ".join(f'"{name}"' for name in near) if near else "no model file is in that folder"
    )
