"""Operations that the smaller network keeps unchanged, in terms of plain Keras.

A file that this package wrote must open where this package is not installed: layers that importers defined
because Keras lacks them are replaced by Keras's own operations, or refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from reportgen.errors import ModelError
from reportgen.keras_types import Operation, Tensor
from reportgen.models.framework import keras_module

if TYPE_CHECKING:
    from reportgen.models import Node


def plain_operation(node: Node, name: str, file_name: str) -> Operation:
    """Return a new copy of a node's layer, or an equivalent function of tensors.

    Raises:
        ModelError: It is this package's own and Keras has no counterpart.
    """
    operation = node.operation
    if type(operation).__module__.startswith("reportgen."):
        if node.kind not in _TRANSLATED:
            raise ModelError(
                f'{file_name}: "{node.name}" ({node.kind}) is an operation that plain Keras does not have, '
                "so that the smaller network could not be opened without reportgen",
            )
        return _TRANSLATED[node.kind](operation)
    if is_own(getattr(operation, "activation", None)):
        return _hard_sigmoid_of_keras_2
    config = dict(operation.get_config())
    config["name"] = name
    if node.kind == "group_normalization" and config["groups"] == node.output_shapes[0][-1]:
        config["groups"] = -1  # Each channel alone, however many there are.
    return type(operation).from_config(config)


def is_own(function: object) -> bool:
    """Whether a function is this package's, so that a file that names it could not be opened without it."""
    return getattr(function, "__module__", "").startswith("reportgen.")


def _hard_sigmoid_of_keras_2(x: Tensor) -> Tensor:
    return keras_module().ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


def _hard_sigmoid(operation: Operation) -> Callable[[Tensor], Tensor]:
    ops = keras_module().ops
    return lambda x: ops.clip(x * operation.alpha + operation.beta, 0.0, 1.0)


def _edge_padding(operation: Operation) -> Callable[[Tensor], Tensor]:
    ops = keras_module().ops

    def padded(x: Tensor) -> Tensor:
        for axis, width in zip((1, 2), operation.widths, strict=True):
            if any(width):
                nearest = np.pad(np.arange(int(x.shape[axis])), width, mode="edge").astype(np.int32)
                x = ops.take(x, nearest, axis=axis)
        return x

    return padded


_TRANSLATED: dict[str, Callable[[Operation], Callable[[Tensor], Tensor]]] = {
    "hard_sigmoid": _hard_sigmoid,
    "edge_padding": _edge_padding,
}
