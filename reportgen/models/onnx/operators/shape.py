"""Operators that change the shape of values or pass them on: most only change labels, or are dropped."""

from __future__ import annotations

import dataclasses

import numpy as np

from reportgen.errors import ModelError
from reportgen.keras_types import Tensor
from reportgen.models.onnx.batch_reshape import with_batch
from reportgen.models.onnx.call import MIXING, Call
from reportgen.models.onnx.reading import numpy_type
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import (
    BATCH,
    SpaceToBatch,
    SplitChannels,
    Value,
    carries_batch,
    constant,
    count,
    inverse,
    live,
    target,
)


@operator("Identity", "Dropout", fixed=(2,))
def _same(call: Call) -> Value | list[Value]:
    """The identity outside training; the mask of a Dropout is all true."""
    value = call.value(0)
    if call.has(2) and call.array(2).any():
        call.refuse("is in training mode", "export in evaluation mode")
    if len(call.node.output) > 1 and call.node.output[1]:
        return [value, live(call.ops.ones_like(call.plain(value), dtype="bool"))]
    return value


@operator("Cast", "CastLike")
def _cast(call: Call) -> Value:
    """All floating-point types are float32 here, so a cast between them is the identity."""
    if call.node.op_type == "CastLike":
        dtype = call.value(1).dtype
    else:
        try:
            dtype = numpy_type(int(call.attr("to", 1)))
        except ModelError as error:
            call.refuse(error.message)
    value = call.value(0)
    if dtype == value.dtype:
        return value
    return call.unary(lambda x: call.ops.cast(x, dtype))


@operator("Transpose")
def _transpose(call: Call) -> Value:
    value = call.value(0)
    perm = tuple(int(p) for p in call.attr("perm", range(value.rank - 1, -1, -1)))
    if sorted(perm) != list(range(value.rank)):
        call.refuse(f"permutes {value.rank} axes by {perm}")
    return call.relabelled(value, perm)


@operator("Reshape", fixed=(1,))
def _reshape(call: Call) -> Value:
    value = call.value(0)
    wanted = call.listed(1, "shape") or []
    if not call.attr("allowzero", 0):
        if any(w == 0 and i >= value.rank for i, w in enumerate(wanted)):
            call.refuse(f"copies a side that {value.shape} lacks")
        wanted = [value.shape[i] if w == 0 else w for i, w in enumerate(wanted)]
    return reshaped(call, value, with_batch(call, value, wanted))


def reshaped(call: Call, value: Value, shape: tuple[int, ...]) -> Value:
    """Return a value in another shape; only labels change where only sides of 1 move."""
    if shape == value.shape:
        return value
    known = _joined_channels(call, value, shape) or _parted_channels(value, shape)
    if known is not None:
        return known
    if len(shape) == 2 and shape[0] == value.shape[0] and value.rank > 2 and value.tensor is not None:
        # Flattening a map is deferred: a dense layer reads it in its own layout.
        return Value(shape, value.dtype, flat=value)
    if len(shape) == value.rank and value.tensor is not None and (order := _moved_ones(value.shape, shape)):
        return call.relabelled(value, order)
    return live(call.ops.reshape(call.plain(value), target(shape)))


def _parted_channels(value: Value, shape: tuple[int, ...]) -> Value | None:
    """Return a map with its channels split into several axes, as a channel shuffle begins; else None."""
    if value.tensor is None or value.rank != 4 or len(shape) < 5:
        return None
    at, more = value.axes[-1], len(shape) - 3
    sizes = shape[at : at + more]
    rest = (*shape[:at], *shape[at + more :])
    if at == 0 or rest != (*value.shape[:at], *value.shape[at + 1 :]) or any(s < 2 for s in sizes):
        return None
    return Value(
        shape, value.dtype, axes=tuple(range(len(shape))), split_channels=SplitChannels(value, at, sizes)
    )


def _joined_channels(call: Call, value: Value, shape: tuple[int, ...]) -> Value | None:
    """Return a map whose split channels are merged into one axis again, in whatever order they are."""
    parted = value.split_channels
    if parted is None or len(shape) != 4:
        return None
    at, more = parted.channels, len(parted.sizes)
    order = inverse(value.axes)
    first = min(order.index(i) for i in range(at, at + more))
    within = order[first : first + more]
    joined = (*value.shape[:first], count(parted.sizes), *value.shape[first + more :])
    if shape != joined or sorted(within) != list(range(at, at + more)):
        return None
    tensor, axes = call.held(parted.whole)
    places = (
        np.arange(count(parted.sizes)).reshape(parted.sizes).transpose([i - at for i in within]).reshape(-1)
    )
    if not np.array_equal(places, np.arange(len(places))):
        tensor = call.ops.take(tensor, places.astype(np.int32), axis=-1)
    back = [i if i < at else i - more + 1 for i in (*order[:first], *order[first + more :])]
    return call.relabelled(live(tensor, axes), (*back[:first], at, *back[first:]))


