"""The network for drawing: layers with units, merges, pools and the input, with the arrows between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reportgen.models.graph.kinds import MERGES
from reportgen.models.model import Node, Tap
from reportgen.units import LayerGraph


def layer_graph(nodes: Sequence[Node], taps: Mapping[str, Tap]) -> LayerGraph:
    """Return the graph of nodes that depend on the picture, contracted over those that are not drawn."""
    drawn: list[tuple[str, str]] = []
    edges: list[tuple[int, int]] = []
    reaches: list[tuple[int, ...]] = []
    for node in nodes:
        if not node.depends_on_picture:
            reaches.append(())
            continue
        sources = tuple(dict.fromkeys(s for index, _ in node.inputs for s in reaches[index]))
        if not _is_drawn(node, taps):
            reaches.append(sources)
            continue
        edges.extend((source, len(drawn)) for source in sources)
        reaches.append((len(drawn),))
        drawn.append((node.name, node.kind))
    return LayerGraph(tuple(drawn), tuple(edges))


def _is_drawn(node: Node, taps: Mapping[str, Tap]) -> bool:
    if node.kind in MERGES:
        return len(set(node.inputs)) > 1
    return node.name in taps or node.kind == "input" or "pool" in node.kind
