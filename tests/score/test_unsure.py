"""Which units need more starts than the first few."""

from __future__ import annotations

import pytest

from reportgen.judgement import Look, Obstacle, Responsiveness
from reportgen.score.unsure import FACETS_SHARE, unsure_units
from reportgen.spec import ScoreSpec
from reportgen.units import UnitScore

SPEC = ScoreSpec()


def score(unit: int, verdict: str, *, borderline: bool = False, contrast: float = 0.3,
          obstacle: Obstacle | None = None, proof: str = "") -> UnitScore:  # fmt: skip
    return UnitScore(
        unit=unit,
        verdict=verdict,
        verdict_detail="",
        reason="",
        borderline=borderline,
        look=Look(contrast=contrast, obstacle=obstacle),
        responsiveness=Responsiveness(state="live", proof=proof),
    )


@pytest.mark.parametrize("word", ["structured", "static"])
def test_a_unit_far_from_every_threshold_needs_no_more_starts(word: str) -> None:
    assert unsure_units([score(0, word)], SPEC) == ()
    assert unsure_units([score(0, word), score(1, word, borderline=True)], SPEC) == (1,)


@pytest.mark.parametrize("word", ["undecided", "failed"])
def test_a_unit_without_a_verdict_needs_more_unless_nothing_can_be_measured(word: str) -> None:
    assert unsure_units([score(0, word)], SPEC) == (0,)
    assert unsure_units([score(0, word, obstacle=Obstacle("no null"))], SPEC) == ()


def test_a_silent_unit_needs_more_unless_it_is_proved_silent() -> None:
    assert unsure_units([score(0, "dead"), score(1, "dead", proof="bounds")], SPEC) == (0,)


def test_contrast_close_to_flat_needs_more_on_both_sides() -> None:
    low, high = SPEC.borderline_contrast
    units = [
        score(0, "flat", contrast=low / 2),
        score(1, "flat", contrast=(low + SPEC.flat_contrast) / 2),
        score(2, "static", contrast=high * 0.9),
        score(3, "static", contrast=high * 1.1),
    ]
    assert unsure_units(units, SPEC) == (1, 2)


@pytest.mark.parametrize("word", ["unstable", "multifaceted"])
def test_where_starts_differ_in_few_units_only_these_need_more(word: str) -> None:
    many = [score(unit, "structured") for unit in range(round(1 / FACETS_SHARE))]
    assert unsure_units([*many, score(900, word)], SPEC) == (900,)


def test_where_starts_differ_often_every_unit_with_a_pattern_needs_more() -> None:
    units = [score(0, "structured"), score(1, "static"), score(2, "unstable"), score(3, "structured")]
    assert unsure_units(units, SPEC) == (0, 2, 3)
