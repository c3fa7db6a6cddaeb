"""What a network does to its picture before anything that is no scaling: `x * a + b`, by channel.

Follows every tensor that holds the picture's own values, scaled by constants and perhaps rearranged: through
operations that return their input, arithmetic with constants of any shape, splits and joins of channels,
paddings and resizings. Which values a picture has is not known here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.models.framework import keras_module
from reportgen.models.kinds import IDENTITIES
from reportgen.models.model import Node, Ref

Floats = NDArray[np.float64]
_MOST_VALUES = 2**22
"""Values of a tensor that are laid out one by one, at most."""
_MOST_STEPS = 64
"""Scalings in a row that are followed, at most; a file may have any number."""
_MOST_WORDS = 4


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

    def rearranged(self, move: Callable[[NDArray[Any]], NDArray[Any]]) -> View:
        """Return the view after its values were moved about."""
        return dataclasses.replace(
            self, channel=move(self.channel), scale=move(self.scale), offset=move(self.offset)
        )

    def scaled(self, a: Any, b: Any, said: str) -> View | None:
        """Return the view times `a` plus `b`, or None where that gives it another shape."""
        if len(self.words) >= _MOST_STEPS:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            scale, offset = thin(self.scale) * a, thin(self.offset) * a + b
        try:
            full = np.broadcast_to(scale, self.shape), np.broadcast_to(offset, self.shape)
        except ValueError:
            return None
        return View(self.channel, *full, (*self.words, said), self)


@dataclass(frozen=True)
class Scaling:
    """What readers of the picture get: one entry for each channel of it and each way in which it is scaled.

    Attributes:
        channel: `(n,)`, of the picture.
        scale, offset: `(n,)`; the entry is `picture[..., channel] * scale + offset`.
        words: Which operations do it.
        flipped: Whether the last axis holds the channels in reverse.
        several: Whether some reader takes the picture as it is and another one scaled.
    """

    channel: NDArray[np.int64]
    scale: Floats
    offset: Floats
    words: tuple[str, ...] = ()
    flipped: bool = False
    several: bool = False

    @property
    def plain(self) -> bool:
        """Whether the picture comes out as it went in."""
        return bool(np.allclose(self.scale, 1, atol=1e-6) and np.allclose(self.offset, 0, atol=1e-6))


def first_scaling(nodes: Sequence[Node]) -> Scaling:
    """Return what the network does to its picture before anything that is not a scaling.

    Where it ends up as it was, what it is in between is told: `x * 255 / 255` says as much as `x * 255`.
    """
    last = _last_views(nodes)
    found = _together(last)
    words = tuple(dict.fromkeys(word for view in last for word in view.words))
    flipped = any(_is_flipped(view) for view in last)
    if found is None:
        return dataclasses.replace(_NOTHING, words=words, several=bool(words))
    if found.plain:
        found = _in_between(last) or found
    identity = np.isclose(found.scale, 1, atol=1e-6) & np.isclose(found.offset, 0, atol=1e-6)
    several = bool(identity.any() and not identity.all())
    if len(words) > _MOST_WORDS:
        words = (*words[:_MOST_WORDS], f"{len(words) - _MOST_WORDS} more like these")
    return dataclasses.replace(found, words=words, flipped=flipped, several=several)


def _in_between(views: list[View]) -> Scaling | None:
    """Return the last scaling by another factor than 1 on the way to views that are as the picture was."""
    while any(view.before for view in views):
        views = [view.before or view for view in views]
        found = _together(views)
        if found is not None and not np.allclose(np.abs(found.scale), 1, atol=1e-6):
            return found
    return None


_NOTHING = Scaling(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def thin(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array with one entry along each axis along which it was only repeated."""
    return array[tuple(slice(0, 1) if s == 0 else slice(None) for s in array.strides)]


def _last_views(nodes: Sequence[Node]) -> list[View]:
    """Return the tensors with the picture's values that something else reads."""
    shape = _sizes(nodes[0].output_shapes[0])
    channels = np.broadcast_to(np.arange(shape[-1]), shape)
    views = {(0, 0): View(channels, np.broadcast_to(1.0, shape), np.broadcast_to(0.0, shape))}
    ended: dict[Ref, View] = {}
    for index, node in enumerate(nodes):
        seen = [ref for ref in node.inputs if ref in views]
        # What is held gets its size from the picture, and none of its numbers.
        if not seen or node.kind == "held_input":
            continue
        made = _viewed(node, [views[ref] for ref in seen]) if len(seen) == len(node.inputs) else []
        views.update({(index, output): view for output, view in enumerate(made)})
        if not made:
            ended.update({ref: views[ref] for ref in seen})
    return list(ended.values())


