"""Jobs in, pictures out."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from reportgen.models import cut_model
from reportgen.render import (
    Job,
    arithmetic,
    device_name,
    render_units,
    suggest_batch,
    transforms,
    use_arithmetic,
)
from reportgen.render.batch_runner import FRESH
from reportgen.render.batch_size import picture_bytes
from reportgen.render.optimise import ascent
from reportgen.render.randomness import key_of
from reportgen.spec import RECIPES, for_kind
from tests.models.nets import loaded

from .planted import convolution, cut_of, edge, neurons

QUICK = dataclasses.replace(RECIPES["default"], steps=16, min_steps=8, window=4)
JOBS = [Job(u, sign, seed) for u in range(3) for sign in ("happy", "sad") for seed in range(2)]


@pytest.fixture(scope="module")
def cut():
    kernels = np.stack([edge(angle=a) for a in (0.0, 0.8, 1.6)], axis=-1)[:, :, None]
    return convolution(kernels, canvas=(12, 12))


def done(*args, **kwargs):
    return [r for part in render_units(*args, **kwargs) for r in part]


@pytest.mark.parametrize("batch", [1, 3, 8, 64])
def test_each_job_comes_back_once(cut, batch):
    jobs = [r.job for r in done(cut, iter(JOBS), QUICK, batch=batch)]
    assert len(jobs) == len(JOBS) and set(jobs) == set(JOBS)


def test_no_jobs_are_no_pictures(cut):
    assert done(cut, [], QUICK, batch=4) == []


def test_stopping_keeps_what_is_complete_and_drops_the_rest(cut):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 6

    recipe = dataclasses.replace(QUICK, plateau=0.0)
    found = done(cut, JOBS, recipe, batch=4, stop=stop)
    assert 0 < len(found) < len(JOBS)
    assert all(r.telemetry.steps == 16 for r in found)
    assert done(cut, JOBS, recipe, batch=4, stop=lambda: True) == []


def test_a_new_number_never_traces_again(cut):
    done(cut, JOBS, QUICK, batch=4)
    engine = ascent(cut, QUICK, 4)
    before = engine.traces[0]
    for change in (
        {"tv": 0.3}, {"step_size": 0.1}, {"jitter_px": 5}, {"steps": 12}, {"plateau": 0.2},
    ):  # fmt: skip
        done(cut, JOBS[::-1], dataclasses.replace(QUICK, **change), batch=4)
    assert engine.traces[0] == before and ascent(cut, QUICK, 4).traces is engine.traces


@pytest.mark.parametrize("chosen", [slice(None, None, -1), slice(0, 3), slice(1, 2)])
def test_a_picture_is_the_same_to_the_last_bit_whatever_else_is_to_be_done(cut, chosen):
    recipe = dataclasses.replace(QUICK, steps=48, plateau=0.0)
    whole = {r.job: r for r in done(cut, JOBS, recipe, batch=8)}
    for render in done(cut, JOBS[chosen], recipe, batch=8):
        assert np.array_equal(render.picture, whole[render.job].picture)
        assert render.telemetry.activation_end == whole[render.job].telemetry.activation_end


DENSE_SHOW = dataclasses.replace(
    for_kind(RECIPES["show"], "dense"), steps=8, min_steps=8, window=4, optimiser="adam"
)


@pytest.mark.parametrize("sign", ["happy", "sad"])
@pytest.mark.parametrize(
    "turns", [{}, {"scale": 0.1, "rotate_degrees": 10.0}, {"jitter_px": 3}, {"jitter_px": 3, "scale": 0.1}]
)
def test_a_finished_picture_of_a_neuron_is_evaluated_as_it_is_and_under_turns_that_no_step_used(turns, sign):
    weights = np.random.default_rng(0).normal(size=(32, 32, 1, 2)).astype(np.float32)
    recipe = dataclasses.replace(DENSE_SHOW, **turns)
    (render,) = done(neurons(weights), [Job(1, sign, 5)], recipe, batch=2)
    picture = render.picture[None].astype(np.float32) / 255.0
    # A neuron sees the whole input: its picture is never shifted around its own edges.
    moves = transforms.drawn(recipe, (32, 32), False, key_of(1, sign, 5), transforms.FRESH, range(FRESH))
    factor = 1.0 if sign == "happy" else -1.0

    def response(seen):
        return factor * float(np.sum(np.asarray(ops.convert_to_numpy(seen))[0] * weights[..., 1]))

    rounding = 4 / 255 / 12**0.5 * float(np.linalg.norm(weights[..., 1]))  # Four standard deviations.
    told = render.telemetry
    assert told.activation_end == pytest.approx(response(picture), abs=rounding)
    expected = [response(transforms.moved(picture, move[None], False, True)) for move in moves]
    assert told.activation_transformed == pytest.approx(expected, abs=rounding)
    assert np.ptp(expected) > 10 * rounding and all(abs(e - told.activation_end) > rounding for e in expected)


def test_turns_cost_a_neuron_of_fine_detail_its_activation_and_one_of_a_disc_nothing():
    y, x = np.mgrid[:32, :32] - 15.5
    board = np.where((np.indices((32, 32)).sum(0) % 2) > 0, 1.0, -1.0)
    disc = np.where(np.hypot(y, x) < 8, 1.0, -1.0)
    weights = np.stack([board, disc], axis=-1)[:, :, None]
    recipe = dataclasses.replace(
        for_kind(RECIPES["default"], "dense"), scored=False, steps=16, min_steps=16, tv=0.0,
        scale=0.1, rotate_degrees=10.0,
    )  # fmt: skip
    kept = {
        r.job.unit: np.mean(r.telemetry.activation_transformed) / r.telemetry.activation_end
        for r in done(neurons(weights), [Job(0, "happy", 0), Job(1, "happy", 0)], recipe, batch=2)
    }
    assert kept[0] < 0.3 and kept[1] > 0.85


def test_a_plateau_stops_early_and_zero_never_does(cut):
    patient = dataclasses.replace(QUICK, steps=48, plateau=0.0)
    eager = dataclasses.replace(QUICK, steps=48, plateau=0.5)
    assert {r.telemetry.steps for r in done(cut, JOBS, patient, batch=8)} == {48}
    early = done(cut, JOBS, eager, batch=8)
    assert all(r.telemetry.stop_reason == "converged" and 8 <= r.telemetry.steps < 48 for r in early)


def test_steps_need_not_be_whole_windows(cut):
    recipe = dataclasses.replace(QUICK, steps=10, plateau=0.0)
    assert {r.telemetry.steps for r in done(cut, JOBS, recipe, batch=4)} == {10}


def test_a_picture_without_numbers_fails_in_words_and_the_others_go_on():
    def breaks_where_it_is_bright(x):
        brightness = keras.layers.GlobalAveragePooling2D()(x)
        margin = keras.ops.sqrt(0.7 - brightness)
        return [keras.ops.concatenate([margin, brightness + 0.0 * margin], axis=1)] * 2

    cut = cut_of(breaks_where_it_is_bright, (8, 8), 1)
    recipe = dataclasses.replace(QUICK, plateau=0.0, step_size=0.1)
    found = {r.job.unit: r for r in done(cut, [Job(0, "happy", 0), Job(1, "happy", 0)], recipe, batch=2)}
    assert not found[0].failure and found[0].picture.mean() < 20 and found[0].telemetry.steps == 16
    assert "not finite" in found[1].failure
    assert found[1].telemetry.stop_reason == "non_finite" and found[1].telemetry.non_finite > 0
    assert found[1].picture.dtype == np.uint8


def test_a_network_of_nan_fails_in_words_for_every_unit(cut):
    kernels = np.full((3, 3, 1, 2), np.nan)
    for render in done(
        convolution(kernels, canvas=(8, 8)), [Job(u, "happy", 0) for u in range(2)], QUICK, batch=2
    ):
        assert "not finite" in render.failure and render.picture.shape == (8, 8, 1)
        assert abs(render.picture.mean() - 128) < 10


def test_maps_of_one_place_and_pictures_that_are_not_square_work():
    def one_place(x):
        pre = keras.layers.Conv2D(2, (6, 9))(x)
        return pre, keras.layers.ReLU()(pre)

    for recipe in (QUICK, dataclasses.replace(RECIPES["show"], steps=8, min_steps=4, window=4)):
        found = done(cut_of(one_place, (6, 9), 3), [Job(u, "happy", 0) for u in range(2)], recipe, batch=2)
        for render in found:
            assert render.picture.shape == (6, 9, 3)
            assert render.telemetry.activation_end > render.telemetry.activation_start


def test_a_batch_is_suggested_and_the_device_named(cut):
    assert 1 <= suggest_batch(cut) <= 128
    huge = convolution(np.zeros((3, 3, 1, 64)), canvas=(512, 512))
    assert suggest_batch(huge) < suggest_batch(cut)
    assert device_name().strip()


def test_a_picture_takes_the_bytes_of_its_own_canvas_not_of_the_model_s_input(tmp_path):
    blocks = [keras.layers.Conv2D(32, 3, activation="relu") for _ in range(3)]
    network = loaded(keras.Sequential([keras.Input((256, 256, 3)), *blocks]), tmp_path)
    layer = network.layers[-1]
    small, large = (picture_bytes(cut_model(network, layer, (side, side))) for side in (64, 256))
    assert 12 < large / small < 20


def test_in_bfloat16_the_same_is_found(cut):
    def answers():
        found = {r.job: r.telemetry.activation_end for r in done(cut, JOBS, QUICK, batch=8)}
        return np.array([found[job] for job in JOBS])

    plain = answers()
    if use_arithmetic("bfloat16") != "bfloat16":
        pytest.skip(f"{device_name()} computes in float32 alone")
    try:
        short = answers()
        assert arithmetic() == "bfloat16"
    finally:
        use_arithmetic("float32")
    assert not np.array_equal(short, plain)
    # Numbers of 8 bits, and steps long enough that a unit near its switch may go the other way.
    assert np.allclose(short, plain, atol=0.08 * np.abs(plain).max())
    assert np.allclose(answers(), plain, atol=1e-5 * np.abs(plain).max())
