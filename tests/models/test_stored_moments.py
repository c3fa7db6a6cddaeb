"""The moments of a first BatchNormalization raise a doubt if the network was trained on another range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from skimage import data

from reportgen.models import load_model
from reportgen.models.input_range.stored_moments import _confidence, range_statistics
from reportgen.setting_values import RANGES
from tests.models.nets import SHARED, loaded, stirred


def photographs(seed: int) -> np.ndarray:
    rng, crops = np.random.default_rng(seed), []
    for picture in (data.astronaut(), data.chelsea(), data.coffee(), data.rocket()):
        top, left = rng.integers(0, picture.shape[0] - 128), rng.integers(0, picture.shape[1] - 128)
        crops.append(picture[top : top + 128 : 2, left : left + 128 : 2] / 255)
    return np.stack(crops)


def strokes(seed: int) -> np.ndarray:
    """White lines on black: far from photographs."""
    pictures = np.zeros((4, 64, 64, 3))
    for row in np.random.default_rng(seed).integers(0, 60, 5):
        pictures[:, row : row + 3, 10:50] = 1
    return pictures


def trained_on(low: Any, high: Any, *, seed: int = 0, contrast: float = 1.0, seen: Any = photographs) -> Any:
    """Return a network whose first BatchNormalization holds the moments of pictures in that range."""
    x = keras.Input((64, 64, 3))
    y = layers.Conv2D(12, 3, strides=2, name="conv")(x)
    net = stirred(
        keras.Model(x, layers.Conv2D(2, 1)(layers.ReLU()(layers.BatchNormalization(name="norm")(y)))), seed
    )
    pictures = 0.5 + contrast * (seen(seed) - 0.5)
    response = np.asarray(keras.Model(x, y)((low + pictures * (high - low)).astype(np.float32)))
    norm = net.get_layer("norm")
    norm.moving_mean.assign(response.mean((0, 1, 2)))
    norm.moving_variance.assign(response.var((0, 1, 2)))
    return net


@pytest.mark.parametrize(("seed", "ends"), [(0, (-1, 1)), (1, (-1, 1)), (0, (0, 255)), (1, (0, 255))])
def test_another_range_is_named(tmp_path: Path, ends: tuple[float, float], seed: int) -> None:
    model = loaded(trained_on(*ends, seed=seed), tmp_path)
    assert model.input_range.source == "assumed"
    assert f'"norm" has stored moments that fit pictures of {ends[0]}..{ends[1]} better' in model.notes[-1]


@pytest.mark.parametrize(("contrast", "seen"), [(1.0, photographs), (0.3, photographs), (1.0, strokes)])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_network_trained_on_0_to_1_raises_no_doubt(
    tmp_path: Path, seed: int, contrast: float, seen: Any
) -> None:
    assert not loaded(trained_on(0, 1, seed=seed, contrast=contrast, seen=seen), tmp_path).notes


def test_a_given_range_is_not_doubted(tmp_path: Path) -> None:
    assert not loaded(trained_on(-1, 1), tmp_path, input_range=(0, 1)).notes


def test_the_dog_breeds_network_was_trained_on_minus_1_to_1() -> None:
    path = SHARED / "dogbreeds-mobilenetv2.h5"
    if not path.exists():
        pytest.skip("dogbreeds-mobilenetv2.h5 is not next to the repository")
    assert "fit pictures of -1..1" in load_model(path).notes[-1]


def test_a_mean_and_deviation_by_channel_is_distinguished_from_the_rest(tmp_path: Path) -> None:
    low, high = (np.asarray(ends) for ends in RANGES["imagenet"])
    found = range_statistics(loaded(trained_on(low, high), tmp_path))
    assert found.best == "imagenet"
    assert found.confidence > 0


def test_bytes_are_recognised_with_more_confidence_than_neighbouring_ranges(tmp_path: Path) -> None:
    found = range_statistics(loaded(trained_on(0, 255), tmp_path))
    assert found.best == "0..255"
    assert found.misfits is not None and found.misfits["0..1"] > 5 * found.misfits["0..255"]


def test_moments_after_activation_and_pooling_count_too(tmp_path: Path) -> None:
    x = keras.Input((64, 64, 3))
    y = layers.MaxPooling2D()(layers.Conv2D(12, 3, activation="relu")(x))
    net = stirred(keras.Model(x, layers.Conv2D(2, 1)(layers.BatchNormalization(name="late")(y))), 3)
    response = np.asarray(keras.Model(x, y)((photographs(3) * 255).astype(np.float32)))
    net.get_layer("late").moving_mean.assign(response.mean((0, 1, 2)))
    net.get_layer("late").moving_variance.assign(response.var((0, 1, 2)))
    found = range_statistics(loaded(net, tmp_path))
    assert (found.layer, found.best) == ("late", "0..255")


def test_without_moments_a_reason_is_given(tmp_path: Path) -> None:
    x = keras.Input((32, 32, 3))
    found = range_statistics(loaded(keras.Model(x, layers.Conv2D(2, 3)(x)), tmp_path))
    assert (found.best, found.confidence) == ("", 0)
    assert "merged it into the convolution" in found.reason


def test_untrained_moments_are_no_evidence(tmp_path: Path) -> None:
    x = keras.Input((32, 32, 3))
    net = keras.Model(x, layers.BatchNormalization(name="fresh")(layers.Conv2D(2, 3)(x)))
    found = range_statistics(loaded(net, tmp_path))
    assert found.best == "" and '"fresh" are its initial ones' in found.reason


def test_a_network_that_cannot_be_computed_says_nothing_about_its_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(trained_on(-1, 1), tmp_path)
    (conv,) = (node.operation for node in model.nodes if node.name == "conv")

    def refused(inputs: Any) -> Any:  # As of some damaged files, which are refused only when computed.
        raise ZeroDivisionError("Stride must be > 0, but got -1")

    monkeypatch.setattr(conv, "call", refused)
    found = range_statistics(model)
    assert found.best == "" and found.reason == 'the network up to "norm" cannot be computed'


def test_a_given_range_that_contradicts_the_graph_gets_a_warning(tmp_path: Path) -> None:
    x = keras.Input((32, 32, 3))
    net = keras.Model(x, layers.Conv2D(2, 3)(layers.Rescaling(1 / 255, name="bytes")(x)))
    note = loaded(net, tmp_path, input_range=(-1, 1)).notes[-1]
    assert note.startswith("The given input range -1..1 contradicts the model") and '"bytes"' in note
    assert "0..255" in note and "\n" not in note
    assert not loaded(net, tmp_path, input_range=(0, 255)).notes


def test_a_given_range_close_to_the_graphs_is_no_contradiction(tmp_path: Path) -> None:
    x = keras.Input((32, 32, 3))
    net = keras.Model(x, layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(x)))
    assert not loaded(net, tmp_path, input_range=((0, 0, 0), (254, 255, 255))).notes


def test_the_confidence_never_falls_with_the_lead_is_even_for_a_tie_and_never_certain() -> None:
    found = [_confidence(lead) for lead in np.linspace(0, 1, 101)]
    assert found[0] == 0.5 and max(found) <= 0.85
    assert found == sorted(found)


@pytest.mark.parametrize(("low", "high"), [(0, 65535), (0, 4095), (-1024, 3071)])
def test_deep_pictures_are_recognised_by_the_moments(tmp_path: Path, low: float, high: float) -> None:
    found = range_statistics(loaded(trained_on(low, high), tmp_path))
    assert found.best == f"{low}..{high}" and 0 < found.confidence <= 0.6


def test_moments_of_the_picture_itself_count_too(tmp_path: Path) -> None:
    x = keras.Input((64, 64, 3))
    net = stirred(keras.Model(x, layers.Conv2D(4, 3)(layers.BatchNormalization(name="first")(x))), 0)
    pictures = photographs(0) * 255
    net.get_layer("first").moving_mean.assign(pictures.mean((0, 1, 2)))
    net.get_layer("first").moving_variance.assign(pictures.var((0, 1, 2)))
    model = loaded(net, tmp_path)
    assert model.input_range.source == "assumed"
    assert '"first" has stored moments that fit pictures of 0..255 better' in model.notes[-1]
