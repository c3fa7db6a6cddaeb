"""What is shown stands in the address and comes from it; names, titles and links say what is open."""

from collections.abc import Callable
from typing import Any

import pytest
from waiting import expect

from reportgen.verdicts import STATIC

pytestmark = pytest.mark.browser

LAYER = "m/garden/v2/conv1.html"
MODEL = "m/garden/v2/index.html"
Open = Callable[..., Any]


def fragment(page: Any) -> str:
    return str(page.evaluate("decodeURIComponent(location.hash)"))


def test_an_open_unit_is_named_with_its_layer_and_model(open_page: Open) -> None:
    page = open_page(LAYER)
    expect(page).to_have_title("conv1 – garden v2")
    page.goto(page.url + "#u8")
    page.get_by_role("heading", name="conv1 unit 8 of 24", exact=True).wait_for()
    expect(page.locator(".panel > .note").first).to_have_text("garden v2")
    expect(page).to_have_title("conv1 8 – garden v2")
    page.keyboard.press("Escape")
    expect(page).to_have_title("conv1 – garden v2")
    own = open_page("m/garden/v2/conv1/8.html")
    own.get_by_role("heading", name="conv1 unit 8 of 24", exact=True).wait_for()
    expect(own).to_have_title("conv1 8 – garden v2")


def test_the_link_that_is_copied_is_the_address_that_is_open(open_page: Open) -> None:
    page = open_page(LAYER + "#u8")
    page.locator(".panel .k-cite").wait_for()
    page.evaluate("navigator.clipboard.writeText = t => { self.copied = t; return Promise.resolve(); }")
    page.locator(".crumbs").get_by_role("button", name="Copy link").evaluate("e => e.click()")
    assert page.evaluate("self.copied") == page.url and page.url.endswith("#u8")
    page.keyboard.press("Escape")
    page.locator(".crumbs button").click()
    assert page.evaluate("self.copied").endswith("conv1.html")


def test_an_address_of_a_unit_that_is_not_there_says_so(open_page: Open) -> None:
    page = open_page(LAYER + "#u999")
    expect(page.get_by_role("alert")).to_have_text("conv1 has no unit 999 here; its units go from 0 to 23.")
    expect(page.locator("#panel")).to_be_hidden()
    page.evaluate("location.hash = '#u3'")
    page.get_by_role("heading", name="conv1 unit 3 of 24", exact=True).wait_for()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_filter_of_a_layer_is_in_the_address_with_the_open_unit(open_page: Open) -> None:
    page = open_page(LAYER)
    page.get_by_label("Filter").fill("static")
    page.get_by_label("Order").select_option("-structure")
    assert fragment(page) == "#q=static&sort=-structure"
    first = page.locator(".sheet a:visible").first
    unit = first.get_attribute("id")
    first.click()
    page.locator(".panel .k-cite").wait_for()
    assert fragment(page) == f"#{unit}&q=static&sort=-structure"
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".panel h2")).not_to_have_text(f"conv1 unit {(unit or '')[1:]} of 24")
    assert fragment(page).endswith("&q=static&sort=-structure")
    page.keyboard.press("Escape")
    assert fragment(page) == "#q=static&sort=-structure"
    page.get_by_label("Filter").fill("")
    page.get_by_label("Order").select_option("unit")
    assert "#" not in page.evaluate("location.href")


def test_an_address_with_unit_filter_and_order_opens_all_three(open_page: Open) -> None:
    page = open_page(LAYER + "#u8&q=structured&sort=-structure")
    page.get_by_role("heading", name="conv1 unit 8 of 24", exact=True).wait_for()
    assert page.get_by_label("Filter").input_value() == "structured"
    assert page.get_by_label("Order").input_value() == "-structure"
    assert page.locator(".sheet a:visible").count() < 24
    # a link to another unit of the layer names the unit alone, and the filter stays
    page.evaluate("location.hash = '#u9'")
    page.get_by_role("heading", name="conv1 unit 9 of 24", exact=True).wait_for()
    assert page.get_by_label("Filter").input_value() == "structured"
    assert fragment(page) == "#u9&q=structured&sort=-structure"


