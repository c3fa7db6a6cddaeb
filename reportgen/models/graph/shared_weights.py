"""Which calls of a network use the same weights: one encoder on two pictures, one layer called twice.

Found by comparing the weights themselves, since a file may store them once for several layers (an ONNX
initializer that feeds two convolutions) or as copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.keras_types import Operation
from reportgen.models.framework import keras_module
from reportgen.models.model import Node

_SKETCH_SIZE = 64
"""Weights of each kernel that are compared first, before whole kernels are."""


@dataclass(frozen=True)
class FoldedCall:
    """A call that does not depend on the picture and was folded into a constant during the import.

    Attributes:
        name: The file's own.
        kernel: Its weights, their axes in any order.
        held: Whether it depends on a held input, not on constants alone.
    """

    name: str
    kernel: np.ndarray
    held: bool


def calls_with_same_weights(
    nodes: Sequence[Node], folded_calls: Sequence[FoldedCall] = ()
) -> dict[int, tuple[str, ...]]:
    """Return the names of the other calls with the same weights, for each node that shares its weights.

    A kernel whose weights are all equal, as before training, does not count as shared.

    Args:
        nodes: Of the network.
        folded_calls: Calls that are not nodes.
    """
    found = _sharing_nodes(nodes)
    kernels = [(call.name, _sorted(call.kernel)) for call in folded_calls]
    for index, node in enumerate(nodes):
        if kernels and getattr(node.operation, "weights", None):
            own = _sorted(_kernel(node.operation))
            names = tuple(name for name, kernel in kernels if _same(own, kernel))
            if names:
                found[index] = (*found.get(index, ()), *names)
    return found


def _sorted(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel's weights in ascending order, which does not depend on its layout."""
    return np.sort(kernel.astype(np.float32), axis=None)


def _sharing_nodes(nodes: Sequence[Node]) -> dict[int, tuple[str, ...]]:
    candidates: dict[object, list[list[int]]] = {}
    for index, node in enumerate(nodes):
        if not (getattr(node.operation, "weights", None)):
            continue
        kernel = _kernel(node.operation)
        groups = candidates.setdefault(_sketch(kernel), [])
        for group in groups:
            first = nodes[group[0]].operation
            if first is node.operation or _same(_kernel(first), kernel):
                group.append(index)
                break
        else:
            groups.append([index])
    found = (group for groups in candidates.values() for group in groups if len(group) > 1)
    return {
        index: tuple(nodes[other].name for other in group if other != index)
        for group in found
        for index in group
    }


def _kernel(operation: Operation) -> np.ndarray:
    return np.asarray(keras_module().ops.convert_to_numpy(operation.weights[0]))


def _sketch(kernel: np.ndarray) -> tuple[object, ...]:
    step = max(1, kernel.size // _SKETCH_SIZE)
    return (kernel.shape, str(kernel.dtype), kernel.reshape(-1)[::step].tobytes())


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(a.size > 1 and np.ptp(a.astype(np.float32)) > 0 and np.array_equal(a, b))
