"""Which tensors have a row for each picture, and which for parts of pictures: tokens, windows, frames.

A network may put the tokens of all pictures into one list and run a dense layer over it. The shape of its
output, `(rows, features)`, is like that of a layer over pictures; only the number of rows distinguishes them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from reportgen.keras_types import Tensor
from reportgen.models.framework import keras_module
from reportgen.models.graph.kinds import IDENTITIES, MERGES, POOLS, TOKEN_KINDS, UNIT_KINDS
from reportgen.models.model import Node

_PICTURES = 10007
"""A prime: a first axis of that length counts pictures, one of a multiple of it counts parts of pictures."""

_ROW_BY_ROW = (
    IDENTITIES | MERGES | POOLS | frozenset(
        {"true_divide", "divide", "power", "square", "sqrt", "rsqrt", "absolute", "abs", "negative", "clip",
         "cast", "mean", "pad", "minimum", "maximum", "where", "resized", "log", "log1p", "reciprocal"}
    )
)  # fmt: skip
"""Operations that leave the first axis unchanged; so do all of Keras's layers, by contract."""


def rows_are_pictures(shapes: Sequence[Sequence[tuple[int, ...]]]) -> list[bool]:
    """Return for each node whether the first axis of its first output counts pictures.

    A node of unknown shape is assumed to keep it.

    Args:
        shapes: See `shapes_for_many_pictures`.
    """
    return [not outputs or outputs[0][:1] == (_PICTURES,) for outputs in shapes]


def shapes_for_many_pictures(
    nodes: Sequence[Node], input_shape: tuple[int, int, int]
) -> list[tuple[tuple[int, ...], ...]]:
    """Return the shapes of each node's outputs for a prime number of pictures; empty where unknown.

    The network is traced only if some operation may move the batch axis.

    Args:
        nodes: Of the network, the input first; their shapes are known except for the batch.
        input_shape: Height, width and channels.
    """
    if all(_keeps_rows(node) for node in nodes):
        return [
            tuple((_PICTURES, *(side or 1 for side in shape[1:])) for shape in node.output_shapes)
            for node in nodes
        ]
    found: list[tuple[tuple[int, ...], ...]] = [()] * len(nodes)
    found[0] = ((_PICTURES, *input_shape),)
    picture = keras_module().Input(batch_shape=(_PICTURES, *input_shape), dtype="float32")
    tensors: dict[int, tuple[Tensor, ...]] = {0: (picture,)}
    for index in _leading_to_units(nodes):
        node = nodes[index]
        if all(source in tensors for source, _ in node.inputs):
            with contextlib.suppress(Exception):  # an operation may reject the batch with any error
                tensors[index] = node.call([tensors[i][output] for i, output in node.inputs])
                found[index] = tuple(tuple(tensor.shape) for tensor in tensors[index])
    return found


def _keeps_rows(node: Node) -> bool:
    own = type(node.operation).__module__.startswith("keras.") and isinstance(
        node.operation, keras_module().Layer
    )
    known = node.operation is None or bool(node.function) or node.kind in _ROW_BY_ROW
    return known or (own and node.kind != "lambda")


def _leading_to_units(nodes: Sequence[Node]) -> list[int]:
    """Return the layers with units and all nodes they depend on, in order, without the input."""
    needed: set[int] = set()
    stack = [index for index, node in enumerate(nodes) if node.kind in UNIT_KINDS | TOKEN_KINDS]
    while stack:
        index = stack.pop()
        if index and index not in needed:
            needed.add(index)
            stack.extend(source for source, _ in nodes[index].inputs)
    return sorted(needed)
