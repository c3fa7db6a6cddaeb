"""Faults that the weights of a network show by themselves, or one pass of the probes: nothing is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.measure.probes import probe_pictures
from reportgen.models.graph.submodel import whole_network

if TYPE_CHECKING:
    from reportgen.models import Model

COLLAPSED = 1e-3
"""Largest stored variance of a channel, as a share of epsilon, that says that it was constant in training."""

FADED = 1e-6
"""Largest scale of a channel, as a share of the median scale of the layer, that leaves it a constant."""

PROBES_AT_ONCE = 4
_MOST_LAYERS_AT_ONCE = 64

Floats = NDArray[np.float64]
Arrays = dict[str, np.ndarray]


def saturated_channels(model: Model) -> dict[str, tuple[NDArray[np.intp], int]]:
    """Return by BatchNormalization the channels that it makes constant, or that were so in training.

    A channel whose stored variance is next to nothing did not vary in training: epsilon alone decides its
    scale. A channel whose scale, gamma over the deviation, is next to nothing is constant from then on.

    Returns:
        Indices of these channels in order, and how many the layer has; layers without any are left out.
    """
    found = {}
    for node in model.nodes:
        layer = node.operation
        if node.kind != "batch_normalization" or not hasattr(layer, "moving_variance"):
            continue
        variance = np.asarray(layer.moving_variance, np.float64)
        gamma = np.ones_like(variance) if getattr(layer, "gamma", None) is None else np.asarray(layer.gamma)
        with np.errstate(all="ignore"):
            scale = np.abs(gamma) / np.sqrt(np.maximum(variance, 0) + float(layer.epsilon))
            usual = float(np.nanmedian(scale)) if np.isfinite(scale).any() else 0.0
            channels = (variance <= COLLAPSED * float(layer.epsilon)) | (scale <= FADED * usual)
        if channels.any():
            found[node.name] = (np.flatnonzero(channels), len(channels))
    return found


def untouched_normalizations(model: Model) -> list[str]:
    """Return the BatchNormalizations whose stored moments are those that every new layer has: 0 and 1."""
    return [
        node.name
        for node in model.nodes
        if node.kind == "batch_normalization"
        and hasattr(node.operation, "moving_variance")
        and not np.any(np.asarray(node.operation.moving_mean))
        and bool(np.all(np.asarray(node.operation.moving_variance) == 1))
    ]


def probe_ends(model: Model) -> dict[str, Arrays]:
    """Return the smallest and largest activation of every unit on each probe, at the model's input size.

    Unlike `responses`, whole maps are read, and every layer in the same pass.

    Returns:
        For each layer name `max` and `min`, `(n, K)`; nan where an activation is.

    Raises:
        ShapeError: The network does not run on pictures of its own size.
    """
    pictures = probe_pictures(model.input_shape[:2], model.input_shape[2])
    found: dict[str, Arrays] = {}
    for start in range(0, len(model.layers), _MOST_LAYERS_AT_ONCE):
        layers = model.layers[start : start + _MOST_LAYERS_AT_ONCE]
        network = whole_network(model, tuple(model.taps[layer.name].post for layer in layers))
        parts = [
            [_ends(value) for value in network(pictures[at : at + PROBES_AT_ONCE], training=False)]
            for at in range(0, len(pictures), PROBES_AT_ONCE)
        ]
        for layer, ends in zip(layers, zip(*parts, strict=True), strict=True):
            lows, highs = zip(*ends, strict=True)
            found[layer.name] = {"min": np.concatenate(lows), "max": np.concatenate(highs)}
    return found


def _ends(value: object) -> tuple[Floats, Floats]:
    """Return the smallest and largest value of each picture and unit."""
    from reportgen.models.framework import keras_module

    array = np.asarray(keras_module().ops.convert_to_numpy(value), np.float64)
    places = array.reshape(len(array), -1, array.shape[-1])
    return places.min(axis=1), places.max(axis=1)
