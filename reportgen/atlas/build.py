"""A store becomes a site: what it will hold, whether that fits, and then all of it at once.

A site is made of parts, one a layer and one for the pages above them. A part is made again only if what it
is made from has changed, by several processes where there is much to do. Nothing in the site's folder changes
before everything is ready.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TypeVar

import reportgen
from reportgen.arguments import checked
from reportgen.atlas.addresses import Place, places
from reportgen.atlas.build_layer import LayerTask, make_layer
from reportgen.atlas.comparison_pages import comparison_files
from reportgen.atlas.comparison_rows import ComparisonContext
from reportgen.atlas.counterparts import counterparts_of, version_changes
from reportgen.atlas.output import SiteFiles, check_budget, site_files
from reportgen.atlas.pages import Pages, picture_sources, template_folders
from reportgen.atlas.picture_sizes import SMALLER, ChosenSizes, choose_sizes
from reportgen.atlas.process_pool import process_pool, without_garbage_collection
from reportgen.atlas.site_map import PICTURES, START
from reportgen.atlas.site_pages import site_page_files, tables_here
from reportgen.atlas.size_estimate import sample_units, size_estimator
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.views import Counterpart
from reportgen.comparison import Comparisons
from reportgen.control_groups import usable_cores
from reportgen.errors import SiteError
from reportgen.spec import AtlasSpec, content_hash
from reportgen.store import ModelRecord, Store, layer_digest, open_store, run_seconds, units_of

_DEFAULT = AtlasSpec()
_NONE = Comparisons()
_FEW_UNITS = 2000
_SITE_PAGES = "front"
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class AtlasSummary:
    """What a build did.

    Attributes:
        pages, pictures, layers: How many the site has; a strip of several starts counts once.
        bytes: Of all files, the manifest left out.
        written: Files that were new or changed.
        seconds: How long it took.
        index: The page to open.
        sizes: What was decided about its size, in words.
    """

    pages: int
    pictures: int
    bytes: int
    layers: int
    written: int
    seconds: float
    index: Path
    sizes: str = ""


@dataclass(frozen=True)
class _Digests:
    """Texts that change with all that a layer's pictures, and its pages, are made from."""

    pictures: str
    pages: str


@dataclass(frozen=True)
class _Plan:
    """What a site will be made of: model versions with the units of their layers, and each layer's digest."""

    records: tuple[ModelRecord, ...]
    places: Mapping[int, Place]
    units: Mapping[int, Mapping[str, tuple[int, ...]]]
    digests: Mapping[tuple[int, str], _Digests]
    spec: AtlasSpec
    pages: Pages
    counterparts: Mapping[int, Mapping[str, Mapping[int, Sequence[Counterpart]]]] = field(
        default_factory=dict
    )

    def counterparts_in(self, model: int, layer: str) -> dict[str, Mapping[int, Sequence[Counterpart]]]:
        """Return the counterparts of a layer's units, by its name; nothing where there are none."""
        found = self.counterparts.get(model, {}).get(layer)
        return {layer: found} if found else {}

    @property
    def n_units(self) -> int:
        return sum(len(own) for layers in self.units.values() for own in layers.values())

    @property
    def n_layers(self) -> int:
        return sum(map(len, self.units.values()))

    @property
    def own_pages(self) -> bool:
        return self.n_units <= self.spec.unit_pages_max


