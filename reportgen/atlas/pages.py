"""The pages of a site as text, from rows.

Everything a template gets is a plain value made here; the templates lay it out and escape it. No
file is written and no picture encoded.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from reportgen.atlas import words
from reportgen.atlas.layout import ASSETS, PICTURES, Place, relative, root_of
from reportgen.atlas.panel import Scene, picture, recipe_sections, unit_view
from reportgen.atlas.pictures import page_picture
from reportgen.atlas.plots import number
from reportgen.atlas.rows import LayerRows, recipe_name
from reportgen.errors import SiteError
from reportgen.spec import RenderSpec, ScoreSpec
from reportgen.store import ModelRecord

UNITS_PER_PART = 256
_TERSE_FROM = 1024
_N_STRIP, _N_NULL_SHOWN, _N_NAMED = 12, 10, 32


@dataclass(frozen=True)
class LayerSummary:
    """A layer as pages above it show it."""

    name: str
    slug: str
    kind: str
    n_units: int
    n_listed: int
    field: str
    counts: Mapping[str, int]
    strip: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class ModelSummary:
    """A model version as pages above it show it."""

    record: ModelRecord
    place: Place
    layers: tuple[LayerSummary, ...]
    runs: tuple[Mapping[str, Any], ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Units by verdict."""
        found: dict[str, int] = {}
        for layer in self.layers:
            for word, n in layer.counts.items():
                found[word] = found.get(word, 0) + n
        return found

    @property
    def n_units(self) -> int:
        """Units that have a page."""
        return sum(layer.n_listed for layer in self.layers)

    @property
    def mosaic(self) -> list[Mapping[str, Any]]:
        """Pictures of all layers by turns, the best of each first."""
        depth = max((len(x.strip) for x in self.layers), default=0)
        return [layer.strip[i] for i in range(depth) for layer in self.layers if i < len(layer.strip)][:24]


@dataclass
class Pages:
    """Renders templates into pages of one site."""

    title: str
    made_with: str
    tables: Sequence[str]
    assumed: Sequence[str] = ()
    compared: bool = False
    folder: Path = field(default_factory=lambda: template_folder())

    def __post_init__(self) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(self.folder),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.globals.update(
            counts_in_words=words.counts_in_words,
            mark=words.mark,
            meanings=words.VERDICT_MEANINGS,
            unfinished=words.unfinished,
            bar=_bar,
            number=number,
            pictures=PICTURES,
            colours=_colours,
        )
        self.assets = {
            name: (self.folder / "assets" / name).read_bytes()
            for name in ("atlas.css", "atlas.js", "theme.js")
        }

    def asset_files(self) -> dict[str, bytes]:
        """Return style and scripts under names that change with their content."""
        return {self.asset(name): data for name, data in self.assets.items()}

    def asset(self, name: str) -> str:
        """Return the path of a style or script from the site's root."""
        stem, _, ending = name.partition(".")
        return f"{ASSETS}/{stem}.{_digest(self.assets[name])}.{ending}"

    def page(self, template: str, path: str, **values: Any) -> bytes:
        """Return a page; `path` is where it will stand."""

        def link(target: str) -> str:
            return relative(path, target)

        text = self._environment.get_template(template).render(
            path=path,
            root=root_of(path),
            link=link,
            site_title=self.title,
            made_with=self.made_with,
            tables=self.tables,
            assumed=self.assumed,
            compared=self.compared,
            asset=self.asset,
            **values,
        )
        return text.encode("utf-8", "replace")

    def not_found(self) -> bytes:
        """Return `404.html`: served at any depth, so its style is its own, allowed by its hash."""
        source = (self.folder / "assets" / "404.css").read_text(encoding="utf-8").strip()
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        return self.page("404.html", "404.html", style=source, style_hash=digest)


