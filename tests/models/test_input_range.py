"""The input range is read from the scaling a network begins with, and otherwise marked as assumed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from reportgen.errors import ConfigError
from reportgen.models.graph.flatten import flatten
from reportgen.models.input_range.find import find_input_range
from reportgen.setting_values import RANGES
from reportgen.units import InputRange

MEAN_PICTURE = (120 + 30 * np.sin(np.arange(768.0))).reshape(16, 16, 3).astype(np.float32)
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def normalised(mean: Any, deviation: Any) -> Any:
    return layers.Normalization(mean=mean, variance=np.square(deviation))


def found(begin: Callable[[Any], Any], given: Any = None) -> InputRange:
    x = keras.Input((16, 16, 3))
    nodes, _ = flatten(keras.Model(x, layers.Conv2D(2, 3)(begin(x))))
    return find_input_range(nodes, given)


BYTES = {
    "ones like the picture": lambda x: layers.Multiply()([x, ops.ones_like(x)]) / 255,
    "a number in its shape": lambda x: layers.Multiply()([x, ops.ones_like(x) * (1 / 255.0)]),
    "numbers in its shape in front": lambda x: (ops.ones_like(x) / 127.5) * x - ops.ones_like(x),
    "a copy of zeros": lambda x: ops.where(x > 0, x, 0 * x) / 255,
    "zeros where it is dark": lambda x: ops.where(x < 3, ops.zeros_like(x), x) / 255,
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
    "behind a pipeline": lambda x: layers.Rescaling(1 / 255)(
        layers.Pipeline([layers.RandomFlip(), layers.RandomRotation(0.1)])(x)
    ),
    "in a pipeline": layers.Pipeline([layers.RandomFlip(), layers.Rescaling(1 / 255)]),
    "in a pipeline in a pipeline": layers.Pipeline([layers.Pipeline([layers.Rescaling(1 / 255)])]),
    "in a nested model": lambda x: layers.Rescaling(1 / 127.5, -1)(
        keras.Sequential([keras.Input((16, 16, 3)), layers.RandomFlip(), layers.Activation("linear")])(x)
    ),
    "behind sizes": lambda x: layers.Rescaling(1 / 255)(
        layers.CenterCrop(12, 12)(layers.Resizing(14, 14)(layers.ZeroPadding2D(1)(x)))
    ),
    "behind moved axes": lambda x: layers.Rescaling(1 / 255)(
        layers.Reshape((16, 16, 3))(layers.Permute((2, 1, 3))(layers.Reshape((16, 16, 3))(x)))
    ),
    "cut off at both ends": lambda x: layers.Rescaling(1 / 255)(keras.ops.clip(x, 0, 255)),
    "cut off by activations": lambda x: layers.Rescaling(1 / 255)(
        layers.ReLU(255)(layers.Activation("relu")(x))
    ),
    "channels taken in another order": lambda x: keras.ops.take(x, [2, 0, 1], axis=-1) / 255.0,
    "made grey by its mean": lambda x: layers.Rescaling(1 / 255)(keras.ops.mean(x, -1, keepdims=True)),
    "made grey by weights": lambda x: keras.ops.image.rgb_to_grayscale(x) / 255.0,
    "with more contrast": lambda x: layers.Rescaling(1 / 255)(layers.AutoContrast(value_range=(0, 255))(x)),
    "a mean picture": lambda x: x - MEAN_PICTURE,
    "a mean picture, over 255": lambda x: (x - MEAN_PICTURE) / 255.0,
    "a mean picture of one": lambda x: (x - MEAN_PICTURE[None]) * np.float32(1 / 58),
    "a picture of deviations": lambda x: (x - MEAN_PICTURE) / (40 + MEAN_PICTURE / 6),
    "means of one": lambda x: (x - np.full((1, 1, 1, 3), 120.0, np.float32)) / 60.0,
    "a scale by channel": layers.Rescaling([1 / 58.4, 1 / 57.1, 1 / 57.4], offset=[-2.1, -2.0, -1.8]),
    "constants first": lambda x: -1.0 + (1 / 127.5) * x,
    "inverted": lambda x: 255.0 - x,
    "inverted units": lambda x: 1.0 - x / 255.0,
    "cast": lambda x: keras.ops.cast(x, "float32") / 255.0,
    "two equal readers": lambda x: layers.Concatenate()([x / 255.0, layers.Rescaling(1 / 255)(x)]),
    "two readers, one range": lambda x: layers.Concatenate()([x / 255.0, x / 127.5 - 1.0]),
    "channels on their own": lambda x: layers.Concatenate()(
        [(x[..., :1] - 123.7) / 58.4, (x[..., 1:2] - 116.3) / 57.1, (x[..., 2:] - 103.5) / 57.4]
    ),
    "channels stacked": lambda x: keras.ops.stack([x[..., i] / 255.0 for i in range(3)], axis=-1),
    "halves joined": lambda x: layers.Concatenate(axis=1)([x[:, :8] / 255.0, x[:, 8:] / 255.0]),
}
UNIT = {
    "doubled, less 1": layers.Rescaling(2.0, offset=-1.0),
    "unit normalised": normalised(MEAN, DEVIATION),
    "inverted": lambda x: 1.0 - x,
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
        lambda x: keras.ops.sqrt(x / 255.0 + 1.0),
        lambda x: x**2,
        lambda x: 1.0 / (x + 1.0),
        layers.Rescaling(1e-9),
        layers.Rescaling(0.0),
        layers.Rescaling(1.0),
        lambda x: x + 0.0,
        layers.Dropout(0.5),
    ],
    ids=[
        "no scaling",
        "batch norm",
        "convolution",
        "root",
        "square",
        "inverse",
        "absurd",
        "zero",
        "times 1",
        "plus 0",
        "dropout",
    ],
)
def test_without_evidence_0_to_1_is_assumed_with_a_note(begin: Callable[[Any], Any]) -> None:
    range_ = found(begin)
    assert (range_.low, range_.high, range_.source) == ((0.0,), (1.0,), "assumed")
    assert "assumed" in range_.evidence


FURTHER = {
    "0..65535": layers.Rescaling(1 / 65535),
    "0..65535 of 65536": layers.Rescaling(1 / 65536),
    "0..65535 to signs": layers.Rescaling(1 / 32767.5, offset=-1),
    "0..65535 by mean": lambda x: (x - 8000.0) / 9000.0,
    "0..4095": layers.Rescaling(1 / 4095),
    "0..4095 halved": lambda x: x / 2047.5 - 1.0,
    "0..1023": layers.Rescaling(1 / 1023),
    "0..100": layers.Rescaling(1 / 100),
    "-128..127": lambda x: (x + 128.0) / 255.0,
    "-1024..3071": lambda x: (x + 1024.0) / 4095.0,
    "-1024..3071 by mean": lambda x: (x + 600.0) / 450.0,
    "-0.5..0.5": lambda x: x + 0.5,
    "0..1000": layers.Rescaling(1 / 1000),
    "-1000..400": lambda x: (x + 1000.0) / 1400.0,
    "0..16383": lambda x: x / 16383 * 2 - 1,
}


@pytest.mark.parametrize(("name", "begin"), FURTHER.items(), ids=FURTHER)
def test_ranges_of_deep_pictures_and_others_are_found(name: str, begin: Callable[[Any], Any]) -> None:
    range_ = found(begin)
    assert (str(range_), range_.source) == (name.split()[0], "graph")


def test_undoing_a_normalisation_shows_its_range() -> None:
    range_ = found(lambda x: x * (2 * DEVIATION).astype(np.float32) + (2 * MEAN - 1).astype(np.float32))
    assert np.allclose((range_.low, range_.high), RANGES["imagenet"]) and range_.source == "graph"


@pytest.mark.parametrize(("scale", "first", "rival"), [(1 / 128, "0..255", "-128..127"),
                                                       (2.0, "0..1", "-0.5..0.5")])  # fmt: skip
def test_a_scaling_of_two_ranges_is_assumed_and_names_both(scale: float, first: str, rival: str) -> None:
    range_ = found(layers.Rescaling(scale))
    assert (str(range_), range_.source) == (first, "assumed")
    assert f"fits {rival} as well; {first} is assumed" in range_.evidence


def test_a_mean_picture_is_read_and_named() -> None:
    assert re.search(r"subtracts a picture of about 1[12]\d", found(lambda x: x - MEAN_PICTURE).evidence)


def _spelt(scale: float, offset: float, way: int) -> Callable[[Any], Any]:
    """Return `x * scale + offset` written in one of several ways."""
    by_channel, picture = np.full(3, scale, np.float32), np.full((16, 16, 3), offset, np.float32)
    return [
        layers.Rescaling(scale, offset),
        lambda x: x * scale + offset,
        lambda x: offset + scale * x,
        lambda x: (x + offset / scale) / np.float32(1 / scale),
        lambda x: keras.ops.multiply(by_channel[None, None, None], x) - (-picture),
        lambda x: offset - x * (-scale),
        lambda x: layers.Dropout(0.1)(layers.Rescaling([scale] * 3, [offset] * 3)(layers.RandomFlip()(x))),
        lambda x: layers.Concatenate()(
            [x[..., i : i + 1] * scale + picture[..., i : i + 1] for i in range(3)]
        ),
    ][way]


@pytest.mark.parametrize("seed", range(24))
def test_any_way_of_writing_a_scaling_gives_the_range_it_is_intended_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ranges = [(0, 255), (0, 1), (-1, 1), (0, 65535), (0, 4095), (-1024, 3071), (0, 1023), (-128, 127)]
    low, high = ranges[seed % len(ranges)]
    bottom, top = [(0, 1), (-1, 1), (-0.5, 0.5), (0, 255)][rng.integers(4)]
    scale = (top - bottom) / (high - low)
    offset = bottom - low * scale
    range_ = found(_spelt(scale, offset, int(rng.integers(8))))
    ends = np.sort([scale * range_.low[0] + offset, scale * range_.high[0] + offset])
    if np.allclose((scale, offset), (1, 0)):
        assert range_.source == "assumed"
    elif np.isclose(offset, 0) and low < 0:
        assert range_.source == "graph" or "as well" in range_.evidence
    else:
        assert range_.source == "graph" and (range_.low, range_.high) == ((low,), (high,))
        assert np.allclose(ends, (bottom, top), rtol=1e-4)


@pytest.mark.parametrize("seed", range(24))
def test_a_scaling_far_from_all_ranges_finds_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scale = float(10 ** rng.uniform(3, 9) if seed % 2 else 10 ** -rng.uniform(5.5, 12))
    range_ = found(_spelt(scale, float(rng.uniform(-0.3, 0.3)), int(rng.integers(8))))
    assert range_.source == "assumed" and (range_.low, range_.high) == ((0.0,), (1.0,))


def test_a_function_of_the_users_is_measured_where_it_scales() -> None:
    @keras.saving.register_keras_serializable("test_input_range")
    class Prepare(layers.Layer):  # type: ignore[misc, name-defined, unused-ignore]
        def call(self, x: Any) -> Any:
            return x / 127.5 - 1.0

    for begin in (Prepare(), layers.Lambda(lambda x: x / 127.5 - 1.0)):
        range_ = found(begin)
        assert (str(range_), range_.source) == ("0..255", "graph")
        assert "measured on pictures" in range_.evidence
    curved = found(layers.Lambda(lambda x: keras.ops.tanh(x / 255.0), output_shape=(16, 16, 3)))
    assert curved.source == "assumed"


def test_a_scaling_after_a_fork_is_no_evidence() -> None:
    x = keras.Input((16, 16, 3))
    y = layers.Concatenate()([layers.Rescaling(1 / 255)(x), x])
    nodes, _ = flatten(keras.Model(x, layers.Conv2D(2, 3)(y)))
    range_ = find_input_range(nodes, None)
    assert range_.source == "assumed" and "take the input as it is" in range_.evidence


def test_a_given_range_wins_over_the_graph() -> None:
    range_ = found(layers.Rescaling(1 / 255), given=(-1, 1))
    assert (range_.low, range_.high, range_.source) == ((-1.0,), (1.0,), "given")


@pytest.mark.parametrize(
    "given",
    [(1, 0), (0, 0), (0, float("nan")), (0, float("inf")), (0,), "ab", (0, 1, 2), ((0, 0), (1, 1)), ((), ())],
    ids=str,
)
def test_an_invalid_range_is_refused(given: Any) -> None:
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


@pytest.mark.parametrize(
    ("dtype", "range_", "source"),
    [("uint8", "0..255", "graph"), ("int8", "-128..127", "graph"), ("uint16", "0..65535", "assumed"),
     ("int32", "0..255", "assumed"), ("float16", "0..1", "assumed")],
)  # fmt: skip
def test_an_integer_type_implies_a_range(dtype: str, range_: str, source: str) -> None:
    x = keras.Input((16, 16, 3))
    nodes, _ = flatten(keras.Model(x, layers.Conv2D(2, 3)(x)))
    of_type = find_input_range(nodes, None, None, dtype)
    assert (str(of_type), of_type.source) == (range_, source)
    scaled, _ = flatten(keras.Model(x, layers.Conv2D(2, 3)(layers.Rescaling(1 / 4095)(x))))
    assert str(find_input_range(scaled, None, None, dtype)) == "0..4095"