def _moved_ones(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[int, ...]:
    """Return the transposition equivalent to a reshape where only sides of 1 move, else None.

    Exporters write `(n, h, w, 1)` to `(n, 1, h, w)` as a reshape.
    """
    long = [i for i, side in enumerate(before) if side != 1]
    if [before[i] for i in long] != [side for side in after if side != 1]:
        return ()
    axes, ones = iter(long), iter([i for i, side in enumerate(before) if side == 1])
    return tuple(next(ones) if side == 1 else next(axes) for side in after)


@operator("Flatten")
def _flatten(call: Call) -> Value:
    value = call.value(0)
    axis = int(call.attr("axis", 1))
    axis = axis + value.rank if axis < 0 else axis
    return reshaped(call, value, (count(value.shape[:axis]), count(value.shape[axis:])))


@operator("Squeeze", fixed=(1,))
def _squeeze(call: Call) -> Value:
    value = call.value(0)
    axes = call.listed(1, "axes")
    if axes is None:
        axes = [i for i, s in enumerate(value.shape) if s == 1]
    removed = {a % value.rank for a in axes} if value.rank else set()
    for a in removed:
        call.no_batch(value.shape[a], "removes")
        if value.shape[a] != 1:
            call.refuse(f"squeezes axis {a} of {value.shape}")
    return _without(call, value, removed)


def _without(call: Call, value: Value, removed: set[int]) -> Value:
    """Return a value without some of its axes of side 1, in its own layout."""
    if not removed:
        return value
    tensor, axes = call.held(value)
    kept = [a for a in axes if a not in removed]
    left = sorted(kept)
    sides = [value.shape[a] for a in kept]
    return live(call.ops.reshape(tensor, target(sides)), tuple(left.index(a) for a in kept))


@operator("Unsqueeze", fixed=(1,))
def _unsqueeze(call: Call) -> Value:
    value = call.value(0)
    axes = call.listed(1, "axes") or []
    rank = value.rank + len(axes)
    new = {a % rank for a in axes}
    old = [i for i in range(rank) if i not in new]
    tensor, held = call.held(value)
    order = (*(old[a] for a in held), *sorted(new))
    # Kept in order where that costs no transposition.
    if held == tuple(range(value.rank)):
        order = tuple(range(rank))
    shape = [1] * rank
    for at, side in zip(old, value.shape, strict=True):
        shape[at] = side
    return live(call.ops.reshape(tensor, target(shape[a] for a in order)), order)


@operator("Expand", fixed=(1,))
def _expand(call: Call) -> Value:
    value, wanted = call.value(0), tuple(call.ints(1))
    rank = max(value.rank, len(wanted))
    own, goal = (1,) * (rank - value.rank) + value.shape, (1,) * (rank - len(wanted)) + wanted
    goal = tuple(call.opened(w, side) for w, side in zip(goal, own, strict=True))
    try:
        shape = tuple(np.broadcast_shapes(own, goal))
    except ValueError:
        call.refuse(f"expands {value.shape} to {wanted}")
    return expanded(call, value, shape)


def expanded(call: Call, value: Value, shape: tuple[int, ...]) -> Value:
    """Return a value broadcast to a shape, including the batch."""
    if shape == value.shape:
        return value
    ops, own = call.ops, (1,) * (len(shape) - value.rank) + value.shape
    tensor = call.plain(value)
    tensor = ops.reshape(tensor, target(own)) if value.array is None else tensor.reshape(own)
    still = tuple(1 if s == o or carries_batch(s) else s for s, o in zip(shape, own, strict=True))
    if value.array is None and max(still, default=1) > 1:
        tensor = (
            ops.multiply(tensor, np.ones(still, value.dtype))
            if value.dtype != "bool"
            else ops.logical_and(tensor, np.ones(still, bool))
        )
    elif value.array is not None:
        tensor = np.broadcast_to(tensor, tuple(o if o != 1 else s for s, o in zip(still, own, strict=True)))
    once = tensor if value.array is not None else None
    for axis, (side, there) in enumerate(zip(shape, own, strict=True)):
        if carries_batch(side) and there != side:
            ones = batch_ones(call, side, axis, len(shape), value.dtype)
            tensor = ops.logical_and(tensor, ones) if value.dtype == "bool" else ops.multiply(tensor, ones)
    if isinstance(tensor, np.ndarray):
        return constant(tensor)
    return dataclasses.replace(live(tensor), once=once)


def batch_ones(call: Call, side: int, axis: int, rank: int, dtype: str) -> Tensor:
    """Return ones, along an axis as many as its side, which depends on the batch size."""
    picture, ops = call.builder.picture, call.ops
    if picture is None:
        call.refuse("depends on the number of pictures")
    ones = ops.ones_like(picture[:, :1, :1, 0], dtype=dtype)
    ones = (
        ops.multiply(ones, np.ones((1, 1, side // BATCH), dtype))
        if dtype != "bool"
        else ops.logical_and(ones, np.ones((1, 1, side // BATCH), bool))
    )
    shape = [1] * rank
    shape[axis] = -1
    return ops.reshape(ones, tuple(shape))


@operator("Concat")
def _concat(call: Call) -> Value:
    values = [v for v in call.inputs if v is not None]
    axis = int(call.attr("axis", 0)) % values[0].rank
    if len(values) == 1:
        return values[0]
    values = [v for v in values if v.shape[axis] != 0] or values[:1]
    lead = max((v for v in values if v.array is None), key=lambda v: count(v.shape), default=None)
    order = call.held(lead)[1] if lead is not None else tuple(range(values[0].rank))
    shape = tuple(max(v.shape[i] for v in values) for i in range(values[0].rank))
    if any(carries_batch(v.shape[axis]) for v in values):
        call.refuse("joins the pictures of a batch with others, wanted each processed independently", MIXING)
    filled = [expanded(call, v, (*shape[:axis], v.shape[axis], *shape[axis + 1 :])) for v in values]
    parts = [call.ordered(v, order) for v in filled]
    at = order.index(axis)
    return live(call.ops.concatenate(parts, axis=-1 if at == len(order) - 1 else at), order)


@operator("Split", fixed=(1,))
def _split(call: Call) -> list[Value]:
    value = call.value(0)
    axis = int(call.attr("axis", 0)) % value.rank
    side, n = value.shape[axis], len(call.node.output)
    call.no_batch(side, "splits")
    sizes = call.listed(1, "split")
    if sizes is None:
        n = int(call.attr("num_outputs", n))
        each = -(-side // n)
        sizes = [min(each, max(0, side - i * each)) for i in range(n)]
    if sum(sizes) != side or min(sizes) < 0:
        call.refuse(f"splits {side} into {sizes}")
    tensor, axes = call.held(value)
    at, ends = axes.index(axis), np.cumsum(sizes)
    return [
        live(
            tensor[(*(slice(None),) * at, slice(int(e) - s, int(e)), *(slice(None),) * (len(axes) - at - 1))],
            axes,
        )
        for s, e in zip(sizes, ends, strict=True)
    ]


@operator("Tile", fixed=(1,))
def _tile(call: Call) -> Value:
    value, repeats = call.value(0), call.ints(1)
    shape = list(value.shape)
    for axis, times in enumerate(repeats):
        if not carries_batch(times):
            continue
        if shape[axis] != 1 or times != BATCH:
            call.refuse("repeats values that it has once for each picture")
        shape[axis] = times
    value = expanded(call, value, tuple(shape))
    still = [1 if carries_batch(r) else r for r in repeats]
    if all(r == 1 for r in still):
        return value
    for side, times in zip(value.shape, still, strict=True):
        if times != 1:
            call.no_batch(side, "repeats")
    return live(call.ops.tile(call.plain(value), still))


@operator("DepthToSpace", "SpaceToDepth")
def _blocks(call: Call) -> Value:
    known = _dealt(call, int(call.attr("blocksize", 1)))
    if known is not None:
        return known
    n, c, h, w = call.value(0).shape
    size, ops, x = int(call.attr("blocksize", 1)), call.ops, call.last(0)
    if call.node.op_type == "SpaceToDepth":
        x = ops.reshape(x, target((n, h // size, size, w // size, size, c)))
        first = call.attr("mode", "DCR") == "CRD"
        x = ops.transpose(x, (0, 1, 3, 5, 2, 4) if first else (0, 1, 3, 2, 4, 5))
        return call.map_out(ops.reshape(x, target((n, h // size, w // size, c * size * size))))
    less = c // size**2
    if call.attr("mode", "DCR") == "DCR":
        x = ops.transpose(ops.reshape(x, target((n, h, w, size, size, less))), (0, 1, 3, 2, 4, 5))
    else:
        x = ops.transpose(ops.reshape(x, target((n, h, w, less, size, size))), (0, 1, 4, 2, 5, 3))
    return call.map_out(ops.reshape(x, target((n, h * size, w * size, less))))


_SWAPPED = (1, 0, 2, 3)


def _dealt(call: Call, block: int) -> Value | None:
    """Return a map with places moved to the batch, or moved back; None if the node does neither.

    TensorFlow's exporter writes a dilated convolution so: batch and channels change places, the places of
    each block become pictures, a plain convolution runs over these, and all is undone.
    """
    value = call.value(0)
    if call.node.op_type == "SpaceToDepth":
        c, n, h, w = value.shape
        if block < 2 or not carries_batch(n) or carries_batch(c) or h % block or w % block:
            return None
        whole = call.relabelled(value, _SWAPPED)
        shape = (c, n * block * block, h // block, w // block)
        return Value(shape, value.dtype, axes=_SWAPPED, space_to_batch=SpaceToBatch(whole, block))
    undone = (
        value.space_to_batch is not None and value.space_to_batch.block == block and value.axes == _SWAPPED
    )
    if value.space_to_batch is None or not undone or str(call.attr("mode", "DCR")) != "DCR":
        return None
    reader = call.builder.only_consumer(call.node.output[0])
    whole = value.space_to_batch.whole
    cut_next = reader is not None and reader.op_type == "Slice"
    return call.relabelled(whole if cut_next else call.materialised(whole), _SWAPPED)
