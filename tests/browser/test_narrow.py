"""On a narrow screen pictures keep their square, what is open covers the rest, and nothing is cut off."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser

LAYER = "m/garden/v2/conv1.html"
Open = Callable[..., Any]

CUTS = """(images) => images.map(i => {
  const box = i.getBoundingClientRect(), style = getComputedStyle(i);
  const [k, n] = (/^k(\\d) n(\\d)$/.exec(i.className) || [0, 0, 1]).slice(1).map(Number);
  return { k, n, wide: box.width, tall: box.height, ratio: i.naturalWidth / i.naturalHeight,
    fit: style.objectFit, from: parseFloat(style.objectPosition) };
})"""


def cuts_of(page: Any, within: str) -> list[dict[str, Any]]:
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    images = page.locator(f"{within} .pics img")
    for i in range(images.count()):
        images.nth(i).scroll_into_view_if_needed()
        images.nth(i).evaluate("i => i.decode()")
    found: list[dict[str, Any]] = images.evaluate_all(CUTS)
    return found


@pytest.mark.parametrize("width", [360, 390])
@pytest.mark.parametrize("where", ["panel", "own page", "own page without scripts"])
def test_every_picture_of_a_unit_is_the_square_cut_from_its_file(
    open_page: Open, width: int, where: str
) -> None:
    view = {"width": width, "height": 800}
    if where == "panel":
        page = open_page(LAYER + "#u8", viewport=view)
        page.locator(".panel .k-cite").wait_for()
    else:
        page = open_page(
            "m/garden/v2/conv1/8.html", viewport=view, java_script_enabled=not where.endswith("scripts")
        )
    cuts = cuts_of(page, ".panel" if where == "panel" else "main")
    assert len(cuts) >= 6 and sum(c["n"] > 1 for c in cuts) >= 4
    for c in cuts:
        assert abs(c["wide"] - c["tall"]) < 0.5 and c["wide"] > 50, c
        assert abs(c["ratio"] - c["n"]) < 0.01, c  # the file is n squares side by side
        if c["n"] > 1:
            assert c["fit"] == "cover" and abs(c["from"] - 100 * c["k"] / (c["n"] - 1)) < 0.01, c


@pytest.mark.parametrize("width", [520, 900])
def test_below_a_wide_screen_the_panel_has_the_whole_width(open_page: Open, width: int) -> None:
    page = open_page(LAYER + "#u8", viewport={"width": width, "height": 800})
    page.locator(".panel .k-cite").wait_for()
    box = page.locator("#panel").bounding_box()
    assert (box["x"], box["width"]) == (0, width)


def test_a_graph_fits_or_shows_that_it_goes_on(open_page: Open, atlas_site: Any) -> None:
    page = open_page("m/garden/v2/index.html", viewport={"width": 360, "height": 740})
    graph, box = page.locator(".graph").bounding_box(), page.locator(".network").bounding_box()
    fades = "getComputedStyle(document.querySelector('.network')).maskImage"
    assert graph["width"] > box["width"] and "gradient" in page.evaluate(fades)  # it has many layers
    page.locator(".network").evaluate("e => e.scrollTo({left: 1e6, behavior: 'instant'})")
    last = page.locator(".graph a").last.locator("rect:not(.hit)").first.bounding_box()
    assert last["x"] + last["width"] <= box["x"] + box["width"] - 40  # out of where it fades
    page.locator(".graph").evaluate("e => e.classList.add('short')")
    graph = page.locator(".graph").bounding_box()
    assert graph["x"] + graph["width"] <= box["x"] + box["width"] + 0.5


def test_the_link_to_a_recipe_opens_it_whole(open_page: Open) -> None:
    page = open_page("m/garden/v2/conv1/8.html")
    page.locator("main").get_by_role("link", name="default", exact=True).click()
    recipe = page.locator("pre:target")
    recipe.wait_for()
    assert 'recipe = "default"' in recipe.inner_text()
    assert recipe.evaluate("e => e.scrollHeight - e.clientHeight") == 0


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_on_the_wall_is_cut(open_page: Open, width: int) -> None:
    page = open_page("m/garden/v2/wall.html", viewport={"width": width, "height": 800})
    captions = page.locator(".wall figcaption")
    assert captions.evaluate_all("l => l.every(e => e.scrollWidth <= e.clientWidth + 1)")
    boxes = page.locator(".wall figure").evaluate_all(
        "l => l.map(e => e.getBoundingClientRect()).map(b => [b.top, b.bottom, b.left, b.right])"
    )
    assert all(right <= width for *_, right in boxes)
    assert all(a[1] <= b[0] or a[3] <= b[2] for a, b in itertools.pairwise(boxes))  # one after another


@pytest.mark.parametrize("width", [360, 390, 800, 1280, 1920])
def test_the_wall_uses_the_width(open_page: Open, width: int) -> None:
    page = open_page("m/garden/v2/wall.html", viewport={"width": width, "height": 800})
    rights = page.locator(".wall figure").evaluate_all("l => l.map(e => e.getBoundingClientRect().right)")
    box = page.locator(".wall").bounding_box()
    assert max(rights) >= box["x"] + 0.95 * box["width"] - 2


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_first_row_of_a_layers_units_is_in_view_before_anybody_scrolls(
    open_page: Open, width: int, height: int
) -> None:
    page = open_page(LAYER, viewport={"width": width, "height": height})
    box = page.locator(".sheet a").first.bounding_box()
    assert box["y"] > 0 and box["y"] + box["height"] <= height
    tops = "l => l.map(a => document.querySelector(a.hash).getBoundingClientRect().top)"
    jumps = page.locator(".over .note a").evaluate_all(tops)
    assert jumps and min(jumps) > page.locator(".sheet a").last.bounding_box()["y"]
