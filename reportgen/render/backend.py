"""The framework, device and arithmetic that this process computes with."""

from __future__ import annotations

import functools

from reportgen.errors import ConfigError, ReportgenError
from reportgen.render.seam import Backend


@functools.cache
def backend() -> Backend:
    """Return the backend Keras runs on.

    Raises:
        ReportgenError: Keras runs on a backend that the engine does not support.
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
    """Compute on `cpu`, `gpu` or, for `auto`, the best device there is. Call it before a model is loaded.

    Raises:
        ConfigError: There is no such device, or this process already computes on another.
    """
    if not backend().use(device):
        raise ConfigError(
            f"device is {device}, but {backend().name} finds none on this machine",
            hint="--device cpu, or install reportgen[cuda] or reportgen[jax-cuda]" if device == "gpu" else "",
        )


def device_name() -> str:
    """Return the device and the framework that pictures are computed with, as text for people."""
    names = {"tensorflow": "TensorFlow", "jax": "JAX"}
    return f"{backend().device_name()}, {names[backend().name]}"


def use_arithmetic(wanted: str) -> str:
    """Compute from now on in `float32`, or in `bfloat16` if the device has it; return which.

    In bfloat16, convolutions and matrix products take operands of 8 bits' precision and accumulate in
    float32; pictures, gradients and moments stay float32.
    """
    _ARITHMETIC[0] = "bfloat16" if wanted == "bfloat16" and backend().has_bfloat16() else "float32"
    return _ARITHMETIC[0]


def arithmetic() -> str:
    """Return the arithmetic pictures are computed in: `float32` or `bfloat16`."""
    return _ARITHMETIC[0]


_ARITHMETIC = ["float32"]
