"""The weights of a node as plain arrays, in one layout for all kinds of layers.

The only module of this package that knows how Keras names weights and settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.keras_types import KerasLayer, Variable

if TYPE_CHECKING:
    from reportgen.models import Node

Floats = NDArray[np.float64]

KINDS = ("conv2d", "depthwise_conv2d", "separable_conv2d", "conv2d_transpose", "dense")


@dataclass(frozen=True)
class Kernel:
    """The weights of a linear layer.

    Attributes:
        kind: One of `KINDS`.
        weights: `(kh, kw, cin / groups, K)` for convolutions; `(kh, kw, cin, multiplier)` depthwise;
            `(kh, kw, K, cin)` transposed; `(cin, K)` dense; `(kh, kw, cin, K)`, both factors
            multiplied out, separable. As stored, usually float32.
        bias: `(K,)` float64, zeros where the layer has none.
        n_inputs, n_units: Channels in and out.
        strides, dilations, padding: Of a convolution, vertical then horizontal; `valid` or `same`.
        stages: The depthwise and the pointwise convolution a separable one is made of.
    """

    kind: str
    weights: np.ndarray
    bias: Floats
    n_inputs: int
    n_units: int
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    padding: str = "valid"
    stages: tuple[Kernel, ...] = ()

    @property
    def taps(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return int(self.weights.shape[0]), int(self.weights.shape[1])


def kernel_of(node: Node) -> Kernel | None:
    """Return the kernel of a layer with weights; None for other nodes and for layouts that are not read."""
    layer = node.operation
    if node.kind not in KINDS or getattr(layer, "data_format", "channels_last") == "channels_first":
        return None
    if node.kind == "separable_conv2d":
        return _separable(layer)
    weights = _stored(layer.kernel)
    if node.kind == "dense":
        if weights.ndim != 2:
            return None
        return Kernel("dense", weights, _bias(layer, weights.shape[1]), *weights.shape)
    if weights.ndim != 4 or layer.padding not in ("valid", "same"):
        return None
    taps_in, taps_out = weights.shape[2:]
    n_inputs, n_units = {
        "conv2d": (taps_in * int(getattr(layer, "groups", 1)), taps_out),
        "depthwise_conv2d": (taps_in, taps_in * taps_out),
        "conv2d_transpose": (taps_out, taps_in),
    }[node.kind]
    settings = _pair(layer.strides), _pair(layer.dilation_rate), str(layer.padding)
    return Kernel(node.kind, weights, _bias(layer, n_units), n_inputs, n_units, *settings)


def slices(kernel: Kernel, units: slice) -> tuple[Floats, Floats, Floats]:
    """Return the strength of the connections from each input channel to each of some units.

    Returns:
        Sum of squares, signed sum and sum of magnitudes of the weights: three `(n_inputs, units)`
        float64; zero where a channel and a unit are not connected.
    """
    w = kernel.weights
    if kernel.kind == "dense":
        w = w[:, units].astype(float)
        return w * w, w, abs(w)
    if kernel.kind == "conv2d_transpose":
        w = w.swapaxes(2, 3)
    squares, totals, sizes = (
        f.sum(axis=(0, 1), dtype=float) for f in (np.square(w, dtype=float), w, np.abs(w))
    )
    return (
        _spread(squares, kernel)[:, units],
        _spread(totals, kernel)[:, units],
        _spread(sizes, kernel)[:, units],
    )


def _spread(values: Floats, kernel: Kernel) -> Floats:
    """Return `(n_inputs, n_units)`, with zeros where a depthwise or grouped kernel has no weights."""
    full = np.zeros((kernel.n_inputs, kernel.n_units))
    if kernel.kind == "depthwise_conv2d":
        rows = np.repeat(np.arange(kernel.n_inputs), values.shape[1])
        full[rows, np.arange(kernel.n_units)] = values.ravel()
        return full
    groups = kernel.n_inputs // values.shape[0]
    depth, width = values.shape[0], values.shape[1] // groups
    for i in range(groups):
        units = slice(i * width, (i + 1) * width)
        full[i * depth : (i + 1) * depth, units] = values[:, units]
    return full


def array(variable: Variable) -> Floats:
    """Return a weight as float64."""
    return np.asarray(_stored(variable), float)


def numbers(value: object) -> Floats | None:
    """Return a setting, a number or a list of them, as float64; None if it is not one."""
    if value is None:
        return None
    try:
        found = np.asarray(value.numpy() if hasattr(value, "numpy") else value, float)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found).all() else None


def _separable(layer: KerasLayer) -> Kernel | None:
    deep, point = _stored(layer.depthwise_kernel), _stored(layer.pointwise_kernel)
    if layer.padding not in ("valid", "same"):
        return None
    cin, multiplier = deep.shape[2:]
    n_units = point.shape[3]
    joined = np.einsum("ijcm,cmk->ijck", deep, point.reshape(cin, multiplier, n_units))
    settings = _pair(layer.strides), _pair(layer.dilation_rate), str(layer.padding)
    between = cin * multiplier
    bias = _bias(layer, n_units)
    stages = (
        Kernel("depthwise_conv2d", deep, np.zeros(between), cin, between, *settings),
        Kernel("conv2d", point, bias, between, n_units),
    )
    return Kernel("separable_conv2d", joined, bias, cin, n_units, *settings, stages)


def _stored(variable: Variable) -> np.ndarray:
    """Return a weight as stored, widened to float32 where it is stored in fewer bits."""
    value = np.asarray(variable.numpy() if hasattr(variable, "numpy") else variable)
    return value if value.dtype in (np.float32, np.float64) else value.astype(np.float32)


def _bias(layer: KerasLayer, n_units: int) -> Floats:
    bias = getattr(layer, "bias", None)
    return np.zeros(n_units) if bias is None else array(bias).ravel()


def _pair(value: Any) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)
