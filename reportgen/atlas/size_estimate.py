"""How many bytes a site will have: estimated from sampled units, whose files are made and then dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.atlas.layer_page import layer_pages
from reportgen.atlas.pages import Pages
from reportgen.atlas.picture_sizes import N_SAMPLED, spread
from reportgen.atlas.pictures import Sizes, encode_page_picture
from reportgen.atlas.rows import LayerRows, render_rows
from reportgen.atlas.sheets import UNITS_PER_SHEET, Sheets
from reportgen.atlas.strips import GRID_RECIPES, encode_strip
from reportgen.atlas.table import csv_bytes, json_bytes, table_row
from reportgen.atlas.unit_view import pictures_of
from reportgen.atlas.view_context import ViewContext
from reportgen.images import decode_png
from reportgen.judgement import LayerFindings
from reportgen.store import FirstStart, ModelRecord, Store, layer_owner, pictures_by_key

BYTES_A_LAYER = 30_000
"""What a layer takes besides its units, about: its page with its plots, and its row on the pages above."""

TOGETHER = 4
"""Neighbours sampled together: their difference separates what units add from what a layer takes besides."""


@dataclass(frozen=True)
class Sample:
    """Some units of a layer, with what is needed to make their files, and how many units each stands for."""

    context: ViewContext
    rows: LayerRows
    pixels: Mapping[str, np.ndarray]
    weight: float


def sample_units(
    store: Store,
    units: Sequence[tuple[ModelRecord, Mapping[str, Sequence[int]]]],
    context_of: Callable[[ModelRecord], ViewContext],
) -> list[Sample]:
    """Return samples of units, some neighbours at places spread evenly over all of a store's.

    Args:
        store: The store.
        units: By model version and layer's name, the units that will have pages.
        context_of: Gives a model version's context.
    """
    every = [(r, name, unit) for r, layers in units for name, own in layers.items() for unit in own]
    chosen: dict[tuple[int, str], list[int]] = {}
    records = {r.id: r for r, _ in units}
    first = spread(max(1, len(every) - TOGETHER + 1), N_SAMPLED // TOGETHER)
    places = sorted({at for f in first for at in range(f, min(f + TOGETHER, len(every)))})
    for at in places:
        record, name, unit = every[at]
        chosen.setdefault((record.id, name), []).append(unit)
    weight = len(every) / max(1, len(places))
    return [
        _sample(store, context_of(records[i]), records[i], name, own, weight)
        for (i, name), own in chosen.items()
    ]


def _sample(
    store: Store, context: ViewContext, record: ModelRecord, name: str, units: Sequence[int], weight: float
) -> Sample:
    layer = record.layer(name)
    renders = render_rows(store, record, layer, units=units)
    scores = {s.unit: s for s in store.scores(record.id, name) if s.unit in set(units)}
    owner = layer_owner(record.id, name)
    flat, weights = (store.measurement(owner, part) or {} for part in ("flat", "weights"))
    rows = LayerRows(
        record,
        layer,
        tuple(units),
        renders,
        scores,
        LayerFindings(),
        flat,
        weights,
        "",
        0,
        (0, 0),
        probes=store.measurement(owner, "probes") or {},
    )
    keys = sorted({r.key for own in renders.values() for r in own})
    pixels = {p.key: decode_png(p.png, p.channels) for p in pictures_by_key(store, keys)}
    return Sample(context, rows, pixels, weight)


def size_estimator(
    samples: Sequence[Sample], pages: Pages, *, n_layers: int, own_pages: bool
) -> Callable[[Sizes], int]:
    """Return what gives about how many bytes the pages, data and pictures of all layers have at sizes."""
    assets = sum(map(len, pages.asset_files().values()))
    texts = (
        assets
        + n_layers * BYTES_A_LAYER
        + sum(
            sample.weight
            * (_text_bytes(sample, pages, own_pages=own_pages) + _table_bytes(sample, pages.tables))
            for sample in samples
        )
    )
    return lambda sizes: round(texts + sum(s.weight * _picture_bytes(s, sizes) for s in samples))


def _picture_bytes(sample: Sample, sizes: Sizes) -> float:
    context = ViewContext(**{**vars(sample.context), "sizes": sizes})
    n, places = 0.0, tuple(range(len(sample.rows.units)))
    sheets = {recipe: Sheets("x", places, sizes, recipe) for recipe in GRID_RECIPES}
    for i, unit in enumerate(sample.rows.units):
        own = pictures_of(context, sample.rows, unit)
        if own.lead is not None and own.lead[1].key in sample.pixels:
            pixels = sample.pixels[own.lead[1].key]
            n += len(encode_page_picture(pixels, own.lead[0], sizes))
            for recipe, sheet in sheets.items():
                shown = own.in_grid(recipe) or own.lead[1]
                sheet.put(i % UNITS_PER_SHEET, sample.pixels.get(shown.key, pixels))
        n += sum(len(encode_strip(strip, sample.pixels, sizes)) for strip in own.strips)
    return n + sum(len(data) for sheet in sheets.values() for _, data in sheet.files())


def _text_bytes(sample: Sample, pages: Pages, *, own_pages: bool) -> float:
    """Return the bytes of the units' texts alone: what all of them take beyond what the first one takes."""
    n = len(sample.rows.units)
    whole = _texts(sample, sample.rows.units, pages, own_pages=own_pages)
    if n == 1:
        return whole
    return (whole - _texts(sample, sample.rows.units[:1], pages, own_pages=own_pages)) * n / (n - 1)


def _texts(sample: Sample, units: tuple[int, ...], pages: Pages, *, own_pages: bool) -> float:
    rows = dataclasses.replace(sample.rows, units=units)
    own = {unit: pictures_of(sample.context, rows, unit) for unit in units}
    made = layer_pages(pages, sample.context, rows, {"previous": "", "next": ""}, own, own_pages=own_pages)
    n_bytes = {path: len(data) for path, data in made}
    page = sample.context.place.layer_page(sample.context.place.slug(rows.layer.name) or "")
    # The frame of the layer's page is counted a layer, not a unit.
    return sum(n_bytes.values()) - n_bytes.get(page, 0) + 170 * len(own)


def _table_bytes(sample: Sample, tables: Sequence[str]) -> float:
    """Return the bytes of the units' rows in the verdict tables of a site."""
    record, layer, rows = sample.rows.record, sample.rows.layer, []
    for unit in sample.rows.units:
        score, first = sample.rows.scores.get(unit), None
        for r in sample.rows.of(unit, sample.rows.scored_recipe, "happy")[:1]:
            telemetry = r.telemetry
            first = FirstStart(
                r.height, r.width, telemetry.activation_start, telemetry.activation_end, telemetry.steps
            )
        need = sample.rows.needs.get(unit)
        rows.append(table_row(record, sample.context.place, layer, unit, score, first, need))
    as_csv = len(csv_bytes(rows)) - len(csv_bytes([]))
    # SQLite takes as much as CSV; Parquet, which packs columns, about a tenth.
    shares = {"csv": as_csv, "json": len(json_bytes(rows)), "sqlite": as_csv, "parquet": as_csv / 10}
    return sum(shares[name.partition(".")[2]] for name in tables)
