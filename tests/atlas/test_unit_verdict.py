"""How a unit came to its verdict, as its page tells it."""

import dataclasses
import re

from sample_store import write_sample_store

from reportgen.atlas import plots, write_atlas
from reportgen.atlas.unit_verdict import decision_section, facets_of
from reportgen.judgement import Decision, Facet, Responsiveness
from reportgen.units import UnitScore

SCORE = UnitScore(
    unit=3, verdict="multifaceted", verdict_detail="2 facets", reason="two groups", borderline=False,
    responsiveness=Responsiveness("live", low=-1, high=4.1),
    decision=(Decision("activation", True), Decision("structure", True, {"structure": 5, "threshold": 2})),
    facet_groups=(Facet((2,), 3.5), Facet((0, 1), 2.25)),
)  # fmt: skip


def changed(**parts):
    return dataclasses.replace(SCORE, **parts)


def test_the_path_asks_in_order_and_ends_with_the_verdict():
    section = decision_section(SCORE)
    assert tuple(fact[:3] for fact in section.facts) == (
        ("1. Does the unit activate?", "yes", "activation range -1 to 4.1"),
        ("2. Is there a pattern?", "yes", "structure 5.0, patterns begin at 2"),
        ("So", "multifaceted", ""),
    )
    assert decision_section(changed(decision=())) is None and decision_section(None) is None


def test_a_path_that_an_earlier_release_left_in_sentences_is_shown_with_them():
    step = Decision("recurrence", None, earlier_text="3 of 4 starts, and a | bar? yes: so")
    assert decision_section(changed(decision=(step,))).facts[0][:3] == (
        "1. The same from every start?", "not measured", "3 of 4 starts, and a | bar? yes: so",
    )  # fmt: skip


def test_each_start_is_listed_with_its_facet_and_the_activation_on_it():
    assert facets_of(SCORE) == {
        2: "facet 1, activation 3.5", 0: "facet 2, activation 2.25", 1: "facet 2, activation 2.25"
    }  # fmt: skip
    assert facets_of(changed(facet_groups=(Facet((2,)), Facet((0,))))) == {2: "facet 1", 0: "facet 2"}
    assert facets_of(dataclasses.replace(SCORE, verdict="structured")) == {}


def test_every_null_picture_stands_in_the_histogram_where_it_belongs():
    null = [-1.2, -1.1, 0.1, 1.9, 2.6]
    plot = plots.place_in_null(2.2, 2.0, (1.5, 2.5), null)
    bars = [box for box in plot.boxes if box.style == "null"]
    cut = next(float(points.split(",")[0]) for name, points in plot.lines if name == "cut")
    assert [bar.height for bar in bars] == [24, 12, 12, 12]
    assert [bar.x >= cut for bar in bars] == [False, False, False, True]
    assert "its 5 pictures lie between −1.2 and 2.6, 1 of them at or above the unit" in plot.alt
    assert not [box for box in plots.place_in_null(2.2, 2.0, (1.5, 2.5)).boxes if box.style == "null"]


def test_copies_and_units_that_respond_similarly_are_together_on_the_layers_page(tmp_path):
    store_path = write_sample_store(tmp_path / "s.db", hostile=False)
    write_atlas(store_path, tmp_path / "site")
    page = (tmp_path / "site" / "m/garden/v1/conv1.html").read_text(encoding="utf-8")
    rows = re.findall(r'<li><a class="all" href="#q=(\w+)%3A\d+">(\d+ \w+)</a>(.*?)</li>', page)
    shown = [(kind, said, re.findall(r'href="#u(\d+)"', units)) for kind, said, units in rows]
    assert ("copies", "2 copies", ["9", "17"]) in shown
    assert ("group", "3 similar", ["3", "7", "5"]) in shown
