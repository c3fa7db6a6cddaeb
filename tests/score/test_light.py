import numpy as np
import pytest

from reportgen.judgement import Light
from reportgen.score.light import light_response, light_share
from reportgen.sentences.responses import light_in_words

LEVEL = np.linspace(0, 1, 9, dtype=np.float32)
COLOURS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], np.float32)


def flat(*curves, colours=None):
    found = {"level": LEVEL, "response": np.stack(curves, axis=1).astype(np.float32)}
    if colours is not None:
        found |= {"colour": COLOURS, "colour_response": np.asarray(colours, np.float32)[:, None]}
    return found


def said(curves):
    return light_in_words(light_response(curves, 0))


def test_a_detector_of_brightness_is_reported_with_its_ends():
    assert said(flat(2 * LEVEL)) == "activation rises with brightness, from 0 on black to 2 on white"
    assert "falls with brightness, from 1 on black" in said(flat(1 - LEVEL))
    assert light_response(flat(1 - LEVEL), 0) == Light("falls", 1.0, 0.0)


def test_what_does_not_care_or_cares_for_grey_is_not_reported():
    assert light_response(flat(0 * LEVEL), 0) == Light()
    assert light_response(flat(1 - (2 * LEVEL - 1) ** 2), 0) == Light()
    assert light_response(None, 0) == Light()


def test_a_colour_is_named_where_colours_move_it_more_than_greys():
    assert (
        said(flat(0 * LEVEL, colours=[3, 0, 0, 1])) == "of uniform colours, tinted red activates it most (3)"
    )
    assert "of flat colours" not in said(flat(3 * LEVEL, colours=[1, 1, 1, 2]))


@pytest.mark.parametrize(("loudest", "share"), [(1.0, 1.0), (4.0, 0.25)])
def test_light_takes_a_unit_through_a_share_of_its_range(evidence_of, gratings, loudest, share):
    answers = np.zeros((8, 16), np.float32)
    answers[0] = loudest
    curves = flat(*[LEVEL] * 16)
    evidence = evidence_of(
        gratings,
        flat=curves,
        probes=evidence_of.responses(answers),
        renders=evidence_of.responses(0 * answers),
    )
    assert light_share(evidence, 3) == pytest.approx(share)
