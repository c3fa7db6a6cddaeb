"""Which earlier units feed a unit most, and which later units it feeds, read from the weights alone.

Links are followed through everything without units of its own (see `routes`). A link's strength is the
norm of the kernel slice between two units, its sign that of the slice's sum. A unit all of whose outgoing
weights are zero is proved unused. No network is run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reportgen.measure.equal_units import equal_units
from reportgen.measure.kernels import Kernel, kernel_of, slices
from reportgen.measure.routes import NO_UNIT, Route, Routes, routes_of

if TYPE_CHECKING:
    from reportgen.models import Model

LINKS = 16
"""Links kept for each unit and direction."""
_UNITS_AT_ONCE = 512

Arrays = dict[str, np.ndarray]
Floats = NDArray[np.float64]


@dataclass
class _Links:
    """The strongest links found so far of each unit of a layer, best first.

    `names` lists the layers that `layer` points into; `unit` is -1 where there is no link.
    """

    n_units: int
    names: list[str] = field(default_factory=list)
    layer: NDArray[np.int64] = field(init=False)
    unit: NDArray[np.int64] = field(init=False)
    weight: Floats = field(init=False)
    norm: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.layer = np.zeros((self.n_units, 0), np.int64)
        self.unit = np.zeros((self.n_units, 0), np.int64)
        self.weight, self.norm = np.zeros((self.n_units, 0)), np.zeros((self.n_units, 0))

    def offer(self, name: str, norms: Floats, weights: Floats, rows: slice, first_unit: int) -> None:
        """Add `(rows, m)` links to units `first_unit...` of a layer, keeping the strongest."""
        if name not in self.names:
            self.names.append(name)
        width = min(LINKS, norms.shape[1])
        best = np.argsort(-norms, axis=1, kind="stable")[:, :width]
        n, at = self.n_units, rows

        def padded(values: np.ndarray, fill: float) -> np.ndarray:
            full = np.full((n, width), fill, values.dtype)
            full[at] = values
            return full

        norm = padded(np.take_along_axis(norms, best, 1), 0.0)
        unit = np.where(norm > 0, padded(best + first_unit, NO_UNIT), NO_UNIT)
        layer = np.full((n, width), self.names.index(name))
        weight = padded(np.take_along_axis(weights, best, 1), 0.0)
        self._merge(layer, unit, weight, norm)

    def _merge(self, layer: np.ndarray, unit: np.ndarray, weight: Floats, norm: Floats) -> None:
        norms = np.concatenate([self.norm, norm], axis=1)
        order = np.argsort(-norms, axis=1, kind="stable")[:, :LINKS]
        pairs = ((self.layer, layer), (self.unit, unit), (self.weight, weight), (self.norm, norm))
        merged = [np.take_along_axis(np.concatenate(p, axis=1), order, 1) for p in pairs]
        used = (merged[1] != NO_UNIT).any(axis=0)
        self.layer, self.unit, self.weight, self.norm = (m[:, used] for m in merged)

    def arrays(self, prefix: str) -> Arrays:
        names = np.array([*self.names, ""])
        layer = np.where(self.unit == NO_UNIT, len(self.names), self.layer)
        return {
            f"{prefix}_layer": names[layer],
            f"{prefix}_unit": self.unit.astype(np.int32),
            f"{prefix}_weight": _as_float32(self.weight),
            f"{prefix}_norm": _as_float32(self.norm),
        }


def weights(model: Model) -> dict[str, Arrays]:
    """Return each unit's strongest links to earlier and later units, and its total outgoing weight.

    Returns:
        For each layer name, with K units and at most 16 links each, the strongest first:
        `in_layer`: `(K, <=16)` text, `in_unit`: int32, the units that feed it; `in_weight`: float32, the
        signed sum of the kernel slice, over all positions where a map was flattened; `in_norm`: float32,
        its L2 norm. Where a unit has fewer links, the rest is "", -1, 0 and 0. The picture is no unit.
        `out_layer`, `out_unit`, `out_weight`, `out_norm`: the same for the units it feeds.
        `out_total`: `(K,)` float64, the sum of magnitudes of all weights that read the unit. 0 proves that
        it is unused; inf where the unit is, or passes into, an output of the model; nan where it enters an
        operation whose weights are unknown.
        `equal_to`: `(K,)` int32, see `equal_units`.
        `kernel`: `(kh, kw, cin, K)` float32, red first, only for a convolution that reads the picture itself.
    """
    routes = routes_of(model)
    sizes = {layer.name: layer.n_units for layer in model.layers}
    incoming = {name: _Links(n) for name, n in sizes.items()}
    outgoing = {name: _Links(n) for name, n in sizes.items()}
    totals = {name: np.zeros(n) for name, n in sizes.items()}
    layer_at = {tap.weights: name for name, tap in model.taps.items()}
    result: dict[str, Arrays] = {name: {} for name in model.taps}
    for index, node in enumerate(model.nodes):
        name, kernel = layer_at.get(index), kernel_of(node)
        sources = [r for ref in node.inputs for r in routes.of.get(ref, ())]
        if kernel is None:
            if name is not None or node.kind in _WEIGHTED:
                routes.leaks += sources
            continue
        for route in sources:
            into = (name, incoming[name], outgoing[route.layer]) if name is not None else None
            _add_links(route, kernel, totals[route.layer], into)
        if name is not None and model.layer(name).first and kernel.kind in ("conv2d", "separable_conv2d"):
            red_first = kernel.weights[:, :, ::-1] if model.input_range.order == "bgr" else kernel.weights
            result[name]["kernel"] = red_first.astype(np.float32)
    _mark_leaks_and_outputs(totals, routes)
    for name, arrays in result.items():
        arrays |= incoming[name].arrays("in") | outgoing[name].arrays("out") | {"out_total": totals[name]}
        arrays["equal_to"] = equal_units(model, name)
    return result


_WEIGHTED = ("conv2d", "depthwise_conv2d", "separable_conv2d", "conv2d_transpose", "dense")


def _add_links(route: Route, kernel: Kernel, total: Floats, into: tuple[str, _Links, _Links] | None) -> None:
    """Add the links between the units of a route and those of the layer that reads it."""
    n_sources = len(total)
    gather = _gather_matrix(route, kernel.n_inputs, n_sources)
    if gather is None:
        total[np.unique(route.units[route.units >= 0])] = np.nan
        return
    for start in range(0, kernel.n_units, _UNITS_AT_ONCE):
        units = slice(start, min(start + _UNITS_AT_ONCE, kernel.n_units))
        squares, sums, magnitudes = (np.asarray(gather @ part) for part in slices(kernel, units))
        total += magnitudes.sum(axis=1)
        if into is not None:
            name, incoming, outgoing = into
            norms = np.sqrt(squares)
            incoming.offer(route.layer, norms.T, sums.T, units, 0)
            outgoing.offer(name, norms, sums, slice(None), start)


def _gather_matrix(route: Route, n_inputs: int, n_sources: int) -> Any:
    """Return the `(n_sources, n_inputs)` matrix that adds up inputs by the unit they carry.

    A channel of a map carries the same unit at all positions, unless the map was reshaped. None if the
    route is not as wide as the kernel.
    """
    by_position = route.units.reshape(-1, route.units.shape[-1])
    if by_position.shape[1] != n_inputs:
        return None
    gather = sparse.csr_matrix((n_sources, n_inputs))
    for row in np.unique(by_position, axis=0):
        carried = np.flatnonzero(row >= 0)
        gather = gather.maximum(
            sparse.csr_matrix((np.ones(len(carried)), (row[carried], carried)), (n_sources, n_inputs))
        )
    return gather


def _mark_leaks_and_outputs(totals: dict[str, Floats], routes: Routes) -> None:
    """Set the totals of units that leave the known graph: nan where they leak, inf where they are outputs."""
    for ends, value in ((routes.leaks, np.nan), (routes.outputs, np.inf)):
        for route in ends:
            totals[route.layer][np.unique(route.units[route.units >= 0])] = value


def _as_float32(values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return float32; sums outside its range are infinite, as they would be in the network."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32)
