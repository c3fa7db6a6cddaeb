"""What operations without units do to the labels of channels: pass them on, merge them, or fix them.

One rule a kind of node. A rule returns the labels of the node's one output, or the reason why its channels
must stay: channels of unknown operations are fixed, which is always safe.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import activation_called
from reportgen.keras_types import Tensor
from reportgen.measure.interval_rules import axis_order
from reportgen.models.graph.kinds import IDENTITIES, POOLS

if TYPE_CHECKING:
    from reportgen.models import Node

Labels = NDArray[np.int64]
Shape = tuple[int | None, ...]


class LabelMerger(Protocol):
    """Merges and fixes labels."""

    def merge(self, a: Labels, b: Labels) -> None:
        """Merge labels value by value."""

    def fix(self, labels: Labels, reason: str) -> None:
        """Mark channels as not removable."""

    def flat(self, labels: Labels) -> Labels:
        """Return a tensor's labels `(C,)`, merged over places."""


def passed_labels(
    join: LabelMerger, node: Node, inputs: Sequence[Labels], shapes: Sequence[Shape]
) -> Labels | str:
    """Return the labels of a node's output, or why its channels must stay.

    Args:
        join: Merges and fixes labels.
        node: A node without units of its own.
        inputs: Labels of its inputs.
        shapes: Their shapes.
    """
    if len(node.output_shapes) != 1 or not inputs or any(len(shape) < 2 for shape in shapes):
        return f"{_described(node)} has several outputs or takes no picture"
    labels, before, after = inputs[0], shapes[0], node.output_shapes[0]
    if len(inputs) == 1 and (node.kind in RESHAPES or node.kind in _ORDERS):
        return _reshaped(join, node, labels, before, after)
    inputs = [_at_every_place(join, some) for some in inputs]
    labels = inputs[0]
    if len(inputs) > 1:
        return _joined(join, node, inputs, shapes)
    if _drops_places(node, before):
        return join.flat(labels).reshape((1,) * (len(after) - 2) + (-1,))
    if not _passes(node, before):
        return f"{_described(node)} computes with all of them together"
    if len(before) != len(after) or before[-1] != after[-1]:
        return f"{_described(node)} changes how many there are"
    return labels


def _at_every_place(join: LabelMerger, labels: Labels) -> Labels:
    """Return labels merged over places."""
    return join.flat(labels).reshape((1,) * (labels.ndim - 1) + (-1,))


def _passes(node: Node, shape: Shape) -> bool:
    """Whether each channel of the one output is computed from the same channel of the one input."""
    if node.kind in _NORMALISERS:
        return _is_last(getattr(node.operation, "axis", -1), len(shape))
    if node.kind == "group_normalization":
        groups = int(getattr(node.operation, "groups", 0))
        return groups in (-1, int(shape[-1] or 0)) and _is_last(
            getattr(node.operation, "axis", -1), len(shape)
        )
    if node.kind in _ELEMENTWISE:
        return all(_by_channel(constant, shape) for constant in node.constants)
    if node.kind == "pad":
        return _pads_places(node)
    if node.function:
        row = activation_called(node.function)
        return row is not None and row.reach in ("number", "place")
    return node.kind in IDENTITIES or node.kind in POOLS or node.kind in _PLACEWISE


def _pads_places(node: Node) -> bool:
    """Whether only the borders of maps are padded, and no channels are added."""
    width = getattr(node.operation, "pad_width", None)
    return (
        isinstance(width, (list, tuple)) and len(width) == len(node.output_shapes[0]) and not any(width[-1])
    )


def _is_last(axis: Any, rank: int) -> bool:
    return [int(a) % rank for a in np.ravel(axis)] == [rank - 1]


def _by_channel(constant: Tensor, shape: Shape) -> bool:
    """Whether a constant is one number, or one for each channel and perhaps place."""
    sides = tuple(getattr(constant, "shape", ()))
    if not sides or all(side == 1 for side in sides):
        return True
    return len(sides) <= len(shape) and sides[-1] in (1, shape[-1])


