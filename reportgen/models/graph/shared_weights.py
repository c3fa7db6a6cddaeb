"""Which calls of a network use the same weights: one encoder on two pictures, one layer called twice.

Known by the weights themselves, since a file may hold them once for several layers (an ONNX initializer
that feeds two convolutions) or as copies. What follows for a judgement is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.keras_types import Operation
from reportgen.models.framework import keras_module
from reportgen.models.model import Node

_LOOKED_AT = 64
"""Numbers by which kernels are told apart before they are compared whole."""


@dataclass(frozen=True)
class CallAside:
    """A call that no picture changes, and that is no node: it was answered when the file was read.

    Attributes:
        name: The file's own.
        kernel: Its weights, their axes in any order.
        held: Whether it is on an input that is held; else on constants alone.
    """

    name: str
    kernel: np.ndarray
    held: bool


def sharing_calls(nodes: Sequence[Node], aside: Sequence[CallAside] = ()) -> dict[int, tuple[str, ...]]:
    """Return the names of the other calls with the same weights, for each node that has any such.

    A kernel of one number throughout, as before any training, is no sign that it is shared.

    Args:
        nodes: Of the network.
        aside: Calls that are no nodes.
    """
    found = _sharing_nodes(nodes)
    kernels = [(call.name, _in_a_row(call.kernel)) for call in aside]
    for index, node in enumerate(nodes):
        if kernels and getattr(node.operation, "weights", None):
            own = _in_a_row(_kernel(node.operation))
            names = tuple(name for name, kernel in kernels if _same(own, kernel))
            if names:
                found[index] = (*found.get(index, ()), *names)
    return found


def _in_a_row(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel's numbers by size: the same for one that is laid out otherwise."""
    return np.sort(kernel.astype(np.float32), axis=None)


def _sharing_nodes(nodes: Sequence[Node]) -> dict[int, tuple[str, ...]]:
    alike: dict[object, list[list[int]]] = {}
    for index, node in enumerate(nodes):
        if not (getattr(node.operation, "weights", None)):
            continue
        kernel = _kernel(node.operation)
        groups = alike.setdefault(_sketch(kernel), [])
        for group in groups:
            first = nodes[group[0]].operation
            if first is node.operation or _same(_kernel(first), kernel):
                group.append(index)
                break
        else:
            groups.append([index])
    found = (group for groups in alike.values() for group in groups if len(group) > 1)
    return {
        index: tuple(nodes[other].name for other in group if other != index)
        for group in found
        for index in group
    }


def _kernel(operation: Operation) -> np.ndarray:
    return np.asarray(keras_module().ops.convert_to_numpy(operation.weights[0]))


def _sketch(kernel: np.ndarray) -> tuple[object, ...]:
    step = max(1, kernel.size // _LOOKED_AT)
    return (kernel.shape, str(kernel.dtype), kernel.reshape(-1)[::step].tobytes())


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(a.size > 1 and np.ptp(a.astype(np.float32)) > 0 and np.array_equal(a, b))
