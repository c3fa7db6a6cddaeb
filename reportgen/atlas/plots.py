"""Small plots as numbers: points, marks and words on a canvas, each with a text that says the same.

A page's template and its script draw a plot alike (see `views`). Nothing here is HTML.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from reportgen.atlas.views import Box, Dot, Label, Line, Plot

_WIDTH, _HEIGHT = 320, 120
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 10, 22
_NULL_BIN = 0.5


def number(value: float | None) -> str:
    """Return a number for people: three digits that count, nothing where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value != 0 and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.2g}".replace("-", "−")
    text = f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return text.replace("-", "−")


def tenths(value: float | None) -> str:
    """Return a structure score as all pages show it: to one decimal, from its hundredths, halves upwards.

    The packed columns hold these hundredths, so that scripts round the same number.
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{(math.floor(value * 100) + 5) // 10 / 10:.1f}".replace("-", "−")


def curves(
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]], *, across: str, alt: str
) -> Plot | None:
    """Return lines over one another; None where there is nothing to draw.

    Args:
        lines: `(class, points)`; points with numbers that are not finite are left out.
        across: What the horizontal axis counts.
        alt: The same in words.
    """
    kept = [(c, finite) for c, points in lines if len(finite := _finite(points)) > 1]
    if not kept:
        return None
    every = np.concatenate([points for _, points in kept])
    (x0, y0), (x1, y1) = every.min(axis=0).tolist(), every.max(axis=0).tolist()
    y0, y1 = min(y0, 0.0), max(y1, 0.0)
    places = iter(_places(every, (x0, x1), (y0, y1)))
    to_y = _scale(y0, y1, _HEIGHT - _BOTTOM, _TOP)
    zero = to_y(0.0)
    labels = [
        Label("end", _LEFT - 5, to_y(y1) + 4, number(y1)),
        Label("start", _LEFT, _HEIGHT - 7, number(x0)),
        Label("end", _WIDTH - _RIGHT, _HEIGHT - 7, number(x1)),
        Label("middle", (_WIDTH + _LEFT) // 2, _HEIGHT - 7, across),
    ]
    if abs(zero - to_y(y1)) > 12:
        labels.append(Label("end", _LEFT - 5, zero + 4, "0"))
    if abs(to_y(y0) - zero) > 12:
        labels.append(Label("end", _LEFT - 5, to_y(y0) + 4, number(y0)))
    axis = Line("axis", f"{_LEFT},{zero} {_WIDTH - _RIGHT},{zero}")
    drawn = [Line(c, " ".join(islice(places, len(points)))) for c, points in kept]
    return Plot(alt=alt, width=_WIDTH, height=_HEIGHT, lines=(axis, *drawn), labels=tuple(labels))


def _finite(points: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return the points whose numbers are finite, `(n, 2)`."""
    found = np.fromiter(chain.from_iterable(points), np.float64).reshape(-1, 2)
    known = np.isfinite(found)
    return found if known.all() else found[known.all(axis=1)]


def _places(points: np.ndarray, across: tuple[float, float], up: tuple[float, float]) -> Iterator[str]:
    """Yield `(n, 2)` points as `x,y` in whole units of the canvas."""
    (x0, x1), (y0, y1), bottom = across, up, _HEIGHT - _BOTTOM
    x = _LEFT + (points[:, 0] - x0) * ((_WIDTH - _RIGHT - _LEFT) / ((x1 - x0) or 1.0))
    y = bottom - (points[:, 1] - y0) * ((bottom - _TOP) / ((y1 - y0) or 1.0))
    return map(_words_of_places().__getitem__, (np.rint(x) * _HEIGHT + np.rint(y)).astype(int).tolist())


@functools.cache
def _words_of_places() -> list[str]:
    """Return every place of the canvas as `x,y`, column by column."""
    return [f"{x},{y}" for x in range(_WIDTH) for y in range(_HEIGHT)]


def place_in_null(z: float, cut: float, band: tuple[float, float], null: Sequence[float] = ()) -> Plot | None:
    """Return where a structure score of `z` deviations of the null is relative to the null and the threshold.

    Args:
        z: Of the unit; None if it is not finite.
        cut: From which on a unit is structured.
        band: Between which it is borderline.
        null: Structure of each null picture, drawn as a histogram; none is drawn where it is not known.
    """
    if not math.isfinite(z):
        return None
    low = math.floor(min(-3.0, cut - 1.0, band[0], *null))
    high = max(8.0, *(math.ceil(x) + 1.0 for x in (z, cut, band[1], *null)))
    to_x = _scale(low, high, 8, _WIDTH - 8)
    at = to_x(min(max(z, low), high))
    side = "above" if z >= cut else "below"
    baseline = f"the noise baseline is centred on 0{_null_in_words(z, null)}."
    begins = Label("start", to_x(cut) - 4, 50, f"pattern from {number(cut)}")
    labels = [Label("end", to_x(0) + 10, 50, "noise"), begins]
    if not to_x(0) - 30 < at < to_x(cut) + 105:
        labels.append(Label("middle", at, 50, tenths(z)))
    borderline = Box("band", to_x(band[0]), 8, to_x(band[1]) - to_x(band[0]), 26)
    return Plot(
        alt=f"Structure {tenths(z)}, {side} {number(cut)} where patterns begin; {baseline}",
        width=_WIDTH,
        height=58,
        boxes=(borderline, *_bars(null, low, to_x)),
        lines=(Line("axis", f"8,34 {_WIDTH - 8},34"), Line("cut", f"{to_x(cut)},6 {to_x(cut)},38")),
        dots=(Dot("unit", at, 34),),
        labels=tuple(labels),
    )


def _null_in_words(z: float, null: Sequence[float]) -> str:
    if not null:
        return ""
    above = sum(x >= z for x in null)
    return (
        f", its {len(null)} pictures lie between {number(min(null))} and {number(max(null))}, "
        f"{above or 'none'} of them at or above the unit"
    )


def _bars(null: Sequence[float], low: float, to_x: Any) -> list[Box]:
    """Return the histogram of the null as boxes that stand on the axis, half a deviation wide."""
    counts = Counter(math.floor((x - low) / _NULL_BIN) for x in null)
    most = max(counts.values(), default=1)
    found = []
    for place, count in sorted(counts.items()):
        left, right = (to_x(low + (place + more) * _NULL_BIN) for more in (0, 1))
        tall = max(1, round(24 * count / most))
        found.append(Box("null", left, 34 - tall, max(1, right - left), tall))
    return found


def kernel_colours(kernel: np.ndarray) -> list[str]:
    """Return each input channel's weights as colours, `rrggbb` after `rrggbb`, row by row.

    Args:
        kernel: `(kh, kw, cin)`; blue is negative, orange positive, white 0, on one scale for all
            channels that is symmetric about 0.
    """
    values = np.nan_to_num(kernel.astype(np.float64))
    share = values / (np.abs(values).max() or 1.0)
    ends = np.where(share[..., None] < 0, np.array([24.0, 84, 168]), np.array([200.0, 82, 0]))
    colour = 247 + (ends - 247) * np.abs(share)[..., None]
    codes = np.clip(colour.round(), 0, 255).astype(np.uint8)
    return [codes[:, :, channel].tobytes().hex() for channel in range(kernel.shape[2])]


def _scale(low: float, high: float, start: int, end: int) -> Any:
    span = (high - low) or 1.0
    return lambda value: round(start + (value - low) / span * (end - start))
