"""Normalisations over channels, groups, layers and neighbourhoods."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.graph.kinds import DerivedConstant
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.operators.arithmetic import added
from reportgen.models.onnx.operators.shape import reshaped
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Value, channels_last, constant, count, live, target


@operator("BatchNormalization", note="in evaluation mode")
def _batch_norm(call: Call) -> Value:
    if call.attr("training_mode", 0) or (len([o for o in call.node.output if o]) > 1 and call.version >= 14):
        call.refuse("is in training mode", "export in evaluation mode")
    value = call.value(0)
    if any(call.value(i).array is None for i in range(1, 5)):
        return _by_moments(call)
    gamma, beta, mean, variance = (call.array(i).reshape(-1) for i in range(1, 5))
    layer = call.layer("BatchNormalization", axis=-1, epsilon=float(call.attr("epsilon", 1e-5)))
    order = channels_last(value.rank) if value.rank > 1 else (0,)
    return live(call.weighted(layer, call.ordered(value, order), [gamma, beta, mean, variance]), order)


def _by_moments(call: Call) -> Value:
    """Parameters for each channel that the network computes, as some exporters write a LayerNormalization."""
    value, ops = call.value(0), call.ops
    along = (1, value.shape[1], *(1,) * (value.rank - 2))
    moments = [call.value(i) for i in range(1, 5)]
    gamma, beta, mean, variance = (
        reshaped(call, v, along) if v.array is None else constant(v.array.reshape(along)) for v in moments
    )
    epsilon = np.float32(call.attr("epsilon", 1e-5))

    def scaled(x: Tensor, centre: Tensor, spread: Tensor, factor: Tensor) -> Tensor:
        rest = ops.divide(ops.subtract(x, centre), ops.sqrt(ops.add(spread, epsilon)))
        return ops.multiply(rest, factor)

    y = call.elementwise(scaled, value, mean, variance, gamma)
    return call.elementwise(lambda a, b: added(call, a, b), y, beta)


@operator("LayerNormalization", fixed=(1, 2))
def _layer_norm(call: Call) -> Value | list[Value]:
    value, ops = call.value(0), call.ops
    axis = int(call.attr("axis", -1)) % value.rank
    epsilon = float(call.attr("epsilon", 1e-5))
    _each_alone(call, range(axis, value.rank))
    gamma = call.array(1)
    beta = call.array(2) if call.has(2) else np.zeros_like(gamma)
    tensor, order = call.held(value)
    extra = [i for i, o in enumerate(call.node.output) if o and i > 0]
    if axis == value.rank - 1 and order[-1] == axis and gamma.size == value.shape[-1] and not extra:
        layer = call.layer("LayerNormalization", axis=-1, epsilon=epsilon)
        return live(call.weighted(layer, tensor, [gamma.reshape(-1), beta.reshape(-1)]), order)
    x, over = call.plain(value), tuple(range(axis, value.rank))
    mean = ops.mean(x, axis=over, keepdims=True)
    rest = ops.subtract(x, mean)
    variance = ops.mean(ops.square(rest), axis=over, keepdims=True)
    deviation = ops.rsqrt(ops.add(variance, np.float32(epsilon)))
    y = ops.add(ops.multiply(ops.multiply(rest, deviation), gamma), beta)
    return [live(y), live(mean), live(deviation)][: len(call.node.output)]


@operator("RMSNormalization", fixed=(1,))
def _rms_norm(call: Call) -> Value:
    value, ops = call.value(0), call.ops
    over = tuple(range(int(call.attr("axis", -1)) % value.rank, value.rank))
    _each_alone(call, over)
    x = call.plain(value)
    mean = ops.mean(ops.square(x), axis=over, keepdims=True)
    scaled = ops.multiply(x, ops.rsqrt(ops.add(mean, np.float32(call.attr("epsilon", 1e-5)))))
    return live(ops.multiply(scaled, call.array(1)))


@operator("InstanceNormalization", fixed=(1, 2))
def _instance_norm(call: Call) -> Value:
    value = call.value(0)
    _each_alone(call, range(2, value.rank))
    x = call.last(value)
    y = _standard(call, x, tuple(range(1, value.rank - 1)), float(call.attr("epsilon", 1e-5)))
    return call.map_out(call.ops.add(call.ops.multiply(y, call.array(1)), call.array(2)))


@operator("GroupNormalization", fixed=(1, 2))
def _group_norm(call: Call) -> Value:
    value, ops = call.value(0), call.ops
    _each_alone(call, range(1, value.rank))
    groups, epsilon = int(call.attr("num_groups", 1)), float(call.attr("epsilon", 1e-5))
    channels = value.shape[1]
    gamma, beta = call.array(1), call.array(2)
    if gamma.size == groups and groups != channels:
        gamma, beta = np.repeat(gamma, channels // groups), np.repeat(beta, channels // groups)
    sides = (value.shape[0], *value.shape[2:], groups, channels // groups)
    x = ops.reshape(call.last(value), target(sides))
    y = _standard(call, x, (*range(1, value.rank - 1), value.rank), epsilon)
    y = ops.reshape(y, target((value.shape[0], *value.shape[2:], channels)))
    return call.map_out(ops.add(ops.multiply(y, gamma), beta))


def _each_alone(call: Call, axes: Iterable[int]) -> None:
    """Refuse moments over axes that hold several pictures."""
    for axis in axes:
        call.no_batch(call.value(0).shape[axis], "mixes")


def _standard(call: Call, x: Tensor, over: tuple[int, ...], epsilon: float) -> Tensor:
    ops = call.ops
    rest = ops.subtract(x, ops.mean(x, axis=over, keepdims=True))
    variance = ops.mean(ops.square(rest), axis=over, keepdims=True)
    return ops.multiply(rest, ops.rsqrt(ops.add(variance, np.float32(epsilon))))


@operator("MeanVarianceNormalization")
def _mean_variance(call: Call) -> Value:
    value, ops = call.value(0), call.ops
    over = tuple(int(a) % value.rank for a in call.attr("axes", (0, 2, 3)))
    _each_alone(call, over)
    x = call.plain(value)
    rest = ops.subtract(x, ops.mean(x, axis=over, keepdims=True))
    deviation = ops.sqrt(ops.mean(ops.square(rest), axis=over, keepdims=True))
    return live(ops.divide(rest, ops.add(deviation, np.float32(1e-9))))


@operator("LpNormalization")
def _lp_norm(call: Call) -> Value:
    value, ops = call.value(0), call.ops
    axis, p = int(call.attr("axis", -1)) % value.rank, int(call.attr("p", 2))
    call.no_batch(value.shape[axis], "mixes")
    x, order = call.held(value)
    at = order.index(axis)
    if p == 1:
        norm = ops.sum(ops.abs(x), axis=at, keepdims=True)
    else:
        norm = ops.sqrt(ops.sum(ops.square(x), axis=at, keepdims=True))
    safe = ops.where(ops.equal(norm, np.float32(0)), np.float32(1), norm)
    return live(ops.divide(x, safe), order)


@operator("LRN")
def _lrn(call: Call) -> Value:
    """Sums of squares over neighbouring channels, as a product with a band matrix."""
    value, ops = call.value(0), call.ops
    size, channels = int(call.attr("size", 1)), value.shape[1]
    alpha, beta, bias = (float(call.attr(k, d)) for k, d in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    if count((channels, channels)) * 4 > call.builder.source.max_memory:
        call.refuse(f"compares {channels} channels")
    gap = np.arange(channels)[:, None] - np.arange(channels)[None, :]
    band = ((gap >= -((size - 1) // 2)) & (gap <= size - 1 - (size - 1) // 2)).astype(np.float32)
    x = call.last(value)
    total = ops.matmul(ops.square(x), band.view(DerivedConstant))
    scale = ops.power(ops.add(ops.multiply(total, np.float32(alpha / size)), np.float32(bias)), -beta)
    return call.map_out(ops.multiply(x, scale))