def _sizes(shape: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(side or 1 for side in shape[1:])


def _viewed(node: Node, inputs: list[View]) -> list[View]:
    """Return the outputs of an operation as views; none where they are none."""
    try:
        found = _outputs(node, inputs)
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError):
        return []
    shapes = [_sizes(shape) for shape in node.output_shapes]
    fits = [v.shape for v in found] == shapes and all(np.isfinite(thin(v.scale)).all() for v in found)
    return found if fits and all(np.isfinite(thin(v.offset)).all() for v in found) else []


def _outputs(node: Node, inputs: list[View]) -> list[View]:
    first, operation = inputs[0], node.operation
    if node.kind in ("concatenate", "stack"):
        return [_joined(inputs, operation.axis, stacked=node.kind == "stack")]
    if len(inputs) != 1:
        return []
    if node.kind in IDENTITIES or node.kind == "cast" or node.function == "linear":
        return [first]
    if node.kind in _IN_PLACE:
        return [_in_place(first, _sizes(node.output_shapes[0]))]
    if move := _rearrangement(node):
        return [first.rearranged(move)]
    name = f'{node.kind} "{node.name}"'
    step = _scaling_of(node, name) or _measured(node, first, name)
    found = None if step is None else first.scaled(*step)
    return [] if found is None else [found]


# Values moved about


_IN_PLACE = frozenset(
    {
        "zero_padding2d", "cropping2d", "center_crop", "random_crop", "resizing", "resized", "up_sampling2d",
        "average_pooling2d", "max_pooling2d", "average_pool", "max_pool", "pad",
    }
)  # fmt: skip
"""Kinds that change the size of maps, and no values but by taking some together, or adding zeros."""


def _in_place(view: View, shape: tuple[int, ...]) -> View:
    """Return a map at another size; what differs from place to place is taken for its mean."""
    if len(shape) != 3 or not (view.channel == view.channel[:1, :1]).all():
        raise ValueError("channels are not in their place")
    mean = [np.asarray(thin(a).mean(axis=(0, 1), keepdims=True)) for a in (view.scale, view.offset)]
    scale, offset = (np.broadcast_to(a, shape) for a in mean)
    return dataclasses.replace(
        view, channel=np.broadcast_to(view.channel[:1, :1], shape), scale=scale, offset=offset
    )


def _joined(views: list[View], axis: int, *, stacked: bool) -> View:
    at = axis - 1 if axis > 0 else axis
    if axis == 0 or sum(int(np.prod(v.shape)) for v in views) > _MOST_VALUES:
        raise ValueError("batches are joined, or too much")
    join = np.stack if stacked else np.concatenate
    parts = [join([getattr(v, n) for v in views], axis=at) for n in ("channel", "scale", "offset")]
    words = tuple(dict.fromkeys(word for view in views for word in view.words))
    if len(words) > _MOST_STEPS:
        raise ValueError("too many scalings")
    return View(parts[0], parts[1], parts[2], words, views[0].before if len(views) == 1 else None)


def _rearrangement(node: Node) -> Callable[[NDArray[Any]], NDArray[Any]] | None:
    """Return how an operation moves the values of an array without batch axis; None if it is no such."""
    operation, shape = node.operation, _sizes(node.output_shapes[0])
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
        places = node.constants[0] if node.constants else operation.indices
        return lambda a: np.take(a, np.asarray(places, np.int64), axis=at)
    return None


