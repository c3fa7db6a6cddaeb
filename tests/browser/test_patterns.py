"""Every component on one page: it is drawn, fits every width, is clean for axe, and looks as it did."""

import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reportgen.atlas.addresses import places
from reportgen.atlas.network import network_view
from reportgen.atlas.pages import Pages
from reportgen.atlas.rows import layer_rows
from reportgen.atlas.summaries import summary_of
from reportgen.atlas.unit_view import unit_view
from reportgen.atlas.view_context import ViewContext
from reportgen.spec import AtlasSpec
from reportgen.store import open_store

pytestmark = pytest.mark.browser

LOOK = Path(__file__).parent.parent / "golden" / "patterns.png"
"""The page, 24 pixels wide in grey, as `look_of` gives it: look at the page before it is written anew."""
KINDS = {"pics", "facts", "units", "flow", "plot", "table", "kernel"}


def write_patterns(site: Path, store_path: Path) -> Path:
    """Write the page of components into a site, filled from a store."""
    with open_store(store_path) as store:
        record = store.models()[0]
        place = places([record])[record.id]
        drawn = {x.name: range(x.n_units) for x in record.layers}
        context = ViewContext(AtlasSpec(), place, store.recipes(), drawn, "reportgen")
        rows = [layer_rows(store, record, layer) for layer in record.layers]
        summaries = [summary_of(context, own, 12) for own in rows]
        page = Pages("Atlas", "reportgen").page(
            "patterns.html", "patterns.html", place=place, up=f"{place.folder}/",
            counts=summaries[0].counts, network=network_view(record.graph, summaries),
            strip=summaries[0].strip, view=unit_view(context, rows[0], 9),
        )  # fmt: skip
    (site / "patterns.html").write_bytes(page)
    return site / "patterns.html"


@pytest.fixture(scope="module")
def patterns(atlas_site: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page of components."""
    site = Path(shutil.copytree(atlas_site, tmp_path_factory.mktemp("patterns") / "site"))
    return write_patterns(site, atlas_site.parent / "sample.db").as_uri()


def look_of(page: Any) -> np.ndarray:
    """Return the whole page in grey, `(96, 24)`: no letter is legible, every component's place is."""
    with Image.open(BytesIO(page.screenshot(full_page=True))) as image:
        return np.asarray(image.convert("L").resize((24, 96), Image.Resampling.BOX)).astype(float)


def open_patterns(chromium: Any, address: str, **options: Any) -> Any:
    page = chromium.new_context(**options).new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    return page


@pytest.mark.parametrize("width", [360, 768, 1280, 3840])
def test_every_component_is_drawn_and_fits(chromium: Any, patterns: str, width: int) -> None:
    page = open_patterns(chromium, patterns, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for kind in KINDS:
        box = page.locator(f".sec.k-{kind}").first.bounding_box()
        assert box and box["width"] > 100 and box["height"] > 20, kind
    assert page.locator(".graph a").count() >= 4
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_on_any_component(chromium: Any, patterns: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page = open_patterns(chromium, patterns, color_scheme=scheme, bypass_csp=True)
    found = axe.run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == []
    page.context.close()


@pytest.mark.golden
def test_the_components_look_as_they_did(chromium: Any, patterns: str) -> None:
    page = open_patterns(chromium, patterns, viewport={"width": 1280, "height": 900}, color_scheme="light")
    with Image.open(LOOK) as image:
        wanted = np.asarray(image).astype(float)
    found = look_of(page)
    page.context.close()
    assert np.abs(found - wanted).mean() < 9, (
        "read templates/patterns.html, then write tests/golden/patterns.png"
    )