def template_folder() -> Path:
    """Return where the templates are: beside the package in a wheel, at the top of a checkout.

    Raises:
        SiteError: Neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_templates", package.parent / "templates"):
        if (folder / "base.html").is_file():
            return folder
    raise SiteError("the page templates are not installed", hint="install reportgen again")


def layer_pages(
    pages: Pages,
    scene: Scene,
    rows: LayerRows,
    neighbours: Mapping[str, str],
    *,
    own_pages: bool,
    n_null: int,
) -> Iterator[tuple[str, bytes]]:
    """Yield `(path, bytes)` of a layer's page, its data files and its units' own pages.

    Args:
        neighbours: `previous` and `next` layer's slugs, empty at the ends.
        own_pages: Whether each unit also gets a page of its own.
        n_null: Pictures of the renderer null that the site has.
    """
    slug = scene.place.slug(rows.layer.name) or rows.layer.slug
    views = [unit_view(scene, rows, unit) for unit in rows.units]
    common = recipe_sections(scene, rows)
    parts = []
    for start in range(0, len(views), UNITS_PER_PART):
        data = _data_script(views[start : start + UNITS_PER_PART])
        name = f"{slug}/units-{start // UNITS_PER_PART}.{_digest(data)}.js"
        parts.append([name, views[start]["u"]])
        yield f"{scene.place.folder}/{name}", data
    context = layer_context(scene, rows, slug, own_pages=own_pages, n_null=n_null)
    model = {"record": rows.record, "place": scene.place}
    path = scene.place.layer_page(slug)
    yield (
        path,
        pages.page("layer.html", path, parts=parts, common=common, around=neighbours, **context, **model),
    )
    if own_pages:
        for i, view in enumerate(views):
            path = scene.place.unit_page(slug, view["u"])
            around = {
                "previous": views[i - 1]["u"] if i else None,
                "next": views[i + 1]["u"] if i + 1 < len(views) else None,
            }
            yield (
                path,
                pages.page(
                    "unit.html",
                    path,
                    view=view,
                    layer=rows.layer,
                    slug=slug,
                    common=common,
                    around=around,
                    **model,
                ),
            )


def layer_context(
    scene: Scene, rows: LayerRows, slug: str, *, own_pages: bool, n_null: int
) -> dict[str, Any]:
    """Return what a layer's page says above its sheet, and the sheet's cells."""
    terse = len(rows.units) > _TERSE_FROM
    return {
        "layer": rows.layer,
        "slug": slug,
        "terse": terse,
        "own_pages": own_pages,
        "facts": _facts(scene, rows),
        "counts": rows.counts,
        "n_listed": len(rows.units),
        "findings": _findings(rows),
        "cells": [
            _cell(scene, rows, unit, linked=f"{slug}/{unit}.html" if own_pages and not terse else f"#u{unit}")
            for unit in rows.units
        ],
        "page_links": list(rows.units[::64]) if own_pages and terse else [],
        "nulls": [
            null_picture(scene, rows.null_setting, i, size)
            for i, size in enumerate(_null_sizes(rows, n_null))
        ],
    }


def null_key(setting: str, index: int) -> str:
    """Return the key under which a page shows a picture of the renderer null."""
    return f"null:{setting}:{index}"


def null_picture(scene: Scene, setting: str, index: int, size: tuple[int, int]) -> dict[str, Any]:
    """Return a picture of the renderer null as a page shows it."""
    page = page_picture(null_key(setting, index), *size, scene.spec)
    return {
        "s": page.stem,
        "w": page.width,
        "h": page.height,
        "a": f"Picture {index} of the renderer null: made of nothing",
        "c": "",
    }


def summary_of(scene: Scene, rows: LayerRows) -> LayerSummary:
    """Return a layer as the model page shows it."""
    slug = scene.place.slug(rows.layer.name) or rows.layer.slug
    return LayerSummary(
        rows.layer.name,
        slug,
        words.kind_in_words(rows.layer),
        rows.layer.n_units,
        len(rows.units),
        words.field(rows.layer),
        rows.counts,
        tuple(_strip(scene, rows, slug)),
    )


def recipes_of(record: ModelRecord, recipes: Mapping[str, RenderSpec]) -> list[tuple[str, str, str]]:
    """Return `(role, name, TOML)` of a model version's recipes."""
    roles = record.plan.get("recipes", {})
    named = [("shown first", roles.get("shown", "")), ("scored", roles.get("scored", ""))]
    return [(role, recipes[h].name, words.recipe_toml(recipes[h])) for role, h in named if h in recipes]


def _null_sizes(rows: LayerRows, n_null: int) -> list[tuple[int, int]]:
    return [rows.null_size] * min(n_null, _N_NULL_SHOWN) if rows.null_setting else []


