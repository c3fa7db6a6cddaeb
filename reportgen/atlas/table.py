"""The verdict table: one row a unit, as CSV, JSON, Parquet or SQLite (docs/formats.md).

Columns are a contract: later versions add some and never rename one. Numbers that are undefined are
empty. It knows the store and files, nothing of pages.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from reportgen.arguments import checked
from reportgen.atlas.addresses import Place, places
from reportgen.errors import ConfigError, MissingExtra, SiteError, in_brief, suggestion
from reportgen.json_values import Cell
from reportgen.judgement import NoiseRate
from reportgen.removal import UnitNeed
from reportgen.score.sampled import Shares, verdict_shares
from reportgen.sentences.responses import trust_of
from reportgen.store import FirstStart, ModelRecord, Store, first_starts, open_store, sqlite_table, units_of
from reportgen.units import Layer, UnitScore, visible

COLUMNS: Mapping[str, Literal["text", "integer", "number", "boolean"]] = {
    "model": "text",
    "version": "text",
    "layer": "text",
    "kind": "text",
    "unit": "integer",
    "canvas_px": "integer",
    "receptive_field_px": "integer",
    "activation_start": "number",
    "activation_end": "number",
    "steps": "integer",
    "structure": "number",
    "p_structured": "number",
    "borderline": "boolean",
    "consistency": "number",
    "verdict": "text",
    "verdict_detail": "text",
    "reason": "text",
    "duplicate_of": "integer",
    "use": "number",
    "mirror_of": "integer",
    "complement_of": "integer",
    "p_value": "number",
    "facets": "integer",
    "address": "text",
    "recipes_agree": "number",
    "robust_share": "number",
    "beyond_natural": "number",
    "natural_agreement": "number",
    "trust": "text",
    "natural_max": "number",
    "zeros_share": "number",
    "selectivity": "number",
    "selective_class": "text",
    "need": "number",
    "need_rank": "integer",
    "changed": "integer",
    "hurt": "text",
}
"""Names and types of the columns, in order."""

BESIDE: Mapping[str, Callable[[UnitScore], float | str | None]] = {
    "recipes_agree": lambda s: s.trust.recipes_agree,
    "robust_share": lambda s: s.trust.robust_share,
    "beyond_natural": lambda s: s.trust.beyond_natural,
    "natural_agreement": lambda s: s.trust.natural_agreement,
    "trust": trust_of,
    "natural_max": lambda s: s.natural.max if s.natural else None,
    "zeros_share": lambda s: s.natural.zeros_share if s.natural else None,
    "selectivity": lambda s: s.natural.selectivity if s.natural else None,
    "selective_class": lambda s: s.natural.selective_class if s.natural else "",
}
"""Columns whose values are supplementary to the judgement, and where in a score."""

OF_NEED = ("need", "need_rank", "changed", "hurt")
"""Columns of what the network loses without a unit, named as in `UnitNeed`."""

Row = dict[str, Cell]


def verdict_rows(store: Store) -> Iterator[Row]:
    """Yield a row for every unit that was rendered or scored: by model version, layer and unit."""
    records = store.models()
    place = places(records)
    for record in records:
        for layer in record.layers:
            yield from layer_rows(store, record, place[record.id], layer)


def noise_rates(store: Store) -> dict[tuple[str, str, str], tuple[NoiseRate, NoiseRate | None]]:
    """Return how often noise and untrained units are said to have a pattern, by model, version and layer.

    Returns:
        Of the noise baseline, and of the untrained twin or None; nothing for layers without a baseline.
    """
    found = {}
    for record in store.models():
        for layer in record.layers:
            of_layer = store.findings(record.id, layer.name)
            if of_layer.noise is not None:
                twin = of_layer.twin.untrained if of_layer.twin is not None else None
                found[record.name, record.version, layer.name] = (of_layer.noise, twin)
    return found


def shares_by_layer(store: Store) -> dict[tuple[str, str, str], Shares]:
    """Return shares of verdicts among all units, where they are known, by model, version and layer.

    Nothing for model versions of which no layer's units were drawn: their rows are all there is to know.
    """
    return {
        (record.name, record.version, layer.name): shares
        for record in store.models()
        if any(record.is_drawn(layer.name) for layer in record.layers)
        for layer in record.layers
        if (shares := verdict_shares(record, layer, store.scores(record.id, layer.name)))
    }


def layer_rows(store: Store, record: ModelRecord, place: Place, layer: Layer) -> Iterator[Row]:
    """Yield a row for every unit of a layer that was rendered or scored."""
    scored = str(record.roles(layer.name).get("scored", ""))
    first = first_starts(store, record.id, layer.name, scored)
    scores = {s.unit: s for s in store.scores(record.id, layer.name)}
    needs = {n.unit: n for n in store.needs(record.id, layer.name)}
    for unit in units_of(store, record.id, layer.name):
        yield table_row(record, place, layer, unit, scores.get(unit), first.get(unit), needs.get(unit))


def table_row(
    record: ModelRecord,
    place: Place,
    layer: Layer,
    unit: int,
    score: UnitScore | None,
    first: FirstStart | None,
    need: UnitNeed | None,
) -> Row:
    """Return the row of a unit.

    Args:
        score: None if it was not scored.
        first: The numbers of its first picture (see `first_starts`); None if it has none.
        need: What is lost without it; None where that was not measured.
    """
    field = layer.receptive_field_px
    row: Row = dict.fromkeys(COLUMNS)
    row |= {
        "model": record.name,
        "version": record.version,
        "layer": layer.name,
        "kind": layer.kind,
        "unit": unit,
        "receptive_field_px": max(field) if field else None,
        "verdict": "",
        "verdict_detail": "",
        "reason": "",
        "trust": "",
        "selective_class": "",
        "address": place.address(place.slug(layer.name) or layer.slug, unit),
    }
    if first is not None:
        row |= {
            "canvas_px": max(first.height, first.width),
            "activation_start": _finite(first.activation_start),
            "activation_end": _finite(first.activation_end),
            "steps": first.steps,
        }
    if score is not None:
        for name in ("p_structured", "consistency", "structure", "use", "p_value"):
            row[name] = _finite(getattr(score, name))
        for name in (
            "borderline",
            "verdict",
            "verdict_detail",
            "reason",
            "duplicate_of",
            "mirror_of",
            "complement_of",
            "facets",
        ):
            row[name] = getattr(score, name)
        row |= {name: value(score) for name, value in BESIDE.items()}
    row |= {name: getattr(need, name) for name in OF_NEED} if need is not None else {"hurt": ""}
    return row


def csv_bytes(rows: Sequence[Row]) -> bytes:
    """Return rows as CSV: UTF-8, a heading, lines that end with a line feed.

    Texts that a spreadsheet would run as a formula get an apostrophe in front.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([csv_cell(row[name], kind) for name, kind in COLUMNS.items()])
    return buffer.getvalue().encode("utf-8", "replace")


