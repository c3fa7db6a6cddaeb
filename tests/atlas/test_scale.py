"""A large site: fitted before it is written, made by several processes, and only where something changed."""

import importlib
import re
import shutil
import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sample_store import layers_of
from unpacking import places as places_of

from reportgen.atlas import check_site, columns, write_atlas
from reportgen.atlas.addresses import places
from reportgen.atlas.network import network_view
from reportgen.atlas.picture_sizes import ESTIMATE_MARGIN, choose_sizes, size_steps, spread
from reportgen.atlas.pictures import Sizes
from reportgen.atlas.process_pool import process_pool
from reportgen.atlas.sheets import Sheets
from reportgen.atlas.strips import encode_strip, make_strip
from reportgen.atlas.summaries import LayerSummary
from reportgen.errors import BudgetError, SiteError, StoreError
from reportgen.spec import AtlasSpec
from reportgen.store import open_store
from reportgen.units import LayerGraph, unique_slugs

writing = importlib.import_module("reportgen.atlas.build")
GREY = 119


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def own_store(small_store: Path, tmp_path: Path) -> Path:
    """A store of one's own, to be changed."""
    return Path(shutil.copy(small_store, tmp_path / "own.db"))


# The ladder


def test_a_site_that_fits_keeps_the_size_that_was_asked_for() -> None:
    assert choose_sizes(AtlasSpec(), lambda sizes: 5_000_000).sizes == Sizes(128, 60, 48)


@given(st.integers(1, 10**10), st.integers(10**5, 10**10))
def test_the_first_step_that_fits_is_taken_and_reported(n_bytes: int, limit: int) -> None:
    spec, tried = AtlasSpec(max_site_bytes=limit), []

    def estimate(sizes: Sizes) -> int:
        tried.append(sizes)
        return n_bytes * sizes.picture_px**2 // 128**2 // (2 if sizes.few_seeds else 1)

    if estimate(size_steps(spec)[-1]) > limit:
        with pytest.raises(BudgetError, match="max_site_bytes"):
            choose_sizes(spec, estimate)
        return
    found = choose_sizes(spec, estimate)
    room = limit if found.sizes == size_steps(spec)[-1] else ESTIMATE_MARGIN * limit
    assert found.n_bytes <= room and found.sizes == tried[-1]
    assert found.sizes.picture_px == 128 or f"{found.sizes.picture_px} px" in found.words


def test_a_site_too_large_gets_smaller_pictures_and_says_so_before_it_writes(
    small_store: Path, built_small: Path, tmp_path: Path
) -> None:
    size = sum(len(data) for data in contents(built_small).values())
    told: list[str] = []

    def report(text: str) -> None:
        told.append(text)
        assert not (tmp_path / "site").exists()

    spec = AtlasSpec(max_site_bytes=int(size * 0.8))
    summary = write_atlas(small_store, tmp_path / "site", spec, report=report)
    assert summary.bytes <= spec.max_site_bytes
    assert len(told) == 1 and "max_site_bytes allows" in told[0] and summary.sizes == told[0]
    assert check_site(tmp_path / "site") == []
    assert write_atlas(small_store, tmp_path / "site", spec).written == 0


def test_the_estimated_size_is_nearly_the_written_one(small_store: Path, tmp_path: Path) -> None:
    told: list[str] = []
    summary = write_atlas(small_store, tmp_path / "site", report=told.append)
    megabytes = float(told[0].removeprefix("a site of about ").split(" MB")[0])
    assert megabytes * 1e6 == pytest.approx(summary.bytes, rel=0.1)


# What changes when something changes


