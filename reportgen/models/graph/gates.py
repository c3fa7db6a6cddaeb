"""Receptive fields with gates ignored, and the canvases that a network with gates or upsampling works on.

A gate pools a whole map to one number for each channel, transforms these, and scales or shifts a map with
the result: squeeze-and-excite blocks, and the attention of text detectors. After a gate every position
depends on the whole input; apart from the gate it still has a local receptive field, and the network works
at any size. `receptive_field` adds up fields without gates; `plan` chooses the size of a canvas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from reportgen.models.graph.kinds import MERGES
from reportgen.models.graph.receptive_field import ReceptiveField, next_receptive_field
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
    """The local receptive field of a node's first output, and the canvases the node works on.

    Attributes:
        field: With gates ignored; None where it is the whole input all the same.
        multiple_px: The sides of a canvas must be multiples of these.
    """

    field: ReceptiveField | None
    multiple_px: Pair = (1, 1)


class _Pooled:
    """Marks values without positions, as many on any canvas: a gate before it is applied."""


_POOL = _Pooled()


def localities(nodes: Sequence[Node], input_shape: tuple[int, int, int]) -> list[Locality]:
    """Return the local receptive field of each node's first output, with gates ignored.

    After a gate a field is kept only if that part of the network works on a smaller canvas, which is tried.
    """
    found: list[ReceptiveField | _Pooled | None] = []
    for node in nodes:
        found.append(_local_field(node, [(found[i], nodes[i].output_shapes[o]) for i, o in node.inputs]))
    local = [f if isinstance(f, ReceptiveField) else None for f in found]
    multiples = _multiples(nodes, local)
    behind = _behind_gates(nodes, found)
    broken = _broken(nodes, input_shape, {m for m, gated in zip(multiples, behind, strict=True) if gated})
    return [
        Locality(None if gated and (m, index) in broken else field, m)
        for index, (field, m, gated) in enumerate(zip(local, multiples, behind, strict=True))
    ]


def _local_field(
    node: Node, sources: Sequence[tuple[ReceptiveField | _Pooled | None, Shape]]
) -> ReceptiveField | _Pooled | None:
    if node.kind == "input":
        return ReceptiveField.of_one_pixel()
    if not sources or any(field is None for field, _ in sources):
        return None
    maps = [field for field, _ in sources if isinstance(field, ReceptiveField)]
    gates = [shape for field, shape in sources if field is _POOL]
    shape = node.output_shapes[0]
    if not maps:  # no positions come in, so none may go out: they would be of one size only
        return _POOL if len(shape) != 4 or shape[1:].count(1) >= 2 else None
    if gates:
        apart = node.kind not in _JOINED or not all(len(g) == 4 and g[1:3] == (1, 1) for g in gates)
        return None if apart else maps[0] if len(maps) == 1 else next_receptive_field(node, maps)
    if _pools_everything(node):
        return _POOL
    return next_receptive_field(node, maps) if len(shape) == 4 else None


def _pools_everything(node: Node) -> bool:
    """Whether each channel of a map becomes one number, at any size."""
    if node.kind in _POOLED:
        return True
    axis = getattr(node.operation, "axis", None)
    axes = axis if isinstance(axis, (list, tuple)) else ()
    return node.kind in _REDUCED and {int(a) % 4 for a in axes} == {1, 2}


def _behind_gates(nodes: Sequence[Node], found: Sequence[ReceptiveField | _Pooled | None]) -> list[bool]:
    behind: list[bool] = []
    for node in nodes:
        behind.append(any(found[i] is _POOL or behind[i] for i, _ in node.inputs))
    return behind


def _multiples(nodes: Sequence[Node], local: Sequence[ReceptiveField | None]) -> list[Pair]:
    """Return for each node the coarsest stride on the way to it, if something on the way was upsampled."""
    coarsest: list[Steps] = []
    enlarged: list[bool] = []
    for node, field in zip(nodes, local, strict=True):
        sources = [index for index, _ in node.inputs]
        steps = [coarsest[s] for s in sources] + ([] if field is None else [field.stride_px])
        before = [f.stride_px for s in sources if (f := local[s]) is not None]
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
    """Return pairs of a multiple and a node that fails on half the input, rounded up to the multiple."""
    broken = set()
    for multiple in multiples:
        canvas = _half(input_shape[0], multiple[0]), _half(input_shape[1], multiple[1])
        if canvas != input_shape[:2]:  # else no smaller canvas is a multiple, so none is ever chosen
            working = symbolic_nodes(nodes, (*canvas, input_shape[2]))
            broken |= {(multiple, index) for index in range(len(nodes)) if index not in working}
    return broken


def _half(side: int, multiple: int) -> int:
    return min(side, math.ceil(side / 2 / multiple) * multiple)
