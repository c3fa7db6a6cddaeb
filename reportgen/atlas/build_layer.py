"""A layer's part of a site: its pictures, sheets, pages and data files, from the store to the staging folder.

Depends on nothing but its task, so that layers can be made in any order and in other processes, and one whose
task has not changed need not be made at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from reportgen.atlas import preview
from reportgen.atlas.faint import faint_by_key
from reportgen.atlas.layer_page import layer_pages
from reportgen.atlas.natural_tiles import TilePixels, natural_strip
from reportgen.atlas.output import Stage, Written
from reportgen.atlas.pages import Pages
from reportgen.atlas.pictures import encode_page_picture
from reportgen.atlas.process_pool import without_garbage_collection
from reportgen.atlas.rows import LayerRows, layer_rows, null_pictures
from reportgen.atlas.sheets import Sheets
from reportgen.atlas.site_map import PICTURES
from reportgen.atlas.strips import GRID_RECIPES, UnitPictures, encode_strip, null_strip
from reportgen.atlas.unit_view import pictures_of
from reportgen.atlas.view_context import ViewContext
from reportgen.images import decode_png
from reportgen.store import ModelRecord, Store, open_store, pictures_by_key

_UNITS_AT_ONCE = 64


@dataclass(frozen=True)
class LayerTask:
    """What a layer's part of a site is made from, besides the store.

    Attributes:
        store_path: The store.
        stage: Where files are laid out.
        pages: Templates and what all pages share.
        context: Of the model version.
        record: The model version.
        layer: The layer's name.
        around: `previous` and `next` layer's slugs, empty at the ends.
        own_pages: Whether each unit also gets a page of its own.
        parts: What is to be made: `pictures`, `pages`, or both.
    """

    store_path: Path
    stage: Stage
    pages: Pages
    context: ViewContext
    record: ModelRecord
    layer: str
    around: Mapping[str, str]
    own_pages: bool
    parts: frozenset[str]


@without_garbage_collection()
def make_layer(task: LayerTask) -> dict[str, list[Written]]:
    """Lay out a layer's files and return them by the part they belong to.

    Raises:
        StoreError: The store cannot be read.
        SiteError: A path is none of a site.
    """
    with open_store(task.store_path) as store:
        rows = layer_rows(store, task.record, task.record.layer(task.layer))
        own = {unit: pictures_of(task.context, rows, unit) for unit in rows.units}
        made: dict[str, list[Written]] = {}
        if "pictures" in task.parts:
            made["pictures"] = list({one.path: one for one in _pictures(store, task, rows, own)}.values())
        if "pages" in task.parts:
            keys = {r.key for each in own.values() for r in each.of_recipe.values()}
            faint = faint_by_key(store, sorted(keys))
            own = {unit: replace(each, faint=faint) for unit, each in own.items()}
            pages = layer_pages(task.pages, task.context, rows, task.around, own, own_pages=task.own_pages)
            made["pages"] = [task.stage.put(path, data) for path, data in pages]
    return made


def _pictures(
    store: Store, task: LayerTask, rows: LayerRows, own: Mapping[int, UnitPictures]
) -> Iterator[Written]:
    """Yield the layer's pictures: those that are in place kept, the others and all sheets made."""
    context, folder = task.context, task.context.place.folder
    slug = context.place.slug(rows.layer.name) or rows.layer.slug
    drawn, stage = tuple(u for u in rows.units if own[u].lead), task.stage
    sheets = [Sheets(slug, drawn, context.sizes, recipe) for recipe in GRID_RECIPES]
    best = preview.Montage(rows, own) if context.spec.url else None
    for start in range(0, len(rows.units), _UNITS_AT_ONCE):
        units = rows.units[start : start + _UNITS_AT_ONCE]
        pixels = _needed_pixels(store, rows, units, own, stage)
        for unit in units:
            yield from _unit_files(own[unit], pixels, context, stage)
            lead = own[unit].lead
            if lead is not None:
                for recipe, sheet in zip(GRID_RECIPES, sheets, strict=True):
                    shown = own[unit].in_grid(recipe) or lead[1]
                    sheet.put(unit, pixels[shown.key])
                if best is not None:
                    best.offer(unit, pixels[lead[1].key])
    yield from _natural_files(store, rows, context, stage)
    for path, data in chain.from_iterable(sheet.files() for sheet in sheets):
        yield stage.put(f"{folder}/{path}", data)
    if best is not None:
        yield stage.put(f"{folder}/{slug}/preview.jpg", best.jpeg())
    strip = null_strip(rows, context.sizes)
    if strip is not None:
        path = f"{PICTURES}/{strip.name}"
        nulls = dict(zip(strip.keys, null_pictures(store, rows.null_setting), strict=False))
        yield (
            stage.keep(path)
            if stage.has(path)
            else stage.put(path, encode_strip(strip, nulls, context.sizes))
        )


def _unit_files(
    own: UnitPictures, pixels: Mapping[str, np.ndarray], context: ViewContext, stage: Stage
) -> Iterator[Written]:
    if own.lead is not None:
        page, row = own.lead
        path = f"{PICTURES}/{page.name}"
        if stage.has(path):
            yield stage.keep(path)
        else:
            yield stage.put(path, encode_page_picture(pixels[row.key], page, context.sizes))
    for strip in own.strips:
        path = f"{PICTURES}/{strip.name}"
        yield (
            stage.keep(path)
            if stage.has(path)
            else stage.put(path, encode_strip(strip, pixels, context.sizes))
        )


def _natural_files(store: Store, rows: LayerRows, context: ViewContext, stage: Stage) -> Iterator[Written]:
    """Yield the strips of natural pictures of a layer's units."""
    cut: TilePixels | None = None
    for unit in rows.units:
        strip, tiles = natural_strip(rows, unit, context.sizes)
        if strip is None:
            continue
        path = f"{PICTURES}/{strip.name}"
        if stage.has(path):
            yield stage.keep(path)
        else:
            cut = cut or TilePixels(store, rows.about, rows.record.input_shape)
            yield stage.put(path, cut.encoded(strip, tiles, context.sizes))


def _needed_pixels(
    store: Store, rows: LayerRows, units: Sequence[int], own: Mapping[int, UnitPictures], stage: Stage
) -> dict[str, np.ndarray]:
    """Return the pixels by key of what sheets are made of, the units' leads, and strips not in place."""
    wanted: set[str] = set()
    for unit in units:
        lead = own[unit].lead
        wanted.update(r.key for r in (lead and lead[1], *own[unit].of_recipe.values()) if r)
        for strip in own[unit].strips:
            if not stage.has(f"{PICTURES}/{strip.name}"):
                wanted.update(strip.keys)
    found = pictures_by_key(store, sorted(wanted))
    return {picture.key: decode_png(picture.png, picture.channels) for picture in found}
