"""A store becomes a site: what it will hold, whether that fits, and then all of it at once.

Pages are made layer by layer, pictures encoded only where a file of their name is not there yet.
Nothing in the site's folder changes before everything is ready.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path

import reportgen
from reportgen.atlas import pages as site_pages
from reportgen.atlas.comparison_pages import Shelf, comparison_files
from reportgen.atlas.files import SiteFiles, check_budget, site_files
from reportgen.atlas.imported import import_view
from reportgen.atlas.layout import PICTURES, Place, places
from reportgen.atlas.pages import LayerSummary, ModelSummary, Pages
from reportgen.atlas.panel import Scene
from reportgen.atlas.pictures import PagePicture, encode_page_picture, encode_stored, page_picture
from reportgen.atlas.rows import RenderRow, layer_rows, lead_of, null_pictures, render_rows
from reportgen.atlas.table import FORMATS, verdict_rows
from reportgen.atlas.words import citation
from reportgen.comparison import Comparisons
from reportgen.errors import MissingExtra, SiteError
from reportgen.spec import AtlasSpec, ScoreSpec
from reportgen.store import ModelRecord, Store, StoredRender, open_store
from reportgen.units import Layer

_N_SAMPLED = 48
_DEFAULT = AtlasSpec()
_NONE = Comparisons()


@dataclass(frozen=True, slots=True)
class AtlasSummary:
    """What a build did.

    Attributes:
        pages, pictures, layers: How many the site has.
        bytes: Of all files, the manifest left out.
        written: Files that were new or changed.
        seconds: How long it took.
        index: The page to open.
    """

    pages: int
    pictures: int
    bytes: int
    layers: int
    written: int
    seconds: float
    index: Path


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A picture the site needs, and the render it is made from; `render` is None for the null's."""

    picture: PagePicture
    model: int
    layer: str
    render: RenderRow | None
    null: tuple[str, int] = ("", 0)


@dataclass
class _Content:
    """What a site will hold: its texts whole, its pictures by name."""

    texts: dict[str, bytes] = field(default_factory=dict)
    pictures: dict[str, _Wanted] = field(default_factory=dict)
    n_layers: int = 0

    def add(self, path: str, data: bytes) -> None:
        self.texts[path] = data


def write_atlas(
    store_path: str | Path, site_dir: str | Path, spec: AtlasSpec = _DEFAULT, credits: str = "",
    comparisons: Comparisons = _NONE,
) -> AtlasSummary:  # fmt: skip
    """Write the site of all model versions in a store.

    The same store and settings give the same bytes. Files that an earlier build wrote and this one does not
    are removed; files of others stay.

    Args:
        store_path: The store; only read.
        site_dir: The site's folder, made if it is not there.
        spec: Title, sizes and limits.
        credits: A text for the page about the atlas; lines stay lines.
        comparisons: How versions in this store differ; they get pages of their own.

    Raises:
        StoreError: The store cannot be read.
        SiteError: The folder cannot be written; what was there is as it was.
        BudgetError: The site would be larger than `spec.max_site_bytes`; nothing was written.
    """
    started, folder = time.monotonic(), Path(site_dir)
    if spec.url and not spec.url.endswith("/"):
        spec = dataclasses.replace(spec, url=spec.url + "/")
    with open_store(store_path) as store, site_files(folder) as files:
        content = _content(store, spec, credits, comparisons)
        missing = [w for name, w in content.pictures.items() if not files.has(f"{PICTURES}/{name}")]
        _check_size(store, files, content, missing, spec)
        for name, data in _encoded(store, missing, spec):
            files.put(f"{PICTURES}/{name}", data)
        for name in content.pictures:
            if f"{PICTURES}/{name}" not in files.now:
                files.keep(f"{PICTURES}/{name}")
        for path, text in content.texts.items():
            files.put(path, text)
        total = sum(files.now.values())
        check_budget(total, spec.max_site_bytes, estimated=False, hint=_SMALLER)
        written = files.n_staged
        files.publish()
    return AtlasSummary(
        pages=sum(path.endswith(".html") for path in content.texts),
        pictures=len(content.pictures),
        bytes=total,
        layers=content.n_layers,
        written=written,
        seconds=time.monotonic() - started,
        index=folder / "index.html",
    )


_SMALLER = "lower picture_px or webp_quality, leave layers out, or raise max_site_bytes"