def _reshaped(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if array.size > _MOST_VALUES:
        raise ValueError("too many values to lay out")
    small = thin(array)
    return np.broadcast_to(small.reshape(()), shape) if small.size == 1 else array.reshape(shape)


def _without_batch(index: Sequence[Any]) -> tuple[Any, ...]:
    """Return an index less its part for the batch, which must take all of it."""
    if not index or index[0] is Ellipsis:
        return tuple(index)
    if index[0] != slice(None):
        raise ValueError("some of the batch is taken")
    return tuple(index[1:])


# Values scaled


_Step = tuple[Any, Any, str]
"""Scale, offset, and in words."""


def _scaling_of(node: Node, name: str) -> _Step | None:
    """Return what an operation multiplies by and adds, or None if it is no scaling by constants."""
    if node.kind == "rescaling":
        scale, offset = _constant(node.operation.scale), _constant(node.operation.offset)
        plus = f" and adds {_numbers(offset)}" if offset.any() else ""
        return scale, offset, f"{name} multiplies by {_numbers(scale)}{plus}"
    if node.kind == "normalization":
        mean, deviation = _constant(node.operation.mean), np.sqrt(_constant(node.operation.variance))
        if getattr(node.operation, "invert", False):
            said = f"{name} multiplies by {_numbers(deviation)} and adds a mean of {_numbers(mean)}"
            return deviation, mean, said
        said = f"{name} subtracts a mean of {_numbers(mean)} and divides by {_numbers(deviation)}"
        deviation = np.maximum(deviation, 1e-7)
        return 1 / deviation, -mean / deviation, said
    return _arithmetic(node, name)


def _arithmetic(node: Node, name: str) -> _Step | None:
    """Return the scaling of `x + c`, `x - c`, `c - x`, `x * c` or `x / c`; sums and products also turned."""
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


def _measured(node: Node, view: View, name: str) -> _Step | None:
    """Return what a function of the user's does, where pictures show that it scales each value on its own.

    Only files that are trusted have such, since anything may run in them.
    """
    own = node.kind == "lambda" or node.kind.startswith("custom_")
    if not own or getattr(node.operation, "weights", None) or int(np.prod(view.shape)) > _MOST_VALUES:
        return None
    rng, shape = np.random.default_rng(0), (1, *view.shape)

    def answer(picture: NDArray[Any]) -> Floats:
        (found,) = node.call([keras_module().ops.convert_to_tensor(picture.astype(np.float32))])
        values: Floats = np.asarray(keras_module().ops.convert_to_numpy(found), np.float64)
        return np.asarray(values[0])

    try:
        nothing = answer(np.zeros(shape))
        scale = (answer(np.full(shape, 128.0)) - nothing) / 128
        for low, high in ((0, 1), (-1, 1), (0, 255), (0, 65535)):
            picture = rng.uniform(low, high, shape).astype(np.float32)
            wanted = picture[0] * scale + nothing
            if not np.allclose(answer(picture), wanted, rtol=1e-3, atol=1e-3 * np.ptp(wanted) + 1e-12):
                return None
    except Exception:  # It may raise whatever it likes: then nothing is known of it.
        return None
    scale, nothing = (_by_channel_where_same(a) for a in (scale, nothing))
    said = f"{name}, measured on pictures, multiplies by {_numbers(scale)} and adds {_numbers(nothing)}"
    return scale, nothing, said


def _by_channel_where_same(values: Floats) -> Floats:
    """Return one number a channel where every place has the same, to within rounding."""
    mean = values.mean(axis=tuple(range(values.ndim - 1)), keepdims=True)
    return mean if np.allclose(values, mean, rtol=1e-4, atol=1e-4 * float(np.abs(mean).max())) else values


def _constant(value: Any) -> Floats:
    """Return a constant as an array without batch axis.

    Raises:
        ValueError: It is none, differs from picture to picture, or is not finite.
    """
    array = np.asarray(keras_module().ops.convert_to_numpy(value), np.float64)
    if array.ndim > 1 and array.shape[0] == 1:
        array = array[0]
    if not np.isfinite(array).all():
        raise ValueError("no finite constant")
    return array


def _numbers(values: Floats) -> str:
    """Return a constant in words: a number, one a channel, or a picture's means."""
    flat = values.reshape(-1, values.shape[-1]) if values.ndim else values.reshape(1, 1)
    picture = "a picture of about " if not np.allclose(flat, flat[:1]) else ""
    means = flat.mean(axis=0)
    shown = means[:1] if np.allclose(means, means[0]) else means
    more = " and so on" if len(shown) > 8 else ""
    return picture + " ".join(f"{v:.6g}" for v in shown[:8]) + more


# What readers get


_MOST_WAYS = 4
"""Ways in which a channel may be scaled before it is taken to be scaled by a picture."""


def _together(views: Sequence[View]) -> Scaling | None:
    """Return what several views say of each channel; None where one of them has no scale."""
    found: dict[tuple[int, float, float], None] = {}
    for view in views:
        channel, scale, offset = (a.ravel() for a in np.broadcast_arrays(*_thinned(view)))
        for k in np.unique(channel):
            own = channel == k
            for pair in _pairs(scale[own], offset[own]):
                if pair is None:
                    return None
                found[int(k), *pair] = None
    if not found:
        return None
    channels, scales, offsets = zip(*found, strict=True)
    order = np.argsort(channels, kind="stable")
    return Scaling(np.array(channels)[order], np.array(scales, float)[order], np.array(offsets, float)[order])


def _thinned(view: View) -> tuple[NDArray[Any], ...]:
    return thin(view.channel), thin(view.scale), thin(view.offset)


def _pairs(scale: Floats, offset: Floats) -> list[tuple[float, float] | None]:
    """Return scale and offset of one channel, for each way in which it is scaled.

    A mean picture counts as its mean, a picture of deviations as theirs.
    """
    ways = np.unique(scale + 1j * offset)
    if not scale.all():
        return [None]
    if len(ways) <= _MOST_WAYS:
        return [(float(way.real), float(way.imag)) for way in ways]
    if scale.min() < 0 < scale.max():
        return [None]
    one, zero = float((1 / scale).mean()), float((-offset / scale).mean())
    return [(1 / one, -zero / one)]


def _is_flipped(view: View) -> bool:
    last = view.channel[(0,) * (view.channel.ndim - 1)] if view.channel.ndim else view.channel
    return len(last) == 3 and list(last) == [2, 1, 0]
