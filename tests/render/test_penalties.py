"""What a picture is charged for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from reportgen.render.backend import backend
from reportgen.render.penalties import distance_from_grey, lp_norm, total_variation

pictures = arrays(np.float32, (2, 5, 6, 3), elements=st.floats(0, 1, width=32))
powers = st.sampled_from([1.0, 1.5, 2.0])


def value(function, picture, power):
    found = function(picture, power)
    return np.asarray(found[0] if isinstance(found, tuple) else found)


@settings(max_examples=40, deadline=None)
@given(pictures, powers, st.floats(-1, 1, width=32))
def test_brightness_does_not_change_roughness(picture, power, shift):
    before, after = value(total_variation, picture, power), value(total_variation, picture + shift, power)
    assert np.allclose(before, after, atol=2e-4)


@settings(max_examples=40, deadline=None)
@given(pictures, powers)
def test_roughness_is_never_negative_and_belongs_to_each_picture(picture, power):
    both = value(total_variation, picture, power)
    assert (both >= -1e-7).all()
    assert np.allclose(both[1], value(total_variation, picture[1:], power)[0], atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(pictures, powers)
def test_the_gradient_of_roughness_is_its_slope(picture, power):
    _, derived = backend().value_and_gradient(
        lambda p: (total_variation(p, power)[0], ()), ops.convert_to_tensor(picture)
    )
    told = np.asarray(total_variation(picture, power)[1])
    assert np.allclose(told, ops.convert_to_numpy(derived), atol=1e-5)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_a_flat_picture_is_not_rough(power):
    assert np.allclose(value(total_variation, np.full((1, 8, 8, 1), 0.7, np.float32), power), 0, atol=1e-6)


def test_roughness_of_a_step_is_its_height_times_its_length_a_pixel():
    picture = np.zeros((1, 8, 8, 1), np.float32)
    picture[:, :, 4:] = 0.5
    assert value(total_variation, picture, 1.0)[0] == pytest.approx(0.5 * 7 / 64, rel=1e-2)
    assert value(total_variation, picture, 2.0)[0] == pytest.approx(0.25 * 7 / 64, rel=1e-5)


def test_grey_is_free_and_black_as_dear_as_white():
    def flat(level):
        return float(value(distance_from_grey, np.full((1, 4, 4, 1), level, np.float32), 6.0)[0])

    assert flat(0.5) == 0
    assert flat(0.0) == flat(1.0) == pytest.approx(0.5**6)


def test_the_old_norm_is_the_root_of_the_sum_over_the_number_of_values():
    values = np.random.default_rng(0).uniform(-255, 255, (2, 4, 5, 3)).astype(np.float32)
    wanted = [(np.abs(v.astype(float)) ** 6).sum() ** (1 / 6) / 60 for v in values]
    assert np.allclose(value(lp_norm, values, 6.0), wanted, rtol=1e-4)
