"""Which units of a layer have the very same weights as another: they respond alike to every picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.measure.kernels import Kernel, kernel_of

if TYPE_CHECKING:
    from reportgen.models import Model, Node

NONE = -1


def equal_units(model: Model, layer: str) -> NDArray[np.int32]:
    """Return `(K,)`: the lowest unit that computes the same from the same inputs, -1 where there is none.

    Compared are incoming weights, bias and what a normalisation or activation behind them keeps for each
    unit, bit by bit. Units are alone, too, where what follows the weights mixes units or is not read.
    """
    tap, k = model.taps[layer], model.layer(layer).n_units
    alone = np.full(k, NONE, np.int32)
    kernel = kernel_of(model.nodes[tap.weights])
    between = _nodes_between(model, tap.weights, tap.post[0])
    rows = None if kernel is None else _incoming(kernel)
    if rows is None or between is None:
        return alone
    for node in between:
        own = _kept_for_each_unit(node, k)
        if own is None:
            return alone
        rows = np.concatenate([rows, own], axis=1)
    _, first, same = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    lowest = first[same.reshape(-1)]
    return np.where(lowest < np.arange(k), lowest, NONE).astype(np.int32)


def _nodes_between(model: Model, weights: int, last: int) -> list[Node] | None:
    """Return the nodes behind the weights up to `last`; None where they are no chain of one input each."""
    found, at = [], last
    while at != weights:
        node = model.nodes[at]
        if len(node.inputs) != 1 or at < weights:
            return None
        found.append(node)
        at = node.inputs[0][0]
    return found


def _incoming(kernel: Kernel) -> NDArray[np.float64] | None:
    """Return `(K, n)` incoming weights and bias; None where units read inputs of their own."""
    values = np.asarray(kernel.weights, np.float64)
    if kernel.kind == "depthwise_conv2d":
        return None
    if kernel.kind == "conv2d_transpose":
        values = np.moveaxis(values, 2, 3)
    rows = values.reshape(-1, values.shape[-1]).T
    groups = kernel.n_inputs // values.shape[-2] if kernel.kind == "conv2d" else 1
    group = np.arange(len(rows)) // (len(rows) // max(1, groups))
    return np.concatenate([rows, kernel.bias[:, None], group[:, None]], axis=1)


def _kept_for_each_unit(node: Node, k: int) -> NDArray[np.float64] | None:
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
