"""Pictures written as numbers."""

import numpy as np
import pytest
from keras import ops

from reportgen.render.parametrizations import parametrization
from reportgen.render.randomness import key_of
from reportgen.spec import RenderSpec
from reportgen.units import InputRange

KEYS = [key_of(u, "happy", 0) for u in range(8)]
UNIT = InputRange((0.0,), (1.0,))


def pictures(recipe, shape, louder=False, input_range=UNIT):
    made = parametrization(recipe, shape, input_range)
    return made.to_unit(np.asarray(ops.convert_to_numpy(made.to_picture(made.start(KEYS, louder)))))


@pytest.mark.parametrize("shape", [(32, 32, 1), (17, 30, 3), (8, 8, 5)])
@pytest.mark.parametrize("kind", ["pixel", "fourier", "raw"])
def test_a_start_has_the_recipes_mean_and_spread(kind, shape):
    recipe = RenderSpec(parametrization=kind, start_mean=0.5, start_noise=0.04)
    made = pictures(recipe, shape)
    assert made.shape == (8, *shape)
    assert abs(made.mean() - 0.5) < 0.03
    assert 0.02 < made.std() < 0.06


@pytest.mark.parametrize("kind", ["pixel", "fourier", "raw"])
def test_a_louder_start_is_louder_and_another(kind):
    recipe = RenderSpec(parametrization=kind, start_noise=0.02)
    quiet, loud = pictures(recipe, (24, 24, 1)), pictures(recipe, (24, 24, 1), louder=True)
    assert loud.std() > 4 * quiet.std()
    assert abs(np.corrcoef(quiet.ravel(), loud.ravel())[0, 1]) < 0.2


@pytest.mark.parametrize("shape", [(16, 16), (15, 22)])
def test_the_spectrum_is_an_orthonormal_basis_where_nothing_is_weighted(shape):
    recipe = RenderSpec(parametrization="fourier", decay=0.0)
    made = parametrization(recipe, (*shape, 1), UNIT)
    x = np.random.default_rng(0).normal(size=(1, *shape, 1)).astype(np.float32)
    picture = np.asarray(ops.convert_to_numpy(made.to_picture(0.1 * x)))
    waves = np.log(picture / (1 - picture))
    assert np.allclose((waves**2).sum(), (0.01 * x**2).sum(), rtol=1e-3)


def test_broad_waves_weigh_more_than_fine_ones():
    made = parametrization(RenderSpec(parametrization="fourier"), (32, 32, 1), UNIT)

    def contrast(u):
        x = np.zeros((1, 32, 32, 1), np.float32)
        x[0, 0, u, 0] = 0.1
        return float(np.std(np.asarray(ops.convert_to_numpy(made.to_picture(x)))))

    assert contrast(1) / contrast(8) == pytest.approx(8, rel=0.05)


def test_decorrelated_colours_start_mostly_grey():
    plain = pictures(RenderSpec(parametrization="fourier"), (24, 24, 3))
    natural = pictures(RenderSpec(parametrization="fourier", decorrelate=True), (24, 24, 3))

    def colourfulness(p):
        return (p - p.mean(axis=3, keepdims=True)).std() / p.mean(axis=3).std()

    assert colourfulness(natural) < 0.5 * colourfulness(plain)


def test_raw_values_lie_in_the_models_own_range_and_come_back_to_0_1():
    recipe = RenderSpec(parametrization="raw", start_noise=0.05)
    made = parametrization(recipe, (16, 16, 3), InputRange((-1.0, 0.0, 10.0), (1.0, 255.0, 20.0)))
    start = made.start(KEYS, False)
    assert np.allclose(start.mean(axis=(0, 1, 2)), [0.0, 127.5, 15.0], atol=1.5)
    assert abs(made.to_unit(start).mean() - 0.5) < 0.01


def test_pixels_are_put_back_into_their_range():
    made = parametrization(RenderSpec(), (4, 4, 1), UNIT)
    values = np.asarray(ops.convert_to_numpy(made.project(np.linspace(-2, 3, 16).reshape(1, 4, 4, 1))))
    assert values.min() == 0 and values.max() == 1
