"""Pictures of units that are known: each trap that turns a good unit into a wrong picture."""

import dataclasses

import keras
import numpy as np
import pytest

from reportgen.render import Job, render_units
from reportgen.render.batch_runner import FRESH
from reportgen.render.parametrizations import parametrization
from reportgen.render.randomness import key_of
from reportgen.spec import CHOICES, RECIPES, RenderSpec

from .planted import answers, convolution, cut_of, edge, neurons, orientation

QUICK = dataclasses.replace(RECIPES["default"], steps=48, min_steps=32, window=8)
SHOW = dataclasses.replace(RECIPES["show"], steps=48, min_steps=48, window=8)


def rendered(cut, units, recipe=QUICK, signs=("happy",), seeds=(0,), batch=16):
    jobs = [Job(u, sign, seed) for u in units for sign in signs for seed in seeds]
    return {
        (r.job.unit, r.job.sign, r.job.seed): r
        for part in render_units(cut, jobs, recipe, batch=batch)
        for r in part
    }


EDGE, BRIGHT, SPARSE, DEAD, ALWAYS_ON, LOUD, ZERO, FRAME = range(8)


def planted_units():
    kernels, wave = np.zeros((5, 5, 1, 8)), edge()
    for unit in (EDGE, SPARSE, DEAD, ALWAYS_ON):
        kernels[:, :, 0, unit] = wave
    kernels[:, :, 0, BRIGHT] = 1 / 25
    kernels[:, :, 0, LOUD] = 1000 * wave
    kernels[:, :, 0, FRAME] = -1 / 25
    biases = np.zeros(8)
    biases[[SPARSE, DEAD, ALWAYS_ON]] = -0.2, -10.0, 5.0
    return kernels, biases


@pytest.fixture(scope="module")
def planted():
    return convolution(*planted_units())


@pytest.fixture(scope="module")
def pictures(planted):
    return rendered(planted, range(8), signs=("happy", "sad"), seeds=(0, 1))


def test_an_edge_detector_is_drawn_as_edges_of_its_orientation(pictures):
    assert all(orientation(pictures[EDGE, sign, 0].picture) > 0.7 for sign in ("happy", "sad"))


def test_a_linear_unit_gets_near_the_most_any_picture_can_give_it(planted, pictures):
    """Over pixels in [0,1] a kernel reaches its positive sum at most."""
    most = np.maximum(edge(), 0).sum()
    for seed in (0, 1):
        reached = answers(planted, pictures[EDGE, "happy", seed].picture[None])[0, 3:-3, 3:-3, EDGE].max()
        assert 0.8 * most < reached <= most * 1.001


def test_somewhere_a_linear_kernel_stands_in_its_picture(pictures):
    picture, kernel = pictures[EDGE, "happy", 0].picture[..., 0] / 255.0, edge()
    patches = np.lib.stride_tricks.sliding_window_view(picture, (5, 5)).reshape(-1, 25)
    patches = patches[patches.std(axis=1) > 0.05]
    assert max(np.corrcoef(patch, kernel.ravel())[0, 1] for patch in patches) > 0.75


def test_a_unit_that_wants_brightness_is_white_and_its_opposite_black(pictures):
    assert pictures[BRIGHT, "happy", 0].picture[3:-3, 3:-3].mean() > 245
    assert pictures[BRIGHT, "sad", 0].picture[3:-3, 3:-3].mean() < 10


def test_sad_lowers_what_happy_raises(planted, pictures):
    grey = answers(planted, np.full((1, 24, 24, 1), 128))[0, 3:-3, 3:-3]
    for unit in (EDGE, BRIGHT, ALWAYS_ON, LOUD):
        happy, sad = (
            answers(planted, pictures[unit, s, 0].picture[None])[0, 3:-3, 3:-3, unit]
            for s in ("happy", "sad")
        )
        assert happy.max() > grey[..., unit].max() and sad.min() < grey[..., unit].min()
        assert happy.max() - sad.min() > 0
    assert (
        pictures[EDGE, "happy", 0].telemetry.activation_end
        > pictures[EDGE, "happy", 0].telemetry.activation_start
    )


def test_a_unit_that_is_always_on_still_shows_its_pattern(pictures):
    """Trap: the positive part never clips, and the objective becomes a plain mean without a gradient."""
    render = pictures[ALWAYS_ON, "happy", 0]
    assert orientation(render.picture) > 0.7
    assert render.telemetry.moved > 0.3


def test_a_silent_start_is_rescued(pictures):
    """Trap: a unit that is off at the start has no gradient through its positive part."""
    render = pictures[SPARSE, "happy", 0]
    assert orientation(render.picture) > 0.7
    assert render.telemetry.rescue == "cell-maxima"
    assert render.telemetry.activation_end > 0 and render.telemetry.reduction == "positive-mean"


