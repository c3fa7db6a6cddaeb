"""Which axis of an ONNX picture holds the channels, read from what the graph does with it, never from sizes.

The picture's axes are tracked from the input through scalings, casts, pads, slices and transpositions to the
first operation that treats one axis as channels: a convolution sums over it, a constant has one number for
each of its positions. Numbers along the last axis, or a product over it, are no evidence, since they may be
for columns. Without evidence the user must say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.models.onnx.reading import Source, array_of, onnx_module
from reportgen.models.onnx.registry import operators

if TYPE_CHECKING:
    from onnx import NodeProto, ValueInfoProto

_IN_PLACE = frozenset(
    {"Identity", "Cast", "CastLike", "Dropout", "Clip", "Abs", "Neg", "Exp",
     "Log", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Erf",
     "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Mean", "Sum", "PRelu", "Where", "Mod",
     "Pad", "Slice", "Resize", "Upsample", "Concat", "Split"}
)  # fmt: skip
"""Operators that keep the meaning of each axis, in addition to elementwise ones."""

_NOT_MEETING = frozenset({"Pad", "Slice", "Resize", "Upsample", "Split", "Clip"})
"""Those of them whose further inputs are settings and do not broadcast with the first."""

_CHANNELS_SECOND = frozenset(
    {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool",
     "GlobalLpPool", "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN",
     "DepthToSpace", "SpaceToDepth", "ConvInteger", "QLinearConv"}
)  # fmt: skip
"""Operators whose definition has channels at axis 1."""

_SAME_AXES = frozenset({"MaxPool", "AveragePool", "LpPool", "BatchNormalization", "InstanceNormalization",
                        "GroupNormalization", "LRN"})  # fmt: skip

Axes = tuple[int | None, ...]


def _keeps_axes(kind: str) -> bool:
    row = operators().get(kind)
    return kind in _IN_PLACE or (row is not None and row.elementwise)


@dataclass(frozen=True)
class ChannelAxis:
    """Evidence in the graph for its picture's channel axis.

    Attributes:
        axis: Of the input.
        certain: Whether it comes from an operator whose definition names the channel axis.
        channels: How many a convolution sums over; None without a convolution.
    """

    axis: int
    certain: bool
    channels: int | None = None


def channel_axis(
    nodes: Sequence[NodeProto],
    picture: ValueInfoProto,
    dims: Sequence[int | None],
    stored: Mapping[str, np.ndarray],
    source: Source,
) -> ChannelAxis | None:
    """Return which axis of the picture holds its channels; None if the evidence is missing or contradictory.

    Args:
        nodes: Of the graph, in order.
        picture: The input, as ONNX describes it.
        dims: Its four sides, None where open.
        stored: The graph's constants by name.
        source: The file.
    """
    evidence = _Walk(picture.name, dims, stored, source).through(nodes)
    certain = [t for t in evidence if t.certain]
    chosen = certain or [ChannelAxis(axis, False) for axis in _denoted(picture)] or evidence
    if len({t.axis for t in chosen}) != 1 or (chosen is evidence and evidence[0].axis == 3):
        return None
    return next((t for t in chosen if t.channels), chosen[0])


def _denoted(picture: ValueInfoProto) -> list[int]:
    """Return the axis that the file itself denotes as channels, if it does."""
    sides = picture.type.tensor_type.shape.dim
    return [i for i, side in enumerate(sides) if i and side.denotation == "DATA_CHANNEL"][:1]


class _Walk:
    """The picture's axes along the graph: their order in each value that holds all of them."""

    def __init__(
        self, name: str, dims: Sequence[int | None], stored: Mapping[str, np.ndarray], source: Source
    ) -> None:
        self.source = source
        self.axes: dict[str, Axes] = {name: (0, 1, 2, 3)}
        self.sides: dict[str, tuple[int | None, ...]] = {name: (None, *dims[1:])}
        self.arrays: dict[str, np.ndarray] = dict(stored)
        self.evidence: list[ChannelAxis] = []

    def through(self, nodes: Sequence[NodeProto]) -> list[ChannelAxis]:
        """Return the evidence of the nodes, in order."""
        for node in nodes:
            if node.op_type == "Constant":
                self._constant(node)
            elif any(name in self.axes for name in node.input):
                self._follow(node)
        return self.evidence

    def _constant(self, node: NodeProto) -> None:
        for attribute in node.attribute:
            if attribute.name == "value":
                self.arrays[node.output[0]] = array_of(attribute.t, self.source)
            elif attribute.name in ("value_ints", "value_floats"):
                self.arrays[node.output[0]] = np.asarray(
                    attribute.ints if attribute.name == "value_ints" else attribute.floats
                )

    def _follow(self, node: NodeProto) -> None:
        kind = node.op_type
        read = next(name for name in node.input if name in self.axes)
        axes = self.axes[read]
        if kind in _CHANNELS_SECOND and node.input[0] == read and len(axes) == 4:
            self._record(axes[1], True, self._summed(node))
        elif kind in ("MatMul", "LayerNormalization", "RMSNormalization") and node.input[0] == read:
            self._over_the_last(node, axes)
        if _keeps_axes(kind):
            self._number_for_each_place(node, axes)
        after = self._after(node, kind, axes, read)
        if after is None:
            return
        for output in node.output:
            if output:
                self.axes[output] = after
                if len(self.sides.get(output, ())) != len(after):
                    self.sides[output] = (None,) * len(after)

    def _record(self, axis: int | None, certain: bool, channels: int | None = None) -> None:
        if axis:
            self.evidence.append(ChannelAxis(axis, certain, channels))

    def _summed(self, node: NodeProto) -> int | None:
        kernel = self.arrays.get(node.input[1]) if len(node.input) > 1 else None
        if kernel is None or np.ndim(kernel) != 4 or node.op_type not in ("Conv", "ConvTranspose"):
            return None
        if node.op_type == "ConvTranspose":
            return int(kernel.shape[0])
        return int(kernel.shape[1]) * int(_attributes(node).get("group", 1))

    def _over_the_last(self, node: NodeProto, axes: Axes) -> None:
        """A product with a matrix, or a normalisation, over the last axis: its positions are features."""
        if node.op_type == "MatMul" and np.ndim(self.arrays.get(node.input[1], 0)) != 2:
            return
        if node.op_type != "MatMul" and _attributes(node).get("axis", -1) not in (-1, len(axes) - 1):
            return
        if len(axes) == 4 and None not in axes:
            self._record(axes[-1], False)

    def _number_for_each_place(self, node: NodeProto, axes: Axes) -> None:
        """A constant with one number for each position of one axis, such as means and deviations."""
        if node.op_type not in ("Add", "Sub", "Mul", "Div", "PRelu"):
            return
        for name in node.input:
            shape = np.shape(self.arrays.get(name, 0))
            long = [i - len(shape) for i, side in enumerate(shape) if side > 1]
            if len(long) == 1 and -long[0] <= len(axes):
                self._record(axes[long[0]], False)

    def _after(self, node: NodeProto, kind: str, axes: Axes, read: str) -> Axes | None:
        """Return the axes after a node; None where the value is no longer a picture."""
        if _keeps_axes(kind):
            return self._merged(node, axes, read)
        if kind in _SAME_AXES:
            return axes
        turn: Mapping[str, Callable[[NodeProto, Axes, str], Axes | None]] = {
            "Transpose": self._transposed, "Reshape": self._reshaped,
            "Squeeze": self._squeezed, "Unsqueeze": self._unsqueezed, "Gather": self._picked,
        }  # fmt: skip
        return turn[kind](node, axes, read) if kind in turn else None

    def _merged(self, node: NodeProto, axes: Axes, read: str) -> Axes:
        """Return the axes after values are broadcast: those on which all tracked values agree."""
        others = [self.axes[n] for n in node.input if n in self.axes and n != read]
        ranks = [] if node.op_type in _NOT_MEETING else [np.ndim(self.arrays.get(n, 0)) for n in node.input]
        rank = max([len(axes), *(len(o) for o in others), *ranks])
        merged: Axes = (None,) * (rank - len(axes)) + axes
        for other in others:
            full = (None,) * (rank - len(other)) + other
            merged = tuple(a if a == b else None for a, b in zip(merged, full, strict=True))
        if node.op_type not in (*_NOT_MEETING, "Concat") and rank == len(self.sides[read]):
            for output in node.output:
                self.sides[output] = self.sides[read]
        return self._joined(node, merged) if node.op_type == "Concat" else merged

    def _transposed(self, node: NodeProto, axes: Axes, read: str) -> Axes | None:
        perm = [int(p) for p in _attributes(node).get("perm", range(len(axes) - 1, -1, -1))]
        if sorted(perm) != list(range(len(axes))):
            return None
        self.sides[node.output[0]] = tuple(self.sides[read][p] for p in perm)
        return tuple(axes[p] for p in perm)

    def _listed(self, node: NodeProto, name: str) -> list[int] | None:
        """Return integers given as an attribute in older opsets and as a constant input in newer ones."""
        if len(node.input) > 1:
            array = self.arrays.get(node.input[1])
            return None if array is None else [int(v) for v in np.ravel(array)]
        found = _attributes(node).get(name)
        return None if found is None else [int(v) for v in found]

    def _squeezed(self, node: NodeProto, axes: Axes, read: str) -> Axes | None:
        removed = self._listed(node, "axes")
        if removed is None or not axes:
            return None
        kept = [i for i in range(len(axes)) if i not in {g % len(axes) for g in removed}]
        self.sides[node.output[0]] = tuple(self.sides[read][i] for i in kept)
        return tuple(axes[i] for i in kept)

    def _unsqueezed(self, node: NodeProto, axes: Axes, read: str) -> Axes | None:
        new = self._listed(node, "axes")
        if new is None:
            return None
        rank = len(axes) + len(new)
        old = iter(zip(axes, self.sides[read], strict=True))
        at = {n % rank for n in new}
        if len(at) != len(new):
            return None
        pairs = [(None, 1) if i in at else next(old) for i in range(rank)]
        self.sides[node.output[0]] = tuple(side for _, side in pairs)
        return tuple(axis for axis, _ in pairs)

    def _picked(self, node: NodeProto, axes: Axes, read: str) -> Axes | None:
        """Reordered positions of an axis, as for reversed channels; one position removes the axis."""
        rank = np.ndim(self.arrays.get(node.input[1], np.zeros((0, 0))))
        if node.input[0] != read or rank > 1:
            return None
        if rank == 1:
            return axes
        removed = int(_attributes(node).get("axis", 0)) % len(axes)
        self.sides[node.output[0]] = self.sides[read][:removed] + self.sides[read][removed + 1 :]
        return axes[:removed] + axes[removed + 1 :]

    def _joined(self, node: NodeProto, axes: Axes) -> Axes:
        """Return the axes of a concatenation of single positions along the axis they were picked from."""
        missing = [axis for axis in range(1, 4) if axis not in axes]
        along = int(_attributes(node).get("axis", 0)) % len(axes)
        if len(axes) == 4 and axes[along] is None and len(missing) == 1:
            return (*axes[:along], missing[0], *axes[along + 1 :])
        return axes

    def _reshaped(self, node: NodeProto, axes: Axes, read: str) -> Axes | None:
        """A reshape that only moves sides of 1, as from `(n, h, w, 1)` to `(n, 1, h, w)`, or splits sides."""
        target = self._listed(node, "shape")
        before = self.sides[read]
        if target is None or None in before[1:]:
            return None
        after = [before[i] if t == 0 and i < len(before) else t for i, t in enumerate(target)]
        long = [i for i in range(1, len(before)) if before[i] != 1]
        rest = [t for t in after[1:] if t != 1]
        self.sides[node.output[0]] = (None, *after[1:])
        if rest == [before[i] for i in long] and len(after) == len(before):
            ones = iter([i for i in range(1, len(before)) if before[i] == 1])
            some = iter(long)
            return (axes[0], *(axes[next(ones if t == 1 else some)] for t in after[1:]))
        self._cut(node, axes, before, after)
        return None

    def _cut(
        self, node: NodeProto, axes: Axes, before: Sequence[int | None], after: Sequence[int | None]
    ) -> None:
        """Patches cut from a picture by reshaping: two axes are split, the third is channels."""
        parts: list[int] = []
        at = 1
        for side in before[1:]:
            product, n = 1, 0
            while at < len(after) and product < (side or 0):
                product, at, n = product * max(int(after[at] or 0), 1), at + 1, n + 1
            if product != side:
                return
            parts.append(n)
        whole = [i + 1 for i, n in enumerate(parts) if n <= 1]
        if len(parts) == 3 and len(whole) == 1:
            self._record(axes[whole[0]], True)


def _attributes(node: NodeProto) -> dict[str, Any]:
    onnx = onnx_module()
    wanted = (onnx.AttributeProto.INT, onnx.AttributeProto.INTS)
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute if a.type in wanted}
