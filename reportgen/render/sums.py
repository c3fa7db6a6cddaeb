"""How many terms a network's sums have when nested sums are expanded.

`v + v`, forty times in a row, is 2^40 terms; TensorFlow's graph optimiser would expand them.
"""

from __future__ import annotations

from reportgen.keras_types import Network
from reportgen.models.graph.flatten import recorded_calls

MAX_TERMS = 1_000
"""More than any trained network's sums have, and few enough to be expanded quickly."""


def longest_sum(network: Network) -> int:
    """Return an upper bound on the terms of a network's longest sum, itself at most `MAX_TERMS + 1`.

    The output of an operation with weights is one term; any other operation on several tensors may be a sum.

    Args:
        network: A Keras model of recorded calls.
    """
    terms = {id(tensor): 1 for tensor in network.inputs}
    for record in recorded_calls(network.inputs, network.outputs):
        given = sum(terms[id(t)] for t in record.input_tensors)
        found = 1 if getattr(record.operation, "weights", None) else min(given, MAX_TERMS + 1)
        terms.update((id(t), found) for t in record.outputs)
    return max(terms.values())
