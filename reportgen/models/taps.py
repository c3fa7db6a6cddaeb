"""Which nodes are layers with units, where each is read, and which layers are skipped and why.

Follows the chain of single consumers behind a layer's weights: dropout passes through, one
BatchNormalization belongs to the layer, the first activation ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reportgen.models.kinds import HEADS, IDENTITIES, UNIT_KINDS
from reportgen.models.model import Node, Ref, Tap

_GATES = {"sigmoid": "silu", "hard_sigmoid": "hard_silu"}
_UNDRAWN = {
    "conv1d": "a convolution along one axis has no picture",
    "conv3d": "a convolution over volumes has no picture",
    "dense": "dense layer over tokens: its units answer to parts of a picture, not to places of it",
    "embedding": "an embedding is no unit of an image network",
}
_SUPPORTING = ("normalization", "p_re_lu", "rescaling", "input")


def find_taps(
    nodes: Sequence[Node], outputs: Sequence[Ref], whole: Sequence[bool] | None = None
) -> tuple[dict[str, Tap], tuple[tuple[str, str], ...]]:
    """Return where each layer with units is read, by name in topological order, and what was skipped.

    Args:
        nodes: Of the network.
        outputs: Where its outputs are.
        whole: For each node whether it has a row for each picture; all have, unless given.
    """
    consumers = consumers_of(nodes)
    taps: dict[str, Tap] = {}
    skipped: list[tuple[str, str]] = []
    for index, node in enumerate(nodes):
        reason = _reason_to_skip(node, whole is None or whole[index])
        if reason:
            skipped.append((node.name, reason))
        elif node.kind in UNIT_KINDS:
            taps[node.name] = _tap(index, nodes, consumers, set(outputs))
    return taps, tuple(skipped)


def consumers_of(nodes: Sequence[Node]) -> dict[Ref, list[int]]:
    """Return the nodes that read each tensor."""
    consumers: dict[Ref, list[int]] = {}
    for index, node in enumerate(nodes):
        for ref in dict.fromkeys(node.inputs):
            consumers.setdefault(ref, []).append(index)
    return consumers


def unit_count(node: Node) -> int:
    """Return the channels or neurons of a node."""
    return int(node.output_shapes[0][-1] or 0)


def _reason_to_skip(node: Node, whole: bool) -> str:
    if node.kind in UNIT_KINDS:
        rank = len(node.output_shapes[0])
        if node.kind == "dense" and (rank not in (2, 4) or not whole):
            return _UNDRAWN["dense"]
        if not whole:
            return "its maps are of parts of a picture, such as windows or frames, not of whole ones"
        return "" if rank in (2, 4) else f"its output has {rank} axes"
    if not _has_weights(node.operation) or node.kind.endswith(_SUPPORTING):
        return ""
    for prefix in ("conv1d", "conv3d"):
        if prefix in node.kind:
            return _UNDRAWN[prefix]
    return _UNDRAWN.get(node.kind, f"units of kind {node.kind} are not looked at in this version")


def _has_weights(operation: Any) -> bool:
    return bool(getattr(operation, "weights", None))


def _tap(index: int, nodes: Sequence[Node], consumers: Mapping[Ref, list[int]], outputs: set[Ref]) -> Tap:
    at: Ref = (index, 0)
    pre, normalised = at, False
    while True:
        readers = consumers.get(at, [])
        if at in outputs:
            break
        if len(readers) == 2 and (gate := _gate(at, readers, nodes, consumers, outputs)):
            return Tap(index, pre, (gate[0], 0), activation=gate[1])
        if len(readers) != 1:
            break
        node = nodes[readers[0]]
        if node.kind in IDENTITIES or node.function == "linear":
            at = (readers[0], 0)
        elif node.kind == "batch_normalization" and not normalised:
            at = pre = (readers[0], 0)
            normalised = True
        elif node.function:
            return _ended(index, pre, (readers[0], 0), node.function, consumers, nodes, outputs)
        else:
            break
    return Tap(index, pre, pre)


def _ended(
    index: int,
    pre: Ref,
    post: Ref,
    function: str,
    consumers: Mapping[Ref, list[int]],
    nodes: Sequence[Node],
    outputs: set[Ref],
) -> Tap:
    """Return the tap of a layer that an activation ends: a head is cut before it."""
    if (
        nodes[post[0]].output_shapes != nodes[pre[0]].output_shapes
    ):  # it mixes units, as gated linear units do
        return Tap(index, pre, pre)
    if function in HEADS and _is_output(post, consumers, nodes, outputs):
        return Tap(index, pre, pre, head=post, activation="linear")
    return Tap(index, pre, post, activation=function)


def _is_output(
    ref: Ref, consumers: Mapping[Ref, list[int]], nodes: Sequence[Node], outputs: set[Ref]
) -> bool:
    """Whether a tensor is an output of the model, perhaps through operations that change nothing."""
    while ref not in outputs:
        readers = consumers.get(ref, [])
        if len(readers) != 1 or not (
            nodes[readers[0]].kind in IDENTITIES or nodes[readers[0]].function == "linear"
        ):
            return False
        ref = (readers[0], 0)
    return True


def _gate(
    at: Ref,
    readers: list[int],
    nodes: Sequence[Node],
    consumers: Mapping[Ref, list[int]],
    outputs: set[Ref],
) -> tuple[int, str] | None:
    """Return the product and the name of `x * sigmoid(x)` spelt out as two operations."""
    for sigmoid, product in (readers, readers[::-1]):
        function = nodes[sigmoid].function
        alone = consumers.get((sigmoid, 0), []) == [product] and (sigmoid, 0) not in outputs
        both = set(nodes[product].inputs) == {at, (sigmoid, 0)}
        if function in _GATES and nodes[product].kind == "multiply" and alone and both:
            return product, _GATES[function]
    return None
