"""What is said of a layer as a whole."""

import pytest

from reportgen.judgement import ResponseGroups
from reportgen.sampling import ShareEstimate
from reportgen.sentences.layers import (
    estimate_in_words,
    patterns_in_words,
    rendered_in_words,
    similarity_in_words,
)
from reportgen.units import UnitScore


def test_a_share_that_was_found_is_not_rounded_to_none():
    shares = {
        "structured": ShareEstimate(0.86, 0.75, 0.98, 171, 18056),
        "dead": ShareEstimate(0.002, 0.0001, 0.11, 171, 18056),
        "flat": ShareEstimate(0.0, 0.0, 0.02, 171, 18056),
    }
    said = estimate_in_words(shares)
    assert "structured 86 % (75 to 98), dead under 1 % (0 to 11), flat 0 % (0 to 2)" in said
    assert "all 18,056 units from 171" in said


def test_large_numbers_are_separated():
    assert rendered_in_words(2, 1000) == "2 of 1,000 units rendered"


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["structured"], "The only unit with a pattern does not vary between seeds"),
        (["unstable"], "The only unit with a pattern varies between seeds"),
        (["structured", "structured"], "None of 2 units with a pattern varies between seeds"),
        (["structured", "unstable"], "1 of 2 units with a pattern varies between seeds"),
        (["unstable", "unstable", "structured"], "2 of 3 units with a pattern vary between seeds"),
    ],
)
def test_one_unit_and_many_vary_in_grammatical_sentences(verdicts, said):
    scores = [UnitScore(u, v, "", "", False) for u, v in enumerate(verdicts)]
    assert patterns_in_words(scores, "5 units")[0] == f"{said} (compared with 5 units)."


def test_one_unit_explains_and_several_explain():
    one = similarity_in_words(ResponseGroups(2, basis=(0,), basis_share=0.95, effective_rank=1.1), least=0.7)
    two = similarity_in_words(ResponseGroups(3, basis=(0, 1), basis_share=0.95), least=0.7)
    assert one[0].startswith("1 of 2 active units linearly explains 95%")
    assert two[0].startswith("2 of 3 active units linearly explain 95%")
