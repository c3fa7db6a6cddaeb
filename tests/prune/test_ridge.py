"""The ridge of regressions of channels on each other: found on pictures that they have not seen."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.prune.groups import Reader
from reportgen.prune.moments import RIDGES, moments_of

WIDTH, RANK = 40, 8


def _moments(pictures: np.ndarray, batch: int = 32):
    groups = np.arange(pictures.shape[-1])
    batches = ([[pictures[i : i + batch]]] for i in range(0, len(pictures), batch))
    return moments_of(batches, [Reader((0,), ((0, 0),), 1, groups)])[0]


def _channels(n: int, noise: float, seed: int = 0) -> np.ndarray:
    """Pictures of 40 channels that 8 causes make, each channel with noise of its own."""
    rng = np.random.default_rng(seed)
    causes = np.random.default_rng(9).normal(size=(RANK, WIDTH)) / RANK**0.5
    return (rng.normal(size=(n, RANK)) @ causes + noise * rng.normal(size=(n, WIDTH))).astype(np.float32)


def _untold(found, unseen: np.ndarray, ridge: float) -> float:
    """Mean squared error on other pictures of each channel as the others tell it."""
    told = (unseen - found.mean) @ found.alone(np.ones(WIDTH, bool), ridge)
    return float(np.mean(np.square(told)))


@pytest.mark.parametrize(("n", "noise"), [(48, 0.3), (48, 1.0), (64, 0.05), (2000, 0.3), (2000, 1.0)])
def test_no_other_ridge_predicts_unseen_pictures_much_better(n: int, noise: float) -> None:
    found, unseen = _moments(_channels(n, noise)), _channels(4000, noise, seed=1)
    errors = {ridge: _untold(found, unseen, ridge) for ridge in RIDGES}
    assert errors[found.ridge] <= 1.1 * min(errors.values()), errors


def test_channels_that_tell_nothing_of_each_other_are_left_at_their_mean() -> None:
    noise = np.random.default_rng(0).normal(size=(64, WIDTH)).astype(np.float32)
    found = _moments(noise)
    gone = np.arange(WIDTH) < WIDTH // 2
    other = np.random.default_rng(1).normal(size=(1000, WIDTH))
    refit = found.refit(gone, found.ridge)
    error = np.mean(np.square((other @ refit.mixing.T + refit.constant[0] - other)[:, gone]))
    by_mean = np.mean(np.square((other - found.mean)[:, gone]))
    assert error <= 1.1 * by_mean


def test_places_of_one_picture_are_in_one_fold() -> None:
    """All places of a picture alike: as rows they are many, but the pictures are few."""
    one = _channels(48, 1.0)[:, None, None, :]
    many = np.broadcast_to(one, (48, 10, 10, WIDTH))
    assert _moments(many).ridge == _moments(one).ridge


def test_moments_do_not_depend_on_folds_or_batches() -> None:
    channels = _channels(75, 0.3)
    for batch in (7, 32, 75):
        found = _moments(channels, batch)
        np.testing.assert_allclose(found.mean[0], channels.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(found.covariance, np.cov(channels.T, bias=True), atol=1e-4)
        assert found.pictures == 75
