"""Likeness, matching and CKA on arrays whose answers are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.compare.cka import aligned, cka, gram
from reportgen.compare.matching import confidence, families, matches
from reportgen.compare.similarity import probe_groups, probe_responses, silent, similarity
from reportgen.measure.probes import probe_names

RNG = np.random.default_rng(3)


def groups_of(values):
    """Split `(64, 16, K)` answers as the probes are grouped."""
    k = values.shape[2]
    return probe_responses({"samples": values.astype(np.float32)}, k, by_place=True)


def answers_of(k, seed=0):
    return np.maximum(np.random.default_rng(seed).normal(size=(len(probe_names()), 16, k)), 0)


def matched(a, b):
    x, y = groups_of(a), groups_of(b)
    found = matches(
        similarity(x, y), families(similarity(x, x)), families(similarity(y, y)), silent(x), silent(y)
    )
    return {m.a: m for m in found}


def test_every_probe_but_the_flat_ones_is_in_one_group():
    members = np.concatenate(probe_groups())
    names = np.array(probe_names())
    assert len(set(members)) == len(members)
    assert {n.split("-")[0] for n in np.delete(names, members)} == {"flat"}


@given(st.floats(0.01, 100), st.floats(-50, 50))
def test_a_unit_is_like_itself_whatever_its_scale_and_offset(scale, offset):
    values = answers_of(3)
    alike = similarity(groups_of(values), groups_of(values * scale + offset))
    assert np.diag(alike) == pytest.approx(1, abs=1e-4)


def test_units_that_agree_on_photographs_and_not_on_noise_are_not_similar():
    values = np.repeat(answers_of(1), 2, axis=2)
    noise = probe_groups()[0]
    values[noise, :, 1] = RNG.permutation(values[noise, :, 1].ravel()).reshape(len(noise), 16)
    whole = np.corrcoef(values.reshape(-1, 2).T)[0, 1]
    assert whole > 0.7
    assert similarity(groups_of(values), groups_of(values))[0, 1] < 0.2


def test_a_group_in_which_neither_responds_says_nothing_and_a_silent_unit_is_unknown():
    values = answers_of(2)
    values[probe_groups()[0], :, 0] = 0
    values[..., 1] = 0.3
    alike = similarity(groups_of(values), groups_of(values))
    assert alike[0, 0] == pytest.approx(1)
    assert np.isnan(alike[1, 1]) and alike[0, 1] == 0
    assert silent(groups_of(values)).tolist() == [False, True]


def test_permuted_units_are_all_found_and_surely():
    order = RNG.permutation(40)
    found = matched(answers_of(40), answers_of(40)[..., order])
    assert all(order[m.b] == a and m.mutual and m.confidence > 0.999 for a, m in found.items())
    assert len(found) == 40


def test_copies_count_as_one_and_are_paired_by_index_first():
    a = answers_of(4)
    a[..., 3] = a[..., 1]
    b = a[..., [0, 3, 2, 1]]
    found = matched(a, b)
    assert {m.a: m.b for m in found.values()} == {0: 0, 1: 1, 2: 2, 3: 3}
    assert all(m.mutual for m in found.values())


def test_copies_that_are_left_over_share_the_unit_they_are_copies_of():
    a = answers_of(2)
    wide = matched(a, np.concatenate([a, a], axis=2))
    narrow = matched(np.concatenate([a, a], axis=2), a)
    assert {x: m.b for x, m in narrow.items()} == {0: 0, 1: 1, 2: 0, 3: 1}
    assert narrow[2].shared and not narrow[0].shared and set(wide) == {0, 1}


def test_a_match_with_a_close_rival_is_unsure():
    table = np.array([[0.9, 0.89], [0.1, 0.2]], np.float32)
    clear = np.array([[0.9, 0.2], [0.1, 0.2]], np.float32)
    assert 0.5 < confidence(table, 0, 0) < 0.7 < 0.99 < confidence(clear, 0, 0)


def test_cka_is_1_for_the_same_layer_turned_scaled_and_permuted():
    x = RNG.normal(size=(80, 12))
    turn, _ = np.linalg.qr(RNG.normal(size=(12, 12)))
    for y in (x, 3 * x, x[:, ::-1], x @ turn + 5):
        assert cka(gram(x), gram(y)) == pytest.approx(1, abs=1e-5)


def test_cka_of_unlike_layers_is_about_0_however_wide_they_are():
    found = [cka(gram(RNG.normal(size=(64, 500))), gram(RNG.normal(size=(64, 500)))) for _ in range(20)]
    assert abs(np.mean(found)) < 0.02 and max(map(abs, found)) < 0.1
    biased = np.ones(64)  # The plain estimator calls them alike.
    x, y = (RNG.normal(size=(64, 500)) for _ in range(2))
    kx, ky = ((v - v.mean(0)) @ (v - v.mean(0)).T for v in (x, y))
    assert (kx * ky).sum() / np.sqrt((kx**2).sum() * (ky**2).sum()) > 0.8 and biased.all()


def test_a_layer_without_responses_has_no_cka():
    assert cka(gram(np.ones((10, 3))), gram(RNG.normal(size=(10, 3)))) is None


def test_layers_are_paired_in_order_with_the_most_similar_and_never_below_the_least():
    table = ((0.9, 0.1, 0.1), (0.8, 0.3, 0.7), (0.1, 0.1, 0.1))
    anything = [[True] * 3] * 3
    assert aligned(table, anything) == [(0, 0), (1, 2)]
    assert aligned(table, [[True, True, False]] * 3) == [(0, 0), (1, 1)]
    assert aligned(((None, None),), [[True, True]]) == []
