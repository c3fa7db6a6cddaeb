"""Which nodes are layers with units, where each is read, and which layers are skipped and why.

Follows the chain of single consumers after a layer's weights: dropout is passed through; one
BatchNormalization belongs to the layer, as do a separate bias and the cropping of a transposed convolution;
the first activation ends the chain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from reportgen.activations import activation_called
from reportgen.models.graph.kinds import IDENTITIES, TOKEN_KINDS, UNIT_KINDS, DerivedConstant, kinds_inside
from reportgen.models.model import Node, Ref, Tap

ON_CONSTANTS = "it is called on held inputs or constants alone, which do not depend on the picture"
_WINDOWS = (
    "it reads windows (such as Swin's), or tokens of all pictures in one list, instead of whole pictures"
)
_UNPLACED = "its positions are windows, tokens or features, not places of a picture"
_MIXED = "its positions are features, so that its units mix tokens and have no place in a picture"
_TOKENS = "its units respond to tokens, not to places of a picture"
_SERIES = "it reads a series step by step, and its units have no places in a picture"
_UNDRAWN = {
    "conv1d": "a convolution along one axis has no picture",
    "conv3d": "a convolution over volumes has no picture",
    "einsum_dense": f"a product over several axes: {_TOKENS}",
    "multi_head_attention": f"attention: {_TOKENS}",
    "grouped_query_attention": f"attention: {_TOKENS}",
    "group_query_attention": f"attention: {_TOKENS}",
    "attention": f"attention: {_TOKENS}",
    "additive_attention": f"attention: {_TOKENS}",
    "embedding": "an embedding has no units of an image network",
    "lstm": _SERIES, "gru": _SERIES, "simple_rnn": _SERIES, "rnn": _SERIES, "bidirectional": _SERIES,
    "conv_lst_m1d": _SERIES, "conv_lst_m2d": _SERIES, "conv_lst_m3d": _SERIES,
}  # fmt: skip
_IN_WORDS = {
    "dense": "dense layer", "conv1d": "convolution along one axis",
    "multi_head_attention": "attention", "grouped_query_attention": "attention",
}  # fmt: skip
_PRODUCTS = frozenset({"matmul", "einsum", "tensordot", "dot"})
_SUPPORTING = frozenset(
    {
        "input", "batch_normalization", "layer_normalization", "group_normalization", "rms_normalization",
        "unit_normalization", "normalization", "rescaling",
    }
)  # fmt: skip
"""Kinds whose weights scale other layers' units, or a picture, and do not define units."""


def find_taps(
    nodes: Sequence[Node],
    outputs: Sequence[Ref],
    whole: Sequence[bool] | None = None,
    placed: Sequence[bool] | None = None,
) -> tuple[dict[str, Tap], tuple[tuple[str, str], ...]]:
    """Return where each layer with units is read, by name in topological order, and the skipped layers.

    Args:
        nodes: Of the network.
        outputs: Of the network.
        whole: For each node whether it has a row for each picture; by default all have.
        placed: For each whether the places of its map are places of the picture; by default all are.
    """
    consumers = consumers_of(nodes)
    taps: dict[str, Tap] = {}
    skipped: list[tuple[str, str]] = []
    for index, node in enumerate(nodes):
        reason = _reason_to_skip(node, whole is None or whole[index], placed is None or placed[index])
        if reason:
            skipped.append((node.name, reason))
        elif node.kind in UNIT_KINDS or is_over_tokens(node):
            taps[node.name] = _tap(index, nodes, consumers, set(outputs))
    return taps, tuple(skipped)


def consumers_of(nodes: Sequence[Node]) -> dict[Ref, list[int]]:
    """Return the nodes that read each tensor."""
    consumers: dict[Ref, list[int]] = {}
    for index, node in enumerate(nodes):
        for ref in dict.fromkeys(node.inputs):
            consumers.setdefault(ref, []).append(index)
    return consumers


def is_over_tokens(node: Node) -> bool:
    """Whether a layer with weights gives features of tokens, `(n, T, C)`."""
    return node.kind in TOKEN_KINDS and len(node.output_shapes[0]) == 3


