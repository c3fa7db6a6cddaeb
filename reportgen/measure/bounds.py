"""Interval bounds of every unit over all pictures in the model's input range.

The input's bounds are propagated through the graph, channel by channel, by the rules of `intervals`.
They are tight for a convolution that reads the picture, and sound but loose deeper down. A ReLU unit
whose upper end is not above zero is proved dead. Bounds hold for the model's own input size and in real
arithmetic (float32 differs by rounding). Unknown operations, and everything that depends on them, give
nan. No network is run.

Reference:
    Gowal et al., "On the effectiveness of interval bound propagation for training verifiably robust
    models", 2018; the ends of a first convolution are b + sum max(w,0) high + min(w,0) low.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import Shape, activation_called
from reportgen.measure import interval_rules
from reportgen.measure import intervals as iv
from reportgen.measure.intervals import Floats, Interval
from reportgen.measure.kernels import Kernel, kernel_of
from reportgen.models.graph.kinds import with_settings

if TYPE_CHECKING:
    from reportgen.models import Model, Node

Arrays = dict[str, np.ndarray]


def bounds(model: Model) -> dict[str, Arrays]:
    """Return the interval in which each unit's values lie for any picture.

    Args:
        model: Pictures range over `model.input_range`, each pixel and channel on its own.

    Returns:
        For each layer name `pre_low`, `pre_high`, `post_low`, `post_high`: `(K,)` float64, nan where
        unknown; and `exact`: a boolean, whether some picture attains the pre-activation's ends.
    """
    found = intervals_of(model)
    result: dict[str, Arrays] = {}
    for name, tap in model.taps.items():
        n_units = model.layer(name).n_units
        ends: Arrays = {}
        exact = False
        for label, ref in (("pre", tap.pre), ("post", tap.post)):
            interval = found.get(ref)
            known = interval is not None and len(interval.low) == n_units
            for end in ("low", "high"):
                ends[f"{label}_{end}"] = getattr(interval, end).copy() if known else np.full(n_units, np.nan)
            if label == "pre" and known and interval is not None:
                exact = interval.exact and not bool(np.isnan(interval.low).any())
        result[name] = ends | {"exact": np.array(exact)}
    return result


def intervals_of(model: Model) -> dict[tuple[int, int], Interval]:
    """Return the interval of every tensor of the graph that has one, by (node, output)."""
    found: dict[tuple[int, int], Interval] = {}
    for index, node in enumerate(model.nodes):
        if node.kind == "input":
            found[index, 0] = _input_interval(model)
            continue
        shape = node.output_shapes[0]
        inputs = [found.get(ref) for ref in node.inputs]
        interval = None
        if inputs and all(x is not None for x in inputs):
            interval = _node_interval(node, [x for x in inputs if x is not None], _gated(model, node))
        if interval is None or (len(shape) in (2, 4) and shape[-1] not in (None, len(interval.low))):
            interval = _unknown(shape)
        if interval is not None:
            found[index, 0] = _sized(interval, shape)
    return found


def _gated(model: Model, node: Node) -> tuple[int, Shape | None] | None:
    """Return which input of `x * sigmoid(x)`, spelt out as a product, is x, and how the product runs."""
    if node.kind != "multiply" or len(node.inputs) != 2:
        return None
    for x, gate in ((0, 1), (1, 0)):
        sigmoid = model.nodes[node.inputs[gate][0]]
        row = activation_called(sigmoid.function)
        product = activation_called(row.gates) if row is not None and row.gates else None
        if product is not None and sigmoid.inputs == (node.inputs[x],):
            return x, product.shape(with_settings(sigmoid.operation))
    return None


def _input_interval(model: Model) -> Interval:
    h, w, c = model.input_shape
    low, high = (np.broadcast_to(np.asarray(end, float), (c,)).copy()
                 for end in (model.input_range.low, model.input_range.high))  # fmt: skip
    return Interval(np.minimum(low, high), np.maximum(low, high), (h, w), True, exact=True, box=True)


def _unknown(shape: Sequence[int | None]) -> Interval | None:
    if len(shape) not in (2, 4) or shape[-1] is None:
        return None
    size = None if len(shape) == 2 or None in shape[1:3] else (int(shape[1] or 0), int(shape[2] or 0))
    return iv.unknown(int(shape[-1]), size, len(shape) == 4)


def _sized(x: Interval, shape: Sequence[int | None]) -> Interval:
    """Return `x` with the map size the graph knows, where it knows one."""
    if len(shape) != 4 or x.pads != iv.NO_PADS or shape[1] is None or shape[2] is None:
        return x
    return replace(x, size=(int(shape[1]), int(shape[2])))


def _node_interval(
    node: Node, inputs: list[Interval], gated: tuple[int, Shape | None] | None
) -> Interval | None:
    kernel = kernel_of(node)
    if kernel is not None:
        return _kernel_interval(kernel, inputs[0]) if len(inputs) == 1 else None
    if gated is not None:
        return iv.activated(inputs[gated[0]], gated[1])
    if node.kind in interval_rules.MERGES and len(inputs) > 1:
        return iv.joined(inputs, interval_rules.MERGES[node.kind])
    rule = interval_rules.RULES.get(node.kind)
    if rule is not None:
        return rule(node, inputs)
    if len(inputs) != 1:
        return None
    if node.kind in interval_rules.AFFINE:
        return interval_rules.with_constant(node, inputs[0])
    if node.kind in interval_rules.VALUE_PRESERVING:
        return inputs[0]
    row = activation_called(node.function)
    return None if row is None else iv.activated(inputs[0], row.shape(with_settings(node.operation)))


# Layers with weights


def _kernel_interval(kernel: Kernel, x: Interval) -> Interval | None:
    if kernel.kind == "dense":
        x = x.unpadded()
        if len(x.low) != kernel.weights.shape[0]:
            return None
        low, high = iv.matrix_ends(kernel.weights, x.low, x.high)
        return x.with_ends(low + kernel.bias, high + kernel.bias, exact=x.box)
    if kernel.kind == "conv2d_transpose":
        return _transposed_interval(kernel, x)
    if kernel.kind == "separable_conv2d":
        depth, point = kernel.stages
        between = _kernel_interval(depth, x)
        return None if between is None else _kernel_interval(point, between)
    if len(x.low) != kernel.n_inputs:
        return None
    if kernel.padding == "same":
        x = x.unpadded()
    low, high = _tap_ends(kernel, x)
    rows, columns = (_masks(kernel, x, axis) for axis in (0, 1))
    bottom, top = iv.convolution_ends(low, high, rows, columns)
    known_size = x.size is not None
    padded = kernel.padding == "same" or x.pads != iv.NO_PADS
    exact = x.box and (known_size or not padded)
    size = None
    if x.size is not None:
        sides = [_output_side(kernel, x, axis) for axis in (0, 1)]
        size = (sides[0], sides[1])
    return Interval(bottom + kernel.bias, top + kernel.bias, size, True, exact=exact)


def _tap_ends(kernel: Kernel, x: Interval) -> tuple[Floats, Floats]:
    """Return `(kh, kw, K)` ends of each tap's contribution."""
    if kernel.kind == "depthwise_conv2d":
        low, high = (np.repeat(end, kernel.weights.shape[3]) for end in (x.low, x.high))
        flat = kernel.weights.reshape(*kernel.weights.shape[:2], -1)
        ends = flat * low, flat * high
        return np.where(flat == 0, 0, np.minimum(*ends)), np.where(flat == 0, 0, np.maximum(*ends))
    depth = kernel.weights.shape[2]
    groups = len(x.low) // depth
    parts = [
        iv.matrix_ends(part, x.low[i * depth : (i + 1) * depth], x.high[i * depth : (i + 1) * depth])
        for i, part in enumerate(np.split(kernel.weights, groups, axis=-1))
    ]
    return np.concatenate([p[0] for p in parts], axis=-1), np.concatenate([p[1] for p in parts], axis=-1)


