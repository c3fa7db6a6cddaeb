"""Pages of comparisons in a real browser: errors, accessibility, sorting, and with scripts off."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "atlas"))

from compared_store import write_compared_store

from reportgen.config import read_settings
from reportgen.run.publishing import publish

pytestmark = pytest.mark.browser

PAIR = "c/garden/v1/garden/v2"
KINDS = ("c/index.html", f"{PAIR}/index.html", f"{PAIR}/block1-conv2.html", "c/garden/series.html")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """The site of three versions."""
    folder = tmp_path_factory.mktemp("compared")
    store = write_compared_store(folder / "s.db")
    publish(read_settings({"store": str(store), "site": str(folder / "site")}))
    return folder / "site"


@pytest.fixture
def open_page(chromium, compared):
    complaints, contexts = [], []

    def opened(path, **options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(f"{compared.as_uri()}/{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def test_pages_open_without_errors(open_page):
    for path in KINDS:
        assert open_page(path).locator("h1").count() == 1


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_on_any_kind_of_page(chromium, compared, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page = chromium.new_context(color_scheme=scheme, bypass_csp=True).new_page()
    for path in KINDS:
        page.goto(f"{compared.as_uri()}/{path}")
        found = axe.run(page).response["violations"]
        assert [(path, v["id"], v["nodes"][0]["html"][:120]) for v in found] == []
    page.context.close()


def test_changes_can_be_sorted_and_filtered(open_page):
    page = open_page(f"{PAIR}/block1-conv2.html")
    rows = "[...document.querySelectorAll('ol.sortable:first-of-type > li')]"
    page.locator(".sorting select").select_option("unit")
    units = page.evaluate(f"{rows}.slice(0, 4).map(li => Number(li.dataset.unit))")
    assert units == sorted(units)
    died = page.locator('.states li[data-state="died"]')
    died.locator("[popovertarget=t-c-died]").click()
    assert page.locator("#t-c-died").is_visible()
    page.keyboard.press("Escape")
    died.locator("button[aria-pressed]").click()
    visible = "[...document.querySelectorAll('ol.sortable > li')].filter(li => li.offsetHeight)"
    assert page.evaluate(f"{visible}.map(li => li.dataset.state)") == ["died", "died"]


def test_with_scripts_off_everything_but_sorting_is_there(open_page):
    page = open_page(f"{PAIR}/block1-conv2.html", java_script_enabled=False)
    assert page.locator("ol.changes > li").count() == 20
    assert page.locator("ol.changes img").count() == 40
    assert page.locator(".sorting").count() == 0
    assert page.locator("svg.flow").count() == 1


def test_no_page_is_wider_than_a_telephone(open_page):
    for path in KINDS:
        page = open_page(path, viewport={"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
