"""A layer's pages as text, from its rows: the sheet of all units, their data files, their own pages.

Everything a template gets is a plain value made here.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from reportgen.atlas import columns, words
from reportgen.atlas.columns import Columns, visible_json
from reportgen.atlas.drawing import Drawing
from reportgen.atlas.faint import Faint
from reportgen.atlas.grouped import grouped_units
from reportgen.atlas.need import layer_cloud, layer_need_view
from reportgen.atlas.packing import pack
from reportgen.atlas.pages import Pages, content_digest
from reportgen.atlas.plots import number, tenths
from reportgen.atlas.recipe_list import recipe_links
from reportgen.atlas.rows import LayerRows, recipe_name
from reportgen.atlas.sheets import UNITS_PER_SHEET, place_on_sheet
from reportgen.atlas.similarity import groups_of, n_groups_left_out, similarity_map
from reportgen.atlas.site_map import LAYER, UNIT
from reportgen.atlas.strips import GRID_RECIPES, UnitPictures
from reportgen.atlas.structure_plots import layer_spread
from reportgen.atlas.terms import OF_UNITS, terms_of
from reportgen.atlas.unit_view import null_pictures, unit_view
from reportgen.atlas.use_plot import use_against_structure
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.views import UnitView
from reportgen.sentences.layers import estimate_in_words
from reportgen.spec import ScoreSpec

UNITS_PER_PART = 64
TERSE_FROM = 1024
MOST_DOTS = 400
"""In a plot of a layer's page; a quarter of them where the page is full of units."""
USE_MEANS = "Use: outgoing weight times spread of the unit's activation, as its rank in the layer, 0 to 1."
NEED_MEANS = "Need: what the network loses without that unit alone, in nats, on a logarithmic axis."
_N_NAMED = 32
_EFFORT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A unit on the sheet of its layer's page.

    Attributes:
        unit: Its index.
        mark: Of its verdict, as the style sheet knows it.
        href: Where it leads.
        file, width, height: Stem and size in pixels of its scored picture, or of the one that leads where it
            has none; an empty stem without any.
        tile, tiles: Where the file is a strip, which of how many.
        tag: What is to be said of the picture: another recipe's, or hard to see.
        faint: How it is hard to see; None where it is not.
        sheet, column, row: Where its tile is.
        verdict: The word, with a question mark where it is borderline.
        structure: Its score, as pages show it.
    """

    unit: int
    mark: str
    href: str
    file: str
    width: int
    height: int
    tile: int
    tiles: int
    tag: str
    faint: Faint | None
    sheet: int
    column: int
    row: int
    verdict: str
    structure: str


def layer_pages(
    pages: Pages,
    context: ViewContext,
    rows: LayerRows,
    around: Mapping[str, str],
    own: Mapping[int, UnitPictures],
    *,
    own_pages: bool,
) -> Iterator[tuple[str, bytes]]:
    """Yield `(path, bytes)` of a layer's page, its data files and its units' own pages.

    Args:
        around: `previous` and `next` layer's slugs, empty at the ends.
        own: The units' pictures.
        own_pages: Whether each unit also gets a page of its own.
    """
    slug = context.place.slug(rows.layer.name) or rows.layer.slug
    shared = {
        "record": rows.record,
        "place": context.place,
        "recipes": recipe_links(rows.record, rows.layer.name, context.recipes),
        "slug": slug,
        "layer": rows.layer,
    }
    packed = columns.script("atlasRows", slug, pack(row_columns(rows, own)))
    yield f"{context.place.folder}/{slug}/rows.js", packed
    names = columns.script("atlasNames", slug, pack(columns.picture_names([own[u] for u in rows.units])))
    yield f"{context.place.folder}/{slug}/names.js", names
    parts = []
    for start in range(0, len(rows.units), UNITS_PER_PART):
        units = rows.units[start : start + UNITS_PER_PART]
        views = [unit_view(context, rows, unit, own[unit]) for unit in units]
        name, data = _data_file(f"{slug}/units-{start // UNITS_PER_PART}", views)
        parts.append([name, units[0]])
        yield f"{context.place.folder}/{name}", data
        if own_pages:
            yield from _unit_pages(pages, context, rows, views, shared)
    values = layer_values(context, rows, own, slug, own_pages=own_pages)
    path = context.place.layer_page(slug)
    preview = f"{context.place.folder}/{slug}/preview.jpg"
    yield (
        path,
        pages.page(
            LAYER.template, path, preview=preview, parts=parts, around=around,
            terms_here=OF_UNITS, rows_digest=content_digest(packed), names_digest=content_digest(names),
            **values, **shared,
        ),
    )  # fmt: skip


def row_columns(rows: LayerRows, own: Mapping[int, UnitPictures]) -> Columns:
    """Return a layer's units as columns."""
    groups = columns.groups_of(rows.scores)
    return columns.columns_of(
        [rows.scores.get(u) for u in rows.units],
        rows.units,
        [groups.get(u) for u in rows.units],
        [own[u].lead is not None for u in rows.units],
        [rows.needs.get(u) for u in rows.units],
        grouped=grouped_units(rows, rows.removal),
    )


