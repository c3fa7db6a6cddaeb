"""The smaller network as a file, written completely or not at all, and opened again as any user would.

The written file is what is evaluated: plain Keras or onnxruntime load it again.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import ConfigError, MissingExtra, ReportgenError
from reportgen.models.framework import deep_graphs, keras_module
from reportgen.prune.decision import Floats
from reportgen.prune.onnx_file import export_onnx, onnx_predictor
from reportgen.prune.rebuild import Rebuilt

if TYPE_CHECKING:
    from reportgen.models.model import OnnxSignature

FORMATS = (".keras", ".onnx")
Predictor = Callable[[Floats], list[Floats]]
"""Takes pictures in a network's own range, channels last; returns an array for each output."""


def write_network(made: Rebuilt, path: Path, signature: OnnxSignature | None = None) -> None:
    """Write a network; no partial file is left, and an existing file stays until the new one is complete.

    Args:
        made: The network.
        path: Ending in `.keras` or `.onnx`.
        signature: Inputs and outputs of the original ONNX file, which the new one keeps.

    Raises:
        ReportgenError: It cannot be written; in one line.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=".pruned-", suffix=path.suffix, dir=path.parent)
        os.close(descriptor)
    except OSError as error:
        raise _unwritten(path, error) from None
    temporary = Path(name)
    try:
        if path.suffix == ".onnx":
            export_onnx(made, temporary, path.name, signature)
        else:
            with deep_graphs():
                made.as_read().save(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise _unwritten(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def _unwritten(path: Path, error: OSError) -> ReportgenError:
    return ReportgenError(
        f'"{path.name}" cannot be written: {error.strerror or error}', hint="no partial file is left"
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def opened_again(made: Rebuilt, path: Path, signature: OnnxSignature | None = None) -> Predictor:
    """Return a function that runs the written file, opened as any user would open it."""
    if path.suffix == ".keras":
        keras = keras_module()
        with deep_graphs():
            network = keras.saving.load_model(path, compile=False)
        return lambda pictures: made.predicted(pictures, network)
    return onnx_predictor(made, path, signature)


def check_target(path: Path, source: Path, *, force: bool) -> None:
    """Refuse a target that cannot be written or must not be overwritten.

    Raises:
        ConfigError: It is not a file to write; the hint says what to do.
        MissingExtra: The package that writes ONNX is not installed.
    """
    if path.suffix not in FORMATS:
        raise ConfigError(f'out is "{path.name}", wanted a name ending in ' + " or ".join(FORMATS))
    if not path.parent.is_dir():
        raise ConfigError(f'out: folder "{path.parent}" does not exist')
    if path.exists() and source.exists() and path.samefile(source):
        raise ConfigError(
            f'out: "{path.name}" is the model itself, which is not overwritten', hint="name another file"
        )
    if path.is_dir():
        raise ConfigError(f'out: "{path.name}" is a folder, wanted a file')
    if path.exists() and not force:
        raise ConfigError(f'out: "{path.name}" exists already', hint="--force overwrites it")
    if path.suffix == ".onnx" and not all(map(importlib.util.find_spec, ("tf2onnx", "onnxruntime"))):
        raise MissingExtra("onnx-export", needed_for="writing an ONNX file")
