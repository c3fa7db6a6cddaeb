"""What could be left out is listed with the reason the judgement had."""

import pytest

from reportgen.score.prune import flagged_units, prune_rows, reason_to_prune
from reportgen.units import UnitScore


def a_score(**changes):
    fields = {"unit": 1, "verdict": "static", "verdict_detail": "", "reason": "r", "borderline": False}
    return UnitScore(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "certain", "said"),
    [
        (
            {"verdict": "dead", "verdict_detail": "constant", "dead_proof": "interval bounds"},
            True,
            "constant: interval bounds",
        ),
        ({"verdict": "dead"}, True, "dead: no input was found that wakes it"),
        ({"duplicate_of": 3, "verdict": "structured"}, True, "answers like unit 3, which stays"),
        ({"verdict_detail": "no outgoing weight"}, True, "all its outgoing weights are zero"),
        ({"p_structured": 0.1, "use": 0.2}, False, "static; P(structured) 0.10, use 0.20 of its layer"),
        (
            {"p_structured": 0.4, "borderline": True},
            False,
            "static, borderline; P(structured) 0.40, its use is not known",
        ),
    ],
)
def test_a_reason_says_why_in_one_line(changes, certain, said):
    assert reason_to_prune(a_score(**changes), certain=certain) == said


def test_flagged_are_certain_and_likely_together_in_order():
    assert flagged_units({"superfluous": {"certain": [5], "likely": [2, 9]}}) == [2, 5, 9]
    assert flagged_units({}) == []


def test_rows_keep_certain_and_likely_apart():
    layer = {
        "model": "m", "version": "v", "layer": "c",
        "certain": [{"unit": 4, "reason": "a"}], "likely": [{"unit": 1, "reason": "b"}],
    }  # fmt: skip
    assert [(r["unit"], r["sureness"], r["reason"]) for r in prune_rows([layer])] == [
        (4, "certain", "a"),
        (1, "likely", "b"),
    ]
