"""The measures of `make verdicts` on cases whose answer is known."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # benchmarks/ stands beside the package
from benchmarks import verdict_measures as m
from benchmarks.verdict_naive import coherence, naive_copies, naive_verdict


def test_an_area_counts_pairs_in_order_and_ties_half():
    assert m.auc([3, 4], [1, 2]) == 1
    assert m.auc([1, 2], [3, 4]) == 0
    assert m.auc([1, 1], [1, 1]) == 0.5
    assert m.auc([2, 0], [1]) == 0.5
    assert np.isnan(m.auc([], [1]))


def test_any_of_several_right_verdicts_is_right():
    rows = [(("multifaceted", "unstable"), "unstable"), (("multifaceted", "unstable"), "static")]
    assert m.labels(rows) == [("unstable", "unstable"), ("multifaceted", "static")]
    assert m.accuracy(m.labels(rows)) == 0.5


def test_macro_f1_gives_rare_verdicts_the_weight_of_common_ones():
    pairs = [("static", "static")] * 98 + [("dead", "static")] * 2
    assert m.accuracy(pairs) == 0.98
    assert m.macro_f1(pairs) == pytest.approx((2 * 98 / (98 + 100) + 0) / 2)


def test_chances_that_come_true_as_often_as_they_say_are_calibrated():
    assert m.calibration_error([0.25] * 4, [True, False, False, False]) == 0
    assert m.calibration_error([1.0, 1.0], [True, False]) == 0.5


def test_a_copy_of_another_unit_is_no_copy_found():
    assert m.precision_recall([None, 0, 0], [None, 0, 1]) == (0.5, 0.5)
    assert m.precision_recall([None, 0], [0, 0]) == (0.5, 1.0)


def test_the_naive_scorer_distinguishes_stripes_from_noise_and_grey(draw):
    assert coherence(draw.grating()) > 0.9 > 0.4 > coherence(draw.white(1))
    assert naive_verdict([draw.grating(), draw.grating(phase=1)]) == "structured"
    assert naive_verdict([draw.white(1), draw.white(2)]) == "static"
    assert naive_verdict([draw.flat((90, 90, 90))]) == "flat"


def test_the_naive_scorer_finds_copies_by_weights_alone():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 1, 4))
    kernel[..., 2] = 5 * kernel[..., 0]
    assert naive_copies(kernel) == {2: 0}
