"""The factor and offset of one operation that only scales its input.

Read from constants of any shape; for a function of the user's, which only trusted files have, measured on
pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.keras_types import Tensor
from reportgen.models.framework import keras_module
from reportgen.models.model import Node

Floats = NDArray[np.float64]
MOST_VALUES = 2**22
"""Largest tensor whose values are stored individually."""

Step = tuple[Tensor, Tensor, str]
"""Scale, offset, and a description."""


def scaling_step(node: Node, name: str) -> Step | None:
    """Return an operation's factor and offset, or None if it is not a scaling by constants."""
    if node.kind == "rescaling":
        scale, offset = _constant(node.operation.scale), _constant(node.operation.offset)
        plus = f" and adds {_numbers(offset)}" if offset.any() else ""
        return scale, offset, f"{name} multiplies by {_numbers(scale)}{plus}"
    if node.kind == "normalization":
        mean, deviation = _constant(node.operation.mean), np.sqrt(_constant(node.operation.variance))
        if getattr(node.operation, "invert", False):
            words = f"{name} multiplies by {_numbers(deviation)} and adds a mean of {_numbers(mean)}"
            return deviation, mean, words
        words = f"{name} subtracts a mean of {_numbers(mean)} and divides by {_numbers(deviation)}"
        deviation = np.maximum(deviation, 1e-7)
        return 1 / deviation, -mean / deviation, words
    return _arithmetic(node, name)


def _arithmetic(node: Node, name: str) -> Step | None:
    """Return the scaling of `x + c`, `x - c`, `c - x`, `x * c` or `x / c`; operands in either order."""
    constants = [c for c in node.constants if c is not None]
    if len(constants) != 1 or node.kind not in _ARITHMETIC:
        return None
    value, first = _constant(constants[0]), node.pattern.startswith("t")
    if node.kind == "add":
        return 1.0, value, f"{name} adds {_numbers(value)}"
    if node.kind == "multiply":
        return value, 0.0, f"{name} multiplies by {_numbers(value)}"
    if node.kind == "subtract" and first:
        return 1.0, -value, f"{name} subtracts {_numbers(value)}"
    if node.kind == "subtract":
        return -1.0, value, f"{name} takes it from {_numbers(value)}"
    return (1 / value, 0.0, f"{name} divides by {_numbers(value)}") if first and value.all() else None


_ARITHMETIC = ("add", "multiply", "subtract", "divide", "true_divide")


def measured_step(node: Node, sides: tuple[int, ...], name: str) -> Step | None:
    """Return the scaling of a function of the user's, if running it shows that it scales each value.

    Only trusted files have such functions, since they may run anything.
    """
    own = node.kind == "lambda" or node.kind.startswith("custom_")
    if not own or getattr(node.operation, "weights", None) or int(np.prod(sides)) > MOST_VALUES:
        return None
    rng, shape = np.random.default_rng(0), (1, *sides)

    def outputs(picture: np.ndarray) -> Floats:
        (found,) = node.call([keras_module().ops.convert_to_tensor(picture.astype(np.float32))])
        values: Floats = np.asarray(keras_module().ops.convert_to_numpy(found), np.float64)
        return np.asarray(values[0])

    try:
        offset = outputs(np.zeros(shape))
        scale = (outputs(np.full(shape, 128.0)) - offset) / 128
        for low, high in ((0, 1), (-1, 1), (0, 255), (0, 65535)):
            picture = rng.uniform(low, high, shape).astype(np.float32)
            wanted = picture[0] * scale + offset
            if not np.allclose(outputs(picture), wanted, rtol=1e-3, atol=1e-3 * np.ptp(wanted) + 1e-12):
                return None
    except Exception:  # It may raise any error; then it is unknown.
        return None
    scale, offset = (_by_channel_where_same(a) for a in (scale, offset))
    words = f"{name}, measured on pictures, multiplies by {_numbers(scale)} and adds {_numbers(offset)}"
    return scale, offset, words


def _by_channel_where_same(values: Floats) -> Floats:
    """Return one number for each channel where all places have the same, to within rounding."""
    mean = values.mean(axis=tuple(range(values.ndim - 1)), keepdims=True)
    return mean if np.allclose(values, mean, rtol=1e-4, atol=1e-4 * float(np.abs(mean).max())) else values


def _constant(value: object) -> Floats:
    """Return a constant as an array without batch axis.

    Raises:
        ValueError: It is not a constant, differs from picture to picture, or is not finite.
    """
    array = np.asarray(keras_module().ops.convert_to_numpy(value), np.float64)
    if array.ndim > 1 and array.shape[0] == 1:
        array = array[0]
    if not np.isfinite(array).all():
        raise ValueError("no finite constant")
    return array


def _numbers(values: Floats) -> str:
    """Return a constant in words: one number, one for each channel, or the means of a picture."""
    flat = values.reshape(-1, values.shape[-1]) if values.ndim else values.reshape(1, 1)
    picture = "a picture of about " if not np.allclose(flat, flat[:1]) else ""
    means = flat.mean(axis=0)
    shown = means[:1] if np.allclose(means, means[0]) else means
    more = " and so on" if len(shown) > 8 else ""
    return picture + " ".join(f"{v:.6g}" for v in shown[:8]) + more
