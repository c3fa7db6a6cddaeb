"""How a gradient becomes a step. Moments and step counters belong to each picture alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

Tensor = Any
Optimiser = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]

TEXTURE_SHARES, WHOLE_SHARES = (30.0, 0.3), (3.0, 0.01)
"""How much of a picture's mean and of its largest second moment Adam adds to each wave's own.

The first where a unit answers at many places, so that flat colours stay flat; the second where it sees the
whole picture, whose fine waves would otherwise never catch up with the broad ones.
"""


def optimiser(name: str, shares: tuple[float, float] = (0.0, 0.0)) -> Optimiser:
    """Return the optimiser of that name; `shares` are Adam's.

    It takes the gradient of a loss, two moments, all `(n, h, w, c)`, and the 0-based step `(n,)`; it returns
    the step to subtract, for a step size of 1, and the new moments.
    """
    if name == "rmsprop-2019":
        return rmsprop_2019
    return adam(*shares)


def adam(of_mean: float, of_peak: float) -> Optimiser:
    """Return Adam (Kingma and Ba 2015) with decays .9 and .99: runs here are of about a hundred steps.

    Plain Adam moves every number alike, however little it matters. In a spectrum that blows up broad waves
    that hardly touch the unit, and draws patches of other colours into a unit that wants one; there, a share
    of the picture's mean and largest second moment joins each number's own, and waves move as they matter.
    An average number still moves by about one step size.

    Args:
        of_mean, of_peak: Those shares.
    """

    def update(
        gradient: Tensor, first: Tensor, second: Tensor, step: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        count = ops.reshape(step + 1.0, (-1, 1, 1, 1))
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient * gradient
        mean = first / (1.0 - ops.power(0.9, count))
        together = of_mean * ops.mean(second, axis=(1, 2, 3), keepdims=True)
        together = together + of_peak * ops.max(second, axis=(1, 2, 3), keepdims=True)
        spread = ops.sqrt((second + together) / (1.0 - ops.power(0.99, count)))
        return mean * (1.0 + of_mean) ** 0.5 / (spread + 1e-8), first, second

    return update


def rmsprop_2019(
    gradient: Tensor, first: Tensor, second: Tensor, step: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """keras-vis' rule: the gradient over its L2 norm, then over a running RMS (decay .95, from zero)."""
    norm = ops.sqrt(ops.maximum(ops.sum(gradient * gradient, axis=(1, 2, 3), keepdims=True), 1e-12))
    gradient = gradient / norm
    second = 0.95 * second + 0.05 * gradient * gradient
    return gradient / ops.sqrt(second + 1e-7), first, second
