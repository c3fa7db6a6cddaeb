"""Whether neighbourhoods of a picture have directions of their own: form that nothing repeats.

Spectra show what repeats. A mushroom, an eye or a braid that winds through a picture repeats nowhere, and
its spectrum may be that of static; but places along it have one direction each, and places next to it
another or none. What that says of a unit is not known here.

Reference: J. Bigün, G. Granlund, "Optimal orientation detection of linear symmetry", 1987 (the structure
tensor).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from reportgen.score.spectrum import Floats, opponent_axes

EDGE_PX = 1.0
"""Deviation of the Gaussian whose derivatives are taken."""

NEIGHBOURHOOD_PX = 2.0
"""Deviation of the Gaussian over which directions are averaged."""


def flow(pictures: Floats, around: bool = False) -> NDArray[np.float64]:
    """Return how much directions differ from place to place, for each picture.

    The structure tensor of each place, over all opponent channels, gives a direction and its strength as a
    vector (at twice its angle, since stripes at t and t + 180 degrees are the same), in units of the
    picture's mean energy. Flow is the root mean square distance of these vectors from their mean, times the
    root of the number of colours that vary independently: chance directions of several average out, so that
    static of three colours would have less than grey static.

    Args:
        pictures: `(n, h, w, c)` in [0,1].
        around: Whether the picture wraps around its edges.

    Returns:
        `(n,)`, 0 or more: 0 for a perfect grating and where a picture is of one colour; static has about
        0.4, a picture with forms 0.5 and more.
    """
    mode = "wrap" if around else "nearest"
    colours = (pictures @ opponent_axes(pictures.shape[-1]).T).astype(np.float32)

    def smooth(maps: Floats, sigma: float, dy: int = 0, dx: int = 0) -> Floats:
        axes = (1, 2)
        return np.asarray(
            ndimage.gaussian_filter(maps, sigma, order=(dy, dx), mode=mode, axes=axes), np.float32
        )

    down, across = smooth(colours, EDGE_PX, dy=1), smooth(colours, EDGE_PX, dx=1)
    lengthwise, diagonal, energy = (
        smooth(part.sum(axis=-1), NEIGHBOURHOOD_PX)
        for part in (across**2 - down**2, 2 * across * down, across**2 + down**2)
    )
    vectors = np.stack([lengthwise, diagonal], axis=-1).astype(np.float64)
    vectors -= vectors.mean(axis=(1, 2), keepdims=True)
    mean = energy.mean(axis=(1, 2), dtype=np.float64)
    spread = np.sqrt((vectors**2).sum(axis=-1).mean(axis=(1, 2)))
    found = spread / np.maximum(mean, _LEAST_ENERGY) * np.sqrt(_independent(down, across))
    return np.asarray(np.where(mean > _LEAST_ENERGY, found, 0.0))


def _independent(down: Floats, across: Floats) -> NDArray[np.float64]:
    """Return how many colours vary independently, 1 to c: the participation ratio of their covariance."""
    together = np.einsum("nyxc,nyxd->ncd", down, down) + np.einsum("nyxc,nyxd->ncd", across, across)
    total = np.trace(together, axis1=1, axis2=2).astype(np.float64)
    squares = (together.astype(np.float64) ** 2).sum(axis=(1, 2))
    return np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1), 1.0)


_LEAST_ENERGY = 1e-10
"""Mean energy below which nothing is left of a picture but rounding."""
