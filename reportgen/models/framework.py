"""Imports Keras for reading models, without TensorFlow's banners.

TensorFlow writes to the process's standard error while it is imported, in part before any logging level
applies. Lines below the level (by default up to errors) are dropped, everything else is passed on. Keras's
own setting `KERAS_BACKEND` chooses the backend.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reportgen.errors import ConfigError, MissingExtra
from reportgen.keras_types import Nest, Network

_BEFORE = "WARNING: All log messages before absl"
_LOGGED = re.compile(r"^([IWE])\d{4}[ :\d.]+.*\.cc:\d+\]")
_RANKS = {"I": 0, "W": 1, "E": 2}
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"

MOST_OPERATIONS = 10_000
"""Most operations of an ONNX graph that are built; real networks have a few thousand."""

_MOST_CALLS = 6 * MOST_OPERATIONS
"""More than the layers a configuration may list, or the layers that operations become."""

_deep_lock = threading.Lock()
_deep = _limit_before = 0


def keras_module() -> Any:
    """Return the imported `keras` module.

    Raises:
        MissingExtra: Keras or its chosen backend is not installed.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    level = os.environ.setdefault(_LEVEL, "3")
    try:
        with _without_banners(int(level) if level.isdigit() else 0):
            return importlib.import_module("keras")
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in {"keras", "tensorflow", "jax", "torch", "h5py"}:
            raise
        if package == "torch":
            raise _unknown_backend() from None
        extra = "jax" if "jax" in (package, os.environ.get("KERAS_BACKEND")) else "tensorflow"
        raise MissingExtra(extra, needed_for="reading a Keras model") from None
    except ValueError as error:
        if "backend" not in str(error).lower():
            raise
        raise _unknown_backend() from None


def functional(inputs: Nest, outputs: Nest, **named: object) -> Network:
    """Return the network between Keras tensors, even if it is thousands of operations deep."""
    with deep_graphs():
        return keras_module().Model(inputs, outputs, **named)


@contextmanager
def deep_graphs() -> Iterator[None]:
    """Raise the recursion limit, since Keras follows graphs by one nested call for each operation.

    Such calls use Python's stack only, not the process's. The limit is global: it stays raised until the last
    of several threads is done.
    """
    global _deep, _limit_before
    with _deep_lock:
        if not _deep:
            _limit_before = sys.getrecursionlimit()
            sys.setrecursionlimit(max(_limit_before, _MOST_CALLS))
        _deep += 1
    try:
        yield
    finally:
        with _deep_lock:
            _deep -= 1
            if not _deep:
                sys.setrecursionlimit(_limit_before)


def _unknown_backend() -> ConfigError:
    name = os.environ.get("KERAS_BACKEND", "")
    return ConfigError(f"KERAS_BACKEND is {name!r}, wanted tensorflow or jax", hint="unset KERAS_BACKEND")


@contextmanager
def _without_banners(level: int) -> Iterator[None]:
    """Capture the process's standard error, then pass on all but lines below a level."""
    if level <= 0:
        yield
        return
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError, ValueError):
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            lines = held.read().decode("utf-8", "replace").splitlines(keepends=True)
            passed = "".join(line for line in lines if not _is_below(level, line))
            if passed.strip():
                os.write(2, passed.encode("utf-8", "replace"))


def _is_below(level: int, line: str) -> bool:
    logged = _LOGGED.match(line)
    return _RANKS[logged[1]] < level if logged else line.startswith(_BEFORE)
