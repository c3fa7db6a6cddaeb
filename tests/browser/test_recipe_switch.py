"""The switch between scored and display pictures: on every grid, in the address, kept from page to page."""

import re
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

pytestmark = pytest.mark.browser
V2 = "m/garden/v2/"


def source(page: Any, selector: str) -> str:
    return page.locator(selector).evaluate("i => i.getAttribute('src').split('/').pop() + ' ' + i.className")


def test_a_layers_grid_changes_recipe_for_all_units_and_the_address_keeps_it(open_page: Any) -> None:
    page = open_page(V2 + "conv1.html")
    before = source(page, "#u0 img")
    page.get_by_role("button", name="Display").click()
    expect(page.get_by_role("button", name="Display")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(r"#recipe=display$"))
    page.wait_for_function(f"document.querySelector('#u0 img').className !== {before.split(' ', 1)[1]!r}")
    page.reload()
    expect(page.get_by_role("button", name="Display")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="All units").click()
    expect(page).to_have_url(re.compile(r"units\.html#recipe=display$"))
    expect(page.get_by_role("button", name="Display")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Scored").click()
    expect(page).to_have_url(re.compile(r"units\.html$"))


def test_the_wall_shows_the_sheets_of_the_chosen_recipe(open_page: Any) -> None:
    page = open_page(V2 + "wall.html")
    image = page.locator(".wall img").first
    expect(image).to_have_attribute("src", re.compile(r"/sheet-0\.webp$"))
    page.get_by_role("button", name="Display").click()
    expect(image).to_have_attribute("src", re.compile(r"/display-0\.webp$"))
    page.reload()
    expect(image).to_have_attribute("src", re.compile(r"/display-0\.webp$"))


def test_a_faint_tile_says_so_and_its_contrast_can_be_raised(open_page: Any) -> None:
    page = open_page(V2 + "conv1.html")
    faint = page.locator(".sheet a.faint:not(.g1)").first
    assert faint.get_attribute("data-tag") in ("near black", "near white", "low contrast")
    filters = "a => getComputedStyle(a.firstElementChild).filter"
    assert faint.evaluate(filters) == "none"
    page.get_by_role("button", name="Raise contrast").click()
    expect(page).to_have_url(re.compile(r"#contrast=raised$"))
    assert "contrast(" in faint.evaluate(filters)
    plain = page.locator(".sheet a:not(.faint)").first
    assert plain.evaluate(filters) == "none"
