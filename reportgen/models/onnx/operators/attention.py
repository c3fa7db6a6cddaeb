"""Attention as one operator: scores of queries and keys, mask, softmax, and weighted values."""

from __future__ import annotations

import math

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Array, Value, live, target

_HIDDEN = np.float32(-1e30)


@operator("Attention", note="all sequences of one length")
def _attention(call: Call) -> list[Value]:
    ops, heads = call.ops, int(call.attr("q_num_heads", 0))
    if call.has(6):
        call.refuse("has sequences of several lengths", "export it for sequences of one length")
    query = _by_heads(call, 0, heads)
    key, value = (_by_heads(call, i, int(call.attr("kv_num_heads", heads))) for i in (1, 2))
    past = call.value(4).shape[2] if call.has(4) else 0
    if past:
        key = ops.concatenate([call.plain(4), key], axis=2)
        value = ops.concatenate([call.plain(5), value], axis=2)
    present = [live(key), live(value)]
    groups = int(query.shape[1]) // max(int(key.shape[1]), 1)
    if groups > 1:
        key, value = (ops.repeat(t, groups, axis=1) for t in (key, value))
    scale = np.float32(call.attr("scale", 0.0) or 1 / math.sqrt(max(int(query.shape[-1]), 1)))
    scores = ops.multiply(ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))), scale)
    capped, softcap = scores, np.float32(call.attr("softcap", 0.0))
    if softcap:
        capped = ops.multiply(ops.tanh(ops.divide(scores, softcap)), softcap)
    masked, shares = _shares(call, capped, past)
    y = ops.matmul(shares, value)
    if call.value(0).rank == 3:
        n, length, _ = call.value(0).shape
        width = int(y.shape[1]) * int(y.shape[3])
        y = ops.reshape(ops.transpose(y, (0, 2, 1, 3)), target((n, length, width)))
    shown = (scores, capped, masked, shares)[int(call.attr("qk_matmul_output_mode", 0)) % 4]
    return [live(y), *present, live(shown)]


def _by_heads(call: Call, index: int, heads: int) -> Tensor:
    """Return queries, keys or values as `(n, heads, length, size)`."""
    value = call.value(index)
    call.no_batch(value.shape[-2], "compares")
    if value.rank == 4:
        return call.plain(value)
    if value.rank != 3 or heads < 1 or value.shape[2] % heads:
        call.refuse(f"splits {value.shape[1:]} into {heads} heads")
    n, length, width = value.shape
    parted = call.ops.reshape(call.plain(value), target((n, length, heads, width // heads)))
    return call.ops.transpose(parted, (0, 2, 1, 3))


def _shares(call: Call, scores: Tensor, past: int) -> tuple[Tensor, Tensor]:
    """Return the masked scores, and each query's weights of the values.

    A query whose keys are all masked has zero weights.
    """
    ops, seen = call.ops, _seen(call, int(scores.shape[2]), int(scores.shape[3]), past)
    if call.has(3):
        mask = call.value(3)
        if mask.shape[-1] not in (1, int(scores.shape[-1])):
            call.refuse(f"masks {mask.shape[-1]} of {int(scores.shape[-1])} keys")
        if mask.dtype == "bool":
            both = call.plain(mask)
            seen = both if seen is None else ops.logical_and(both, seen)
        else:
            scores = ops.add(scores, call.plain(mask))
    if seen is None:
        return scores, ops.softmax(scores, axis=-1)
    shares = ops.softmax(ops.where(seen, scores, _HIDDEN), axis=-1)
    return ops.where(seen, scores, np.float32(-np.inf)), ops.multiply(shares, ops.cast(seen, "float32"))


def _seen(call: Call, queries: int, keys: int, past: int) -> Array | None:
    """Return which keys the operator's own settings allow each query; None for all."""
    left, right = (int(call.attr(f"{side}_window_size", -1)) for side in ("left", "right"))
    gap = np.arange(keys)[None, :] - np.arange(past, past + queries)[:, None]
    seen = np.ones((queries, keys), bool)
    if call.attr("is_causal", 0):
        seen &= gap <= 0
    if left >= 0:
        seen &= gap >= -left
    if right >= 0:
        seen &= gap <= right
    return None if seen.all() else seen
