"""Every kind of page stands once in the site map, and no other place forgets one."""

import dataclasses
import re
from pathlib import Path

import pytest

from reportgen.atlas import site_map, write_atlas
from reportgen.atlas.addresses import WRITTEN, Place, places
from reportgen.atlas.pages import template_folder
from reportgen.atlas.site_map import LAYER, OF_MODEL, OF_SITE, PAGES, RESERVED, UNIT, UNITS
from reportgen.explorer import routes
from reportgen.spec import AtlasSpec
from reportgen.store import open_store

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = template_folder()
FRAMES = {
    "base.html",
    "parts.html",
    "need.html",
    "overview.html",
    "terms.html",
    "compare_parts.html",
    "explorer.html",
    "report.html",
    "patterns.html",
}
"""Templates that are no page of a site: frames, macros, the explorer's, the report."""
PLACE = Place("garden", "v1", (("conv1", "conv1"), ("fc", "fc")))
NAMES = {
    "model": "garden", "version": "v1", "layer": "fc", "unit": 3,
    "other_model": "garden", "other_version": "v2",
}  # fmt: skip


@pytest.fixture(scope="module")
def published(small_store, tmp_path_factory):
    """A site with an address, not to be changed."""
    folder = tmp_path_factory.mktemp("published") / "site"
    write_atlas(small_store, folder, AtlasSpec(url="https://example.org/"))
    return folder


@pytest.fixture(scope="module")
def listing(published):
    """The paths that the sitemap names."""
    lines = (published / "sitemap.txt").read_text(encoding="utf-8").split()
    return {line.removeprefix("https://example.org/") for line in lines}


def test_the_map_is_whole_and_each_kind_stands_in_it_once():
    kinds = [x for x in vars(site_map).values() if isinstance(x, site_map.PageKind)]
    assert sorted(map(id, kinds)) == sorted(map(id, PAGES))
    assert len({kind.address for kind in PAGES}) == len({kind.template for kind in PAGES}) == len(PAGES)


def test_every_template_is_a_page_or_a_frame():
    assert {p.name for p in TEMPLATES.glob("*.html")} == FRAMES | {kind.template for kind in PAGES}


def test_a_build_removes_any_page_that_an_earlier_one_wrote():
    assert [kind.address for kind in PAGES if not WRITTEN.fullmatch(kind.at(**NAMES))] == []


@pytest.mark.parametrize("kind", OF_MODEL, ids=lambda kind: kind.name)
def test_a_site_has_the_page_in_its_navigation_and_in_its_sitemap(published, listing, kind):
    path = PLACE.page(kind)
    page = (published / path).read_text(encoding="utf-8")
    current = re.search(r'<a href="([^"]+)" aria-current="page">([^<]+)</a>', page)
    assert current and (current[1], current[2]) == (f"{kind.name}.html", kind.title)
    layer = (published / PLACE.layer_page("fc")).read_text(encoding="utf-8")
    assert f'<a href="{kind.name}.html">{kind.title}</a>' in layer
    assert (path in listing) == kind.listed


@pytest.mark.parametrize("kind", [k for k in OF_SITE if not k.compared], ids=lambda kind: kind.name)
def test_a_site_has_its_own_pages(published, listing, kind):
    assert (published / kind.address).is_file()
    front = (published / "index.html").read_text(encoding="utf-8")
    assert (f'<a href="{kind.address}">{kind.title}</a>' in front) == bool(kind.title)
    assert (kind.address in listing) == kind.listed


def test_a_layer_and_a_unit_have_pages(published, listing):
    assert (published / LAYER.at(**NAMES)).is_file() and (published / UNIT.at(**NAMES)).is_file()
    assert LAYER.at(**NAMES) in listing and UNIT.at(**NAMES) not in listing


@pytest.mark.parametrize("slug", sorted(RESERVED))
def test_no_layer_takes_the_place_of_a_page(small_store, slug):
    with open_store(small_store) as store:
        record = store.models()[0]
    own = dataclasses.replace(record, layers=(dataclasses.replace(record.layers[0], name=slug, slug=slug),))
    (place,) = places([own]).values()
    layer = place.layer_page(place.slug(slug))
    assert layer not in {place.page(kind) for kind in OF_MODEL}


def test_the_explorer_serves_what_the_map_says():
    assert {kind.name for kind in OF_MODEL if kind.explored} == routes._PAGES
    assert UNITS.explored and LAYER.explored


def test_scripts_and_templates_name_pages_of_the_map_alone():
    known = {kind.address.rpartition("/")[2] for kind in (*OF_SITE, *OF_MODEL)}
    for path in [*(TEMPLATES / "assets").glob("*.js"), *TEMPLATES.glob("*.html")]:
        text = path.read_text(encoding="utf-8")
        named = re.findall(r"""(?:link\(|href="|folder \+ |href\$=)["']?([a-z0-9]+\.html)""", text)
        assert set(named) <= known, path.name


def documented(kind):
    """How documents write an address; a layer's page of a comparison after dots."""
    address = kind.address.replace(site_map.COMPARISON, "c/...") if kind is site_map.CHANGES else kind.address
    return address.replace("{other_", "{").replace("{", "<").replace("}", ">")


@pytest.mark.parametrize("kind", PAGES, ids=lambda kind: kind.template)
def test_documents_tell_its_address_and_its_template(kind):
    site = (ROOT / "docs/site.md").read_text(encoding="utf-8")
    assert re.search(rf"(?:^    |, ){re.escape(documented(kind))}(?:[\s,#]|$)", site, re.MULTILINE)
    rows = re.findall(r"^\| (.+?) \|", (TEMPLATES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"`{kind.template}`" in " ".join(rows)
