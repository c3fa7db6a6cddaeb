"""What could be left out is listed with the reason the judgement had."""

import pytest

from reportgen.judgement import Relations, Responsiveness
from reportgen.removal import PictureCounts, Removal, UnitNeed
from reportgen.score.removable import certain_reason, prune_rows, removed_units
from reportgen.units import UnitScore


def a_score(**changes):
    fields = {"unit": 1, "verdict": "static", "verdict_detail": "", "reason": "r", "borderline": False}
    return UnitScore(**{**fields, **changes})


def a_removal(units, removed):
    return Removal(
        "2026-01-01", units, removed, removed, removed, 0.01, None, None, (0.9, 1.0), 1.0, 0, 0.5,
        PictureCounts(10, 10, 10), (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"verdict": "dead", "responsiveness": Responsiveness("constant", proof="bounds", bound=0.5)},
            "constant, proved: interval bounds: 0.5 for every possible input",
        ),
        (
            {"duplicate_of": 3, "verdict": "structured", "relations": Relations(copy_correlation=1.0)},
            "same weights as unit 3, up to a factor; that unit stays",
        ),
        ({"responsiveness": Responsiveness("live", unused=True)}, "all its outgoing weights are zero"),
        (
            {
                "responsiveness": Responsiveness("live", unused=True),
                "duplicate_of": 3,
                "relations": Relations(copy_correlation=0.992),
            },
            "all its outgoing weights are zero",
        ),
        ({"verdict_detail": "no outgoing weight", "reason": "constant"}, ""),
    ],
)
def test_a_reason_says_why_in_one_line(changes, said):
    assert certain_reason(a_score(**changes)) == said


def test_a_row_names_unit_sureness_and_reason():
    layer = {"model": "m", "version": "v", "layer": "c"}
    layer |= {"certain": [{"unit": 4, "reason": "a"}], "measured": [{"unit": 2, "reason": "b"}]}
    rows = [(r["unit"], r["sureness"], r["reason"]) for r in prune_rows([layer])]
    assert rows == [(4, "certain", "a"), (2, "measured", "b")]


def test_units_that_removal_takes_come_in_its_order():
    needs = [UnitNeed(unit=u, need=0.1, need_rank=rank) for u, rank in enumerate((1, 6, 3, 5, 2, 4))]
    gone = removed_units(a_removal(units=6, removed=3), needs)
    assert [n.unit for n in gone] == [1, 3, 5]
