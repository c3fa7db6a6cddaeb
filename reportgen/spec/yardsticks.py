"""What pictures and units are held against: versions of the probes and of the null, and the null's size."""

from __future__ import annotations

WEIGHTS_VERSION = 2
"""Raised whenever what is read from weights changes."""

PROBES_VERSION = 1
"""Raised whenever a probe changes; responses to different versions do not compare."""

WHITE_PROBES = 7
"""The first so many probes are white noise, which tells copies from units that agree on photographs."""

NULL_VERSION = 3
"""Raised whenever the null's networks change; renders of different versions do not compare."""

NULL_CANVAS_PX = 96
"""Largest side of the renderer null's pictures."""


def null_canvas(canvas_px: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width of the renderer null for pictures of a canvas.

    Structure is read through windows of 32 px and lags of a few, so that a null need not be larger
    than some of these; how well it stands for larger canvases is told in docs/method.md.
    """
    height, width = canvas_px
    return min(height, NULL_CANVAS_PX), min(width, NULL_CANVAS_PX)
