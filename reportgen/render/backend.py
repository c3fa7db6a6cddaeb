"""The seam between the engine and the framework: gradients, compiled loops, the device.

Everything else in the engine is `keras.ops` and numpy. What is here differs between backends and
nothing more: it knows no network, no recipe and no picture. Another backend is another `Backend`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from reportgen.errors import ReportgenError

Tensor = Any


class Backend(Protocol):
    """What the engine asks of a framework."""

    name: str

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` of arrays as a compiled graph; it is traced once for each set of shapes."""

    def value_and_gradient(
        self, function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor
    ) -> tuple[Any, Tensor]:
        """Return `function(x)`, which is `(values, more)`, and the gradient of the sum of `values` at `x`.

        Where value i depends on row i of `x` alone, row i of the gradient is that of value i.
        """

    def loop(
        self, step: Callable[[Any, Any], tuple[Any, Any]], state: Any, inputs: Any, length: int
    ) -> tuple[Any, Any]:
        """Run `state, out = step(state, inputs[i])` for i < `length`; return the state and the stacked outs.

        `inputs` and outs are tuples of tensors; inputs have `length` as their first axis.
        """

    def on_gpu(self) -> bool:
        """Return whether there is a GPU that computes."""

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
    raise ReportgenError(
        f'rendering does not run on the Keras backend "{name}"', hint="KERAS_BACKEND=tensorflow"
    )


def device_name() -> str:
    """Return the device pictures are computed on, in words."""
    return backend().device_name()


def arithmetic() -> str:
    """Return the arithmetic pictures are computed in: `float32`."""
    return "float32"


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
