"""The smaller network as a file, whole or not at all, and the file as anybody would open it.

What is judged is what was written: plain Keras or onnxruntime load it again.
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
from reportgen.prune.onnx_file import answers_of_onnx, export_onnx
from reportgen.prune.rebuild import Rebuilt

if TYPE_CHECKING:
    from reportgen.models.model import OnnxSignature

FORMATS = (".keras", ".onnx")
Answers = Callable[[Floats], list[Floats]]
"""From pictures in a network's own range, channels last, to what each output answers."""


def write_network(made: Rebuilt, path: Path, signature: OnnxSignature | None = None) -> None:
    """Write a network; nothing half is left behind, and an earlier file stays until the new one is whole.

    Args:
        made: The network.
        path: Ending in `.keras` or `.onnx`.
        signature: What the ONNX file takes and gives that the network came from, which an ONNX file keeps.

    Raises:
        ReportgenError: It cannot be written; in one line.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=".pruned-", suffix=path.suffix, dir=path.parent)
        os.close(descriptor)
    except OSError as error:
        raise _unwritten(path, error) from None
    passing = Path(name)
    try:
        if path.suffix == ".onnx":
            export_onnx(made, passing, path.name, signature)
        else:
            with deep_graphs():
                made.as_read().save(passing)
        passing.chmod(0o666 & ~_umask())
        passing.replace(path)
    except OSError as error:
        raise _unwritten(path, error) from None
    finally:
        passing.unlink(missing_ok=True)


def _unwritten(path: Path, error: OSError) -> ReportgenError:
    return ReportgenError(
        f'"{path.name}" cannot be written: {error.strerror or error}', hint="nothing was left behind"
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def opened_again(made: Rebuilt, path: Path, signature: OnnxSignature | None = None) -> Answers:
    """Return what a file that was written answers, opened as anybody would open it."""
    if path.suffix == ".keras":
        keras = keras_module()
        with deep_graphs():
            network = keras.saving.load_model(path, compile=False)
        return lambda pictures: made.predicted(pictures, network)
    return answers_of_onnx(made, path, signature)


def check_target(path: Path, source: Path, *, force: bool) -> None:
    """Refuse to write where something is that must stay.

    Raises:
        ConfigError: With what to do.
        MissingExtra: What writes ONNX is not installed.
    """
    if path.suffix not in FORMATS:
        raise ConfigError(f'out is "{path.name}", wanted a name ending in ' + " or ".join(FORMATS))
    if not path.parent.is_dir():
        raise ConfigError(f'out: folder "{path.parent}" does not exist')
    if path.exists() and source.exists() and path.samefile(source):
        raise ConfigError(f'out: "{path.name}" is the model itself, which stays', hint="name another file")
    if path.is_dir():
        raise ConfigError(f'out: "{path.name}" is a folder')
    if path.exists() and not force:
        raise ConfigError(f'out: "{path.name}" is there already', hint="--force writes over it")
    if path.suffix == ".onnx" and not all(map(importlib.util.find_spec, ("tf2onnx", "onnxruntime"))):
        raise MissingExtra("onnx-export", needed_for="writing an ONNX file")
