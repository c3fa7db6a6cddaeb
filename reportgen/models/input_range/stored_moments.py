"""Evidence for the input range from the moments stored in a network's first BatchNormalization.

A network trained on -1..1 and given 0..1 runs without an error, but its results are wrong. The mean and
variance stored in its first BatchNormalization show what it was trained on: photograph-like pictures of each
usual range are run up to that layer. This only informs the reader, since training on pictures of unusual
contrast can mislead it. A BatchNormalization merged into the weights before it leaves no moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ShapeError
from reportgen.keras_types import Network
from reportgen.models.framework import keras_module
from reportgen.models.graph.receptive_field import receptive_fields
from reportgen.models.graph.submodel import network_to
from reportgen.models.input_range.find import contradiction
from reportgen.models.input_range.usual_ranges import Ends, deep_ranges, usual_ranges
from reportgen.models.model import Model
from reportgen.setting_values import RANGES

Floats = NDArray[np.float64]
_PICTURES, _SIDE_PX = 8, 96
_NEAR, _LEAD = 4.0, 0.6
"""Largest misfit of a range that fits (in log variance plus deviations of the mean), and the largest share
of the assumed range's misfit. On random convolutions over photographs of full to a third of the contrast,
a network trained on 0..1 was never doubted, one on 0..255 always, one on -1..1 in a third of the cases."""

_RIGHT = ((0.0, 0.5), (0.1, 0.71), (0.3, 0.71), (0.5, 0.91), (0.7, 0.92))
"""By lead, the share of networks whose best range was the one they were trained on; a tie counts as even
odds. From benchmarks/range_evidence.py on 95 networks."""
_MOST_OF_DEEP = 0.6
"""Largest confidence in a range of deep pictures: none of the study's networks was trained on one."""
_MOST = 0.85
"""Largest confidence: networks of the study were trained on one of the ranges tried, others need not be."""


@dataclass(frozen=True)
class RangeStatistics:
    """How well each usual range agrees with the moments of the first BatchNormalization.

    Attributes:
        layer: Name of the BatchNormalization; empty if none has usable moments.
        misfits: By range, `LO..HI` or a name of `RANGES`: log variance plus deviations of the mean; less is
            better.
        best: The range that fits best; empty where none fits.
        confidence: That the network was trained on `best`, 0 to 1; from its lead.
        reason: Why there is no evidence, a sentence; else empty.
        lead: How much smaller the misfit of `best` is than the next, as a share of the latter.
    """

    layer: str = ""
    misfits: Mapping[str, float] | None = None
    best: str = ""
    confidence: float = 0.0
    reason: str = ""
    lead: float = 0.0


def option_for(name: str) -> str:
    """Return the command-line option for a usual range."""
    return f"--input-range {name if name in RANGES else name.replace('..', ',')}"


def range_doubt(model: Model) -> str:
    """Return a sentence if the range in use is contradicted by the graph or by stored moments."""
    if model.input_range.source == "given":
        return contradiction(model.nodes, model.input_range)
    if model.input_range.source != "assumed":
        return ""
    found = range_statistics(model)
    misfits = found.misfits or {}
    used = str(model.input_range)
    if found.best in ("", used) or misfits[found.best] > _LEAD * misfits.get(used, np.inf):
        return ""
    return (
        f'"{found.layer}" has stored moments that fit pictures of {found.best} better than the assumed '
        f"{used}; if the model was trained on these, give {option_for(found.best)}"
    )


def range_statistics(model: Model) -> RangeStatistics:
    """Return how well the usual ranges agree with the first BatchNormalization's moments.

    The first BatchNormalization is read whose input is a map with a small receptive field, whatever precedes
    it: convolutions, activations, pooling.
    """
    index = _first_normalised(model)
    if index is None:
        return RangeStatistics(
            reason="no BatchNormalization near the input has the moments it was trained on; "
            "where an export merged it into the convolution before it, they are lost"
        )
    node = model.nodes[index]
    moments = _array(node.operation.moving_mean), _array(node.operation.moving_variance)
    if np.allclose(moments[0], 0) and np.allclose(moments[1], 1):
        return RangeStatistics(node.name, reason=f'the moments of "{node.name}" are its initial ones')
    try:
        network = network_to(model, (_SIDE_PX, _SIDE_PX), (node.inputs[0],), node.name)
    except ShapeError:
        return RangeStatistics(node.name, reason=f'the network up to "{node.name}" works at one size only')
    pictures = synthetic_photographs(_PICTURES, (_SIDE_PX, _SIDE_PX), model.input_shape[2])
    usual, deep = usual_ranges(model.input_shape[2]), deep_ranges()
    try:
        misfits = {name: _misfit(network, pictures, at, moments) for name, at in {**usual, **deep}.items()}
    except Exception:  # An operation may raise any error; its layers report theirs when they are rendered.
        return RangeStatistics(node.name, reason=f'the network up to "{node.name}" cannot be computed')
    best, lead = _best(misfits, usual, deep)
    if not best:
        return RangeStatistics(node.name, misfits, reason=f'no usual range fits the moments of "{node.name}"')
    most = 1.0 if best in usual else _MOST_OF_DEEP
    return RangeStatistics(node.name, misfits, best, min(_confidence(lead), most), lead=lead)


