"""The first screen of a model version, its table of layers and its strip of cells."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser

MODEL = "m/garden/v1/index.html"
Open = Callable[..., Any]
HEADS = (
    "What is it? Is the input range right? What do its units see? Are there too many? "
    "What changed between versions? What to look at first?"
)


def test_the_first_screen_answers_six_questions_in_order(open_page: Open) -> None:
    page = open_page(MODEL, viewport={"width": 1440, "height": 900}, java_script_enabled=False)
    assert " ".join(page.locator(".overview dt").all_inner_texts()) == HEADS
    last = page.locator(".overview dt").last.bounding_box()
    assert last["y"] + last["height"] < 900
    assert page.locator(".alarm").is_visible()  # its range contradicts the model
    for link in page.locator(".first a").all():
        href = link.get_attribute("href")
        assert href.startswith("findings.html#f") and link.locator("img").count() == 1


def test_a_head_of_a_column_sorts_the_layers_and_says_so(open_page: Open) -> None:
    page = open_page(MODEL, viewport={"width": 1440, "height": 900})
    rows = "[...document.querySelectorAll('.of-layers tbody tr')].map(r => Number(r.cells[1].dataset.value))"
    before = page.evaluate(rows)
    page.get_by_role("button", name="Units", exact=True).click()
    assert page.evaluate(rows) == sorted(before, reverse=True)
    assert page.locator(".of-layers th[aria-sort]").get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="Units", exact=True).click()
    assert page.evaluate(rows) == sorted(before)
    page.get_by_role("button", name="Layer", exact=True).click()
    assert page.evaluate(rows) == before


@pytest.mark.parametrize("scripts", [True, False])
def test_a_head_of_a_column_opens_its_meaning_with_and_without_scripts(
    open_page: Open, scripts: bool
) -> None:
    page = open_page(MODEL, java_script_enabled=scripts)
    head = page.locator(".of-layers th", has_text="Static")
    assert head.locator("button").count() == 1 + scripts
    opener = head.locator("[popovertarget=t-v-t]")
    assert not scripts or opener.get_attribute("aria-label") == "What does “Static” mean?"
    opener.click()
    assert page.locator("#t-v-t").is_visible()
    assert head.get_attribute("aria-sort") is None
    page.keyboard.press("Escape")
    assert not page.locator("#t-v-t").is_visible()


def test_a_cell_of_the_strip_opens_its_unit(open_page: Open) -> None:
    page = open_page(MODEL, viewport={"width": 1440, "height": 900})
    svg = page.locator(".heat svg")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    wide, tall = page.evaluate(
        "(v => [v.width, v.height])(document.querySelector('.heat svg').viewBox.baseVal)"
    )
    spot = {"x": box["width"] * 2.5 / wide, "y": box["height"] * 1.5 / tall}  # third column, second row
    svg.hover(position=spot)
    assert page.locator(".heat output").inner_text() == f"conv1 {int(2 * tall + 1)}"
    svg.click(position=spot)
    page.wait_for_url(f"**/conv1.html#u{int(2 * tall + 1)}")
