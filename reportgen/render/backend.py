"""The seam between the engine and the framework: gradients, compiled loops, the device.

Everything else in the engine is `keras.ops` and numpy. What is here differs between backends and
nothing more: it knows no network, no recipe and no picture. Another backend is another `Backend`.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from reportgen.errors import ConfigError, ReportgenError

Tensor = Any
Axes = int | tuple[int, ...]


class Backend(Protocol):
    """What the engine asks of a framework."""

    name: str

    def use(self, device: str) -> bool:
        """Compute on `cpu`, `gpu` or, for `auto`, on the best there is; return whether there is one.

        Raises:
            ConfigError: This process computes on another already.
        """

    def has_bfloat16(self) -> bool:
        """Return whether convolutions can be computed in bfloat16, faster and from float32 numbers."""

    def compiled(
        self, function: Callable[..., Any], network: Any, axes: Sequence[int], gives: Axes, *,
        bfloat16: bool = False,
    ) -> Callable[..., Any]:  # fmt: skip
        """Return `function` of arrays as a compiled graph; it is traced once for each set of shapes.

        Args:
            function: What becomes of one picture does not depend on the others.
            network: What it calls; its weights may be handed to the graph.
            axes: For each argument, along which axis of its arrays pictures lie; arrays with fewer axes
                belong to all pictures.
            gives: The same of what it returns, by part.
            bfloat16: Whether to compute in it, where `has_bfloat16`.
        """

    def called(self, network: Any, pictures: Any) -> Any:
        """Return what a network answers to a few pictures, once."""

    def value_and_gradient(
        self, function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor
    ) -> tuple[Any, Tensor]:
        """Return `function(x)`, which is `(values, more)`, and the gradient of the sum of `values` at `x`.

        Where value i depends on row i of `x` alone, row i of the gradient is that of value i.
        """

    def loop(
        self, step: Callable[[Any, Any], tuple[Any, Any]], state: Any, inputs: Any, length: int, outs: int
    ) -> tuple[Any, Any]:
        """Run `state, out = step(state, inputs[i])` for i < `length`; return the state and the stacked outs.

        `inputs` and outs are tuples of tensors; inputs have `length` as their first axis. There are `outs`
        outs, float32: told beforehand, so that nothing is traced only to find out.
        """

    def shifted(self, pictures: Tensor, transforms: Tensor, around: bool) -> Tensor:
        """Return `(n, h, w, c)` pictures shifted by whole pixels, around the edges or mirrored beyond them.

        Args:
            transforms: `(n, 8)`, from places after to places before, of which only the shift counts.
        """

    def turned(self, pictures: Tensor, transforms: Tensor) -> Tensor:
        """Return `(n, h, w, c)` pictures resampled bilinearly, mirrored beyond the edges.

        The gradient is the gradient resampled at the inverse, not the exact transpose: see `transforms`.

        Args:
            transforms: `(n, 8)`, affine, from places after to places before.
        """

    def on_gpu(self) -> bool:
        """Return whether it is a GPU that computes."""

    def devices(self) -> int:
        """Return how many devices share the pictures of a batch."""

    def device_name(self) -> str:
        """Return the computing device in words, such as a processor's or a GPU's name."""


@functools.cache
def backend() -> Backend:
    """Return the backend Keras runs on.

    Raises:
        ReportgenError: Keras runs on a backend the engine has no half for.
    """
    import keras

    name = keras.config.backend()
    if name == "tensorflow":
        from reportgen.render.tensorflow_backend import TensorFlow

        return TensorFlow()
    if name == "jax":
        from reportgen.render.jax_backend import Jax

        return Jax()
    raise ReportgenError(
        f'rendering does not run on the Keras backend "{name}"', hint="KERAS_BACKEND=tensorflow or jax"
    )


def use_device(device: str) -> None:
    """Compute on `cpu`, `gpu` or, for `auto`, on the best there is; to be called before a model is loaded.

    Raises:
        ConfigError: There is none, or this process computes on another already.
    """
    if not backend().use(device):
        raise ConfigError(
            f"device is {device}, but {backend().name} finds none on this machine",
            hint="--device cpu, or install reportgen[cuda] or reportgen[jax-cuda]" if device == "gpu" else "",
        )


def cache_folder() -> Path:
    """Return the folder for what may be made again, of the user and of no model."""
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "reportgen"


def device_name() -> str:
    """Return what pictures are computed on, in words: the device and the framework."""
    names = {"tensorflow": "TensorFlow", "jax": "JAX"}
    return f"{backend().device_name()}, {names[backend().name]}"


def use_arithmetic(wanted: str) -> str:
    """Compute from here on in `float32`, or in `bfloat16` where the device has it; return which.

    In bfloat16, convolutions and products of matrices take operands of 8 bits' precision and add up in
    float32; pictures, gradients and moments stay float32.
    """
    _COMPUTED_IN[0] = "bfloat16" if wanted == "bfloat16" and backend().has_bfloat16() else "float32"
    return _COMPUTED_IN[0]


def arithmetic() -> str:
    """Return the arithmetic pictures are computed in: `float32` or `bfloat16`."""
    return _COMPUTED_IN[0]


_COMPUTED_IN = ["float32"]


def processor_flags() -> set[str]:
    """Return what the processor says it can do; nothing where the system does not tell."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            return set(next((line.split(":", 1)[1] for line in file if line.startswith("flags")), "").split())
    except OSError:
        return set()


def processor_name() -> str:
    """Return the processor in words with the number of cores this process may use."""
    name = ""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            name = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        pass
    if not name:
        import platform

        name = platform.processor() or platform.machine() or "processor"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{name}, {cores} core{'s' if cores != 1 else ''}"
