"""Which maps have places of the picture, and which have tokens, windows or channels instead.

Each axis of each tensor is tracked as the parts of the picture's axes it consists of. A reshape splits an
axis into parts or joins several, a transposition moves them. Where the rows and columns of a picture end up
in one axis, or within windows, the places of a map are not places of the picture. Axes that cannot be
tracked are assumed to be places.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.models.graph.kinds import TOKEN_KINDS, UNIT_KINDS, DerivedConstant
from reportgen.models.keras.picture_axes import axes_kept, turn_of
from reportgen.models.model import Node

_PICTURES, _DOWN, _ACROSS, _FEATURES, _UNKNOWN = "pictures", "down", "across", "features", ""


@dataclass(frozen=True)
class _Part:
    """A part of an axis, as one digit of a mixed-radix number.

    Attributes:
        of: The axis of the picture or map that it is a part of.
        size: How many values it takes.
        stride: Distance of two consecutive values along the whole axis.
        whole: Length of the whole axis.
    """

    of: str
    size: int
    stride: int
    whole: int

    @property
    def is_coarsest(self) -> bool:
        """Whether it is the most significant part of the axis."""
        return self.stride * self.size == self.whole


_Axis = tuple[_Part, ...]
"""The parts of an axis, the coarsest first; empty for an axis of length 1."""

Shape = tuple[int, ...]


def maps_keep_places(nodes: Sequence[Node], shapes: Sequence[Sequence[Shape]]) -> list[bool]:
    """Return for each node whether the places of its first output are places of the picture.

    Those of a map are rows and columns; those of tokens `(n, T, C)` are parts of the picture in any order.

    Args:
        nodes: Of the network, the input first.
        shapes: Of each node's outputs, with a fixed batch; empty where they are unknown.
    """
    known: dict[tuple[int, int], tuple[_Axis, ...]] = {}
    placed = [True] * len(nodes)
    for index, (node, outputs) in enumerate(zip(nodes, shapes, strict=True)):
        found = [_followed(node, known, shapes, shape, at) for at, shape in enumerate(outputs)]
        known.update({(index, at): axes for at, axes in enumerate(found)})
        if found and len(found[0]) == 4:
            placed[index] = all(_may_be_place(axis) for axis in found[0][1:3])
        elif found and len(found[0]) == 3:
            placed[index] = _may_be_tokens(found[0][1])
    return placed


def _may_be_place(axis: _Axis) -> bool:
    if not axis or any(part.of == _UNKNOWN for part in axis):
        return True
    # After the steps along an axis there may be places within a step, made of features: a pixel shuffle.
    first, *within = axis
    return first.of in (_DOWN, _ACROSS) and first.is_coarsest and all(p.of == _FEATURES for p in within)


def _may_be_tokens(axis: _Axis) -> bool:
    return all(part.of in (_DOWN, _ACROSS, _UNKNOWN) for part in axis)


def _whole(of: str, size: int) -> _Axis:
    return () if size == 1 else (_Part(of, size, 1, size),)


def _followed(
    node: Node,
    known: dict[tuple[int, int], tuple[_Axis, ...]],
    shapes: Sequence[Sequence[Shape]],
    after: Shape,
    output: int,
) -> tuple[_Axis, ...]:
    """Return the parts of each axis of one output."""
    if node.kind == "input":
        names = (_PICTURES, _DOWN, _ACROSS, _FEATURES)
        return tuple(_whole(name, side) for name, side in zip(names, after, strict=True))
    given = [(known[ref], shapes[ref[0]][ref[1]]) for ref in node.inputs if ref in known]
    if not given:
        return tuple(_whole(_UNKNOWN, side) for side in after)
    axes, before = given[0]
    turn = turn_of(node.operation, len(before)) if node.operation is not None else None
    if turn is not None:
        return tuple(axes[at] for at in turn)
    if node.kind in ("reshape", "flatten", "expand_dims", "squeeze"):
        return _reshaped(axes, after)
    if node.constants and all(isinstance(c, DerivedConstant) for c in node.constants):
        return _kept_in_order(axes, before, after)  # for example the matrices of a resize
    if node.kind in _BY_KIND:
        return _BY_KIND[node.kind](node, given, after)
    if node.kind in UNIT_KINDS | TOKEN_KINDS or node.kind == "einsum_dense":
        return (*_kept_in_order(axes, before, after)[:-1], _whole(_FEATURES, after[-1]))
    return _broadcast(given, after)


def _kept_in_order(axes: Sequence[_Axis], before: Shape, after: Shape) -> tuple[_Axis, ...]:
    """Return the axes after an operation that keeps their order and may change their lengths."""
    if len(before) != len(after):
        return tuple(_whole(_UNKNOWN, side) for side in after)
    return tuple(
        axis if old == new else _resized(axis, new)
        for axis, old, new in zip(axes, before, after, strict=True)
    )


def _resized(axis: _Axis, size: int) -> _Axis:
    alone = len(axis) == 1 and axis[0].is_coarsest
    return _whole(axis[0].of if alone else _UNKNOWN, size)


def _broadcast(given: Sequence[tuple[tuple[_Axis, ...], Shape]], after: Shape) -> tuple[_Axis, ...]:
    """Return the axes of an elementwise result; where tensors differ, places are preferred."""
    axes, _ = given[0]
    if max(len(shape) for _, shape in given) != len(after):
        return tuple(_whole(_UNKNOWN, side) for side in after)
    found = []
    for at, side in enumerate(after):
        back = at - len(after)
        options = [axes[back] for axes, shape in given if len(shape) >= -back and shape[back] == side]
        options.sort(key=_uncertainty if len(after) != 3 else _uncertainty_of_tokens)
        found.append(options[0] if options else _resized(axes[back], side) if len(axes) >= -back else ())
    return tuple(found)


def _uncertainty(axis: _Axis) -> int:
    unknown = any(part.of == _UNKNOWN for part in axis)
    return 2 if unknown else 0 if _may_be_place(axis) else 1


def _uncertainty_of_tokens(axis: _Axis) -> int:
    """Return how a sum of tokens prefers an axis: features that a layer put in place of tokens come last."""
    unknown = any(part.of == _UNKNOWN for part in axis)
    return 1 if unknown else 0 if _may_be_tokens(axis) else 2


def _reshaped(axes: Sequence[_Axis], after: Shape) -> tuple[_Axis, ...]:
    """Return the axes after a reshape: all parts in sequence, split at the ends of the new sides."""
    rest = [part for axis in axes for part in axis]
    if not any(part.of in (_DOWN, _ACROSS) for part in rest):  # a decoder's map begins
        return tuple(_whole(_PICTURES if at == 0 else _UNKNOWN, side) for at, side in enumerate(after))
    found = []
    for side in after:
        taken: list[_Part] = []
        while (left := side // math.prod(p.size for p in taken)) > 1:
            part = rest.pop(0) if rest else _Part(_UNKNOWN, left, 1, left)
            common = math.gcd(part.size, left)
            if common < part.size and common < left:  # neither size divides the other
                return tuple(_whole(_UNKNOWN, s) for s in after)
            if common < part.size:
                inner = part.size // common
                rest.insert(0, dataclasses.replace(part, size=inner))
                part = dataclasses.replace(part, size=common, stride=part.stride * inner)
            taken.append(part)
        found.append(_merged(taken))
    return tuple(found)


def _merged(parts: Sequence[_Part]) -> _Axis:
    """Return the parts, with consecutive parts of one axis merged."""
    made: list[_Part] = []
    for part in parts:
        last = made[-1] if made else None
        if last and (last.of, last.whole) == (part.of, part.whole) and last.stride == part.stride * part.size:
            made[-1] = dataclasses.replace(part, size=last.size * part.size)
        else:
            made.append(part)
    return tuple(made)


_Given = Sequence[tuple[tuple[_Axis, ...], Shape]]


def _picked(node: Node, given: _Given, after: Shape) -> tuple[_Axis, ...]:
    axes, before = given[0]
    kept = axes_kept(node.constants, len(before))
    return _kept_in_order([axes[i] for i in kept], tuple(before[i] for i in kept), after)


def _reduced(node: Node, given: _Given, after: Shape) -> tuple[_Axis, ...]:
    axes, before = given[0]
    if len(before) == len(after):
        return _kept_in_order(axes, before, after)
    over = node.operation.axis
    over = range(len(before)) if over is None else [over] if isinstance(over, int) else over
    removed = {int(a) % len(before) for a in over}
    return tuple(axis for i, axis in enumerate(axes) if i not in removed)


def _joined(node: Node, given: _Given, after: Shape) -> tuple[_Axis, ...]:
    at = int(node.operation.axis) % len(after)
    if node.kind == "stack":
        given = [((*a[:at], (), *a[at:]), (*s[:at], 1, *s[at:])) for a, s in given]
    joined = [axes[at] for axes, _ in given]
    features = all(not axis or axis[0].of == _FEATURES for axis in joined)
    name = _FEATURES if features and any(joined) else _UNKNOWN
    return tuple(
        _whole(name, side) if i == at else axis
        for i, (axis, side) in enumerate(zip(_broadcast(given, after), after, strict=True))
    )


def _product(node: Node, given: _Given, after: Shape) -> tuple[_Axis, ...]:
    """Return the axes of a matrix product: rows of one operand, columns of the other, or features."""
    constant_first = node.pattern.startswith("ct")
    if len(after) < 2 or len(given[0][1]) != len(after):
        return tuple(_whole(_UNKNOWN, side) for side in after)
    columns = given[0][0][-1] if constant_first else None
    if len(given) > 1 and len(given[1][1]) == len(after):
        columns = given[1][0][-1]
    rows = _whole(_FEATURES, after[-2]) if constant_first else given[0][0][-2]
    return (*given[0][0][:-2], rows, _whole(_FEATURES, after[-1]) if columns is None else columns)


def _einsum(node: Node, given: _Given, after: Shape) -> tuple[_Axis, ...]:
    """Return the axes of an einsum by their letters; those of constants are features."""
    text = str(getattr(node.operation, "subscripts", "")).replace(" ", "")
    sides, arrow, result = text.partition("->")
    letters = sides.split(",")
    if not arrow or "." in text or len(result) != len(after) or len(letters) != len(node.pattern.split()[0]):
        return tuple(_whole(_UNKNOWN, side) for side in after)
    live = [term for term, what in zip(letters, node.pattern, strict=False) if what == "t"]
    by_letter: dict[str, _Axis] = {}
    for term, (axes, _) in zip(live, given, strict=False):
        by_letter = {**dict(zip(term, axes, strict=False)), **by_letter}
    return tuple(
        by_letter.get(letter, _whole(_FEATURES, side)) for letter, side in zip(result, after, strict=True)
    )


_BY_KIND: dict[str, Callable[[Node, Any, Shape], tuple[_Axis, ...]]] = {
    "get_item": _picked, "concatenate": _joined, "stack": _joined, "matmul": _product, "einsum": _einsum,
    **dict.fromkeys(("mean", "sum", "max", "min", "prod", "var", "std", "amax", "amin"), _reduced),
}  # fmt: skip
