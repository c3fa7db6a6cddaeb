"""How a unit came to its verdict, as its page tells it."""

import dataclasses

import pytest
from sample_store import write_sample_store

from reportgen.atlas import plots, write_atlas
from reportgen.atlas.judged import decision_section, facets_of
from reportgen.units import UnitScore

SCORE = UnitScore(
    unit=3, verdict="multifaceted", verdict_detail="2 facets", reason="two groups", borderline=False,
    extra={
        "decision": "answers? yes: 4.1 at most | a pattern? yes: structure 5.0, patterns begin at 2: clear",
        "facet_seeds": [2, 0, 1], "facet_sizes": [1, 2], "facet_answers": [3.5, 2.25],
    },
)  # fmt: skip


def changed(**extra):
    return dataclasses.replace(SCORE, extra={**SCORE.extra, **extra})


def test_the_path_asks_in_order_and_ends_with_the_verdict():
    section = decision_section(SCORE)
    assert section.facts == (
        ("1. Answers?", "yes", "4.1 at most"),
        ("2. A pattern?", "yes", "structure 5.0, patterns begin at 2: clear"),
        ("So", "multifaceted", ""),
    )
    assert decision_section(changed(decision="")) is None
    assert decision_section(changed(decision=7.0)) is None


def test_each_start_is_told_with_its_facet_and_what_the_unit_answers_to_it():
    assert facets_of(SCORE) == {
        2: "facet 1, answer 3.5", 0: "facet 2, answer 2.25", 1: "facet 2, answer 2.25"
    }  # fmt: skip
    assert facets_of(changed(facet_answers=[])) == {2: "facet 1", 0: "facet 2", 1: "facet 2"}
    assert facets_of(dataclasses.replace(SCORE, verdict="structured")) == {}


@pytest.mark.parametrize("sizes", [[1, 1], "12", [float("nan"), 1.0], [1e300, 2.0]])
def test_groups_that_do_not_fit_their_seeds_are_not_told(sizes):
    assert facets_of(changed(facet_sizes=sizes)) == {}


def test_every_null_picture_stands_in_the_histogram_where_it_belongs():
    null = [-1.2, -1.1, 0.1, 1.9, 2.6]
    plot = plots.place_in_null(2.2, 2.0, (1.5, 2.5), null)
    bars = [box for box in plot.boxes if box.style == "null"]
    cut = next(float(points.split(",")[0]) for name, points in plot.lines if name == "cut")
    assert [bar.height for bar in bars] == [24, 12, 12, 12]
    assert [bar.x >= cut for bar in bars] == [False, False, False, True]
    assert "its 5 pictures lie between −1.2 and 2.6, 1 of them at or above the unit" in plot.alt
    assert not [box for box in plots.place_in_null(2.2, 2.0, (1.5, 2.5)).boxes if box.style == "null"]


def test_copies_and_units_that_answer_alike_stand_together_on_the_layers_page(tmp_path):
    store_path = write_sample_store(tmp_path / "s.db", hostile=False)
    write_atlas(store_path, tmp_path / "site")
    page = (tmp_path / "site" / "m/garden/v1/conv1.html").read_text(encoding="utf-8")
    assert 'Copies of each other (2 units): <a href="#u9">9</a> <a href="#u17">17</a>' in page
    assert 'Answer much alike (3 units): <a href="#u3">3</a> <a href="#u7">7</a> <a href="#u5">5</a>' in page
