import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.score.copies import copy_relations, correlations, response_rows
from reportgen.sentences.responses import correlation_in_words, shortfall_in_words


def kin(*parts, head="", live=None, kernel=None, white=()):
    rows = [np.asarray(p, np.float32) for p in parts]
    k = rows[0].shape[1] if rows else 2
    return copy_relations(rows, k, live=live or [True] * k, least=0.99, head=head, white=white, kernel=kernel)


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)


def test_units_with_responses_of_their_own_are_no_copies(values):
    assert all(k.duplicate_of is None and k.mirror_of is None for k in kin(values))


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_a_scaled_and_shifted_copy_is_found(scale, shift):
    values = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    values[:, 3] = values[:, 1] * scale + shift * scale
    assert kin(values)[3].duplicate_of == 1
    assert kin(values)[1].duplicate_of is None
    assert kin(values)[1].neighbours == (3,)


def test_every_copy_names_the_lowest_index(values):
    values[:, 2] = values[:, 4] = values[:, 5] = values[:, 1]
    assert [k.duplicate_of for k in kin(values)] == [None, None, 1, None, 1, 1]


def test_a_mirrored_copy_is_found(values):
    values[:, 5] = -2 * values[:, 0]
    assert kin(values)[5].mirror_of == 0
    assert kin(values)[5].duplicate_of is None


def test_mirrored_kernels_are_found_where_a_relu_hides_them(values):
    kernel = np.random.default_rng(1).normal(size=(3, 3, 3, 2))
    kernel[..., 1] = -kernel[..., 0]
    answers = np.maximum(np.stack([values[:, 0], -values[:, 0]], axis=1), 0)
    assert kin(answers)[1].mirror_of is None
    assert kin(answers, kernel=kernel)[1].mirror_of == 0


def test_one_outlying_picture_makes_no_copies(values):
    values[0, 0] = values[0, 1] = 1e5
    assert correlations([values])[0, 1] > 0.99
    assert kin(values[:100], values[100:])[1].duplicate_of is None


def test_dead_units_are_nobodys_copies(values):
    values[:, 2] = values[:, 3] = 0
    found = kin(values, live=[True, True, False, False, True, True])
    assert found[3].duplicate_of is None
    assert found[3].neighbours == ()


def test_two_softmax_outputs_are_complements_and_no_finding():
    values = np.random.default_rng(0).normal(size=(50, 2))
    found = kin(values, head="softmax")
    assert [k.complement_of for k in found] == [1, 0]
    assert all(k.mirror_of is None for k in found)
    assert [k.complement_of for k in copy_relations([], 2, live=[True] * 2, least=0.99, head="softmax")] == [
        1,
        0,
    ]
    assert all(k.complement_of is None for k in kin(values, head="sigmoid"))


def test_samples_are_preferred_and_means_do(values):
    arrays = {"mean": values, "max": values, "samples": values.reshape(50, 4, 6)}
    assert response_rows(6, arrays)[0].shape == (200, 6)
    assert response_rows(6, {"mean": values, "max": values})[0].shape == (400, 6)
    assert response_rows(6, None, {"unit": np.zeros(3)}) == []


def test_agreement_on_smooth_pictures_alone_makes_no_copy(values):
    values[:, 1] = values[:, 0] + 0.02 * values[:, 1]
    noise = np.random.default_rng(5).normal(size=(7, 6)).astype(np.float32)
    assert kin(values)[1].duplicate_of == 0
    assert kin(values, white=[noise])[1].duplicate_of is None
    noise[:, 1] = noise[:, 0] + 0.02 * noise[:, 1]
    assert kin(values, white=[noise])[1].duplicate_of == 0


def test_detectors_of_brightness_that_weigh_pixels_differently_are_no_copies():
    # White noise moves the mean of a large picture by a thousandth or less of it, and yet tells them apart.
    rng = np.random.default_rng(1)
    light = np.linspace(0, 1, 60)[:, None] * [1.0, 3.0]
    noise = 0.5 * np.array([1.0, 3.0]) * (1 + 5e-4 * rng.normal(size=(7, 2)))
    rows = np.concatenate([light, noise])
    assert kin(rows, white=[noise.astype(np.float32)])[1].duplicate_of is None
    same = np.concatenate([light, noise[:, :1] * [1.0, 3.0]])
    assert kin(same, white=[same[-7:].astype(np.float32)])[1].duplicate_of == 0


def test_white_noise_that_hardly_moves_a_unit_says_nothing_of_copies(values):
    values[:, 1] = values[:, 0]
    noise = 5 + 1e-5 * np.random.default_rng(5).normal(size=(7, 6)).astype(np.float32)
    assert kin(values, white=[noise])[1].duplicate_of == 0


def test_the_nearest_unit_that_is_no_copy_says_what_it_lacks(values):
    values[:, 1] = values[:, 0] + 0.3 * values[:, 1]
    near = kin(values)[1]
    assert near.neighbours[0] == 0 and 0.9 < near.correlations[0] < 0.99
    assert shortfall_in_words(near.copy_shortfall) == "a copy needs r ≥ 0.99"
    loud = 1e3 * np.arange(50.0)[:, None] * np.ones((1, 6))
    apart = kin(values, loud)[1]
    assert apart.correlations[0] > 0.99 and apart.duplicate_of is None
    assert apart.copy_shortfall.on == "probes" and apart.copy_shortfall.needed == 0.99
    assert shortfall_in_words(apart.copy_shortfall).startswith("on the probe pictures alone r = 0.9")
    values[:, 1] = values[:, 0]
    assert kin(values)[1].copy_shortfall is None and kin(values)[0].copy_shortfall is None


def test_units_that_respond_as_much_but_elsewhere_are_distinguished():
    # Over whole pictures two detectors of contrast agree, wherever in the picture each of them answers.
    rng = np.random.default_rng(0)
    loud = rng.exponential(size=(200, 1, 1)) ** 3
    places = rng.uniform(size=(200, 16, 2))
    arrays = {"mean": (loud * places).mean(1), "max": (loud * places).max(1), "samples": loud * places}
    whole = np.corrcoef(arrays["mean"].T)[0, 1]
    near = copy_relations(response_rows(2, arrays), 2, live=[True] * 2, least=0.99, head="")[1]
    assert whole > 0.95 and near.correlations[0] < 0.9 and near.duplicate_of is None


def test_a_correlation_is_never_rounded_up_to_what_copies_need():
    assert [correlation_in_words(r) for r in (0.98995, 0.99, 0.9982)] == ["0.989", "0.990", "0.998"]
