"""The usual ranges of pictures, and which of them a scaling is intended for.

A scaling is intended for a range that it maps to one that networks usually work on: exactly, as `x / 65535`
maps 0..65535 to 0..1, or so that the result can have mean 0 and deviation 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.models.input_range.affine_start import Scaling
from reportgen.setting_values import RANGES

Floats = NDArray[np.float64]
Ends = tuple[tuple[float, ...], tuple[float, ...]]
"""Low and high ends: one number, or one for each channel."""

_BYTES: Ends = ((0.0,), (255.0,))
_COMMON: dict[str, Ends] = {"0..255": _BYTES, "0..1": ((0.0,), (1.0,)), "-1..1": ((-1.0,), (1.0,))}
_DEEP: dict[str, Ends] = {
    "0..65535": ((0.0,), (65535.0,)),
    "0..4095": ((0.0,), (4095.0,)),
    "0..1023": ((0.0,), (1023.0,)),
    "-1024..3071": ((-1024.0,), (3071.0,)),
}
_RARE: dict[str, Ends] = {
    "0..100": ((0.0,), (100.0,)),
    "-128..127": ((-128.0,), (127.0,)),
    "-0.5..0.5": ((-0.5,), (0.5,)),
    "-32768..32767": ((-32768.0,), (32767.0,)),
}
_NETWORK_RANGES = ((0.0, 1.0), (-1.0, 1.0), (-0.5, 0.5), (0.0, 255.0))
"""Ranges that networks work on, after their own scaling."""

_SLACK = 0.005
"""Tolerance of the ends of such a range, as a share of its width: `x / 256` is intended for bytes."""


def usual_ranges(channels: int) -> dict[str, Ends]:
    """Return the ranges that most networks are trained on, by name; with 3 channels also those by channel."""
    return {**_COMMON, **RANGES} if channels == 3 else dict(_COMMON)


def deep_ranges() -> dict[str, Ends]:
    """Return the ranges of pictures of 10, 12 and 16 bits, and of computed tomography."""
    return dict(_DEEP)


def range_of_type(dtype: str) -> tuple[Ends, bool] | None:
    """Return the range of pictures of an integer type, and whether the type implies it.

    Types of 16 bits and more may hold pictures of fewer bits. None for floating-point types.
    """
    if dtype == "uint8":
        return _BYTES, True
    if dtype == "int8":
        return _RARE["-128..127"], True
    if dtype == "uint16":
        return _DEEP["0..65535"], False
    return (_BYTES, False) if "int" in dtype else None


def named_range(name: str, channels: int) -> Ends | None:
    """Return the range of a name: that of a usual range, or `LO..HI`."""
    known = {**usual_ranges(channels), **_DEEP, **_RARE}
    if name in known:
        return known[name]
    low, dots, high = name.partition("..")
    try:
        return ((float(low),), (float(high),)) if dots else None
    except ValueError:
        return None


@dataclass(frozen=True)
class IntendedRange:
    """The range that a scaling is intended for.

    Attributes:
        name: `LO..HI`, or a name of `RANGES`.
        ends: Its ends.
        rivals: Names of other ranges that it may be intended for as well.
    """

    name: str
    ends: Ends
    rivals: tuple[str, ...] = ()


def intended_range(scaling: Scaling, channels: int) -> IntendedRange | None:
    """Return the range that a scaling is intended for; None if it is not a usual one, or nothing is scaled.

    A mere factor may be meant for signed numbers as well: `x / 128` then has a rival.
    """
    if not len(scaling.scale) or scaling.plain or scaling.several:
        return None
    exact = [
        IntendedRange(name, ends)
        for name, ends in {**usual_ranges(channels), **_DEEP, **_RARE}.items()
        if _is_exact(scaling, ends)
    ]
    common = [IntendedRange(name, ends) for name, ends in _COMMON.items() if _can_centre(scaling, ends)]
    deep = [IntendedRange(name, ends) for name, ends in _DEEP.items() if _can_centre(scaling, ends, 0.1)]
    if exact:
        signed = exact[0].ends[0][0] < 0 and np.allclose(scaling.offset, 0, atol=1e-6)
        plain = [m for m in (*common, *deep) if m.ends[0][0] >= 0] if signed else []
        return IntendedRange(plain[0].name, plain[0].ends, (exact[0].name,)) if plain else exact[0]
    if common:
        return common[0]
    if derived := _derived(scaling):
        return derived
    return IntendedRange(deep[0].name, deep[0].ends, tuple(m.name for m in deep[1:])) if deep else None


def fits(scaling: Scaling, low: Floats, high: Floats) -> bool:
    """Whether a scaling maps pictures of a range, its ends by channel, to a range that networks work on."""
    ends = tuple(low.tolist()), tuple(high.tolist())
    return _is_exact(scaling, ends) or _can_centre(scaling, ends)


def result_words(scaling: Scaling, ends: Ends) -> str:
    """Return the range to which a scaling maps pictures of a range, in words."""
    low, high = _mapped(scaling, ends)
    return f"{low.min():.3g}..{high.max():.3g}"


def _by_entry(scaling: Scaling, ends: Ends) -> tuple[Floats, Floats]:
    """Return the ends for each entry of a scaling."""
    low, high = (np.asarray(end, float)[scaling.channel if len(end) > 1 else 0] for end in ends)
    return np.asarray(low), np.asarray(high)


def _mapped(scaling: Scaling, ends: Ends) -> tuple[Floats, Floats]:
    low, high = _by_entry(scaling, ends)
    out = scaling.scale * low + scaling.offset, scaling.scale * high + scaling.offset
    return np.minimum(*out), np.maximum(*out)


def _is_exact(scaling: Scaling, ends: Ends) -> bool:
    """Whether each entry maps a range exactly to one that networks work on."""
    low, high = _mapped(scaling, ends)
    hits = np.zeros(len(low), bool)
    for bottom, top in _NETWORK_RANGES:
        slack = _SLACK * (top - bottom)
        if np.allclose(ends, [[bottom], [top]], atol=slack) and (scaling.scale > 0).all():
            continue  # Mapped to itself, which is no evidence.
        hits |= (np.abs(low - bottom) <= slack) & (np.abs(high - top) <= slack)
    return bool(len(low) and hits.all())


def _can_centre(scaling: Scaling, ends: Ends, least: float = 0.05) -> bool:
    """Whether scaled pictures of a range can have mean 0 and deviation about 1.

    With `x = (out - b) / a`: the value mapped to zero, -b / a, must be within the range, and the difference
    mapped to one, 1 / |a|, must be between the `least` share and the whole of the range's width. The upper
    limit is the whole width since unsigned pictures may be scaled to a width of one; for signed ones, which
    have that width already, it is half, since no deviation exceeds that. Alternatively it is a shift that
    only makes sense for bytes, since the mean subtracted is far above 1.
    """
    low, high = _by_entry(scaling, ends)
    width, one, zero = high - low, 1 / np.abs(scaling.scale), -scaling.offset / scaling.scale
    shift = np.allclose(scaling.scale, 1)
    margin = 0.01 * width if shift else 0.0
    if not np.all((zero >= low + margin) & (zero <= high - margin)):
        return False
    most = np.where(low < 0, 0.5, 1.0) * 1.05
    if np.all((one >= width * least) & (one <= width * most)):
        return True
    return bool(np.all(width == 255) and np.all(zero > 2) and shift)


_NARROWEST, _WIDEST = 256.0, 70000.0
"""Widths between which a range is derived from the scaling alone; narrower ones must be in the tables."""


def _derived(scaling: Scaling) -> IntendedRange | None:
    """Return the range with round ends that is mapped to one networks work on, if possible from 0.

    One from below 0 only if it is mapped to 0..1: a mean and a deviation may be round numbers as well.
    """
    found = []
    for bottom, top in _NETWORK_RANGES[:3]:
        ends = np.sort([(end - scaling.offset) / scaling.scale for end in (bottom, top)], axis=0)
        low, high = (_rounded(end) for end in ends)
        if low is None or high is None or low > 0 or high <= 0 or (low < 0 and bottom):
            continue
        if _NARROWEST < high - low <= _WIDEST:
            found.append((low, high))
    if not found:
        return None
    low, high = next((pair for pair in found if pair[0] == 0), found[0])
    return IntendedRange(f"{low:g}..{high:g}", ((low,), (high,)))


def _rounded(ends: Floats) -> float | None:
    """Return the round number that all ends equal: of two digits, a power of two, or one below such."""
    size = float(np.abs(ends).max())
    if size < 1e-3 or not np.isfinite(size):
        return 0.0 if size < 1e-3 else None
    power = 2.0 ** np.round(np.log2(size))
    for value in (float(f"{size:.1e}"), power, power - 1):
        if np.allclose(np.abs(ends), value, rtol=1e-5) and (np.sign(ends) == np.sign(ends[0])).all():
            return float(np.sign(ends[0]) * value)
    return None
