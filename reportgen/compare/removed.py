"""Which units of a version go together at the count that was chosen, as removal on pictures showed.

A unit is here one that can be removed; channels that can only go together are one. Others are in neither set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reportgen.compare.rows import Version


@dataclass(frozen=True, slots=True)
class RemovedUnits:
    """The units of a layer that can be removed.

    Attributes:
        gone: Those that went.
        left: Those that stayed.
    """

    gone: frozenset[int]
    left: frozenset[int]


def removed_units(version: Version) -> Mapping[str, RemovedUnits] | None:
    """Return by layer which units went and which stayed; None where removal was not measured."""
    store, model = version.store, version.record.id
    removal = store.removal(model)
    if removal is None:
        return None
    found = {}
    for layer in removal.layers:
        kept = frozenset(layer.kept)
        known = frozenset(need.unit for need in store.needs(model, layer.layer))
        found[layer.layer] = RemovedUnits(known - kept, known & kept)
    return found
