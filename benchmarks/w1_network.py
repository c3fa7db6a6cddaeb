"""The workload W1: a small network with fixed weights, and how any tool's pictures of it are read.

Needs Keras, numpy and Pillow alone, so that the other tools' environment can use it too. Pictures lie in a
folder as 8-bit PNG, `conv2-0.png` and so on; each is read by the same forward pass, at its own size.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WEIGHTS = Path(__file__).with_name("data") / "w1_weights.npz"
SIDE = 128
LAYERS = ("conv2", "conv4")
JUDGED = (0, 1, 2, 3)
"""Channels whose activations are reported."""
RIM = 0.06
"""Share of the map left out on each side."""


def network(side: int | None = SIDE) -> Any:
    """Return W1 as a Keras model of pictures in 0..1: conv3x3 "same" and ReLU, 2x2 max pooling between."""
    import keras

    weights = np.load(WEIGHTS)
    layers = [keras.Input((side, side, 3), name="picture")]
    for i, filters in enumerate((32, 64, 128, 128), start=1):
        if i > 1:
            layers.append(keras.layers.MaxPooling2D(2, name=f"pool{i - 1}"))
        layers.append(keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{i}"))
    model = keras.Sequential(layers, name="w1")
    for i in range(1, 5):
        model.get_layer(f"conv{i}").set_weights([weights[f"conv{i}_w"], weights[f"conv{i}_b"]])
    return model


def activation(layer: str, channel: int, pictures: np.ndarray, rim: float = RIM) -> float:
    """Return the mean of a channel's ReLU map without its rim, over `(n, h, w, 3)` pictures in 0..1."""
    import keras

    cut = _up_to(layer)
    maps = np.asarray(keras.ops.convert_to_numpy(cut([np.asarray(pictures, np.float32)])))[..., channel]
    rows, columns = (round(rim * side) for side in maps.shape[1:3])
    return float(maps[:, rows : maps.shape[1] - rows, columns : maps.shape[2] - columns].mean())


@functools.cache
def _up_to(layer: str) -> Any:
    import keras

    whole = network(side=None)
    return keras.Model(whole.inputs, whole.get_layer(layer).output)


def high_frequencies(picture: np.ndarray) -> float:
    """Return the share of spectral energy beyond .25 cycles a pixel, of `(h, w, 3)`; white noise has .8.

    The mean of each channel is no part of it. A picture that is flat has none: 0.
    """
    values = np.asarray(picture, np.float64)
    energy = np.abs(np.fft.fft2(values - values.mean(axis=(0, 1)), axes=(0, 1))) ** 2
    across = np.hypot(np.fft.fftfreq(values.shape[0])[:, None], np.fft.fftfreq(values.shape[1])[None, :])
    total = energy.sum()
    return float(energy[across > 0.25].sum() / total) if total > 1e-12 else 0.0


def save_picture(folder: Path, layer: str, channel: int, picture: np.ndarray) -> None:
    """Write an `(h, w, 3)` picture, uint8 or in 0..1 and then clipped, as PNG."""
    if picture.dtype != np.uint8:
        picture = np.round(255 * np.clip(picture, 0.0, 1.0)).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / f"{layer}-{channel}.png")


def read_picture(folder: Path, layer: str, channel: int) -> np.ndarray:
    """Return a saved picture in 0..1."""
    return np.asarray(Image.open(folder / f"{layer}-{channel}.png"), np.float32) / 255.0


def judged(folder: Path, layer: str, channels: Sequence[int] = JUDGED) -> tuple[float, float]:
    """Return the mean activation and the mean share of high frequencies of the pictures in a folder."""
    pictures = [read_picture(folder, layer, c) for c in channels]
    found = [activation(layer, c, p[None]) for c, p in zip(channels, pictures, strict=True)]
    return float(np.mean(found)), float(np.mean([high_frequencies(p) for p in pictures]))
