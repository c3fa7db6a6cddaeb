"""Names are short in data files alone, by one table that Python and the scripts have alike."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from unpacking import whole

from reportgen.atlas import columns, views
from reportgen.atlas.columns import (
    Columns,
    NumberColumn,
    PictureKeys,
    PictureNames,
    RecipePictures,
    WordColumn,
)
from reportgen.atlas.packing import KEYED, LETTERS, ROWS, pack
from reportgen.atlas.views import SECTIONS, Fact, Facts, Link, Links, Part, Picture, Pictures, Plot, UnitView

ASSETS = Path(__file__).parents[2] / "templates/assets"
VIEWS = (UnitView, Part, Picture, Plot, *SECTIONS)
COLUMNS = (Columns, NumberColumn, WordColumn, PictureNames, PictureKeys, RecipePictures)


def of_script(file: str, name: str) -> Any:
    """Return a list or table of a script as it stands there."""
    text = (ASSETS / file).read_text(encoding="utf-8")
    found = re.search(rf"var {name} = ([\[{{].*?[\]}}]);", text, re.S)[1]
    return json.loads(re.sub(r"(\w+):", r'"\1":', re.sub(r",(\s*\})", r"\1", found)))


def test_the_script_has_the_same_table():
    assert of_script("atlas.js", "LETTERS") == {letter: name for name, letter in LETTERS.items()}
    assert of_script("atlas.js", "ROWS") == {name: list(places) for name, places in ROWS.items()}
    assert of_script("atlas.js", "KEYED") == list(KEYED)


def test_the_filter_has_the_same_flags_and_columns_of_numbers():
    assert of_script("query.js", "FLAGS") == {flag: 1 << at for at, flag in enumerate(columns.FLAGS)}
    assert of_script("query.js", "NUMBERS") == [*columns.NUMBERS, *columns.NEEDS]


def test_each_letter_means_one_name():
    assert len(set(LETTERS.values())) == len(LETTERS)
    assert all(re.fullmatch("[A-Za-z][a-z]?", letter) for letter in LETTERS.values())


def test_each_field_of_a_view_is_in_the_table_and_nothing_else():
    fields = {field.name for kind in (*VIEWS, *COLUMNS) for field in dataclasses.fields(kind)}
    assert fields | {"kind"} == set(LETTERS)


def test_every_view_and_every_row_of_the_module_is_known_to_the_table():
    every = [*vars(views).values(), *vars(columns).values()]
    own = [kind for kind in every if getattr(kind, "__module__", "") in (views.__name__, columns.__name__)]
    assert {kind for kind in own if dataclasses.is_dataclass(kind)} == {*VIEWS, *COLUMNS, views.Section}
    assert {kind._fields for kind in own if hasattr(kind, "_fields")} == set(ROWS.values())
    assert len({kind.kind for kind in SECTIONS}) == len(SECTIONS)


def test_what_is_packed_is_had_back_with_its_names():
    shown = Pictures(
        title="Starts",
        size="m",
        pictures=(Picture(file="ab", width=8, height=8, alt="a", tile=0, tiles=3),),
    )
    facts = Facts(title="Numbers", means="structure", facts=(Fact("p", "0.1", ""), Fact("", "", "told")))
    links = Links(title="Fed by", note="n", links=(Link("conv", 0, "", 0, 3, "conv 0", "", "k"),))
    view = UnitView(
        unit=0, verdict="", mark="o", reason="r", need="n", first=(shown,), citation="c",
        parts=(Part(name="a", title="A", sections=(facts, links)),),
    )  # fmt: skip
    assert whole(json.loads(json.dumps(pack(view)))) == {
        "unit": 0, "verdict": "", "mark": "o", "reason": "r", "need": "n", "citation": "c",
        "first": [
            {
                "kind": "pics", "title": "Starts", "size": "m",
                "pictures": [{"file": "ab", "width": 8, "height": 8, "alt": "a", "tile": 0, "tiles": 3}],
            },
        ],
        "parts": [{"name": "a", "title": "A", "sections": [
            {
                "kind": "facts", "title": "Numbers", "means": "structure",
                "facts": [
                    {"label": "p", "value": "0.1", "note": "", "means": ""},
                    {"label": "", "value": "", "note": "told", "means": ""},
                ],
            },
            {
                "kind": "units", "title": "Fed by", "note": "n",
                "links": [
                    {
                        "slug": "conv", "unit": 0, "sheet": "", "column": 0, "row": 3, "label": "conv 0",
                        "note": "", "thumbnail": "k",
                    }
                ],
            },
        ]}],
    }  # fmt: skip


def test_a_packed_row_keeps_its_places_and_drops_empty_texts_at_its_end_alone():
    facts = Facts(title="t", facts=(Fact("a", "", ""), Fact("", "", ""), Fact("", "b", "")))
    assert pack(facts)[LETTERS["facts"]] == [["a"], [], ["", "b"]]


def test_a_value_that_is_no_view_is_refused():
    with pytest.raises(TypeError):
        pack([object()])
