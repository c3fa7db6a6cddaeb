"""Where every page of a site stands, and how one page names another.

Addresses are fixed and citable (docs/site.md), made from names alone, always of a file and
always relative. It does not know what is on a page.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from reportgen.atlas.site_map import (
    ASSETS,
    COMPARISONS,
    LAYER,
    MODEL,
    OF_SITE,
    PICTURES,
    RESERVED,
    UNIT,
    VERSION,
    PageKind,
)  # fmt: skip
from reportgen.errors import SiteError
from reportgen.store import ModelRecord
from reportgen.units import Layer, hashed_slug, slug_of

WRITTEN = re.compile(
    "|".join(re.escape(kind.address) for kind in OF_SITE)
    + r"|\.nojekyll|sitemap\.txt|verdicts\.(?:csv|json|parquet|sqlite)"
    rf"|{ASSETS}/[a-z0-9]+\.[0-9a-f]{{10}}\.(?:css|js)|{PICTURES}/[0-9a-f]+\.webp"
    rf"|(?:m|{COMPARISONS})/.+\.(?:html|js|css|webp)"
)
"""Paths of the files of a site: a manifest may be anybody's, and no other file is removed for its word."""
_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Place:
    """The folder of a model version, and the slugs of its layers by their names."""

    model: str
    version: str
    slugs: tuple[tuple[str, str], ...]

    @property
    def folder(self) -> str:
        """The version's folder, from the site's root."""
        return VERSION.format(model=self.model, version=self.version)

    @property
    def index(self) -> str:
        """The model page."""
        return self.page(MODEL)

    def page(self, kind: PageKind) -> str:
        """Return the path of a page that a model version has once."""
        return kind.at(model=self.model, version=self.version)

    def slug(self, layer: str) -> str | None:
        """Return the slug of a layer's name, None if the version has no such layer."""
        return self._by_name.get(layer)

    def layer(self, slug: str) -> str:
        """Return the name of the layer with that slug, the slug itself if the version has none."""
        return next((name for name, own in self.slugs if own == slug), slug)

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return dict(self.slugs)

    def layer_page(self, slug: str) -> str:
        """Return the path of a layer's page."""
        return LAYER.at(model=self.model, version=self.version, layer=slug)

    def unit_page(self, slug: str, unit: int) -> str:
        """Return the path of a unit's own page."""
        return UNIT.at(model=self.model, version=self.version, layer=slug, unit=unit)

    def address(self, slug: str, unit: int) -> str:
        """Return the address of a unit, the one to cite."""
        return f"{self.layer_page(slug)}#u{unit}"


def places(records: Sequence[ModelRecord]) -> dict[int, Place]:
    """Return the place of every model version, by its number in the store.

    Raises:
        SiteError: The store names a layer in a way that leads out of the version's folder.
    """
    names = list(dict.fromkeys(r.name for r in sorted(records, key=lambda r: r.id)))
    models = _first_come(names)
    found = {}
    for name in names:
        own = sorted((r for r in records if r.name == name), key=lambda r: r.id)
        versions = _first_come([r.version for r in own])
        for record in own:
            found[record.id] = Place(models[name], versions[record.version], _layer_slugs(record.layers))
    return found


def _first_come(names: Sequence[str]) -> dict[str, str]:
    """Return a slug by name; who was stored first keeps an address when a rival comes later."""
    slugs: dict[str, str] = {}
    for name in names:
        taken = {slug.lower() for slug in slugs.values()}
        own = slug_of(name)
        slugs[name] = hashed_slug(name) if own.lower() in taken else own
    return slugs


def relative(page: str, target: str) -> str:
    """Return `target` as a link on `page`; both are paths from the site's root.

    Example:
        >>> relative("m/vgg/v1/conv1.html", "method.html")
        '../../../method.html'
    """
    path, mark, fragment = target.partition("#")
    return posixpath.relpath(path, posixpath.dirname(page) or ".") + mark + fragment


def root_of(page: str) -> str:
    """Return what leads from `page` to the site's root: nothing, or some `../`."""
    return "../" * page.count("/")


def _layer_slugs(layers: Iterable[Layer]) -> tuple[tuple[str, str], ...]:
    """Return `(name, slug)` of the layers, each slug looked at again: the store may be anybody's."""
    pairs = []
    for layer in layers:
        own = hashed_slug(layer.name) if layer.slug.lower() in RESERVED else layer.slug
        if not _SAFE.fullmatch(layer.slug) or layer.slug.lower().endswith(".html"):
            raise SiteError(f'layer "{layer.name}" has the address "{layer.slug}", which is no file name')
        pairs.append((layer.name, own))
    seen = [slug.lower() for _, slug in pairs]
    for name, slug in pairs:
        if seen.count(slug.lower()) > 1:
            raise SiteError(f'layer "{name}" shares the address "{slug}" with another layer')
    return tuple(pairs)
