"""Why a unit is undecided: each cause of the table, and no other; and what is borderline."""

import pytest

from reportgen.judgement import Light, Obstacle, Responsiveness
from reportgen.score.agreement import Agreement
from reportgen.score.copies import CopyRelations
from reportgen.score.verdict import Facts, judge
from reportgen.spec import ScoreSpec
from reportgen.verdicts import UNDECIDED

LIVE = {
    "unit": 0,
    "responsiveness": Responsiveness("live"),
    "relations": CopyRelations(),
    "pictures": 4,
    "live": 4,
    "contrast": 0.2,
}
FACTS = {
    "responses missing": {**LIVE, "responsiveness": Responsiveness(missing="responses")},
    "no ascent": {**LIVE, "activated": False},
    "structure not measured": {**LIVE, "too_small": Obstacle("small", (12, 12, 16))},
    "recurrence not measured": {**LIVE, "live": 1, "z": 5.0},
}


def test_the_table_names_these_causes():
    assert {cause.word for cause in UNDECIDED.causes} == set(FACTS)


@pytest.mark.parametrize("cause", FACTS)
def test_a_missing_fact_is_the_detail_of_undecided(cause):
    score = judge(Facts(**FACTS[cause]), ScoreSpec())
    assert (score.verdict, score.verdict_detail) == (UNDECIDED.word, cause)


LIT = {**LIVE, "z": 5.0, "light": Light("falls", 0.03, 0.0, share=0.87)}
AGREED = Agreement(0.0, 0.1, 0.1, ((0, 1, 2, 3),))


@pytest.mark.parametrize(
    ("contrast", "share", "verdict", "borderline"),
    [
        (0.043, 0.87, "structured", True),
        (0.032, 0.87, "flat", True),
        (0.043, 0.3, "structured", False),
        (0.043, None, "structured", False),
        (0.3, 1.0, "structured", False),
        (0.001, 1.0, "flat", False),
    ],
)
def test_a_ripple_on_what_brightness_explains_is_borderline(contrast, share, verdict, borderline):
    light = Light("falls", 0.03, 0.0, share=share)
    score = judge(Facts(**{**LIT, "contrast": contrast, "light": light, "agreement": AGREED}), ScoreSpec())
    assert (score.verdict, score.borderline, score.look.nearly_flat) == (verdict, borderline, borderline)
    assert ("uniform pictures alone cover 87%" in score.reason) == borderline
