"""What the explorer's pages show, read from the store: the values an atlas's files hold, made when asked for.

Addresses, columns, pictures' names and a unit's sections are the atlas's own, so that one client draws both.
Where an atlas names files, the explorer names content keys. Knows neither Dash nor a model.
"""

from __future__ import annotations

import base64
import dataclasses
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import reportgen
from reportgen.atlas import columns, words
from reportgen.atlas.addresses import Place, places
from reportgen.atlas.faint import faint_by_key
from reportgen.atlas.natural_tiles import TilePixels, natural_strip
from reportgen.atlas.packing import pack
from reportgen.atlas.pictures import Sizes, encode_stored, page_picture, page_size
from reportgen.atlas.rows import RenderRow, layer_rows, lead_of, listed_rows, render_rows
from reportgen.atlas.site_map import UNITS
from reportgen.atlas.site_pages import unit_columns
from reportgen.atlas.strips import GRID_RECIPES, Shown, UnitPictures, of_recipe
from reportgen.atlas.unit_view import unit_view
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.views import Connections, Edge, Link, Links, Pictures, Section, UnitView
from reportgen.errors import UnknownLayer
from reportgen.explorer.atlas_pictures import AtlasPicture, asked_of, atlas_picture
from reportgen.explorer.render_request import Asked
from reportgen.json_values import JsonObject
from reportgen.spec import AtlasSpec
from reportgen.store import (
    ModelRecord,
    Store,
    n_placements,
    open_store,
    pictures_by_key,
    units_stamp,
    verdict_counts,
    verdicts_of,
)
from reportgen.units import Layer
from reportgen.verdicts import DEAD, FLAT, STATIC, STRUCTURED

SIZES = Sizes(picture_px=256)
"""Pictures of the explorer: up to the usual input of a network they are shown as large as they are."""

KEY_BYTES = 16
MOST_CACHED = 64
_COUNTED = (STRUCTURED, STATIC, FLAT, DEAD)  # Those with a column of their own.


@dataclass(frozen=True)
class Version:
    """A model version and where its pages stand."""

    record: ModelRecord
    place: Place

    @property
    def name(self) -> str:
        """`model/version`, in people's own words."""
        return f"{self.record.name}/{self.record.version}"

    @property
    def home(self) -> str:
        """The address of its view of all units."""
        return f"/{self.place.page(UNITS)}"

    def layer(self, slug: str) -> Layer:
        """Return the layer whose page has that name.

        Raises:
            UnknownLayer: There is none.
        """
        for name, own in self.place.slugs:
            if own == slug:
                return self.record.layer(name)
        raise UnknownLayer(f'"{slug[:80]}" is no layer of {self.name}')


@dataclass(frozen=True)
class KeyedPictures(UnitPictures):
    """A unit's pictures by content key: each is a file of its own, and all are there."""

    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def find(self, key: str) -> Shown | None:
        """Return the picture of a render."""
        if key not in self.sizes:
            return None
        tall, wide, enlarge = page_size(*self.sizes[key], SIZES.picture_px)
        return Shown(key, wide * enlarge, tall * enlarge)


@dataclass(frozen=True)
class OpenUnit:
    """A unit that is open in the explorer.

    Attributes:
        view: As the atlas shows it.
        lead: The picture that stands for it; None where it has none.
    """

    view: UnitView
    lead: AtlasPicture | None


