"""What is said of a layer as a whole."""

from reportgen.sampling import ShareEstimate
from reportgen.sentences.layers import estimate_in_words, rendered_in_words


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
