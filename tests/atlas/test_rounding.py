"""One number, one rounding: a structure score reads the same wherever a reader meets it."""

import re

from hypothesis import given
from hypothesis import strategies as st
from unpacking import of_script, places, whole

from reportgen.atlas import columns
from reportgen.atlas.packing import pack
from reportgen.atlas.plots import tenths
from reportgen.units import UnitScore


def read(column):
    """Return a column's numbers as a page's script has them."""
    return column["least"] + places(column) * column["step"]


def shown(value):
    """Return a number as the script of the view of all units shows it (its `tenths`)."""
    return f"{value:.1f}".replace("-0.0", "0.0").replace("-", "−")


def structures(values):
    """Return structure scores as a page's script has them."""
    scores = [UnitScore(i, "static", "", "", False, structure=v) for i, v in enumerate(values)]
    none = [None] * len(values)
    found = columns.columns_of(scores, range(len(values)), none, [True] * len(values), none)
    return read(whole(pack(found))["numbers"]["structure"])


@given(st.lists(st.floats(-20, 80), min_size=1, max_size=40))
def test_scripts_round_a_structure_score_as_pages_do(values):
    assert [shown(v) for v in structures(values)] == [tenths(v) for v in values]


@given(st.lists(st.floats(-5, 9), min_size=1, max_size=40), st.sampled_from([1.5, 2.0, 2.5, 3.0]))
def test_a_filter_finds_what_lies_above_its_bound_and_nothing_below(values, bound):
    assert (structures(values) > bound).tolist() == [v >= bound for v in values]


def test_a_score_is_the_same_on_the_layers_page_the_units_own_and_among_all_units(built_small):
    folder = built_small / "m/garden/v1"
    (script,) = folder.glob("units.*.js")
    packed = of_script(script.read_text(encoding="utf-8"))
    among_all = [shown(v) for v in read(packed["numbers"]["structure"])]
    known = places(packed["numbers"]["structure"])
    at, n_compared = 0, 0
    for layer in packed["layers"]:
        page = (folder / f"{layer['slug']}.html").read_text(encoding="utf-8")
        cells = re.findall(r"<a id=u(\d+) .*?</?i?[^>]*>\1<b>([^<]*)</b>", page)
        for i, (unit, number) in enumerate(cells):
            if known[at + i] == columns.NONE:
                assert number == "–"
                continue
            own = (folder / layer["slug"] / f"{unit}.html").read_text(encoding="utf-8")
            assert (
                re.search(r"<dt>(?:<button[^>]*>)?Structure(?:</button>)?</dt>\s*<dd><b>([^<]*)</b>", own)[1]
                == number
                == among_all[at + i]
            )
            n_compared += 1
        assert len(cells) == layer["n_units"]
        at += layer["n_units"]
    assert n_compared > 20
