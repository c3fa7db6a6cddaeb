"""Responses of all units to a person's own pictures, in one pass over them, and where in each picture.

All layers are read at once at the model's own input size; neither pictures nor maps are kept. Which
pictures drive a unit most is read before its activation, as HappyMaps are; everything else after it, as
units are judged. `score` interprets the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.keras_types import Network, Tensor
from reportgen.measure.responses import RIM, responses, sample_positions
from reportgen.measure.streaming import Extremes, Histogram
from reportgen.units import Layer, without_rim

if TYPE_CHECKING:
    from reportgen.models import Cut, Model

TOP, BOTTOM = 6, 3
"""Pictures kept for each unit: those that drive it most and those that drive it least."""

CROPS = 2
"""How many of a unit's top pictures are cropped, to compare responses to the crops with those to renders."""

Arrays = dict[str, np.ndarray]
Pictures = NDArray[np.uint8]

_READ = ("top", "top_at", "low", "low_at", "max", "mean", "zeros", "samples")


def natural_pass(
    model: Model, batches: Iterable[tuple[Pictures, Sequence[int]]], n_classes: int, batch: int
) -> dict[str, Arrays]:
    """Return the responses of every unit of every layer to pictures, each of which is shown once.

    Args:
        model: The network.
        batches: Pictures `(n, h, w, c)` uint8 of the model's own input size, at most `batch` of them, each
            with the classes they belong to (empty where there are none).
        n_classes: Classes there are; 0 for none.
        batch: Pictures run at once.

    Returns:
        By layer: `top`, `top_picture`, `top_box` `(K, 6)`, `(K, 6)`, `(K, 6, 4)` and `bottom` with its own
        `(K, 3)`: the largest and smallest value before the activation, one place a picture, of which picture,
        and the pixels in that place's receptive field (top, left, bottom, right; all -1 for none). `max`,
        `mean`, `zeros` `(K,)`: largest activation, mean activation and share of activations that are exactly
        zero. `counts` `(K, 32)`, `start`, `width` `(K,)`: a histogram of activations at 16 fixed places of
        each picture (1 of vectors). `class_mean` `(classes, K)`: mean activation for each class. All but the
        mean are read inside the map.
    """
    reader = _reader(model)
    found = {layer.name: _LayerStatistics(layer, n_classes) for layer in model.layers}
    first = 0
    for pictures, labels in batches:
        full = np.full((batch, *pictures.shape[1:]), 0.5, np.float32)
        full[: len(pictures)] = pictures.astype(np.float32) / np.float32(255)
        outputs = reader.predict_on_batch(full)
        for place, layer in enumerate(model.layers):
            some = outputs[place * len(_READ) : (place + 1) * len(_READ)]
            part = {n: np.asarray(a)[: len(pictures)] for n, a in zip(_READ, some, strict=True)}
            found[layer.name].add(part, labels, first)
        first += len(pictures)
    return {name: statistics.arrays(model.input_shape[:2]) for name, statistics in found.items()}


class _LayerStatistics:
    """Running statistics of one layer."""

    def __init__(self, layer: Layer, n_classes: int) -> None:
        k = layer.n_units
        self._layer, self._n = layer, 0
        self._top, self._bottom, self._histogram = Extremes(k, TOP), Extremes(k, BOTTOM), Histogram(k)
        self._max = np.full(k, -np.inf)
        self._mean, self._zeros = np.zeros(k), np.zeros(k)
        self._class_sum, self._class_n = np.zeros((n_classes, k)), np.zeros(n_classes)

    def add(self, part: Mapping[str, np.ndarray], labels: Sequence[int], first: int) -> None:
        self._top.add(part["top"], part["top_at"], first)
        self._bottom.add(-part["low"], part["low_at"], first)
        self._histogram.add(part["samples"].reshape(-1, part["samples"].shape[-1]))
        self._max = np.fmax(self._max, part["max"].max(axis=0))
        mean = np.nan_to_num(part["mean"].astype(np.float64), posinf=0.0, neginf=0.0)
        self._mean += mean.sum(axis=0)
        self._zeros += part["zeros"].astype(np.float64).sum(axis=0)
        if labels:
            np.add.at(self._class_sum, np.asarray(labels), mean)
            np.add.at(self._class_n, np.asarray(labels), 1)
        self._n += len(mean)

    def arrays(self, input_px: tuple[int, int]) -> Arrays:
        n = max(self._n, 1)
        boxes = [field_boxes(self._layer, x.places, input_px) for x in (self._top, self._bottom)]
        class_mean = self._class_sum / np.maximum(self._class_n, 1)[:, None]
        return {
            "top": self._top.values.astype(np.float32),
            "top_picture": self._top.pictures.astype(np.int32),
            "top_box": boxes[0],
            "bottom": -self._bottom.values.astype(np.float32),
            "bottom_picture": self._bottom.pictures.astype(np.int32),
            "bottom_box": boxes[1],
            "max": self._max.astype(np.float32),
            "mean": (self._mean / n).astype(np.float32),
            "zeros": (self._zeros / n).astype(np.float32),
            "counts": self._histogram.counts,
            "start": self._histogram.start,
            "width": self._histogram.width,
            "class_mean": class_mean.astype(np.float32),
        }


