"""The cost of a network: its parameters, and the multiply-adds of one picture."""

from __future__ import annotations

import math

from reportgen.keras_types import KerasLayer, Network
from reportgen.models.graph.kinds import kind_of


def parameters(network: Network) -> int:
    """Return the number of a network's parameters."""
    return sum(math.prod(v.shape) for v in network.weights)


def multiply_adds(network: Network) -> int:
    """Return the multiply-adds of convolutions and dense layers for one picture."""
    return sum(_of_layer(layer) for layer in network.layers)


def _of_layer(layer: KerasLayer) -> int:
    kind = kind_of(layer)
    if kind not in ("conv2d", "depthwise_conv2d", "separable_conv2d", "conv2d_transpose", "dense"):
        return 0
    total = 0
    for node in layer._inbound_nodes:
        if not node.outputs:
            continue
        places = math.prod(int(s or 1) for s in node.outputs[0].shape[1:-1])
        given = math.prod(int(s or 1) for s in node.input_tensors[0].shape[1:-1])
        kernels = [math.prod(v.shape) for v in layer.weights if len(v.shape) > 1]
        total += sum(kernels) * (given if kind == "conv2d_transpose" else places)
    return total
