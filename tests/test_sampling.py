"""What a random sample of a layer's units says of all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom

from reportgen.sampling import combined_share, drawn_order, drawn_sample, estimated_share


@st.composite
def samples(draw):
    of = draw(st.integers(1, 300))
    judged = draw(st.integers(1, of))
    return draw(st.integers(0, judged)), judged, of


@given(samples())
def test_an_interval_holds_its_estimate_and_only_what_is_possible(sample):
    found, judged, of = sample
    estimate = estimated_share(*sample)
    most = (of - judged + found) / of
    assert found / of <= estimate.low <= estimate.high <= most
    assert estimate.low <= estimate.share <= estimate.high


@given(samples())
def test_an_interval_is_that_of_the_beta_binomial_distribution_of_the_units_not_judged(sample):
    found, judged, of = sample
    estimate = estimated_share(*sample)
    rest = betabinom(of - judged, found + 1, judged - found + 1)
    low, high = (found + rest.ppf([0.025, 0.975])) / of
    # A quantile that falls between two counts may round to either.
    assert estimate.low == pytest.approx(min(low, estimate.share), abs=1.01 / of)
    assert estimate.high == pytest.approx(max(high, estimate.share), abs=1.01 / of)


def test_a_layer_judged_whole_has_no_interval():
    estimate = estimated_share(3, 8, 8)
    assert estimate.exact and estimate.low == estimate.share == estimate.high == 3 / 8


@pytest.mark.parametrize(("share", "judged"), [(0.8, 6), (0.5, 12), (0.95, 24)])
def test_an_interval_holds_the_share_of_all_as_often_as_it_says(share, judged):
    rng, units = np.random.default_rng(0), np.arange(200) < 200 * share
    held = 0
    for _ in range(1000):
        found = int(rng.choice(units, judged, replace=False).sum())
        estimate = estimated_share(found, judged, 200)
        held += estimate.low <= share <= estimate.high
    assert held >= 920


def test_more_units_make_a_narrower_interval():
    widths = [
        estimate.high - estimate.low
        for n in (8, 16, 64, 128)
        if (estimate := estimated_share(n // 2, n, 256))
    ]
    assert widths == sorted(widths, reverse=True) and widths[0] > 2 * widths[-1]


def test_the_network_s_share_is_that_of_its_layers_by_their_units():
    rng = np.random.default_rng(1)
    sizes, shares = [32, 64, 384, 960], [0.5, 0.9, 0.8, 0.95]
    true = sum(n * round(n * p) / n for n, p in zip(sizes, shares, strict=True)) / sum(sizes)
    held = []
    for _ in range(300):
        parts = []
        for n, p in zip(sizes, shares, strict=True):
            units = np.arange(n) < round(n * p)
            parts.append(estimated_share(int(rng.choice(units, 6, replace=False).sum()), 6, n))
        estimate = combined_share(parts)
        held.append(estimate.low <= true <= estimate.high)
    assert np.mean(held) >= 0.93


def test_one_layer_s_share_is_its_own_estimate():
    assert combined_share([estimated_share(5, 6, 384)]) == estimated_share(5, 6, 384)


def test_layers_judged_whole_shift_the_interval_of_the_one_that_was_not():
    part, whole = estimated_share(5, 6, 384), estimated_share(16, 16, 16)
    both = combined_share([whole, part])
    assert both.low == pytest.approx((16 + part.low * 384) / 400)
    assert both.share == pytest.approx((16 + part.share * 384) / 400)
    assert both.high == pytest.approx((16 + part.high * 384) / 400)
    assert (both.judged, both.of) == (22, 400)


def test_layers_judged_whole_add_up_exactly():
    whole = combined_share([estimated_share(3, 4, 4), estimated_share(1, 2, 2)])
    assert whole.exact and whole.low == whole.high == pytest.approx(4 / 6)


def test_the_order_is_the_layer_s_own_and_nothing_else_s():
    one, other = drawn_order("a", range(64)), drawn_order("b", range(64))
    assert sorted(one) == sorted(other) == list(range(64)) and one != other
    assert one == drawn_order("a", list(range(64))[::-1])
    few = [unit for unit in one if unit < 10]
    assert few == drawn_order("a", range(10))


def test_units_that_were_asked_for_are_no_part_of_the_sample_until_they_are_drawn():
    order = drawn_order("a", range(64))
    first_eight = set(range(8))
    sample = drawn_sample("a", 64, first_eight)
    assert sample == order[: len(sample)] and order[len(sample)] not in first_eight
    assert drawn_sample("a", 64, {*first_eight, *order[:5]})[:5] == order[:5]
    assert drawn_sample("a", 64, range(64)) == order


@pytest.mark.parametrize("sample", [(1, 0, 5), (3, 2, 5), (2, 6, 5), (-1, 2, 5)])
def test_numbers_that_are_no_sample_are_refused(sample):
    with pytest.raises(ValueError, match="no sample"):
        estimated_share(*sample)
