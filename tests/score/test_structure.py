import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.score import structure
from reportgen.score.spectrum import autocorrelation, inside, opponent_axes, prevailing, spectrum
from reportgen.spec import ScoreSpec


def measured(picture):
    inner = inside(picture[None], 0.1)
    return structure.orders_of(inner, spectrum(inner), False)[0]


def white_null(draw, size=(48, 48), channels=3, count=32):
    return structure.null_of([measured(draw.white(i, size, channels)) for i in range(count)])


@settings(max_examples=40, deadline=None)
@given(
    degrees=st.floats(0, 180),
    period=st.floats(3, 16),
    channels=st.sampled_from([1, 3]),
    size=st.sampled_from([(48, 48), (64, 64), (48, 96), (96, 48)]),
    seed=st.integers(0, 10**6),
)
def test_any_grating_scores_above_white_noise(draw, degrees, period, channels, size, seed):
    null = white_null(draw, size, channels, 16)
    grating = draw.grating(size, degrees=degrees, period=period, channels=channels)
    stripes = structure.deviation([measured(grating)], null)
    noise = structure.deviation([measured(draw.white(20_000 + seed, size, channels))], null)
    assert stripes > 4
    assert stripes > noise + 2


@pytest.mark.parametrize("kind", ["plaid", "blob"])
def test_plaids_and_blobs_score_as_structure(draw, kind):
    assert structure.deviation([measured(getattr(draw, kind)())], white_null(draw)) > 4


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("shape", ["ring", "cross", "face"])
def test_a_single_shape_is_structure_though_nothing_repeats(draw, shape, size):
    y, x = np.mgrid[:size, :size] / size - 0.5
    drawn = {
        "ring": abs(np.hypot(x, y) - 0.25) < 0.05,
        "cross": (abs(x) < 0.06) | (abs(y) < 0.06),
        "face": (np.hypot(abs(x) - 0.15, y + 0.1) < 0.07) | ((abs(y - 0.2) < 0.05) & (abs(x) < 0.2)),
    }
    picture = np.repeat((255 * drawn[shape]).astype(np.uint8)[:, :, None], 3, axis=2)
    assert structure.deviation([measured(picture)], white_null(draw, (size, size))) > 3


def test_noise_clipped_to_the_ends_is_static(draw):
    null = white_null(draw)
    found = [structure.deviation([measured(draw.clipped(500 + i))], null) for i in range(30)]
    assert np.mean(np.array(found) < ScoreSpec().structure_z) >= 0.95


@pytest.mark.parametrize("pair", [("reach", "extent"), ("repeat", "concentration")])
def test_what_one_number_of_a_pair_finds_alone_counts_half(draw, pair):
    null = white_null(draw)
    usual, spread = (structure.Order(*x.tolist()) for x in (null.mean, null.spread))

    def raised(*names):
        up = {name: getattr(usual, name) + 2.8 * getattr(spread, name) for name in names}
        return structure.Order(*np.exp(usual._replace(**up)))

    assert structure.deviation([raised(pair[0])], null) == pytest.approx(1.4)
    assert structure.deviation([raised(*pair)], null) == pytest.approx(2.8)
    assert structure.deviation([raised("flow")], null) == pytest.approx(2.8)


def test_each_null_picture_is_judged_by_the_others(draw):
    orders = [measured(draw.white(i)) for i in range(24)]
    null = structure.null_of(orders)
    apart = [
        structure.deviation([x], structure.null_of([*orders[:i], *orders[i + 1 :]]))
        for i, x in enumerate(orders)
    ]
    assert null.deviations == pytest.approx(sorted(apart))
    cut = float(null.deviations[-3])
    rate = structure.noise_rate(null, cut)
    assert (rate.n, rate.n_patterned) == (24, 3)


def test_brightness_does_not_change_structure(draw):
    dark = draw.white(3) // 4
    assert measured(dark) == pytest.approx(measured(dark + 100), rel=1e-4)


def test_contrast_does_not_change_structure(draw):
    faint = draw.white(3) // 16
    assert measured(faint) == pytest.approx(measured(faint * 16), rel=1e-3)


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(4)))
def test_the_order_of_seeds_does_not_change_structure(draw, order):
    null = white_null(draw)
    rows = [measured(draw.white(40 + i)) for i in range(4)]
    assert structure.deviation([rows[i] for i in order], null) == pytest.approx(
        structure.deviation(rows, null)
    )