def _best(misfits: Mapping[str, float], usual: Iterable[str], deep: Iterable[str]) -> tuple[str, float]:
    """Return the range that fits best, empty if none does, and its lead over the next.

    Ranges of deep pictures are rare, so one must lead the usual ranges as clearly as a range must lead an
    assumed one.
    """
    first, second, *_ = sorted(usual, key=lambda name: misfits[name])
    rare = min(deep, key=lambda name: misfits[name])
    if misfits[rare] <= _LEAD * misfits[first]:
        first, second = rare, first
    lead = 1 - misfits[first] / misfits[second] if 0 < misfits[second] < np.inf else 0.0
    return (first if misfits[first] <= _NEAR else ""), lead


def _confidence(lead: float) -> float:
    """Return how often a range with that lead was the right one; see `_RIGHT`."""
    leads, shares = zip(*_RIGHT, strict=True)
    return round(min(float(np.interp(lead, leads, shares)), _MOST), 2)


def synthetic_photographs(n: int, size_px: tuple[int, int], channels: int, *, seed: int = 0) -> Floats:
    """Return pictures `(n, h, w, c)` in [0, 1] with the spectrum and contrast of photographs.

    1/f noise of mean 0.46 and deviation 0.24, with correlated colours and random brightness.
    """
    rng = np.random.default_rng(seed)
    height, width = size_px
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    frequency[0, 0] = 1 / max(size_px)
    white = rng.normal(size=(n, channels + 1, height, width))
    noise = np.fft.ifft2(np.fft.fft2(white) / frequency).real
    noise -= noise.mean(axis=(2, 3), keepdims=True)
    noise /= noise.std(axis=(2, 3), keepdims=True) + 1e-12
    mixed = 0.95 * noise[:, :1] + 0.3 * noise[:, 1:]
    brightness = 0.46 + 0.1 * rng.normal(size=(n, 1, 1, 1))
    return np.moveaxis(np.clip(brightness + 0.24 * mixed, 0, 1), 1, -1)


def _first_normalised(model: Model) -> int | None:
    """Return the first BatchNormalization over a map with a small receptive field, None if there is none."""
    fields = receptive_fields(model.nodes)
    for index, node in enumerate(model.nodes):
        if node.kind != "batch_normalization" or len(node.output_shapes[0]) != 4:
            continue
        field = fields[node.inputs[0][0]]
        return index if field is not None and max(field.size_px) <= _SIDE_PX else None
    return None


def _misfit(network: Network, pictures: Floats, ends: Ends, moments: tuple[Floats, Floats]) -> float:
    """Return how far responses are from stored moments: median log variance plus median shift of the mean."""
    low, high = np.asarray(ends[0]), np.asarray(ends[1])
    response = _array(network((low + pictures * (high - low)).astype(np.float32), training=False)[0])
    if not np.isfinite(response).all() or not all(np.isfinite(m).all() for m in moments):
        return float("inf")
    axes = tuple(range(response.ndim - 1))
    mean, variance = response.mean(axes), response.var(axes)
    live = (moments[1] > 1e-8) & (variance > 1e-12)
    if not live.any():
        return float("inf")
    spread = np.abs(np.log(variance[live] / moments[1][live]))
    shift = np.abs(mean - moments[0])[live] / np.sqrt(moments[1][live])
    return float(np.median(spread) + np.median(shift))


def _array(value: object) -> Floats:
    return np.asarray(keras_module().ops.convert_to_numpy(value), dtype=np.float64)
