"""Operators that select parts of values: slices, rows, positions."""

from __future__ import annotations

import dataclasses

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import BATCH, Array, Deferred, Value, carries_batch, constant, live, target


@operator("Slice", fixed=(1, 2, 3, 4))
def _slice(call: Call) -> Value:
    value = call.value(0)
    starts, ends = call.listed(1, "starts") or [], call.listed(2, "ends") or []
    axes = call.listed(3, "axes") or list(range(len(starts)))
    steps = call.ints(4) if call.has(4) else [1] * len(starts)
    places = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        side = value.shape[axis % value.rank]
        first, last, step = slice(start, _end(end, side, step), step).indices(side)
        last = last if call.builder.fixed_batch is None else call.opened(last, side)
        places.append((axis % value.rank, first, last, step))
    if value.deferred is not None and (ended := _ended(value, value.deferred, places)) is not None:
        return ended
    tensor, order = call.held(value)
    cut: list[slice] = [slice(None)] * value.rank
    for axis, first, last, step in places:
        side = value.shape[axis]
        if (first, last, step) == (0, side, 1):
            continue
        call.no_batch(side, "picks from")
        cut[order.index(axis)] = slice(first, last if last >= 0 else None, step)
    return value if all(c == slice(None) for c in cut) else live(tensor[tuple(cut)], order)


def _ended(value: Value, late: Deferred, places: list[tuple[int, int, int, int]]) -> Value | None:
    """Return a deferred convolution cropped by a slice at its end; None if the slice removes more.

    Args:
        value: What is cut.
        late: The convolution.
        places: Axis, first place, the one after the last, and step of each cut.
    """
    shape, cut = list(value.shape), list(late.cut)
    for axis, first, last, step in places:
        at = value.axes.index(axis) - 2
        if (first, last, step) == (0, shape[axis], 1):
            continue
        if at < 0 or (first, step) != (0, 1) or not last:
            return None
        cut[at] += shape[axis] - last
        shape[axis] = last
    return dataclasses.replace(value, shape=tuple(shape), deferred=Deferred(late.build, (cut[0], cut[1])))


def _end(end: int, side: int, step: int) -> int | None:
    """Return a slice end as Python understands it: far below zero is before the start."""
    if step < 0 and end < -side:
        return None
    return end


@operator("Gather")
def _gather(call: Call) -> Value:
    value, index, ops = call.value(0), call.value(1), call.ops
    axis = int(call.attr("axis", 0)) % value.rank
    own = _own_places(call, value.shape[axis], index)
    if own is not None:
        return _of_each_picture(call, axis, *own)
    call.no_batch(value.shape[axis], "picks from")
    if index.array is None:
        places = call.plain(index)
        places = ops.where(
            ops.less(places, 0), ops.add(places, np.asarray(value.shape[axis], index.dtype)), places
        )
        return live(ops.take(call.plain(value), places, axis=axis))
    chosen = _wrapped(call, index.array, value.shape[axis])
    if value.array is not None:
        return constant(np.take(value.array, chosen, axis=axis))
    tensor, order = call.held(value)
    at = order.index(axis)
    if chosen.ndim == 0:
        cut = tensor[(*(slice(None),) * at, int(chosen))]
        kept = [a for a in order if a != axis]
        return live(cut, tuple(a - (a > axis) for a in kept))
    if chosen.ndim == 1:
        return live(ops.take(tensor, chosen, axis=at), order)
    return live(ops.take(call.plain(value), chosen, axis=axis))


def _own_places(call: Call, side: int, index: Value) -> tuple[Array, int] | None:
    """Return places within each picture's own numbers, and along which axis of them pictures lie.

    Exporters of torch write `as_strided` so: all pictures' numbers are one list, and places in it are counted
    on by as many as a picture has. None if the index does anything else.
    """
    own = side // BATCH if carries_batch(side) else 0
    if index.step and (own == 0 or index.step != own):
        call.refuse("counts the pictures of a batch", call.batch_export_hint)
    if not own:
        return None
    if index.once is not None and index.step:
        first, at = index.once, index.shape.index(BATCH)
    else:
        fixed = call.builder.fixed_batch
        if index.array is None or fixed is None or fixed not in index.shape:
            return None
        at = index.shape.index(fixed)
        first = np.take(index.array, [0], axis=at)
        along = np.arange(fixed).reshape([fixed if i == at else 1 for i in range(index.rank)])
        if not np.array_equal(index.array, first + own * along):
            return None
    return (first, at) if first.size and first.min() >= 0 and first.max() < own else None