def json_bytes(rows: Sequence[Row]) -> bytes:
    """Return rows as a JSON list of objects, one a line; undefined numbers are null."""
    lines = ",\n".join(json.dumps(row, allow_nan=False, separators=(",", ":")) for row in rows)
    return f"[\n{lines}\n]\n".encode() if rows else b"[]\n"


def parquet_bytes(rows: Sequence[Row]) -> bytes:
    """Return rows as Parquet.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtra("export", needed_for="the verdict table as Parquet") from None
    types = {
        "text": arrow.string(),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "boolean": arrow.bool_(),
    }
    arrays = [
        arrow.array([_plain_text(row[name]) for row in rows], types[kind]) for name, kind in COLUMNS.items()
    ]
    buffer = io.BytesIO()
    parquet.write_table(arrow.Table.from_arrays(arrays, names=list(COLUMNS)), buffer, compression="zstd")
    return buffer.getvalue()


def sqlite_bytes(rows: Sequence[Row]) -> bytes:
    """Return rows as an SQLite file with one table, `verdicts`."""
    types = {"text": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "INTEGER"}
    columns = {name: types[kind] for name, kind in COLUMNS.items()}
    return sqlite_table("verdicts", columns, ([_plain_text(row[name]) for name in COLUMNS] for row in rows))


FORMATS = {"csv": csv_bytes, "json": json_bytes, "parquet": parquet_bytes, "sqlite": sqlite_bytes}


@checked
def export_table(store_path: str | Path, out: str | Path, format: str) -> int:
    """Write the verdict table of a store and return its number of rows, one a unit.

    Args:
        store_path: The store; only read.
        out: The file; it is there whole or not at all.
        format: `csv`, `json`, `parquet` or `sqlite`.

    Raises:
        ConfigError: Another format.
        StoreError: The store cannot be read.
        MissingExtra: Parquet without pyarrow.
        SiteError: The file cannot be written.

    Example:
        >>> import reportgen
        >>> reportgen.export_table("reportgen.db", "verdicts.csv", "csv")
        5
    """
    if format not in FORMATS:
        raise ConfigError(
            f"format is {in_brief(format)}, wanted one of {', '.join(FORMATS)}",
            hint=suggestion(format, FORMATS, otherwise=""),
        )
    with open_store(store_path) as store:
        rows = list(verdict_rows(store))
    data, out = FORMATS[format](rows), Path(out)
    part = out.with_name(out.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True) if part.parent.is_dir() else None
        raise SiteError(f'"{out}" cannot be written: {error.strerror or error}') from None
    return len(rows)


def csv_cell(value: object, kind: str) -> str:
    """Return a value as CSV has it; texts that a spreadsheet would run get an apostrophe in front."""
    if value is None:
        return ""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "text":
        text = visible(str(value))
        return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
    return repr(value) if isinstance(value, float) else str(value)


def _plain_text(value: Cell) -> Cell:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
