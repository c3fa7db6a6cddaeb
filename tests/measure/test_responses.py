"""Responses are what the network computes inside a map, without the rim."""

import keras
import numpy as np
import pytest

from reportgen.errors import ShapeError
from reportgen.measure import flat_curve, responses
from reportgen.measure.responses import RIM, _reader, sample_positions
from reportgen.units import without_rim

from .nets import cut_of

SIZE = (20, 14, 3)


@pytest.fixture(scope="module")
def brightness():
    """A cut with units red, green minus blue, and a constant; rectified."""
    picture = keras.Input(SIZE)
    conv = keras.layers.Conv2D(3, 1)
    pre = conv(picture)
    kernel = np.array([[1, 0, 0], [0, 1, 0], [0, -1, 0]], np.float32)
    network = keras.Model(picture, [pre, keras.ops.relu(pre)])
    conv.set_weights([kernel[None, None], np.array([0, 0, 0.25], np.float32)])
    return cut_of(network, SIZE, 3)


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).random((7, *SIZE)).astype(np.float32)


def expected(pictures):
    red, difference = pictures[..., 0], np.maximum(pictures[..., 1] - pictures[..., 2], 0)
    return np.stack([red, difference, np.full_like(red, 0.25)], axis=-1)


def test_responses_are_those_of_the_inside_of_the_map(brightness, pictures):
    found = responses(brightness, pictures)
    inner_part = expected(pictures)[:, without_rim(20, RIM), without_rim(14, RIM)]
    assert np.allclose(found["max"], inner_part.max(axis=(1, 2)), atol=1e-6)
    assert np.allclose(found["min"], inner_part.min(axis=(1, 2)), atol=1e-6)
    assert np.allclose(found["mean"], inner_part.mean(axis=(1, 2)), atol=1e-6)


def test_samples_are_the_values_at_their_positions(brightness, pictures):
    rows, columns = sample_positions((20, 14)).T
    found = responses(brightness, pictures)["samples"]
    assert found.shape == (7, 16, 3)
    assert np.allclose(found, expected(pictures)[:, rows, columns], atol=1e-6)


@pytest.mark.parametrize("batch", [1, 3, 7, 32])
def test_responses_do_not_depend_on_the_batch_size(brightness, pictures, batch):
    whole, parts = responses(brightness, pictures, batch=7), responses(brightness, pictures, batch=batch)
    assert all(np.allclose(whole[name], parts[name], atol=1e-6) for name in whole)


def test_bytes_and_floats_give_the_same_responses(brightness, pictures):
    as_bytes = (pictures * 255).round().astype(np.uint8)
    whole, parts = responses(brightness, as_bytes), responses(brightness, as_bytes / 255.0)
    assert all(np.allclose(whole[name], parts[name], atol=1e-6) for name in whole)


def test_a_unit_that_fires_only_at_the_rim_is_silent():
    picture = keras.Input((24, 24, 1))
    conv = keras.layers.Conv2D(1, 3, padding="same", use_bias=False)
    pre = conv(picture)
    kernel = -np.ones((3, 3, 1, 1), np.float32)
    kernel[1, 1] = 8
    conv.set_weights([kernel])
    cut = cut_of(keras.Model(picture, [pre, keras.ops.relu(pre)]), (24, 24, 1), 1)
    flat = np.ones((1, 24, 24, 1), np.float32)
    assert keras.ops.convert_to_numpy(cut.network(flat)[1]).max() > 2
    assert responses(cut, flat)["max"].max() == pytest.approx(0, abs=1e-5)


def test_a_vector_has_one_value_for_each_unit():
    picture = keras.Input((4, 4, 1))
    dense = keras.layers.Dense(2)
    pre = dense(keras.layers.Flatten()(picture))
    cut = cut_of(keras.Model(picture, [pre, pre]), (4, 4, 1), 2)
    asked = np.random.default_rng(1).random((3, 4, 4, 1)).astype(np.float32)
    found = responses(cut, asked)
    value = asked.reshape(3, 16) @ dense.get_weights()[0]
    assert found["samples"].shape == (3, 1, 2)
    for name in ("max", "min", "mean"):
        assert np.allclose(found[name], value, atol=1e-5)


def test_one_network_is_compiled_once_for_any_number_of_pictures(brightness, pictures):
    responses(brightness, pictures[:3], batch=4)
    reader = _reader(brightness.network, brightness.canvas_px, brightness.channels)
    assert reader is _reader(brightness.network, brightness.canvas_px, brightness.channels)
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow counts its traces")
    before = reader.predict_function.experimental_get_tracing_count()
    for n in (1, 2, 5, 7):
        responses(brightness, pictures[:n], batch=4)
    flat_curve(brightness, batch=4)
    assert reader.predict_function.experimental_get_tracing_count() == before


def test_values_beyond_float16_are_clipped_in_samples_only():
    picture = keras.Input((4, 4, 1))
    network = keras.Model(picture, [picture * 1e6, picture * 1e6])
    found = responses(cut_of(network, (4, 4, 1), 1), np.ones((1, 4, 4, 1), np.float32))
    assert np.isfinite(found["samples"].astype(np.float16)).all()
    assert found["max"].item() == pytest.approx(1e6)


def test_the_flat_curve_of_a_linear_unit_is_a_line(brightness):
    curve = flat_curve(brightness)
    assert np.allclose(curve["level"], np.linspace(0, 1, 9))
    assert np.allclose(curve["response"][:, 0], curve["level"], atol=1e-6)
    assert np.allclose(curve["response"][:, 1], 0, atol=1e-6)
    assert np.allclose(curve["colour_response"], expected(curve["colour"]), atol=1e-6)


def test_flat_colours_are_eighteen_and_none_is_grey(brightness):
    colours = flat_curve(brightness)["colour"]
    assert len(np.unique(colours, axis=0)) == 18
    assert (np.ptp(colours, axis=1) > 0).all()


def test_grey_models_have_no_flat_colours():
    picture = keras.Input((5, 5, 1))
    assert set(flat_curve(cut_of(keras.Model(picture, [picture, picture]), (5, 5, 1), 1))) == {
        "level",
        "response",
    }


def test_samples_lie_inside_and_the_first_few_are_spread():
    for size in [(1, 1), (2, 3), (7, 7), (56, 40)]:
        rows, columns = sample_positions(size).T
        for at, n in ((rows, size[0]), (columns, size[1])):
            assert at.min() >= without_rim(n, RIM).start
            assert at.max() < without_rim(n, RIM).stop
    first = sample_positions((56, 56))[:4]
    assert np.ptp(first, axis=0).min() > 14


@pytest.mark.parametrize("wrong", [np.zeros((2, 5, 5, 3), np.float32), np.zeros((2, *SIZE), np.int64)])
def test_pictures_of_another_canvas_or_type_are_refused(brightness, wrong):
    with pytest.raises(ShapeError, match="wanted"):
        responses(brightness, wrong)