def _of_each_picture(call: Call, axis: int, first: Array, at: int) -> Value:
    """Return the values at some places of each picture's own values."""
    value, ops = call.value(0), call.ops
    others = [i for i in range(value.rank) if i != axis]
    rest = [value.shape[i] for i in others]
    own = value.shape[axis] // BATCH
    tensor = ops.reshape(call.ordered(value, (axis, *others)), target((BATCH, own, *rest)))
    if not np.array_equal(first.reshape(-1), np.arange(own)):
        tensor = ops.take(tensor, first.reshape(-1).astype(np.int32), axis=1)
    sides = [side for i, side in enumerate(first.shape) if i != at]
    order = [at, *(i for i in range(first.ndim) if i != at)]
    later = [i if i < axis else i + first.ndim - 1 for i in others]
    return live(ops.reshape(tensor, target((BATCH, *sides, *rest))), (*(axis + i for i in order), *later))


def _wrapped(call: Call, index: Array, side: int) -> Array:
    index = np.where(index < 0, index + side, index).astype(np.int32)
    if index.size and not (index.min() >= 0 and index.max() < side):
        call.refuse(f"picks place {index.max()} of {side}")
    return index


@operator("GatherElements")
def _gather_elements(call: Call) -> Value:
    value, index, ops = call.value(0), call.value(1), call.ops
    axis = int(call.attr("axis", 0)) % value.rank
    if any(carries_batch(s) for s in (value.shape[axis], index.shape[axis])):
        call.no_batch(value.shape[axis], "picks from")
    data, places = call.plain(value), call.plain(index)
    side = np.asarray(value.shape[axis], index.dtype)
    places = ops.where(ops.less(places, 0), ops.add(places, side), places)
    cut = tuple(
        slice(None) if i == axis or s == t else slice(0, t)
        for i, (s, t) in enumerate(zip(value.shape, index.shape, strict=True))
    )
    return live(ops.take_along_axis(data[cut], places, axis=axis))


@operator("GatherND", fixed=(1,))
def _gather_nd(call: Call) -> Value:
    value, index, skip = call.value(0), call.array(1), int(call.attr("batch_dims", 0))
    if any(carries_batch(s) for s in value.shape[: max(skip, index.shape[-1] + skip)]):
        call.refuse("picks by place within a batch", "export with fixed slices")
    if skip:
        index = _with_leading(index, skip)
    n, ops = index.shape[-1], call.ops
    sides = value.shape[:n]
    flat = np.zeros(index.shape[:-1], np.int64)
    for i, side in enumerate(sides):
        flat = flat * side + np.where(index[..., i] < 0, index[..., i] + side, index[..., i])
    rows = ops.reshape(call.plain(value), (int(np.prod(sides)), *value.shape[n:]))
    return live(ops.take(rows, flat.astype(np.int32), axis=0))


def _with_leading(index: Array, skip: int) -> Array:
    grid = np.meshgrid(*(np.arange(s) for s in index.shape[:skip]), indexing="ij")
    more = [
        np.broadcast_to(g.reshape(g.shape + (1,) * (index.ndim - 1 - skip)), index.shape[:-1]) for g in grid
    ]
    return np.concatenate([np.stack(more, -1), index], axis=-1)


@operator("ScatterElements", "Scatter", fixed=(1,))
def _scatter_elements(call: Call) -> Value:
    value, index = call.value(0), call.array(1)
    axis = int(call.attr("axis", 0)) % value.rank
    grid = list(np.meshgrid(*(np.arange(s) for s in index.shape), indexing="ij"))
    grid[axis] = np.where(index < 0, index + value.shape[axis], index)
    places = np.stack([g.ravel() for g in grid], axis=-1)
    updates = call.ops.reshape(call.plain(2), (-1,))
    return _scattered(call, places, updates, call.attr("reduction", "none"))


