import numpy as np
import pytest

from reportgen.score.use import ranked, raw_use


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