def test_a_dead_unit_is_recognised_by_its_telemetry(pictures):
    told = pictures[DEAD, "happy", 0].telemetry
    assert told.reduction == "cell-maxima" and told.activation_best < -8


def test_a_unit_that_hears_nothing_ends_where_it_began(pictures):
    told = pictures[ZERO, "happy", 0].telemetry
    assert told.gradient_start == 0 and told.moved == 0 and told.activation_end == told.activation_start
    assert told.rescue == "louder-start" and told.stop_reason == "converged" and told.steps < QUICK.steps


def test_a_unit_a_thousand_times_louder_has_the_same_picture(pictures):
    """Trap: a penalty's weight means something else for each unit, unless it is relative."""
    quiet, loud = (pictures[unit, "happy", 0].telemetry for unit in (EDGE, LOUD))
    assert loud.activation_end == pytest.approx(1000 * quiet.activation_end, rel=0.1)
    assert loud.gradient_start == pytest.approx(1000 * quiet.gradient_start, rel=0.3)


@pytest.mark.parametrize(
    ("low", "high", "loud"), [(0, 255, 1), (-1, 1, 1), (0, 1, 1e-3), (0, 1, 1e3), (-1, 1, 1e3)]
)
def test_neither_the_input_range_nor_how_loud_a_layer_is_changes_the_picture(low, high, loud):
    kernels = edge()[:, :, None, None]
    heavy = dataclasses.replace(QUICK, tv=0.3)
    one = rendered(convolution(kernels), [0], heavy)[0, "happy", 0]
    other = rendered(convolution(loud * kernels, low=float(low), high=float(high)), [0], heavy)[0, "happy", 0]
    # A few pixels stand where rounding decides to which end they go.
    assert np.mean(np.abs(one.picture.astype(int) - other.picture) <= 2) > 0.95
    times = loud * (high - low)
    assert other.telemetry.activation_end == pytest.approx(times * one.telemetry.activation_end, rel=0.02)


def test_more_tv_makes_smoother_pictures(planted):
    def rough(tv):
        picture = (
            rendered(planted, [EDGE], dataclasses.replace(QUICK, tv=tv))[EDGE, "happy", 0].picture / 255.0
        )
        return np.abs(np.diff(picture, axis=0)).mean() + np.abs(np.diff(picture, axis=1)).mean()

    assert rough(0.01) > rough(1.0) > rough(3.0)


def test_the_zero_padded_frame_draws_no_frame(pictures):
    """Trap: a darkness detector answers least on the padded frame, a brightness detector's sad most."""
    picture = pictures[FRAME, "happy", 0].picture.astype(float)
    inner, frame = (
        picture[6:-6, 6:-6].mean(),
        np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]).mean(),
    )
    assert inner < 10 and frame < 40


def test_a_dense_unit_is_drawn_as_its_weights():
    weights = np.random.default_rng(0).normal(size=(10, 10, 1, 2))
    recipe = dataclasses.replace(QUICK, jitter_px=0, tv=0.0)
    for (unit, sign, _), render in rendered(neurons(weights), [0, 1], recipe, signs=("happy", "sad")).items():
        wanted = np.sign(weights[..., unit]) * (1 if sign == "happy" else -1)
        assert np.corrcoef(render.picture.ravel(), wanted.ravel())[0, 1] > 0.95
        assert render.telemetry.reduction == "neuron"


def two_layers(x):
    first = keras.layers.Conv2D(
        6, 3, padding="same", activation="relu", kernel_initializer=keras.initializers.GlorotNormal(1)
    )
    second = keras.layers.Conv2D(3, 3, padding="same", kernel_initializer=keras.initializers.GlorotNormal(2))
    pre = second(keras.layers.MaxPooling2D()(first(x)))
    return pre, keras.layers.ReLU()(pre)


@pytest.mark.parametrize("objective", ["pre", "post"])
@pytest.mark.parametrize("parametrization", CHOICES["parametrization"])
@pytest.mark.parametrize("reduction", ["leaky-mean", pytest.param("mean", marks=pytest.mark.slow)])
def test_every_ascent_ascends(parametrization, objective, reduction):
    base = {"fourier": SHOW, "spectrum": RECIPES["lucid"], "phases": RECIPES["maco"]}.get(
        parametrization, QUICK
    )
    recipe = dataclasses.replace(
        base,
        parametrization=parametrization,
        objective=objective,
        reduction=reduction,
        steps=24,
        min_steps=24,
    )
    cut = cut_of(two_layers, (16, 16), 3, -1.0, 1.0)
    for render in rendered(cut, range(3), recipe).values():
        told = render.telemetry
        assert not render.failure
        if told.gradient_start > 0:
            assert told.activation_end > told.activation_start
            assert told.activation_best >= told.activation_end and told.moved > 0.01


