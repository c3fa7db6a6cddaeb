"""The pictures of removal in a browser: legible on a screen and on a telephone, without scripts, for axe."""

from collections.abc import Callable
from typing import Any

import pytest
from sample_removal import needs_of, removal_of
from sample_store import write_sample_store

from reportgen.atlas import write_atlas
from reportgen.store import open_store

pytestmark = pytest.mark.browser

OVERVIEW, LAYER = "m/garden/v1/index.html", "m/garden/v1/conv1.html"
Open = Callable[..., Any]

LETTERS = """() => [...document.querySelectorAll('.chart text')].filter(t => t.getClientRects().length)
  .map(t => {
  const svg = t.ownerSVGElement, scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return parseFloat(getComputedStyle(t).fontSize) * scale; })"""
LEFT_OF = """() => [...document.querySelectorAll('.chart text')]
  .filter(t => !t.closest('.scroll')).map(t => t.getBoundingClientRect())
  .filter(b => b.width && (b.left < 0 || b.right > innerWidth)).length"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the sample store's site with a removal of its first version."""
    folder = tmp_path_factory.mktemp("need")
    store_path = write_sample_store(folder / "s.db", hostile=False)
    with open_store(store_path) as store:
        model = store.models()[0]
        layers = [(layer.name, layer.n_units) for layer in model.layers if not layer.head]
        store.put_removal(model.id, removal_of(layers), needs_of(layers), fingerprint="f" * 32)
    write_atlas(store_path, folder / "site")
    return (folder / "site").as_uri() + "/"


@pytest.mark.parametrize("path", [OVERVIEW, LAYER])
@pytest.mark.parametrize(("width", "shown", "hidden"), [(1280, "wide", "narrow"), (390, "narrow", "wide")])
def test_the_curve_fits_the_screen_and_its_letters_can_be_read(
    open_page: Open, base: str, path: str, width: int, shown: str, hidden: str
) -> None:
    page = open_page(path, base, viewport={"width": width, "height": 800}, java_script_enabled=False)
    assert page.locator(f".chart.{shown}").is_visible() and page.locator(f".chart.{hidden}").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert min(page.evaluate(LETTERS)) >= 9.5 and page.evaluate(LEFT_OF) == 0


def test_a_dot_leads_to_its_unit(open_page: Open, base: str) -> None:
    page = open_page(OVERVIEW, base, viewport={"width": 1280, "height": 800})
    dot = page.locator(".cloud a").first
    wanted = dot.get_attribute("href")
    dot.click()
    page.wait_for_url(f"**/{wanted}")
    page.locator(".panel .k-facts h3", has_text="Is it needed?").wait_for()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", [OVERVIEW, LAYER])
def test_axe_finds_nothing_on_pages_with_a_removal(chromium: Any, base: str, path: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(base + path)
    found = axe.run(page).response["violations"]
    context.close()
    assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == []
