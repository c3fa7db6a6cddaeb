"""Which nodes are layers with units, where each is read, and which layers are skipped and why.

Follows the chain of single consumers behind a layer's weights: dropout passes through, one
BatchNormalization belongs to the layer, as do a bias of its own and what trims a transposed convolution;
the first activation ends it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from reportgen.activations import activation_called
from reportgen.models.graph.kinds import IDENTITIES, UNIT_KINDS, WorkedOut, kinds_inside
from reportgen.models.model import Node, Ref, Tap

ON_CONSTANTS = "a call on held inputs or constants alone, which no picture changes"
_TOKENS = "its units answer to tokens, not to places of a picture"
_SERIES = "it reads a series step by step, and its units have no places in a picture"
_UNDRAWN = {
    "conv1d": "a convolution along one axis has no picture",
    "conv3d": "a convolution over volumes has no picture",
    "dense": f"dense layer over tokens: {_TOKENS}",
    "einsum_dense": f"a product over several axes: {_TOKENS}",
    "multi_head_attention": f"attention: {_TOKENS}",
    "grouped_query_attention": f"attention: {_TOKENS}",
    "group_query_attention": f"attention: {_TOKENS}",
    "attention": f"attention: {_TOKENS}",
    "additive_attention": f"attention: {_TOKENS}",
    "embedding": "an embedding is no unit of an image network",
    "lstm": _SERIES, "gru": _SERIES, "simple_rnn": _SERIES, "rnn": _SERIES, "bidirectional": _SERIES,
    "conv_lst_m1d": _SERIES, "conv_lst_m2d": _SERIES, "conv_lst_m3d": _SERIES,
}  # fmt: skip
_PRODUCTS = frozenset({"matmul", "einsum", "tensordot", "dot"})
_SUPPORTING = frozenset(
    {
        "input", "batch_normalization", "layer_normalization", "group_normalization", "rms_normalization",
        "unit_normalization", "normalization", "rescaling",
    }
)  # fmt: skip
"""Kinds whose weights scale the units of other layers, or a picture, and make none of their own."""


def find_taps(
    nodes: Sequence[Node],
    outputs: Sequence[Ref],
    whole: Sequence[bool] | None = None,
    placed: Sequence[bool] | None = None,
) -> tuple[dict[str, Tap], tuple[tuple[str, str], ...]]:
    """Return where each layer with units is read, by name in topological order, and what was skipped.

    Args:
        nodes: Of the network.
        outputs: Where its outputs are.
        whole: For each node whether it has a row for each picture; all have, unless given.
        placed: For each whether the places of its map are places of the picture; all are, unless given.
    """
    consumers = consumers_of(nodes)
    taps: dict[str, Tap] = {}
    skipped: list[tuple[str, str]] = []
    for index, node in enumerate(nodes):
        reason = _reason_to_skip(node, whole is None or whole[index], placed is None or placed[index])
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


def _reason_to_skip(node: Node, whole: bool, placed: bool) -> str:
    """Return why a layer with weights has no units to look at; empty where it has, or has no weights."""
    supports = node.kind in _SUPPORTING or bool(node.function)
    if node.kind not in UNIT_KINDS and (supports or not _has_weights(node)):
        return ""
    if not node.of_picture:
        return ON_CONSTANTS
    if node.kind in UNIT_KINDS:
        rank = len(node.output_shapes[0])
        if node.kind == "dense" and (rank not in (2, 4) or not (whole and placed)):
            return _UNDRAWN["dense"]
        if not whole:
            return "its maps are of parts of a picture, such as windows or frames, not of whole ones"
        if not placed:
            return "its maps lie over windows, tokens or channels, not over places of a picture"
        return "" if rank in (2, 4) else f"its output has {rank} axes"
    for prefix in ("conv1d", "conv3d"):
        if prefix in node.kind:
            return _UNDRAWN[prefix]
    if node.kind in _PRODUCTS:
        return f"a product with a matrix of weights: {_TOKENS}"
    inside = kinds_inside(node.operation)
    around = f", around {', '.join(inside)}" if inside else ""
    return _UNDRAWN.get(node.kind, f"units of kind {node.kind} are not looked at in this version") + around


def _has_weights(node: Node) -> bool:
    if node.kind in _PRODUCTS:
        own = [c for c in node.constants if not isinstance(c, WorkedOut)]
        return any(math.prod(getattr(c, "shape", ())) > 1 for c in own)
    weights = getattr(node.operation, "weights", None) or ()
    return any("seed_generator" not in str(getattr(weight, "path", "")) for weight in weights)


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
        elif not normalised and (_trims(node, nodes[at[0]]) or _is_bias(node, unit_count(nodes[index]))):
            at = pre = (readers[0], 0)
        elif node.function:
            return _ended(index, pre, (readers[0], 0), node.function, consumers, nodes, outputs)
        else:
            break
    return Tap(index, pre, pre)


def _trims(node: Node, before: Node) -> bool:
    """Whether places are cut off that a transposed convolution reached beyond its size, or zeros added.

    What was made of one operation of the file stands under its name; a cut of the file's own does not.
    """
    own = before.kind == "conv2d_transpose" and node.name.startswith(f"{before.name}/")
    return own and node.kind in ("cropping2d", "zero_padding2d")


def _is_bias(node: Node, n_units: int) -> bool:
    """Whether one constant is added for each unit: a bias that stands as an operation of its own."""
    if node.kind != "add" or len(node.inputs) != 1 or len(node.constants) != 1:
        return False
    shape = tuple(getattr(node.constants[0], "shape", ()))
    return shape[-1:] == (n_units,) and math.prod(shape) == n_units


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
    row = activation_called(function)
    if row is not None and row.cut == "before" and _is_output(post, consumers, nodes, outputs):
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
        row = activation_called(nodes[sigmoid].function)
        alone = consumers.get((sigmoid, 0), []) == [product] and (sigmoid, 0) not in outputs
        both = set(nodes[product].inputs) == {at, (sigmoid, 0)}
        if row is not None and row.gates and nodes[product].kind == "multiply" and alone and both:
            return product, row.gates
    return None