def _unit_pages(
    pages: Pages, context: ViewContext, rows: LayerRows, views: Sequence[UnitView], shared: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    for view in views:
        at = rows.units.index(view.unit)
        around = {
            "previous": rows.units[at - 1] if at else None,
            "next": rows.units[at + 1] if at + 1 < len(rows.units) else None,
            "listed": words.runs(rows.units),
        }
        path = context.place.unit_page(shared["slug"], view.unit)
        preview = f"{context.place.folder}/{shared['slug']}/preview.jpg"
        values = {"view": view, "around": around, "terms_here": terms_of(view), **shared}
        yield path, pages.page(UNIT.template, path, preview=preview, **values)


def layer_values(
    context: ViewContext, rows: LayerRows, own: Mapping[int, UnitPictures], slug: str, *, own_pages: bool
) -> dict[str, Any]:
    """Return what a layer's page says above its sheet, and the sheet's cells."""
    terse = len(rows.units) > TERSE_FROM
    recipes = [name for name in GRID_RECIPES if any(name in own[u].of_recipe for u in rows.units)]
    compared = recipes[0] if recipes else GRID_RECIPES[0]
    return {
        "terse": terse,
        "own_pages": own_pages,
        "facts": _facts(context, rows),
        "counts": rows.counts,
        "n_listed": len(rows.units),
        "findings": _findings(rows),
        "plots": _plots(rows),
        "map": similarity_map(rows, slug, [u for u in rows.units if own[u].lead]),
        "n_more_groups": n_groups_left_out(rows),
        "groups": groups_of(rows, slug, [u for u in rows.units if own[u].lead]),
        "need": layer_need_view(rows.removal, rows.layer.name),
        "cells": [
            _cell(rows, own[u], u, compared, href=f"{slug}/{u}.html" if own_pages else f"#u{u}")
            for u in rows.units
        ],
        "grid_recipes": recipes,
        "page_links": list(rows.units[::64]) if own_pages and terse else [],
        "nulls": null_pictures(context, rows),
    }


def _plots(rows: LayerRows) -> list[tuple[str, str, Drawing]]:
    """Return `(heading, what is to be said of it, drawing)` of a layer's plots; a dot leads to its unit."""
    most = MOST_DOTS if len(rows.units) <= TERSE_FROM // 2 else MOST_DOTS // 4
    dots = "a dot each" if len(rows.units) <= most else "as an outline"
    noise = (
        f"; grey: as many of the {len(rows.findings.null_structure)} noise pictures would"
        if rows.findings.null_structure
        else ""
    )
    made = [
        ("Structure", f"How many units have how much, {dots}{noise}.", layer_spread(rows, most)),
        ("Use against structure", USE_MEANS, use_against_structure(rows, most)),
        ("Need against structure", NEED_MEANS, layer_cloud(rows, most)),
    ]
    return [(title, caption, drawn) for title, caption, drawn in made if drawn is not None]


def _cell(rows: LayerRows, own: UnitPictures, unit: int, recipe: str, *, href: str) -> Cell:
    score, shown = rows.scores.get(unit), own.in_grid(recipe)
    page = own.find(shown.key) if shown else None
    faint = own.faint.get(shown.key) if shown else None
    foreign = [f"no {recipe} picture"] if page and recipe not in own.of_recipe else []
    word = score.verdict if score else words.UNSCORED
    column, row = place_on_sheet(unit)
    return Cell(
        unit=unit,
        mark=words.mark(score.verdict if score else ""),
        href=href,
        file=page.stem if page else "",
        width=page.width if page else 0,
        height=page.height if page else 0,
        tile=page.at if page else 0,
        tiles=page.n if page else 1,
        tag=", ".join([*foreign, *([faint.word] if faint else [])]),
        faint=faint,
        sheet=unit // UNITS_PER_SHEET,
        column=column,
        row=row,
        verdict=word + ("?" if score and score.borderline else ""),
        structure=tenths(score.structure if score else None),
    )


def _facts(context: ViewContext, rows: LayerRows) -> list[tuple[str, str]]:
    layer = rows.layer
    canvases = sorted(
        {
            (r.height, r.width)
            for renders in rows.renders.values()
            for r in renders
            if r.recipe == rows.scored_recipe
        }
    )
    shown, scored = (recipe_name(context.recipes, h) for h in (rows.shown_recipe, rows.scored_recipe))
    return [
        ("Kind", words.kind_in_words(layer)),
        (
            "Units",
            f"{layer.n_units:,}"
            + ("" if len(rows.units) == layer.n_units else f", {len(rows.units):,} rendered"),
        ),
        ("Receptive field", words.field(layer)),
        ("Stride", words.stride(layer)),
        ("Canvas", ", ".join(words.size(c, otherwise="") for c in canvases) or "–"),
        ("Recipe", f"{shown or '–'} shown, {scored or '–'} scored"),
        ("Judged", words.judged_after(layer)),
        *_other_cut(rows),
    ]


def _other_cut(rows: LayerRows) -> list[tuple[str, str]]:
    """Return the cut between structured and static where it is not the one that the method page names."""
    cut = rows.thresholds.structure_z
    return [] if cut == ScoreSpec().structure_z else [("Patterns begin at", f"structure {number(cut)}")]


def _findings(rows: LayerRows) -> list[tuple[str, list[int]]]:
    """Return `(sentence, units it names)`, the units of those that are on the page."""
    estimate = estimate_in_words(rows.estimates)
    sentences = (*([estimate] if estimate else ()), *rows.findings.summary, *rows.findings.supplementary)
    found: list[tuple[str, list[int]]] = [(text, []) for text in sentences]
    certain = [u for u in rows.findings.certainly_superfluous or () if u in rows.renders or u in rows.scores]
    if certain:
        more = f", the first {_N_NAMED}" if len(certain) > _N_NAMED else ""
        found.append((f"Certainly superfluous ({len(certain)}{more}):", certain[:_N_NAMED]))
    return found


def _data_file(stem: str, views: Sequence[UnitView]) -> tuple[str, bytes]:
    """Return name and content of a script with units' data, deflated; the name is of what is inside."""
    packed = pack(views)
    try:
        text = to_json(packed, inf_nan_mode="null")  # Three times as fast as the standard library's.
    except ValueError:  # Half a character, in a name that somebody made up.
        text = json.dumps(packed, allow_nan=False, separators=(",", ":")).encode()
    text = visible_json(text)
    deflated = base64.b64encode(zlib.compress(text, _EFFORT)).decode()
    return (
        f"{stem}.{content_digest(text)}.js",
        f'(self.atlasUnits=self.atlasUnits||[]).push("{deflated}");\n'.encode(),
    )
