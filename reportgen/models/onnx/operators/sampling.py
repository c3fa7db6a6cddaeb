"""Sampling of maps at places that the network computes."""

from __future__ import annotations

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.operators.arithmetic import added
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Value, live, target

_MODES = {"bilinear": "linear", "linear": "linear", "nearest": "nearest"}


@operator("GridSample", note="over two axes, nearest and linear")
def _grid_sample(call: Call) -> Value:
    value, ops = call.value(0), call.ops
    mode = _MODES.get(str(call.attr("mode", "linear")))
    if value.rank != 4 or mode is None:
        call.refuse(
            f'samples {value.rank - 2} axes by "{call.attr("mode")}", wanted two, by nearest or linear'
        )
    x, grid = call.last(value), call.plain(1)
    height, width, channels = (int(s) for s in x.shape[1:])
    rows = ops.reshape(x, target((value.shape[0], height * width, channels)))
    across = _place(call, grid[..., 0], width)
    down = _place(call, grid[..., 1], height)
    if mode == "nearest":
        return call.map_out(_picked(call, rows, ops.round(down), ops.round(across), height, width))
    top, left = ops.floor(down), ops.floor(across)
    found = None
    for dy in (0.0, 1.0):
        for dx in (0.0, 1.0):
            y, x_ = ops.add(top, np.float32(dy)), ops.add(left, np.float32(dx))
            share = ops.multiply(
                ops.subtract(np.float32(1), ops.abs(ops.subtract(down, y))),
                ops.subtract(np.float32(1), ops.abs(ops.subtract(across, x_))),
            )
            part = ops.multiply(_picked(call, rows, y, x_, height, width), ops.expand_dims(share, -1))
            found = part if found is None else ops.add(found, part)
    return call.map_out(found)


@operator("AffineGrid", fixed=(1,))
def _affine_grid(call: Call) -> Value:
    """Places on a map transformed by an affine function, from -1 to 1; `(n, h, w, 2)`, horizontal first."""
    theta, ops, sides = call.plain(0), call.ops, call.ints(1)
    value, places = call.value(0), sides[2:]
    sides[0] = call.opened(sides[0], value.shape[0])
    if value.shape != (sides[0], len(places), len(places) + 1):
        call.refuse(f"turns {places} places by {value.shape}")
    terms = ops.reshape(theta, target((sides[0], *(1,) * len(places), *value.shape[1:])))
    grid = terms[..., -1]
    for axis, side in enumerate(places):
        along = [1] * (len(places) + 2)
        along[axis + 1] = side
        shares = np.linspace(-1, 1, side) if side > 1 else np.zeros(1)
        if not call.attr("align_corners", 0):
            shares = (2 * np.arange(side) + 1) / side - 1
        at = shares.astype(np.float32).reshape(along)
        grid = added(call, grid, ops.multiply(terms[..., len(places) - 1 - axis], at))
    return live(grid)


def _place(call: Call, shares: Tensor, side: int) -> Tensor:
    """Return positions for coordinates from -1 to 1, brought inside according to the padding mode."""
    ops, flush = call.ops, bool(call.attr("align_corners", 0))
    low, high = (0.0, side - 1.0) if flush else (-0.5, side - 0.5)
    half = np.float32((high - low) / 2)
    place = ops.add(ops.multiply(ops.add(shares, np.float32(1)), half), np.float32(low))
    mode = str(call.attr("padding_mode", "zeros"))
    if mode == "border":
        return ops.clip(place, 0.0, side - 1.0)
    if mode == "reflection":
        span = np.float32(max(high - low, 1e-9))
        turned = ops.mod(ops.subtract(place, np.float32(low)), 2 * span)
        turned = ops.subtract(span, ops.abs(ops.subtract(turned, span)))
        return ops.clip(ops.add(turned, np.float32(low)), 0.0, side - 1.0)
    return place


def _picked(call: Call, rows: Tensor, down: Tensor, across: Tensor, height: int, width: int) -> Tensor:
    """Return the map's values at whole positions, zero outside."""
    ops = call.ops
    inside = ops.logical_and(
        ops.logical_and(ops.greater_equal(down, np.float32(0)), ops.less(down, np.float32(height))),
        ops.logical_and(ops.greater_equal(across, np.float32(0)), ops.less(across, np.float32(width))),
    )
    y, x = ops.clip(down, 0.0, height - 1.0), ops.clip(across, 0.0, width - 1.0)
    flat = ops.cast(ops.add(ops.multiply(y, np.float32(width)), x), "int32")
    n, h, w = (int(s) for s in flat.shape)
    index = ops.reshape(flat, target((n, h * w, 1)))
    found = ops.take_along_axis(rows, index, axis=1)
    found = ops.reshape(found, target((n, h, w, int(rows.shape[-1]))))
    return ops.multiply(found, ops.expand_dims(ops.cast(inside, "float32"), -1))
