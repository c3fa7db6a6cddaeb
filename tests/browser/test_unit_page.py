"""A unit's page: its first screen, words explained in place, the place kept, a random unit, embedding."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from waiting import expect

pytestmark = pytest.mark.browser

UNIT, LAYER = "m/garden/v2/conv1/8.html", "m/garden/v2/conv1.html"
Open = Callable[..., Any]


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_first_screen_holds_picture_verdict_need_and_the_way_on(
    open_page: Open, width: int, height: int
) -> None:
    page = open_page(UNIT, viewport={"width": width, "height": height})
    for part in (
        ".shown img",
        ".verdict",
        ".said .reason",
        ".needed",
        ".around a[rel=next]",
        "[data-random]",
    ):
        box = page.locator(part).first.bounding_box()
        assert box and box["y"] + box["height"] <= height, part
    assert "unit 8 of 24" in page.locator("h1").inner_text()


def test_a_word_opens_its_meaning_by_keyboard_and_without_scripts(open_page: Open) -> None:
    page = open_page(UNIT, java_script_enabled=False)
    meaning = page.locator("#t-structure")
    expect(meaning).to_be_hidden()
    page.locator("[popovertarget=t-structure]").first.focus()
    page.keyboard.press("Enter")
    expect(meaning).to_be_visible()
    assert "standard deviation" in meaning.inner_text()
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()


def test_the_next_unit_opens_at_the_same_part(open_page: Open) -> None:
    page = open_page(UNIT + "#connections", viewport={"width": 1280, "height": 500})
    expect(page.locator(".jump [aria-current]")).to_have_text("Connections")
    page.locator("a[rel=next]").evaluate("a => a.click()")
    page.wait_for_url(re.compile(r"/9\.html#connections$"))
    expect(page.locator("#connections")).to_be_in_viewport()


def test_the_panel_keeps_the_part_from_unit_to_unit_and_in_the_address(open_page: Open) -> None:
    page = open_page(LAYER + "#u8&part=connections", viewport={"width": 1280, "height": 500})
    connections = page.locator("#panel [data-part=connections]")
    expect(connections).to_be_in_viewport()
    page.locator("#panel").get_by_role("button", name="Next").evaluate("b => b.click()")
    page.get_by_role("heading", name="unit 9 of 24").wait_for()
    expect(connections).to_be_in_viewport()
    assert page.url.endswith("#u9&part=connections")


@pytest.mark.parametrize("path", [UNIT, "m/garden/v2/index.html", "index.html"])
def test_a_random_unit_is_one_of_those_that_there_are(open_page: Open, path: str) -> None:
    page = open_page(path)
    before = page.url
    page.evaluate("Math.random = () => 0.999")
    page.locator("[data-random]").first.click()
    page.wait_for_url(lambda url: url != before)
    expect(page.locator("main .verdict, #panel .verdict").first).to_be_visible()
    expect(page.locator("main > .wrong")).to_have_count(0)


@pytest.mark.parametrize("path", [UNIT + "?embed", LAYER + "?embed#u8"])
def test_embedded_there_are_the_picture_and_the_verdict_alone_on_the_ground_of_the_host(
    open_page: Open, path: str
) -> None:
    page = open_page(path, viewport={"width": 440, "height": 320}, color_scheme="dark")
    expect(page.locator(".verdict").first).to_be_visible()
    expect(page.locator(".shown img").first).to_be_in_viewport()
    for part in (".mast", ".foot", ".jump", ".part", ".reason", "h1", ".sheet"):
        assert page.locator(f"{part}:visible").count() == 0, part
    style = "getComputedStyle({}).{}"
    assert page.evaluate(style.format("document.body", "backgroundColor")) == "rgba(0, 0, 0, 0)"
    assert page.evaluate(style.format("document.documentElement", "colorScheme")) == "light"


def test_the_graph_leads_to_the_units_it_shows_and_says_its_numbers(open_page: Open) -> None:
    page = open_page(UNIT)
    listed = page.locator(".flow .out li")
    assert listed.count() == page.locator(".flow svg.out path").count() > 2
    assert all(re.search(r"[+−][\d.]+", text) for text in listed.all_inner_texts())
    listed.first.locator("a").click()
    expect(page.locator(".verdict")).to_be_visible()
