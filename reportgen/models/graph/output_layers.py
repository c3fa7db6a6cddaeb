"""Which outputs of a network a layer leads to, so that heads of a detector are known by what they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reportgen.models.graph.kinds import TOKEN_KINDS, UNIT_KINDS
from reportgen.models.model import Node, Ref, Tap


def outputs_of_layers(
    nodes: Sequence[Node], taps: Mapping[str, Tap], outputs: Sequence[Ref], names: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return by layer the outputs that its values reach with no other layer in between.

    Args:
        nodes: Of the network.
        taps: Where each layer is read.
        outputs: Of the network.
        names: Of the outputs.
    """
    layer_at = {tap.weights: name for name, tap in taps.items()}
    found: dict[str, list[str]] = {name: [] for name in taps}
    for (index, _), name in zip(outputs, names, strict=True):
        waiting, seen = [index], {index}
        while waiting:
            at = waiting.pop()
            if at in layer_at:
                found[layer_at[at]].append(name)
            elif nodes[at].kind not in UNIT_KINDS | TOKEN_KINDS:
                further = {source for source, _ in nodes[at].inputs} - seen
                seen |= further
                waiting += further
    return {layer: tuple(own) for layer, own in found.items()}
