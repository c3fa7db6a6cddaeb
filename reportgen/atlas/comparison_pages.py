"""The pages that compare versions: what changed, unit by unit, and lines over versions.

They take a comparison as plain values; how it was found is not known here. Addresses: `c/index.html`;
`c/<model>/series.html`; `c/<model>/<version>/<model>/<version>/index.html`, A's place before B's; and in the
same folder a page for each of B's layers, with an anchor for every unit, `#b<unit>`, or `#a<unit>` for one
that is only in A.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reportgen.atlas.addresses import Place
from reportgen.atlas.comparison_pictures import TILE_PX, Strip, encoded, strips
from reportgen.atlas.comparison_plots import cka_plot, flow_plot, lines_plot
from reportgen.atlas.pages import Pages, template_folder
from reportgen.atlas.site_map import CHANGES, COMPARISONS, PAIR, SERIES, VERSIONS
from reportgen.atlas.words import mark
from reportgen.comparison import (
    STATES,
    Comparison,
    Comparisons,
    LayerPair,
    Series,
    Side,
    UnitChange,
    VersionId,
    sentences,
)
from reportgen.spec import AtlasSpec
from reportgen.store import ModelRecord, Store

MOST_PICTURED = 2000
"""Changed units of a comparison that have pictures; each layer has an equal part."""
_LEAST_PICTURED = 24
_N_LARGEST = 12
_MEASURES = (
    ("structured_share", "Structured share"),
    ("dead", "Dead units"),
    ("copies", "Copies beyond the first"),
    ("certain", "Certainly superfluous"),
    ("units", "Units scored"),
)
_STATE_MARKS = {
    "unchanged": "t",
    "moved": "t",
    "sharpened": "s",
    "blurred": "u",
    "re-purposed": "m",
    "died": "x",
    "born": "f",
    "unmatched": "n",
}


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
        page, layer: That page, and the layer's name in B.
        change: What was found.
        sides: In A and in B; None where it has no counterpart.
    """

    anchor: str
    page: str
    layer: str
    change: UnitChange
    sides: tuple[SideView | None, SideView | None]


def comparison_files(context: ComparisonContext, found: Comparisons) -> Iterator[tuple[str, bytes]]:
    """Yield `(path, bytes)` of all files about how versions differ; nothing where nothing was compared."""
    if not (found.pairs or found.series):
        return
    styles = {name: _asset(name) for name in ("compare.css", "compare.js")}
    yield from styles.values()
    extra = {name.partition(".")[2]: path for name, (path, _) in styles.items()}
    written: set[str] = set()
    for c in found.pairs:
        yield from _pair_files(context, c, extra, written)
    for series in found.series:
        path = series_path(context, series)
        plots = [(title, lines_plot(series, measure, title)) for measure, title in _MEASURES]
        yield path, context.pages.page(
            SERIES.template, path, extra=extra, series=series, plots=[x for x in plots if x[1]],
            table=_table(series), links=[context.place(v).index for v in series.versions],
        )  # fmt: skip
    path = VERSIONS.address
    pairs = [(pair_path(context, c), c, sentences(c)) for c in found.pairs]
    lines = [(series_path(context, s), s) for s in found.series]
    yield (
        path,
        context.pages.page(VERSIONS.template, path, extra=extra, pairs=pairs, series=lines, bar=state_bar),
    )


def pair_path(context: ComparisonContext, c: Comparison, layer: str | None = None) -> str:
    """Return the path of a comparison's page, or of one of its layers' by slug."""
    a, b = context.place(c.a), context.place(c.b)
    names = {"model": a.model, "version": a.version, "other_model": b.model, "other_version": b.version}
    return PAIR.at(**names) if layer is None else CHANGES.at(**names, layer=layer)


def series_path(context: ComparisonContext, series: Series) -> str:
    """Return the path of a series' page."""
    return SERIES.at(model=context.place(series.versions[-1]).model)


def state_bar(counts: Mapping[str, int]) -> list[tuple[str, float, float]]:
    """Return `(mark, left, width)` in per cent, in the order of the states."""
    total, left, found = sum(counts.values()) or 1, 0.0, []
    for state in STATES:
        share = 100 * counts.get(state, 0) / total
        if share:
            found.append((_STATE_MARKS[state], round(left, 3), round(share, 3)))
            left += share
    return found


