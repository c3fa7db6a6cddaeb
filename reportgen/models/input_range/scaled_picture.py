"""Tensors that hold values of the picture scaled by constants: `x * a + b`, each from one channel.

Implements how operations rearrange, pool, join and scale such tensors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import activation_called
from reportgen.keras_types import Tensor
from reportgen.models.graph.kinds import IDENTITIES
from reportgen.models.input_range.scaling_step import MOST_VALUES, measured_step, scaling_step
from reportgen.models.model import Node

Floats = NDArray[np.float64]
_MOST_STEPS = 64
"""Most consecutive scalings that are followed; a file may have any number."""


@dataclass(frozen=True)
class View:
    """A tensor that holds values of the picture, as `picture[..., channel] * scale + offset`.

    Attributes:
        channel, scale, offset: Of the tensor's shape without its batch axis.
        words: Which operations scale it and how.
        before: The same before its last scaling; None for the picture itself.
    """

    channel: NDArray[np.int64]
    scale: Floats
    offset: Floats
    words: tuple[str, ...] = ()
    before: View | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor, without its batch axis."""
        return self.channel.shape

    def rearranged(self, move: Callable[[np.ndarray], np.ndarray]) -> View:
        """Return the view after its values are rearranged."""
        return dataclasses.replace(
            self, channel=move(self.channel), scale=move(self.scale), offset=move(self.offset)
        )

    def scaled(self, a: Tensor, b: Tensor, words: str) -> View | None:
        """Return the view times `a` plus `b`, or None where that gives it another shape."""
        if len(self.words) >= _MOST_STEPS:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            scale, offset = thin(self.scale) * a, thin(self.offset) * a + b
        try:
            full = np.broadcast_to(scale, self.shape), np.broadcast_to(offset, self.shape)
        except ValueError:
            return None
        return View(self.channel, *full, (*self.words, words), self)


def thin(array: np.ndarray) -> np.ndarray:
    """Return an array with a single entry along each axis along which it was broadcast."""
    return array[tuple(slice(0, 1) if s == 0 else slice(None) for s in array.strides)]


def sizes(shape: Sequence[int | None]) -> tuple[int, ...]:
    """Return a tensor's shape without its batch axis, an open side as one."""
    return tuple(side or 1 for side in shape[1:])


COMPARISONS = frozenset({"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"})
_NUMBERS_LIKE = {"zeros_like": 0.0, "ones_like": 1.0}


def number_like(node: Node, view: View) -> View | None:
    """Return the constant that `zeros_like` or `ones_like` of a view is; None for other operations."""
    if node.kind not in _NUMBERS_LIKE:
        return None
    zero, number = np.broadcast_to(0.0, view.shape), np.broadcast_to(_NUMBERS_LIKE[node.kind], view.shape)
    return View(view.channel, zero, number)


def viewed(node: Node, inputs: list[View]) -> list[View]:
    """Return the outputs of an operation as views; empty where they are not scaled pictures."""
    try:
        found = _outputs(node, inputs)
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError):
        return []
    shapes = [sizes(shape) for shape in node.output_shapes]
    fits = [v.shape for v in found] == shapes and all(np.isfinite(thin(v.scale)).all() for v in found)
    return found if fits and all(np.isfinite(thin(v.offset)).all() for v in found) else []


def _outputs(node: Node, inputs: list[View]) -> list[View]:
    first, operation = inputs[0], node.operation
    if node.kind in ("concatenate", "stack"):
        return [_joined(inputs, operation.axis, stacked=node.kind == "stack")]
    if len(inputs) == 2:
        return _of_two(node, inputs)
    if len(inputs) != 1:
        return []
    if node.kind in IDENTITIES or node.kind == "cast" or node.function == "linear":
        return [first]
    if node.kind in _SAME_RANGE or _cuts_off(node, first):
        return [first]
    if node.kind in _IN_PLACE:
        return [_in_place(first, sizes(node.output_shapes[0]))]
    if node.kind in ("mean", "sum", "rgb_to_grayscale") and (grey := _greyed(node, first)):
        return [grey]
    if move := _rearrangement(node):
        return [first.rearranged(move)]
    name = f'{node.kind} "{node.name}"'
    step = scaling_step(node, name) or measured_step(node, first.shape, name)
    found = None if step is None else first.scaled(*step)
    return [] if found is None else [found]


def _of_two(node: Node, inputs: list[View]) -> list[View]:
    """Return the outputs for two tensors, one of which does not depend on the picture: a constant."""
    is_constant = [not thin(view.scale).any() for view in inputs]
    if sum(is_constant) != 1:
        return []
    constant, view = inputs[is_constant.index(True)], inputs[is_constant.index(False)]
    if node.kind == "where":
        return [] if thin(constant.offset).any() else [view]
    pattern = "ct" if is_constant[0] else "tc"
    alone = dataclasses.replace(node, constants=(thin(constant.offset)[None],), pattern=pattern)
    step = scaling_step(alone, f'{node.kind} "{node.name}"')
    found = None if step is None else view.scaled(*step)
    return [] if found is None else [found]


