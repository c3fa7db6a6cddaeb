"""Movements of a picture between steps."""

import dataclasses

import numpy as np
import pytest
from keras import ops

from reportgen.render import transforms
from reportgen.render.backend import backend
from reportgen.spec import RECIPES, RenderSpec

PICTURE = np.random.default_rng(1).random((1, 12, 10, 3)).astype(np.float32)


def moved(picture, move, around, turned):
    return np.asarray(ops.convert_to_numpy(transforms.moved(picture, move[None], around, turned)))


def test_nothing_moves_without_a_transform():
    assert np.array_equal(moved(PICTURE, transforms.IDENTITY, True, False), PICTURE)
    assert np.allclose(moved(PICTURE, transforms.IDENTITY, False, True), PICTURE, atol=1e-6)


def test_a_shift_around_the_edges_keeps_every_pixel():
    recipe = RenderSpec(jitter_px=2)
    for move in transforms.drawn(recipe, (12, 10), True, 7, transforms.STEPS, range(20)):
        right, down = int(move[0, 2]), int(move[0, 5])
        assert np.array_equal(moved(PICTURE, move, True, False), np.roll(PICTURE, (-down, -right), (1, 2)))


def test_shifts_around_the_edges_reach_everywhere_and_others_stay_small():
    recipe = RenderSpec(jitter_px=2)
    far = transforms.drawn(recipe, (12, 10), True, 7, transforms.STEPS, range(2000))
    near = transforms.drawn(recipe, (48, 40), False, 7, transforms.STEPS, range(400))
    assert len(set(map(tuple, far[:, 0, [2, 5]].tolist()))) == 120
    assert set(near[:, 0, 2].tolist()) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    tiny = transforms.drawn(recipe, (12, 10), False, 7, transforms.STEPS, range(100))
    assert np.array_equal(tiny[:, 0, [2, 5]], np.zeros((100, 2)))


def test_a_flat_picture_stays_flat_under_every_movement():
    flat = np.full((1, 12, 10, 3), 0.3, np.float32)
    for around in (True, False):
        for move in transforms.drawn(RECIPES["show"], (12, 10), around, 3, transforms.STEPS, range(10)):
            assert np.allclose(moved(flat, move, around, True), 0.3, atol=1e-5)


def test_a_quarter_turn_is_a_quarter_turn():
    picture = PICTURE[:, :10]
    recipe = RenderSpec(jitter_px=0, rotate_degrees=90)
    move = transforms.drawn(recipe, (10, 10), False, 3, transforms.STEPS, range(1))[0].copy()
    middle = 4.5
    move[1] = [0, -1, 2 * middle, 1, 0, 0, 0, 0]
    assert np.allclose(moved(picture, move, False, True), np.rot90(picture, 1, (1, 2)), atol=1e-4)


def test_the_gradient_of_a_shift_is_the_shift_back():
    move = transforms.drawn(RECIPES["default"], (12, 10), True, 11, transforms.STEPS, range(1))
    weights = np.random.default_rng(0).random((1, 12, 10, 3)).astype(np.float32)
    _, gradient = backend().value_and_gradient(
        lambda p: (ops.sum(transforms.moved(p, move, True, False) * weights, axis=(1, 2, 3)), ()),
        ops.convert_to_tensor(PICTURE),
    )
    right, down = int(move[0, 0, 2]), int(move[0, 0, 5])
    assert np.allclose(ops.convert_to_numpy(gradient), np.roll(weights, (down, right), (1, 2)))


def test_every_other_step_turns_and_all_fresh_looks_do():
    turning = dataclasses.replace(RECIPES["show"], scale=0.08, rotate_degrees=6.0)

    def turned(series):
        found = transforms.drawn(turning, (32, 32), True, 5, series, range(1, 9))
        return [not np.array_equal(m[1], transforms.IDENTITY[1]) for m in found]

    assert turned(transforms.STEPS) == [True, False] * 4
    assert all(turned(transforms.FRESH))


@pytest.mark.parametrize("series", [transforms.STEPS, transforms.LOUDER_STEPS, transforms.FRESH])
def test_each_step_draws_its_own_numbers_and_always_the_same(series):
    several = transforms.drawn(RECIPES["show"], (32, 32), True, 5, series, range(4, 8))
    for i, step in enumerate(range(4, 8)):
        one = transforms.drawn(RECIPES["show"], (32, 32), True, 5, series, [step])
        assert np.array_equal(several[i], one[0])
    assert len({m.tobytes() for m in several}) == 4
