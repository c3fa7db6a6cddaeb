import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.score.use import poisson_binomial, ranked, raw_use


def test_use_is_weight_times_spread():
    rows = np.array([[0.0, 0.0], [2.0, 20.0]], np.float32)
    assert raw_use({"out_total": np.array([3.0, 1.0])}, [rows], 2).tolist() == [3.0, 10.0]


@pytest.mark.parametrize("weights", [None, {}, {"out_total": np.zeros(2)}])
def test_use_is_unknown_where_nothing_known_consumes(weights):
    assert np.isnan(raw_use(weights, [np.ones((3, 2), np.float32)], 2)).all()


def test_an_unknown_consumer_leaves_one_unit_unranked():
    assert ranked(np.array([1.0, np.nan, 3.0, 2.0])) == [0.0, None, 1.0, 0.5]
    assert ranked(np.array([0.0, 0.0, 1.0])) == [0.0, 0.0, 1.0]
    assert ranked(np.array([5.0])) == [1.0]


@given(st.lists(st.floats(0, 1), max_size=30))
def test_the_interval_holds_the_mean(chances):
    mean, low, high = poisson_binomial(chances)
    assert low - 1 <= mean <= high + 1
    assert 0 <= low <= high <= len(chances)


def test_equal_chances_are_a_binomial():
    from scipy.stats import binom

    mean, low, high = poisson_binomial([0.3] * 40)
    assert mean == pytest.approx(12)
    assert (low, high) == tuple(binom.ppf([0.05, 0.95], 40, 0.3))


def test_certain_events_leave_no_doubt():
    assert poisson_binomial([1.0] * 3 + [0.0] * 9) == (3.0, 3.0, 3.0)