def test_what_a_filter_finds_comes_into_sight(open_page: Open) -> None:
    page = open_page(LAYER, viewport={"width": 800, "height": 420})
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator("#u0")).not_to_be_in_viewport()
    page.locator("#filter").evaluate("e => e.focus({ preventScroll: true })")
    page.keyboard.type("static")
    expect(page.locator(".sheet a:visible").first).to_be_in_viewport()
    fresh = open_page(LAYER + "#q=dead", viewport={"width": 800, "height": 420})
    expect(fresh.locator(".sheet a:visible").first).to_be_in_viewport()


def test_a_word_of_the_key_filters_a_layer_and_several_add_up(open_page: Open) -> None:
    page = open_page(LAYER)
    key = page.locator(".key button")
    n = {text.split()[0]: int(text.split()[-1]) for text in key.all_inner_texts()}
    page.get_by_role("button", name=f"static {n['static']}").click()
    page.get_by_role("button", name=f"dead {n['dead']}").click()
    expect(page.locator(".sheet a:visible")).to_have_count(n["static"] + n["dead"])
    assert fragment(page) == "#q=verdict:static,dead"
    expect(page.locator(".key + .note")).to_contain_text(f"static: {STATIC.meaning}")
    page.get_by_role("button", name=f"static {n['static']}").click()
    expect(page.locator(".sheet a:visible")).to_have_count(n["dead"])
    expect(page.locator(".key [aria-pressed=true]")).to_have_count(1)


@pytest.mark.parametrize("path", ["index.html", MODEL])
def test_a_word_of_the_key_leads_to_those_units(open_page: Open, path: str) -> None:
    page = open_page(path)
    link = page.locator('.key a[href*="v2/units.html"], .key a[href^="units.html"]', has_text="static").first
    n = int(link.inner_text().split()[-1])
    link.click()
    page.wait_for_url("**/units.html#q=verdict*")
    expect(page.locator("#count")).to_have_text(f"{n} of {page.evaluate('Atlas.units.table.n')} units")


def test_a_key_has_the_order_and_the_marks_of_its_bar(open_page: Open) -> None:
    for path in (MODEL, LAYER):
        page = open_page(path)
        marks = (
            "s => [...document.querySelector(s).querySelectorAll('path')].map(p => [p.getAttribute('class'), "
            "...['stroke', 'strokeWidth', 'strokeDasharray'].map(n => getComputedStyle(p)[n])].join())"
        )
        bar, key = page.evaluate(marks, ".bar"), page.evaluate(marks, ".key")
        assert bar == key and len(set(bar)) == len(bar) > 3
        told = page.locator(".key li").evaluate_all("l => l.map(e => e.dataset.verdict + ': ' + e.title)")
        assert any(x.startswith(f"static: {STATIC.meaning}") for x in told)


@pytest.mark.parametrize("path", [LAYER, "m/garden/v2/units.html"])
def test_a_filter_that_finds_nothing_says_so_where_the_units_were(open_page: Open, path: str) -> None:
    page = open_page(path + "#q=dead%20structured")
    expect(page.locator(".nothing")).to_have_text("No unit here matches “dead structured”.")
    page.locator("#filter").fill("zebra")
    expect(page.locator(".nothing")).to_be_hidden()
    field, said = page.locator("#filter").bounding_box(), page.locator(".tools .wrong").bounding_box()
    assert said["x"] - field["x"] - field["width"] < 60
    expect(page.locator(".tools .wrong")).to_have_text("“zebra” means nothing here and is left out")


def test_a_layer_has_the_tabs_of_its_model_and_names_its_neighbours(open_page: Open) -> None:
    page = open_page(LAYER)
    tabs = open_page(MODEL).locator(".pages a").all_inner_texts()
    assert page.locator(".pages a").all_inner_texts() == tabs
    assert page.locator("a[rel=next]").inner_text() == "Layer after: block1/conv2"
