"""Where pictures start, and where a step takes them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from reportgen.render.parametrizations import parametrization
from reportgen.render.randomness import key_of
from reportgen.render.spectra import OPPONENT, frequencies, measured_spectrum
from reportgen.spec import RECIPES, SPECTRUM_FREQUENCIES, RenderSpec
from reportgen.units import InputRange

KEYS = [key_of(u, "happy", 0) for u in range(8)]
UNIT = InputRange((0.0,), (1.0,))


def pictures(recipe, shape, louder=False, input_range=UNIT):
    made = parametrization(recipe, shape, input_range)
    return made.to_unit(made.start(KEYS, louder))


def stepped(made, x, change):
    x = np.asarray(x, np.float32)
    return ops.convert_to_numpy(made.stepped(x, made.direction(x, np.asarray(change, np.float32))))


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
def test_a_step_is_taken_as_it_is_where_no_wave_is_weighed(shape):
    made = parametrization(RenderSpec(parametrization="fourier", decay=0.0), (*shape, 3), UNIT)
    change = 0.1 * np.random.default_rng(0).normal(size=(2, *shape, 3))
    assert np.allclose(
        stepped(made, np.full((2, *shape, 3), 0.5), change), np.clip(0.5 - change, 0, 1), atol=1e-5
    )


def test_a_step_goes_further_along_broad_waves_than_along_fine_ones():
    made = parametrization(RenderSpec(parametrization="fourier"), (32, 32, 1), UNIT)

    def contrast(waves):
        change = np.broadcast_to(
            0.01 * np.cos(2 * np.pi * waves * np.arange(32) / 32)[:, None, None], (32, 32, 1)
        )
        return stepped(made, np.full((1, 32, 32, 1), 0.5), change[None]).std()

    assert contrast(1) / contrast(8) == pytest.approx(8, rel=0.05)


@pytest.mark.parametrize("kind", ["pixel", "fourier"])
def test_what_cannot_move_further_does_not_hold_the_rest_back(kind):
    # Only the green of a black picture is wanted; red and blue, at their end, would drag it down.
    made = parametrization(RenderSpec(parametrization=kind, decorrelate=kind == "fourier"), (16, 16, 3), UNIT)
    x = np.zeros((1, 16, 16, 3))
    for _ in range(200):
        x = stepped(made, x, np.broadcast_to([0.02, -0.02, 0.02], x.shape))
    assert np.allclose(x, np.broadcast_to([0, 1, 0], x.shape))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_small_step_of_broad_waves_raises_what_it_is_the_gradient_of(seed):
    # Every weight is positive: a step never leads down, wherever values are at an end of their range.
    rng = np.random.default_rng(seed)
    made = parametrization(RenderSpec(parametrization="fourier", decorrelate=True), (8, 8, 3), UNIT)
    uphill = rng.normal(size=(1, 8, 8, 3))
    x = np.clip(rng.normal(0.5, 1.0, size=(1, 8, 8, 3)), 0, 1)
    assert np.sum(uphill * (stepped(made, x, -1e-4 * uphill) - x)) >= -1e-5


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
    values = stepped(made, np.full((1, 4, 4, 1), 0.5), np.linspace(-2, 3, 16).reshape(1, 4, 4, 1))
    assert values.min() == 0 and values.max() == 1


def quiet_spectrum(colours):
    """Return amplitudes so small that no picture with them leaves [0,1]."""
    return tuple(0.02 / (k + 1) / f for k in range(colours) for f in np.geomspace(1, 64, 16))


@pytest.mark.parametrize("shape", [(32, 32, 3), (24, 40, 1), (17, 20, 3)])
@pytest.mark.parametrize("given", [True, False])
def test_a_picture_of_phases_has_the_given_spectrum_wherever_its_steps_lead(shape, given):
    colours = shape[2]
    recipe = RenderSpec(
        parametrization="phases", start_noise=0.01, spectrum=quiet_spectrum(colours) if given else ()
    )
    made = parametrization(recipe, shape, UNIT)
    numbers = stepped(made, made.start(KEYS, False), np.random.default_rng(0).normal(size=(8, *shape)))
    values = made.to_unit(numbers) - 0.5
    if colours == 3:
        values = values @ OPPONENT.T
    waves = np.abs(np.fft.fft2(values, axes=(1, 2), norm="ortho"))
    at = frequencies(*shape[:2])
    assert np.allclose(waves[:, 0, 0], 0, atol=1e-5)
    assert np.std(waves, axis=0).max() < 1e-4  # phases differ between pictures, amplitudes do not
    if not given:
        assert np.allclose((waves[0] * at[..., None])[at > 0], (waves[0] * at[..., None])[0, 1], rtol=1e-2)
        return
    wanted = np.reshape(recipe.spectrum, (colours, -1))
    for k in range(colours):
        found = np.interp(np.log(at[at > 0]), np.log(SPECTRUM_FREQUENCIES), wanted[k])
        assert np.allclose(waves[0, ..., k][at > 0], found, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_spectrum_of_pictures_with_a_known_one_is_found_again(channels):
    wanted = tuple(0.3 / f for _ in range(channels) for f in np.geomspace(1, 16, 16))
    recipe = RenderSpec(parametrization="phases", spectrum=wanted)
    made = parametrization(recipe, (96, 96, channels), UNIT)
    starts = made.start([key_of(u, "happy", 0) for u in range(24)], False)
    pictures = np.round(255 * made.to_unit(starts)).astype(np.uint8)
    found = measured_spectrum(pictures)
    # The lowest waves are not in a picture of 96 px, and leak into each other where they are few.
    assert len(found) == len(wanted)
    for k in range(channels):
        assert np.allclose(found[16 * k + 6 : 16 * k + 16], wanted[6:16], rtol=0.2)


def test_pictures_of_lucid_start_mild_and_coloured_as_photographs():
    start = pictures(RECIPES["lucid"], (32, 32, 3))
    assert abs(start.mean() - 0.5) < 0.02 and start.std() < 0.1
    assert start.min() > 0 and start.max() < 1
