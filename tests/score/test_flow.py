"""Form that nothing repeats: what flow says of pictures whose order is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.score import structure
from reportgen.score.flow import flow
from reportgen.score.spectrum import spectrum

SIDE = 96


def forms(seed: int, count: int = 5) -> np.ndarray:
    """A few rings of different sizes in faint noise, `(1, SIDE, SIDE, 1)`: nothing of it repeats."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    picture = rng.normal(0.5, 0.05, (SIDE, SIDE))
    for _ in range(count):
        row, column = rng.uniform(10, SIDE - 10, 2)
        radius = rng.uniform(6, 16)
        distance = np.hypot(y - row, x - column) - radius
        picture += 0.4 * np.cos(distance) * np.exp(-((distance / 4) ** 2))
    return np.clip(picture, 0, 1)[None, :, :, None].astype(np.float32)


def static(seed: int, side: int = SIDE, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, (1, side, side, channels)).astype(np.float32)


def test_forms_that_repeat_nowhere_have_more_flow_than_static():
    assert min(float(flow(forms(i))[0]) for i in range(8)) > 1.5 * max(
        float(flow(static(i))[0]) for i in range(8)
    )


def test_what_no_spectrum_distinguishes_from_static_is_structure_by_its_flow():
    pictures = np.concatenate([static(i) for i in range(32)])
    null = structure.null_of(structure.orders_of(pictures, spectrum(pictures), False))
    found = [structure.orders_of(p, spectrum(p), False) for p in (forms(i) for i in range(8))]
    assert min(structure.deviation(orders, null) for orders in found) > 4
    assert max(structure.deviation(null_like(100 + i), null) for i in range(8)) < 3.5


def null_like(seed: int) -> list[structure.Order]:
    picture = static(seed)
    return structure.orders_of(picture, spectrum(picture), False)


def test_a_grating_has_one_direction_and_one_colour_none():
    stripes = 0.5 + 0.4 * np.sin(np.arange(SIDE) * 2 * np.pi / 8)
    grating = np.broadcast_to(stripes[None, :, None, None], (1, SIDE, SIDE, 1)).astype(np.float32)
    assert flow(grating, around=True)[0] < 0.05
    assert flow(np.full((1, 32, 32, 3), 0.3, np.float32))[0] == 0


@settings(max_examples=20, deadline=None)
@given(down=st.integers(0, SIDE), right=st.integers(0, SIDE), seed=st.integers(0, 50))
def test_where_a_picture_without_edges_is_cut_does_not_matter(down, right, seed):
    picture = forms(seed)
    moved = np.roll(picture, (down, right), axis=(1, 2))
    assert flow(moved, around=True)[0] == pytest.approx(flow(picture, around=True)[0], rel=1e-3)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.05, 1), seed=st.integers(0, 50))
def test_contrast_and_brightness_do_not_matter(scale, seed):
    picture = forms(seed)
    assert flow(0.2 + scale * (picture - 0.2))[0] == pytest.approx(flow(picture)[0], rel=1e-2)


def test_turning_a_picture_changes_nothing():
    picture = forms(3)
    turned = np.rot90(picture, axes=(1, 2))
    assert flow(turned)[0] == pytest.approx(flow(picture)[0], rel=1e-3)


def test_static_of_three_colours_has_the_flow_of_grey_static():
    grey = np.concatenate([static(i) for i in range(12)]).repeat(3, axis=3)
    coloured = np.concatenate([static(i, channels=3) for i in range(12)])
    assert np.log(flow(coloured)).mean() == pytest.approx(np.log(flow(grey)).mean(), abs=0.1)


def test_a_growing_dose_of_form_never_lowers_structure_and_form_alone_is_bounded():
    pictures = np.concatenate([static(i) for i in range(32)])
    null = structure.null_of(structure.orders_of(pictures, spectrum(pictures), False))
    noise = static(700)
    found = []
    for dose in np.linspace(0, 1, 6):
        both = (1 - dose) * noise + dose * forms(3)
        (order,) = structure.orders_of(both, spectrum(both), False)
        form_alone = order._replace(reach=1e-6, repeat=1e-6, concentration=1e-6)
        found.append(structure.deviation([form_alone], null))
    assert found == sorted(found)
    assert 3 < found[-1] <= structure.ENOUGH_Z + structure.PRESENCE_ROOM
