"""Penalties on a picture's roughness and extreme values, one number a picture.

They depend on the untransformed picture alone, never on the network. Their scale is set in `optimise`.
"""

from __future__ import annotations

from collections.abc import Callable

from keras import ops

from reportgen.keras_types import Tensor
from reportgen.registry import Registry
from reportgen.render.backend import backend

_SMOOTHING = 1e-6  # keeps the square root's gradient finite where neighbours are equal


PENALTIES: Registry[Callable[[Tensor, float, bool], tuple[Tensor, Tensor]]] = Registry("penalty")
"""Each takes `(n, h, w, c)` pictures, an exponent and whether they are in the model's own input range; it
returns the penalty of each, `(n,)`, and its gradient. A recipe has two fields for it, `<name>`, its weight,
and `<name>_power`."""


def total_variation(pictures: Tensor, power: float) -> tuple[Tensor, Tensor]:
    """Return the mean over pixels and channels of (dx^2 + dy^2)^(power/2), `(n,)`, and its gradient.

    Differences are those to the right and the lower neighbour; the last row and column have none, and the
    mean still counts them (Mahendran and Vedaldi 2016, section 3.2.2, with keras-vis' normalisation).
    Exactly zero for a flat picture. The gradient is written out: automatic differentiation took a tenth of a
    step's time.
    """
    # Rows as one axis: slicing an axis of one or three channels is slow.
    across = pictures.shape[3]
    rows = ops.reshape(pictures, (-1, pictures.shape[1], pictures.shape[2] * across))
    here = rows[:, :-1, :-across]
    down, right = rows[:, 1:, :-across] - here, rows[:, :-1, across:] - here
    squares = down * down + right * right
    if power == 1.0:
        root = ops.sqrt(squares + _SMOOTHING)
        rough, slope = root - _SMOOTHING**0.5, 1.0 / root
    elif power == 2.0:
        rough, slope = squares, 2.0
    else:
        rough = ops.power(squares + _SMOOTHING, power / 2) - _SMOOTHING ** (power / 2)
        slope = power * ops.power(squares + _SMOOTHING, power / 2 - 1)
    size = _size(pictures)
    down, right = down * (slope / size), right * (slope / size)
    gradient = (
        ops.pad(right, ((0, 0), (0, 1), (across, 0)))
        + ops.pad(down, ((0, 0), (1, 0), (0, across)))
        - ops.pad(right + down, ((0, 0), (0, 1), (0, across)))
    )
    return ops.sum(rough, axis=(1, 2)) / size, ops.reshape(gradient, (-1, *pictures.shape[1:]))


def distance_from_grey(pictures: Tensor, power: float) -> Tensor:
    """Return the mean of |picture - 1/2|^power, `(n,)`, for pictures in [0,1]."""
    return ops.mean(ops.power(ops.abs(pictures - 0.5), power), axis=(1, 2, 3))


def lp_norm(values: Tensor, power: float) -> Tensor:
    """Return the p-norm of all values over their number, `(n,)`: keras-vis' penalty on raw input values."""
    # Divided by the largest first: a power of 255 would leave float32.
    largest = ops.stop_gradient(ops.max(ops.abs(values), axis=(1, 2, 3), keepdims=True)) + 1e-12
    total = ops.sum(ops.power(ops.abs(values) / largest, power), axis=(1, 2, 3))
    return largest[:, 0, 0, 0] * ops.power(total, 1.0 / power) / _size(values)


@PENALTIES.named("tv")
def _roughness(pictures: Tensor, power: float, own_range: bool) -> tuple[Tensor, Tensor]:
    return total_variation(pictures, power)


@PENALTIES.named("lp")
def _extremes(pictures: Tensor, power: float, own_range: bool) -> tuple[Tensor, Tensor]:
    function = lp_norm if own_range else distance_from_grey
    (values, _), gradient = backend().value_and_gradient(lambda p: (function(p, power), ()), pictures)
    return values, gradient


def _size(pictures: Tensor) -> float:
    return float(pictures.shape[1] * pictures.shape[2] * pictures.shape[3])
