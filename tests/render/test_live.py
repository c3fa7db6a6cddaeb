"""Sums of units, whole layers, given starts, and one picture that is watched while it is found."""

import dataclasses

import numpy as np
import pytest

from reportgen.render import WHOLE_LAYER, Job, render_live, render_units
from reportgen.render.optimise import ascent
from reportgen.render.parametrizations import parametrization
from reportgen.spec import CHOICES, RECIPES
from reportgen.units import InputRange

from .planted import convolution, edge, neurons

KERNELS = np.stack([edge(angle=a) for a in (0.0, 0.8, 1.6)], axis=-1)[:, :, None]
QUICK = dataclasses.replace(RECIPES["default"], steps=24, min_steps=16, window=8)
SHOW = dataclasses.replace(RECIPES["show"], steps=24, min_steps=16, window=8)
A, B = KERNELS[..., :1], KERNELS[..., 1:2]


@pytest.fixture(scope="module")
def cut():
    return convolution(KERNELS, canvas=(24, 24))


def rendered(cut, job, recipe=QUICK):
    (found,) = [r for part in render_units(cut, [job], recipe, batch=1) for r in part]
    return found


def watched(cut, job, recipe=QUICK, most=10**6, **start):
    seen = []

    def watch(glimpse):
        seen.append(glimpse)
        return len(seen) < most

    return render_live(cut, job, recipe, watch, **start), seen


def mean_square(cut, picture):
    """Of the layer's map inside the rim, by hand."""
    answers = np.asarray(cut.network(picture[None].astype(np.float32) / 255.0)[0])[0]
    return np.mean(np.square(answers[2:-2, 2:-2]))


@pytest.mark.parametrize(
    ("weights", "sign", "recipe"), [((1.0, 1.0), "happy", SHOW), ((0.5, -2.0), "sad", QUICK)]
)
def test_a_sum_of_units_is_maximised_as_the_unit_with_that_kernel_is(cut, weights, sign, recipe):
    """Units are linear before their activation: the sum of two is a unit with the sum of their kernels."""
    one = convolution(weights[0] * A + weights[1] * B, canvas=(24, 24))
    alone, together = Job(0, sign, 3), Job(0, sign, 3, ((0, weights[0]), (1, weights[1])))
    expected, found = rendered(one, alone, recipe), rendered(cut, together, recipe)
    assert found.telemetry.activation_end == pytest.approx(expected.telemetry.activation_end, rel=1e-3)
    assert np.mean(np.abs(found.picture.astype(int) - expected.picture) <= 1) > 0.99


def test_a_sum_of_one_unit_is_that_unit(cut):
    unit, summed = rendered(cut, Job(1, "happy", 0)), rendered(cut, Job(1, "happy", 0, ((1, 1.0),)))
    assert np.mean(np.abs(unit.picture.astype(int) - summed.picture) <= 1) > 0.99


def test_neurons_are_summed_too():
    templates = np.random.default_rng(1).normal(size=(10, 10, 1, 2))
    found = rendered(neurons(templates), Job(0, "happy", 0, ((0, 1.0), (1, -1.0))))
    expected = rendered(neurons(templates[..., :1] - templates[..., 1:]), Job(0, "happy", 0))
    assert np.mean(np.abs(found.picture.astype(int) - expected.picture) <= 1) > 0.99


@pytest.mark.parametrize("recipe", [SHOW, dataclasses.replace(QUICK, objective="post")])
def test_a_whole_layer_s_mean_square_rises_and_falls(cut, recipe):
    happy = rendered(cut, Job(WHOLE_LAYER, "happy", 0), recipe)
    loud = dataclasses.replace(recipe, start_noise=0.3)
    sad = rendered(cut, Job(WHOLE_LAYER, "sad", 0), loud)
    assert happy.telemetry.reduction == "mean-square" and happy.telemetry.gradient_start > 0
    assert happy.telemetry.activation_end > 10 * happy.telemetry.activation_start > 0
    assert sad.telemetry.activation_start < 2 * sad.telemetry.activation_end <= 0
    if recipe.objective == "pre":
        assert happy.telemetry.activation_end == pytest.approx(mean_square(cut, happy.picture), rel=0.02)


def test_a_whole_layer_of_neurons_is_maximised():
    cut = neurons(np.random.default_rng(2).normal(size=(10, 10, 1, 4)))
    found = rendered(cut, Job(WHOLE_LAYER, "happy", 0)).telemetry
    assert found.activation_end > 2 * found.activation_start > 0


def test_other_units_coefficients_and_weights_never_trace_again(cut):
    for job in (Job(0, "happy", 0, ((0, 1.0), (1, 1.0))), Job(WHOLE_LAYER, "happy", 0)):
        watched(cut, job)
        traces = ascent(cut, QUICK, 1, job.aim, 1).traces
        before = traces[0]
        more = dataclasses.replace(job, sign="sad", seed=4)
        if job.terms:
            more = dataclasses.replace(more, unit=1, terms=((1, -0.25), (2, 3.0)))
        watched(cut, more, dataclasses.replace(QUICK, tv=5.0, steps=9, step_size=0.1))
        assert traces[0] == before == 2


