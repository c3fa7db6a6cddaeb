"""A grid shows one recipe, the same for all its units, the scored one first, and tags what has none."""

import base64
import dataclasses
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from unpacking import of_script

from reportgen.atlas import write_atlas
from reportgen.atlas.addresses import places
from reportgen.atlas.faint import Faint, faint_of
from reportgen.atlas.pictures import Sizes
from reportgen.atlas.rows import layer_rows
from reportgen.atlas.strips import unit_pictures
from reportgen.atlas.unit_view import unit_view
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.views import Table
from reportgen.images import encode_png
from reportgen.spec import AtlasSpec
from reportgen.store import Store, open_store
from reportgen.units import Telemetry

SCORED_LEVEL, DISPLAY_LEVEL = 40, 210


@pytest.fixture(scope="module")
def planted(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample store whose scored pictures of `conv1` are dark and whose display pictures are light.

    Unit 3 has no display picture, unit 5 no scored one.
    """
    path = tmp_path_factory.mktemp("planted") / "planted.db"
    path.write_bytes(small_store.read_bytes())
    with open_store(path) as store:
        record = next(r for r in store.models() if r.version == "v2")
        roles = record.roles("conv1")
        for recipe, level in ((roles["scored"], SCORED_LEVEL), (roles["shown"], DISPLAY_LEVEL)):
            for render in store.renders(record.id, "conv1", recipe=recipe):
                plain = np.full((render.height, render.width, render.channels), level, np.uint8)
                _replace(store, "UPDATE renders SET picture=? WHERE key=?", encode_png(plain), render.key)
        gone = "DELETE FROM placements WHERE model=? AND layer='conv1' AND unit=? AND recipe=?"
        _replace(store, gone, record.id, 3, roles["shown"])
        _replace(store, gone, record.id, 5, roles["scored"])
    return path


def _replace(store: Store, query: str, *values: object) -> None:
    with store._commit() as db:
        db.execute(query, values)


@pytest.fixture(scope="module")
def planted_site(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted-site") / "site"
    write_atlas(planted, folder)
    return folder / "m/garden/v2"


def tile_level(sheet: Path, unit: int) -> float:
    with Image.open(BytesIO(sheet.read_bytes())) as image:
        pixels = np.asarray(image.convert("L")).astype(float)
    side = pixels.shape[1] // 16
    row, column = divmod(unit, 16)
    return float(pixels[row * side : (row + 1) * side, column * side : (column + 1) * side].mean())


def test_each_sheet_holds_one_recipe_whatever_the_verdict(planted_site: Path) -> None:
    for unit in (0, 1, 2, 4, 6, 7, 20):
        assert tile_level(planted_site / "conv1/sheet-0.webp", unit) == pytest.approx(SCORED_LEVEL, abs=4)
        assert tile_level(planted_site / "conv1/display-0.webp", unit) == pytest.approx(DISPLAY_LEVEL, abs=4)


def test_a_unit_without_a_picture_of_the_recipe_shows_another(planted_site: Path) -> None:
    assert tile_level(planted_site / "conv1/sheet-0.webp", 5) == pytest.approx(DISPLAY_LEVEL, abs=4)
    assert tile_level(planted_site / "conv1/display-0.webp", 3) == pytest.approx(SCORED_LEVEL, abs=4)


def test_the_page_begins_with_scored_pictures_and_tags_what_is_none(planted_site: Path) -> None:
    page = (planted_site / "conv1.html").read_text(encoding="utf-8")
    cells = dict(re.findall(r"<a id=u(\d+) (.*?)</a>", page, re.S))
    assert "no scored picture" in cells["5"]
    assert sum("no scored picture" in cell for cell in cells.values()) == 1
    assert 'data-recipes="scored display"' in page
    level = {}
    for unit in ("0", "1", "5"):
        stem, tile = (
            re.search(r"p/(\w+)\.webp", cells[unit])[1],
            re.search(r'class="k(\d) n(\d)"', cells[unit]),
        )
        with Image.open(planted_site.parents[2] / f"p/{stem}.webp") as image:
            pixels = np.asarray(image.convert("L")).astype(float)
        at, n = (int(tile[1]), int(tile[2])) if tile else (0, 1)
        side = pixels.shape[1] // n
        level[unit] = pixels[:, at * side : (at + 1) * side].mean()
    assert level == {
        "0": pytest.approx(SCORED_LEVEL, abs=4), "1": pytest.approx(SCORED_LEVEL, abs=4),
        "5": pytest.approx(DISPLAY_LEVEL, abs=4),
    }  # fmt: skip


def test_names_say_by_recipe_which_picture_a_unit_has(planted_site: Path) -> None:
    names = of_script((planted_site / "conv1/names.js").read_text(encoding="utf-8"))
    assert set(names["recipes"]) == {"scored", "display"}
    has = {}
    for recipe, own in names["recipes"].items():
        files = np.frombuffer(base64.b64decode(own["files"]), np.uint8).reshape(-1, 12)
        has[recipe] = [unit for unit in range(8) if not files[unit].any()]
        words = [own["faint"]["listed"][p] for p in base64.b64decode(own["faint"]["places"])]
        level = SCORED_LEVEL if recipe == "scored" else DISPLAY_LEVEL
        assert words[0] == f"one colour|{round(level / 255 * 50)}|1"
    assert has == {"scored": [5], "display": [3]}


def test_a_failed_picture_is_none_of_a_recipe(small_store: Path) -> None:
    with open_store(small_store) as store:
        record = store.models()[0]
        rows = layer_rows(store, record, record.layers[0])
    renders = rows.renders[0]
    roles = record.roles(rows.layer.name)
    found = unit_pictures(renders, roles, "structured", Sizes())
    assert found.of_recipe["scored"].seed == 0 and found.of_recipe["display"].recipe == roles["shown"]
    first = found.of_recipe["scored"].key
    spoilt = [dataclasses.replace(r, failure="not finite") if r.key == first else r for r in renders]
    assert unit_pictures(spoilt, roles, "structured", Sizes()).of_recipe["scored"].seed == 1
    assert isinstance(renders[0].telemetry, Telemetry)


@pytest.mark.parametrize(
    ("mean", "spread", "seen"),
    [
        (0.5, 0.3, None),
        (0.5, 0.1, None),
        (0.5, 0.06, Faint("low contrast", 25, 4)),
        (0.03, 0.03, Faint("near black", 2, 8)),
        (0.98, 0.02, Faint("near white", 49, 16)),
        (0.1, 0.2, Faint("near black", 5, 2)),
        (1.0, 0.0, Faint("one colour", 50, 1)),
    ],
)
def test_a_picture_that_is_hard_to_see_says_how_and_how_far_it_is_raised(
    mean: float, spread: float, seen: Faint | None
) -> None:
    assert faint_of(mean, spread) == seen


def test_the_style_sheet_knows_every_level_and_gain() -> None:
    style = (Path(__file__).parents[2] / "templates/assets/atlas.css").read_text(encoding="utf-8")
    levels = {int(n): float(value) for n, value in re.findall(r"\.l(\d+) \{ --l: ([\d.]+); \}", style)}
    assert levels == {n: n / 50 for n in range(51)}
    gains = re.findall(r"\.g(\d+) \{ --g: (\d+); \}", style)
    assert [(int(a), int(b)) for a, b in gains] == [(g, g) for g in (2, 4, 8, 16)]


def test_a_units_telemetry_is_in_the_networks_own_sign(small_store: Path) -> None:
    with open_store(small_store) as store:
        record = next(r for r in store.models() if r.version == "v2")
        rows = layer_rows(store, record, record.layer("conv1"), [2])
        spec, place = AtlasSpec(), places(store.models())[record.id]
        view = unit_view(ViewContext(spec, place, store.recipes(), {}, "x"), rows, 2)
    (table,) = (s for s in view.sections if isinstance(s, Table))
    for row in table.rows:
        sign, seed = row[0].split()[-2:]
        own = next(r for r in rows.renders[2] if (r.sign, str(r.seed)) == (sign, seed))
        end = own.telemetry.activation_end
        assert end > 0 and (row[2][0] in "-−") == (sign == "sad")
    assert {row[0].split()[-2] for row in table.rows} == {"happy", "sad"}