@operator("ScatterND", fixed=(1,))
def _scatter_nd(call: Call) -> Value:
    value, index, ops = call.value(0), call.array(1), call.ops
    n = index.shape[-1]
    sides = np.asarray(value.shape[:n])
    index = np.where(index < 0, index + sides, index).reshape(-1, n)
    updates = ops.reshape(call.plain(2), (index.shape[0], *value.shape[n:]))
    return _scattered(call, index, updates, call.attr("reduction", "none"))


def _scattered(call: Call, places: Array, updates: Tensor, how: str) -> Value:
    """Return a value updated at constant places: a gather from the old and the new values.

    Places are rows of indices into the first axes; where one is named twice the last counts, or the
    numbers are brought together as `how` says.
    """
    value, ops = call.value(0), call.ops
    if any(carries_batch(s) for s in value.shape):
        call.refuse("writes into places of a batch", "export with slices and concatenations")
    n = places.shape[1]
    sides = value.shape[:n]
    rows = int(np.prod(sides))
    flat = np.ravel_multi_index(tuple(places.T.astype(np.int64)), sides)
    data = ops.reshape(call.plain(value), (rows, *value.shape[n:]))
    step = {"add": ops.add, "mul": ops.multiply, "max": ops.maximum, "min": ops.minimum}.get(how)
    for turn in _turns(flat):
        source = np.arange(rows)
        source[flat[turn]] = rows + np.arange(len(turn))
        new = ops.take(updates, turn.astype(np.int32), axis=0)
        if step is not None:
            new = step(ops.take(data, flat[turn].astype(np.int32), axis=0), new)
        data = ops.take(ops.concatenate([data, new], axis=0), source.astype(np.int32), axis=0)
    return live(ops.reshape(data, value.shape))


def _turns(flat: Array) -> list[Array]:
    """Return positions in groups within which no place is named twice, in order."""
    seen: dict[int, int] = {}
    turn = np.zeros(len(flat), int)
    for i, place in enumerate(flat):
        turn[i] = seen.get(int(place), -1) + 1
        seen[int(place)] = turn[i]
    return [np.flatnonzero(turn == t) for t in range(turn.max(initial=-1) + 1)]


@operator("OneHot", fixed=(1, 2))
def _one_hot(call: Call) -> Value:
    ops, depth, ends = call.ops, call.ints(1)[0], np.ravel(call.array(2))
    value = call.value(0)
    axis = int(call.attr("axis", -1)) % (value.rank + 1)
    index = ops.cast(call.plain(value), "int64")
    index = ops.where(ops.less(index, 0), ops.add(index, np.int64(depth)), index)
    hot = ops.one_hot(index, depth, axis=-1 if axis == value.rank else axis, dtype="bool")
    return live(ops.where(hot, ends[1], ends[0]))


@operator("TopK", fixed=(1,))
def _top_k(call: Call) -> list[Value]:
    value, ops = call.value(0), call.ops
    k = call.ints(1)[0] if call.has(1) else int(call.attr("k", 1))
    axis = int(call.attr("axis", -1)) % value.rank
    call.no_batch(value.shape[axis], "compares")
    order = (*(i for i in range(value.rank) if i != axis), axis)
    x = call.ordered(value, order)
    sign = np.asarray(1 if call.attr("largest", 1) else -1, value.dtype)
    best, places = ops.top_k(ops.multiply(x, sign), k, sorted=True)
    return [live(ops.multiply(best, sign), order), live(ops.cast(places, "int64"), order)]


@operator("ReverseSequence", fixed=(1,))
def _reverse(call: Call) -> Value:
    value, lengths = call.value(0), call.array(1)
    batch, time = int(call.attr("batch_axis", 1)), int(call.attr("time_axis", 0))
    call.no_batch(value.shape[batch], "reverses")
    steps = np.arange(value.shape[time])
    index = np.stack([np.where(steps < n, n - 1 - steps, steps) for n in lengths])
    shape = [1] * value.rank
    shape[batch], shape[time] = len(lengths), len(steps)
    index = index if batch < time else index.T
    places = np.broadcast_to(index.reshape(shape), value.shape).astype(np.int32)
    return live(call.ops.take_along_axis(call.plain(value), places, axis=time))