class StoreView:
    """A store as the explorer reads it. Safe for threads: each call reads through a connection of its own.

    What takes long to gather is kept until the store changes in what it was gathered from.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[tuple[object, ...], tuple[str, bytes]] = {}
        self._busy: dict[tuple[object, ...], threading.Lock] = {}
        self._lock = threading.Lock()

    def versions(self) -> list[Version]:
        """Return the model versions, in the order in which they were stored.

        Raises:
            StoreError: The store cannot be read.
        """
        with open_store(self.path) as store:
            return _versions(store)

    def columns(self, at: Version) -> bytes:
        """Return the script with the columns of all units of a version, as an atlas has it."""
        with open_store(self.path) as store:
            return self._keep(("columns", at.record.id), _stamp(store, at), lambda: _columns(store, at))

    def layer_names(self, at: Version, slug: str) -> bytes:
        """Return the script with the content keys of a layer's pictures: each unit's leading one, its starts.

        Raises:
            UnknownLayer: There is no such layer.
        """
        layer = at.layer(slug)
        with open_store(self.path) as store:
            key, stamp = ("names", at.record.id, slug), _layer_stamp(store, at, layer)
            return self._keep(key, stamp, lambda: _names(store, at, layer, slug))

    def layers(self, at: Version) -> list[dict[str, Any]]:
        """Return a row for each layer of a version: name, kind, units, and how many of each verdict."""
        with open_store(self.path) as store:
            return [_layer_row(store, at, layer) for layer in at.record.layers]

    def unit(self, at: Version, slug: str, unit: int) -> OpenUnit:
        """Return all that is known of a unit, as its panel shows it.

        Raises:
            UnknownLayer: There is no such layer, or it has no such unit.
        """
        layer = at.layer(slug)
        if not 0 <= unit < layer.n_units:
            raise UnknownLayer(f'unit {unit}: layer "{layer.name}" has units 0 to {layer.n_units - 1}')
        with open_store(self.path) as store:
            return _unit(store, at, layer, unit)

    def natural(self, at: Version, slug: str, unit: int) -> bytes | None:
        """Return the WebP of a unit's pieces of a person's own pictures, side by side; None without any.

        Raises:
            UnknownLayer: There is no such layer.
        """
        layer = at.layer(slug)
        with open_store(self.path) as store:
            rows = layer_rows(store, at.record, layer, [unit])
            strip, tiles = natural_strip(rows, unit, SIZES)
            if strip is None:
                return None
            return TilePixels(store, rows.about, at.record.input_shape).encoded(strip, tiles, SIZES)

    def picture(self, key: str) -> bytes | None:
        """Return the WebP of a stored render by its content key; None where there is none."""
        with open_store(self.path) as store:
            found = next(pictures_by_key(store, [key]), None)
        if found is None or found.failure:
            return None
        shown = page_picture(key, found.height, found.width, SIZES)
        return encode_stored(found.png, found.channels, shown, SIZES)

    def asked_of(self, key: str, near: str = "") -> Asked | None:
        """Return what would ask for the atlas's picture of a content key; see `atlas_pictures.asked_of`."""
        with open_store(self.path) as store:
            return asked_of(store, key, near)

    def _keep(self, key: tuple[Any, ...], stamp: str, make: Callable[[], bytes]) -> bytes:
        """Return what was made for `key` under that stamp; made once, however many ask at a time."""
        with self._lock:
            lock = self._busy.setdefault(key, threading.Lock())
        with lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == stamp:
                return bytes(kept[1])
            made = make()
            with self._lock:
                while len(self._kept) >= MOST_CACHED:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[key] = (stamp, made)
            return made


def find_version(versions: Iterable[Version], model: str, version: str) -> Version | None:
    """Return the version whose folder has these names; None where there is none."""
    return next((v for v in versions if (v.place.model, v.place.version) == (model, version)), None)


def _versions(store: Store) -> list[Version]:
    records = store.models()
    placed = places(records)
    return [Version(record, placed[record.id]) for record in records]


def _stamp(store: Store, at: Version) -> str:
    """Return a text that changes with the units of a version's pages, their scores and needs."""
    return f"{at.record.file_hash} {units_stamp(store, at.record.id)}"


def _layer_stamp(store: Store, at: Version, layer: Layer) -> str:
    n = n_placements(store, at.record.id, layer.name)
    return f"{at.record.file_hash} {n} {at.record.roles(layer.name)}"


def _columns(store: Store, at: Version) -> bytes:
    rows = [listed_rows(store, at.record, layer) for layer in at.record.layers]
    return columns.script(
        "atlasColumns", "units", pack(unit_columns(at.place, rows, store.removal(at.record.id)))
    )


def _names(store: Store, at: Version, layer: Layer, slug: str) -> bytes:
    """Return the script with the names of a layer's pictures."""
    renders, roles = render_rows(store, at.record, layer), at.record.roles(layer.name)
    units = listed_rows(store, at.record, layer).units
    found = [of_recipe(renders.get(unit, ()), roles) for unit in units]
    verdicts = verdicts_of(store, at.record.id, layer.name)
    leads = [lead_of(renders.get(unit, ()), roles, verdicts.get(unit, "")) for unit in units]
    starts = [
        [
            (r.seed, r.key)
            for r in renders.get(unit, ())
            if r.recipe == roles.get("scored") and r.sign == "happy"
        ]
        for unit in units
    ]
    named = columns.PictureKeys(
        size=KEY_BYTES,
        leads="".join(_packed(r.key if r and not r.failure else "") for r in leads),
        starts=tuple(tuple(_packed(key) for _, key in own) for own in starts),
        seeds=tuple(tuple(seed for seed, _ in own) for own in starts),
        recipes={name: _in_grid(store, found, name) for name in GRID_RECIPES},
    )
    return columns.script("atlasNames", slug, pack(named))


