import numpy as np
import pytest

from reportgen.score.copies import correlations
from reportgen.score.response_groups import response_groups


def of(values):
    return response_groups(correlations([np.asarray(values, np.float32)]))


@pytest.fixture
def independent():
    return np.random.default_rng(0).normal(size=(4000, 6))


def test_independent_units_are_all_needed(independent):
    found = of(independent)
    assert found.groups == ()
    assert found.effective_rank == pytest.approx(6, abs=0.05)
    assert found.basis == (0, 1, 2, 3, 4, 5)


def test_copies_at_other_scales_add_nothing(independent):
    found = of(np.concatenate([independent[:, :3], 50 * independent[:, :3] + 7], axis=1))
    assert found.live == 6
    assert found.effective_rank == pytest.approx(3, abs=0.05)
    assert len(found.basis) == 3
    assert sorted(found.groups) == [(0, 3), (1, 4), (2, 5)]


def test_sums_of_others_need_no_units_of_their_own(independent):
    mixed = independent[:, :3] @ np.random.default_rng(1).normal(size=(3, 9))
    assert len(of(mixed).basis) == 3


def test_the_largest_group_comes_first_and_silent_units_are_in_none(independent):
    values = independent.copy()
    values[:, [2, 3, 5]] = values[:, [1]] + 0.1 * values[:, [2, 3, 5]]
    values[:, 4] = 3.0
    found = of(values)
    assert found.live == 5
    assert found.groups == ((1, 2, 3, 5),)
    assert 4 not in found.basis


def test_fewer_than_two_units_that_vary_have_nothing_in_common(independent):
    values = np.ones((50, 3))
    values[:, 1] = independent[:50, 1]
    assert of(values) is None