def test_jobs_of_different_aims_do_not_share_a_run(cut):
    with pytest.raises(ValueError, match="render each aim in a batch of its own"):
        list(render_units(cut, [Job(0, "happy", 0), Job(WHOLE_LAYER, "happy", 0)], QUICK, batch=2))


@pytest.mark.parametrize("recipe", [SHOW, dataclasses.replace(RECIPES["keras-vis-2019"], steps=30)])
def test_a_watched_picture_is_the_one_a_batch_gives(cut, recipe):
    """Steps one by one measure scales, look at silence and move pictures at the same steps as windows do."""
    job = Job(2, "happy", 1)
    (live, seen), batch = watched(cut, job, recipe), rendered(cut, job, recipe)
    assert np.mean(np.abs(live.picture.astype(int) - batch.picture) <= 1) > 0.99
    assert live.telemetry.steps == batch.telemetry.steps == len(seen)
    assert live.telemetry.activation_end == pytest.approx(batch.telemetry.activation_end, rel=1e-3)
    assert [g.step for g in seen] == list(range(1, len(seen) + 1))
    told = dict(live.telemetry.curve)
    assert [seen[k].objective for k in told] == pytest.approx(list(told.values()), rel=1e-4)


def test_a_watched_picture_can_be_looked_at_and_left(cut):
    found, seen = watched(cut, Job(0, "happy", 0), most=5)
    assert found is None and len(seen) == 5 and seen[0].restarted and not seen[1].restarted
    pictures = []

    def watch(glimpse):
        pictures.append(glimpse.picture())
        return True

    last = render_live(cut, Job(0, "happy", 0), QUICK, watch).picture
    assert np.array_equal(pictures[-1], last) and not np.array_equal(pictures[0], pictures[-1])
    assert {p.shape for p in pictures} == {(24, 24, 1)} and pictures[0].dtype == np.uint8


def test_a_silent_unit_says_that_its_curve_begins_anew():
    cut = convolution(A, biases=[-50.0], canvas=(24, 24))
    found, seen = watched(cut, Job(0, "happy", 0), dataclasses.replace(QUICK, objective="post"))
    assert found.telemetry.rescue == "louder-start" and sum(g.restarted for g in seen) >= 2


PICTURE = np.random.default_rng(3).integers(60, 200, (24, 24, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", [name for name in CHOICES["parametrization"] if name != "phases"])
@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_a_given_picture_is_what_is_optimised_at_first(name, order):
    recipe = dataclasses.replace(RECIPES["lucid"], parametrization=name)
    given = InputRange((-1.0, -2.0, -3.0), (1.0, 2.0, 3.0), order=order)
    parameters = parametrization(recipe, (24, 24, 3), given)
    unit = PICTURE / np.float32(255)
    assert np.abs(parameters.to_unit(parameters.numbers_of(unit)) - unit).max() < 2e-3


def test_of_phases_a_given_picture_s_own_are_taken():
    recipe = dataclasses.replace(RECIPES["maco"], start_noise=0.02)  # So little that nothing is clipped.
    parameters = parametrization(recipe, (24, 24, 3), InputRange())
    unit = PICTURE / np.float32(255)
    made = parameters.to_unit(parameters.numbers_of(unit))
    waves, own = (np.fft.fft2(p.mean(axis=2) - 0.5) for p in (made, unit))  # Grey is one of the axes.
    told = np.ones((24, 24), bool)
    told[0, 0] = told[12] = told[:, 12] = False  # The mean is the recipe's; waves that are their own mirrors.
    assert np.abs(np.angle(waves * own.conj()))[told].max() < 0.05
    assert np.abs(made - 0.5).std() > 0.01


def test_a_given_start_is_kept_and_never_replaced_by_another():
    cut, start = convolution(A, canvas=(24, 24)), PICTURE[..., :1]
    few = dataclasses.replace(QUICK, steps=1, min_steps=0, step_size=1e-6)
    found, _ = watched(cut, Job(0, "happy", 0), few, start=start)
    assert np.abs(found.picture.astype(int) - start).max() <= 1
    climbed, _ = watched(cut, Job(0, "happy", 0), start=start)
    assert climbed.telemetry.activation_end > found.telemetry.activation_end
    other_seed, _ = watched(cut, Job(0, "happy", 9), few, start=start)
    assert np.array_equal(other_seed.picture, found.picture)
    dead = convolution(0 * A, canvas=(24, 24))
    still, _ = watched(dead, Job(0, "happy", 0), dataclasses.replace(QUICK, tv=0.0), start=start)
    assert still.telemetry.rescue != "louder-start"
    assert np.abs(still.picture.astype(int) - start).max() <= 1
