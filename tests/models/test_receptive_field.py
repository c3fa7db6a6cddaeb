"""Receptive fields and strides are those measured by perturbing pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.models import Model, cut_model
from reportgen.units import Layer
from tests.models.nets import loaded

SIDE = 48


def positive(model: Any) -> Any:
    """Return the model with all weights positive, so that no two paths from a pixel cancel."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.uniform(0.05, 0.2, weight.shape))
    return model


def seen_rows(model: Model, layer: Layer, axis: int) -> np.ndarray:
    """Return (position, pixel) whether a row (or column) of pixels changes a row (or column) of the layer."""
    base = np.full((1, SIDE, SIDE, 1), 0.5, np.float32)
    bumped = np.repeat(base, SIDE, axis=0)
    for pixel in range(SIDE):
        bumped[(pixel, *(slice(None),) * axis, pixel)] += 3.0
    network = cut_model(model, layer, (SIDE, SIDE)).network
    before, after = (np.asarray(network(x)[0]) for x in (base, bumped))
    changed = np.abs(after - before) > 1e-6
    other = tuple(a for a in (1, 2, 3) if a != axis + 1)
    return changed.any(axis=other).T


def measured(model: Model, layer: Layer, axis: int) -> tuple[int, float]:
    """Return the widest field of any inner position, and the mean step between inner positions."""
    rows = seen_rows(model, layer, axis)
    first = rows.argmax(axis=1)
    last = SIDE - 1 - rows[:, ::-1].argmax(axis=1)
    inner = np.flatnonzero((first > 0) & (last < SIDE - 1))
    assert len(inner) > 2
    steps = np.diff(first[inner])
    return int((last - first + 1)[inner].max()), float(np.mean(steps))


def chain(*operations: Any) -> Callable[[Any], Any]:
    def build(x: Any) -> Any:
        for operation in operations:
            x = operation(x)
        return x

    return build


def skip(x: Any) -> Any:
    wide = layers.Conv2D(2, 7, padding="same")(x)
    return layers.Conv2D(1, 3, name="end")(layers.Add()([wide, layers.Conv2D(2, 3, padding="same")(x)]))


def branches(x: Any) -> Any:
    pooled = layers.MaxPooling2D(5, strides=1, padding="same")(x)
    both = layers.Concatenate()([pooled, layers.Conv2D(2, 1)(x)])
    return layers.Conv2D(1, 1, name="end")(both)


