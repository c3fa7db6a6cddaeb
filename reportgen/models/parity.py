"""Parity of an imported model with its file, on fixed pictures.

An ONNX import is compared with onnxruntime, output by output (a Keras file with Keras, in `keras.parity`).
Each layer's cut, the network that pictures are optimised on, is compared with the same layer inside the
whole network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import MissingExtra, ModelError, ShapeError
from reportgen.models.framework import keras_module
from reportgen.models.graph.submodel import as_map, cut_model, network_to
from reportgen.models.input_range.stored_moments import synthetic_photographs
from reportgen.models.keras.hdf5 import first_line
from reportgen.models.model import Model
from reportgen.models.model_memory import default_max_memory
from reportgen.units import Layer

ROUNDING = 1e-4
"""Largest difference, as a share of an output's range, that rounding explains."""

_MOST_LAYERS = 12


@dataclass(frozen=True)
class Difference:
    """How far one output, or one layer, is from its reference.

    Attributes:
        name: Of the output or layer.
        max_abs: Largest difference; not finite where a result is not.
        max_rel: The same as a share of the range of the values compared with.
    """

    name: str
    max_abs: float
    max_rel: float


@dataclass(frozen=True)
class Parity:
    """The result of a comparison.

    Attributes:
        found: One difference for each output or layer looked at.
        of: How many there are in all.
        reason: Why there is no comparison, in words; empty where there is one.
    """

    found: tuple[Difference, ...] = ()
    of: int = 0
    reason: str = ""

    @property
    def max_abs(self) -> float | None:
        """Largest difference of all; None without a comparison, not finite where any result is not."""
        return _worst([d.max_abs for d in self.found])

    @property
    def max_rel(self) -> float | None:
        """The same as a share of each output's own range."""
        return _worst([d.max_rel for d in self.found])

    @property
    def same(self) -> bool | None:
        """Whether rounding explains every difference; None without a comparison."""
        return None if self.max_rel is None else bool(self.max_rel <= ROUNDING)


def probe_inputs(input_shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return the fixed pictures `(2, h, w, c)` in [0, 1]: one like a photograph, one of even noise."""
    height, width, channels = input_shape
    natural = synthetic_photographs(1, (height, width), channels, seed=1)
    noise = np.random.default_rng(2).random((1, height, width, channels))
    return np.concatenate([natural, noise]).astype(np.float32)


def compare_cuts(model: Model) -> Parity:
    """Compare the cuts of layers with the same layers inside the whole network.

    Of more than a dozen layers, a dozen spread over the depth are compared, with the first and the last.
    Both are run at the model's own input size; the cut gets pictures in [0, 1].
    """
    chosen = _spread(model.layers)
    refs = tuple(ref for layer in chosen for ref in (model.taps[layer.name].pre, model.taps[layer.name].post))
    pictures, size = probe_inputs(model.input_shape), model.input_shape[:2]
    try:
        whole = network_to(model, size, refs, chosen[-1].name)(in_range(model, pictures), training=False)
        found = []
        for place, layer in enumerate(chosen):
            cut = cut_model(model, layer, size).network(pictures, training=False)
            pairs = zip(cut, map(as_map, whole[2 * place : 2 * place + 2]), strict=True)
            found.append(difference(layer.name, [(_array(own), _array(full)) for own, full in pairs]))
    except ShapeError as error:
        return Parity(of=len(model.layers), reason=error.message)
    except Exception as error:  # a layer that the framework cannot run is reported, not fatal
        return Parity(of=len(model.layers), reason=f"layers not compared: {first_line(error)}")
    return Parity(tuple(found), len(model.layers))


def compare_import(
    path: Path,
    model: Model,
    *,
    input_size: tuple[int, int] | None = None,
    hold: Mapping[str, object] | None = None,
    max_memory: int | None = None,
    channels: Literal["first", "last"] | None = None,
) -> Parity:
    """Compare an imported ONNX model with onnxruntime running the file.

    Args:
        path: The file.
        model: What was read from it.
        input_size, hold, max_memory, channels: As the file was read.
    """
    from reportgen.models.onnx import compare_with_onnxruntime, read_onnx

    imported = read_onnx(
        path,
        input_size=input_size,
        max_memory=max_memory or default_max_memory(),
        held=dict(hold or {}),
        channels=channels,
        before_bounds=True,
    )
    try:
        with np.errstate(all="ignore"):  # results that are not finite are reported, not warned about
            found = compare_with_onnxruntime(path, imported, in_range(model, probe_inputs(model.input_shape)))
    except MissingExtra as error:
        return Parity(of=len(imported.outputs), reason=f"not compared: {error}")
    except (ModelError, ShapeError) as error:
        return Parity(of=len(imported.outputs), reason=f"not compared: {error.message}")
    apart = {p.name: Difference(p.name, p.max_abs, p.max_rel) for p in found}
    for name, before in imported.before.items():
        if (
            name in apart and before in apart
        ):  # judge a bounded output together with the bounded function's input
            share = float(np.maximum(apart[name].max_rel, apart[before].max_rel))
            apart[name] = dataclasses.replace(apart[name], max_rel=share)
    ends = [d for d in apart.values() if d.name not in imported.before.values() or d.name in imported.before]
    return Parity(tuple(ends), len(ends))


def _spread(layers: tuple[Layer, ...]) -> list[Layer]:
    places = np.linspace(0, len(layers) - 1, min(len(layers), _MOST_LAYERS)).round().astype(int)
    return [layers[i] for i in dict.fromkeys(places.tolist())]


def in_range(model: Model, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return pictures in [0, 1], red first, as the model takes them."""
    turned = pictures[..., ::-1] if model.input_range.order == "bgr" else pictures
    low, high = np.asarray(model.input_range.low), np.asarray(model.input_range.high)
    scaled: NDArray[np.float32] = (low + turned * (high - low)).astype(np.float32)
    return scaled


def difference(name: str, pairs: list[tuple[np.ndarray, np.ndarray]]) -> Difference:
    """Return the largest difference between pairs of arrays.

    Args:
        name: Of the output or layer.
        pairs: Ours and the reference; infinitely far apart if their shapes differ.
    """
    worst = shares = 0.0
    for own, full in pairs:
        if own.shape != full.shape:
            return Difference(name, float("inf"), float("inf"))
        with np.errstate(
            invalid="ignore", over="ignore"
        ):  # results that are not finite are reported, not warned about
            far = float(np.max(np.abs(own - full), initial=0.0))
            spread = float(np.ptp(full)) if full.size else 0.0
        worst, shares = (
            float(np.maximum(worst, far)),
            float(np.maximum(shares, far / spread if spread > 0 else far)),
        )
    return Difference(name, worst, shares)


def _worst(values: list[float]) -> float | None:
    return float(np.max(values)) if values else None


def _array(value: object) -> np.ndarray:
    return np.asarray(keras_module().ops.convert_to_numpy(value), dtype=np.float64)
