"""Responses of two loaded models to each other's HappyMaps, kept in the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from reportgen.compare import Version
from reportgen.compare.layers import cka_table, paired
from reportgen.compare.rows import cross_name
from reportgen.images import decode_png
from reportgen.models import cut_model
from reportgen.run.memory import forward_batch
from reportgen.spec import content_hash
from reportgen.store import StoredRender, layer_owner
from reportgen.units import Layer

if TYPE_CHECKING:
    from reportgen.models import Model

Load = Callable[[], "Model"]


def measure_cross_responses(a: Version, b: Version, load_a: Load, load_b: Load) -> int:
    """Measure each version's responses to the other's HappyMaps, unless the store has them.

    Only of layers that differ and whose pictures have the same size in both. One picture a unit: the first
    seed of the scored recipe.

    Args:
        load_a, load_b: Read the networks; called only if something is missing.

    Returns:
        The number of layers that were measured.
    """
    _, pairs = paired(a.record, b.record, cka_table(a, b))
    n = 0
    for x, y in pairs:
        if x.graph_hash == y.graph_hash or a.canvas(x) != b.canvas(y):
            continue
        if a.record.input_shape[2] != b.record.input_shape[2]:
            continue
        n += _measure(b, y, a, x, load_b)
        n += _measure(a, x, b, y, load_a)
    return n


def _measure(version: Version, layer: Layer, other: Version, other_layer: Layer, load: Load) -> bool:
    """Store a layer's responses to another version's pictures; return whether they were missing."""
    from reportgen.measure import responses

    scored = str(other.record.roles(other_layer.name).get("scored", ""))
    canvas = other.canvas(other_layer)
    first: dict[int, StoredRender] = {}
    for r in other.store.renders(other.record.id, other_layer.name, recipe=scored, sign="happy"):
        if not r.failure and (r.height, r.width) == canvas:
            first.setdefault(r.unit, r)
    if not first:
        return False
    owner, name = layer_owner(version.record.id, layer.name), cross_name(other.id, other_layer.name)
    mark = content_hash({"graph": layer.judged_hash, "keys": [r.key for r in first.values()]})
    if version.store.measurement_fingerprint(owner, name) == mark:
        return False
    cut = cut_model(load(), layer, canvas)
    pictures = np.stack([decode_png(r.picture, r.channels) for r in first.values()])
    found = responses(cut, pictures, batch=forward_batch(cut))
    marks = {
        "unit": np.array([r.unit for r in first.values()], np.int32),
        "seed": np.array([r.seed for r in first.values()], np.int32),
    }
    version.store.put_measurement(owner, name, mark, {**marks, "mean": found["mean"], "max": found["max"]})
    return True
