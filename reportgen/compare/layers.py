"""Which layer of one version is which of another: by name, by place, or by how alike they answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.compare import cka
from reportgen.compare.rows import Version
from reportgen.measure.probes import probe_names
from reportgen.store import ModelRecord, layer_owner
from reportgen.units import Layer

_PLACES = 4
"""Places of a map that layers are compared at; the first of the sampled ones are spread over all of it."""

Floats = NDArray[np.float32]
Pair = tuple[Layer, Layer]


def cka_table(a: Version, b: Version) -> cka.Table:
    """Return debiased linear CKA of every layer of A with every layer of B; None where not measured."""
    grams_a, grams_b = ([_grams(v, layer) for layer in v.record.layers] for v in (a, b))
    return tuple(tuple(_both(x, y) for y in grams_b) for x in grams_a)


def paired(a: ModelRecord, b: ModelRecord, table: cka.Table) -> tuple[str, list[Pair]]:
    """Return how layers were paired (`name`, `position` or `cka`), and the pairs in A's order.

    Names decide where most layers share theirs; else places, where both networks have the same kinds of
    layers in the same order; else `cka.aligned`.
    """
    names = {layer.name: layer for layer in b.layers}
    shared = [(x, names[x.name]) for x in a.layers if x.name in names and _pairable(x, names[x.name])]
    if len(shared) > 0.5 * max(len(a.layers), len(b.layers)):
        return "name", shared
    if [x.kind for x in a.layers] == [x.kind for x in b.layers]:
        return "position", list(zip(a.layers, b.layers, strict=True))
    alike = [[_pairable(x, y) for y in b.layers] for x in a.layers]
    return "cka", [(a.layers[i], b.layers[j]) for i, j in cka.aligned(table, alike)]


def changed_before(record: ModelRecord, changed: set[str], layer: str) -> bool:
    """Return whether any layer that a layer reads from, however far back, is among those that changed."""
    names = [name for name, _ in record.graph.nodes]
    if layer not in names:
        return False
    sources: dict[int, list[int]] = {}
    for start, end in record.graph.edges:
        sources.setdefault(end, []).append(start)
    seen, waiting = set(), list(sources.get(names.index(layer), ()))
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        if names[at] in changed:
            return True
        waiting += sources.get(at, ())
    return False


def _pairable(a: Layer, b: Layer) -> bool:
    return a.is_map == b.is_map


def _grams(version: Version, layer: Layer) -> dict[str, Floats]:
    """Return products of answers at a few places of each probe, for maps, and of each probe's mean."""
    owner = layer_owner(version.record.id, layer.name)
    probes = version.store.measurement(owner, "probes") or {}
    mean, samples, n = probes.get("mean"), probes.get("samples"), len(probe_names())
    found = {}
    if mean is not None and mean.shape == (n, layer.n_units) and np.isfinite(mean).all():
        found["pictures"] = cka.gram(mean)
    if layer.is_map and samples is not None and samples.ndim == 3 and len(samples) == n:
        places = samples[:, :_PLACES].reshape(-1, samples.shape[2])
        if np.isfinite(places).all():
            found["places"] = cka.gram(places)
    return found


def _both(a: dict[str, Floats], b: dict[str, Floats]) -> float | None:
    for name in ("places", "pictures"):
        if name in a and name in b and a[name].shape == b[name].shape:
            return cka.cka(a[name], b[name])
    return None