def test_display_pictures_show_the_same_orientation(planted):
    assert orientation(rendered(planted, [EDGE], SHOW)[EDGE, "happy", 0].picture) > 0.7


def test_the_old_recipe_takes_the_old_steps():
    """Two softmax neurons by hand: gradient over its L2 norm, RMSProp, standardised picture."""
    weights = np.random.default_rng(0).normal(size=(8, 8, 3, 2)) / 2000
    recipe = dataclasses.replace(RECIPES["keras-vis-2019"], steps=20, min_steps=20, window=10, tv=0.0, lp=0.0)
    cut = neurons(weights, activation="softmax", low=0.0, high=255.0)
    x = parametrization(recipe, (8, 8, 3), cut.input_range).start([key_of(0, "happy", 0)], False)[0]
    x, cache, best, lowest = x.astype(float), np.zeros(x.shape), None, np.inf
    for _ in range(20):
        p = 1 / (1 + np.exp(-(x * (weights[..., 0] - weights[..., 1])).sum()))
        gradient = -p * (1 - p) * (weights[..., 0] - weights[..., 1])
        gradient /= np.sqrt((gradient**2).sum())
        cache = 0.95 * cache + 0.05 * gradient**2
        x = x - gradient / np.sqrt(cache + 1e-7)
        best, lowest = (x, -p) if -p < lowest else (best, lowest)
    wanted = np.clip(0.5 + 0.1 * (best - best.mean()) / best.std(), 0, 1) * 255
    render = rendered(cut, [0], recipe)[0, "happy", 0]
    assert np.abs(render.picture - wanted).max() <= 1.0
    assert render.telemetry.activation_end > render.telemetry.activation_start
    assert render.telemetry.steps == 20 and render.telemetry.rescue == ""


def test_the_old_penalties_pull_values_to_zero_and_neighbours_together():
    weights = np.random.default_rng(0).normal(size=(8, 8, 3, 2)) / 2000
    cut = neurons(weights, activation="softmax", low=0.0, high=255.0)
    recipe = dataclasses.replace(RECIPES["keras-vis-2019"], steps=50, min_steps=50, output="clip")

    def picture(**numbers):
        return rendered(cut, [0], dataclasses.replace(recipe, **numbers))[0, "happy", 0].picture / 255.0

    free, dear, smooth = picture(tv=0.0, lp=0.0), picture(tv=0.0, lp=1e3), picture(tv=10.0, lp=0.0)
    assert dear.max() < free.max()
    assert np.abs(np.diff(smooth, axis=0)).mean() < 0.5 * np.abs(np.diff(free, axis=0)).mean()


def test_a_picture_is_the_same_in_any_company(planted, pictures):
    alone = rendered(planted, [EDGE], batch=1)[EDGE, "happy", 0].picture.astype(int)
    # A few pixels stand where rounding decides to which end they go.
    assert np.mean(np.abs(alone - pictures[EDGE, "happy", 0].picture) <= 1) > 0.98


def test_other_seeds_give_other_pictures_and_the_same_seed_the_same(planted, pictures):
    again = rendered(planted, range(8), signs=("happy", "sad"), seeds=(0, 1))
    assert all(
        np.mean(np.abs(again[k].picture.astype(int) - pictures[k].picture) <= 1) > 0.99 for k in pictures
    )
    assert (
        np.abs(pictures[EDGE, "happy", 0].picture.astype(int) - pictures[EDGE, "happy", 1].picture).mean()
        > 20
    )


def test_pictures_and_their_telemetry_are_complete(pictures):
    for render in pictures.values():
        told = render.telemetry
        assert render.picture.dtype == np.uint8 and render.picture.shape == (24, 24, 1)
        assert render.seconds > 0 and not render.failure
        assert 1 <= len(told.curve) <= 32
        assert told.stop_reason in ("converged", "max_steps") and told.steps <= 2 * QUICK.steps
        assert [s for s, _ in told.curve] == sorted({s for s, _ in told.curve})


def test_display_pictures_are_evaluated_under_fresh_transforms_and_scored_ones_are_not(planted, pictures):
    shown = rendered(planted, [EDGE], SHOW)[EDGE, "happy", 0].telemetry
    assert len(shown.activation_transformed) == FRESH
    assert pictures[EDGE, "happy", 0].telemetry.activation_transformed == ()


def test_a_recipe_of_another_objective_is_another_picture(planted):
    assert RenderSpec().objective == "pre"
    post = rendered(planted, [DEAD], dataclasses.replace(QUICK, objective="post"))[DEAD, "happy", 0]
    assert post.telemetry.activation_end == 0 and post.telemetry.gradient_start == 0