def test_p_values_of_the_null_itself_are_uniform(draw):
    null = white_null(draw, count=64)
    p = [
        structure.p_value(structure.deviation([measured(draw.white(900 + i))], null), null) for i in range(64)
    ]
    assert abs(np.mean(p) - 0.5) < 0.12
    assert 0.05 < np.mean(np.array(p) <= 0.25) < 0.45


def test_a_null_picture_has_the_p_value_of_its_rank(draw):
    null = white_null(draw, count=20)
    p = sorted(structure.p_value(float(z), null) for z in null.deviations)
    assert p == pytest.approx([(1 + rank) / 21 for rank in range(1, 21)])


def test_a_null_of_too_few_pictures_is_none(draw):
    assert structure.null_of([measured(draw.white(i)) for i in range(7)]) is None
    assert structure.null_of([measured(draw.flat((9, 9, 9)))] * 20) is None


def test_a_picture_of_one_colour_has_no_structure_number(draw):
    assert np.isnan(measured(draw.flat((10, 200, 30)))).all()


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=40))
def test_adjusted_p_values_are_larger_and_keep_the_order(p):
    found = structure.adjusted(p)
    assert all(a >= b - 1e-12 for a, b in zip(found, p, strict=True))
    assert all(x <= 1 for x in found)
    ordered = [x for _, x in sorted(zip(p, found, strict=True))]
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(ordered))


def test_half_of_the_chance_lies_at_the_cut():
    assert structure.p_structured(2.0, 2.0, 0.35) == 0.5
    assert structure.p_structured(3.0, 2.0, 0.35) > 0.9


@given(st.integers(1, 8))
def test_opponent_axes_keep_all_power(channels):
    axes = opponent_axes(channels)
    assert axes @ axes.T == pytest.approx(np.eye(channels), abs=1e-5)
    assert np.ptp(axes[0]) < 1e-6


@settings(max_examples=40, deadline=None)
@given(degrees=st.floats(0, 179.9), period=st.floats(3, 12), size=st.sampled_from([(48, 48), (48, 128)]))
def test_direction_and_period_of_a_grating_are_found(draw, degrees, period, size):
    picture = draw.grating(size, degrees=degrees, period=period)
    wave = prevailing(spectrum(inside(picture[None], 0.1))[0])
    turned = (wave.degrees - degrees + 90) % 180 - 90
    assert abs(turned) < 6
    assert wave.period_px == pytest.approx(period, rel=0.1)
    assert wave.oriented > 0.7


def test_autocorrelation_of_a_grating_is_one_again_after_a_period(draw):
    found = autocorrelation(spectrum(inside(draw.grating(period=8)[None], 0.1))[0].sum(axis=0))
    assert found[0, 0] == pytest.approx(1)
    assert found[4, 0] < -0.7
    assert found[0, 8] > 0.6  # the window's taper takes the rest


@pytest.mark.parametrize("side", [20, 28, 33])
def test_small_pictures_are_read_through_smaller_windows(draw, side):
    null = white_null(draw, (side, side), 1)
    grating = draw.grating((side, side), period=5, channels=1)
    assert structure.deviation([measured(grating)], null) > 3


def around(picture):
    whole = inside(picture[None], 0.0)
    return structure.orders_of(whole, spectrum(whole, around=True), True)[0]


@settings(max_examples=20, deadline=None)
@given(down=st.integers(0, 47), right=st.integers(0, 47), seed=st.integers(0, 1000))
def test_where_a_picture_without_edges_is_cut_does_not_matter(draw, down, right, seed):
    smooth = (sum(np.roll(draw.white(seed), i, axis=1).astype(int) for i in range(6)) // 6).astype(np.uint8)
    moved = np.roll(smooth, (down, right), axis=(0, 1))
    assert around(moved)[0] == pytest.approx(around(smooth)[0], abs=0.03)


def test_a_picture_read_around_its_edges_is_measured_as_one_of_twice_the_side(draw):
    def reach(read, side):
        return np.mean([np.log(read(draw.white(i, (side, side), 1))[0]) for i in range(24)])

    framed = reach(measured, 48) - reach(measured, 96)
    assert reach(around, 48) - reach(around, 96) < framed
    assert reach(around, 48) < reach(measured, 48) - 0.2


@pytest.mark.parametrize("size", [(48, 48), (40, 72), (64, 50)])
def test_stripes_that_close_around_the_edges_have_one_wave(draw, size):
    picture = draw.grating(size, degrees=0, period=size[0] / 8, channels=1)
    wave = prevailing(spectrum(inside(picture[None], 0.0), around=True)[0])
    assert wave.period_px == pytest.approx(size[0] / 8, rel=0.05)
    assert wave.share > 0.95
