"""Plots of a layer answer: a stretch of one filters the grid, a group too, a dot opens its unit."""

from collections.abc import Callable
from typing import Any

import pytest
from waiting import expect

pytestmark = pytest.mark.browser

LAYER = "m/garden/v1/conv1.html"
Open = Callable[..., Any]


def drag(page: Any, start: float, end: float) -> None:
    """Draw a stretch of the first plot, between two of its numbers."""
    svg = page.locator(".plots svg").first
    svg.scroll_into_view_if_needed()
    box, data = svg.bounding_box(), svg.evaluate("s => ({...s.dataset, wide: s.viewBox.baseVal.width})")
    low, high, left, right = (float(data[name]) for name in ("low", "high", "left", "right"))

    def place(value: float) -> float:
        at = left + (value - low) / (high - low) * (right - left)
        return float(box["x"] + at / data["wide"] * box["width"])

    y = box["y"] + 20
    page.mouse.move(place(start), y)
    page.mouse.down()
    page.mouse.move(place(end), y, steps=4)
    page.mouse.up()


def test_a_stretch_of_a_plot_filters_the_grid_and_a_click_outside_it_ends_that(open_page: Open) -> None:
    page = open_page(LAYER, viewport={"width": 1280, "height": 900})
    page.get_by_label("Filter").fill("structured")
    drag(page, 3, 6)
    assert page.get_by_label("Filter").input_value().startswith("structured structure>=")
    shown = page.locator(".sheet a:visible b").all_inner_texts()
    assert shown and all(2.9 <= float(x) <= 6.1 for x in shown)
    drag(page, 4, 4)
    assert page.get_by_label("Filter").input_value() == "structured"


def test_a_dot_opens_its_unit_and_shows_it_first(open_page: Open) -> None:
    page = open_page(LAYER, viewport={"width": 1280, "height": 900})
    dot = page.locator(".plots a").first
    dot.scroll_into_view_if_needed()
    dot.hover()
    expect(page.locator(".peek.of-dot .pointed")).to_be_visible()
    assert page.locator(".peek.of-dot figcaption").inner_text() == dot.locator("title").text_content()
    unit = dot.get_attribute("href").removeprefix("#u")
    dot.click()
    page.get_by_role("heading", name=f"conv1 unit {unit} of 24", exact=True).wait_for()


def test_a_group_shows_its_units_alone(open_page: Open) -> None:
    page = open_page(LAYER, viewport={"width": 1280, "height": 900})
    group = page.locator(".unit-groups li").first
    units = [a.get_attribute("href") for a in group.locator("span a").all()]
    group.locator(".all").click()
    expect(page.locator(".sheet a:visible")).to_have_count(len(units))
    assert [f"#{a.get_attribute('id')}" for a in page.locator(".sheet a:visible").all()] == sorted(
        units, key=lambda u: int(u[2:])
    )


def test_the_map_stands_without_scripts(open_page: Open) -> None:
    page = open_page(LAYER, viewport={"width": 390, "height": 844}, java_script_enabled=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".unit-groups .tile").count() > 1 and page.locator(".plots svg").count() == 2
