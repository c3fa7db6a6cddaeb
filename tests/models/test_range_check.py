"""The moments in a first BatchNormalization raise a doubt where a network was trained on another range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from skimage import data

from reportgen.models import load_model
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


def trained_on(
    low: float, high: float, *, seed: int = 0, contrast: float = 1.0, seen: Any = photographs
) -> Any:
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
    assert f'"norm" has stored values that fit pictures of {ends[0]}..{ends[1]} better' in model.notes[-1]


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
        pytest.skip("dogbreeds-mobilenetv2.h5 is not beside the repository")
    assert "fit pictures of -1..1" in load_model(path).notes[-1]
