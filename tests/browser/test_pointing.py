"""What the pointer and the keyboard are at is named and shown, and what is shown is not in their way."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waiting import expect

from reportgen.atlas import layer_page, write_atlas

pytestmark = pytest.mark.browser

LAYER = "m/garden/v2/conv1.html"
Open = Callable[..., Any]


@pytest.mark.parametrize("unit", [0, 23])
def test_the_other_pictures_of_a_unit_are_named_and_leave_it_free(open_page: Open, unit: int) -> None:
    page = open_page(LAYER, viewport={"width": 700, "height": 520})
    cell = page.locator(f"#u{unit}")
    cell.scroll_into_view_if_needed()
    cell.hover()
    peek = page.locator(".peek:not(.of-dot)")
    expect(peek).to_be_visible()
    shown, tile = peek.bounding_box(), cell.locator("img").bounding_box()
    assert shown["y"] >= tile["y"] + tile["height"] or shown["y"] + shown["height"] <= tile["y"]
    told = peek.locator("span").all_inner_texts()
    assert len(told) >= 4 and "sad" in told
    assert set(told) <= {"start 0", "start 1", "start 2", "start 3", "shown", "sad", "sweep"}
    boxes = [peek.locator("img").nth(i).bounding_box() for i in range(len(told))]
    assert all(b["x"] - a["x"] - a["width"] >= 2 for a, b in itertools.pairwise(boxes))
    assert page.evaluate("getComputedStyle(document.querySelector('.peek')).pointerEvents") == "none"


def test_the_pictures_next_to_the_pointer_are_those_their_names_say(open_page: Open) -> None:
    page = open_page(LAYER + "#u8")
    page.locator(".panel .k-cite").wait_for()
    seeds = page.locator(".panel .z-m li").evaluate_all(
        "l => Object.fromEntries(l.map(e => [e.querySelector('span').textContent.replace('seed', 'start'), "
        "e.querySelector('img').src + e.querySelector('img').className]))"
    )
    page.keyboard.press("Escape")
    page.locator("#u8").hover()
    page.locator(".peek span").first.wait_for()
    told = page.locator(".peek span").evaluate_all(
        "l => Object.fromEntries(l.map(e => [e.textContent, e.firstChild.src + e.firstChild.className]))"
    )
    both = set(seeds) & set(told)
    assert len(both) >= 3 and {k: seeds[k] for k in both} == {k: told[k] for k in both}


@pytest.mark.slow
def test_a_large_layer_shows_its_units_from_its_sheets(
    open_page: Open, atlas_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_page, "TERSE_FROM", 10)
    write_atlas(atlas_site.parent / "sample.db", tmp_path / "site")
    page = open_page(LAYER, base=(tmp_path / "site").as_uri() + "/")
    image = page.locator("#u21 img")
    expect(image).to_have_attribute("src", "conv1/sheet-0.webp")
    cut, whole = page.locator("#u21 span").bounding_box(), image.bounding_box()
    assert cut["width"] == pytest.approx(cut["height"], abs=1)
    assert whole["x"] + 5 * cut["width"] == pytest.approx(cut["x"], abs=1)
    assert whole["y"] + cut["width"] == pytest.approx(cut["y"], abs=1)
    page.locator("#u21").focus()
    page.keyboard.press("2")
    expect(image).to_have_attribute("src", re.compile("/p/"))
    page.keyboard.press("2")
    expect(image).to_have_attribute("src", "conv1/sheet-0.webp")


def test_a_number_shows_that_start_of_every_unit(open_page: Open) -> None:
    page = open_page(LAYER)
    page.locator("#u8").focus()
    lead = page.locator("#u8 img").get_attribute("src").split("/")[-1]
    page.keyboard.press("2")
    expect(page.locator(".tools output")).to_have_text("Start 1 of every unit; press 2 again to go back")
    expect(page.locator("#u8 img")).to_have_class(re.compile("^k1 n"))
    page.keyboard.press("2")
    assert page.locator("#u8 img").get_attribute("src").endswith(lead)


def test_the_wall_names_the_unit_under_the_pointer_and_at_the_keyboard(open_page: Open) -> None:
    page = open_page("m/garden/v2/wall.html")
    sheet = page.locator(".wall a[data-first]").first
    image = sheet.locator("img")
    image.scroll_into_view_if_needed()
    side = image.bounding_box()["width"] / 16
    image.hover(position={"x": side * 5.5, "y": side * 0.5})
    label = page.locator(".peek:not(.of-dot)")
    expect(label).to_have_text(re.compile("^conv1 unit 5: [a-z]"))
    image.hover(position={"x": side * 10.5, "y": side * 1.5})  # conv1 has 24 units: nothing there
    expect(label).to_be_hidden()
    page.keyboard.press("Tab")
    sheet.focus()
    page.keyboard.press("Home")
    expect(label).to_have_text(re.compile("^conv1 unit 0: [a-z]"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(label).to_have_text(re.compile("^conv1 unit 17: [a-z]"))
    page.keyboard.press("End")
    expect(label).to_have_text(re.compile("^conv1 unit 23: [a-z]"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/conv1.html#u23")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_units_on_the_wall_are_separated_by_lines(open_page: Open, scheme: str) -> None:
    page = open_page("m/garden/v2/wall.html", color_scheme=scheme)
    lines = page.evaluate(
        "getComputedStyle(document.querySelector('.wall figure a[data-first]'), '::after').backgroundImage"
    )
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert lines.count("repeating-linear-gradient") == 2 and paper not in lines


@pytest.mark.parametrize("path", ["nowhere.html", "m/garden/v2/nowhere.html", "m/garden/v2/conv1/999.html"])
@pytest.mark.parametrize("scripts", [True, False])
def test_a_missing_page_leads_to_the_start(chromium: Any, served: str, path: str, scripts: bool) -> None:
    page = chromium.new_context(java_script_enabled=scripts).new_page()
    assert page.goto(served + path).status == 404
    starts = page.locator("main a").evaluate_all("l => l.map(a => a.href)")
    assert served + "index.html" in starts
    assert page.locator("header").inner_text().strip() != ""
    page.context.close()
