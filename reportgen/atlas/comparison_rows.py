"""What became of each unit of a pair of layers, as rows of a page: its place, pictures and group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reportgen.atlas.addresses import Place
from reportgen.atlas.comparison_pictures import Strip
from reportgen.atlas.pages import Pages
from reportgen.atlas.words import UNSCORED, mark, runs
from reportgen.comparison import Comparison, LayerPair, Side, UnitChange, VersionId, state_counts, state_key
from reportgen.spec import AtlasSpec
from reportgen.store import ModelRecord, Store

_MOST_OPEN = 12
"""Rows of a group that is not folded."""


@dataclass(frozen=True)
class ComparisonContext:
    """What the pages are made from: the store, its versions and where they stand, and the templates."""

    store: Store
    records: Mapping[int, ModelRecord]
    places: Mapping[int, Place]
    pages: Pages
    spec: AtlasSpec

    def place(self, version: VersionId) -> Place:
        """Return where a version stands."""
        return self.places[version.number]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideView:
    """A unit in one of two versions.

    Attributes:
        unit: Its index.
        mark, verdict: Of it; a question mark behind the word where it is borderline.
        structure: Its score.
        href: Its address; empty where it has none.
        strip: Its pictures, where it has some here, and `alt`, what they are.
        version: Its version's label.
    """

    unit: int
    mark: str
    verdict: str
    structure: float | None
    href: str
    strip: Strip | None
    alt: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of a unit.

    Attributes:
        anchor: Of it on the page of its layer.
        key: Its state, see `state_key`.
        page, layer: That page, and the layer's name in B.
        change: What was found.
        sides: In A and in B; None where it has no counterpart.
    """

    anchor: str
    key: str
    page: str
    layer: str
    change: UnitChange
    sides: tuple[SideView | None, SideView | None]


def row(context: ComparisonContext, c: Comparison, pair: LayerPair, x: UnitChange,
         own: Sequence[Mapping[int, Strip]]) -> Row:  # fmt: skip
    """Return what a page shows of one unit.

    Args:
        own: Strips of pictures by unit, of A and of B.
    """
    slug = context.place(c.b).slug(pair.layer_b) or ""
    before = _side(context, c.a, pair.layer_a, x.a, own[0])
    after = _side(context, c.b, pair.layer_b, x.b, own[1])
    return Row(
        anchor=anchor_of(x), key=state_key(x), page=f"{slug}.html", layer=pair.layer_b, change=x,
        sides=(before, after),
    )  # fmt: skip


def _side(context: ComparisonContext, version: VersionId, layer: str, side: Side | None,
          found: Mapping[int, Strip]) -> SideView | None:  # fmt: skip
    if side is None:
        return None
    place = context.place(version)
    strip = found.get(side.unit)
    alt = f"HappyMaps of {layer} unit {side.unit} in {version.version}: display picture, then starts"
    return SideView(
        unit=side.unit,
        mark=mark(side.verdict),
        verdict=(side.verdict or UNSCORED) + ("?" if side.borderline else ""),
        structure=side.structure,
        href=place.address(place.slug(layer) or "", side.unit) if side.verdict else "",
        strip=strip,
        alt=alt,
        version=version.version,
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a layer under one title, folded where they are many."""

    slug: str
    title: str
    rows: tuple[Row, ...]
    open: bool


def groups(rows: Sequence[Row]) -> list[Group]:
    """Return a layer's rows that have pictures, by what became of them; the first group is never folded."""
    shown = [r for r in rows if _scored(r)]
    changed = [r for r in shown if not r.change.kept]
    own = [r for r in changed if not r.change.consequence and r.change.state != "unmatched"]
    titled = [
        ("changed", "Changed", own),
        ("consequences", "Changed because of an earlier layer", [r for r in changed if r.change.consequence]),
        ("moved", "Moved", sorted((r for r in shown if r.change.state == "moved"), key=_by_similarity)),
        ("unmatched", "Unmatched", [r for r in changed if r.change.state == "unmatched"]),
    ]
    titled = [group for group in titled if group[2]]
    return [
        Group(slug, title, tuple(found), at == 0 or len(found) <= _MOST_OPEN)
        for at, (slug, title, found) in enumerate(titled)
    ]


def _scored(row: Row) -> bool:
    """Whether there is anything to see of it: a side that was scored."""
    return any(side is not None and side.verdict != UNSCORED for side in row.sides)


def unscored(rows: Sequence[Row], c: Comparison) -> list[tuple[str, int, str]]:
    """Return `(what became of them, how many, which)` of units that are scored in neither version."""
    found: dict[str, list[int]] = {}
    for row in rows:
        if row.change.state != "unchanged" and not _scored(row):
            side = row.sides[1] or row.sides[0]
            found.setdefault(state_key(row.change), []).append(side.unit if side else 0)
    counted = {count.key: count for count in state_counts((r.change for r in rows), c.a.version, c.b.version)}
    return [
        (count.words, len(found[key]), runs(sorted(found[key])).replace("-", "–").replace(" ", ", "))
        for key, count in counted.items()
        if key in found
    ]


def _by_similarity(row: Row) -> float:
    return row.change.similarity if row.change.similarity is not None else 1.0


def key_of(pair: LayerPair, x: UnitChange) -> tuple[str, str]:
    """Return what names a unit among those of a comparison."""
    return (pair.layer_b, anchor_of(x))


def anchor_of(x: UnitChange) -> str:
    """Return the anchor of a unit on the page that compares its layer."""
    return f"b{x.b.unit}" if x.b is not None else f"a{x.a.unit if x.a else ''}"


def rows_in_order(pair: LayerPair) -> list[UnitChange]:
    """Return rows with own changes first, then consequences, then what was kept."""
    return sorted(pair.changes, key=lambda x: (x.kept, x.consequence))


def pictured_units(pair: LayerPair, most: int) -> dict[str, list[int]]:
    """Return the units of A (`a`) and of B (`b`) that are shown with pictures, at most so many rows."""
    rows = sorted((x for x in pair.changes if x.state != "unchanged"), key=_worth_showing)[:most]
    return {
        "a": [x.a.unit for x in rows if x.a is not None],
        "b": [x.b.unit for x in rows if x.b is not None],
    }


def _worth_showing(x: UnitChange) -> tuple[bool, bool, bool]:
    """Own changes first, then consequences, then what moved, then what has no counterpart."""
    return (x.state == "unmatched", x.kept, x.consequence)
