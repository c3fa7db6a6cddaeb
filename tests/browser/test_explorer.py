"""The explorer as a person uses it: browsing, asking, comparing, cancelling, two people at once.

What renders is a sketch (tests/explorer/sketching_studio.py): states, curves and previews as the real studio
gives them, in a second. The real one is in test_explorer_rendering.py.
"""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "explorer"))
pytest.importorskip("dash", reason="the extra explorer is not installed")

from sample_store import write_sample_store
from served import served
from sketching_studio import SketchingStudio
from waiting import expect

from reportgen.explorer.app import make_app
from reportgen.explorer.guard import Door
from reportgen.explorer.serving import warm
from reportgen.explorer.store_view import StoreView

pytestmark = pytest.mark.browser

CONV1 = "m/garden/v2/conv1.html"


@pytest.fixture(scope="module")
def store_view(tmp_path_factory: pytest.TempPathFactory) -> StoreView:
    own = StoreView(write_sample_store(tmp_path_factory.mktemp("explored") / "sample.db"))
    warm(own)
    return own


@pytest.fixture
def studio(store_view: StoreView) -> Any:
    return SketchingStudio({v.name: None for v in store_view.versions()})


@pytest.fixture
def explorer(store_view: StoreView, studio: Any) -> Iterator[str]:
    """The address of an explorer of the sample store."""
    with served(make_app(store_view, studio, Door())) as base:
        yield base


@pytest.fixture
def at(explorer: str, open_page: Callable[..., Any]) -> Callable[..., Any]:
    """Open a page of the explorer, ready for use; pages are closed before the explorer ends."""

    def opened(path: str = CONV1 + "#u3", **options: Any) -> Any:
        page = open_page(path, explorer, **options)
        page.locator("body.ready").wait_for()
        if "#u" in path:
            page.locator("#evidence .sec").first.wait_for()
        return page

    return opened


def state(page: Any, wanted: str) -> None:
    expect(page.locator("#live")).to_have_attribute("data-state", wanted)


def done(page: Any, words: str) -> None:
    """Wait until what is called so has been rendered, whatever stood there before."""
    expect(page.locator('#live[data-state="done"]')).to_contain_text(words)


def rendering(page: Any, studio: Any) -> None:
    """Ask, and be there while it renders: it ends when the studio is told to be quick."""
    studio.seconds = 600
    page.locator("#render").click()
    state(page, "rendering")


def shown(page: Any) -> int:
    return int(page.locator("#count").inner_text().split()[0].replace(",", ""))


def address(page: Any, ending: str) -> None:
    page.wait_for_url(re.compile(re.escape(ending) + "$"))


def test_browsing_and_filtering_are_the_atlas_s(at: Any) -> None:
    page = at("m/garden/v2/units.html#q=static")
    assert page.locator("#filter").input_value() == "static"
    static = shown(page)
    page.locator("#filter").fill("layer:conv1 static")
    assert 0 < shown(page) <= static
    address(page, "units.html#q=layer%3Aconv1%20static")
    page.locator("#filter").fill("")
    page.get_by_role("gridcell", name="conv1", exact=True).click()
    expect(page.locator("#filter")).to_have_value("layer:=conv1")
    hrefs = page.eval_on_selector_all("#grid a[href]", "all => all.map(a => a.getAttribute('href'))")
    assert all(href.startswith("conv1.html#u") for href in hrefs if href)


def test_an_address_of_the_atlas_opens_that_unit_and_goes_back_there(at: Any) -> None:
    page = at(CONV1 + "#u3")
    page.get_by_role("heading", name="conv1 unit 3").wait_for()
    page.locator('#grid a[href="conv1.html#u5"]').click()
    page.get_by_role("heading", name="conv1 unit 5").wait_for()
    address(page, "/" + CONV1 + "#u5")
    marked = page.locator("#grid a[aria-current]")
    expect(marked).to_have_count(1)
    expect(marked).to_have_attribute("href", "conv1.html#u5")
    page.go_back()
    page.get_by_role("heading", name="conv1 unit 3").wait_for()
    page.locator("#head h2").focus()
    page.keyboard.press("Escape")
    address(page, "/m/garden/v2/units.html")


