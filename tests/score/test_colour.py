import numpy as np
import pytest

from reportgen.score.colour import colour_axes, colour_name, contrast
from reportgen.score.spectrum import inside, spectrum


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((1, 1, 1), "bright"), ((0, 0, 0), "dark"), ((0.5, 0.5, 0.5), "mid-grey"), ((1, 0, 0), "tinted red"),
        ((0, 1, 0), "tinted green"), ((0, 0, 0.6), "tinted blue, dark"), ((1, 1, 0), "tinted yellow, bright"),
        ((0, 1, 1), "tinted cyan, bright"), ((0.9,), "bright"), ((0.1,), "dark"),
        ((0.2, 0.9, 0.2, 0.2), "strongest in channel 1, mid-grey"),
    ],
)  # fmt: skip
def test_colours_have_names(colour, name):
    assert colour_name(np.array(colour, np.float32)) == name


def test_contrast_is_that_of_colours_not_of_brightness(draw):
    flat, grating = inside(np.stack([draw.flat((200, 20, 20)), draw.grating()]), 0.1)
    assert contrast(np.stack([flat, grating])).tolist() == pytest.approx([0, 0.318], abs=0.01)
    coloured = draw.grating(colour=(1, -1, 0))
    assert np.ptp(coloured.astype(int).sum(axis=2)) <= 2
    assert contrast(inside(coloured[None], 0.1))[0] > 0.2


@pytest.mark.parametrize(
    ("colour", "words"),
    [((1, 1, 1), "black and white"), ((1, -1, 0), "red and green"), ((0.5, 0.5, -1), "blue and yellow")],
)
def test_colour_axes_are_named(draw, colour, words):
    picture = draw.grating(colour=colour)
    assert colour_axes(spectrum(inside(picture[None], 0.1))[0]) == words


def test_grey_pictures_are_black_and_white(draw):
    assert colour_axes(spectrum(inside(draw.grating(channels=1)[None], 0.1))[0]) == "black and white"