def _content(store: Store, spec: AtlasSpec, credits: str, comparisons: Comparisons) -> _Content:
    records = store.models()
    if not records:
        raise SiteError(f'store "{store.path.name}" holds no model', hint="render a model first")
    content, place, recipes = _Content(), places(records), store.recipes()
    made_with = f"reportgen {reportgen.__version__}"
    _add_tables(store, content)
    tables = [p for p in content.texts if p.startswith("verdicts.")]
    compared = bool(comparisons.pairs or comparisons.series)
    pages = Pages(spec.title, made_with, tables, list(_assumed(records)), compared)
    own_pages = _n_units(store, records) <= spec.unit_pages_max
    summaries = []
    for record in records:
        leads = _collect_pictures(store, record, content, spec)
        scene = Scene(spec, place[record.id], recipes, leads, made_with)
        summaries.append(_add_model(store, pages, scene, record, content, own_pages=own_pages))
    shelf = Shelf(store, {r.id: r for r in records}, place, pages, spec)
    for path, data in comparison_files(shelf, comparisons):
        content.add(path, data)
    _add_front(pages, content, summaries, spec, _credits(records, credits))
    return content


def _assumed(records: Sequence[ModelRecord]) -> Iterator[str]:
    """Yield what is not known of the models' inputs, which every page has to say."""
    for record in records:
        name = f"{record.name} {record.version}"
        if record.input_range.source == "assumed":
            seen = f"The input range {record.input_range} of {name} is assumed"
            yield f"{seen}: if it is another, so are its pictures."
        if record.input_size_source == "assumed":
            height, width, _ = record.input_shape
            yield f"The input size {height} × {width} px of {name} is assumed."


def _credits(records: Sequence[ModelRecord], credits: str) -> str:
    """Return whom the models' makers thank, each text once, then what was said for this site."""
    texts = [str(record.plan.get("credits", "")).strip() for record in records] + [credits.strip()]
    return "\n\n".join(text for text in dict.fromkeys(texts) if text)


def _add_tables(store: Store, content: _Content) -> None:
    rows = list(verdict_rows(store))
    for name, encode in FORMATS.items():
        try:
            content.add(f"verdicts.{name}", encode(rows))
        except MissingExtra:  # Parquet is there where its package is (docs/formats.md)
            continue


def _n_units(store: Store, records: Sequence[ModelRecord]) -> int:
    return sum(
        len(
            {unit for unit, *_ in store.placements(r.id, x.name)}
            | {s.unit for s in store.scores(r.id, x.name)}
        )
        for r in records
        for x in r.layers
    )


def _collect_pictures(
    store: Store, record: ModelRecord, content: _Content, spec: AtlasSpec
) -> dict[tuple[str, int], str]:
    """Note the pictures of a model version; return the stem of each unit's representative one."""
    leads: dict[tuple[str, int], str] = {}
    for layer in record.layers:
        plan = record.roles(layer.name)
        shown = {plan.get("scored"), plan.get("shown"), *(plan.get("sweep") or ())}
        for unit, renders in render_rows(store, record, layer).items():
            lead = lead_of(renders, plan)
            for render in renders:
                if render.recipe not in shown and render is not lead:
                    continue
                found = page_picture(render.key, render.height, render.width, spec)
                content.pictures.setdefault(found.name, _Wanted(found, record.id, layer.name, render))
                if render is lead:
                    leads[layer.name, unit] = found.stem
    return leads


def _add_model(
    store: Store, pages: Pages, scene: Scene, record: ModelRecord, content: _Content, *, own_pages: bool
) -> ModelSummary:
    listed = [
        x for x in record.layers if store.placements(record.id, x.name) or store.scores(record.id, x.name)
    ]
    summaries: list[LayerSummary] = []
    for i, layer in enumerate(listed):
        rows = layer_rows(store, record, layer)
        around = {"previous": _slug(scene.place, listed, i - 1), "next": _slug(scene.place, listed, i + 1)}
        n_null = min(rows.n_null, 10)
        for index in range(n_null):
            wanted = page_picture(site_pages.null_key(rows.null_setting, index), *rows.null_size, scene.spec)
            content.pictures.setdefault(wanted.name, _Wanted(wanted, 0, "", None, (rows.null_setting, index)))
        for path, data in site_pages.layer_pages(
            pages, scene, rows, around, own_pages=own_pages, n_null=n_null
        ):
            content.add(path, data)
        summaries.append(site_pages.summary_of(scene, rows))
        content.n_layers += 1
    summary = ModelSummary(record, scene.place, tuple(summaries), tuple(store.runs_of(record.id)))
    cite = citation(
        None,
        record.name,
        record.version,
        record.file_hash,
        title=scene.spec.title,
        made_with=scene.made_with,
        address=scene.spec.url + scene.place.index,
    )
    path = scene.place.index
    recipes = site_pages.recipes_of(record, scene.recipes)
    content.add(
        path,
        pages.page(
            "model.html",
            path,
            model=summary,
            record=record,
            place=scene.place,
            cite=cite,
            recipes=recipes,
            imported=import_view(record),
        ),
    )
    return summary


