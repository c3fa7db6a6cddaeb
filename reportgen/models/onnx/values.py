"""What travels along an edge of the graph: a constant, or a live tensor in some order of axes.

Shapes are those of ONNX, with a large prime where the batch is. Layout is a label: a map of
ONNX (n, c, h, w) is held as a tensor (n, h, w, c), and a Transpose changes the label alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.keras_types import Tensor

BATCH = 10007
"""A prime used as the batch size while shapes are computed."""

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Value:
    """One edge.

    Attributes:
        shape: As ONNX has it; multiples of `BATCH` depend on the number of pictures.
        dtype: numpy's name.
        array: The numbers of a constant, in ONNX's order; else None.
        tensor: The Keras tensor of a live value; None for constants and for `flat` ones.
        axes: Tensor axis i holds ONNX axis `axes[i]`.
        once: The numbers of a live value that are the same for every picture, with a side of 1 for them.
        step: How much more each picture's numbers are than those of the one before; `once` are then those of
            the first, and there is no tensor: they count pictures.
        flat: The map this is the plain flattening of, `(n, c*h*w)`, not carried out yet.
        space_to_batch: The map whose places are to be moved to the batch, not yet done.
        deferred: The convolution that gives this map, not yet built.
        split_channels: The map whose channels are to be split into several axes, not yet done.
    """

    shape: tuple[int, ...]
    dtype: str
    array: Array | None = None
    tensor: Tensor = None
    axes: tuple[int, ...] = ()
    flat: Value | None = None
    once: Array | None = None
    step: int = 0
    space_to_batch: SpaceToBatch | None = None
    deferred: Deferred | None = None
    split_channels: SplitChannels | None = None

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def position(self, axis: int) -> int:
        """Return which tensor axis holds an ONNX axis, which may be negative."""
        return self.axes.index(axis % self.rank)


@dataclass(frozen=True, eq=False)
class SpaceToBatch:
    """A map `(n, c, h, w)` moved to the batch as `(block * block * n, c, h / block, w / block)`.

    The axes of the value give the order of these four.
    """

    whole: Value
    block: int


@dataclass(frozen=True, eq=False)
class SplitChannels:
    """A map `(n, c, h, w)` whose channels are split into several axes, `(n, *sizes, h, w)`.

    The axes of the value give their order; the channels may be any axis of the map except the first.
    """

    whole: Value
    channels: int
    sizes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Deferred:
    """A convolution whose map `(n, c, h, w)` is cropped at its end before anything reads it.

    Attributes:
        build: Builds it, given the number of rows and columns to crop at the end.
        cut: How many of each are cropped.
    """

    build: Callable[[tuple[int, int]], Value]
    cut: tuple[int, int] = (0, 0)


def constant(array: Any) -> Value:
    """Return the edge of an array."""
    array = np.asarray(array)
    return Value(tuple(array.shape), str(array.dtype), array=array, axes=tuple(range(array.ndim)))


def live(tensor: Tensor, axes: tuple[int, ...] | None = None) -> Value:
    """Return the edge of a Keras tensor whose axes hold these ONNX axes; in order unless given."""
    sides = tuple(int(s) for s in tensor.shape)
    order = tuple(range(len(sides))) if axes is None else axes
    shape = [0] * len(sides)
    for side, axis in zip(sides, order, strict=True):
        shape[axis] = side
    return Value(tuple(shape), str(tensor.dtype), tensor=tensor, axes=order)


def channels_last(rank: int) -> tuple[int, ...]:
    """Return the axes of a map held channels last: (0, 2, 3, 1) for pictures."""
    return (0, *range(2, rank), 1)


def target(sides: Any) -> tuple[int, ...]:
    """Return a shape to reshape to: the side that depends on the batch is -1."""
    return tuple(-1 if carries_batch(s) else int(s) for s in sides)


def carries_batch(side: int) -> bool:
    """Whether a side depends on the number of pictures."""
    return side > 0 and side % BATCH == 0


def inverse(perm: tuple[int, ...]) -> tuple[int, ...]:
    """Return the permutation that undoes one."""
    return tuple(int(i) for i in np.argsort(perm))


def count(shape: tuple[int, ...]) -> int:
    """Return the number of elements."""
    return math.prod(shape)
