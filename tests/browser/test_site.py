"""The site in a real browser: opened from a file and from a sub-path, with and without scripts."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waiting import expect

pytestmark = pytest.mark.browser

LAYER = "m/garden/v2/conv1.html"
KINDS = {
    "index": "index.html",
    "model": "m/garden/v2/index.html",
    "layer": LAYER,
    "panel": LAYER + "#u8",
    "unit": "m/garden/v2/conv1/8.html",
    "units": "m/garden/v2/units.html",
    "findings": "m/garden/v2/findings.html",
    "wall": "m/garden/v2/wall.html",
    "downloads": "downloads.html",
    "method": "method.html",
    "about": "about.html",
    "missing": "404.html",
}
Open = Callable[..., Any]


@pytest.mark.parametrize("way", ["file", "sub-path"])
def test_pages_open_without_errors_and_ask_no_other_origin(
    open_page: Open, atlas_site: Path, served: str, way: str
) -> None:
    base = served if way == "sub-path" else atlas_site.as_uri() + "/"
    page = open_page("index.html", base=base)
    for path in KINDS.values():
        page.goto("about:blank")
        page.goto(base + path)
        assert page.locator("h1").count() == 1
        broken = (
            "[...document.images].filter(i => i.hasAttribute('src') && i.complete && !i.naturalWidth)"
            ".map(i => i.src)"
        )
        assert page.evaluate(broken) == []


def test_the_style_is_applied_under_the_policy(open_page: Open) -> None:
    page = open_page(LAYER)
    assert page.evaluate("getComputedStyle(document.querySelector('.sheet')).display") == "grid"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.sheet a'), '::before').borderTopStyle")
        == "solid"
    )
    missing = open_page("404.html")
    assert missing.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") != "none"


def test_without_scripts_every_unit_is_there_and_its_page_is_complete(open_page: Open) -> None:
    page = open_page(LAYER, java_script_enabled=False)
    assert page.locator(".sheet a").count() == 24
    assert page.locator(".tools").count() == 0
    page.locator("#u8").click()
    assert page.url.endswith("conv1/8.html")
    assert "structured" in page.locator(".verdict").inner_text()
    assert page.locator("img").count() > 8


def test_the_panel_says_what_the_units_own_page_says(open_page: Open) -> None:
    for unit in (0, 7, 8):
        page, panel = open_page(f"m/garden/v2/conv1/{unit}.html"), open_page(f"{LAYER}#u{unit}")
        panel.locator(".panel .k-cite").wait_for()
        said = (
            "(e => [...e.querySelectorAll('.verdict, .reason, .needed, .sec')]"
            ".filter(x => !x.matches('.k-cite')).map(x => x.textContent))"
        )
        wanted = page.evaluate(f"{said}(document.querySelector('main'))")
        found = panel.evaluate(f"{said}(document.querySelector('.panel'))")
        assert [_words(text) for text in found] == [_words(text) for text in wanted]
        assert len(found) > 8
        names = (
            "[...document.querySelectorAll('{0} [role=img], {0} img')]"
            ".map(e => e.getAttribute('aria-label') || e.alt)"
        )
        assert panel.evaluate(names.format(".panel .sec")) == page.evaluate(names.format("main .sec"))


def _words(text: str) -> str:
    return "".join(text.split())


def test_an_address_of_a_unit_opens_it_and_goes_with_it(open_page: Open) -> None:
    page = open_page(LAYER + "#u3")
    page.get_by_role("heading", name="Unit 3").wait_for()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name="Unit 4").wait_for()
    assert page.url.endswith("#u4")
    page.go_back()
    assert "#u4" not in page.url


def test_the_keyboard_moves_opens_closes_and_filters(open_page: Open) -> None:
    page = open_page(LAYER)
    page.locator("#u0").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "u1"
    page.keyboard.press("ArrowDown")
    below = page.evaluate("document.activeElement.id")
    assert page.evaluate(
        f"document.getElementById('{below}').offsetLeft === document.getElementById('u1').offsetLeft"
    )
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"conv1 unit {below[1:]} of 24", exact=True).wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("heading", name=f"conv1 unit {int(below[1:]) - 1} of 24", exact=True).wait_for()
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()
    assert "#" not in page.url
    page.keyboard.press("/")
    page.keyboard.type("dead")
    assert page.locator(".sheet a:visible").count() == 3
    assert page.locator("output").inner_text() == "3 of 24 units"
    page.keyboard.press("Escape")
    assert page.locator(".sheet a:visible").count() == 3
    page.locator("#filter").fill("")
    page.keyboard.press("Enter")
    assert page.locator(".sheet a:visible").count() == 24
    page.keyboard.press("]")
    page.wait_for_url("**/block1-conv2.html")
    page.keyboard.press("[")
    page.wait_for_url("**/conv1.html")


def test_filters_and_order_agree_with_the_numbers_on_the_page(open_page: Open) -> None:
    page = open_page(LAYER)
    scores = (
        "[...document.querySelectorAll('.sheet a:not([hidden]) b')]"
        ".map(b => Number(b.textContent.replace('−', '-')))"
    )
    page.get_by_label("Order").select_option("-structure")
    found = page.evaluate(scores)
    numbers = [x for x in found if x == x]  # units without a score give no number
    assert numbers == sorted(numbers, reverse=True) and len(numbers) < len(found)
    page.get_by_label("Filter").fill(">3 structured")
    assert all(x >= 3 for x in page.evaluate(scores))
    page.get_by_label("Filter").fill("")
    button = page.get_by_role("button", name="static 3")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert page.get_by_label("Filter").input_value() == "verdict:static"
    words = page.locator(".sheet a:visible").all_inner_texts()
    assert len(words) == 3 and all("static" in w for w in words)


def test_one_stop_of_tab_leads_through_the_sheet(open_page: Open) -> None:
    page = open_page(LAYER)
    assert (
        page.evaluate("[...document.querySelectorAll('.sheet a')].filter(a => a.tabIndex === 0).length") == 1
    )


def test_light_and_dark_can_be_chosen_and_are_kept(open_page: Open, served: str) -> None:
    page = open_page("index.html", base=served, color_scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(colour)
    assert dark != light
    page.goto(served + "method.html")
    assert page.evaluate(colour) == dark
    assert open_page("index.html", color_scheme="dark").evaluate(colour) == dark


@pytest.mark.parametrize("kind", ["model", "wall", "missing"])
@pytest.mark.parametrize(("scheme", "theme"), [("dark", ""), ("light", "dark")])
def test_paper_is_light_whatever_the_theme_of_the_screen(
    open_page: Open, kind: str, scheme: str, theme: str
) -> None:
    page = open_page(KINDS[kind], color_scheme=scheme)
    page.evaluate("theme => { if (theme) document.documentElement.dataset.theme = theme; }", theme)
    page.emulate_media(media="print")
    colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    paper, ink = ([int(x) for x in re.findall(r"\d+", said)] for said in page.evaluate(colours))
    assert min(paper) > 240 and max(ink) < 40
    if kind == "model":
        assert page.locator(".heat .on-light").first.is_visible()
        assert not page.locator(".heat .on-dark").first.is_visible()


def test_names_that_are_scripts_are_shown_and_never_run(open_page: Open, atlas_site: Path) -> None:
    table = json.loads((atlas_site / "verdicts.json").read_text(encoding="utf-8"))
    pages = {row["address"].split("#")[0] for row in table if "<script>" in row["layer"] + row["model"]}
    assert len(pages) == 3
    for path in pages:
        page = open_page(path + "#u1")
        page.locator(".panel h2 small", has_text="unit 1").wait_for()
        assert "<script>" in page.locator("main").inner_text()
    assert "<b>nobody</b>" in open_page("about.html").locator("main").inner_text()


def test_a_narrow_screen_never_scrolls_sideways(open_page: Open, atlas_site: Path) -> None:
    page = open_page("index.html", viewport={"width": 360, "height": 740})
    for path in KINDS.values():
        page.goto(atlas_site.as_uri() + "/" + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_on_any_kind_of_page(open_page: Open, served: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page = open_page("index.html", base=served, color_scheme=scheme, bypass_csp=True)
    for kind, path in KINDS.items():
        page.goto("about:blank")
        page.goto(served + path)
        if kind == "panel":
            page.locator(".panel .k-cite").wait_for()
        if kind == "units":
            page.locator("#grid a").first.wait_for()
        found = axe.run(page).response["violations"]
        assert [(kind, v["id"], v["nodes"][0]["html"][:200]) for v in found] == []


def test_a_static_units_panel_leads_with_the_noise_and_says_in_place_what_its_words_mean(
    open_page: Any,
) -> None:
    page = open_page(LAYER)
    page.locator(".sheet a.t").first.click()
    first = page.locator("#panel section").first
    expect(first.locator("h3")).to_have_text("What was judged")
    expect(first.locator("li span")).to_have_text(["Judged: start 0", "Noise baseline"])
    first.get_by_role("button", name="What was judged").click()
    meaning = page.locator("#t-null")
    expect(meaning).to_be_visible()
    meaning.get_by_role("link", name="More").click()
    expect(page.locator("#null")).to_be_in_viewport()
    expect(page).to_have_url(re.compile(r"method\.html#null$"))
