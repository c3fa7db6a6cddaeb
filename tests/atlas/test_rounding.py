"""One number, one rounding: a structure score reads the same wherever a reader meets it."""

import base64
import json
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reportgen.atlas import columns
from reportgen.atlas.plots import tenths
from reportgen.units import UnitScore


def read(packed):
    """Return a packed column's numbers as a page's script has them."""
    raw = np.frombuffer(base64.b64decode(packed["d"]), np.uint8).reshape(2, -1).astype(int)
    return packed["lo"] + (raw[0] + 256 * raw[1]) * packed["step"]


def shown(value):
    """Return a number as the script of the view of all units shows it (its `tenths`)."""
    return f"{value:.1f}".replace("-0.0", "0.0").replace("-", "−")


@given(st.lists(st.floats(-20, 80), min_size=1, max_size=40))
def test_scripts_round_a_structure_score_as_pages_do(values):
    scores = [UnitScore(i, "static", "", "", False, structure=v) for i, v in enumerate(values)]
    none = [None] * len(values)
    packed = columns.pack(scores, range(len(values)), none, [True] * len(values), none)
    assert [shown(v) for v in read(packed["numbers"]["structure"])] == [tenths(v) for v in values]


@given(st.lists(st.floats(-5, 9), min_size=1, max_size=40), st.sampled_from([1.5, 2.0, 2.5, 3.0]))
def test_a_filter_finds_what_lies_above_its_bound_and_nothing_below(values, bound):
    scores = [UnitScore(i, "static", "", "", False, structure=v) for i, v in enumerate(values)]
    none = [None] * len(values)
    packed = columns.pack(scores, range(len(values)), none, [True] * len(values), none)
    assert (read(packed["numbers"]["structure"]) > bound).tolist() == [v >= bound for v in values]


def test_a_score_is_the_same_on_the_layers_page_the_units_own_and_among_all_units(built_small):
    folder = built_small / "m/garden/v1"
    (script,) = folder.glob("units.*.js")
    packed = json.loads(script.read_text(encoding="utf-8").partition("]=")[2].rstrip(";\n"))
    among_all = [shown(v) for v in read(packed["numbers"]["structure"])]
    known = np.frombuffer(base64.b64decode(packed["numbers"]["structure"]["d"]), np.uint8).reshape(2, -1)
    at, n_compared = 0, 0
    for layer in packed["layers"]:
        page = (folder / f"{layer['slug']}.html").read_text(encoding="utf-8")
        cells = re.findall(r"<a id=u(\d+) .*?</?i?[^>]*>\1<b>([^<]*)</b>", page)
        for i, (unit, number) in enumerate(cells):
            if (known[:, at + i] == 255).all():
                assert number == "–"
                continue
            own = (folder / layer["slug"] / f"{unit}.html").read_text(encoding="utf-8")
            assert re.search(r"<dt>Structure</dt><dd><b>([^<]*)</b>", own)[1] == number == among_all[at + i]
            n_compared += 1
        assert len(cells) == layer["n"]
        at += layer["n"]
    assert n_compared > 20