def _pair_files(
    context: ComparisonContext, c: Comparison, extra: Mapping[str, str], written: set[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of one comparison; `written` are strips that others have brought already."""
    n_pictured = max(_LEAST_PICTURED, MOST_PICTURED // max(len(c.layers), 1))
    largest: dict[tuple[str, str], Row] = {}
    wanted = {(_key(pair, x)) for pair, x in c.largest(_N_LARGEST)}
    slugs = [context.place(c.b).slug(pair.layer_b) or "" for pair in c.layers]
    for i, pair in enumerate(c.layers):
        pictured = _pictured(pair, n_pictured)
        own = [_strips(context, c, pair, pictured, side) for side in ("a", "b")]
        for side, found in zip(("a", "b"), own, strict=True):
            yield from _strip_files(context, c, pair, side, found, written)
        rows = [_row(context, c, pair, x, own) for x in _sorted(pair)]
        largest |= {
            _key(pair, x): r for x, r in zip(_sorted(pair), rows, strict=True) if _key(pair, x) in wanted
        }
        path = pair_path(context, c, slugs[i])
        around = {"previous": slugs[i - 1] if i else "", "next": slugs[i + 1] if i + 1 < len(slugs) else ""}
        yield path, context.pages.page(
            CHANGES.template, path, extra=extra, c=c, pair=pair, bar=state_bar, state_mark=_STATE_MARKS,
            flow=flow_plot(pair.flow, str(c.a), str(c.b)), around=around, tile=TILE_PX,
            groups=_groups(rows), kept=[r for r in rows if r.change.state == "unchanged"],
            pages_a=context.place(c.a).index, pages_b=context.place(c.b).index,
        )  # fmt: skip
    path = pair_path(context, c)
    layers = [
        (slug, pair, flow_plot(pair.flow, str(c.a), str(c.b)))
        for slug, pair in zip(slugs, c.layers, strict=True)
    ]
    yield path, context.pages.page(
        PAIR.template, path, extra=extra, c=c, layers=layers, bar=state_bar, state_mark=_STATE_MARKS,
        sentences=sentences(c), cka=cka_plot(c), tile=TILE_PX,
        largest=[largest[_key(pair, x)] for pair, x in c.largest(_N_LARGEST)],
        pages_a=context.place(c.a).index, pages_b=context.place(c.b).index,
    )  # fmt: skip


def _groups(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Return a layer's rows that have pictures, by title."""
    changed = [r for r in rows if not r.change.kept]
    own = [r for r in changed if not r.change.consequence and r.change.state != "unmatched"]
    groups = [
        ("Changed", own),
        ("Changed because of an earlier layer", [r for r in changed if r.change.consequence]),
        ("Moved", sorted((r for r in rows if r.change.state == "moved"), key=_by_likeness)),
        ("Without a counterpart", [r for r in changed if r.change.state == "unmatched"]),
    ]
    return [(title, found) for title, found in groups if found]


def _by_likeness(row: Row) -> float:
    return row.change.likeness if row.change.likeness is not None else 1.0


def _key(pair: LayerPair, x: UnitChange) -> tuple[str, str]:
    return (pair.layer_b, _anchor(x))


def _anchor(x: UnitChange) -> str:
    return f"b{x.b.unit}" if x.b is not None else f"a{x.a.unit if x.a else ''}"


def _sorted(pair: LayerPair) -> list[UnitChange]:
    """Return rows with own changes first, then consequences, then what was kept."""
    return sorted(pair.changes, key=lambda x: (x.kept, x.consequence))


def _pictured(pair: LayerPair, most: int) -> dict[str, list[int]]:
    rows = sorted((x for x in pair.changes if x.state != "unchanged"), key=_worth_showing)[:most]
    return {
        "a": [x.a.unit for x in rows if x.a is not None],
        "b": [x.b.unit for x in rows if x.b is not None],
    }


def _worth_showing(x: UnitChange) -> tuple[bool, bool, bool]:
    """Own changes first, then consequences, then what moved, then what has no counterpart."""
    return (x.state == "unmatched", x.kept, x.consequence)


def _strips(context: ComparisonContext, c: Comparison, pair: LayerPair, units: Mapping[str, Sequence[int]],
            side: str) -> dict[int, Strip]:  # fmt: skip
    version, name = (c.a, pair.layer_a) if side == "a" else (c.b, pair.layer_b)
    record = context.records[version.number]
    return strips(context.store, record, record.layer(name), units[side], context.spec)


def _strip_files(context: ComparisonContext, c: Comparison, pair: LayerPair, side: str,
                 found: Mapping[int, Strip], written: set[str]) -> Iterator[tuple[str, bytes]]:  # fmt: skip
    version, name = (c.a, pair.layer_a) if side == "a" else (c.b, pair.layer_b)
    record = context.records[version.number]
    new = {unit: strip for unit, strip in found.items() if strip.name not in written}
    written.update(strip.name for strip in new.values())
    for file, data in encoded(context.store, record, record.layer(name), new, context.spec):
        yield f"{COMPARISONS}/p/{file}", data


def _row(context: ComparisonContext, c: Comparison, pair: LayerPair, x: UnitChange,
         own: Sequence[Mapping[int, Strip]]) -> Row:  # fmt: skip
    slug = context.place(c.b).slug(pair.layer_b) or ""
    before = _side(context, c.a, pair.layer_a, x.a, own[0])
    after = _side(context, c.b, pair.layer_b, x.b, own[1])
    return Row(
        anchor=_anchor(x), page=f"{slug}.html", layer=pair.layer_b, change=x, sides=(before, after)
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
        verdict=(side.verdict or "not scored") + ("?" if side.borderline else ""),
        structure=side.structure,
        href=place.address(place.slug(layer) or "", side.unit) if side.verdict else "",
        strip=strip,
        alt=alt,
        version=version.version,
    )


def _table(series: Series) -> list[tuple[str, str, list[float | None]]]:
    titles = dict(_MEASURES)
    return [
        (titles[x.measure], x.layer, list(x.values))
        for x in sorted(series.lines, key=lambda x: (list(titles).index(x.measure), bool(x.layer)))
    ]


def _asset(name: str) -> tuple[str, bytes]:
    data = (template_folder() / "assets" / name).read_bytes()
    stem, _, ending = name.partition(".")
    return f"{COMPARISONS}/{stem}.{hashlib.blake2b(data, digest_size=5).hexdigest()}.{ending}", data
