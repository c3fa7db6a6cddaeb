"""Which units of a layer have the very same weights as another, up to a factor: they respond alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import activation_called, activation_of_kind
from reportgen.measure.interval_rules import VALUE_PRESERVING
from reportgen.measure.kernels import Kernel, kernel_of

if TYPE_CHECKING:
    from reportgen.models import Model, Node

NONE = -1
_APART = 1e-5
"""Distance of two weight vectors, as a share of their length, up to which they differ by rounding alone."""

_SAME_MARK = 1e-3
"""Difference of two projections of equal units that rounding in 32 bits may leave; well above it."""

Floats = NDArray[np.float64]
Weights = NDArray[np.float32]


def equal_units(model: Model, layer: str) -> NDArray[np.int32]:
    """Return `(K,)`: the lowest unit that computes the same from the same inputs, -1 where there is none.

    Compared are incoming weights and bias, after the normalisation behind them, and what an activation keeps
    for each unit. Where the activation is linear or a ReLU, plain or leaky, a positive factor between two
    units is a factor between their responses, and they count as equal. Units are alone where
    what follows the weights is not read.
    """
    tap, k = model.taps[layer], model.layer(layer).n_units
    alone = np.full(k, NONE, np.int32)
    kernel = kernel_of(model.nodes[tap.weights])
    between = _nodes_between(model, tap.weights, tap.post[0])
    rows = None if kernel is None else _incoming(kernel)
    if kernel is None or rows is None or between is None:
        return alone
    kept, scales = [_groups(kernel)], True
    linear = True
    for node in between:
        folded = _normalised(rows, node) if linear else None
        if folded is not None:
            rows = folded
            continue
        linear = False
        own = _kept_for_each_unit(node, k)
        if own is None:
            return alone
        kept.append(own)
        scales &= _is_homogeneous(node)
    lengths = np.linalg.norm(rows, axis=1)
    if not scales:
        kept.append(lengths[:, None])
    return _lowest_equal(rows, lengths, np.concatenate(kept, axis=1))


def _lowest_equal(rows: Weights, lengths: Weights, kept: Floats) -> NDArray[np.int32]:
    """Return the lowest unit with the same direction of weights and, but for rounding, the same kept numbers.

    Two fixed random projections separate nearly all pairs; those left are compared in full. All pairs in
    full would be hundreds of billions of products for a dense layer of 4,096 units over 25,088 inputs.
    """
    found = np.full(len(rows), NONE, np.int32)
    usable = np.isfinite(lengths) & (lengths > 0)
    whole = np.where(usable, lengths, 1)[:, None]
    marks = (rows @ np.random.default_rng(0).standard_normal((rows.shape[1], 2)).astype(np.float32)) / whole
    near = usable[:, None] & usable[None, :]
    for mark in marks.T:
        near &= np.abs(mark[:, None] - mark[None, :]) < _SAME_MARK
    for unit in range(1, len(rows)):
        for lower in np.flatnonzero(near[unit, :unit]):
            pair = rows[np.array([unit, lower])].astype(np.float64)
            apart = np.linalg.norm(np.subtract(*(pair / np.linalg.norm(pair, axis=1, keepdims=True))))
            if apart <= _APART and np.allclose(kept[unit], kept[lower], rtol=_APART, atol=0):
                found[unit] = lower
                break
    return found


def _nodes_between(model: Model, weights: int, last: int) -> list[Node] | None:
    """Return the nodes behind the weights up to `last`, in order; None where each has not one input alone."""
    found: list[Node] = []
    at = last
    while at != weights:
        node = model.nodes[at]
        if len(node.inputs) != 1 or at < weights:
            return None
        found.append(node)
        at = node.inputs[0][0]
    return found[::-1]


def _incoming(kernel: Kernel) -> Weights | None:
    """Return `(K, n)` incoming weights, the bias last; None where units read inputs of their own."""
    values = np.asarray(kernel.weights, np.float32)
    if kernel.kind == "depthwise_conv2d":
        return None
    if kernel.kind == "conv2d_transpose":
        values = np.moveaxis(values, 2, 3)
    bias = np.asarray(kernel.bias, np.float32)[:, None]
    return np.concatenate([values.reshape(-1, values.shape[-1]).T, bias], axis=1)


def _groups(kernel: Kernel) -> Floats:
    """Return `(K, 1)`: which inputs a unit reads, as the number of its group."""
    groups = kernel.n_inputs // kernel.weights.shape[-2] if kernel.kind == "conv2d" else 1
    return (np.arange(kernel.n_units) // (kernel.n_units // max(1, groups)))[:, None].astype(np.float64)


def _normalised(rows: Weights, node: Node) -> Weights | None:
    """Return weights and bias with a BatchNormalization of stored moments in them; None for other nodes."""
    layer = node.operation
    if node.kind != "batch_normalization" or node.training or not hasattr(layer, "moving_variance"):
        return None
    k = len(rows)
    variance, mean = (np.asarray(v, np.float64) for v in (layer.moving_variance, layer.moving_mean))
    if variance.shape != (k,):
        return None
    gamma = np.ones(k) if getattr(layer, "gamma", None) is None else np.asarray(layer.gamma, np.float64)
    beta = np.zeros(k) if getattr(layer, "beta", None) is None else np.asarray(layer.beta, np.float64)
    scale = gamma / np.sqrt(variance + float(layer.epsilon))
    folded = np.asarray(rows * scale[:, None].astype(np.float32))
    folded[:, -1] += beta - mean * scale
    return folded


def _is_homogeneous(node: Node) -> bool:
    """Whether a positive factor on the input is the same factor on the output."""
    layer = node.operation
    found = activation_called(node.function) if node.function else activation_of_kind(node.kind, layer)
    if found is None:
        return node.kind in VALUE_PRESERVING
    limits = (getattr(layer, "max_value", None), getattr(layer, "threshold", None))
    return found.homogeneous and not any(limits)


def _kept_for_each_unit(node: Node, k: int) -> Floats | None:
    """Return `(K, n)` of what a node keeps for each unit; None where its weights have another form."""
    kept = [np.empty((k, 0))]
    constants = [c for c in node.constants if c is not None]
    for held in (*getattr(node.operation, "weights", ()), *constants):
        values = np.asarray(held)
        if values.dtype.kind not in "fiub":
            return None
        if values.size != 1 and (values.ndim == 0 or values.shape[-1] != k or values.size != k):
            return None
        kept.append(np.broadcast_to(values.reshape(-1)[:, None].astype(np.float64), (k, 1)))
    return np.concatenate(kept, axis=1)
