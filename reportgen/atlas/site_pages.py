"""The pages above the layers: the start page, each model version's, and the files next to them."""

from __future__ import annotations

import importlib.util
import posixpath
from collections.abc import Iterator, Mapping, Sequence

from reportgen.atlas import columns, preview
from reportgen.atlas.addresses import Place
from reportgen.atlas.columns import Columns, LayerColumns
from reportgen.atlas.grouped import grouped_units
from reportgen.atlas.heat_strip import heat_picture, heat_strip
from reportgen.atlas.model_view import ModelView, citation_of, model_view, overview_values
from reportgen.atlas.need import network_curve
from reportgen.atlas.overview import Head, heads_of
from reportgen.atlas.packing import pack
from reportgen.atlas.pages import Pages, content_digest
from reportgen.atlas.rows import LayerRows, listed_rows
from reportgen.atlas.short_names import short_names
from reportgen.atlas.site_map import (
    ABOUT,
    DOWNLOADS,
    FINDINGS,
    LAYER,
    METHOD,
    MODEL,
    NOT_FOUND,
    OF_MODEL,
    OF_SITE,
    START,
    UNITS,
    WALL,
    PageKind,
)  # fmt: skip
from reportgen.atlas.strips import grid_recipes
from reportgen.atlas.summaries import ModelSummary, n_strip
from reportgen.atlas.table import FORMATS, Row, table_row
from reportgen.atlas.terms import TERMS
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.wall import line_picture, mark_script, wall_of
from reportgen.atlas.words import kind_in_words
from reportgen.images import decode_png
from reportgen.json_values import Parsed
from reportgen.removal import Removal
from reportgen.spec import ScoreSpec
from reportgen.store import ModelRecord, Store, first_starts, pictures_by_key

ORDERS = (
    ("unit", "layer and unit"), ("-structure", "most structure"), ("structure", "least structure"),
    ("-consistency", "most consistent"), ("consistency", "least consistent"), ("-use", "most used"),
    ("use", "least used"), ("verdict", "verdict"), ("colour", "colour"), ("copies", "copies together"),
    ("alike", "groups of similar units"), ("contrast", "least contrast"),
    ("period", "finest pattern"), ("angle", "direction"), ("-need", "most needed"), ("need", "least needed"),
    ("-need_rank", "removed first"),
)  # fmt: skip
"""What the view of all units can be ordered by: a column, with a minus in front for the largest first.

Its script leaves out those of columns that a model version does not have.
"""

_LETTERS = 15
"""Of a layer's name in one line as wide as a tile."""

File = tuple[str, bytes]


def tables_here() -> tuple[str, ...]:
    """Return the files of the verdict table; Parquet is there where its package is (docs/formats.md)."""
    found = [name for name in FORMATS if name != "parquet" or importlib.util.find_spec("pyarrow") is not None]
    return tuple(f"verdicts.{name}" for name in found)


def site_page_files(
    store: Store,
    pages: Pages,
    contexts: Mapping[int, ViewContext],
    records: Sequence[ModelRecord],
    credits: str,
) -> Iterator[File]:
    """Yield `(path, bytes)` of everything above the layers.

    Args:
        store: The store.
        pages: The templates.
        contexts: By model version.
        records: The model versions.
        credits: What was said for this site.
    """
    table: list[Row] = []
    summaries = []
    for record in records:
        rows = [
            listed_rows(store, record, layer)
            for layer in record.layers
            if layer.name in contexts[record.id].drawn
        ]
        for own in rows:
            table += layer_table(store, contexts[record.id].place, own)
        summary, files = _model_files(store, pages, contexts[record.id], record, rows)
        summaries.append(summary)
        yield from files
    sizes = {}
    for name in pages.tables:
        data = FORMATS[name.partition(".")[2]](table)
        sizes[name] = len(data)
        yield name, data
    del table
    yield from _start_files(pages, summaries, contexts[records[0].id], _credits(records, credits), sizes)


def layer_table(store: Store, place: Place, rows: LayerRows) -> Iterator[Row]:
    """Yield the rows of a layer in the verdict table."""
    first = first_starts(store, rows.record.id, rows.layer.name, rows.scored_recipe)
    for unit in rows.units:
        yield table_row(
            rows.record, place, rows.layer, unit, rows.scores.get(unit), first.get(unit), rows.needs.get(unit)
        )


def _model_files(
    store: Store, pages: Pages, context: ViewContext, record: ModelRecord, rows: Sequence[LayerRows]
) -> tuple[ModelSummary, list[File]]:
    """Return a model version as other pages show it, and its own pages."""
    folder, view = context.place.folder, model_view(store, context, record, rows, n_strip(len(rows)))
    packed, data = _all_units(context.place, rows, view.removal)
    picture, cells = f"{folder}/preview.jpg", heat_picture(rows)
    heat = heat_strip(context.place, rows, f"units.{content_digest(cells)}.webp")
    lines, marks = line_picture(rows), mark_script(rows)
    wall = wall_of(context.place, rows, f"wall.{content_digest(lines + marks)}")
    shared: Parsed = {
        "model": view.summary, "record": record, "place": context.place, "heat": heat, "wall": wall,
    }  # fmt: skip
    values = _model_values(context, view, packed)
    files = [
        (packed, data),
        (f"{folder}/{heat.file}", cells),
        (f"{folder}/{wall.file}", lines),
        (f"{folder}/{wall.script}", marks),
    ]
    for kind in OF_MODEL:
        path = context.place.page(kind)
        files.append((path, pages.page(kind.template, path, preview=picture, **values[kind], **shared)))
    if context.spec.url:
        files.append((picture, _preview(store, view)))
    return view.summary, files