def _in_grid(store: Store, found: Sequence[Mapping[str, RenderRow]], recipe: str) -> columns.RecipePictures:
    """Return what a grid of a recipe shows; the explorer has each picture as a file of its own."""
    shown = [own.get(recipe) for own in found]
    places = [Shown(r.key, r.width, r.height) if r else None for r in shown]
    faint = faint_by_key(store, sorted({r.key for r in shown if r}))
    hard = [faint.get(r.key) if r else None for r in shown]
    return columns.recipe_pictures(places, hard, -(-KEY_BYTES // 3) * 3)


def _packed(key: str) -> str:
    """Return a content key in 24 characters: its bytes, filled up to a multiple of three."""
    return base64.b64encode(bytes.fromhex(key or "00" * KEY_BYTES) + b"\x00\x00").decode()


def _layer_row(store: Store, at: Version, layer: Layer) -> JsonObject:
    counts = verdict_counts(store, at.record.id, layer.name)
    return {
        "layer": layer.name,
        "slug": at.place.slug(layer.name),
        "title": f"{layer.name}, {words.kind_in_words(layer)}",
        "units": layer.n_units,
        "field": words.field(layer),
        **{verdict.word: counts.get(verdict.word, 0) for verdict in _COUNTED},
        "other": layer.n_units - sum(counts.get(verdict.word, 0) for verdict in _COUNTED),
        "all": words.counts_in_words(counts),
    }


def _unit(store: Store, at: Version, layer: Layer, unit: int) -> OpenUnit:
    rows = layer_rows(store, at.record, layer, [unit])
    renders = rows.renders.get(unit, ())
    own = KeyedPictures(None, (), sizes={r.key: (r.height, r.width) for r in renders if not r.failure})
    made_with = f"reportgen {reportgen.__version__}"
    context = ViewContext(AtlasSpec(), at.place, store.recipes(), {}, made_with, SIZES, nulls=False)
    view = unit_view(context, rows, unit, own)
    strip, _ = natural_strip(rows, unit, SIZES)
    natural = f"/{at.place.folder}/{at.place.slug(layer.name)}/{unit}/natural"
    files = {strip.stem: natural} if strip else {}  # These have no content key, but a unit.
    thumbnails = _thumbnails(store, at, view.sections)
    lead = rows.lead(unit)
    return OpenUnit(
        view=_served_view(view, files, thumbnails),
        lead=atlas_picture(at.record, layer.name, lead, store.recipes())
        if lead and not lead.failure
        else None,
    )


def _served_view(
    view: UnitView, files: Mapping[str, str], thumbnails: Mapping[tuple[str, int], str]
) -> UnitView:
    """Return a view with the files that the explorer serves."""

    def served(sections: Iterable[Section]) -> tuple[Section, ...]:
        return tuple(_served(section, files, thumbnails) for section in sections)

    parts = tuple(dataclasses.replace(part, sections=served(part.sections)) for part in view.parts)
    return dataclasses.replace(view, first=served(view.first), parts=parts)


def _served(section: Section, files: Mapping[str, str], thumbnails: Mapping[tuple[str, int], str]) -> Section:
    """Return a section with the files that the explorer serves, and a picture of its own for each link."""
    match section:
        case Pictures(pictures=pictures):
            found = tuple(dataclasses.replace(p, file=files.get(p.file, p.file)) for p in pictures)
            return dataclasses.replace(section, pictures=found)
        case Links(links=links):
            linked = tuple(x._replace(thumbnail=thumbnails.get((x.slug, x.unit), "")) for x in links)
            return dataclasses.replace(section, links=linked)
        case Connections(incoming=incoming, outgoing=outgoing):
            sides = [
                tuple(x._replace(thumbnail=thumbnails.get((x.slug, x.unit), "")) for x in edges)
                for edges in (incoming, outgoing)
            ]
            return dataclasses.replace(section, incoming=sides[0], outgoing=sides[1])
    return section


def _linked(sections: Iterable[Section]) -> Iterator[Link | Edge]:
    """Yield the units that sections lead to."""
    for section in sections:
        if isinstance(section, Links):
            yield from section.links
        elif isinstance(section, Connections):
            yield from (*section.incoming, *section.outgoing)


def _thumbnails(store: Store, at: Version, sections: Iterable[Section]) -> dict[tuple[str, int], str]:
    """Return the key of the picture that stands for each unit that is linked to, by `(slug, unit)`."""
    by_slug: dict[str, set[int]] = {}
    for link in (link for link in _linked(sections) if link.slug):
        by_slug.setdefault(link.slug, set()).add(link.unit)
    return {
        (slug, unit): key
        for slug, units in by_slug.items()
        for unit, key in _leads(store, at, at.layer(slug), units).items()
    }


def _leads(store: Store, at: Version, layer: Layer, units: Collection[int]) -> dict[int, str]:
    roles, verdicts = at.record.roles(layer.name), verdicts_of(store, at.record.id, layer.name)
    renders = render_rows(store, at.record, layer, sorted(units))
    found: dict[int, RenderRow | None] = {
        unit: lead_of(own, roles, verdicts.get(unit, "")) for unit, own in renders.items()
    }
    return {unit: row.key for unit, row in found.items() if row and not row.failure}
