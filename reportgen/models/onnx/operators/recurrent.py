"""LSTM, GRU and RNN, forwards, backwards or both."""

from __future__ import annotations

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.budget import GATES
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.own_layers import own_layers
from reportgen.models.onnx.registry import operator
from reportgen.models.onnx.values import Array, Value, live

_USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_KNOWN = {"Sigmoid", "Tanh", "Relu", "Softsign", "Softplus"}


@operator("LSTM", "GRU", "RNN", fixed=(1, 2, 3, 4, 7), note="all sequences of one length")
def _recurrent(call: Call) -> list[Value]:
    kind, value = call.node.op_type, call.value(0)
    last_first = bool(call.attr("layout", 0))
    steps = value.shape[1] if last_first else value.shape[0]
    call.no_batch(steps, "steps through")
    if call.has(4) and set(call.ints(4)) != {steps}:
        call.refuse(f"has sequences of different lengths, wanted {steps} everywhere")
    x = call.plain(value) if last_first else call.ordered(value, (1, 0, 2))
    weights, recurrent = call.array(1), call.array(2)
    n_ways, hidden = recurrent.shape[0], recurrent.shape[2]
    if weights.shape != (n_ways, GATES[kind] * hidden, value.shape[2]):
        call.refuse(f"has weights of {weights.shape} for {value.shape[2]} features")
    functions = [
        str(f.decode() if isinstance(f, bytes) else f)
        for f in call.attr("activations", _USUAL[kind] * n_ways)
    ]
    if not set(functions) <= _KNOWN:
        call.refuse(f"uses {', '.join(functions)}, wanted {', '.join(sorted(_KNOWN))}")
    bias = call.array(3) if call.has(3) else np.zeros((n_ways, 2 * GATES[kind] * hidden), np.float32)
    peephole = call.array(7) if call.has(7) else None
    direction, each = str(call.attr("direction", "forward")), len(functions) // n_ways
    ways = []
    for way in range(n_ways):
        layer = own_layers().Recurrent(
            cell=kind, hidden=hidden, functions=functions[way * each : (way + 1) * each],
            backwards=direction == "reverse" or way == 1, clip=float(call.attr("clip", 0.0)),
            reset_after=bool(call.attr("linear_before_reset", 0)), coupled=bool(call.attr("input_forget", 0)),
            peephole=peephole is not None, dtype="float32",
        )  # fmt: skip
        starts = [_start(call, i, way, hidden, last_first) for i in (5, 6)]
        arrays = [weights[way], recurrent[way], bias[way], *starts]
        arrays += [] if peephole is None else [peephole[way]]
        ways.append(call.weighted(layer, x, arrays))
    return _laid_out(call, ways, last_first)


def _start(call: Call, index: int, way: int, hidden: int, last_first: bool) -> Array:
    """Return the initial state of a direction, the same for all pictures."""
    if not call.has(index):
        return np.zeros((1, hidden), np.float32)
    once = call.value(index).once
    array = once if once is not None else call.array(index)
    rows = array[:, way] if last_first else array[way]
    if np.any(rows != rows[:1]):
        call.refuse("starts each picture of a batch from another state")
    return rows[:1]


def _laid_out(call: Call, ways: list[list[Tensor]], last_first: bool) -> list[Value]:
    """Return all states, the last states and cells with a direction's axis, as ONNX orders them."""
    ops = call.ops
    whole = ops.stack([w[0] for w in ways], axis=2)  # (batch, steps, ways, hidden)
    ends = [ops.stack([w[i] for w in ways], axis=1) for i in (1, 2)]  # (batch, ways, hidden)
    if last_first:
        found = [live(whole), live(ends[0]), live(ends[1])]
    else:
        found = [live(whole, (1, 0, 2, 3)), live(ends[0], (1, 0, 2)), live(ends[1], (1, 0, 2))]
        found[0] = live(whole, (2, 0, 1, 3))
    return found[: 3 if call.node.op_type == "LSTM" else 2]
