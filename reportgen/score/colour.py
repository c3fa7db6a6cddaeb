"""The colours of pictures: whether there is anything but one colour, and its name.

Brightness is judged as it is: nothing is stretched first. Which unit a picture belongs to is not known here.
"""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from reportgen.score.spectrum import Floats

_HUES = (
    (15, "red"), (45, "orange"), (70, "yellow"), (160, "green"), (200, "cyan"), (260, "blue"),
    (290, "violet"), (335, "magenta"), (361, "red"),
)  # fmt: skip
_TINT = 0.15
"""Least difference between the strongest and the weakest channel of a tint, in [0,1]."""


def contrast(pictures: Floats) -> NDArray[np.float32]:
    """Return `(n,)` RMS distances of pixels from their picture's mean colour, over pixels and channels.

    Args:
        pictures: `(n, h, w, c)` in [0,1].
    """
    return np.asarray(np.sqrt(pictures.var(axis=(1, 2)).mean(axis=1)), np.float32)


def colour_name(mean: Floats) -> str:
    """Return a colour `(c,)` in [0,1] in words, such as `bright`, `dark` or `tinted red, bright`.

    With other than 1 or 3 channels, whichever channel stands out is named by its number.

    Example:
        >>> colour_name(np.array([0.9, 0.9, 0.2], np.float32))
        'tinted yellow, bright'
    """
    level = float(mean.mean())
    light = float(mean.max() + mean.min()) / 2 if len(mean) == 3 else level
    shade = "bright" if light > 0.65 else "dark" if light < 0.35 else "mid-grey"
    spread = float(mean.max() - mean.min())
    if len(mean) == 1 or spread < _TINT:
        return shade
    if len(mean) != 3:
        return f"strongest in channel {int(mean.argmax())}, {shade}"
    degrees = 360 * colorsys.rgb_to_hsv(*(float(x) for x in mean))[0]
    hue = next(name for limit, name in _HUES if degrees < limit)
    brightness = "bright" if level > 0.6 else "dark" if level < 0.3 else ""
    return f"tinted {hue}" + (f", {brightness}" if brightness else "")


def colour_axes(power: Floats) -> str:
    """Return in words along which colours a picture varies, from its opponent spectrum `(c, N, M)`.

    `black and white`, `red and green`, `blue and yellow`, or `several colours`; empty where there is no
    power or the picture has other than 3 channels (1 channel is always black and white).
    """
    shares = power.sum(axis=(1, 2))
    total = float(shares.sum())
    if total <= 0:
        return ""
    if len(shares) == 1:
        return "black and white"
    if len(shares) != 3:
        return ""
    shares = shares / total
    names = ("black and white", "red and green", "blue and yellow")
    best = int(shares.argmax())
    return names[best] if float(shares[best]) >= 0.7 else "several colours"