NETS: dict[str, tuple[Callable[[Any], Any], tuple[int, int], tuple[float, float]]] = {
    "two 3x3": (chain(layers.Conv2D(2, 3), layers.Conv2D(2, 3, name="end")), (5, 5), (1, 1)),
    "oblong": (chain(layers.Conv2D(2, (1, 5), strides=(2, 1), name="end")), (1, 5), (2, 1)),
    "strided": (
        chain(
            layers.Conv2D(2, 3, strides=2), layers.Conv2D(2, 3, strides=2), layers.Conv2D(2, 3, name="end")
        ),
        (15, 15),
        (4, 4),
    ),
    "dilated": (chain(layers.Conv2D(2, 3, dilation_rate=(2, 3), name="end")), (5, 7), (1, 1)),
    "pooled": (
        chain(
            layers.Conv2D(2, 3, activation="relu"), layers.MaxPooling2D(3, 2), layers.Conv2D(2, 3, name="end")
        ),
        (9, 9),
        (2, 2),
    ),
    "separable": (
        chain(layers.AveragePooling2D(2), layers.SeparableConv2D(2, 5, name="end")),
        (10, 10),
        (2, 2),
    ),
    "depthwise": (chain(layers.DepthwiseConv2D(5, padding="same", name="end")), (5, 5), (1, 1)),
    "normalised": (
        chain(
            layers.Conv2D(5, 3),
            layers.BatchNormalization(),
            layers.LayerNormalization(),
            layers.Conv2D(2, 3, name="end"),
        ),
        (5, 5),
        (1, 1),
    ),
    "padded by hand": (chain(layers.ZeroPadding2D(2), layers.Conv2D(2, 5, name="end")), (5, 5), (1, 1)),
    "skip": (skip, (9, 9), (1, 1)),
    "branches": (branches, (5, 5), (1, 1)),
    "transposed": (
        chain(
            layers.Conv2D(2, 3, strides=4),
            layers.Conv2DTranspose(2, 3, strides=2),
            layers.Conv2D(2, 3, name="end"),
        ),
        (11, 11),
        (2, 2),
    ),
    "upsampled": (
        chain(layers.MaxPooling2D(4), layers.UpSampling2D(2), layers.Conv2D(2, 1, name="end")),
        (4, 4),
        (2, 2),
    ),
    "upsampled smoothly": (
        chain(
            layers.MaxPooling2D(4),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Conv2D(2, 1, name="end"),
        ),
        (8, 8),
        (2, 2),
    ),
    "pooled by an operation": (
        chain(lambda x: keras.ops.max_pool(x, 2), layers.Conv2D(2, 3, name="end")),
        (6, 6),
        (2, 2),
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_the_field_and_stride_are_those_measured_by_perturbing_pixels(name: str, tmp_path: Path) -> None:
    build, field, stride = NETS[name]
    x = keras.Input((SIDE, SIDE, 1))
    model = loaded(positive(keras.Model(x, build(x))), tmp_path)
    layer = model.layer("end")
    assert (layer.receptive_field_px, layer.stride_px) == (field, stride)
    found = [measured(model, layer, axis) for axis in (0, 1)]
    if name == "transposed":  # a position here gathers one or two inputs: two and one side by side see 11 px
        assert max(size for size, _ in found) <= max(field)
    else:
        assert tuple(size for size, _ in found) == field
    for (_, step), wanted in zip(found, stride, strict=True):
        assert step == pytest.approx(wanted, abs=0.6)


@pytest.mark.parametrize(
    "build",
    [
        lambda x: layers.Dense(3)(layers.Flatten()(x)),
        lambda x: layers.Dense(3)(layers.GlobalMaxPooling2D()(x)),
        lambda x: layers.Conv2D(2, 1)(layers.GroupNormalization(1)(x)),
        lambda x: layers.Conv2D(2, 1)(layers.Permute((2, 1, 3))(x)),
        lambda x: layers.Conv2D(2, 1)(layers.PReLU()(x)),
        lambda x: layers.Conv2D(2, 1)(x[:, ::2]),
        lambda x: layers.Conv2D(2, 1)(x * keras.ops.mean(x, axis=(1, 2), keepdims=True)),
        lambda x: layers.Conv2D(2, 1)(layers.Concatenate(axis=1)([x, x])),
    ],
    ids=[
        "flat",
        "global pool",
        "group norm",
        "permuted",
        "own slopes",
        "sliced",
        "gated",
        "stacked",
    ],
)
def test_operations_across_positions_have_the_whole_input_as_their_field(
    build: Callable[[Any], Any], tmp_path: Path
) -> None:
    x = keras.Input((SIDE, SIDE, 1))
    model = loaded(keras.Model(x, build(x)), tmp_path)
    layer = model.layers[-1]
    assert layer.receptive_field_px is None
    assert (
        cut_model(model, layer, (SIDE, SIDE)).network(np.zeros((1, SIDE, SIDE, 1), np.float32))[0].shape[0]
        == 1
    )


def test_only_a_convolution_that_reads_the_picture_is_first(tmp_path: Path) -> None:
    x = keras.Input((16, 16, 3))
    y = layers.Rescaling(1 / 255)(x)
    y = layers.Conv2D(4, 1, name="a")(layers.ZeroPadding2D()(y))
    z = layers.Conv2D(4, 1, name="b")(y)
    side = layers.Conv2D(4, 3, name="c")(x)
    flat = layers.Dense(2, name="d")(layers.Flatten()(x))
    model = loaded(keras.Model(x, [z, side, flat]), tmp_path)
    assert {layer.name: layer.first for layer in model.layers} == {
        "a": True,
        "b": False,
        "c": True,
        "d": False,
    }


def test_the_graph_connects_layers_across_nodes_that_are_not_drawn(tmp_path: Path) -> None:
    x = keras.Input((16, 16, 3), name="picture")
    a = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", name="a")(x)))
    b = layers.Conv2D(4, 3, padding="same", activation="relu", name="b")(layers.Dropout(0.1)(a))
    c = layers.GlobalAveragePooling2D(name="pool")(layers.Add(name="sum")([a, b]))
    model = loaded(keras.Model(x, layers.Dense(2, name="end")(c)), tmp_path)
    names = [name for name, _ in model.graph.nodes]
    assert names == ["picture", "a", "b", "sum", "pool", "end"]
    arrows = {(names[i], names[j]) for i, j in model.graph.edges}
    assert arrows == {
        ("picture", "a"),
        ("a", "b"),
        ("a", "sum"),
        ("b", "sum"),
        ("sum", "pool"),
        ("pool", "end"),
    }
