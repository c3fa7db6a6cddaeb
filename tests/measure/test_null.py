"""The null: objectives that favour no frequency, no direction and no brightness."""

import keras
import numpy as np
import pytest

from reportgen.errors import ShapeError
from reportgen.measure import null_cuts
from reportgen.measure.null import white_kernels, white_templates
from reportgen.units import InputRange


@pytest.mark.parametrize("size", [3, 5, 7, 9])
def test_kernels_have_the_same_power_at_every_frequency_but_zero(size):
    kernels = white_kernels(size, 3, 10, seed=0)
    power = abs(np.fft.fft2(kernels, axes=(0, 1))) ** 2
    assert np.allclose(power[0, 0], 0, atol=1e-9)
    rest = power.reshape(size * size, 3, 10)[1:]
    assert np.allclose(rest, rest.mean(), rtol=1e-3)
    assert np.allclose((kernels**2).sum(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_kernels_and_templates_differ_from_one_another_and_depend_on_the_seed():
    for draw in (lambda s: white_kernels(7, 3, 48, s), lambda s: white_templates((16, 16), 3, 16, s)):
        flat = draw(0).reshape(-1, draw(0).shape[-1])
        cosines = flat.T @ flat - np.eye(flat.shape[1])
        assert abs(cosines).max() < 0.5
        assert np.array_equal(draw(0), draw(0))
        assert not np.allclose(draw(0), draw(1))


def test_a_map_null_has_thirty_two_units_that_are_never_negative():
    (cut,) = null_cuts((24, 32), 3, "map")
    assert cut.n_units == 32
    asked = np.random.default_rng(0).random((4, 24, 32, 3)).astype(np.float32)
    pre, post = (keras.ops.convert_to_numpy(v) for v in cut.network(asked))
    assert pre.shape == (4, 24, 32, 32)
    assert np.array_equal(pre, post)
    assert pre.min() >= 0
    assert (pre.max(axis=(0, 1, 2)) > 0).all()
    assert cut.is_map


def test_a_map_unit_is_the_mean_of_six_rectified_kernels():
    (cut,), n = null_cuts((12, 12), 1, "map"), 8
    kernels = white_kernels(3, 1, 6 * n, 0)[:, :, 0]
    patch = np.random.default_rng(1).random((12, 12)).astype(np.float32)
    expected = np.maximum(np.einsum("ijk,ij->k", kernels, patch[4:7, 4:7]), 0).reshape(n, 6).mean(axis=1)
    value = keras.ops.convert_to_numpy(cut.network(patch[None, :, :, None])[0])[0, 5, 5, :n]
    assert np.allclose(value, expected, atol=1e-5)


def test_no_unit_responds_to_brightness():
    for cut in null_cuts((24, 24), 3, "map") + null_cuts((24, 24), 3, "vector"):
        flat = np.broadcast_to(np.array([0.9, 0.2, 0.5], np.float32), (1, 24, 24, 3))
        value = keras.ops.convert_to_numpy(cut.network(flat)[0])
        middle = value[:, 6:-6, 6:-6] if cut.is_map else value
        assert abs(middle).max() < 1e-5


def test_a_vector_null_is_kernels_over_the_whole_picture_and_sixteen_templates():
    whole, pixels = null_cuts((10, 14), 3, "vector")
    assert (whole.n_units, pixels.n_units) == (8, 16)
    assert not (whole.is_map or pixels.is_map)
    templates = white_templates((10, 14), 3, 16, 0)
    found = keras.ops.convert_to_numpy(pixels.network(templates.transpose(3, 0, 1, 2))[0])
    assert np.allclose(np.diag(found), 1, atol=1e-4)
    kernels = white_kernels(3, 3, 24, 0)
    picture = np.random.default_rng(3).random((1, 10, 14, 3)).astype(np.float32)
    patches = np.lib.stride_tricks.sliding_window_view(picture[0], (3, 3), axis=(0, 1))
    expected = np.maximum(np.einsum("yxcij,ijck->yxk", patches, kernels), 0).mean(axis=(0, 1))
    of_whole = keras.ops.convert_to_numpy(whole.network(picture)[0])[0, :4]
    assert np.allclose(expected.reshape(4, 6).mean(axis=1), of_whole, atol=1e-5)


def test_the_raw_network_takes_pictures_in_the_models_own_range():
    scale = InputRange((-1.0, 0.0, 2.0), (1.0, 255.0, 3.0))
    asked = np.random.default_rng(0).random((2, 16, 16, 3)).astype(np.float32)
    raw = asked * (np.array(scale.high) - np.array(scale.low)) + np.array(scale.low)
    for cut in [c for kind in ("map", "vector") for c in null_cuts((16, 16), 3, kind, input_range=scale)]:
        a, b = cut.network(asked)[0], cut.raw_network(raw.astype(np.float32))[0]
        assert np.allclose(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b), atol=1e-4)


def test_kernels_too_large_for_the_canvas_are_left_out():
    assert sum(cut.n_units for cut in null_cuts((12, 40), 1, "map")) == 16
    with pytest.raises(ShapeError):
        null_cuts((5, 40), 1, "map")


def test_a_large_canvas_has_the_same_units_in_one_network_for_each_kernel_size():
    small, large = null_cuts((48, 48), 1, "map"), null_cuts((64, 64), 1, "map")
    assert [cut.n_units for cut in small] == [32]
    assert [cut.n_units for cut in large] == [8, 8, 8, 8]
    patch = np.random.default_rng(2).random((1, 64, 64, 1)).astype(np.float32)
    whole = keras.ops.convert_to_numpy(small[0].network(patch[:, :48, :48])[0])[0, 20, 20]
    apart = [keras.ops.convert_to_numpy(cut.network(patch)[0])[0, 20, 20] for cut in large]
    assert np.allclose(whole, np.concatenate(apart), atol=1e-5)


def test_half_of_the_units_treat_all_channels_the_same():
    kernels = white_kernels(5, 3, 8, 0)
    templates = white_templates((12, 12), 3, 8, 0)
    for drawn in (kernels, templates):
        apart = np.abs(drawn - drawn[:, :, :1]).max(axis=(0, 1, 2))
        assert (apart[:4] > 0.01).all()
        assert (apart[4:] < 1e-7).all()
