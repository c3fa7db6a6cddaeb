"""Pages that hold versions against each other: addresses, links, escaping, pictures, words."""

import itertools
import re
import shutil

import pytest
from compared_store import ROLL, write_compared_store

from reportgen.atlas import check_site, write_atlas
from reportgen.atlas.addresses import WRITTEN
from reportgen.atlas.comparison_plots import flow_plot, lines_plot
from reportgen.atlas.comparison_rows import Row, SideView, groups, unscored
from reportgen.atlas.manifest import read_manifest
from reportgen.comparison import Comparison, Line, Series, Side, UnitChange, VersionId, state_key
from reportgen.config import read_settings
from reportgen.run.publishing import publish
from reportgen.store import open_store

PAIR = "c/garden/v1/garden/v2"


def build(store, folder):
    return publish(read_settings({"store": str(store), "site": str(folder)}))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_compared_store(tmp_path_factory.mktemp("compared") / "s.db", hostile=True)


@pytest.fixture(scope="module")
def site(store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared-site") / "site"
    build(store, folder)
    return folder


def text(site, path):
    return (site / path).read_text(encoding="utf-8")


def test_neighbours_and_series_have_pages_that_hold(site):
    for path in ("c/index.html", f"{PAIR}/index.html", f"{PAIR}/conv1.html", "c/garden/series.html"):
        assert (site / path).is_file(), path
    assert check_site(site) == []
    assert 'href="c/index.html"' in text(site, "index.html")


def test_a_store_of_one_version_has_none_of_it(tmp_path, tiny_store):
    build(tiny_store, tmp_path / "site")
    assert not (tmp_path / "site" / "c").exists()
    assert "c/index.html" not in text(tmp_path / "site", "index.html")


def test_changed_units_are_named_with_their_state_and_an_anchor(site):
    page = text(site, f"{PAIR}/conv1.html")
    for unit, state in ((3, "re-purposed"), (5, "died")):
        assert re.search(rf'<li id="b{unit}" data-state="{state}"', page), unit
    assert page.count("<li id=") == 2 and page.count('<tr id="b') == 22
    assert "22 unchanged, 1 re-purposed, 1 died" in text(site, f"{PAIR}/index.html")


def test_permuted_units_are_next_to_those_they_were(site):
    page = text(site, f"{PAIR}/block1-conv2.html")
    rows = re.findall(r'<li id="b(\d+)".*?</li>', page, re.S)
    assert len(rows) == 20
    for row in re.findall(r"<li id=.*?</li>", page, re.S):
        before, after = (int(u) for u in re.findall(r"<span>v\d <b>(\d+)</b></span>", row))
        assert after == (before + ROLL) % 20


def test_a_long_group_behind_the_first_is_folded_and_a_short_one_open():
    rows = [row("moved", n) for n in range(20)]
    (alone,) = groups(rows)
    assert alone.open and len(alone.rows) == 20
    changed, moved = groups([row("died", 99), *rows])
    assert changed.open and not moved.open
    assert groups([row("died", 99), *rows[:5]])[1].open


def test_units_that_no_version_scored_are_a_line_and_not_a_list():
    rows = [row("unmatched", n, verdict="not scored", only=True) for n in (0, 1, 2, 5)]
    assert groups(rows) == []
    a, b = VersionId("garden", "v1", ""), VersionId("garden", "v2", "")
    assert unscored(rows, Comparison(a, b, (), "name")) == [("unmatched in v2", 4, "0–2, 5")]


def row(state, unit, verdict="structured", only=False):
    side = SideView(
        unit=unit, mark="s", verdict=verdict, structure=None, href="", strip=None, alt="", version="v2"
    )
    change = UnitChange(state, None if only else Side(unit), Side(unit))
    sides = (None if only else side, side)
    return Row(anchor=f"b{unit}", key=state_key(change), page="", layer="conv", change=change, sides=sides)


def test_links_lead_to_the_units_pages(site):
    page = text(site, f"{PAIR}/conv1.html")
    assert 'href="../../../../../m/garden/v1/conv1.html#u5"' in page
    assert 'href="../../../../../m/garden/v2/conv1.html#u5"' in page


@pytest.mark.slow
def test_versions_share_the_picture_files_of_equal_renders(store, site, tmp_path):
    strips = {p.name for p in (site / "c" / "p").iterdir()}
    named = set(
        re.findall(r"c/p/([0-9a-f]+\.webp)", "".join(p.read_text() for p in site.rglob("c/**/*.html")))
    )
    assert strips == named
    own = shutil.copy(store, tmp_path / "own.db")
    with open_store(own) as opened:
        first, second = (opened.find_model("garden", v) for v in ("v1", "v2"))
        rows = [(u, r, s, seed, key) for u, r, s, seed, key in opened.placements(first.id, "conv1") if u == 3]
        before = len(strips)
        opened.place(second.id, "conv1", rows)
    again = tmp_path / "site"
    build(own, again)
    assert len(list((again / "c" / "p").iterdir())) == before - 1


def test_names_of_a_model_are_escaped_and_no_page_has_a_script_of_its_own(site):
    for page in site.rglob("c/**/*.html"):
        source = page.read_text(encoding="utf-8")
        own = re.sub(r"<b>[\d ]+</b>|popover><p><b>[^<]+</b>", "", source)
        assert "<script>alert" not in source and "<b>" not in own, page
        assert re.findall(r"<script(?! src=)", source) == [] and " style=" not in source


@pytest.mark.slow
def test_a_site_written_again_has_no_change_and_without_comparisons_the_pages_go(store, site, tmp_path):
    own = shutil.copytree(site, tmp_path / "own")
    fresh = shutil.copy(store, tmp_path / "fresh.db")
    build(fresh, own)
    assert build(fresh, own).written == 0
    write_atlas(fresh, own)
    assert not list(own.rglob("c/**/*.html"))


def test_a_flow_says_in_words_what_it_draws():
    plot = flow_plot(
        {("structured", "dead"): 2, ("structured", "structured"): 5, ("", "flat"): 1}, "v1", "v2"
    )
    assert "2 structured to dead" in plot.alt and "1 unmatched to flat" in plot.alt
    tall = {(bar.x, bar.y): bar.height for bar in plot.bars}
    left = [h for (x, _), h in tall.items() if x == min(x for x, _ in tall)]
    assert max(left) == pytest.approx(7 / 8 * sum(left), rel=0.1)
    assert len(plot.ribbons) == 3


def test_labels_of_a_flow_lie_within_it_where_the_lowest_bars_are_thin():
    many = {("structured", "structured"): 62, ("static", "static"): 34, ("flat", "flat"): 6}
    plot = flow_plot(many | {("structured", "dead"): 1, ("structured", ""): 3}, "v1", "v2")
    assert max(label.y for label in plot.labels) + 4 <= plot.height


@pytest.mark.parametrize("layers", [1, 6, 40])
def test_labels_of_lines_lie_within_the_plot_and_on_no_other(layers):
    names = ["", *(f"layer{i}" for i in range(layers))]
    lines = tuple(Line("dead", name, (0.0, 0.0, float(i % 3 == 1))) for i, name in enumerate(names))
    versions = tuple(VersionId("garden", f"v{k}", "", "s.db", k) for k in range(3))
    plot = lines_plot(Series(versions, lines, tuple(names[1:])), "dead", "Dead units")
    heights = sorted(end.y for end in plot.ends)
    assert "all layers" in [end.text for end in plot.ends]
    assert len(plot.lines) == layers + 1
    assert heights[0] >= 8 and heights[-1] <= plot.height - 16
    assert all(b - a >= 11.9 for a, b in itertools.pairwise(heights))


def test_every_file_of_a_site_with_comparisons_is_one_that_a_later_build_may_remove(site):
    assert [path for path in read_manifest(site).files if not WRITTEN.fullmatch(path)] == []


def test_a_units_page_leads_to_its_counterparts_and_to_what_became_of_it(site):
    page = text(site, "m/garden/v2/block1-conv2/7.html")
    listed = page[page.index('<ul class="versions-of">') : page.index("</ul>", page.index("versions-of"))]
    assert '<b>v1</b> <a href="../../v1/block1-conv2.html#u0">block1/conv2 0</a>' in listed
    assert '<a href="../../../../c/garden/v1/garden/v2/block1-conv2.html#b7">' in listed
    assert "<b>v3</b>" in listed
    packed = "".join(p.read_text() for p in (site / "m/garden/v2/block1-conv2").glob("units-*.js"))
    assert packed, "the panel draws the same from the layer's data"


def test_a_versions_own_page_says_what_changed_and_leads_there(site):
    for version in ("v1", "v2"):
        page = text(site, f"m/garden/{version}/index.html")
        (row,) = re.findall(r"What changed between versions\?</dt>(.*?)</dd>", page, re.S)
        assert f'href="../../../{PAIR}/index.html"' in row and "v1 → v2" in row
        assert re.search(r"\d+ </?\w", re.sub(r"\s+", " ", row))
