"""The strip of all units: each cell is its unit's verdict, and where it lies tells the unit."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.atlas.addresses import places
from reportgen.atlas.heat_strip import DARK, LIGHT, heat_picture, heat_strip
from reportgen.atlas.pages import template_folder
from reportgen.atlas.rows import LayerRows, listed_rows
from reportgen.store import open_store
from reportgen.verdicts import MARKS


@pytest.fixture(scope="module")
def rows(small_store: Path) -> list[LayerRows]:
    with open_store(small_store) as store:
        record = store.models()[0]
        return [listed_rows(store, record, layer) for layer in record.layers]


def units_in(text: str, n: int) -> list[int]:
    """Return the units that a span names."""
    if not text:
        return list(range(n))
    ends = [[int(x) for x in run.split("-")] for run in text.split()]
    return [u for run in ends for u in range(run[0], run[-1] + 1)]


@pytest.mark.parametrize(("palette", "below"), [(LIGHT, 0), (DARK, 1)])
def test_every_cell_has_the_colour_of_its_units_verdict_and_no_other(
    rows: list[LayerRows], palette: dict[str, str], below: int
) -> None:
    place = places([rows[0].record])[rows[0].record.id]
    strip = heat_strip(place, rows, "x.webp")
    pixels = np.asarray(Image.open(io.BytesIO(heat_picture(rows))).convert("RGBA"))
    assert pixels.shape == (2 * strip.height, strip.width, 4)
    half = pixels[below * strip.height :][: strip.height]
    coloured = 0
    for own, span in zip(rows, strip.spans, strict=True):
        assert units_in(span.units, span.n_units) == list(own.units)
        for at, unit in enumerate(own.units):
            wanted = palette[MARKS[own.scores[unit].verdict if unit in own.scores else ""]]
            assert half[at % strip.height, span.left + at // strip.height].tobytes().hex() == wanted + "ff"
            coloured += 1
    assert coloured == np.count_nonzero(half[:, :, 3]) == sum(len(own.units) for own in rows)


def test_its_colours_are_those_of_the_style_sheet() -> None:
    style = (template_folder() / "assets/atlas.css").read_text(encoding="utf-8")
    blocks = re.findall(r"--s: #.*", style)
    for palette, text in zip((LIGHT, DARK), blocks, strict=False):
        assert {
            m: c for m, c in re.findall(r"--([a-z]): #([0-9a-f]{6})", text) if m in MARKS.values()
        } == palette
    assert blocks[1] == blocks[2]


def test_a_model_of_which_nothing_is_rendered_yet_has_a_strip_of_nothing() -> None:
    picture = Image.open(io.BytesIO(heat_picture([])))
    assert picture.size == (1, 2) and picture.getextrema()[3] == (0, 0)
