"""Optimisers: how a gradient becomes a step. Moments and step counters are kept for each picture."""

from __future__ import annotations

from collections.abc import Callable

from keras import ops

from reportgen.keras_types import Tensor
from reportgen.registry import Registry
from reportgen.spec import CHOICES

Optimiser = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


IN_THE_METRIC = ("normalised",)
"""Optimisers whose gradient is first brought into the parametrization's metric; of others, the step is."""

OPTIMISERS: Registry[Optimiser] = Registry("optimiser", CHOICES["optimiser"])
"""Each takes the gradient of a loss, two moments, all `(n, h, w, c)`, and the 0-based step `(n,)`; it returns
the step to subtract, for a step size of 1, and the new moments."""


@OPTIMISERS.named("adam")
def adam(gradient: Tensor, first: Tensor, second: Tensor, step: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Adam (Kingma and Ba 2015) with decays .9 and .99: runs here are of at most some hundred steps."""
    count = ops.reshape(step + 1.0, (-1, 1, 1, 1))
    first = 0.9 * first + 0.1 * gradient
    second = 0.99 * second + 0.01 * gradient * gradient
    mean = first / (1.0 - ops.power(0.9, count))
    spread = ops.sqrt(second / (1.0 - ops.power(0.99, count)))
    return mean / (spread + 1e-8), first, second


@OPTIMISERS.named("rmsprop-2019")
def rmsprop_2019(
    gradient: Tensor, first: Tensor, second: Tensor, step: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """keras-vis' rule: the gradient over its L2 norm, then over a running RMS (decay .95, from zero)."""
    norm = ops.sqrt(ops.maximum(ops.sum(gradient * gradient, axis=(1, 2, 3), keepdims=True), 1e-12))
    gradient = gradient / norm
    second = 0.95 * second + 0.05 * gradient * gradient
    return gradient / ops.sqrt(second + 1e-7), first, second


@OPTIMISERS.named("normalised")
def normalised(
    gradient: Tensor, first: Tensor, second: Tensor, step: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient over its root mean square: steps of one length, whose direction is the gradient's own."""
    length = ops.sqrt(ops.mean(gradient * gradient, axis=(1, 2, 3), keepdims=True))
    return gradient / ops.maximum(length, 1e-18), first, second
