"""Why a unit is undecided: each cause of the table, and no other."""

import pytest

from reportgen.judgement import Obstacle, Responsiveness
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
