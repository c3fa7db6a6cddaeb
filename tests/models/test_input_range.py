"""The input range is read from the scaling a network begins with, and said to be assumed otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.errors import ConfigError
from reportgen.models.flatten import flatten
from reportgen.models.input_range import find_input_range
from reportgen.units import InputRange

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def normalised(mean: Any, deviation: Any) -> Any:
    return layers.Normalization(mean=mean, variance=np.square(deviation))


def found(begin: Callable[[Any], Any], given: Any = None) -> InputRange:
    x = keras.Input((16, 16, 3))
    nodes, _ = flatten(keras.Model(x, layers.Conv2D(2, 3)(begin(x))))
    return find_input_range(nodes, given)


BYTES = {
    "over 255": layers.Rescaling(1 / 255),
    "over 127.5 less 1": layers.Rescaling(1 / 127.5, offset=-1),
    "by channel": layers.Rescaling([1 / 255] * 3),
    "bytes normalised": normalised(MEAN * 255, DEVIATION * 255),
    "rescaled, then normalised": lambda x: normalised(MEAN, DEVIATION)(layers.Rescaling(1 / 255)(x)),
    "less 127.5, over 128": lambda x: (x - 127.5) / 128.0,
    "over 127.5, less 1": lambda x: x / 127.5 - 1.0,
    "times, plus": lambda x: x * (1 / 255) + 0.0,
    "mean subtracted, BGR": lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32),
    "behind augmentation": lambda x: layers.Rescaling(1 / 255)(layers.RandomFlip()(x)),
}
UNIT = {
    "doubled, less 1": layers.Rescaling(2.0, offset=-1.0),
    "unit normalised": normalised(MEAN, DEVIATION),
    "to bytes": layers.Rescaling(255.0),
    "to bytes and back": lambda x: layers.Rescaling(1 / 255)(layers.Rescaling(255.0)(x)),
    "less half": lambda x: (x - 0.5) / 0.5,
}
SIGNED = {
    "half, plus half": layers.Rescaling(0.5, offset=0.5),
    "to bytes": layers.Rescaling(127.5, offset=127.5),
}


@pytest.mark.parametrize("begin", BYTES.values(), ids=BYTES)
def test_scalings_of_bytes_show_0_to_255(begin: Callable[[Any], Any]) -> None:
    range_ = found(begin)
    assert (range_.low, range_.high, range_.source) == ((0.0,), (255.0,), "graph")


@pytest.mark.parametrize("begin", UNIT.values(), ids=UNIT)
def test_scalings_of_unit_pictures_show_0_to_1(begin: Callable[[Any], Any]) -> None:
    range_ = found(begin)
    assert (range_.low, range_.high, range_.source) == ((0.0,), (1.0,), "graph")


@pytest.mark.parametrize("begin", SIGNED.values(), ids=SIGNED)
def test_scalings_of_signed_pictures_show_minus_1_to_1(begin: Callable[[Any], Any]) -> None:
    range_ = found(begin)
    assert (range_.low, range_.high, range_.source) == ((-1.0,), (1.0,), "graph")


def test_the_evidence_names_the_layer_and_what_it_does() -> None:
    range_ = found(layers.Rescaling(1 / 127.5, offset=-1, name="squeeze"))
    assert range_.evidence == (
        'rescaling "squeeze" multiplies by 0.00784314 and adds -1, which takes 0..255 to -1..1'
    )


@pytest.mark.parametrize(
    "begin",
    [
        lambda x: x,
        layers.BatchNormalization(),
        layers.Conv2D(3, 1),
        lambda x: 1.0 - x,
        layers.Rescaling(1e-9),
    ],
    ids=["nothing", "batch norm", "convolution", "inverted", "absurd"],
)
def test_without_evidence_0_to_1_is_assumed_and_said(begin: Callable[[Any], Any]) -> None:
    range_ = found(begin)
    assert (range_.low, range_.high, range_.source) == ((0.0,), (1.0,), "assumed")
    assert "assumed" in range_.evidence


def test_a_scaling_behind_a_fork_is_no_evidence() -> None:
    x = keras.Input((16, 16, 3))
    y = layers.Concatenate()([layers.Rescaling(1 / 255)(x), x])
    nodes, _ = flatten(keras.Model(x, layers.Conv2D(2, 3)(y)))
    assert find_input_range(nodes, None).source == "assumed"


def test_a_given_range_wins_over_the_graph() -> None:
    range_ = found(layers.Rescaling(1 / 255), given=(-1, 1))
    assert (range_.low, range_.high, range_.source) == ((-1.0,), (1.0,), "given")


@pytest.mark.parametrize(
    "given",
    [(1, 0), (0, 0), (0, float("nan")), (0, float("inf")), (0,), "ab", (0, 1, 2), ((0, 0), (1, 1)), ((), ())],
    ids=str,
)
def test_a_range_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match="input range"):
        found(lambda x: x, given=given)


@pytest.mark.parametrize(
    ("name", "high"),
    [("EfficientNetB0", 255.0), ("MobileNetV3Small", 255.0), ("MobileNetV2", None)],
)
def test_the_application_networks_of_keras_are_read_right(name: str, high: float | None) -> None:
    build = getattr(keras.applications, name)
    model = build(weights=None, input_shape=(32, 32, 3), include_top=False)
    range_ = find_input_range(flatten(model)[0], None)
    assert (range_.high, range_.source) == (((high,), "graph") if high else ((1.0,), "assumed"))
