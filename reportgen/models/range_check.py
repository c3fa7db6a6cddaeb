"""Whether the moments stored in a network's first BatchNormalization speak against an assumed input range.

A network trained on -1..1 and shown 0..1 still answers, wrongly. Where its first convolution
is followed by BatchNormalization, the mean and variance stored there tell what it was fed.
A hint for the reader only: pictures of unusual contrast can mislead it, so it decides nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.models.cut import prefix
from reportgen.models.framework import keras_module
from reportgen.models.model import Model, Tap

Floats = NDArray[np.float64]
_CANDIDATES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
_PICTURES, _SIDE_PX = 8, 96
_NEAR, _LEAD = 4.0, 0.6
"""Largest misfit of a range that fits (in log variance plus deviations of the mean), and the largest share
of the assumed range's misfit. On random convolutions over photographs of full to a third of the contrast,
a network fed 0..1 was never doubted, one fed 0..255 always, one fed -1..1 in a third of the cases."""


def range_doubt(model: Model) -> str:
    """Return a sentence where another range than the assumed one fits much better, else nothing."""
    if model.input_range.source != "assumed":
        return ""
    found = _first_normalised(model)
    if found is None:
        return ""
    name, tap = found
    normalisation = model.nodes[tap.pre[0]]
    normal = normalisation.operation
    moments = _array(normal.moving_mean), _array(normal.moving_variance)
    network = prefix(model, (_SIDE_PX, _SIDE_PX), ((tap.weights, 0),), name)
    pictures = _natural(model.input_shape[2])
    misfits = {ends: _misfit(network, pictures, ends, moments) for ends in _CANDIDATES}
    best = min(misfits, key=lambda ends: misfits[ends])
    assumed = misfits[_CANDIDATES[0]]
    if misfits[best] > _NEAR or misfits[best] > _LEAD * assumed:
        return ""
    return (
        f'"{normalisation.name}" has stored values that fit pictures of {best[0]:g}..{best[1]:g} better '
        "than the assumed 0..1; if the model was trained so, give its input range."
    )


def _first_normalised(model: Model) -> tuple[str, Tap] | None:
    for layer in model.layers:
        tap = model.taps[layer.name]
        field = layer.receptive_field_px
        if layer.first and field is not None and max(field) <= _SIDE_PX:
            normalised = model.nodes[tap.pre[0]].kind == "batch_normalization"
            return (layer.name, tap) if normalised else None
    return None


def _misfit(
    network: Any, pictures: Floats, ends: tuple[float, float], moments: tuple[Floats, Floats]
) -> float:
    """Return how far responses lie from stored moments: log variance and shift of the mean, medians."""
    low, high = ends
    response = _array(network((low + pictures * (high - low)).astype(np.float32), training=False))
    axes = tuple(range(response.ndim - 1))
    mean, variance = response.mean(axes), response.var(axes)
    live = (moments[1] > 1e-8) & (variance > 1e-12)
    if not live.any():
        return float("inf")
    spread = np.abs(np.log(variance[live] / moments[1][live]))
    shift = np.abs(mean - moments[0])[live] / np.sqrt(moments[1][live])
    return float(np.median(spread) + np.median(shift))


def _natural(channels: int) -> Floats:
    """Return pictures `(n, h, w, c)` in [0, 1] with the spectrum and spread of photographs.

    1/f noise of mean 0.46 and deviation 0.24, its colours correlated, each picture of its own brightness.
    """
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(_SIDE_PX)[:, None], np.fft.fftfreq(_SIDE_PX)[None])
    frequency[0, 0] = 1 / _SIDE_PX
    white = rng.normal(size=(_PICTURES, channels + 1, _SIDE_PX, _SIDE_PX))
    noise = np.fft.ifft2(np.fft.fft2(white) / frequency).real
    noise -= noise.mean(axis=(2, 3), keepdims=True)
    noise /= noise.std(axis=(2, 3), keepdims=True)
    mixed = 0.95 * noise[:, :1] + 0.3 * noise[:, 1:]
    brightness = 0.46 + 0.1 * rng.normal(size=(_PICTURES, 1, 1, 1))
    return np.moveaxis(np.clip(brightness + 0.24 * mixed, 0, 1), 1, -1)


def _array(value: Any) -> Floats:
    return np.asarray(keras_module().ops.convert_to_numpy(value), dtype=np.float64)
