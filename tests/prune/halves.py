"""A network that tells on which side a picture is bright, right by construction, and pictures for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers as kl
from PIL import Image

SIDE = 8


def network(*, sigmoid: bool = False) -> Any:
    """Return it: two of its four convolution units and two of its six hidden units are all it needs."""
    rng = np.random.default_rng(4)
    made = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            kl.Conv2D(4, 3, activation="relu", name="first"),
            kl.Flatten(name="flat"),
            kl.Dense(6, activation="relu", name="hidden"),
            kl.Dense(1 if sigmoid else 2, activation="sigmoid" if sigmoid else "softmax", name="answer"),
        ]
    )
    kernel = rng.normal(0, 0.2, (3, 3, 1, 4))
    kernel[:, :, 0, 0] = 1 / 9
    made.get_layer("first").set_weights([kernel, np.full(4, 0.05)])
    hidden = rng.normal(0, 0.01, (SIDE - 2, SIDE - 2, 4, 6))
    hidden[:, :3, 0, 0], hidden[:, 3:, 0, 0] = 0.1, -0.1
    hidden[:, :3, 0, 1], hidden[:, 3:, 0, 1] = -0.1, 0.1
    made.get_layer("hidden").set_weights([hidden.reshape(-1, 6), np.zeros(6)])
    answer = rng.normal(0, 0.01, (6, 2))
    answer[:2] = [[6, -6], [-6, 6]]
    made.get_layer("answer").set_weights(
        [answer[:, 1:] if sigmoid else answer, np.zeros(1 if sigmoid else 2)]
    )
    return made


def picture(side: str, rng: np.random.Generator) -> np.ndarray:
    """Return one uint8 picture that is brighter on that side."""
    found = rng.normal(90, 12, (SIDE, SIDE))
    found[:, : SIDE // 2] += 60 if side == "left" else 0
    found[:, SIDE // 2 :] += 60 if side == "right" else 0
    return np.asarray(np.clip(found, 0, 255), np.uint8)


def folder_of(path: Path, n: int = 24, names: tuple[str, ...] = ("left", "right"), seed: int = 0,
              *, wrong: bool = False, inner: int = 0) -> Path:  # fmt: skip
    """Return a folder with n pictures for each class.

    Args:
        path: Where.
        n: Pictures of a class.
        names: Of class folders; pictures of others than left and right are noise.
        seed: Of the pictures.
        wrong: Whether every second one is in the other class.
        inner: Folders inside each class that pictures are spread over.
    """
    rng = np.random.default_rng(seed)
    for name in names:
        for i in range(n):
            where = path / name / f"p{i % inner}" if inner else path / name
            where.mkdir(parents=True, exist_ok=True)
            side = {"left": "right", "right": "left"}.get(name, name) if wrong and i % 2 else name
            Image.fromarray(picture(side, rng)).save(where / f"{name}{seed}-{i:02d}.png")
    return path