def _pads(kernel: Kernel, x: Interval, axis: int) -> tuple[int, int] | None:
    if kernel.padding != "same":
        return x.pads[axis]
    size = None if x.size is None else x.size[axis]
    return iv.same_pads(size, kernel.taps[axis], kernel.strides[axis], kernel.dilations[axis])


def _masks(kernel: Kernel, x: Interval, axis: int) -> NDArray[np.bool_]:
    taps, pads = kernel.taps[axis], _pads(kernel, x, axis)
    if pads == (0, 0):
        return np.ones((1, taps), bool)
    size = None if x.size is None else x.size[axis]
    return iv.tap_masks(size, pads, taps, kernel.strides[axis], kernel.dilations[axis])


def _output_side(kernel: Kernel, x: Interval, axis: int) -> int:
    assert x.size is not None
    before, after = _pads(kernel, x, axis) or (0, 0)
    reach = kernel.dilations[axis] * (kernel.taps[axis] - 1) + 1
    return max((x.size[axis] + before + after - reach) // kernel.strides[axis] + 1, 0)


def _transposed_interval(kernel: Kernel, x: Interval) -> Interval | None:
    """Every tap may or may not reach a position, so each is joined with zero: sound, but not tight."""
    x = x.unpadded()
    if len(x.low) != kernel.n_inputs:
        return None
    low, high = iv.matrix_ends(kernel.weights.swapaxes(2, 3), x.low, x.high)
    low, high = np.minimum(low, 0).sum(axis=(0, 1)), np.maximum(high, 0).sum(axis=(0, 1))
    return Interval(low + kernel.bias, high + kernel.bias, None, True)
