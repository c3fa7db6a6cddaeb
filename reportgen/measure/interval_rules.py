"""Interval rules of layers without units: normalise, pool, pad, reshape, join.

One sound rule for each kind of node; None where a setting makes the outcome unknown. `bounds` applies
them along the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.activations import Curve
from reportgen.measure import intervals as iv
from reportgen.measure.intervals import Floats, Interval
from reportgen.measure.kernels import array, numbers
from reportgen.models.graph.kinds import IDENTITIES

if TYPE_CHECKING:
    from reportgen.models import Node


def _batch_normalization(node: Node, inputs: list[Interval]) -> Interval | None:
    layer, n = node.operation, len(inputs[0].low)
    axis = layer.axis[0] if isinstance(layer.axis, (list, tuple)) else layer.axis
    rank = 4 if inputs[0].is_map else 2
    if axis not in (-1, rank - 1):
        return None
    scale = 1 / np.sqrt(array(layer.moving_variance) + float(layer.epsilon))
    if getattr(layer, "gamma", None) is not None:
        scale = scale * array(layer.gamma)
    beta = array(layer.beta) if getattr(layer, "beta", None) is not None else np.zeros(n)
    return iv.affine(inputs[0], scale, beta - array(layer.moving_mean) * scale)


def _rescaling(node: Node, inputs: list[Interval]) -> Interval | None:
    scale, offset = numbers(node.operation.scale), numbers(node.operation.offset)
    n = len(inputs[0].low)
    if scale is None or offset is None or scale.size not in (1, n) or offset.size not in (1, n):
        return None
    return iv.affine(inputs[0], scale.ravel(), offset.ravel())


def _normalization(node: Node, inputs: list[Interval]) -> Interval | None:
    layer, n = node.operation, len(inputs[0].low)
    mean, variance = numbers(getattr(layer, "mean", None)), numbers(getattr(layer, "variance", None))
    if mean is None or variance is None or mean.size not in (1, n) or variance.size not in (1, n):
        return None
    mean, deviation = mean.ravel(), np.sqrt(variance.ravel())
    if getattr(layer, "invert", False):
        return iv.affine(inputs[0], deviation, mean)
    scale = 1 / np.maximum(deviation, 1e-7)
    return iv.affine(inputs[0], scale, -mean * scale)


def _clip(node: Node, inputs: list[Interval]) -> Interval | None:
    low, high = (numbers(getattr(node.operation, name, None)) for name in ("x_min", "x_max"))
    if low is None or high is None or low.size != 1 or high.size != 1:
        return None
    return iv.curved(inputs[0], Curve(lambda v: np.clip(v, low.item(), high.item())))


def _elementwise(curve: Curve) -> Callable[[Node, list[Interval]], Interval]:
    return lambda node, inputs: iv.curved(inputs[0], curve)


def _max_pooling(node: Node, inputs: list[Interval]) -> Interval:
    """The maximum lies between the same ends; the padding of "same" is never the largest value."""
    x = inputs[0].unpadded()
    return Interval(x.low, x.high, None, True)


def _average_pooling(node: Node, inputs: list[Interval]) -> Interval:
    """Whether the zeros of "same" are counted depends on the backend: the ends include them."""
    x = inputs[0].unpadded()
    low, high = x.low, x.high
    if str(getattr(node.operation, "padding", "valid")) == "same":
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    return Interval(low, high, None, True)


def _global_pooling(node: Node, inputs: list[Interval]) -> Interval:
    x = inputs[0].unpadded()
    keeps = bool(getattr(node.operation, "keepdims", False))
    return Interval(x.low, x.high, (1, 1) if keeps else None, keeps)


def _reduction(node: Node, inputs: list[Interval]) -> Interval | None:
    """A mean or maximum over all positions is a global pooling."""
    axes = getattr(node.operation, "axis", None)
    if not inputs[0].is_map or axes is None or sorted(np.ravel(axes) % 4) != [1, 2]:
        return None
    return _global_pooling(node, inputs)


def _zero_padding(node: Node, inputs: list[Interval]) -> Interval:
    x = inputs[0].unpadded() if inputs[0].pads != iv.NO_PADS else inputs[0]
    (top, bottom), (left, right) = node.operation.padding
    return replace(x, pads=((int(top), int(bottom)), (int(left), int(right))))


def _cropped(node: Node, inputs: list[Interval]) -> Interval:
    return replace(inputs[0].unpadded(), size=None)


def _reshaped(node: Node, inputs: list[Interval]) -> Interval | None:
    """Each value keeps its ends; a channel of the new map takes the hull over its positions."""
    x, shape = inputs[0].unpadded(), node.output_shapes[0]
    if len(shape) not in (2, 4) or None in shape[1:] or (x.is_map and x.size is None):
        return None
    sizes = [int(n or 0) for n in shape[1:]]
    full = (*x.size, len(x.low)) if x.size is not None and x.is_map else (len(x.low),)
    if int(np.prod(full)) != int(np.prod(sizes)):
        return None
    ends = [np.broadcast_to(end, full) for end in (x.low, x.high)]
    if node.kind in ("permute", "transpose"):
        order = axis_order(node)
        if order is None or len(order) != len(full):
            return None
        ends = [np.transpose(end, order) for end in ends]
    low, high = (end.reshape(-1, sizes[-1]) for end in ends)
    is_map = len(sizes) == 3
    size = (sizes[0], sizes[1]) if is_map else None
    return Interval(low.min(axis=0), high.max(axis=0), size, is_map, exact=x.exact, box=x.box and not is_map)


def axis_order(node: Node) -> list[int] | None:
    """Return the order of the axes after the first, counted from 0; None if the first moves."""
    dims = (
        getattr(node.operation, "dims", None)
        if node.kind == "permute"
        else getattr(node.operation, "axes", None)
    )
    if dims is None:
        return None
    axes = [int(d) for d in dims]
    if node.kind == "transpose":
        if axes[0] != 0:
            return None
        axes = axes[1:]
    return [d - 1 for d in axes]


def _concatenate(node: Node, inputs: list[Interval]) -> Interval | None:
    parts = [x.unpadded() for x in inputs]
    rank = 4 if parts[0].is_map else 2
    axis = int(getattr(node.operation, "axis", -1)) % rank
    if axis == rank - 1:
        low, high = (np.concatenate([getattr(p, end) for p in parts]) for end in ("low", "high"))
        return Interval(low, high, parts[0].size, parts[0].is_map, exact=all(p.exact for p in parts))
    return iv.joined(parts, iv.hulls) if axis > 0 else None


def _average(node: Node, inputs: list[Interval]) -> Interval:
    total, n = iv.joined(inputs, iv.sums), len(inputs)
    return total.with_ends(total.low / n, total.high / n)


def with_constant(node: Node, x: Interval) -> Interval | None:
    """Return the ends of a sum, difference, product or quotient of a tensor and a constant.

    Only the node knows which operand is the constant, so the node itself is called on both ends and their
    middle; None where it is not affine in between.
    """
    x = x.unpadded()
    if not (np.isfinite(x.low).all() and np.isfinite(x.high).all()):
        return None
    ends = np.stack([x.low, (x.low + x.high) / 2, x.high])
    try:
        outputs = node.call([(ends[:, None, None, :] if x.is_map else ends).astype(np.float32)])
        values = np.asarray(outputs[0], float)
    except (TypeError, ValueError):  # A constant that does not broadcast to one position.
        return None
    if values.shape[0] != 3 or values.shape[-1] != len(x.low):
        return None
    values = values.reshape(3, -1, len(x.low))
    if not np.allclose(values[1], values[[0, 2]].mean(axis=0), rtol=1e-4, atol=1e-6 * abs(values).max()):
        return None
    same_everywhere = values.shape[1] == 1
    low, high = np.minimum(values[0], values[2]).min(axis=0), np.maximum(values[0], values[2]).max(axis=0)
    return x.with_ends(low, high, exact=x.exact and same_everywhere, box=x.box and same_everywhere)


MERGES: dict[str, Callable[[Interval, Interval], tuple[Floats, Floats]]] = {
    "add": iv.sums, "subtract": iv.differences, "multiply": iv.products, "maximum": iv.maxima,
    "minimum": iv.minima,
}  # fmt: skip

_SIZE = Curve(np.abs, 0.0)
_ROOT = Curve(lambda v: np.sqrt(np.where(v < 0, np.nan, v)))

RULES: dict[str, Callable[[Any, list[Interval]], Interval | None]] = {
    "batch_normalization": _batch_normalization, "rescaling": _rescaling, "normalization": _normalization,
    "clip": _clip, "abs": _elementwise(_SIZE), "absolute": _elementwise(_SIZE),
    "square": _elementwise(Curve(np.square, 0.0)), "sqrt": _elementwise(_ROOT),
    "max_pooling2d": _max_pooling, "average_pooling2d": _average_pooling, "zero_padding2d": _zero_padding,
    "global_average_pooling2d": _global_pooling, "global_max_pooling2d": _global_pooling,
    "max_pool": _max_pooling, "average_pool": _average_pooling, "mean": _reduction, "max": _reduction,
    "flatten": _reshaped, "reshape": _reshaped, "permute": _reshaped, "transpose": _reshaped,
    "cropping2d": _cropped, "up_sampling2d": _cropped, "concatenate": _concatenate, "average": _average,
}  # fmt: skip

AFFINE = {"add", "subtract", "multiply", "divide", "true_divide"}
VALUE_PRESERVING = IDENTITIES | {"cast"}
"""Operations that leave values unchanged outside training."""