@pytest.mark.slow
def test_a_layer_rendered_again_changes_its_own_files_and_the_indexes_alone(
    own_store: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    write_atlas(own_store, site)
    before = contents(site)
    with closing(sqlite3.connect(own_store)) as db, db:
        layer = "model=1 AND layer='conv1' AND sign='happy'"
        mine = f"SELECT key FROM placements WHERE {layer}"
        db.execute(f"UPDATE renders SET key=substr(key, 3)||'00' WHERE key IN ({mine})")
        db.execute(f"UPDATE placements SET key=substr(key, 3)||'00' WHERE {layer}")
    write_atlas(own_store, site)
    after = contents(site)
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    own = ("m/garden/v1/conv1", "p/")
    indexes = {"index.html", "atlas-manifest.json", "m/garden/v1/index.html", "m/garden/v1/findings.html"}
    assert {path for path in changed if not path.startswith(own)} <= indexes
    assert "m/garden/v1/conv1.html" in changed and "m/garden/v1/conv1/17.html" in changed
    assert check_site(site) == []


def test_other_words_on_the_pages_leave_the_pictures(small_store: Path, small_site: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in small_site.rglob("*.webp")}
    write_atlas(small_store, small_site, AtlasSpec(title="Other"))
    assert {p: p.stat().st_mtime_ns for p in small_site.rglob("*.webp")} == before


def test_a_page_that_was_lost_or_spoilt_is_made_again(small_store: Path, small_site: Path) -> None:
    whole = contents(small_site)
    (small_site / "m/garden/v1/conv1/17.html").unlink()
    page = small_site / "m/garden/v2/fc.html"
    page.write_bytes(page.read_bytes()[:5000])
    next((small_site / "p").iterdir()).unlink()
    write_atlas(small_store, small_site)
    assert contents(small_site) == whole


@pytest.mark.slow
def test_several_processes_make_the_same_site(
    small_store: Path, built_small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_FEW_UNITS", 0)
    monkeypatch.setattr(writing, "usable_cores", lambda: 2)
    write_atlas(small_store, tmp_path / "site")
    assert contents(tmp_path / "site") == contents(built_small)


def test_an_error_in_another_process_is_one_line_here(tmp_path: Path) -> None:
    with process_pool(open_store, 2) as pool, pytest.raises(StoreError, match="does not exist"):
        list(pool.run([(tmp_path / "a.db",), (tmp_path / "b.db",)]))


# Pictures in larger files


def test_every_picture_of_a_strip_stands_in_its_own_square() -> None:
    keys = [f"{i:032x}" for i in range(5)]
    pixels = {key: np.full((50, 50, 3), 40 * i, np.uint8) for i, key in enumerate(keys)}
    strip = make_strip(keys, 104, Sizes())
    with Image.open(BytesIO(encode_strip(strip, pixels, Sizes()))) as image:
        found = np.asarray(image).astype(int)
    assert found.shape == (104, 520, 3)
    for i in range(5):
        assert np.abs(found[:, 104 * i : 104 * (i + 1)] - 40 * i).max() <= 4, i


def test_a_strip_has_another_name_when_a_key_or_a_setting_changes() -> None:
    names = {
        make_strip(keys, side, Sizes(px, quality)).name
        for keys in (("a", "b"), ("b", "a"), ("a",))
        for side in (64, 128)
        for px in (64, 128)
        for quality in (50, 60)
    }
    assert len(names) == 24


def test_a_unit_has_its_place_on_its_sheet_whatever_others_there_are() -> None:
    sizes = Sizes(tile_px=32)
    sheets = Sheets("x", (3, 17, 300), sizes)
    for unit, level in ((3, 30), (17, 130), (300, 230)):
        sheets.put(unit, np.full((20, 24, 1), level, np.uint8))
    (first, one), (second, two) = sheets.files()
    assert (first, second) == ("x/sheet-0.webp", "x/sheet-1.webp")
    with Image.open(BytesIO(one)) as image:
        found = np.asarray(image).astype(int)
    assert found.shape == (64, 512, 3)
    assert abs(found[16, 3 * 32 + 16].mean() - 30) < 5 and abs(found[32 + 16, 32 + 16].mean() - 130) < 5
    assert abs(found[16, 16].mean() - GREY) < 5
    with Image.open(BytesIO(two)) as image:
        assert abs(np.asarray(image)[2 * 32 + 16, 12 * 32 + 16].mean() - 230) < 5


# Columns


@given(st.lists(st.one_of(st.none(), st.floats(-1e4, 1e4)), min_size=1, max_size=60))
def test_numbers_come_back_from_a_column_within_half_a_step(values: list[float | None]) -> None:
    column = columns._numbers(values, 0.01)
    if column is None:
        assert all(v is None for v in values)
        return
    for value, place in zip(values, places_of({"places": column.places}), strict=True):
        assert (place == columns.NONE) == (value is None)
        if value is not None:
            assert abs(column.least + place * column.step - value) <= column.step / 2 + 1e-9


def test_places_spread_over_all_and_never_twice() -> None:
    assert list(spread(10, 48)) == list(range(10))
    found = list(spread(100_000, 48))
    assert len(found) == len(set(found)) == 48 and found[0] < 2000 and found[-1] > 98_000


# The network


def summary(name: str, n: int) -> LayerSummary:
    return LayerSummary(name, name, "convolution", n, n, "", {"structured": n - 2, "static": 2}, "", (), {})


def test_blocks_that_repeat_are_folded_and_nothing_is_lost() -> None:
    layers = [summary("stem", 64)]
    for block in range(40):
        layers += [summary(f"b{block}_1", 16), summary(f"b{block}_2", 32)]
    layers.append(summary("head", 10))
    nodes = tuple((x.name, "conv2d") for x in layers)
    chain = tuple((i, i + 1) for i in range(len(nodes) - 1))
    skips = tuple((1 + 2 * b, 3 + 2 * b) for b in range(39))
    found = network_view(LayerGraph(nodes, chain + skips), layers)
    assert found is not None and [b.more for b in found.bars] == [0, 39, 39, 0]
    assert "1200 structured" in found.bars[2].label and "39 more like it" in found.bars[2].label


def test_a_value_that_skips_layers_is_an_arc_and_one_that_does_not_is_none() -> None:
    layers = [summary(name, 8) for name in ("a", "b", "c", "d")]
    nodes = (("a", "conv2d"), ("b", "conv2d"), ("c", "conv2d"), ("add", "Add"), ("d", "conv2d"))
    found = network_view(LayerGraph(nodes, ((0, 1), (1, 2), (0, 3), (2, 3), (3, 4))), layers)
    assert found is not None and len(found.arcs) == 1
    plain = network_view(LayerGraph(nodes, ((0, 1), (1, 2), (2, 3), (3, 4))), layers)
    assert plain is not None and plain.arcs == ()


def test_names_of_layers_that_are_wider_than_a_bar_are_turned() -> None:
    def drawn(name: str) -> bool | None:
        layers = [summary(f"{name}{n}", 8) for n in "ab"]
        nodes = tuple((x.name, "conv2d") for x in layers)
        found = network_view(LayerGraph(nodes, ((0, 1),)), layers)
        return found.turned if found else None

    assert drawn("conv") is False and drawn("/features/features.0/conv") is True


# Addresses and templates


@pytest.mark.parametrize("name", ["findings", "Wall", "units", "index"])
def test_a_layer_called_like_a_page_of_the_site_has_an_address_of_its_own(
    small_store: Path, name: str
) -> None:
    with open_store(small_store) as store:
        record = store.models()[0]
    layers = layers_of([(name, "conv2d", 4, 3, "")])
    object.__setattr__(layers[0], "slug", name)  # as a store of before had it
    import dataclasses

    (place,) = places([dataclasses.replace(record, layers=layers)]).values()
    assert (place.slug(name) or "").lower() not in ("findings", "wall", "units", "index")
    assert unique_slugs([name])[0].lower() != name.lower()


@pytest.mark.slow
def test_templates_of_ones_own_stand_in_file_by_file(small_store: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "assets").mkdir(parents=True)
    (mine / "about.html").write_text('{% extends "base.html" %}{% block main %}<h1>Ours</h1>{% endblock %}')
    (mine / "assets" / "atlas.css").write_text("body { color: #123456; }")
    write_atlas(small_store, tmp_path / "site", templates=mine)
    assert "<h1>Ours</h1>" in (tmp_path / "site/about.html").read_text()
    (style,) = (tmp_path / "site/assets").glob("atlas.*.css")
    assert "color:#123456" in style.read_text()
    assert style.name in (tmp_path / "site/index.html").read_text()
    (mine / "about.html").write_text('{% extends "base.html" %}{% block main %}<h1>Theirs</h1>{% endblock %}')
    write_atlas(small_store, tmp_path / "site", templates=mine)
    assert "<h1>Theirs</h1>" in (tmp_path / "site/about.html").read_text()


def test_a_folder_without_any_template_gives_one_line(small_store: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, said in ((tmp_path / "empty", "none of the templates"), (tmp_path / "gone", "not a folder")):
        with pytest.raises(SiteError, match=said):
            write_atlas(small_store, tmp_path / "site", templates=folder)
    assert not (tmp_path / "site").exists()


def test_scripts_and_styles_come_without_comments_and_are_else_as_written(built_small: Path) -> None:
    source = Path(__file__).parent.parent.parent / "templates/assets"
    for name in ("atlas.js", "layer.js", "query.js", "units.js", "wall.js", "wall.css"):
        stem, _, ending = name.partition(".")
        (found,) = (built_small / "assets").glob(f"{stem}.*.{ending}")
        written = re.sub(
            r"^ *//[^\n]*$|/\*[\s\S]*?\*/", "", (source / name).read_text(encoding="utf-8"), flags=re.M
        )
        made = found.read_text(encoding="utf-8")
        assert len(made) < len(written), name
        # Before the end of a block a semicolon says nothing.
        assert _dense(made) == _dense(written), name


def _dense(text: str) -> str:
    return re.sub(r"\s+", "", text).replace(";}", "}")
