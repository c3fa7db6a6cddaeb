"""The report: a model version in one HTML file, to send, attach or print.

It is made of the same views and templates as the site's pages. How much it shows depends on how large it may
be: pictures of layers go first, then those of findings, then their size.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import reportgen
from reportgen.atlas import words
from reportgen.atlas.addresses import Place, places
from reportgen.atlas.comparison_pages import largest_changes, pair_values
from reportgen.atlas.comparison_rows import ComparisonContext
from reportgen.atlas.heat_strip import heat_picture, heat_strip
from reportgen.atlas.model_view import ModelView, model_view, overview_values
from reportgen.atlas.pages import Pages, content_digest, template_folders
from reportgen.atlas.pictures import Sizes, encode_stored
from reportgen.atlas.plots import tenths
from reportgen.atlas.rows import LayerRows, listed_rows
from reportgen.atlas.single_file import Surroundings, single_file
from reportgen.atlas.site_map import FINDINGS, PICTURES
from reportgen.atlas.summaries import DrawnUnit, LayerSummary
from reportgen.atlas.unit_view import pictures_of
from reportgen.atlas.view_context import ViewContext
from reportgen.comparison import Comparison
from reportgen.errors import BudgetError, SiteError
from reportgen.json_values import Parsed
from reportgen.spec import AtlasSpec
from reportgen.store import ModelRecord, Store, pictures_by_key, units_of

TEMPLATE = "report.html"
STYLES = ("atlas.css", "compare.css", "report.css")
SCRIPTS = ("theme.js", "atlas.js", "plots.js", "report.js")
ACROSS = 12
"""Pictures in a row of a layer."""
_ROWS_IN_ALL, _MOST_ROWS = 30, 4


@dataclass(frozen=True, slots=True)
class Amount:
    """How much a report shows.

    Attributes:
        of_layer: Pictures of each layer at most.
        of_finding: Pictures of each group of a finding at most.
        changes: Changes between versions at most.
        picture_px: Longest side of a picture.
    """

    of_layer: int
    of_finding: int
    changes: int
    picture_px: int


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What was written.

    Attributes:
        path: The file.
        bytes: Its size.
        n_units: Units of the model version that are rendered or scored.
        n_shown: Units whose picture is shown with its layer.
        picture_px: Longest side of its pictures.
    """

    path: Path
    bytes: int
    n_units: int
    n_shown: int
    picture_px: int


@dataclass(frozen=True, slots=True)
class Tile:
    """A unit with its layer: its picture, verdict and structure in words, and its address on the site."""

    drawn: DrawnUnit
    anchor: str
    address: str
    mark: str
    verdict: str
    structure: str


@dataclass(frozen=True, slots=True)
class LayerTiles:
    """A layer with its first units, and how many of its units the network needs, where that was measured."""

    layer: LayerSummary
    anchor: str
    tiles: tuple[Tile, ...]
    needed: int | None


@dataclass(frozen=True)
class _Source:
    """What a report is made from."""

    store: Store
    record: ModelRecord
    spec: AtlasSpec
    comparison: Comparison | None
    pages: Pages
    max_bytes: int


def write_report(
    store: Store, record: ModelRecord, path: Path, spec: AtlasSpec, comparison: Comparison | None = None,
    *, max_bytes: int, templates: str | Path | None = None,
) -> ReportSummary:  # fmt: skip
    """Write the report of a model version, as much of it as fits.

    Args:
        store: The store.
        record: The model version.
        path: The file.
        spec: Title, address of the site for links, and size of pictures.
        comparison: With another version in that store.
        max_bytes: The largest size the file may have.
        templates: A folder whose files stand in for templates of the same names.

    Raises:
        SiteError: The file cannot be written.
        BudgetError: Even the smallest report is larger than it may be.
    """
    if spec.url and not spec.url.endswith("/"):
        spec = dataclasses.replace(spec, url=spec.url + "/")
    pages = Pages(
        spec.title, f"reportgen {reportgen.__version__}", folders=template_folders(templates), url=spec.url
    )
    source = _Source(store, record, spec, comparison, pages, max_bytes)
    data, summary = _largest_that_fits(source, path)
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise SiteError(f'"{path}" cannot be written: {error.strerror or error}') from None
    return summary


def _largest_that_fits(source: _Source, path: Path) -> tuple[bytes, ReportSummary]:
    size = 0
    for amount in amounts(len(source.record.layers), source.spec.picture_px):
        data, n_units, n_shown = _page(source, amount)
        size = len(data)
        if size <= source.max_bytes:
            return data, ReportSummary(path, size, n_units, n_shown, amount.picture_px)
    raise BudgetError(
        f"the report would have {size / 1e6:.2f} MB without pictures of its layers, "
        f"more than max_mb allows ({source.max_bytes / 1e6:g} MB)",
        hint="raise --max-mb",
    )


