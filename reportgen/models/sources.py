"""Where a model is read from: a file, an architecture with its weights, or `keras.applications:NAME`.

Finds its format from its first bytes, its name, and the hash by which a store identifies it. Needs no
framework.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reportgen.errors import MissingExtra, ModelError
from reportgen.models.fingerprint import existing_file, file_hash

APPLICATIONS = "keras.applications:"
ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_WEIGHTS_PATTERNS = (
    "{0}.weights.h5",
    "{0}_weights.h5",
    "model.weights.h5",
    "weights.h5",
    "{0}.h5",
    "{0}.hdf5",
)
_ONNX_SECOND_FIELDS = frozenset(b"\x12\x1a\x22\x28\x32\x3a\x42\x72")
_SAVE_WHOLE = 'save the whole model: model.save("model.keras")'
_OTHER_FORMATS = {
    ".pt": "PyTorch", ".pth": "PyTorch", ".tflite": "TensorFlow Lite", ".pb": "a TensorFlow graph",
    ".safetensors": "bare weights", ".npz": "bare arrays", ".pkl": "a pickle, which is never opened",
    ".pickle": "a pickle, which is never opened", ".joblib": "a pickle, which is never opened",
    ".mlmodel": "Core ML",
}  # fmt: skip

Kind = Literal["keras", "h5", "json", "onnx", "application"]
_KIND_BY_SUFFIX: dict[str, Kind] = {
    ".keras": "keras", ".h5": "h5", ".hdf5": "h5", ".json": "json", ".onnx": "onnx",
}  # fmt: skip
_DESCRIPTIONS = {
    "keras": "a .keras archive",
    "h5": "an HDF5 file",
    "json": "a Keras architecture",
    "onnx": "an ONNX graph",
}


@dataclass(frozen=True)
class ModelSource:
    """The source of a model.

    Attributes:
        kind: Its format.
        path: Of the file or the architecture, or a name within `keras.applications`.
        weights: The weights of an architecture; else None.
    """

    kind: Kind
    path: Path
    weights: Path | None = None

    @property
    def name(self) -> str:
        """The model's default name: the file's stem, or the name of the application."""
        return self.path.name if self.kind == "application" else self.path.stem or self.path.name

    @property
    def file_name(self) -> str:
        """Its name in messages and records, without folders."""
        if self.kind == "application":
            return APPLICATIONS + self.path.name
        return f"{self.path.name}+{self.weights.name}" if self.weights else self.path.name

    def digest(self) -> str:
        """Return 32 hexadecimal digits: of the file's bytes, of both files', or of the application's name.

        The weights of an application depend on Keras's version, which is part of its hash.

        Raises:
            ModelError: A file cannot be read.
            MissingExtra: An application is named and Keras is not installed.
        """
        if self.kind == "application":
            return _hash_of(f"{self.file_name} {_keras_version()}")
        if self.weights is not None:
            return _hash_of(f"{file_hash(self.path)} {file_hash(self.weights)}")
        return file_hash(self.path)


def find_source(text: str | Path) -> ModelSource:
    """Return the source of a model.

    Args:
        text: A path; `architecture.json` with its weights in the same folder; `architecture.json+weights.h5`;
            `keras.applications:NAME`.

    Raises:
        ModelError: It is missing, or not in a supported format.
    """
    text_given = str(text)
    if text_given.startswith(APPLICATIONS):
        name = text_given.removeprefix(APPLICATIONS)
        if not name.isidentifier() or not name.isascii():
            raise ModelError(
                f'"{text_given[:80]}" names no network, wanted for example {APPLICATIONS}MobileNetV2'
            )
        return ModelSource("application", Path(name))
    if "+" in text_given and not Path(text_given).exists():
        architecture, _, weights = text_given.partition("+")
        if architecture.lower().endswith(".json"):
            return _architecture(existing_file(architecture), weights)
    path = existing_file(text)
    kind = _kind(path)
    return _architecture(path, None) if kind == "json" else ModelSource(kind, path)


def _kind(path: Path) -> Kind:
    """Return the format of a file from its first bytes, which its suffix must not contradict."""
    start, suffix = _start(path), path.suffix.lower()
    found, wanted = _by_content(start), _KIND_BY_SUFFIX.get(suffix)
    if suffix in _OTHER_FORMATS or (wanted is None and found is None):
        what = f" ({_OTHER_FORMATS[suffix]})" if suffix in _OTHER_FORMATS else ""
        raise ModelError(
            f'{path.name}: suffix "{suffix}"{what} is not known, wanted .keras, .h5 or .onnx',
            hint=_SAVE_WHOLE,
        )
    if wanted is None:
        assert found is not None
        return found
    if found == "h5" and wanted == "keras":  # Keras up to 2.12 wrote HDF5 under this suffix too.
        return found
    if found in (wanted, None) and (found is not None or wanted in ("onnx", "json")):
        return wanted
    message, hint = _mismatch(path.name, start, wanted, found)
    raise ModelError(message, hint=hint)


def _mismatch(name: str, start: bytes, wanted: Kind, found: Kind | None) -> tuple[str, str]:
    """Return the message and the hint for a file whose content contradicts its suffix."""
    if not start:
        return f"{name}: is empty, wanted {_DESCRIPTIONS[wanted]}", "copy or download the file again"
    if found is None:
        return f"{name}: {_looks_like(start)}, wanted {_DESCRIPTIONS[wanted]}", _hint_for(start)
    endings = {"keras": ".keras", "h5": ".h5", "onnx": ".onnx", "json": ".json"}
    holds = {"keras": "a zip archive"}.get(found, _DESCRIPTIONS[found])
    return f"{name}: holds {holds}, wanted {_DESCRIPTIONS[wanted]}", f"rename it to end in {endings[found]}"


def _by_content(start: bytes) -> Kind | None:
    if start.startswith(ZIP):
        return "keras"
    if start.startswith(HDF5):
        return "h5"
    if start.lstrip()[:1] == b"{":
        return "json"
    # An ONNX model begins with its IR version, a small number, followed by another of its fields.
    if len(start) > 2 and start[0] == 8 and 1 <= start[1] < 64 and start[2] in _ONNX_SECOND_FIELDS:
        return "onnx"
    return None


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror or error}") from None


def _looks_like(start: bytes) -> str:
    if start.startswith(b"version "):
        return "is a Git LFS pointer"
    if start.lstrip().lower().startswith((b"<!doctyp", b"<html")):
        return "is a web page"
    return (
        "is a text file"
        if all(32 <= b < 127 or b in b"\r\n\t" for b in start)
        else "is not a model file written by Keras"
    )


def _hint_for(start: bytes) -> str:
    if start.startswith(b"version "):
        return "run git lfs pull"
    return "the file is damaged or of another kind; copy it again or " + _SAVE_WHOLE


def _architecture(path: Path, weights: str | None) -> ModelSource:
    """Return an architecture with its weights, as named or found in the same folder."""
    if weights is not None:
        named = Path(weights)
        sibling = path.parent / named
        return ModelSource(
            "json", path, existing_file(named if named.exists() or not sibling.exists() else sibling)
        )
    for pattern in _WEIGHTS_PATTERNS:
        candidate = path.parent / pattern.format(path.stem)
        if candidate.is_file():
            return ModelSource("json", path, candidate)
    raise ModelError(
        f"{path.name}: a configuration without weights, and no {path.stem}.weights.h5 in its folder",
        hint=f"name both: {path.name}+weights.h5",
    )


def _hash_of(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _keras_version() -> str:
    try:
        return importlib.metadata.version("keras")
    except importlib.metadata.PackageNotFoundError:
        raise MissingExtra("tensorflow", needed_for="a network of keras.applications") from None