def _model_values(context: ViewContext, view: ModelView, packed: str) -> dict[PageKind, Parsed]:
    """Return what each page of a model version shows of its own; `packed` is the path of its columns."""
    recipes = grid_recipes(view.summary.record)
    return {
        MODEL: overview_values(context, view),
        FINDINGS: {
            "found": view.shown,
            "cite": citation_of(context, view.summary.record),
            "removal": network_curve(view.removal),
        },
        UNITS: {"columns": posixpath.basename(packed), "orders": ORDERS, "grid_recipes": recipes},
        WALL: {"grid_recipes": recipes},
    }


def unit_columns(place: Place, rows: Sequence[LayerRows], removal: Removal | None) -> Columns:
    """Return the columns of all units of some layers, as the view of all units reads them."""
    units = [unit for own in rows for unit in own.units]
    whole = [list(own.units) == list(range(len(own.units))) for own in rows]
    groups = [columns.groups_of(own.scores) for own in rows]
    short = short_names((own.layer.name for own in rows), _LETTERS)
    return columns.columns_of(
        [own.scores.get(unit) for own in rows for unit in own.units],
        list(range(len(units))) if all(whole) else units,
        [own.get(unit) for layer, own in zip(rows, groups, strict=True) for unit in layer.units],
        [True] * len(units),
        [own.needs.get(unit) for own in rows for unit in own.units],
        [
            LayerColumns(
                own.layer.name,
                place.slug(own.layer.name),
                kind_in_words(own.layer),
                len(own.units),
                short[own.layer.name],
            )
            for own in rows
        ],
        [grouped for own in rows for grouped in grouped_units(own, removal)],
    )


def _all_units(place: Place, rows: Sequence[LayerRows], removal: Removal | None) -> tuple[str, bytes]:
    """Return path and content of the script with the columns of all units."""
    data = columns.script("atlasColumns", "units", pack(unit_columns(place, rows, removal)))
    return f"{place.folder}/units.{content_digest(data)}.js", data


def _preview(store: Store, view: ModelView) -> bytes:
    """Return the JPEG that stands for a model version in link previews: its clearest units."""
    places = [place for finding, _ in view.shown for _, group in finding.groups for place in group]
    leads = [view.drawn[at].lead(unit) for at, unit in places[: preview.N_TILES]]
    keys = [lead.key for lead in leads if lead is not None]
    pixels = {p.key: decode_png(p.png, p.channels) for p in pictures_by_key(store, keys)}
    return preview.montage([preview.tile(pixels[key]) for key in keys if key in pixels])


def _named_heads(versions: Sequence[ModelSummary]) -> tuple[Head, ...]:
    """Return the outputs whose classes have names, of the last version in which they have."""
    found = [tuple(head for head in heads_of(m) if head.classes) for m in versions]
    return next((heads for heads in reversed(found) if heads), ())


def _start_files(
    pages: Pages, models: Sequence[ModelSummary], context: ViewContext, credits: str, sizes: Mapping[str, int]
) -> Iterator[File]:
    grouped = [
        (name, of_name := [m for m in models if m.record.name == name], _named_heads(of_name))
        for name in dict.fromkeys(m.record.name for m in models)
    ]
    values: dict[PageKind, Parsed] = {
        START: {"grouped": grouped},
        METHOD: {"spec": ScoreSpec(), "listed": TERMS},
        ABOUT: {"models": models, "credits": credits, "spec": context.spec},
        DOWNLOADS: {"models": models, "sizes": sizes, "spec": context.spec},
    }
    for kind, own in values.items():
        yield kind.address, pages.page(kind.template, kind.address, **own)
    yield NOT_FOUND.address, pages.not_found()
    yield ".nojekyll", b""
    if context.spec.url:
        yield "sitemap.txt", _sitemap(context.spec.url, models)
    yield from pages.asset_files().items()


def _sitemap(url: str, models: Sequence[ModelSummary]) -> bytes:
    found = [kind.address for kind in OF_SITE if kind.listed]
    for m in models:
        found += [m.place.page(kind) for kind in OF_MODEL if kind.listed]
        found += [m.place.layer_page(x.slug) for x in m.layers if LAYER.listed]
    return "".join(f"{url}{path}\n" for path in sorted(found)[:50_000]).encode()


def _credits(records: Sequence[ModelRecord], credits: str) -> str:
    """Return whom the models' makers thank, each text once, then what was said for this site."""
    texts = [str(record.plan.get("credits", "")).strip() for record in records] + [credits.strip()]
    return "\n\n".join(text for text in dict.fromkeys(texts) if text)
