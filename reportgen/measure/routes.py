"""Which units each channel of each tensor carries, through all operations without units of their own.

A route names an earlier layer and, for every channel of a tensor, the unit of that layer it carries.
Normalisations, activations, pools, reshapes and joins pass routes on; a layer with weights begins a new
one. Where an operation without units mixes channels, its sources leak: what they feed is then not fully
known. Weights are not read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import activation_called
from reportgen.measure.interval_rules import AFFINE, VALUE_PRESERVING, axis_order
from reportgen.models.graph.kinds import POOLS, UNIT_KINDS

if TYPE_CHECKING:
    from reportgen.models import Model, Node

Ref = tuple[int, int]
Indices = NDArray[np.int64]

NO_UNIT = -1
"""The unit of a channel that carries none of the layer's units."""


@dataclass(frozen=True)
class Route:
    """The units of one layer that a tensor carries.

    Attributes:
        layer: Its name.
        units: Unit of each value, `(H or 1, W or 1, C)` or `(C,)`; `NO_UNIT` where it is another's.
    """

    layer: str
    units: Indices


@dataclass
class Routes:
    """All routes of a model.

    Attributes:
        of: Routes of every tensor; none for the picture and for what follows an unknown operation.
        leaks: Routes that enter an operation that mixes channels and is no layer with units.
        outputs: Routes that end in an output of the model.
    """

    of: dict[Ref, tuple[Route, ...]] = field(default_factory=dict)
    leaks: list[Route] = field(default_factory=list)
    outputs: list[Route] = field(default_factory=list)


def routes_of(model: Model) -> Routes:
    """Return the routes of every tensor of the graph."""
    found = Routes()
    layer_at = {tap.weights: name for name, tap in model.taps.items()}
    read: set[Ref] = set()
    for index, node in enumerate(model.nodes):
        read.update(node.inputs)
        inputs = [found.of.get(ref, ()) for ref in node.inputs]
        if index in layer_at or node.kind in UNIT_KINDS:
            name = layer_at.get(index)
            found.of[index, 0] = () if name is None else (_start(name, node),)
            continue
        if _mixes(node):
            found.leaks += [route for routes in inputs for route in routes]
        passed = _passed(model, node, inputs)
        if passed is None:
            found.leaks += [route for routes in inputs for route in routes]
        found.of[index, 0] = passed or ()
    for ref, routes in found.of.items():
        if ref not in read:
            found.outputs += routes
    return found


def _start(name: str, node: Node) -> Route:
    shape = node.output_shapes[0]
    units = np.arange(int(shape[-1] or 0))
    return Route(name, units.reshape((1,) * (len(shape) - 2) + (-1,)))


def _mixes(node: Node) -> bool:
    """Whether each value also depends on other channels, though it mostly carries its own."""
    if node.kind == "batch_normalization":
        return False
    row = activation_called(node.function)
    return (row is not None and row.reach in ("channels", "pairs")) or (
        node.kind.endswith("normalization") and node.kind != "normalization"
    )


def _passed(model: Model, node: Node, inputs: list[tuple[Route, ...]]) -> tuple[Route, ...] | None:
    """Return the routes that a node without units passes on; None if they are unknown."""
    if node.kind == "input":
        return ()
    if node.kind == "concatenate" and len(inputs) > 1:
        return _side_by_side(model, node, inputs)
    if (node.kind in AFFINE or node.kind in _JOINS) and len(inputs) > 1:
        return _unique([route for routes in inputs for route in routes])
    if len(inputs) != 1:
        return None
    if node.kind in _RESHAPES:
        return _reshaped(model, node, inputs[0])
    if _drops_positions(node):
        rank = len(node.output_shapes[0])
        routes = [
            Route(r.layer, part if rank == 2 else part[None, None])
            for r in inputs[0]
            for part in r.units.reshape(-1, r.units.shape[-1])
        ]
        return _unique(routes)
    row = activation_called(node.function)
    keeps = node.function and (row is None or row.reach != "pairs")
    if keeps or node.kind in _PASSING or node.kind in AFFINE or node.kind.endswith("normalization"):
        return inputs[0]
    return None


def _drops_positions(node: Node) -> bool:
    if node.kind in ("mean", "max", "min", "sum"):
        axes = getattr(node.operation, "axis", None)
        return axes is not None and sorted(np.ravel(axes) % 4) == [1, 2]
    return node.kind in ("global_average_pooling2d", "global_max_pooling2d")


def _reshaped(model: Model, node: Node, routes: tuple[Route, ...]) -> tuple[Route, ...] | None:
    before = _sides(model.nodes[node.inputs[0][0]].output_shapes[node.inputs[0][1]])
    after = _sides(node.output_shapes[0])
    if before is None or after is None or np.prod(before) != np.prod(after):
        return None
    passed = []
    for route in routes:
        units = np.broadcast_to(route.units, before)
        if node.kind in ("permute", "transpose"):
            order = axis_order(node)
            if order is None or len(order) != len(before):
                return None
            units = units.transpose(order)
        passed.append(Route(route.layer, units.reshape(after)))
    return tuple(passed)


def _sides(shape: Sequence[int | None]) -> tuple[int, ...] | None:
    """Return a shape without its batch axis; None where a side is unknown or there are too many."""
    sides = tuple(int(n) for n in shape[1:] if n is not None)
    return sides if len(sides) == len(shape) - 1 and len(sides) in (1, 2, 3) else None


def _side_by_side(model: Model, node: Node, inputs: list[tuple[Route, ...]]) -> tuple[Route, ...] | None:
    shapes = [model.nodes[i].output_shapes[output] for i, output in node.inputs]
    axis = int(getattr(node.operation, "axis", -1))
    if axis not in (-1, len(shapes[0]) - 1):
        return _unique([route for routes in inputs for route in routes])
    widths = [int(shape[-1] or 0) for shape in shapes]
    if 0 in widths:
        return None
    passed = []
    for position, routes in enumerate(inputs):
        before, after = sum(widths[:position]), sum(widths[position + 1 :])
        for route in routes:
            margins = [(0, 0)] * (route.units.ndim - 1) + [(before, after)]
            passed.append(Route(route.layer, np.pad(route.units, margins, constant_values=NO_UNIT)))
    return tuple(passed)


def _unique(routes: Sequence[Route]) -> tuple[Route, ...]:
    kept: list[Route] = []
    for route in routes:
        if not any(r.layer == route.layer and np.array_equal(r.units, route.units) for r in kept):
            kept.append(route)
    return tuple(kept)


_JOINS = {"average", "maximum", "minimum"}
_RESHAPES = {"flatten", "reshape", "permute", "transpose", "squeeze", "expand_dims"}
_PASSING = (
    VALUE_PRESERVING
    | POOLS
    | {
        "zero_padding2d",
        "cropping2d",
        "up_sampling2d",
        "resizing",
        "rescaling",
        "clip",
        "pad",
        "abs",
        "absolute",
    }
    | {"square", "sqrt"}
)
