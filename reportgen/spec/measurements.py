"""What pictures and units are compared with: versions of the probes and of the null, and the null's size."""

from __future__ import annotations

WEIGHTS_VERSION = 2
"""Raised whenever what is read from weights changes."""

PROBES_VERSION = 1
"""Increased whenever a probe changes; responses to different versions are not comparable."""

WHITE_PROBES = 7
"""Number of white-noise probes, which come first; they distinguish copies from units that merely respond
similarly to photographs."""

NULL_VERSION = 3
"""Increased whenever the null's networks change; renders of different versions are not comparable."""

NULL_CANVAS_PX = 96
"""Largest side of the renderer null's pictures."""


def null_canvas(canvas_px: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width of the renderer null for pictures of a canvas.

    Structure is measured in windows of 32 px at lags of a few pixels, so that a null of a few windows is
    large enough; docs/method.md shows how well it represents larger canvases.
    """
    height, width = canvas_px
    return min(height, NULL_CANVAS_PX), min(width, NULL_CANVAS_PX)
