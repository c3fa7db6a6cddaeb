"""Every kind of page that a site has, once: what it is made from, where it stands, and what leads to it.

Navigation, the sitemap, addresses, the names that no layer's page may take and what the explorer serves are
all read from here. Addresses are fixed and citable (docs/site.md): a kind may be added, none is ever moved.
What is on a page is not known here.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

PICTURES = "p"
ASSETS = "assets"
COMPARISONS = "c"

VERSION = "m/{model}/{version}"
"""The folder of a model version."""
COMPARISON = COMPARISONS + "/{model}/{version}/{other_model}/{other_version}"
"""The folder of two versions against each other, the first one's place before the second's."""


@dataclass(frozen=True, slots=True)
class PageKind:
    """One kind of page.

    Attributes:
        template: The file it is made from.
        address: From the site's root, with the names that it depends on in braces.
        title: What links in the navigation call it; empty where none leads to it.
        compared: Whether only a site that holds versions against each other has it.
        listed: Whether the sitemap names it.
        explored: Whether the explorer answers at its address.
    """

    template: str
    address: str
    title: str = ""
    compared: bool = False
    listed: bool = True
    explored: bool = False

    @property
    def name(self) -> str:
        """The file's name without its ending, such as `wall`; a pattern where it depends on names."""
        return posixpath.basename(self.address).removesuffix(".html")

    def at(self, **names: str | int) -> str:
        """Return the path of a page from the site's root; `names` are slugs and numbers of units."""
        return self.address.format(**names)


START = PageKind("index.html", "index.html", "Models")
VERSIONS = PageKind("versions.html", f"{COMPARISONS}/index.html", "Versions", compared=True, listed=False)
METHOD = PageKind("method.html", "method.html", "Method")
DOWNLOADS = PageKind("downloads.html", "downloads.html", "Downloads")
ABOUT = PageKind("about.html", "about.html", "About")
NOT_FOUND = PageKind("404.html", "404.html", listed=False)

MODEL = PageKind("model.html", f"{VERSION}/index.html", "Overview", explored=True)
FINDINGS = PageKind("findings.html", f"{VERSION}/findings.html", "Findings", explored=True)
UNITS = PageKind("units.html", f"{VERSION}/units.html", "All units", explored=True)
WALL = PageKind("wall.html", f"{VERSION}/wall.html", "Wall", explored=True)

LAYER = PageKind("layer.html", f"{VERSION}/{{layer}}.html", explored=True)
UNIT = PageKind("unit.html", f"{VERSION}/{{layer}}/{{unit}}.html", listed=False)

SERIES = PageKind("series.html", COMPARISONS + "/{model}/series.html", compared=True, listed=False)
PAIR = PageKind("compare.html", f"{COMPARISON}/index.html", compared=True, listed=False)
CHANGES = PageKind("changes.html", f"{COMPARISON}/{{layer}}.html", compared=True, listed=False)

OF_SITE = (START, VERSIONS, METHOD, DOWNLOADS, ABOUT, NOT_FOUND)
"""Pages that a site has once, in the order of its navigation."""

OF_MODEL = (MODEL, FINDINGS, UNITS, WALL)
"""Pages that each model version has once, in the order of its navigation."""

OF_LAYER = (LAYER, UNIT)
OF_COMPARISON = (SERIES, PAIR, CHANGES)

PAGES = (*OF_SITE, *OF_MODEL, *OF_LAYER, *OF_COMPARISON)

RESERVED = frozenset(kind.name for kind in OF_MODEL)
"""Slugs that no layer may have: its page would stand where another does."""


def site_links(*, compared: bool) -> tuple[tuple[str, str], ...]:
    """Return `(address, title)` of the site's navigation."""
    return tuple((k.address, k.title) for k in OF_SITE if k.title and (compared or not k.compared))


def model_links() -> tuple[tuple[str, str], ...]:
    """Return `(name, title)` of a model version's navigation; all of its pages stand in one folder."""
    return tuple((k.name, k.title) for k in OF_MODEL)
