"""Small networks for the tests of this room, and the way they get to a file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from reportgen.models import Model, load_model

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "models"


def loaded(model: Any, folder: Path, *, suffix: str = ".keras", **options: Any) -> Model:
    """Return a Keras model after a round trip through a file."""
    path = folder / f"net{suffix}"
    model.save(path)
    return load_model(path, **options)


def edited(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Return a `.keras` file whose configuration was changed by `change`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            new.writestr(name, data)
    return target


def pictures(*shape: int, seed: int = 0) -> np.ndarray:
    """Return random pictures in [0, 1], float32."""
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def stirred(model: Any, seed: int = 0) -> Any:
    """Return the model with all weights random, so that no layer is trivial."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        values = rng.normal(0, 0.5, weight.shape)
        positive = "variance" in weight.name
        weight.assign(np.abs(values) + 0.5 if positive else values)
    return model


def plain(channels: int = 3, side: int | None = 24) -> Any:
    """A sequential classifier: conv, BatchNorm, ReLU, pool, fused conv, flat, dense, softmax."""
    return stirred(
        keras.Sequential(
            [
                keras.Input((side, side, channels)),
                layers.Conv2D(4, 3, name="first"),
                layers.BatchNormalization(name="norm"),
                layers.ReLU(name="active"),
                layers.MaxPooling2D(name="pool"),
                layers.Dropout(0.5, name="drop"),
                layers.Conv2D(5, 3, activation="tanh", name="second"),
                layers.GlobalAveragePooling2D(name="mean") if side is None else layers.Flatten(name="flat"),
                layers.Dense(6, activation="relu", name="hidden"),
                layers.Dense(3, activation="softmax", name="answer"),
            ]
        )
    )


def skipping() -> Any:
    """A functional network with a skip: `stem` feeds both `left` and the sum."""
    x = keras.Input((20, 20, 1))
    stem = layers.Conv2D(4, 3, padding="same", name="stem")(x)
    left = layers.Conv2D(4, 5, padding="same", activation="relu", name="left")(stem)
    total = layers.Add(name="sum")([stem, left])
    right = layers.SeparableConv2D(6, 3, strides=2, name="apart")(total)
    deep = layers.DepthwiseConv2D(3, depth_multiplier=2, dilation_rate=2, name="deep")(right)
    return stirred(keras.Model(x, layers.Activation("sigmoid", name="yes")(deep)))


def nested_twice() -> Any:
    """A model within a model within a model; two of its layers have the same name."""
    a = keras.Input((None, None, 4))
    inner = keras.Model(a, layers.Conv2D(5, 3, activation="relu", name="conv")(a), name="inner")
    b = keras.Input((None, None, 3))
    y = layers.Conv2D(4, 3, name="conv")(b)
    middle = keras.Model(b, inner(layers.LeakyReLU(0.1, name="leak")(y)), name="middle")
    x = keras.Input((18, 18, 3))
    return stirred(keras.Model(x, layers.Conv2D(2, 1, name="conv")(middle(x)), name="outer"))
