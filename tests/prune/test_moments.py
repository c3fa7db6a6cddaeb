"""What layers read on average, and what follows of it, against numbers computed at once."""

import numpy as np

from reportgen.prune.groups import Reader
from reportgen.prune.moments import moments_of


def _reader(channels, places=1):
    return Reader((0,), ((0, 0),), places, np.arange(channels))


def _streamed(values, reader, batch=7):
    return moments_of(([[values[i : i + batch]]] for i in range(0, len(values), batch)), [reader])[0]


def test_streamed_moments_are_those_of_all_rows_even_far_from_zero():
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(40, 3, 5, 4)) @ rng.normal(size=(4, 4)) * 0.1 + 5000).astype(np.float32)
    found = _streamed(values, _reader(4))
    rows = values.reshape(-1, 4).astype(np.float64)
    np.testing.assert_allclose(found.mean[0], rows.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(found.covariance, np.cov(rows.T, bias=True), rtol=1e-2, atol=1e-4)
    assert found.pictures == 40


def test_each_place_of_a_flattened_map_has_its_own_mean():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(50, 6, 3)).astype(np.float32) + np.arange(18, dtype=np.float32).reshape(6, 3)
    found = _streamed(values.reshape(50, 18), _reader(3, places=6))
    np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-5)
    centred = (values - values.mean(axis=0)).reshape(-1, 3)
    np.testing.assert_allclose(found.covariance, centred.T @ centred / len(centred), rtol=1e-3, atol=1e-4)


def test_a_channel_that_others_add_up_to_is_compensated_exactly_and_adds_nothing_of_its_own():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(500, 3)).astype(np.float32) + 2
    values = np.column_stack([values, values @ [1, -2, 0.5] + 3]).astype(np.float32)
    found = _streamed(values, _reader(4))
    gone = np.array([False, False, False, True])
    refit = found.refit(gone, 1e-9)
    made_up = values @ refit.mixing.T + refit.constant
    np.testing.assert_allclose(made_up, values, atol=1e-3)
    np.testing.assert_array_equal(refit.removed, gone)
    alone = (values - found.mean) @ found.alone(np.ones(4, bool), 1e-9)
    assert np.abs(alone).max() < 1e-2 * np.abs(values - found.mean).max()


def test_a_channel_like_no_other_gives_its_mean_and_all_is_its_own():
    values = np.random.default_rng(3).normal(1, 1, (4000, 3)).astype(np.float32)
    found = _streamed(values, _reader(3))
    refit = found.refit(np.array([True, False, False]), 1e-6)
    assert np.abs(refit.mixing[0]).max() < 0.06
    np.testing.assert_allclose(refit.constant[0, 0], values[:, 0].mean(), atol=0.1)
    np.testing.assert_allclose(found.alone(np.ones(3, bool), 1e-6), np.eye(3), atol=0.06)