def field_boxes(layer: Layer, places: np.ndarray, input_px: tuple[int, int]) -> NDArray[np.int16]:
    """Return the receptive fields of places of a map, `(..., 4)` pixels: top, left, bottom, right.

    Places below 0 give -1. Maps are taken to be centred on the picture: exact where padding is the same on
    both sides, within half a stride elsewhere. Boxes are clipped to the picture. Layers without a receptive
    field of known size get the whole input.

    Args:
        layer: Of that map.
        places: Row times width of the inside plus column, of the inside (see `without_rim`).
        input_px: Height and width of the picture.
    """
    boxes = np.empty((*places.shape, 4), np.int16)
    boxes[...] = (0, 0, *input_px)
    if layer.map_size is not None and layer.field_px is not None and layer.stride_px is not None:
        spans = [without_rim(n, RIM) for n in layer.map_size]
        inner = np.divmod(np.maximum(places, 0), spans[1].stop - spans[1].start)
        for axis in range(2):
            at = inner[axis] + spans[axis].start
            away = (at - (layer.map_size[axis] - 1) / 2) * layer.stride_px[axis]
            low = np.round((input_px[axis] - layer.field_px[axis]) / 2 + away)
            boxes[..., axis] = np.clip(low, 0, input_px[axis] - 1)
            boxes[..., axis + 2] = np.clip(low + layer.field_px[axis], 1, input_px[axis])
    boxes[places < 0] = -1
    return boxes


def crop_responses(cut: Cut, found: Mapping[str, np.ndarray], units: Sequence[int],
                   load: Callable[[int], Pictures], batch: int) -> Arrays:  # fmt: skip
    """Return a layer's responses to crops around its units' top places, each of its renders' canvas size.

    Args:
        cut: The layer on that canvas.
        found: Of the layer, from `natural_pass`.
        units: Which units are wanted.
        load: Gives a picture `(h, w, c)` uint8 by its index.
        batch: Pictures run at once.

    Returns:
        `response`: `(m, K)` float16, the largest activation inside the map for each of m different crops;
        `of`: `(K, 2)`, which of them are a unit's, -1 for none.
    """
    crops: dict[tuple[int, int, int], int] = {}
    of = np.full((cut.n_units, CROPS), -1, np.int32)
    size = load(0).shape[:2]
    for unit in units:
        for rank in range(CROPS):
            picture, box = int(found["top_picture"][unit, rank]), found["top_box"][unit, rank]
            if picture >= 0:
                corner = [_corner(box[a], box[a + 2], cut.canvas_px[a], size[a]) for a in range(2)]
                of[unit, rank] = crops.setdefault((picture, corner[0], corner[1]), len(crops))
    order = sorted(crops, key=lambda crop: (crop[0], crops[crop]))
    found_responses = np.empty((len(order), cut.n_units), np.float16)
    limit = float(np.finfo(np.float16).max)
    for start in range(0, len(order), batch):
        some = order[start : start + batch]
        cropped = [load(p)[t : t + cut.canvas_px[0], w : w + cut.canvas_px[1]] for p, t, w in some]
        values = responses(cut, np.stack(cropped), batch=batch)["max"]
        found_responses[[crops[crop] for crop in some]] = np.clip(values, -limit, limit)
    return {"response": found_responses, "of": of}


def _corner(low: int, high: int, canvas: int, size: int) -> int:
    """Return where a stretch of `canvas` pixels around the middle of a box begins, inside the picture."""
    return int(np.clip(round((int(low) + int(high) - canvas) / 2), 0, size - canvas))


def _reader(model: Model) -> Network:
    """Return a network from pictures in [0, 1] to what `_READ` names of each layer, one after another."""
    import keras

    from reportgen.models.graph.submodel import whole_network

    taps = [model.taps[layer.name] for layer in model.layers]
    refs = tuple(ref for tap in taps for ref in (tap.pre, tap.post))
    network = whole_network(model, refs)
    pictures = keras.Input(model.input_shape, dtype="float32")
    values = [keras.ops.cast(v, "float32") for v in network(pictures)]
    outputs = [
        output
        for layer, pre, post in zip(model.layers, values[::2], values[1::2], strict=True)
        for output in _read(layer, pre, post)
    ]
    return keras.Model(pictures, outputs)


def _read(layer: Layer, pre: Tensor, post: Tensor) -> list[Tensor]:
    """Return the tensors that `_READ` names, each `(n, K)`; samples are `(n, 16, K)`."""
    from keras import ops

    if layer.map_size is None:
        nowhere = ops.zeros_like(pre, dtype="int32")
        return [pre, nowhere, pre, nowhere, post, post, _zeros(post), post[:, None, :]]
    size, k = layer.map_size, layer.n_units
    rows, columns = (without_rim(n, RIM) for n in size)
    inner = ops.reshape(pre[:, rows, columns, :], (-1, _count(rows) * _count(columns), k))
    after = post[:, rows, columns, :]
    chosen = np.ravel_multi_index(tuple(sample_positions(size).T), size)
    samples = ops.take(ops.reshape(post, (-1, size[0] * size[1], k)), chosen, axis=1)
    return [
        ops.max(inner, axis=1),
        ops.argmax(inner, axis=1),
        ops.min(inner, axis=1),
        ops.argmin(inner, axis=1),
        ops.max(after, axis=(1, 2)),
        ops.mean(post, axis=(1, 2)),
        ops.mean(_zeros(after), axis=(1, 2)),
        samples,
    ]


def _zeros(values: Tensor) -> Tensor:
    from keras import ops

    return ops.cast(ops.equal(values, 0.0), "float32")


def _count(span: slice) -> int:
    return int(span.stop - span.start)
