"""What one position sees beside gates, and which canvases a network with gates or enlarged branches works on.

A gate pools a whole map to one number a channel, works on those, and scales or shifts a map with the result:
squeeze-and-excite blocks, and the attention of text detectors. What follows a gate sees the whole input; what
it sees beside the gate is its neighbourhood still, and the network works at any size. How fields add up
along a network without gates is known in `field`; how large a canvas is chosen, in `plan`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from reportgen.models.graph.field import Field, next_field
from reportgen.models.graph.kinds import MERGES
from reportgen.models.graph.submodel import symbolic_nodes
from reportgen.models.model import Node

Pair = tuple[int, int]
Steps = tuple[Fraction, Fraction]
Shape = tuple[int | None, ...]
_ONE = Fraction(1)

_POOLED = frozenset({"global_average_pooling2d", "global_max_pooling2d"})
_REDUCED = frozenset({"mean", "max", "amax"})
_JOINED = (MERGES | {"true_divide", "divide"}) - {"concatenate"}


@dataclass(frozen=True)
class Locality:
    """What one position of a node's first output sees, and on which canvases.

    Attributes:
        field: What it sees beside gates; None where the whole input is seen otherwise.
        multiple_px: What the sides of a canvas must be multiples of.
    """

    field: Field | None
    multiple_px: Pair = (1, 1)


class _Pooled:
    """Stands for values without positions, the same in number on every canvas: a gate before it is used."""


_POOL = _Pooled()


def localities(nodes: Sequence[Node], input_shape: tuple[int, int, int]) -> list[Locality]:
    """Return what one position of each node's first output sees beside gates.

    A field is kept behind a gate only if the network works up to there on a smaller canvas, which is tried.
    """
    found: list[Field | _Pooled | None] = []
    for node in nodes:
        found.append(_seen(node, [(found[i], nodes[i].output_shapes[o]) for i, o in node.inputs]))
    seen = [f if isinstance(f, Field) else None for f in found]
    multiples = _multiples(nodes, seen)
    behind = _behind_gates(nodes, found)
    broken = _broken(nodes, input_shape, {m for m, gated in zip(multiples, behind, strict=True) if gated})
    return [
        Locality(None if gated and (m, index) in broken else field, m)
        for index, (field, m, gated) in enumerate(zip(seen, multiples, behind, strict=True))
    ]


def _seen(node: Node, sources: Sequence[tuple[Field | _Pooled | None, Shape]]) -> Field | _Pooled | None:
    if node.kind == "input":
        return Field.of_one_pixel()
    if not sources or any(seen is None for seen, _ in sources):
        return None
    maps = [seen for seen, _ in sources if isinstance(seen, Field)]
    gates = [shape for seen, shape in sources if seen is _POOL]
    shape = node.output_shapes[0]
    if not maps:  # no positions come in; none may be written out, which would be of one size only
        return _POOL if len(shape) != 4 or shape[1:].count(1) >= 2 else None
    if gates:
        apart = node.kind not in _JOINED or not all(len(g) == 4 and g[1:3] == (1, 1) for g in gates)
        return None if apart else maps[0] if len(maps) == 1 else next_field(node, maps)
    if _pools_everything(node):
        return _POOL
    return next_field(node, maps) if len(shape) == 4 else None


def _pools_everything(node: Node) -> bool:
    """Whether each channel of a map becomes one number, at any size."""
    if node.kind in _POOLED:
        return True
    axis = getattr(node.operation, "axis", None)
    axes = axis if isinstance(axis, (list, tuple)) else ()
    return node.kind in _REDUCED and {int(a) % 4 for a in axes} == {1, 2}


def _behind_gates(nodes: Sequence[Node], found: Sequence[Field | _Pooled | None]) -> list[bool]:
    behind: list[bool] = []
    for node in nodes:
        behind.append(any(found[i] is _POOL or behind[i] for i, _ in node.inputs))
    return behind


def _multiples(nodes: Sequence[Node], seen: Sequence[Field | None]) -> list[Pair]:
    """Return for each node the coarsest step on the way to it, where something on the way was enlarged."""
    coarsest: list[Steps] = []
    enlarged: list[bool] = []
    for node, field in zip(nodes, seen, strict=True):
        sources = [index for index, _ in node.inputs]
        steps = [coarsest[s] for s in sources] + ([] if field is None else [field.stride_px])
        before = [f.stride_px for s in sources if (f := seen[s]) is not None]
        coarsest.append((max((s[0] for s in steps), default=_ONE), max((s[1] for s in steps), default=_ONE)))
        finer = field is not None and any(_is_finer(field.stride_px, b) for b in before)
        enlarged.append(finer or any(enlarged[s] for s in sources))
    return [
        (math.ceil(down), math.ceil(across)) if up else (1, 1)
        for (down, across), up in zip(coarsest, enlarged, strict=True)
    ]


def _is_finer(steps: Steps, before: Steps) -> bool:
    return steps[0] < before[0] or steps[1] < before[1]


def _broken(
    nodes: Sequence[Node], input_shape: tuple[int, int, int], multiples: set[Pair]
) -> set[tuple[Pair, int]]:
    """Return pairs of a multiple and a node that cannot be had on about half the input, rounded up to it."""
    broken = set()
    for multiple in multiples:
        canvas = _half(input_shape[0], multiple[0]), _half(input_shape[1], multiple[1])
        if canvas != input_shape[:2]:  # else no smaller canvas is a multiple, and none is ever chosen
            working = symbolic_nodes(nodes, (*canvas, input_shape[2]))
            broken |= {(multiple, index) for index in range(len(nodes)) if index not in working}
    return broken


def _half(side: int, multiple: int) -> int:
    return min(side, math.ceil(side / 2 / multiple) * multiple)
