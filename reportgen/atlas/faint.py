"""Which pictures are hard to see, and how far their contrast has to be raised to be seen.

A page shows pictures as they are. One that is nearly black, nearly white or nearly of one colour says so by a
word, and its contrast can be raised: by a filter of the style sheet, so that it works without scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reportgen.images import decode_png
from reportgen.store import Store, pictures_by_key

FAINT_SPREAD = 0.1
"""Deviation of a picture's values from their mean, in [0,1], below which it is hard to see."""
NEAR_BLACK, NEAR_WHITE = 0.15, 0.85
"""Means in [0,1] below and above which a picture is nearly black, nearly white."""
_BLANK = 0.005
_WANTED = 0.25
_STEP = 0.02
GAINS = (2, 4, 8, 16)


class Faint(NamedTuple):
    """A picture that is hard to see.

    Attributes:
        word: What it is.
        level: Its mean in steps of a fiftieth, 0 black to 50 white: the grey from which contrast is raised.
        gain: How many times it is raised; 1 where there is nothing to raise.
    """

    word: str
    level: int
    gain: int


def faint_of(mean: float, spread: float) -> Faint | None:
    """Return how a picture is hard to see; None where it is not.

    Args:
        mean: Of all its values, in [0,1].
        spread: Their standard deviation.
    """
    level = round(mean / _STEP)
    if spread < _BLANK:
        return Faint("one colour", level, 1)
    word = "near black" if mean < NEAR_BLACK else "near white" if mean > NEAR_WHITE else "low contrast"
    if word == "low contrast" and spread >= FAINT_SPREAD:
        return None
    return Faint(word, level, min(GAINS, key=lambda gain: abs(gain - _WANTED / spread)))


def faint_by_key(store: Store, keys: Sequence[str]) -> dict[str, Faint]:
    """Return how renders are hard to see, by content key, of those that are."""
    found = {}
    for render in pictures_by_key(store, keys):
        if render.png and not render.failure:
            pixels = decode_png(render.png, render.channels)
            faint = faint_of(float(pixels.mean()) / 255, float(pixels.std()) / 255)
            if faint is not None:
                found[render.key] = faint
    return found