_IN_PLACE = frozenset(
    {
        "zero_padding2d", "cropping2d", "center_crop", "random_crop", "resizing", "resized", "up_sampling2d",
        "average_pooling2d", "max_pooling2d", "average_pool", "max_pool", "pad",
    }
)  # fmt: skip
"""Kinds that change the size of maps, and values only by pooling them or by adding zeros."""


_SAME_RANGE = frozenset({"auto_contrast", "solarization", "equalization"})
"""Kinds whose outputs stay within the range of their inputs."""


def _cuts_off(node: Node, view: View) -> bool:
    """Whether an operation only clips values beyond a bound, which leaves pictures unchanged.

    After a scaling, a bound of any kind except `clip` is an activation.
    """
    if not all(np.ndim(c) == 0 for c in node.constants):
        return False
    row = activation_called(node.function)
    cut = (row is not None and row.bounds) or node.kind in ("maximum", "minimum")
    straight = not getattr(node.operation, "threshold", 0)
    return node.kind == "clip" or (cut and straight and not view.words)


def _greyed(node: Node, view: View) -> View | None:
    """Return the mean or sum over the channels: for a grey picture, of their scalings."""
    last = len(view.shape)
    axis = getattr(node.operation, "axis", -1)
    axes = {a % (last + 1) for a in (axis if isinstance(axis, (list, tuple)) else [axis]) if a is not None}
    if axes != {last}:
        return None
    together = np.sum if node.kind == "sum" else np.mean
    keeps = len(node.output_shapes[0]) == last + 1
    scale, offset = (together(a, axis=-1, keepdims=keeps) for a in (view.scale, view.offset))
    channel = view.channel[..., :1] if keeps else view.channel[..., 0]
    return View(channel, scale, offset, view.words, view.before)


def _in_place(view: View, shape: tuple[int, ...]) -> View:
    """Return a map at another size; a scaling that differs from place to place is replaced by its mean."""
    if len(shape) != 3 or not (view.channel == view.channel[:1, :1]).all():
        raise ValueError("channels are not in their place")
    mean = [np.asarray(thin(a).mean(axis=(0, 1), keepdims=True)) for a in (view.scale, view.offset)]
    scale, offset = (np.broadcast_to(a, shape) for a in mean)
    return dataclasses.replace(
        view, channel=np.broadcast_to(view.channel[:1, :1], shape), scale=scale, offset=offset
    )


def _joined(views: list[View], axis: int, *, stacked: bool) -> View:
    at = axis - 1 if axis > 0 else axis
    if axis == 0 or sum(int(np.prod(v.shape)) for v in views) > MOST_VALUES:
        raise ValueError("batches are joined, or too much")
    join = np.stack if stacked else np.concatenate
    parts = [join([getattr(v, n) for v in views], axis=at) for n in ("channel", "scale", "offset")]
    words = tuple(dict.fromkeys(word for view in views for word in view.words))
    if len(words) > _MOST_STEPS:
        raise ValueError("too many scalings")
    return View(parts[0], parts[1], parts[2], words, views[0].before if len(views) == 1 else None)


def _rearrangement(node: Node) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return how an operation rearranges the values of an array without batch axis; None for others."""
    operation, shape = node.operation, sizes(node.output_shapes[0])
    if node.kind == "get_item" and node.pattern[:1] == "t":
        return lambda a: a[_without_batch(node.constants)]
    if node.kind in ("transpose", "permute"):
        order = operation.axes if node.kind == "transpose" else (0, *operation.dims)
        if order is None or order[0] != 0:
            return None
        return lambda a: a.transpose([i - 1 for i in order[1:]])
    if node.kind in ("reshape", "flatten", "expand_dims", "squeeze"):
        return lambda a: _reshaped(a, shape)
    if node.kind == "flip" and operation.axis is not None:
        axes = operation.axis if isinstance(operation.axis, (list, tuple)) else (operation.axis,)
        return None if 0 in axes else lambda a: np.flip(a, tuple(i - 1 if i > 0 else i for i in axes))
    if node.kind in ("take", "repeat") and operation.axis:
        at = operation.axis - 1 if operation.axis > 0 else operation.axis
        if node.kind == "repeat":
            return lambda a: np.repeat(a, operation.repeats, axis=at)
        places = np.asarray(node.constants if len(node.constants) > 1 else node.constants[0], np.int64)
        return lambda a: np.take(a, places if a.ndim == len(shape) else places.reshape(()), axis=at)
    return None


def _reshaped(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.size > MOST_VALUES:
        raise ValueError("too many values to lay out")
    small = thin(array)
    return np.broadcast_to(small.reshape(()), shape) if small.size == 1 else array.reshape(shape)


def _without_batch(index: Sequence[Any]) -> tuple[Any, ...]:
    """Return an index without its part for the batch axis, which must select all of it."""
    if not index or index[0] is Ellipsis:
        return tuple(index)
    if index[0] != slice(None):
        raise ValueError("some of the batch is taken")
    return tuple(index[1:])
