"""Octaves: a dream is rendered small, enlarged and rendered on, so that its patterns come in several sizes.

As in DeepDream (Mordvintsev, Olah and Tyka 2015): of a photograph what changed in it is enlarged, and added
to the photograph at the next size, which has all its details.
"""

from __future__ import annotations

import math

import numpy as np

from reportgen.errors import ConfigError
from reportgen.images import resized
from reportgen.plan import CANVAS_STEP_PX
from reportgen.units import Layer

OF_A_PHOTOGRAPH = 4
"""Octaves from a photograph, if the picture has room for them."""
RATIO = 1.4
"""Of the sides of one octave and of the one before it."""
LEAST_PX = 32
"""Shortest side of an octave."""

Size = tuple[int, int]


def photograph_canvas(layer: Layer, own: Size, photograph: Size) -> Size:
    """Return the size of a dream in the shape of a photograph, each side a multiple of what the layer wants.

    Its longer side is twice that of the model's input, at most the photograph's, at least the input's: the
    smallest of four octaves is then smaller than what the network was trained on, the largest larger.

    Args:
        layer: What is maximised; it sees a part of the input.
        own: Height and width of the model's input.
        photograph: Height and width of the photograph.
    """
    longer = max(max(own), min(2 * max(own), max(photograph)))
    return _rounded(layer, photograph, longer / max(photograph))


def octave_sizes(layer: Layer, canvas: Size, wanted: int | None, usual: int) -> tuple[Size, ...]:
    """Return the height and width of each octave, the smallest first; the last is the canvas.

    Args:
        layer: What is maximised.
        canvas: The picture's size.
        wanted: How many, if that was asked for.
        usual: How many otherwise, if the picture has room for them.

    Raises:
        ConfigError: It has no room for as many as were asked for.
    """
    if wanted is not None and wanted < 1:
        raise ConfigError(f"octaves is {wanted}, wanted a whole number from 1")
    sizes = [canvas]
    while layer.field_px is not None and len(sizes) < (usual if wanted is None else wanted):
        smaller = _rounded(layer, canvas, RATIO ** -len(sizes))
        if min(smaller) < LEAST_PX or smaller == sizes[0]:
            break
        sizes.insert(0, smaller)
    if wanted is not None and len(sizes) < wanted:
        if layer.field_px is None:
            raise ConfigError(f'octaves: layer "{layer.name}" sees the whole input, which has one size')
        raise ConfigError(
            f"octaves is {wanted}: {canvas[0]} × {canvas[1]} px have room for {len(sizes)}",
            hint="a larger --size has room for more",
        )
    return tuple(sizes)


def octave_start(photograph: np.ndarray | None, before: np.ndarray | None, size: Size) -> np.ndarray | None:
    """Return the picture that an octave starts from, uint8 `(h, w, c)`; None for noise.

    Args:
        photograph: The photograph at the size of the last octave, uint8 `(h, w, c)`; None for none.
        before: What the octave before became, uint8 `(h, w, c)`; None for the first.
        size: Height and width of this octave.
    """
    if photograph is None:
        return None if before is None else _as_bytes(resized(before, size))
    plain = resized(photograph, size)
    if before is None:
        return _as_bytes(plain)
    change = before - resized(photograph, (before.shape[0], before.shape[1]))
    return _as_bytes(plain + resized(change, size))


def _as_bytes(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _rounded(layer: Layer, size: Size, scale: float) -> Size:
    down, across = (math.lcm(CANVAS_STEP_PX, multiple_px) for multiple_px in layer.canvas_multiple_px)
    return (
        max(1, round(size[0] * scale / down)) * down,
        max(1, round(size[1] * scale / across)) * across,
    )
