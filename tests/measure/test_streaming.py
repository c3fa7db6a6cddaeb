"""Streaming statistics equal those of all pictures at once."""

import numpy as np
import pytest

from reportgen.measure.streaming import BINS, Extremes, Histogram


def split(values, cuts):
    return [part for part in np.split(values, sorted(cuts)) if len(part)]


@pytest.fixture
def activations():
    """Activations of units of very different ranges, one of which grows late, one constant, one all zero."""
    rng = np.random.default_rng(3)
    late = np.concatenate([rng.normal(0, 0.01, 300), rng.normal(0, 100, 300)])
    return np.stack([rng.exponential(5, 600), late, np.full(600, 7.25), np.zeros(600), -late], axis=1)


@pytest.mark.parametrize("cuts", [[], [1], [100, 301, 302], range(0, 600, 7)])
def test_a_histogram_counts_every_value_in_its_bin(activations, cuts):
    found = Histogram(activations.shape[1])
    for part in split(activations, cuts):
        found.add(part)
    for unit, values in enumerate(activations.T):
        edges = found.start[unit] + found.width[unit] * np.arange(BINS + 1)
        inside = (values[:, None] >= edges[:-1]) & (values[:, None] < edges[1:])
        assert found.counts[unit].tolist() == inside.sum(axis=0).tolist()
        assert found.counts[unit].sum() == len(values)


def test_bins_are_no_wider_than_they_must_be(activations):
    found = Histogram(activations.shape[1])
    found.add(activations)
    used = [np.flatnonzero(c)[[0, -1]] for c in found.counts]
    for unit in (0, 1, 4):
        assert used[unit][1] - used[unit][0] >= BINS // 2 - 2
    assert used[2][0] == used[2][1] and found.width[2] < 0.02


def test_a_histogram_ignores_values_that_are_not_finite():
    found = Histogram(1)
    found.add(np.array([[np.nan], [1.0], [np.inf]]))
    assert found.counts.sum() == 1


def test_the_largest_are_kept_with_picture_and_place_whatever_the_batches():
    rng = np.random.default_rng(0)
    values, places = rng.normal(size=(50, 4)), rng.integers(0, 99, (50, 4))
    values[7, 2] = np.nan
    for size in (1, 7, 50):
        found = Extremes(4, 5)
        for start in range(0, 50, size):
            found.add(values[start : start + size], places[start : start + size], start)
        for unit in range(4):
            order = np.argsort(-np.nan_to_num(values[:, unit], nan=-9))[:5]
            assert found.pictures[unit].tolist() == order.tolist()
            assert found.values[unit].tolist() == values[order, unit].tolist()
            assert found.places[unit].tolist() == places[order, unit].tolist()


def test_with_fewer_pictures_the_rest_is_empty_and_the_first_of_equal_values_is_kept():
    found = Extremes(1, 4)
    found.add(np.zeros((3, 1)), np.zeros((3, 1), int), 0)
    assert found.pictures.tolist() == [[0, 1, 2, -1]]
    assert found.places.tolist() == [[0, 0, 0, -1]]
