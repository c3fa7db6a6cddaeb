"""The weights of a layer as removal changes them: refitted to other channels, and sliced.

A `Refit` predicts each removed channel by a constant and a linear combination of kept channels. Shapes are
those of Keras; nothing here knows how good a refit is.
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
    """How a layer replaces its removed channels.

    Attributes:
        mixing: `(C, C)`: original channel r is replaced by the sum over k of `mixing[r, k]` times channel k,
            plus the constant. Columns of removed channels are zero.
        constant: `(P, C)`, for each place of a flattened map, one row otherwise.
    """

    mixing: Floats
    constant: Floats

    @property
    def removed(self) -> Kept:
        """`(C,)`, channels that are not read any more."""
        return np.asarray(~self.mixing.any(axis=0))


def replaced_by_means(removed: Kept, means: Floats) -> Refit:
    """Return the refit in which removed channels are replaced by their means.

    Args:
        removed: `(C,)`.
        means: `(P, C)`.
    """
    mixing = np.diag((~removed).astype(np.float32))
    return Refit(mixing, np.where(removed, means, 0).astype(np.float32))


def refitted(kind: str, layer: KerasLayer, weights: dict[str, Floats], refit: Refit) -> dict[str, Floats]:
    """Return a layer's refitted weights in their original shape, with zeros for removed channels.

    A constant is assumed at every place that a kernel covers: if a map is padded with zeros, values at its
    border differ.

    Args:
        kind: Of its node.
        layer: As Keras has it.
        weights: By name; a bias among them.
        refit: How removed channels are replaced.
    """
    found = dict(weights)
    mixing, constant = refit.mixing, refit.constant
    if kind == "separable_conv2d":
        # A depthwise kernel reads each channel separately: only the constant can be compensated.
        first, second = weights["depthwise_kernel"], weights["pointwise_kernel"]
        lost = np.where(refit.removed, constant[0], 0)
        through = (first.sum(axis=(0, 1)) * lost[:, None]).reshape(-1)
        found["bias"] = weights["bias"] + through @ second[0, 0]
        found["pointwise_kernel"] = second * ~np.repeat(refit.removed, first.shape[3])[None, None, :, None]
        return found
    kernel = weights["kernel"]
    if kind == "conv2d_transpose":
        found["kernel"] = np.einsum("hwor,rk->hwok", kernel, mixing)
        # On average each place of the larger map is reached by 1 / strides of the kernel's places.
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
    """Return a layer's weights without the removed channels.

    Args:
        kind: Of its node.
        layer: As Keras has it.
        weights: By name.
        before: `(C_in,)`, channels of its input that are kept.
        after: `(C_out,)`, its units that are kept.
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