def _joined(join: LabelMerger, node: Node, inputs: Sequence[Labels], shapes: Sequence[Shape]) -> Labels | str:
    rank = len(shapes[0])
    if any(len(shape) != rank for shape in shapes):
        return f"{_described(node)} joins tensors of different ranks"
    if node.kind == "concatenate":
        return _side_by_side(join, node, inputs, shapes)
    if node.kind not in _JOINS:
        return f"{_described(node)} computes with all of them together"
    width = max(int(shape[-1] or 0) for shape in shapes)
    wide = [labels for labels, shape in zip(inputs, shapes, strict=True) if shape[-1] == width]
    for labels, shape in zip(inputs, shapes, strict=True):
        if shape[-1] != width:
            join.fix(labels, f"{_described(node)} spreads it over all channels of another tensor")
    for labels in wide[1:]:
        join.merge(labels, wide[0])
    return wide[0]


def _side_by_side(
    join: LabelMerger, node: Node, inputs: Sequence[Labels], shapes: Sequence[Shape]
) -> Labels | str:
    axis = int(getattr(node.operation, "axis", -1)) % len(shapes[0])
    if axis == len(shapes[0]) - 1:
        return np.concatenate(list(inputs), axis=-1)
    flat = [join.flat(labels) for labels in inputs]
    if axis == 0 or len({len(labels) for labels in flat}) > 1:
        return f"{_described(node)} joins them along another axis"
    for labels in flat[1:]:
        join.merge(labels, flat[0])
    return flat[0].reshape((1,) * (len(shapes[0]) - 2) + (-1,))


def _reshaped(join: LabelMerger, node: Node, labels: Labels, before: Shape, after: Shape) -> Labels | str:
    """Return the labels after a change of shape, which must still have the same channels at every place."""
    sides, wanted = before[1:], after[1:]
    if any(side is None for side in (*sides, *wanted)) or not 1 <= len(wanted) <= 3:
        return f"{_described(node)} mixes channels and places"
    if math.prod(int(side or 0) for side in sides) != math.prod(int(side or 0) for side in wanted):
        # The batch axis is mixed with places.
        return f"{_described(node)} mixes pictures and places"
    every = np.broadcast_to(labels, [int(side or 0) for side in sides])
    if node.kind in _ORDERS:
        order = axis_order(node)
        if order is None or len(order) != len(sides):
            return f"{_described(node)} mixes channels and places"
        every = every.transpose(order)
    found = every.reshape([int(side or 0) for side in wanted])
    if any(_varies_along_alone(found, axis) for axis in range(found.ndim - 1)):
        return found  # Channels come before places here; a later permutation may move them back.
    return _at_every_place(join, found)


def _varies_along_alone(labels: Labels, axis: int) -> bool:
    first = tuple(slice(None) if a == axis else slice(0, 1) for a in range(labels.ndim))
    return np.array_equal(labels, np.broadcast_to(labels[first], labels.shape))


def _drops_places(node: Node, shape: Shape) -> bool:
    """Whether all places of each channel are reduced to one number."""
    if node.kind in ("global_average_pooling2d", "global_max_pooling2d"):
        return len(shape) == 4
    if node.kind not in ("mean", "max", "min", "sum") or node.constants:
        return False
    axes = getattr(node.operation, "axis", None)
    return axes is not None and sorted(int(a) % len(shape) for a in np.ravel(axes)) == list(
        range(1, len(shape) - 1)
    )


def _described(node: Node) -> str:
    return f'"{node.name}" ({node.kind})'


RESHAPES = frozenset({"flatten", "reshape", "squeeze", "expand_dims"})
_ORDERS = frozenset({"permute", "transpose"})
_JOINS = frozenset({"add", "subtract", "multiply", "average", "maximum", "minimum", "divide", "true_divide"})
_ELEMENTWISE = _JOINS | {"power", "negative", "abs", "absolute", "square", "sqrt", "rsqrt", "clip", "cast"}
_NORMALISERS = frozenset({"batch_normalization", "normalization"})
_PLACEWISE = frozenset({"zero_padding2d", "cropping2d", "up_sampling2d", "edge_padding"})
