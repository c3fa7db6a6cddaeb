"""How long a network's sums become where every sum within a sum is written out.

`v + v`, forty times in a row, is 2^40 terms; TensorFlow's graph optimiser would write them.
"""

from __future__ import annotations

from reportgen.keras_types import Network
from reportgen.models.graph.flatten import recorded_calls

MOST_TERMS = 1_000
"""More than the sums of networks that were trained, and written out in no time."""


def longest_sum(network: Network) -> int:
    """Return a bound on the terms of a network's longest sum, `MOST_TERMS + 1` at most.

    What has weights stands in a sum as one term; whatever else takes several tensors may be a sum.

    Args:
        network: A Keras model of recorded calls.
    """
    terms = {id(tensor): 1 for tensor in network.inputs}
    for record in recorded_calls(network.inputs, network.outputs):
        given = sum(terms[id(t)] for t in record.input_tensors)
        found = 1 if getattr(record.operation, "weights", None) else min(given, MOST_TERMS + 1)
        terms.update((id(t), found) for t in record.outputs)
    return max(terms.values())
