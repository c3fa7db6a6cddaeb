"""The weights of a layer as removal changes them: what it reads of other channels instead, what is cut out.

`Refit` says how each removed channel is made up for: by a constant, and by a share of channels that stay.
Shapes are those of Keras; how good a refit is, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.keras_types import KerasLayer

Floats = NDArray[np.float32]
Kept = NDArray[np.bool_]


@dataclass(frozen=True)
class Refit:
    """What a layer reads in place of its channels.

    Attributes:
        mixing: `(C, C)`: channel r of what the layer was trained on is `sum over k of mixing[r, k]` times
            channel k as it is now, plus the constant. Columns of channels that are gone are zero.
        constant: `(P, C)`, for each place of a flattened map, one row otherwise.
    """

    mixing: Floats
    constant: Floats

    @property
    def removed(self) -> Kept:
        """`(C,)`, channels that nothing reads any more."""
        return np.asarray(~self.mixing.any(axis=0))


def replaced_by_means(removed: Kept, means: Floats) -> Refit:
    """Return the refit in which channels that are gone give their mean.

    Args:
        removed: `(C,)`.
        means: `(P, C)`.
    """
    mixing = np.diag((~removed).astype(np.float32))
    return Refit(mixing, np.where(removed, means, 0).astype(np.float32))


def refitted(kind: str, layer: KerasLayer, weights: dict[str, Floats], refit: Refit) -> dict[str, Floats]:
    """Return a layer's weights when it reads other channels; whole, with zeros where nothing is read.

    A constant is taken to be there at every place a kernel covers: where zeros lie around a map, its border
    comes out otherwise.

    Args:
        kind: Of its node.
        layer: As Keras has it.
        weights: By name; a bias among them.
        refit: What takes the channels' place.
    """
    found = dict(weights)
    mixing, constant = refit.mixing, refit.constant
    if kind == "separable_conv2d":
        # A depthwise kernel reads each channel for itself: only its constant can be made up for.
        first, second = weights["depthwise_kernel"], weights["pointwise_kernel"]
        lost = np.where(refit.removed, constant[0], 0)
        through = (first.sum(axis=(0, 1)) * lost[:, None]).reshape(-1)
        found["bias"] = weights["bias"] + through @ second[0, 0]
        found["pointwise_kernel"] = second * ~np.repeat(refit.removed, first.shape[3])[None, None, :, None]
        return found
    kernel = weights["kernel"]
    if kind == "conv2d_transpose":
        found["kernel"] = np.einsum("hwor,rk->hwok", kernel, mixing)
        # Each place of the larger map is reached by as many places of the smaller as strides leave.
        reached = kernel.sum(axis=(0, 1)) / float(np.prod(layer.strides))
        found["bias"] = weights["bias"] + reached @ constant[0]
    elif kind == "conv2d":
        found["kernel"] = np.einsum("hwro,rk->hwko", kernel, mixing)
        found["bias"] = weights["bias"] + constant[0] @ kernel.sum(axis=(0, 1))
    else:
        places = len(constant)
        rows = kernel.reshape(places, -1, kernel.shape[-1])
        found["kernel"] = np.einsum("pro,rk->pko", rows, mixing).reshape(kernel.shape)
        found["bias"] = weights["bias"] + np.einsum("pr,pro->o", constant, rows)
    return {name: np.asarray(value, np.float32) for name, value in found.items()}


def sliced(
    kind: str, layer: KerasLayer, weights: dict[str, Floats], before: Kept, after: Kept
) -> dict[str, Floats]:
    """Return a layer's weights without the channels that are gone.

    Args:
        kind: Of its node.
        layer: As Keras has it.
        weights: By name.
        before: `(C_in,)`, channels of its input that stay.
        after: `(C_out,)`, its units that stay.
    """
    found = {}
    for name, value in weights.items():
        if name == "depthwise_kernel" or (name == "kernel" and kind == "depthwise_conv2d"):
            found[name] = value[:, :, before]
        elif name == "pointwise_kernel":
            rows = np.repeat(before, value.shape[2] // len(before))
            found[name] = value[:, :, rows][..., after]
        elif name == "kernel" and kind == "conv2d_transpose":
            found[name] = value[:, :, after][..., before]
        elif name == "kernel" and kind == "conv2d":
            whole = value.shape[2] == len(before)
            found[name] = (value[:, :, before] if whole else value)[..., after]
        elif name == "kernel":
            found[name] = value[before][:, after]
        elif value.ndim and value.shape[-1] == len(after):
            found[name] = value[..., after]
        else:
            found[name] = value
    return found


def weights_of(layer: KerasLayer) -> dict[str, Floats]:
    """Return a layer's weights by their own names."""
    return {str(v.name): np.asarray(v.numpy(), np.float32) for v in layer.weights}


def set_weights(layer: KerasLayer, weights: dict[str, Floats]) -> None:
    """Set a layer's weights by their own names."""
    for variable in layer.weights:
        variable.assign(weights[str(variable.name)])
