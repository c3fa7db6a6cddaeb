"""Interval arithmetic on channels: bounds of an operation's outputs, given bounds of its inputs.

An interval has a low and a high end for each channel, which hold at every position. Every rule here is
sound: no picture within the input's ends gives a value outside the output's. Where channels are mixed up
or an operation is unknown, ends are nan, and nan stays nan. This module uses numpy only; `bounds` applies
it to the nodes of a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import Curve, Shape, Shares, Slopes

Floats = NDArray[np.float64]
Pads = tuple[tuple[int, int], tuple[int, int]]
"""Positions added above and below, left and right."""

NO_PADS: Pads = ((0, 0), (0, 0))
_UNITS_AT_ONCE = 512
"""Units whose weights are widened to float64 together, so that a large dense layer fits in memory."""


@dataclass(frozen=True)
class Interval:
    """Ends of the values of a tensor, by channel.

    Attributes:
        low, high: `(C,)`; nan where unknown.
        size: Height and width of the map without `pads`; None for vectors and where it is unknown.
        is_map: Whether the tensor is `(n, H, W, C)`; otherwise it is `(n, C)`.
        pads: Zeros around the map, which the ends do not include.
        exact: Whether some picture attains each end.
        box: Whether all positions and channels attain any values within their ends independently.
    """

    low: Floats
    high: Floats
    size: tuple[int, int] | None
    is_map: bool
    pads: Pads = NO_PADS
    exact: bool = False
    box: bool = False

    def with_ends(self, low: Floats, high: Floats, *, exact: bool = False, box: bool = False) -> Interval:
        """Return this tensor with other ends."""
        return replace(self, low=low, high=high, exact=exact, box=box)

    def unpadded(self) -> Interval:
        """Return the interval without pads, its ends widened to include their zeros."""
        if self.pads == NO_PADS:
            return self
        (top, bottom), (left, right) = self.pads
        size = None if self.size is None else (self.size[0] + top + bottom, self.size[1] + left + right)
        low, high = np.minimum(self.low, 0), np.maximum(self.high, 0)
        return replace(self, low=low, high=high, size=size, pads=NO_PADS, box=False)


def unknown(n_channels: int, size: tuple[int, int] | None, is_map: bool) -> Interval:
    """Return an interval whose ends are all unknown."""
    ends = np.full(n_channels, np.nan)
    return Interval(ends, ends.copy(), size, is_map)


# Linear maps


def matrix_ends(weights: np.ndarray, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the ends of `x @ weights` for x between `low` and `high`: exact where x fills its box.

    Args:
        weights: `(..., cin, K)`.
        low: `(cin,)`.
        high: `(cin,)`.

    Returns:
        Two `(..., K)`; nan where an unknown input has a weight other than zero.
    """
    known = ~(np.isnan(low) | np.isnan(high))
    ends_low, ends_high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    bottoms, tops = [], []
    for start in range(0, weights.shape[-1], _UNITS_AT_ONCE):
        part = weights[..., start : start + _UNITS_AT_ONCE].astype(float)
        positive, negative = np.maximum(part, 0), np.minimum(part, 0)
        bottoms.append(_product(ends_low, positive) + _product(ends_high, negative))
        tops.append(_product(ends_high, positive) + _product(ends_low, negative))
    bottom, top = np.concatenate(bottoms, axis=-1), np.concatenate(tops, axis=-1)
    if not known.all():
        touched = (weights[..., ~known, :] != 0).any(axis=-2)
        bottom, top = np.where(touched, np.nan, bottom), np.where(touched, np.nan, top)
    return bottom, top


def _product(ends: Floats, weights: Floats) -> Floats:
    """Return `ends @ weights`, where infinite ends times zero weights are zero."""
    if np.isfinite(ends).all():
        return np.asarray(ends @ weights)
    with np.errstate(invalid="ignore"):
        terms = ends[:, None] * weights
    return np.asarray(np.where(weights == 0, 0.0, terms).sum(axis=-2))


def tap_masks(
    size: int | None, pads: tuple[int, int] | None, taps: int, stride: int, dilation: int
) -> NDArray[np.bool_]:
    """Return the sets of kernel taps, along one axis, that lie on the input at the same time.

    Args:
        size: Positions of the input; None if unknown.
        pads: Zeros before and after it; None if unknown.
        taps: Taps of the kernel.
        stride: Positions from one output to the next.
        dilation: Positions from one tap to the next.

    Returns:
        `(m, taps)`: each set that some output position has; all runs of taps where size or pads are unknown.
    """
    if size is None or pads is None:
        runs = [(i, j) for i in range(taps) for j in range(i + 1, taps + 1)]
        return np.array([[i <= t < j for t in range(taps)] for i, j in runs])
    starts = np.arange(0, max(size + sum(pads) - dilation * (taps - 1), 1), stride) - pads[0]
    at = starts[:, None] + dilation * np.arange(taps)
    return np.unique((at >= 0) & (at < size), axis=0)


