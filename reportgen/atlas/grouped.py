"""What a layer's findings say of single units: their group of those that answer alike, whether they can go.

Groups are counted here once, so that the number on a page is the number that the filter means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reportgen.atlas.rows import LayerRows
from reportgen.removal import Removal


class Grouped(NamedTuple):
    """What a layer's findings say of a unit.

    Attributes:
        alike: The number of its group of units that answer much alike, as its layer's page counts them from
            1; None where it is in none.
        superfluous: How it is known that the network does without it, `certain` or `measured`; else empty.
    """

    alike: int | None = None
    superfluous: str = ""


def listed_groups(rows: LayerRows, groups: Iterable[Sequence[int]]) -> list[list[int]]:
    """Return groups of two and more of a layer's units, in the order in which pages count them."""
    there = set(rows.units)
    known = ([unit for unit in group if unit in there] for group in groups)
    return sorted((g for g in known if len(g) > 1), key=lambda g: (-len(g), g[0]))


def similar_groups(rows: LayerRows) -> list[list[int]]:
    """Return the groups of a layer's units that answer much alike."""
    kinds = rows.findings.response_groups
    return listed_groups(rows, kinds.groups if kinds is not None else ())


def grouped_units(rows: LayerRows, removal: Removal | None) -> list[Grouped]:
    """Return what the findings say of each unit of a layer, in order.

    Args:
        rows: Of the layer.
        removal: The result of removal for the whole model version; None where it was not measured.
    """
    alike = {unit: at for at, group in enumerate(similar_groups(rows), 1) for unit in group}
    certain = set(rows.findings.certainly_superfluous or ())

    def superfluous(unit: int) -> str:
        if unit in certain:
            return "certain"
        need = rows.needs.get(unit)
        return "measured" if removal is not None and need is not None and removal.is_removed(need) else ""

    return [Grouped(alike.get(unit), superfluous(unit)) for unit in rows.units]
