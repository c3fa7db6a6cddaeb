"""The smaller network as a file, whole or not at all, and the file as anybody would open it.

What is judged is what was written: plain Keras or onnxruntime load it again.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.errors import ConfigError, MissingExtra, ReportgenError
from reportgen.models.framework import deep_graphs, functional, keras_module
from reportgen.prune.decision import Floats
from reportgen.prune.rebuild import Rebuilt, alone

FORMATS = (".keras", ".onnx")
Answers = Callable[[Floats], list[Floats]]
"""From pictures in a network's own range, channels last, to what each output answers."""


def write_network(made: Rebuilt, path: Path, *, channels_first: bool = False) -> None:
    """Write a network; nothing half is left behind, and an earlier file stays until the new one is whole.

    Args:
        made: The network.
        path: Ending in `.keras` or `.onnx`.
        channels_first: Whether an ONNX file takes its picture channels first.

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
            _export(made, passing, channels_first)
        else:
            with deep_graphs():
                made.network.save(passing)
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


def _export(made: Rebuilt, path: Path, channels_first: bool) -> None:
    network = _turned(made) if channels_first else made.network
    try:
        # Keras exports only what was called once.
        network(
            alone([np.zeros((1, *(side or 1 for side in t.shape[1:])), str(t.dtype)) for t in network.inputs])
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # tf2onnx asks numpy for names of long ago
            network.export(path, format="onnx", verbose=False)
    except OSError:
        raise
    except Exception as error:  # Of the exporter, which has none of its own.
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ReportgenError(f'"{path.name}" cannot be exported: {said}', hint="--out with .keras") from None


def _turned(made: Rebuilt) -> Any:
    """Return the network with its pictures channels first, as ONNX files mostly have them."""
    keras = keras_module()
    inputs, given = [], []
    for tensor, held in zip(made.network.inputs, made.held, strict=True):
        height, width, channels = tensor.shape[1:] if held is None else (0, 0, 0)
        own = keras.Input((channels, height, width) if held is None else tensor.shape[1:],
                          dtype=tensor.dtype, name=tensor.name)  # fmt: skip
        inputs.append(own)
        given.append(keras.layers.Permute((2, 3, 1))(own) if held is None else own)
    found = made.network(alone(given))
    outputs = list(found) if isinstance(found, (list, tuple)) else [found]
    outputs = [keras.layers.Permute((3, 1, 2))(t) if len(t.shape) == 4 else t for t in outputs]
    return functional(alone(inputs), alone(outputs))


def opened_again(made: Rebuilt, path: Path, *, channels_first: bool = False) -> Answers:
    """Return what a file that was written answers, opened as anybody would open it."""
    if path.suffix == ".keras":
        keras = keras_module()
        with deep_graphs():
            network = keras.saving.load_model(path, compile=False)
        return lambda pictures: made.predicted(pictures, network)
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]

    def answers(pictures: Floats) -> list[Floats]:
        arrays = made.with_held(pictures)
        if channels_first:
            arrays = [a.transpose(0, 3, 1, 2) if h is None else a
                      for a, h in zip(arrays, made.held, strict=True)]  # fmt: skip
        found = session.run(None, dict(zip(names, arrays, strict=True)))
        return [np.moveaxis(f, 1, -1) if channels_first and f.ndim == 4 else f for f in found]

    return answers


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