def convolution_ends(
    tap_low: Floats, tap_high: Floats, rows: NDArray[np.bool_], columns: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return the ends over all positions of a sum of taps, some of which lie on zeros.

    Args:
        tap_low: `(kh, kw, K)`, the lower end of each tap's share.
        tap_high: The upper ends.
        rows: Sets of taps from `tap_masks`.
        columns: The same across.
    """
    low = np.einsum("ai,ijk,bj->abk", rows.astype(float), tap_low, columns.astype(float))
    high = np.einsum("ai,ijk,bj->abk", rows.astype(float), tap_high, columns.astype(float))
    return low.min(axis=(0, 1)), high.max(axis=(0, 1))


def same_pads(size: int | None, taps: int, stride: int, dilation: int) -> tuple[int, int] | None:
    """Return the zeros that `padding="same"` adds before and after an axis; None if unknown."""
    reach = dilation * (taps - 1) + 1
    if size is None:
        return ((reach - 1) // 2, reach // 2) if stride == 1 else None
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def affine(x: Interval, scale: Floats, offset: Floats) -> Interval:
    """Return `x * scale + offset`, channel by channel."""
    x = x.unpadded()
    a, b = x.low * scale + offset, x.high * scale + offset
    return x.with_ends(np.minimum(a, b), np.maximum(a, b), exact=x.exact, box=x.box)


# Functions of numbers


def curved(x: Interval, curve: Curve) -> Interval:
    """Return the ends of an elementwise function."""
    x = x.unpadded()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        at_low, at_high = curve.function(x.low), curve.function(x.high)
        if curve.lowest is None:
            return x.with_ends(at_low, at_high, exact=x.exact, box=x.box)
        low = curve.function(np.clip(curve.lowest, x.low, x.high))
    at_low, at_high = _limits(at_low, x.low), _limits(at_high, x.high)
    return x.with_ends(low, np.maximum(at_low, at_high), exact=x.exact, box=x.box)


def _limits(values: Floats, ends: Floats) -> Floats:
    """Return `values`, with 0 where a dipping function met minus infinity (0 times infinity)."""
    return np.where(np.isnan(values) & (ends == -np.inf), 0.0, values)


def sloped(x: Interval, slopes: Slopes) -> Interval | None:
    """Return the ends of v where positive, slope times v elsewhere; None for slopes of other channels."""
    least, most = slopes.least, slopes.most
    if len(least) not in (1, len(x.low)):
        return None
    x = x.unpadded()
    corners = [np.where(end > 0, end, slope * end) for end in (x.low, x.high) for slope in (least, most)]
    corners.append(np.where((x.low < 0) & (x.high > 0), 0.0, corners[0]))
    one_slope = bool((least == most).all())
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    return x.with_ends(low, high, exact=x.exact and one_slope, box=x.box and one_slope)


def shared(x: Interval, shares: Shares) -> Interval | None:
    """Return the ends of a softmax-like share: lowest where the value is low and all others are high."""
    if shares.axis not in (-1, 3 if x.is_map else 1):
        return None
    x = x.unpadded()

    def ends(own: Floats, others: Floats) -> Floats:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array([shares.share(own[i], np.delete(others, i)) for i in range(len(own))])

    return x.with_ends(ends(x.low, x.high), ends(x.high, x.low))


def activated(x: Interval, shape: Shape | None) -> Interval | None:
    """Return the ends of an activation, or None where its shape is unknown."""
    if isinstance(shape, Curve):
        return curved(x, shape)
    if isinstance(shape, Slopes):
        return sloped(x, shape)
    return None if shape is None else shared(x, shape)


# Several tensors


def joined(
    parts: Sequence[Interval], combine: Callable[[Interval, Interval], tuple[Floats, Floats]]
) -> Interval:
    """Return parts combined in turn, channel by channel; a single channel is broadcast."""
    parts = [p.unpadded() for p in parts]
    total = parts[0]
    for part in parts[1:]:
        if len(total.low) != len(part.low) and 1 not in (len(total.low), len(part.low)):
            shape = max(total, part, key=lambda p: len(p.low))
            total = unknown(len(shape.low), None, shape.is_map)
            continue
        low, high = combine(total, part)
        wide = total if total.is_map else part
        size = total.size if total.size == part.size else None
        total = Interval(low, high, size, wide.is_map)
    return total


def sums(a: Interval, b: Interval) -> tuple[Floats, Floats]:
    """Return the ends of `a + b`."""
    return a.low + b.low, a.high + b.high


def differences(a: Interval, b: Interval) -> tuple[Floats, Floats]:
    """Return the ends of `a - b`."""
    return a.low - b.high, a.high - b.low


def products(a: Interval, b: Interval) -> tuple[Floats, Floats]:
    """Return the ends of `a * b`."""
    corners = np.stack([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high])
    return corners.min(axis=0), corners.max(axis=0)


def hulls(a: Interval, b: Interval) -> tuple[Floats, Floats]:
    """Return ends that hold for values of either."""
    return np.minimum(a.low, b.low), np.maximum(a.high, b.high)


def maxima(a: Interval, b: Interval) -> tuple[Floats, Floats]:
    """Return the ends of the larger of both."""
    return np.maximum(a.low, b.low), np.maximum(a.high, b.high)


def minima(a: Interval, b: Interval) -> tuple[Floats, Floats]:
    """Return the ends of the smaller of both."""
    return np.minimum(a.low, b.low), np.minimum(a.high, b.high)
