"""How answers become one number."""

import numpy as np
import pytest

from reportgen.render import objectives
from reportgen.render.backend import backend

LEAKY = objectives.Reduction("leaky-mean", 0.06, True, (4, 4))


def reduced(maps, how=LEAKY, reference=0.0, silence=0.0, look=1.0):
    n = len(maps)
    values, silence = objectives.reduced(
        np.asarray(maps, np.float32), how, np.full(n, reference, np.float32),
        np.full(n, silence, np.float32), np.float32(look),
    )  # fmt: skip
    return np.asarray(values), np.asarray(silence)


def test_each_picture_is_asked_for_its_own_unit_and_sign():
    layer = np.arange(2 * 3 * 3 * 4, dtype=np.float32).reshape(2, 3, 3, 4)
    got = np.asarray(objectives.unit_activations(layer, np.array([3, 1]), np.array([1.0, -1.0], np.float32)))
    assert np.allclose(got, np.stack([layer[0, :, :, 3], -layer[1, :, :, 1]]))
    flat = np.asarray(objectives.unit_activations(layer[:, 0, 0], np.array([0, 2]), np.ones(2, np.float32)))
    assert np.allclose(flat, [layer[0, 0, 0, 0], layer[1, 0, 0, 2]])


def test_the_rim_is_not_seen():
    quiet = np.random.default_rng(0).random((1, 20, 20)) + 1
    loud = quiet.copy()
    loud[:, [0, 1, -1, -2]] += 1000
    loud[:, :, [0, 1, -1, -2]] += 1000
    assert np.array_equal(reduced(quiet)[0], reduced(loud)[0])


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_smallest_maps_work(size):
    values, silence = reduced(np.full((2, size, size), 3.0))
    assert np.allclose(values, 3.0) and np.allclose(silence, 0.0)


def test_places_above_the_reference_count_ten_times_those_below():
    maps = np.zeros((1, 1, 2))
    maps[0, 0] = [3.0, -1.0]
    assert reduced(maps, reference=1.0, silence=0.0, look=0.0)[0][0] == pytest.approx(1 + (2 - 0.2) / 2)


def test_a_silent_map_is_maximised_by_the_best_activation_of_each_cell_and_an_active_one_is_not():
    maps = np.random.default_rng(0).normal(size=(2, 18, 18)) - np.array([10, 0])[:, None, None]
    values, silence = reduced(maps)
    assert silence.tolist() == [objectives.SILENT, objectives.NEVER_SILENT]
    cells = maps[0, 2:-2, 2:-2][:12, :12].reshape(3, 4, 3, 4)
    best = cells.max(axis=(1, 3)).mean()
    assert values[0] == pytest.approx(0.9 * best + 0.1 * maps[0, 2:-2, 2:-2].mean(), rel=1e-5)


def test_a_restarted_map_is_maximised_by_its_positive_part_alone():
    maps = np.ones((1, 16, 16)) - np.arange(16)[None, :, None] % 2 * 3.0
    values, silence = reduced(maps, silence=objectives.SILENT)
    assert silence[0] == objectives.RESTARTED
    assert values[0] == pytest.approx(0.5)
    assert LEAKY.word(objectives.RESTARTED) == "positive-mean"


def test_one_answering_place_does_not_make_a_map_awake():
    maps = np.full((1, 16, 16), -1.0)
    maps[0, 8, 8] = 5.0
    assert reduced(maps)[1][0] == objectives.SILENT


def test_without_rescue_a_silent_map_stays_a_leaky_mean():
    how = objectives.Reduction("leaky-mean", 0.0, False)
    values, silence = reduced(np.full((1, 4, 4), -2.0), how)
    assert silence[0] == 0 and values[0] == pytest.approx(-0.2)


@pytest.mark.parametrize("shift", [-10.0, 0.0, 10.0])
def test_the_gradient_differs_between_high_and_low_places(shift):
    """A plain mean has the same gradient everywhere, and so none behind a zero-sum kernel."""
    maps = (np.random.default_rng(3).normal(size=(1, 16, 16)) + shift).astype(np.float32)
    reference = np.float32(max(shift, 0.0))
    import keras

    _, gradient = backend().value_and_gradient(
        lambda m: objectives.reduced(m, LEAKY, reference[None], np.zeros(1, np.float32), np.float32(1)),
        keras.ops.convert_to_tensor(maps),
    )
    inside = np.asarray(gradient)[0, 1:-1, 1:-1]
    places = maps[0, 1:-1, 1:-1]
    assert (
        inside[places > np.quantile(places, 0.9)].mean()
        > 3 * inside[places < np.quantile(places, 0.3)].mean()
    )
    assert (inside > 0).all()