def unit_count(node: Node) -> int:
    """Return the channels or neurons of a node."""
    return int(node.output_shapes[0][-1] or 0)


def _reason_to_skip(node: Node, whole: bool, placed: bool) -> str:
    """Return why a layer with weights has no units to render; empty if it has some, or no weights."""
    supports = node.kind in _SUPPORTING or bool(node.function)
    if node.kind not in UNIT_KINDS and (supports or not _has_weights(node)):
        return ""
    if not node.depends_on_picture:
        return ON_CONSTANTS
    if is_over_tokens(node):
        return _reason_over_tokens(node, whole, placed)
    if node.kind in UNIT_KINDS:
        rank = len(node.output_shapes[0])
        if node.kind == "dense" and (rank not in (2, 4) or not (whole and placed)):
            return f"dense layer: {_UNPLACED if whole else _WINDOWS}"
        if not whole:
            return "its maps are of parts of a picture, such as windows or frames, not of whole pictures"
        if not placed:
            return "its maps cover windows, tokens or channels, not places of a picture"
        return "" if rank in (2, 4) else f"its output has {rank} axes"
    for prefix in ("conv1d", "conv3d"):
        if prefix in node.kind:
            return _UNDRAWN[prefix]
    if node.kind in _PRODUCTS:
        return f"a product with a matrix of weights: {_TOKENS}"
    inside = kinds_inside(node.operation)
    around = f", around {', '.join(inside)}" if inside else ""
    return _UNDRAWN.get(node.kind, f"units of kind {node.kind} are not supported in this version") + around


def _reason_over_tokens(node: Node, whole: bool, placed: bool) -> str:
    """Return why a layer over tokens has no units to render; empty if it has some."""
    name = _IN_WORDS[node.kind]
    if not whole:
        return f"{name}: {_WINDOWS}"
    if not placed:
        return f"{name}: {_MIXED}"
    return "" if None not in node.output_shapes[0][1:] else f"{name}: its number of tokens is open"


def _has_weights(node: Node) -> bool:
    if node.kind in _PRODUCTS:
        own = [c for c in node.constants if not isinstance(c, DerivedConstant)]
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
            return _tap_with_activation(index, pre, (readers[0], 0), node.function, consumers, nodes, outputs)
        else:
            break
    return Tap(index, pre, pre)


def _trims(node: Node, before: Node) -> bool:
    """Whether this crops or pads a transposed convolution to its output size.

    Nodes that the importer made of one operation are named under it; a crop of the file's own is not.
    """
    own = before.kind == "conv2d_transpose" and node.name.startswith(f"{before.name}/")
    return own and node.kind in ("cropping2d", "zero_padding2d")


def _is_bias(node: Node, n_units: int) -> bool:
    """Whether one constant is added to each unit: a bias written as a separate operation."""
    if node.kind != "add" or len(node.inputs) != 1 or len(node.constants) != 1:
        return False
    shape = tuple(getattr(node.constants[0], "shape", ()))
    return shape[-1:] == (n_units,) and math.prod(shape) == n_units


def _tap_with_activation(
    index: int,
    pre: Ref,
    post: Ref,
    function: str,
    consumers: Mapping[Ref, list[int]],
    nodes: Sequence[Node],
    outputs: set[Ref],
) -> Tap:
    """Return the tap of a layer that ends in an activation; a head is cut before its activation."""
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
    """Whether a tensor is an output of the model, perhaps through identity operations."""
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
    """Return the product and the activation's name where `x * sigmoid(x)` is written as two operations."""
    for sigmoid, product in (readers, readers[::-1]):
        row = activation_called(nodes[sigmoid].function)
        alone = consumers.get((sigmoid, 0), []) == [product] and (sigmoid, 0) not in outputs
        both = set(nodes[product].inputs) == {at, (sigmoid, 0)}
        if row is not None and row.gates and nodes[product].kind == "multiply" and alone and both:
            return product, row.gates
    return None
