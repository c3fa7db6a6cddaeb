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
"""A prime that stands for the number of pictures while shapes are worked out."""

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
        dealt: The map whose places were dealt out to more pictures, not carried out yet.
        late: The convolution that gives this map, not built yet.
        parted: The map whose channels were made several axes, not carried out yet.
    """

    shape: tuple[int, ...]
    dtype: str
    array: Array | None = None
    tensor: Tensor = None
    axes: tuple[int, ...] = ()
    flat: Value | None = None
    once: Array | None = None
    step: int = 0
    dealt: Dealt | None = None
    late: Late | None = None
    parted: Parted | None = None

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def position(self, axis: int) -> int:
        """Return which tensor axis holds an ONNX axis, which may be negative."""
        return self.axes.index(axis % self.rank)


@dataclass(frozen=True, eq=False)
class Dealt:
    """A map `(n, c, h, w)` dealt out to `(block * block * n, c, h / block, w / block)`, place by place.

    The axes of the value say where these four stand.
    """

    whole: Value
    block: int


@dataclass(frozen=True, eq=False)
class Parted:
    """A map `(n, c, h, w)` whose channels were made several axes, `(n, *sizes, h, w)`.

    The axes of the value say where these stand; the channels may be any axis of the map but the first.
    """

    whole: Value
    channels: int
    sizes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Late:
    """A convolution whose map `(n, c, h, w)` is cut at its end before anything reads it.

    Attributes:
        build: Makes it, for a number of rows and columns to leave out at the end.
        cut: How many of each are left out.
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