def amounts(n_layers: int, picture_px: int) -> Iterator[Amount]:
    """Yield what a report of so many layers may show, most first."""
    most = max(1, min(_MOST_ROWS, _ROWS_IN_ALL // max(1, n_layers)))
    for rows in range(most, 0, -1):
        yield Amount(rows * ACROSS, 24, 8, picture_px)
    for of_layer, of_finding, changes, px in ((12, 12, 8, 96), (12, 8, 8, 64), (6, 8, 6, 64), (3, 6, 4, 64)):
        yield Amount(of_layer, of_finding, changes, min(px, picture_px))
    yield Amount(0, 2, 0, min(64, picture_px))


def _page(source: _Source, amount: Amount) -> tuple[bytes, int, int]:
    """Return a report, how many units the model version has, and how many of them it shows."""
    store, record = source.store, source.record
    place = places(store.models())[record.id]
    rows = [own for layer in record.layers if (own := listed_rows(store, record, layer)).units]
    context = _context(source, place, amount)
    view = _trimmed(model_view(store, context, record, rows, amount.of_layer), amount.of_finding)
    layers = _layers(place, view)
    cells = heat_picture(rows)
    heat = heat_strip(place, rows, f"units.{content_digest(cells)}.webp")
    compared, strips = _compared(source, amount)
    n_units = sum(len(own.units) for own in rows)
    n_shown = sum(len(x.tiles) for x in layers)
    path = f"{place.folder}/{TEMPLATE}"
    values = {
        "model": view.summary, "record": record, "place": place, "heat": heat, "found": view.shown,
        "layers": layers, "compared": compared, "n_units": n_units, "n_shown": n_shown, "amount": amount,
        "reduced": amount.picture_px < source.spec.picture_px, **overview_values(context, view),
    }  # fmt: skip
    html = source.pages.self_contained(TEMPLATE, path, STYLES, SCRIPTS, values)
    files = {f"{place.folder}/{heat.file}": cells, **dict(_picture_files(store, context, view)), **strips}
    around = Surroundings(path, files, _anchors(place, view, layers), source.spec.url)
    return single_file(html, around), n_units, n_shown


def _context(source: _Source, place: Place, amount: Amount) -> ViewContext:
    store, record = source.store, source.record
    drawn = {layer.name: frozenset(units_of(store, record.id, layer.name)) for layer in record.layers}
    sizes = Sizes(picture_px=amount.picture_px, webp_quality=source.spec.webp_quality)
    return ViewContext(source.spec, place, store.recipes(), drawn, source.pages.made_with, sizes, nulls=False)


def _trimmed(view: ModelView, most: int) -> ModelView:
    """Return a model version with at most so many pictures in each group of a finding.

    What is needed has a section of its own.
    """
    shown = tuple(
        (finding, [(caption, units[:most]) for caption, units in groups])
        for finding, groups in view.shown
        if not finding.of_need
    )
    return dataclasses.replace(view, shown=shown)


def _layers(place: Place, view: ModelView) -> list[LayerTiles]:
    """Return the layers that have a picture here."""
    needed = {x.layer: x.together for x in view.removal.layers} if view.removal else {}
    return [
        LayerTiles(
            layer,
            f"l-{layer.slug}",
            tuple(_tile(place, layer, own, drawn) for drawn in layer.strip),
            needed.get(layer.name),
        )
        for layer, own in zip(view.summary.layers, view.drawn, strict=True)
        if layer.strip
    ]


def _tile(place: Place, layer: LayerSummary, rows: LayerRows, drawn: DrawnUnit) -> Tile:
    score = rows.scores.get(drawn.unit)
    return Tile(
        drawn,
        anchor=f"l-{layer.slug}-u{drawn.unit}",
        address=place.address(layer.slug, drawn.unit),
        mark=words.mark(score.verdict if score else ""),
        verdict=(score.verdict if score else words.UNSCORED) + ("?" if score and score.borderline else ""),
        structure=tenths(score.structure if score else None),
    )


def _compared(source: _Source, amount: Amount) -> tuple[Parsed | None, dict[str, bytes]]:
    """Return what the template shows of the comparison, and its pictures by path."""
    c = source.comparison
    if c is None:
        return None, {}
    records = {r.id: r for r in source.store.models()}
    context = ComparisonContext(
        source.store, records, places(source.store.models()), source.pages, source.spec
    )
    largest, files = largest_changes(context, c, amount.changes)
    return {**pair_values(context, c), "largest": largest}, dict(files)


def _picture_files(store: Store, context: ViewContext, view: ModelView) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the pictures of units that are shown."""
    strips: list[Sequence[DrawnUnit]] = [layer.strip for layer in view.summary.layers]
    strips += [units for _, groups in view.shown for _, units in groups]
    stems = {drawn.picture.file for strip in strips for drawn in strip}
    leads = [pictures_of(context, own, unit).lead for own in view.drawn for unit in own.renders]
    pages = {lead[1].key: lead[0] for lead in leads if lead is not None and lead[0].stem in stems}
    for picture in pictures_by_key(store, list(pages)):
        wanted = pages[picture.key]
        data = encode_stored(picture.png, picture.channels, wanted, context.sizes)
        yield f"{PICTURES}/{wanted.name}", data


def _anchors(place: Place, view: ModelView, layers: Sequence[LayerTiles]) -> dict[str, str]:
    """Return ids on the page by the addresses of what they show."""
    findings = place.page(FINDINGS)
    found = {place.index: "main", f"{place.index}#need": "need", findings: "findings"}
    found |= {f"{findings}#f{n}": f"f{n}" for n, _ in enumerate(view.shown, 1)}
    for x in layers:
        found[place.layer_page(x.layer.slug)] = x.anchor
        found |= {tile.address: tile.anchor for tile in x.tiles}
    return found
