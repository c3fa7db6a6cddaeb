"""The wall: every unit in its place with its verdict as a line, within a page's budget."""

import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from reportgen.atlas.heat_strip import DARK, LIGHT
from reportgen.atlas.wall import LINES, LINES_WIDTH, line_picture, mark_script, wall_of
from reportgen.atlas.words import mark
from reportgen.verdicts import MARKS, VERDICTS

WORDS = [v.word for v in VERDICTS]
PLACE = SimpleNamespace(slug=lambda name: name)


def layer(name, verdicts, units=None):
    """Return a layer whose units have these verdicts; an empty one for a unit without a score."""
    units = tuple(units if units is not None else range(len(verdicts)))
    scores = {u: SimpleNamespace(verdict=v) for u, v in zip(units, verdicts, strict=True) if v}
    own = SimpleNamespace(name=name, slug=name, n_units=max(units) + 1)
    return SimpleNamespace(layer=own, units=units, scores=scores)


def pixels(rows):
    return np.asarray(Image.open(io.BytesIO(line_picture(rows))).convert("RGBA"))


def marks(rows):
    return json.loads(mark_script(rows).partition(b"=")[2].partition(b"=")[2].rstrip(b";\n"))


def test_every_verdict_has_a_kind_of_line_and_no_two_of_one_colour_share_it():
    assert set(LINES) == set(MARKS.values()) and len({len(line) for line in LINES.values()}) == 1
    for colours in (LIGHT, DARK):
        assert len({(colours[letter], line) for letter, line in LINES.items()}) == len(LINES)


@pytest.mark.parametrize(("colours", "shift"), [(LIGHT, 0), (DARK, LINES_WIDTH)])
def test_a_unit_has_the_line_of_its_verdict_in_its_place(colours, shift):
    verdicts = [WORDS[i % len(WORDS)] for i in range(300)]
    rows = [layer("a", verdicts[:20]), layer("b", verdicts)]
    wall, picture = wall_of(PLACE, rows, "x"), pixels(rows)
    assert picture.shape[:2] == (wall.height, wall.width) and wall.step == LINES_WIDTH
    sheet = wall.layers[1].sheets[1]
    for unit in range(sheet.first, 300):
        column, row = (unit - sheet.first) % 16, (unit - sheet.first) // 16
        left = sheet.left + shift + 8 * column
        letter = mark(verdicts[unit])
        for at, drawn in enumerate(LINES[letter]):
            wanted = (*bytes.fromhex(colours[letter]), 255) if drawn == "#" else (0, 0, 0, 0)
            assert tuple(picture[sheet.top + row, left + at]) == wanted


def test_a_sheet_says_which_units_it_has_and_how_they_were_judged():
    rows = [layer("a", ["structured", "structured", "static", ""], (1, 2, 3, 6))]
    wall = wall_of(PLACE, rows, "x")
    (sheet,) = wall.layers[0].sheets
    assert marks(rows) == ["-sst--o"] and sheet.n == 7
    assert sheet.alt == "Units 1 to 6 of a: 2 structured, 1 static, 1 not scored"
    assert wall.layers[0].across == 7 and wall.layers[0].n_units == 4 and not wall.layers[0].apart


def test_units_drawn_from_a_wide_layer_are_shown_one_by_one():
    rows = [layer("a", ["static"] * 20), layer("b", ["structured", "static", ""], (3, 290, 300))]
    wall, picture = wall_of(PLACE, rows, "x"), pixels(rows)
    whole, drawn = wall.layers
    assert not whole.apart and drawn.apart
    assert (drawn.across, drawn.n_units, drawn.n_all) == (3, 3, 301)
    assert marks(rows)[1:] == ["s", "t", "o"]
    assert [(s.number, s.first, s.n, s.column, s.row) for s in drawn.sheets] == [
        (0, 3, 1, 3, 0),
        (1, 290, 1, 2, 2),
        (1, 300, 1, 12, 2),
    ]
    assert drawn.sheets[1].alt == "Unit 290 of b: static"
    for sheet, letter in zip(drawn.sheets, "sto", strict=True):
        line = picture[sheet.top, sheet.left : sheet.left + sheet.width, 3] > 0
        assert line.tolist() == [c == "#" for c in LINES[letter]]


def test_many_units_are_always_on_sheets():
    rows = [layer(f"l{i}", ["static"] * 200, range(0, 1000, 5)) for i in range(10)]
    assert not any(x.apart for x in wall_of(PLACE, rows, "x").layers)


def test_sheets_of_a_hundred_thousand_units_fit_the_page_and_one_picture():
    rng = np.random.default_rng(0)
    rows = [
        layer(f"block{i}/conv", list(rng.choice(WORDS[:4], 1000, p=[0.6, 0.05, 0.05, 0.3])))
        for i in range(100)
    ]
    wall = wall_of(PLACE, rows, "wall.0123456789")
    assert len(line_picture(rows)) < 150_000 and len(mark_script(rows)) < 150_000
    assert sum(len(x.sheets) for x in wall.layers) == 400 and max(wall.width, wall.height) < 16_384


def test_a_network_of_which_nothing_is_rendered_has_a_wall():
    assert wall_of(PLACE, [], "x").layers == ()
    assert pixels([])[0, 0, 3] == 0


def test_the_wall_has_a_legend_of_its_lines_without_scripts(built_small):
    page = (built_small / "m/garden/v1/wall.html").read_text(encoding="utf-8")
    listed = re.findall(r'<li data-mark="(\w)" data-verdict="([\w ]+)">', page)
    (script,) = re.findall(r'<script src="(wall\.\w+\.js)"', page)
    data = (built_small / "m/garden/v1" / script).read_bytes()
    used = {m for text in re.findall(rb'"([a-z-]+)"', data.partition(b"]=")[2]) for m in text.decode()} - {
        "-"
    }
    assert used == {letter for letter, _ in listed} and len(listed) > 2
    assert all(mark("" if word == "not scored" else word) == letter for letter, word in listed)
    (picture,) = set(re.findall(r'<image href="([^"]+)"', page))
    assert (built_small / "m/garden/v1" / picture).is_file()