def _slug(place: Place, listed: Sequence[Layer], at: int) -> str:
    return (place.slug(listed[at].name) or "") if 0 <= at < len(listed) else ""


def _add_front(
    pages: Pages, content: _Content, models: Sequence[ModelSummary], spec: AtlasSpec, credits: str
) -> None:
    grouped = [
        (name, [m for m in models if m.record.name == name])
        for name in dict.fromkeys(m.record.name for m in models)
    ]
    content.add("index.html", pages.page("index.html", "index.html", grouped=grouped))
    content.add("method.html", pages.page("method.html", "method.html", cut=ScoreSpec().structure_z))
    content.add(
        "about.html",
        pages.page("about.html", "about.html", models=models, credits=credits, spec=spec),
    )
    content.add("404.html", pages.not_found())
    content.add(".nojekyll", b"")
    if spec.url:
        found = sorted(
            p for p in content.texts if p.endswith(".html") and p.count("/") <= 3 and p != "404.html"
        )
        content.add("sitemap.txt", "".join(f"{spec.url}{p}\n" for p in found[:50_000]).encode())
    for path, data in pages.asset_files().items():
        content.add(path, data)


def _check_size(
    store: Store, files: SiteFiles, content: _Content, missing: Sequence[_Wanted], spec: AtlasSpec
) -> None:
    """Refuse a site over its budget before anything is written; new pictures by the mean of a sample."""
    there = {w.picture.name for w in missing}
    known = sum(files.before.get(f"{PICTURES}/{n}", 0) for n in content.pictures if n not in there)
    sample = missing[:: max(1, len(missing) // _N_SAMPLED)]
    area = sum(w.picture.height * w.picture.width for w in sample) or 1
    density = sum(len(data) for _, data in _encoded(store, sample, spec)) / area if sample else 0.0
    coming = density * sum(w.picture.height * w.picture.width for w in missing)
    total = round(sum(map(len, content.texts.values())) + known + coming)
    check_budget(total, spec.max_site_bytes, estimated=bool(missing), hint=_SMALLER)


def _encoded(store: Store, wanted: Sequence[_Wanted], spec: AtlasSpec) -> Iterator[tuple[str, bytes]]:
    """Yield `(name, WebP)` of pictures, a layer at a time, on all cores (the encoder lets them run)."""

    def encode(job: tuple[PagePicture, StoredRender]) -> tuple[str, bytes]:
        picture, render = job
        return picture.name, encode_stored(render.picture, render.channels, picture, spec)

    ordered = sorted((w for w in wanted if w.render is not None), key=lambda w: (w.model, w.layer))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for (model, layer), group in groupby(ordered, key=lambda w: (w.model, w.layer)):
            renders = [(w.render, w.picture) for w in group if w.render is not None]
            needed = {render.key: picture for render, picture in renders}
            units = sorted({render.unit for render, _ in renders})
            jobs = _jobs(store, model, layer, units, needed)
            while batch := list(islice(jobs, 64)):
                yield from pool.map(encode, batch)
    yield from _encoded_nulls(store, [w for w in wanted if w.render is None], spec)


def _jobs(
    store: Store, model: int, layer: str, units: Sequence[int], needed: Mapping[str, PagePicture]
) -> Iterator[tuple[PagePicture, StoredRender]]:
    done: set[str] = set()
    for start in range(0, len(units), 500):
        for render in store.renders(model, layer, units=units[start : start + 500]):
            if render.key in needed and render.key not in done:
                done.add(render.key)
                yield needed[render.key], render


def _encoded_nulls(store: Store, wanted: Sequence[_Wanted], spec: AtlasSpec) -> Iterator[tuple[str, bytes]]:
    for setting, group in groupby(sorted(wanted, key=lambda w: w.null), key=lambda w: w.null[0]):
        pixels = null_pictures(store, setting)
        for w in group:
            yield w.picture.name, encode_page_picture(pixels[w.null[1]], w.picture, spec)