@pytest.mark.slow
def test_a_unit_that_is_opened_by_its_address_is_in_sight_in_the_grid(at: Any, store_view: StoreView) -> None:
    version = next(v for v in store_view.versions() if v.home == "/m/garden/v2/units.html")
    last = version.record.layers[-1]
    page = at(f"m/garden/v2/{version.place.slug(last.name)}.html#u{last.n_units - 1}")
    cell = page.locator("#grid a[aria-current]")
    expect(cell).to_be_in_viewport()
    grid, box = page.locator("#grid").bounding_box(), cell.bounding_box()
    assert grid["y"] <= box["y"] and box["y"] + box["height"] <= grid["y"] + grid["height"] + 4


def test_the_keyboard_is_the_atlas_s(at: Any) -> None:
    page = at("m/garden/v2/units.html")
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.type("conv1")
    page.keyboard.press("Escape")
    expect(page.locator("#grid a:focus")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    href = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    name, _, unit = href.partition("#")
    page.wait_for_url(
        re.compile(rf"/{re.escape(name)}\?q=conv1#{unit}$")
    )  # Escape left the filter as it was.
    page.locator("#head h2:focus").wait_for()
    page.keyboard.press("?")
    page.locator("#help").wait_for()


def test_a_unit_is_rendered_before_the_eyes(at: Any, studio: Any) -> None:
    page = at()
    rendering(page, studio)
    live = page.locator("#live")
    expect(live).to_have_attribute("data-refreshes", re.compile(r"^([3-9]|\d\d+)$"))
    studio.quicken(0.1)
    state(page, "done")
    assert live.locator("polyline").get_attribute("points").count(",") > 20
    source = live.locator("img").get_attribute("src")
    assert source.startswith("/img/")
    assert page.context.request.get(page.url.split("/m/")[0] + source).status == 200
    expect(page.locator("#kept")).to_contain_text("As in the atlas")


def test_a_change_renders_again_and_says_what_differs_from_what_was_kept(at: Any) -> None:
    page = at()
    page.locator("#render").click()
    state(page, "done")
    page.locator("#keep").click()
    kept = page.locator("#kept img").get_attribute("src")
    page.locator("#set-seed").fill("7")
    page.locator("#set-seed").press("Tab")
    done(page, "seed 7")
    expect(page.locator("#kept .what")).to_contain_text("seed 0")
    expect(page.locator("#kept img")).to_have_attribute("src", kept)
    expect(page.locator("#live img")).not_to_have_attribute("src", kept)
    page.locator("#kept").get_by_role("button", name="Use these settings").click()
    expect(page.locator("#set-seed")).to_have_value("0")


@pytest.mark.slow
def test_what_differs_from_the_atlas_s_own_picture_is_said(at: Any) -> None:
    page = at()
    page.locator("#set-tv").fill("0.5")
    page.locator("#set-tv").press("Tab")
    done(page, "tv 0.5")
    expect(page.locator("#kept .what")).to_have_text(re.compile("^tv "))
    expect(page.locator("#kept")).to_contain_text("As in the atlas")


def test_the_form_describes_the_picture_that_is_shown(at: Any, store_view: StoreView) -> None:
    page = at("m/garden/v2/units.html#q=layer%3Aconv1%20static")
    static = page.locator("#grid a[href]").first.get_attribute("href")
    page.locator("#grid a[href]").first.click()
    page.locator("#head .verdict", has_text="static").wait_for()
    expect(page.locator("#set-recipe")).to_have_value("default")  # Its picture is the one that was judged.
    expect(page.locator("#live")).to_contain_text("recipe default")
    page.locator("#follow").uncheck()
    page.locator("#set-recipe").select_option("show")
    expect(page.locator(".pending")).to_contain_text("Not rendered yet: recipe show")
    page.locator("#live").get_by_role("button", name="Use these settings").click()
    expect(page.locator(".pending")).to_be_empty()
    expect(page.locator("#set-recipe")).to_have_value("default")
    address(page, "#" + static.partition("#")[2])


def test_the_activation_of_the_atlas_s_picture_is_that_of_the_page(at: Any) -> None:
    page = at()
    said = page.locator("#live .now").inner_text()
    row = page.locator("#evidence tr", has_text="show happy 0")
    assert said == "activation " + row.locator("td").nth(1).text_content()


def test_the_address_keeps_the_form_and_the_link_carries_it(at: Any) -> None:
    page = at()
    page.locator("#set-seed").fill("7")
    page.locator("#set-seed").press("Tab")
    page.locator("#set-tv").fill("0.5")
    page.locator("#set-tv").press("Tab")
    done(page, "tv 0.5")
    page.wait_for_url(re.compile("render=.*seed%3D7%26tv%3D0.5#u3$"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.reload()
    done(page, "conv1, unit 3")
    expect(page.locator("#set-seed")).to_have_value("7")
    expect(page.locator("#set-tv")).to_have_value("0.5")
    page.locator('#grid a[href="conv1.html#u5"]').click()
    page.get_by_role("heading", name="conv1 unit 5").wait_for()
    expect(page.locator("#set-seed")).to_have_value("0")
    address(page, "/" + CONV1 + "#u5")
    page.go_back()
    expect(page.locator("#set-seed")).to_have_value("7")


def test_a_link_of_another_site_fills_in_the_form_and_renders_nothing(
    explorer: str, open_page: Callable[..., Any], studio: Any
) -> None:
    """The server says where a page was opened from (tests/explorer/test_app.py)."""
    page = open_page("m/garden/v2/units.html", explorer)
    own = explorer + CONV1 + "?render=recipe%3Dshow%26units%3D3%26tv%3D0.5#u3"
    foreign = page.context.request.get(own).text().replace('"renders": true', '"renders": false')
    page.route(own.partition("#")[0], lambda route: route.fulfill(body=foreign, content_type="text/html"))
    page.goto(own)
    expect(page.locator(".pending")).to_contain_text("Not rendered yet: tv 0.5")
    expect(page.locator("#set-tv")).to_have_value("0.5")
    assert not studio.requests


def test_how_a_picture_grew_can_be_scrubbed_and_taken_away(at: Any, explorer: str) -> None:
    page = at()
    page.locator("#grow").click()
    slider = page.locator("#growth-step")
    slider.wait_for()
    finished = page.locator("#live img").get_attribute("src")
    assert finished.startswith("/img/") and slider.get_attribute("max") == "4"
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "step 30 of 40"
    frame = page.locator("#live img").get_attribute("src")
    assert (
        frame.startswith("data:image/webp")
        and page.locator("#live img").evaluate("i => i.naturalWidth") == 48
    )
    assert page.locator("#live .curve .at").get_attribute("d")
    page.keyboard.press("End")
    expect(page.locator("#live img")).to_have_attribute("src", finished)
    with page.expect_download() as animation:
        page.get_by_role("link", name="Download animation").click()
    assert re.fullmatch(r"garden-v2-conv1-unit-3-[0-9a-f]{8}\.webp", animation.value.suggested_filename)
    with page.expect_download() as png:
        page.locator("#live").get_by_role("link", name="Download PNG").click()
    assert png.value.suggested_filename.endswith(".png")


def test_curves_that_stand_side_by_side_have_one_scale(at: Any) -> None:
    page = at()
    page.locator("#render").click()
    state(page, "done")
    scales = [page.locator(f"#{name} .ups").inner_text().split() for name in ("live", "kept")]
    assert scales[0] == scales[1] and len(scales[0]) >= 2
    assert [page.locator(f"#{name} .across").inner_text() for name in ("live", "kept")].count("") == 0


@pytest.mark.slow
def test_nothing_jumps(at: Any) -> None:
    """What comes late finds its place kept: layout shifts that nobody caused sum up to next to nothing."""
    page = at()
    page.evaluate("""() => {
      self.shifts = [];
      new PerformanceObserver(list => list.getEntries().forEach(e => {
        if (!e.hadRecentInput) self.shifts.push(e.value);
      })).observe({ type: "layout-shift", buffered: true }); }""")
    page.locator("#grow").click()
    page.locator("#growth-step").wait_for()
    page.locator("#keep").click()
    page.locator("#sweep").click()
    page.locator(".sweep li:nth-child(9)[data-state=done]").wait_for()
    page.wait_for_timeout(200)
    assert sum(page.evaluate("self.shifts")) < 0.02


def test_help_covers_the_bench(at: Any) -> None:
    page = at()
    page.get_by_role("button", name="Help").click()
    told = page.locator("#help").inner_text()
    for button in page.locator(".actions button").all_inner_texts():
        assert button == "Render" or button in told


@pytest.mark.slow
def test_what_has_focus_is_not_behind_the_stage(at: Any) -> None:
    page = at(viewport={"width": 1280, "height": 900})
    page.locator(".recipe details").evaluate_all("all => all.forEach(d => { d.open = true; })")
    page.locator("#terms").focus()
    hidden = """() => {
      const own = document.activeElement, stage = document.querySelector(".stage");
      return !stage.contains(own) && document.querySelector(".recipe").contains(own)
        && own.getBoundingClientRect().top < stage.getBoundingClientRect().bottom; }"""
    for key in ("Tab", "Shift+Tab"):
        for _ in range(36):
            page.keyboard.press(key)
            assert not page.evaluate(hidden), page.evaluate("document.activeElement.id")


def test_a_layer_s_own_address_shows_that_layer(at: Any) -> None:
    page = at(CONV1)
    expect(page.locator("#filter")).to_have_value("layer:=conv1")
    page.locator(".ag-row-selected", has_text="conv1").wait_for()
    address(page, CONV1)


@pytest.mark.slow
def test_two_versions_of_a_unit_stand_side_by_side(at: Any) -> None:
    page = at()
    page.locator("#render").click()
    state(page, "done")
    page.locator("#keep").click()
    page.locator("#set-version").select_option("garden/v1")
    done(page, "version v1")
    expect(page.locator("#head h2")).to_have_text("conv1 unit 3, version v1")
    expect(page.locator("#head .verdict")).to_be_hidden()  # That is v2's.
    expect(page.locator("#kept .what")).to_contain_text("version v2")


def test_a_request_that_comes_while_another_is_asked_after_is_not_taken_for_lost(at: Any) -> None:
    page = at()
    held: list[Any] = []
    page.route("**/progress.json*", lambda route: held.append(route))
    page.locator("#render").click()
    page.wait_for_timeout(500)
    page.locator("#set-seed").fill("5")
    page.locator("#set-seed").press("Tab")
    expect(page.locator("#live .what")).to_contain_text("seed 5")
    assert len(held) == 1
    page.unroute("**/progress.json*")  # What was held goes on.
    state(page, "done")


def test_cancel_ends_it_long_before_it_would_be_done(at: Any, studio: Any) -> None:
    page = at()
    rendering(page, studio)
    page.locator("#cancel").click()
    state(page, "cancelled")
    expect(page.locator("#live .state")).to_contain_text("Cancelled")


@pytest.mark.slow
def test_a_second_person_sees_their_place_and_not_the_first_s_pictures(
    at: Any, studio: Any, explorer: str
) -> None:
    first, second = at(), at()
    rendering(first, studio)
    second.locator("#render").click()
    state(second, "waiting")
    expect(second.locator("#live .state")).to_contain_text("1 before it")
    preview = explorer + first.locator("#live img").get_attribute("src").lstrip("/")
    assert "/progress/" in preview
    assert first.context.request.get(preview).status == 200
    assert second.context.request.get(preview).status == 404
    studio.quicken(0.1)
    state(first, "done")
    state(second, "done")


@pytest.mark.slow
def test_a_worker_that_dies_is_reported_and_the_next_request_is_served(at: Any, studio: Any) -> None:
    page = at()
    rendering(page, studio)
    studio.broken = "the process that renders ended (killed); ask again"
    state(page, "failed")
    expect(page.locator("#live .state")).to_contain_text("ask again")
    studio.broken, studio.seconds, studio.free_at = "", 0.3, 0.0
    page.locator("#render").click()
    state(page, "done")


def test_a_sweep_is_a_strip_of_nine_and_gives_its_weights(at: Any, studio: Any) -> None:
    studio.seconds, studio.ready = 0.1, 0.0
    page = at()
    page.locator("#sweep").click()
    page.locator(".sweep li:nth-child(9)[data-state=done]").wait_for()
    expect(page.locator(".sweep img")).to_have_count(9)
    sources = page.eval_on_selector_all(".sweep img", "all => all.map(i => i.getAttribute('src'))")
    assert len(set(sources)) == 9 and all(source.startswith("/img/") for source in sources)
    page.locator(".sweep li").last.locator("button").click()
    expect(page.locator("#set-tv")).to_have_value("1000")


def test_sums_of_units_and_the_whole_layer_can_be_asked_for(at: Any) -> None:
    page = at()
    page.locator('#grid a[href="conv1.html#u5"]').click(modifiers=["Shift"])
    expect(page.locator("#terms")).to_have_value("3 + 5")
    done(page, "conv1, units 3 + 5")
    expect(page.locator("#head h2")).to_have_text("conv1 units 3 + 5")
    expect(page.locator("#head .verdict")).to_be_hidden()
    page.get_by_role("button", name="Whole layer").click()
    done(page, "conv1, the whole layer")
    expect(page.locator("#head h2")).to_have_text("conv1 the whole layer")
    assert page.title().startswith("conv1 the whole layer")
    page.locator("#terms").fill("3 +")
    page.locator("#terms").press("Tab")
    page.locator("#wrong", has_text="wanted such as 3").wait_for()


def test_a_recipe_is_given_for_the_atlas(at: Any) -> None:
    page = at()
    page.locator("#set-tv").fill("0.5")
    page.locator("#set-tv").press("Tab")
    page.get_by_text("Use for the atlas").click()
    page.locator("#command", has_text="--set show.tv=0.5").wait_for()
    expect(page.locator("#toml")).to_contain_text('"show.tv" = 0.5')


def test_a_start_picture_is_dropped_and_a_hostile_file_refused(at: Any, tmp_path: Path) -> None:
    import numpy as np

    from reportgen.images import encode_png

    page = at()
    hostile = tmp_path / "<img src=x onerror=alert(1)>.png"
    hostile.write_bytes(b"\x89PNG\r\n\x1a\n" + b"<script>alert(1)</script>" * 50)
    page.locator("#upload input").set_input_files(hostile)
    page.locator("#wrong", has_text="cannot be read").wait_for()
    good = tmp_path / "good.png"
    good.write_bytes(encode_png(np.full((30, 20, 3), 90, np.uint8)))
    page.locator("#upload input").set_input_files(good)
    page.get_by_text("Starts from your picture").wait_for()
    expect(page.locator("#set-seed")).to_be_disabled()
    page.locator("#render").click()
    state(page, "done")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(at: Any, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page = at(color_scheme=scheme, bypass_csp=True)
    page.locator("#render").click()
    state(page, "done")
    page.locator(".recipe details").evaluate_all("all => all.forEach(d => { d.open = true; })")
    found = axe.run(page).response["violations"]
    serious = {
        v["id"]: [n["html"][:160] for n in v["nodes"]]
        for v in found
        if v["impact"] in ("serious", "critical")
    }
    assert serious == {}, json.dumps(serious, indent=1)


def test_hostile_names_are_text(at: Any, store_view: StoreView) -> None:
    hostile = next(v for v in store_view.versions() if any("<script>" in x.name for x in v.record.layers))
    layer = next(x for x in hostile.record.layers if "<script>" in x.name)
    page = at(f"{hostile.place.folder}/{hostile.place.slug(layer.name)}.html#u0")
    expect(page.locator("#head h2")).to_contain_text(layer.name)
    assert page.locator("#head script, .layer-table script").count() == 0


def test_a_page_is_small(at: Any) -> None:
    page = at("m/garden/v2/units.html")
    assert page.evaluate("document.querySelectorAll('*').length") < 2500


@pytest.mark.slow
def test_it_says_why_nothing_can_be_rendered(open_page: Any, store_view: StoreView, tmp_path: Path) -> None:
    shutil.copy(store_view.path, tmp_path / "own.db")
    why = "tensorflow is not installed"
    studio = SketchingStudio({v.name: why for v in store_view.versions()})
    with served(make_app(StoreView(tmp_path / "own.db"), studio, Door())) as base:
        page = open_page(CONV1 + "#u3", base)
        page.locator(".bench", has_text=why).wait_for()
        page.locator("#render").click()
        page.locator("#wrong", has_text="cannot be rendered").wait_for()


def test_who_brings_the_token_is_let_in_and_the_address_forgets_it(
    open_page: Any, chromium: Any, store_view: StoreView, studio: Any
) -> None:
    with served(make_app(store_view, studio, Door("0.0.0.0", "atoken-atoken"))) as base:
        stranger = chromium.new_context().new_page()
        assert stranger.goto(base + CONV1).status == 401
        assert "token" in stranger.locator("body").inner_text()
        stranger.context.close()
        page = open_page(CONV1 + "?token=atoken-atoken#u3", base)
        page.get_by_role("heading", name="conv1 unit 3").wait_for()
        page.wait_for_url(base + CONV1 + "#u3")
        page.locator("#render").click()
        state(page, "done")
        assert page.evaluate("document.cookie") == ""
        page.context.close()


@pytest.mark.slow
def test_it_says_that_the_explorer_is_gone_and_goes_on_when_it_is_back(
    chromium: Any, store_view: StoreView
) -> None:
    studio = SketchingStudio({v.name: None for v in store_view.versions()})
    application = make_app(store_view, studio, Door())
    context = chromium.new_context()
    page = context.new_page()
    with served(application) as base:
        page.goto(base + CONV1 + "#u3")
        page.locator("#evidence .sec").first.wait_for()
        rendering(page, studio)
    page.locator("body.troubled").wait_for()
    expect(page.locator("#live .state")).to_contain_text("No connection")
    studio.quicken(0.1)
    with served(application, int(base.rstrip("/").rpartition(":")[2])):
        page.locator("body:not(.troubled)").wait_for()
        state(page, "done")
    context.close()


@pytest.mark.slow
def test_a_hundred_thousand_units_are_there_in_three_seconds(open_page: Any, tmp_path: Path) -> None:
    from benchmarks.large_store import write_large_store

    own = StoreView(write_large_store(tmp_path / "large.db", pictured=False))
    warm(own, 1)
    with served(make_app(own, SketchingStudio({}), Door())) as base:
        page = open_page("m/residual/v1/units.html", base)
        page.locator("body.ready").wait_for()
        assert shown(page) == 100_000
        assert page.evaluate("document.querySelectorAll('*').length") < 2500
        took = "performance.getEntriesByName('explorer-ready')[0].startTime"
        times = [page.evaluate(took)]
        while min(times) > 3000 and len(times) < 5:  # The best of five: this machine may have other work.
            page.reload()
            page.locator("body.ready").wait_for()
            times.append(page.evaluate(took))
        assert min(times) < 3000
        assert page.evaluate("performance.memory.usedJSHeapSize") < 100e6
        page.locator("#filter").fill("conv4 structured")
        assert 0 < shown(page) < 100_000
        page.context.close()
