"""The view of all units: its filter's words, its order, its address and its keyboard, against the "
"verdict table."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from reportgen.atlas import columns
from reportgen.atlas.grouped import Grouped
from reportgen.atlas.packing import pack
from reportgen.removal import UnitNeed

pytestmark = pytest.mark.browser

PAGE = "m/garden/v2/units.html"


@pytest.fixture(scope="module")
def rows(atlas_site: Path) -> list[dict[str, Any]]:
    """The verdict table's rows of that model version, in the order of the page."""
    table = json.loads((atlas_site / "verdicts.json").read_text(encoding="utf-8"))
    return [row for row in table if (row["model"], row["version"]) == ("garden", "v2")]


def shown(page: Any) -> list[str]:
    """The addresses of the cells on the screen, in order."""
    page.wait_for_function("document.querySelectorAll('#grid a[href]').length > 0")
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('#grid .row')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)"
        ".flatMap(r => [...r.querySelectorAll('[role=gridcell]:not([hidden]) a')].map(a => "
        "a.getAttribute('href')))"
    )
    return found


def count(page: Any) -> int:
    return int(page.locator("#count").inner_text().split()[0].replace(",", ""))


@pytest.mark.parametrize(
    ("words", "means"),
    [
        ("static", lambda r: r["verdict"] == "static"),
        ("verdict:dead", lambda r: r["verdict"] == "dead"),
        ("structure>3", lambda r: r["structure"] is not None and r["structure"] > 3),
        ("!structure>3", lambda r: r["structure"] is None or r["structure"] <= 3),
        ("score>0.6 structured", lambda r: r["verdict"] == "structured" and (r["p_structured"] or 0) > 0.6),
        ("layer:conv1", lambda r: "conv1" in r["layer"]),
        ("conv1 !copy", lambda r: "conv1" in r["layer"] and r["duplicate_of"] is None),
        ("unit:2-4", lambda r: 2 <= r["unit"] <= 4),
        ("borderline", lambda r: r["borderline"]),
        ("mirror", lambda r: r["mirror_of"] is not None),
        ("kind:dense", lambda r: r["kind"] == "dense"),
        ("verdict:static,dead", lambda r: r["verdict"] in ("static", "dead")),
        ("noise", lambda r: r["verdict"] == "static"),
        ("silent", lambda r: r["verdict"] == "dead"),
        ("copies", lambda r: r["duplicate_of"] is not None),
        ("!duplicates", lambda r: r["duplicate_of"] is None),
        ("twins", lambda r: r["duplicate_of"] is not None),
        ("mirrors", lambda r: r["mirror_of"] is not None),
        ('verdict:"dead,not scored"', lambda r: r["verdict"] in ("dead", "")),
    ],
)
def test_a_filter_means_what_the_help_says(open_page: Any, rows: Any, words: str, means: Any) -> None:
    page = open_page(PAGE)
    page.locator("#filter").fill(words)
    wanted = [row for row in rows if means(row)]
    # Scores come in steps; a unit within half a step of a bound may fall on either side.
    assert abs(count(page) - len(wanted)) <= (1 if ">" in words else 0)
    if ">" not in words:
        folder = "m/garden/v2/"
        assert shown(page) == [r["address"].removeprefix(folder) for r in wanted][: len(shown(page))]


def test_a_word_that_means_nothing_is_said(open_page: Any) -> None:
    page = open_page(PAGE)
    page.locator("#filter").fill("zebra static")
    assert page.locator(".tools .wrong").inner_text() == "“zebra” means nothing here and is left out"
    static = count(page)
    page.locator("#filter").fill("static")
    assert page.locator(".tools .wrong").inner_text() == "" and count(page) == static


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("strucured", "structured"), ("bordeline", "borderline"), ("!strcutured", "!structured"),
        ("structur>3", "structure>3"), ("verdct:dead", "verdict:dead"), ("superflous", "superfluous"),
    ],
)  # fmt: skip
def test_a_word_mistyped_filters_nothing_and_the_nearest_is_offered(
    open_page: Any, typed: str, meant: str
) -> None:
    page = open_page(PAGE)
    every = count(page)
    page.locator("#filter").fill(typed)
    assert count(page) == every
    told = f"“{typed}” means nothing here and is left out; did you mean “{meant}”?"
    assert page.locator(".tools .wrong").inner_text() == told


ALIKE = [Grouped(2), Grouped(1, "certain"), Grouped(1), Grouped(2, "measured"), Grouped()]


