"""Small random movements of a picture between steps, so that the result does not depend on single pixels.

Their parameters are drawn on the host for each picture and step; one bilinear resampling applies them. Whole
shifts are exact. If a layer has many places, the picture is shifted cyclically by any distance: no pixel is
then nearer to a border than another, and the picture gets no frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from keras import ops
from numpy.typing import NDArray

from reportgen.keras_types import Tensor
from reportgen.render.backend import backend
from reportgen.render.randomness import uniforms
from reportgen.spec import RenderSpec

STEPS, LOUDER_STEPS, FRESH = 1 << 32, 2 << 32, 3 << 32
"""Series of draws: for steps, for steps after a louder start, and draws that no step uses."""
IDENTITY = np.tile(np.array([1, 0, 0, 0, 1, 0, 0, 0], np.float32), (2, 1))


FRESH_SCALE, FRESH_DEGREES = 0.08, 6.0
"""Largest change of size and rotation of the transforms under which a finished picture is evaluated."""


def moves(recipe: RenderSpec) -> bool:
    """Return whether the recipe moves pictures at all."""
    return recipe.jitter_px > 0 or recipe.scale > 0 or recipe.rotate_degrees > 0


def turns(recipe: RenderSpec) -> bool:
    """Return whether the recipe scales or rotates pictures."""
    return recipe.scale > 0 or recipe.rotate_degrees > 0


def drawn(
    recipe: RenderSpec,
    size: tuple[int, int],
    around: bool,
    key: int,
    series: int,
    steps: Sequence[int],
) -> NDArray[np.float32]:
    """Return `(n, 2, 8)` projective transforms, a shift and a turn, from places after to places before.

    Args:
        recipe: Gives the reach of shift, scale and rotation.
        size: Height and width.
        around: Whether pictures may be shifted anywhere, around their own edges.
        key: Of the picture.
        series: `STEPS`, `LOUDER_STEPS` or `FRESH`.
        steps: The picture's own steps, n of them; even ones are shifted only.
    """
    height, width = size
    draws = uniforms([key], [series + step for step in steps], 4)
    reach = (height, width) if around and recipe.jitter_px else _mirrored_reach(recipe.jitter_px, size)
    down, right = (np.floor(draws[:, i] * reach[i]) - reach[i] // 2 for i in (0, 1))
    scale, degrees = (
        (recipe.scale, recipe.rotate_degrees) if series != FRESH else (FRESH_SCALE, FRESH_DEGREES)
    )
    angle = np.deg2rad(degrees) * (2 * draws[:, 2] - 1)
    zoom = 1.0 / (1.0 + scale * (2 * draws[:, 3] - 1))
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    y, x = (height - 1) / 2.0, (width - 1) / 2.0
    one, nil = np.ones_like(cos), np.zeros_like(cos)
    shift = [one, nil, right, nil, one, down, nil, nil]
    turn = [cos, -sin, x - (cos * x - sin * y), sin, cos, y - (sin * x + cos * y), nil, nil]
    found = np.stack([np.stack(shift, 1), np.stack(turn, 1)], axis=1).astype(np.float32)
    if series != FRESH:
        # A turn costs as much as the rest of a step of a small picture; every other step is enough.
        found[np.asarray(steps) % 2 == 0, 1] = IDENTITY[1]
    return found


def _mirrored_reach(jitter_px: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return how many shifts there are, down and across: none goes further than a sixteenth of the side."""
    down, across = (2 * min(jitter_px, side // 16) + 1 for side in size)
    return down, across


def moved(pictures: Tensor, transforms: Tensor, around: bool, turned: bool) -> Tensor:
    """Return `(n, h, w, c)` pictures shifted and, where `turned`, turned, by `(n, 2, 8)` transforms.

    Two resamplings, the first by whole pixels. A gradient is moved back by the inverse movement. That is
    exact for cyclic shifts; otherwise it blurs a little and ignores the second contribution of the mirrored
    rim, in the same way on every backend. TensorFlow's gradient of a cyclic rotation would be ten pixels off.
    """
    shifted = backend().shifted(pictures, transforms[:, 0], around)
    if not turned:
        return shifted
    turn = transforms[:, 1]
    any_turns = ops.any(turn != IDENTITY[1])
    return ops.cond(any_turns, lambda: backend().turned(shifted, turn), lambda: shifted)