def _strip(scene: Scene, rows: LayerRows, slug: str) -> Iterator[dict[str, Any]]:
    """Yield the pictures that stand for a layer: its most structured units, copies left out."""

    def rank(unit: int) -> tuple[bool, float, int]:
        score = rows.scores.get(unit)
        good = (
            score is not None
            and score.verdict in ("structured", "multifaceted")
            and score.duplicate_of is None
        )
        return (not good, -(score.structure or 0.0) if score else 0.0, unit)

    for unit in sorted(rows.units, key=rank)[:_N_STRIP]:
        lead = rows.lead(unit)
        if lead is not None:
            found = picture(scene, rows, lead, "")
            yield {**found, "u": unit, "href": f"{slug}.html#u{unit}"}


def _cell(scene: Scene, rows: LayerRows, unit: int, *, linked: str) -> dict[str, Any]:
    score, lead = rows.scores.get(unit), rows.lead(unit)
    shown = page_picture(lead.key, lead.height, lead.width, scene.spec) if lead else None
    word = score.verdict if score else words.UNSCORED
    return {
        "u": unit,
        "m": words.mark(score.verdict if score else ""),
        "h": linked,
        "s": shown.stem if shown else "",
        "w": shown.width if shown else 0,
        "t": shown.height if shown else 0,
        "v": word + ("?" if score and score.borderline else ""),
        "n": _short(score.structure if score else None),
    }


def _short(value: float | None) -> str:
    """Return a score to one decimal, as the sheet has room for."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.1f}".replace("-0.0", "0.0").replace("-", "−")


def _facts(scene: Scene, rows: LayerRows) -> list[tuple[str, str]]:
    layer = rows.layer
    canvases = sorted(
        {
            (r.height, r.width)
            for renders in rows.renders.values()
            for r in renders
            if r.recipe == rows.scored_recipe
        }
    )
    shown, scored = (recipe_name(scene.recipes, h) for h in (rows.shown_recipe, rows.scored_recipe))
    return [
        ("Kind", words.kind_in_words(layer)),
        (
            "Units",
            f"{layer.n_units}"
            + ("" if len(rows.units) == layer.n_units else f", {len(rows.units)} rendered"),
        ),
        ("Receptive field", words.field(layer)),
        ("Stride", words.size(layer.stride_px, otherwise="none: one answer for the picture")),
        ("Canvas", ", ".join(words.size(c, otherwise="") for c in canvases) or "–"),
        ("Recipe", f"{shown or '–'} shown, {scored or '–'} scored"),
        ("Judged", words.judged_after(layer)),
        *_other_cut(rows),
    ]


def _other_cut(rows: LayerRows) -> list[tuple[str, str]]:
    """Return the cut between structured and static where it is not the one the method page names."""
    cut = rows.thresholds.structure_z
    return [] if cut == ScoreSpec().structure_z else [("Cut", f"structure of {number(cut)} null deviations")]


def _findings(rows: LayerRows) -> list[tuple[str, list[int]]]:
    """Return `(sentence, units it names)`, the units of those that are on the page."""
    told = [*(rows.findings.get("text") or ()), *(rows.findings.get("beside") or ())]
    found: list[tuple[str, list[int]]] = [(str(x), []) for x in told]
    superfluous = rows.findings.get("superfluous") or {}
    for word, meaning in (("certain", "Certainly superfluous"), ("likely", "Likely superfluous")):
        units = [u for u in superfluous.get(word) or () if u in rows.renders or u in rows.scores]
        if units:
            more = f", the first {_N_NAMED}" if len(units) > _N_NAMED else ""
            found.append((f"{meaning} ({len(units)}{more}):", units[:_N_NAMED]))
    return found


def _data_script(views: Sequence[Mapping[str, Any]]) -> bytes:
    text = json.dumps(views, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return f"(self.atlasUnits=self.atlasUnits||[]).push({text});\n".encode()


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=5).hexdigest()


def _bar(counts: Mapping[str, int]) -> list[tuple[str, float, float]]:
    """Return `(mark, left, width)` in per cent, in the order of the verdicts."""
    total = sum(counts.values()) or 1
    found, left = [], 0.0
    for word, letter in words.VERDICT_MARKS.items():
        if counts.get(word):
            share = counts[word] / total * 100
            found.append((letter, round(left, 3), round(share, 3)))
            left += share
    return found


def _colours(text: str) -> list[str]:
    """Return `rrggbb` codes that stand one after another in `text`."""
    return [text[i : i + 6] for i in range(0, len(text), 6)]