@pytest.mark.parametrize(
    ("words", "units"),
    [
        ("group:1", [1, 2]), ("like:3", [0, 3]), ("like:4", [4]), ("!like:1", [0, 3, 4]),
        ("superfluous", [1, 3]), ("superfluous:certain", [1]), ("superfluous:measured", [3]),
        ("!superfluous", [0, 2, 4]),
    ],
)  # fmt: skip
def test_a_filter_by_groups_and_by_what_is_superfluous_means_what_the_findings_say(
    open_page: Any, words: str, units: list[int]
) -> None:
    packed = pack(columns.columns_of([None] * 5, range(5), [None] * 5, [True] * 5, [None] * 5, grouped=ALIKE))
    script = """([packed, words]) => {
        var five = Atlas.unpack(packed);
        var own = AtlasQuery.table(five, [{name: "conv", kind: "convolution", n_units: 5}]);
        var found = AtlasQuery.filter(words, own);
        return {unknown: found.unknown, units: [...found.mask.keys()].filter(i => found.mask[i])}; }"""
    assert open_page(PAGE).evaluate(script, [packed, words]) == {"unknown": [], "units": units}


def test_the_units_shown_can_be_had_as_a_table(open_page: Any, rows: Any) -> None:
    page = open_page(PAGE)
    page.locator("#filter").fill("static")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    found = list(csv.DictReader(Path(waiting.value.path()).read_text(encoding="utf-8").splitlines()))
    wanted = [row for row in rows if row["verdict"] == "static"]
    assert [(row["layer"], int(row["unit"]), row["verdict"]) for row in found] == [
        (row["layer"], row["unit"], "static") for row in wanted
    ]
    for own, row in zip(found, wanted, strict=True):
        assert float(own["structure"]) == pytest.approx(row["structure"], abs=0.02)
        assert float(own["p"]) == pytest.approx(row["p_value"], abs=0.002)


def test_every_word_that_the_pages_use_of_units_is_a_word_of_the_filter(open_page: Any) -> None:
    page = open_page(PAGE)
    words = """structured unstable multifaceted static flat dead undecided failed noise silent copy copies
        copied duplicate duplicates twin twins mirror mirrors complement complements borderline constant
        unused unheard bright dark mid-grey tinted red green blue brightness facets"""
    script = """words => { var u = AtlasQuery.held("atlasColumns", "units");
        return AtlasQuery.filter(words, AtlasQuery.table(u, u.layers)).unknown; }"""
    unknown = page.evaluate(script, words)
    assert unknown == []


NEEDS = [None, UnitNeed(1, 0.0, 4), UnitNeed(2, 0.08, 2), UnitNeed(3, 0.3, 3), UnitNeed(4, 2.5, 1)]
"""What is lost without five units of a layer; the first one's was not measured."""


@pytest.fixture
def needed() -> dict[str, Any]:
    """Those five units as columns."""
    return pack(columns.columns_of([None] * 5, range(5), [None] * 5, [True] * 5, NEEDS))


@pytest.mark.parametrize(
    ("words", "units"),
    [
        ("need<0.1", [1, 2]), ("need>=0", [1, 2, 3, 4]), ("need>0.1 need<1", [3]), ("need_rank<=2", [2, 4]),
        ("need=0", [1]), ("!need<0.1", [0, 3, 4]), ("need>9", []),
    ],
)  # fmt: skip
def test_a_filter_by_need_never_means_a_unit_whose_need_is_not_known(
    open_page: Any, needed: Any, words: str, units: list[int]
) -> None:
    script = """([packed, words]) => {
        var five = Atlas.unpack(packed);
        var own = AtlasQuery.table(five, [{name: "conv", kind: "convolution", n_units: 5}]);
        var found = AtlasQuery.filter(words, own);
        return {unknown: found.unknown, units: [...found.mask.keys()].filter(i => found.mask[i])}; }"""
    found = open_page(PAGE).evaluate(script, [needed, words])
    assert found == {"unknown": [], "units": units}


@pytest.mark.parametrize(
    ("key", "units"),
    [("-need", [4, 3, 2, 1, 0]), ("need", [1, 2, 3, 4, 0]), ("-need_rank", [1, 3, 2, 4, 0])],
)
def test_units_in_order_of_need_end_with_those_whose_need_is_not_known(
    open_page: Any, needed: Any, key: str, units: list[int]
) -> None:
    script = """([packed, key]) => [...AtlasQuery.order(key, AtlasQuery.table(Atlas.unpack(packed),
        [{name: "conv", kind: "convolution", n_units: 5}]))]"""
    assert open_page(PAGE).evaluate(script, [needed, key]) == units