@checked
def write_atlas(
    store_path: str | Path,
    site_dir: str | Path,
    spec: AtlasSpec = _DEFAULT,
    credits: str = "",
    comparisons: Comparisons = _NONE,
    *,
    templates: str | Path | None = None,
    report: Callable[[str], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> AtlasSummary:
    """Write the site of all model versions in a store.

    The same store and settings give the same bytes. Files that an earlier build wrote and this one does not
    are removed; files of others stay.

    Args:
        store_path: The store; only read.
        site_dir: The site's folder, made if it is not there.
        spec: Title, sizes and limits.
        credits: A text for the page about the atlas; lines stay lines.
        comparisons: How versions in this store differ; they get pages of their own.
        templates: A folder whose files stand in for templates of the same names.
        report: Receives in a line, before anything is written, how large the site and its pictures will be.
        stop: Called between layers and pages; once it returns true, nothing is written.

    Returns:
        Counts of pages, pictures and layers, the site's bytes, how many files were new or changed, the
        seconds it took, and the page to open.

    Raises:
        StoreError: The store cannot be read.
        SiteError: The folder cannot be written, or it was stopped; what was there is as it was.
        BudgetError: The site would be larger than `spec.max_site_bytes`; nothing was written.

    Example:
        >>> import reportgen
        >>> site = reportgen.write_atlas("reportgen.db", "site", reportgen.AtlasSpec(title="Tiny"))
        >>> site.layers, site.index.as_posix()
        (2, 'site/index.html')
    """
    started, folder = time.monotonic(), Path(site_dir)
    if spec.url and not spec.url.endswith("/"):
        spec = dataclasses.replace(spec, url=spec.url + "/")
    with open_store(store_path) as store, site_files(folder) as files:
        plan = _plan(store, spec, template_folders(templates), comparisons)
        made_from = content_hash(
            [
                plan.pages.digest, spec, credits, repr(comparisons), plan.records, run_seconds(store),
                *plan.digests.items(),
            ]
        )  # fmt: skip
        present, before = files.present(), files.parts_before.get(_SITE_PAGES)
        known = before is not None and before.made_from.startswith(made_from)
        chosen = ChosenSizes.read(before.made_from.removeprefix(made_from)) if before and known else None
        chosen = chosen or _chosen(store, plan)
        if report is not None:
            report(chosen.words)
        _build(store, files, plan, chosen, made_from, credits, comparisons, present, stop or _never)
        total = sum(files.now.values())
        check_budget(total, spec.max_site_bytes, estimated=False, hint=SMALLER)
        written = files.n_staged
        files.publish()
    return AtlasSummary(
        pages=sum(path.endswith(".html") for path in files.now),
        pictures=sum(path.startswith(f"{PICTURES}/") for path in files.now),
        bytes=total,
        layers=plan.n_layers,
        written=written,
        seconds=time.monotonic() - started,
        index=folder / START.address,
        sizes=chosen.words,
    )


def _plan(store: Store, spec: AtlasSpec, folders: tuple[Path, ...], comparisons: Comparisons) -> _Plan:
    records = tuple(store.models())
    if not records:
        raise SiteError(f'store "{store.path.name}" holds no model', hint="render a model first")
    units = {}
    for record in records:
        own = {layer.name: units_of(store, record.id, layer.name) for layer in record.layers}
        units[record.id] = {name: found for name, found in own.items() if found}
    made_with = f"reportgen {reportgen.__version__}"
    compared, stands = bool(comparisons.pairs or comparisons.series), places(records)
    pages = Pages(spec.title, made_with, tables_here(), tuple(_assumed(records)), folders, spec.url, compared)
    plan = _Plan(records, stands, units, {}, spec, pages, counterparts_of(comparisons, stands))
    return dataclasses.replace(plan, digests=dict(_digests(store, plan)))


def _digests(store: Store, plan: _Plan) -> Iterator[tuple[tuple[int, str], _Digests]]:
    """Yield for every layer, by model version and name, texts that change with all that its files show."""
    recipes = store.recipes()
    for record in plan.records:
        place, units = plan.places[record.id], plan.units[record.id]
        shared = [plan.pages.digest, plan.spec, plan.own_pages, place, recipes, list(units.items())]
        whole = content_hash([*shared, record.name, record.version, record.file_hash])
        for name in units:
            own = [record.layer(name), record.roles(name)]
            stored = layer_digest(store, record.id, name)
            pictures = [picture_sources(), bool(plan.spec.url), place.folder, own, stored]
            others = repr(plan.counterparts_in(record.id, name))
            pages = [whole, own, stored, _around(plan, record, name), others]
            yield (record.id, name), _Digests(content_hash(pictures), content_hash(pages))


def _view_context(
    store: Store, plan: _Plan, record: ModelRecord, chosen: ChosenSizes | None = None
) -> ViewContext:
    context = ViewContext(
        plan.spec, plan.places[record.id], store.recipes(),
        {name: frozenset(own) for name, own in plan.units[record.id].items()}, plan.pages.made_with,
    )  # fmt: skip
    return dataclasses.replace(context, sizes=chosen.sizes) if chosen else context


def _chosen(store: Store, plan: _Plan) -> ChosenSizes:
    """Return the sizes of this site's pictures."""
    samples = sample_units(
        store, [(r, plan.units[r.id]) for r in plan.records], lambda r: _view_context(store, plan, r)
    )
    estimate = size_estimator(samples, plan.pages, n_layers=plan.n_layers, own_pages=plan.own_pages)
    return choose_sizes(plan.spec, estimate)


def _build(
    store: Store, files: SiteFiles, plan: _Plan, chosen: ChosenSizes, made_from: str, credits: str,
    comparisons: Comparisons, present: Mapping[str, int], stop: Callable[[], bool],
) -> None:  # fmt: skip
    """Lay out every part that has changed, and keep the others."""
    changed: dict[tuple[int, str], dict[str, str]] = {}
    for place, part, text in _parts(plan, chosen):
        if not files.keep_part(_part_name(plan, place, part), text, present):
            changed.setdefault(place, {})[part] = text
    site_pages_kept = files.keep_part(_SITE_PAGES, made_from + chosen.text, present)
    if site_pages_kept and not changed:
        return
    many = sum(len(plan.units[i][name]) for i, name in changed) > _FEW_UNITS
    with process_pool(make_layer, usable_cores() if many else 1) as pool:
        results = _unless(stop, pool.run(list(_tasks(store, files, plan, chosen, changed))))
        if not site_pages_kept:
            stage, front = files.stage, _unless(stop, _site_pages(store, plan, chosen, credits, comparisons))
            with without_garbage_collection():
                written = [stage.put(path, data) for path, data in front]
            files.add_part(_SITE_PAGES, made_from + chosen.text, written)
        for (place, parts), made in zip(changed.items(), results, strict=True):
            for part, text in parts.items():
                files.add_part(_part_name(plan, place, part), text, made[part])


def _never() -> bool:
    return False


def _unless(stop: Callable[[], bool], made: Iterable[_Made]) -> Iterator[_Made]:
    """Yield what is made, until `stop` returns true.

    Raises:
        SiteError: It did.
    """
    for one in made:
        if stop():
            raise SiteError("the site was not written: it was stopped")
        yield one


def _site_pages(
    store: Store, plan: _Plan, chosen: ChosenSizes, credits: str, comparisons: Comparisons
) -> Iterator[tuple[str, bytes]]:
    """Return the files above the layers, and those that hold versions against each other."""
    changes = version_changes(comparisons, plan.places)
    contexts = {
        r.id: dataclasses.replace(_view_context(store, plan, r, chosen), changes=changes.get(r.id, ()))
        for r in plan.records
    }
    context = ComparisonContext(store, {r.id: r for r in plan.records}, plan.places, plan.pages, plan.spec)
    pages = site_page_files(store, plan.pages, contexts, plan.records, credits)
    return chain(pages, comparison_files(context, comparisons))


def _parts(plan: _Plan, chosen: ChosenSizes) -> Iterator[tuple[tuple[int, str], str, str]]:
    """Yield each layer's parts: whose, which part, and a text that changes with all it is made from."""
    for place, digests in plan.digests.items():
        yield place, "pictures", content_hash([digests.pictures, dataclasses.astuple(chosen.sizes)])
        yield place, "pages", content_hash([digests.pages, dataclasses.astuple(chosen.sizes)])


def _part_name(plan: _Plan, place: tuple[int, str], part: str) -> str:
    own = plan.places[place[0]]
    return f"{own.layer_page(own.slug(place[1]) or '')} {part}"


def _tasks(
    store: Store,
    files: SiteFiles,
    plan: _Plan,
    chosen: ChosenSizes,
    changed: Mapping[tuple[int, str], Mapping[str, str]],
) -> Iterator[tuple[LayerTask]]:
    contexts = {record.id: _view_context(store, plan, record, chosen) for record in plan.records}
    records = {record.id: record for record in plan.records}
    for (model, name), parts in changed.items():
        record = records[model]
        context = dataclasses.replace(contexts[model], counterparts=plan.counterparts_in(model, name))
        yield (
            LayerTask(
                store.path, files.stage, plan.pages, context, record, name,
                _around(plan, record, name), plan.own_pages, frozenset(parts),
            ),
        )  # fmt: skip


def _around(plan: _Plan, record: ModelRecord, name: str) -> dict[str, str]:
    listed = list(plan.units[record.id])
    at = listed.index(name)
    slugs = [plan.places[record.id].slug(other) or "" for other in listed]
    return {
        "previous": slugs[at - 1] if at else "",
        "next": slugs[at + 1] if at + 1 < len(slugs) else "",
    }


def _assumed(records: Sequence[ModelRecord]) -> Iterator[str]:
    """Yield what is not known of the models' inputs, which every page has to say."""
    for record in records:
        name = f"{record.name} {record.version}"
        if record.input_range.source == "assumed":
            seen = f"The input range {record.input_range} of {name} is assumed"
            yield f"{seen}; with another range its pictures and verdicts would differ."
        if record.input_size_source == "assumed":
            height, width, _ = record.input_shape
            yield f"The input size {height} × {width} px of {name} is assumed."
