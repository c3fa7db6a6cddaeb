import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.score.agreement import agreement, gain, live_starts, looks, together
from reportgen.score.spectrum import inside, spectrum


def seen(pictures):
    inner = inside(np.stack(pictures), 0.1)
    return looks(inner, spectrum(inner))


@pytest.fixture(scope="module")
def others(gratings):
    return together([seen(p) for p in gratings])


def judged(pictures, others):
    return agreement(seen(pictures), others, share=0.08, distance=0.15)


def test_a_shifted_grating_agrees_with_itself(draw, others):
    found = judged([draw.grating(degrees=33, period=5.5, phase=p) for p in (0, 1, 2, 3)], others)
    assert found.consistency > 0.95
    assert not found.unstable(0.08, 0.15, 0.45)


def test_another_grating_on_each_run_is_unstable(draw, others):
    found = judged(
        [draw.grating(degrees=d, period=p) for d, p in ((5, 4), (50, 9), (95, 6), (140, 12))], others
    )
    assert found.unstable(0.08, 0.15, 0.45)
    assert found.facets is None


@pytest.mark.parametrize("first", [1, 2])
def test_two_kinds_of_picture_are_two_facets(draw, others, first):
    kinds = [draw.grating(degrees=0, phase=s) for s in range(first)]
    kinds += [draw.grating(degrees=90, phase=s) for s in range(4 - first)]
    found = judged(kinds, others)
    assert found.unstable(0.08, 0.15, 0.45)
    assert found.facets == 2
    assert sum(map(len, found.groups)) == 4


def test_kinds_far_apart_are_kinds_though_no_picture_lies_between_them(draw):
    """As in a layer of few units, each of which wants another direction."""
    others = together([seen([draw.grating(degrees=45, period=11, phase=s) for s in range(4)])])
    found = judged([draw.grating(degrees=d, phase=s) for s, d in enumerate((0, 0, 90, 90))], others)
    assert found.closer_share <= 0.08
    assert found.gap > 0.45
    assert found.unstable(0.08, 0.15, 0.45) and found.facets == 2


def test_kinds_that_are_joined_step_by_step_lie_no_further_apart_than_a_step(draw, others):
    turned = [draw.grating(degrees=d) for d in (0, 8, 16, 24, 32)]
    ends = judged([turned[0], turned[-1]], others)
    assert judged(turned, others).gap < ends.gap == pytest.approx(ends.distance)


def test_two_similar_starts_and_another_are_two_facets_but_a_pair_that_differs_is_unstable(draw, others):
    kinds = [draw.grating(degrees=d, phase=s) for s, d in enumerate((0, 0, 90))]
    assert judged(kinds, others).facets == 2
    assert judged(kinds[1:], others).facets is None


def test_pictures_of_one_facet_may_differ_a_little_where_the_facets_differ_much(draw, others):
    """As optimised pictures do; here others between them are nearer than they are to each other."""
    between = [seen([draw.grating(degrees=d + k, phase=k) for k in range(2, 20, 2)]) for d in (0, 90)]
    found = judged([draw.grating(degrees=d) for d in (0, 11, 90, 101)], together([others, *between]))
    assert found.unstable(0.08, 0.15, 0.45)
    assert found.groups == ((0, 1), (2, 3))
    other = judged([draw.grating(degrees=d) for d in (0, 30, 90, 120)], together([others, *between]))
    assert other.facets is None


def test_three_facets_of_six_pictures_are_counted(draw, others):
    found = judged([draw.grating(degrees=60 * (s % 3), phase=s) for s in range(6)], others)
    assert found.facets == 3


def test_the_same_layout_agrees_where_texture_is_shared(draw):
    """Blobs are all one texture; their places tell them apart."""
    places = [(y, x) for y in (0.3, 0.5, 0.7) for x in (0.3, 0.5, 0.7)]
    others = together([seen([draw.blob(centre=p)]) for p in places[1:]])
    assert judged([draw.blob(centre=places[0])] * 3, others).consistency == 1
    assert judged([draw.blob(centre=p) for p in places[:3]], others).consistency < 0.92


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(4)))
def test_the_order_of_seeds_changes_nothing(draw, others, order):
    pictures = [draw.grating(degrees=d) for d in (0, 3, 90, 95)]
    one, two = judged(pictures, others), judged([pictures[i] for i in order], others)
    assert one.consistency == pytest.approx(two.consistency)
    assert one.distance == pytest.approx(two.distance, rel=1e-4)
    assert one.facets == two.facets


def test_channels_and_canvas_do_not_change_distances(draw):
    def gap(**how):
        a, b = (seen([draw.grating(degrees=d, **how)]).texture[0] for d in (0, 90))
        return float(np.linalg.norm(a - b))

    assert gap(channels=1) == pytest.approx(gap(channels=3), rel=0.05)
    assert gap(size=(48, 48)) == pytest.approx(gap(size=(96, 96)), rel=0.15)


def test_a_start_that_went_nowhere_is_left_out():
    assert live_starts({0: 10.0, 1: 8.0, 2: 0.1, 3: 9.0}) == [0, 1, 3]


def test_starts_of_which_nothing_is_known_count_as_live():
    assert live_starts({0: None, 1: None}) == [0, 1]
    assert live_starts({0: None, 1: 1.0, 2: 0.2}) == [0, 1]


def test_where_no_start_gained_anything_all_count():
    assert live_starts({0: -1.0, 1: 0.0}) == [0, 1]


def test_the_gain_of_a_rescued_start_is_not_known(telemetry_of):
    assert gain(telemetry_of(1, 3)) == 2
    assert gain(telemetry_of(1, 3, rescue="louder-start")) is None
    assert gain(telemetry_of(0, float("nan"))) == float("-inf")