def test_where_removal_was_not_measured_there_is_a_filter_by_need_that_finds_nothing_and_no_order(
    open_page: Any,
) -> None:
    page = open_page(PAGE)
    page.locator("#filter").fill("need>=0")
    assert count(page) == 0
    told = "“need>=0”: no unit here has a value for that"
    assert page.locator(".tools .wrong").inner_text() == told
    orders = page.evaluate("[...document.getElementById('order').options].map(o => o.value)")
    assert "-structure" in orders and not any("need" in order for order in orders)


def test_a_verdict_that_no_unit_has_finds_none(open_page: Any) -> None:
    page = open_page(PAGE)
    found = page.evaluate(
        """() => { var all = structuredClone(AtlasQuery.held("atlasColumns", "units")),
            words = all.words.verdict.listed;
        words[words.indexOf("static")] = "flat";
        return AtlasQuery.filter("noise", AtlasQuery.table(all, all.layers)); }"""
    )
    assert found["unknown"] == [] and not any(found["mask"])


def test_filter_and_order_stand_in_the_address_and_come_from_it(open_page: Any, rows: Any) -> None:
    page = open_page(PAGE + "#q=structured&sort=-structure")
    assert page.locator("#filter").input_value() == "structured"
    best = sorted((r for r in rows if r["verdict"] == "structured"), key=lambda r: -r["structure"])
    assert count(page) == len(best)
    scores = {r["address"].removeprefix("m/garden/v2/"): r["structure"] for r in best}
    assert scores[shown(page)[0]] > best[0]["structure"] - 0.02  # scores come in steps of a hundredth
    page.locator("#filter").fill("static")
    assert page.evaluate("location.href").endswith("#q=static&sort=-structure")
    page.locator("#order").select_option("unit")
    page.locator("#filter").fill("")
    assert "#" not in page.evaluate("location.href")


def test_the_keyboard_moves_through_the_grid_and_opens(open_page: Any) -> None:
    page = open_page(PAGE)
    first = shown(page)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "filter"
    page.keyboard.type("dead")
    assert count(page) < 60
    dead = shown(page)
    page.keyboard.press("Escape")
    assert page.locator("#filter").input_value() == "dead"
    assert page.evaluate("document.activeElement.getAttribute('href')") == dead[0]
    for key in ("ArrowDown", "Enter"):
        page.locator("#filter").fill("")
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.getAttribute('href')") == first[0]
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('href')") == first[1]
    page.keyboard.press("End")
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.getAttribute('href')") == first[0]
    page.keyboard.press("]")
    other = page.evaluate("document.activeElement.getAttribute('href')")
    assert other.split(".html")[0] != first[0].split(".html")[0] and other.endswith("#u0")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("?")
    assert not page.locator("#help").is_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/" + other)
    page.locator(".panel h2", has_text="unit 0").wait_for()


def test_pointing_at_a_unit_shows_its_starts_and_escape_hides_them(open_page: Any) -> None:
    page = open_page("m/garden/v2/conv1.html")
    page.locator("#u3").hover()
    page.locator(".peek img").first.wait_for(state="visible")
    page.wait_for_function("document.querySelector('.peek img').naturalWidth > 0")
    width, height = page.evaluate(
        "[document.querySelector('.peek img').naturalWidth, document.querySelector('.peek "
        "img').naturalHeight]"
    )
    assert width >= 4 * height
    page.keyboard.press("Escape")
    assert page.locator(".peek:not(.of-dot)").is_hidden()


def test_a_click_on_the_wall_opens_the_unit_that_was_clicked(open_page: Any) -> None:
    page = open_page("m/garden/v2/wall.html")
    image = page.locator(".wall img").first
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    side = box["width"] / 16
    image.click(position={"x": side * 5.5, "y": side * 1.5})
    page.wait_for_url("**#u21")


def test_on_paper_every_unit_that_the_filter_shows_is_named(open_page: Any, rows: list[dict[str, Any]]):
    page = open_page(f"{PAGE}#q=static")
    page.wait_for_function("document.body.classList.contains('ready')")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    static = [f"{r['unit']} static" for r in rows if r["verdict"] == "static"]
    listed = page.locator(".printed span").all_inner_texts()
    assert [" ".join(text.split()[:2]) for text in listed] == static
    assert page.locator(".printed p").first.inner_text().startswith(f"{len(static)} units.")
    assert not page.locator("#grid").is_visible()


@pytest.mark.parametrize("path", [PAGE, "m/garden/v2/conv1.html"])
def test_the_filter_is_two_tabs_away_and_the_address_stays(open_page: Any, path: str):
    page = open_page(path)
    page.wait_for_selector("#filter")
    before = page.url
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "filter" and page.url == before
