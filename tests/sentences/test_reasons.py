"""What is said follows from data alone: change a number and the sentence changes with it."""

import dataclasses

import pytest

from reportgen.judgement import (
    ConsistencyReference,
    Decision,
    Facet,
    Light,
    Look,
    Obstacle,
    Responsiveness,
    Starts,
)
from reportgen.sentences.layers import compared_in_words, judged_in_words, rendered_in_words
from reportgen.sentences.reasons import (
    decision_in_words,
    obstacle_in_words,
    pattern_in_words,
    reason,
    verdict_detail,
)
from reportgen.sentences.responses import activation_in_words, liveliness_in_words, proof_in_words
from reportgen.units import UnitScore
from reportgen.verdicts import UNDECIDED, WORDS

LIVE = Responsiveness("live", low=-1.5, high=4, n_probes=40, n_renders=12)
SILENT = Responsiveness("dead", low=0, high=0, n_probes=40, n_renders=12)
ASKED = (
    Decision("activation", True),
    Decision("contrast", True, {"contrast": 0.2, "threshold": 0.035}),
    Decision("structure", True, {"structure": 5.25, "threshold": 2}),
)


def a_score(verdict, **parts):
    fields = {"structure": 5.25, "consistency": 0.9, "starts": Starts(4, 3), "responsiveness": LIVE}
    return UnitScore(7, verdict, "", "", False, decision=ASKED, **{**fields, **parts})


@pytest.mark.parametrize("verdict", WORDS)
@pytest.mark.parametrize("cause", [None, *UNDECIDED.causes])
def test_every_verdict_has_a_reason_of_one_line_whatever_is_known(verdict, cause):
    bare = UnitScore(0, verdict, "", "", False, cause=cause.word if cause else "")
    for score in (bare, a_score(verdict, cause=bare.cause)):
        said = reason(score, note="3 of 8 units rendered")
        assert said.isprintable() and "None" not in said and said.endswith("3 of 8 units rendered")
        assert isinstance(verdict_detail(score), str) and decision_in_words(score) is not None


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (
            a_score("structured", look=Look(orientation_degrees=44.0, period_px=6.04, colours="red")),
            "a pattern that recurs: structure 5.2, above 2 where patterns begin (oriented 45 degrees, "
            "period 6 px, red); consistency 0.90 over 3 starts",
        ),
        (
            a_score("multifaceted", facets=2, facet_groups=(Facet((0, 2), 3.5), Facet((1,), 2.25))),
            "2 groups of similar pictures (2 and 1; activations 3.5 and 2.25); structure 5.2, above 2 "
            "where patterns begin; consistency 0.90 over 3 starts",
        ),
        (
            a_score("flat", look=Look(contrast=0.01, colour="bright"), light=Light("rises", 0.5, 2)),
            "one colour, bright: contrast 0.010, below 0.035; activation rises with brightness, from 0.5 on "
            "black to 2 on white",
        ),
        (
            a_score("dead", responsiveness=dataclasses.replace(SILENT, proof="bounds", bound=0.0)),
            "never active: activation zero on 40 probe pictures and 12 renders of its layer (interval "
            "bounds: "
            "0 for every possible input)",
        ),
        (
            a_score("failed", starts=Starts(0, 0, "out of memory")),
            "no picture: out of memory",
        ),
        (
            a_score("static", structure=1.0, duplicate_of=3),
            "no more structure than the noise baseline: structure 1.0, below 2 where patterns begin; "
            "same activations as unit 3",
        ),
    ],
)  # fmt: skip
def test_a_reason_holds_the_numbers_of_the_data(score, said):
    assert reason(score) == said


def test_a_nuance_comes_from_data():
    faint = dataclasses.replace(LIVE, nuance="faint", unused=True)
    assert verdict_detail(a_score("static", responsiveness=faint)) == "faint; no outgoing weight"
    assert verdict_detail(a_score("undecided", cause="no ascent")) == "no ascent"
    assert verdict_detail(a_score("flat", look=Look(colour="dark", colour_differs=True))) == (
        "dark; differs between runs"
    )


def test_whether_a_unit_activates_is_said_as_far_as_it_is_known():
    assumed = dataclasses.replace(SILENT, assumed_range="0..1")
    assert liveliness_in_words(assumed) == "no input found in the assumed input range 0..1"
    assert activation_in_words(assumed).endswith("of its layer in the assumed input range 0..1")
    assert activation_in_words(LIVE) == "activation range -1.5 to 4" and proof_in_words(LIVE) == ""
    unknown = Responsiveness(missing="renders", n_probes=40)
    assert activation_in_words(unknown) == (
        "silent on 40 probe pictures; its responses to the layer's renders were not measured"
    )
    proved = Responsiveness("constant", proof="bounds", bound=0.5)
    assert (activation_in_words(proved), liveliness_in_words(proved)) == ("not measured", "constant, proved")


def test_the_questions_are_listed_with_their_numbers_and_what_is_not_known_as_that():
    told = decision_in_words(a_score("structured", look=Look(null_share_below=0.9)))
    assert told[1:] == [
        ("More than one colour?", "yes", "contrast 0.200 (needed: 0.035)"),
        ("Is there a pattern?", "yes",
         "structure 5.2, patterns begin at 2; more order than 90% of the noise baseline"),
    ]  # fmt: skip
    small = a_score("undecided", look=Look(obstacle=Obstacle("small", (9, 12, 16))))
    small = dataclasses.replace(small, decision=(Decision("structure", None),))
    why = "the usable area of its pictures is 9 by 12 px; at least 16 px are needed"
    assert decision_in_words(small) == [("Is there a pattern?", "not measured", why)]


def test_numbers_of_a_store_that_names_them_otherwise_are_shown_as_they_are():
    odd = a_score("static")
    odd = dataclasses.replace(odd, decision=(Decision("contrast", False, {"<b>": 1.0, "x": 2.5}),))
    assert decision_in_words(odd)[0][2] == "<b> 1, x 2.5"


@pytest.mark.parametrize("kind", ["small", "no null", "another canvas", "few"])
@pytest.mark.parametrize("sizes", [(), (3,), (3, 4, 5, 6)])
def test_an_obstacle_of_any_store_is_said(kind, sizes):
    assert obstacle_in_words(Obstacle(kind, sizes)).isprintable()


def test_a_pattern_of_an_earlier_release_is_said_as_it_was():
    assert (
        pattern_in_words(Look(orientation_degrees=67.5, earlier_text="oriented 65 degrees"))
        == "oriented 65 degrees"
    )
    assert pattern_in_words(Look(orientation_degrees=178.0)) == "oriented 0 degrees"


def test_a_layer_is_said_from_counts():
    assert compared_in_words(ConsistencyReference(1)) == "1 unit of this layer with a pattern"
    assert compared_in_words(ConsistencyReference(3, n_others=5)) == (
        "3 units of this layer with a pattern and 5 pictures of other layers"
    )
    assert compared_in_words(ConsistencyReference(0)) == "nothing"
    assert rendered_in_words(8, 8) == "" and rendered_in_words(3, 8) == "3 of 8 units rendered"
    dead = a_score("dead", responsiveness=SILENT)
    assert judged_in_words([dead], note="", assumed_range="0..1") == [
        "1 unit judged: 1 dead.",
        "1 unit was never active: no input was found that activates them.",
        "The input range 0..1 is assumed; with another they may be active.",
    ]
