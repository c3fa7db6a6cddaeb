"""Other versions: what comparisons found, as the pages of a version and of its units show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reportgen.atlas.addresses import Place, relative
from reportgen.atlas.comparison_rows import anchor_of
from reportgen.atlas.site_map import CHANGES, PAIR
from reportgen.atlas.views import Counterpart
from reportgen.comparison import (
    Comparison,
    Comparisons,
    LayerPair,
    Side,
    UnitChange,
    VersionId,
    counts_in_words,
    state_counts,
)

ByUnit = dict[int, tuple[Counterpart, ...]]


@dataclass(frozen=True, slots=True)
class VersionChange:
    """Two versions that were compared: which, their page from the version's folder, and units by state."""

    title: str
    href: str
    counted: str


def version_changes(found: Comparisons, places: Mapping[int, Place]) -> dict[int, tuple[VersionChange, ...]]:
    """Return the comparisons that each model version takes part in."""
    listed: dict[int, tuple[VersionChange, ...]] = {}
    for c in found.pairs:
        a, b = places[c.a.number], places[c.b.number]
        page = PAIR.at(model=a.model, version=a.version, other_model=b.model, other_version=b.version)
        rows = [x for pair in c.layers for x in pair.changes]
        counted = counts_in_words(state_counts(rows, c.a.version, c.b.version))
        names = (c.a.version, c.b.version) if c.a.model == c.b.model else (str(c.a), str(c.b))
        for place, number in ((a, c.a.number), (b, c.b.number)):
            change = VersionChange(" → ".join(names), relative(f"{place.folder}/x.html", page), counted)
            listed[number] = (*listed.get(number, ()), change)
    return listed


def counterparts_of(found: Comparisons, places: Mapping[int, Place]) -> dict[int, dict[str, ByUnit]]:
    """Return the counterparts of units, by model version, layer name and unit.

    Units that were scored in neither version are left out: pages that compare do not show them one by one.

    Args:
        found: Of versions of the same store.
        places: Of its model versions.
    """
    listed: dict[int, dict[str, ByUnit]] = {}
    for c in found.pairs:
        for pair in c.layers:
            for x in pair.changes:
                if (x.a and x.a.verdict) or (x.b and x.b.verdict):
                    _put(
                        listed, c.a, pair.layer_a, x.a, _seen(c, pair, x, places, c.a, c.b, x.b, pair.layer_b)
                    )
                    _put(
                        listed, c.b, pair.layer_b, x.b, _seen(c, pair, x, places, c.b, c.a, x.a, pair.layer_a)
                    )
    return listed


def _put(
    listed: dict[int, dict[str, ByUnit]], version: VersionId, layer: str, own: Side | None, other: Counterpart
) -> None:
    if own is not None:
        units = listed.setdefault(version.number, {}).setdefault(layer, {})
        units[own.unit] = (*units.get(own.unit, ()), other)


def _seen(
    c: Comparison, pair: LayerPair, x: UnitChange, places: Mapping[int, Place],
    here: VersionId, there: VersionId, other: Side | None, layer: str,
) -> Counterpart:  # fmt: skip
    """Return what a page of version `here` shows of the unit `other` in `layer` of version `there`."""
    page, place = f"{places[here.number].folder}/x.html", places[there.number]
    a, b = places[c.a.number], places[c.b.number]
    change = CHANGES.at(
        model=a.model, version=a.version, other_model=b.model, other_version=b.version,
        layer=b.slug(pair.layer_b) or "",
    )  # fmt: skip
    shown = other is not None and bool(other.verdict)
    return Counterpart(
        version=there.version if there.model == here.model else str(there),
        layer=layer,
        unit="" if other is None else str(other.unit),
        state=x.state + ("?" if x.uncertain else ""),
        href=relative(page, place.address(place.slug(layer) or "", other.unit)) if other and shown else "",
        change=relative(page, f"{change}#{anchor_of(x)}"),
    )
