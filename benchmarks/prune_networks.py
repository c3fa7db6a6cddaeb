"""Small networks of many architectures, trained on pictures drawn from a seed: nothing is tuned on them.

Pictures are 16 px: shapes in two colours, textures, or digits of seven strokes, turned, scaled and moved,
with noise enough that a network of this size is wrong on some: on 0.5 to 6 % of those it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SIDE = 16

Drawn = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Kind:
    """An architecture and what it is trained on.

    Attributes:
        build: From its input and the number of classes to its answer, before the softmax.
        draw: Pictures `(n, 16, 16, c)` uint8 and classes `(n,)`.
        epochs: Of training.
        n_trained: Pictures it is trained on.
    """

    build: Callable[[Any, int], Any]
    draw: Callable[[np.random.Generator, int], Drawn]
    epochs: int = 8
    n_trained: int = 2500


def trained(kind: Kind, seed: int) -> Any:
    """Return a network that takes 0 to 255, trained on pictures of that seed."""
    import keras

    keras.utils.set_random_seed(seed)
    pictures, classes = kind.draw(np.random.default_rng(seed), kind.n_trained)
    given = keras.Input(pictures.shape[1:], name="picture")
    answer = kind.build(keras.layers.Rescaling(1 / 255)(given), int(classes.max()) + 1)
    network = keras.Model(given, keras.layers.Softmax()(answer))
    steps = kind.epochs * -(-len(pictures) // 32)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    network.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    network.fit(pictures.astype(np.float32), classes, batch_size=32, epochs=kind.epochs, verbose=0)
    return network


# Pictures


def shapes(rng: np.random.Generator, n: int) -> Drawn:
    """Disc, square, triangle, cross, ring and bar, lighter than what is behind."""
    classes = rng.integers(0, 6, n)
    x, y = _places(rng, n, shift=1.5, scale=(4.5, 6.5), turn=0.3)
    r = np.hypot(x, y)
    inside = np.select(
        [(classes == k)[:, None, None] for k in range(6)],
        [
            r < 0.9,
            np.maximum(abs(x), abs(y)) < 0.8,
            (y > -0.6) & (y < 1.1 - 1.7 * abs(x)),
            (np.minimum(abs(x), abs(y)) < 0.25) & (np.maximum(abs(x), abs(y)) < 1),
            (r < 1) & (r > 0.6),
            (abs(x) < 1.1) & (abs(y) < 0.35),
        ],
    )
    back = rng.uniform(0.1, 0.5, (n, 1, 1, 3))
    front = back + rng.uniform(0.2, 0.5, (n, 1, 1, 3))
    return _noisy(rng, np.where(inside[..., None], front, back), 0.1), classes


def textures(rng: np.random.Generator, n: int) -> Drawn:
    """Stripes in four directions, a checkerboard, dots and rings, grey, fine or coarse."""
    classes = rng.integers(0, 7, n)
    angle = np.where(classes < 4, classes * np.pi / 4, 0) + rng.normal(0, 0.14, n)
    wave = rng.uniform(1.0, 2.2, (n, 1, 1))
    phase = rng.uniform(0, 2 * np.pi, (2, n, 1, 1))
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    along = np.cos(angle)[:, None, None] * x + np.sin(angle)[:, None, None] * y
    across = -np.sin(angle)[:, None, None] * x + np.cos(angle)[:, None, None] * y
    first, second = np.sin(wave * along + phase[0]), np.sin(wave * across + phase[1])
    rings = np.sin(wave * np.hypot(x - phase[0] + 3, y - phase[1] + 3))
    value = np.select(
        [(classes < 4)[:, None, None], *((classes == k)[:, None, None] for k in (4, 5, 6))],
        [first, np.sign(first * second), np.minimum(first, second), rings],
    )
    contrast = rng.uniform(0.1, 0.35, (n, 1, 1))
    return _noisy(rng, (0.5 + contrast * value)[..., None], 0.16), classes


def digits(rng: np.random.Generator, n: int) -> Drawn:
    """Digits of seven strokes, slanted, some strokes faint, light on dark or dark on light."""
    return _digits(rng, n, 1.5, (-1, 1))


def digits_in_the_middle(rng: np.random.Generator, n: int) -> Drawn:
    """The same, in the middle and light on dark: what dense layers can learn."""
    return _digits(rng, n, 0.7, (1,))


def _digits(rng: np.random.Generator, n: int, shift: float, signs: tuple[int, ...]) -> Drawn:
    classes = rng.integers(0, 10, n)
    x, y = _places(rng, n, shift=shift, scale=(4.2, 5.8), turn=0.15)
    x = x + rng.normal(0, 0.1, (n, 1, 1)) * y
    width = rng.uniform(0.15, 0.28, (n, 1, 1))
    weight = _STROKES[classes] * rng.uniform(0.6, 1, (n, 7))
    value = np.zeros((n, SIDE, SIDE))
    for k, (cx, cy, upright) in enumerate(_SEGMENTS):
        along, across = (y - cy, x - cx) if upright else (x - cx, y - cy)
        stroke = (abs(along) < 0.5) & (abs(across) < width)
        value = np.maximum(value, stroke * weight[:, k, None, None])
    light = rng.uniform(0.4, 0.8, (n, 1, 1)) * rng.choice(signs, (n, 1, 1))
    return _noisy(rng, (0.5 - light / 2 + light * value)[..., None], 0.1), classes


_SEGMENTS = (
    (0, -1, False), (0.5, -0.5, True), (0.5, 0.5, True), (0, 1, False),
    (-0.5, 0.5, True), (-0.5, -0.5, True), (0, 0, False),
)  # fmt: skip
_STROKES = np.array(
    [[int(c) for c in row] for row in (
        "1111110", "0110000", "1101101", "1111001", "0110011",
        "1011011", "1011111", "1110000", "1111111", "1111011",
    )], float,
)  # fmt: skip


def _places(
    rng: np.random.Generator, n: int, shift: float, scale: tuple[float, float], turn: float = np.pi
) -> tuple[np.ndarray, np.ndarray]:
    """Return each pixel's place in the frame of a drawing, `(n, 16, 16)` twice."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    angle, size = rng.uniform(-turn, turn, (n, 1, 1)), rng.uniform(*scale, (n, 1, 1))
    dx, dy = rng.uniform(-shift, shift, (2, n, 1, 1))
    x, y = (x - dx) / size, (y - dy) / size
    return np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x


def _noisy(rng: np.random.Generator, value: np.ndarray, noise: float) -> np.ndarray:
    value = value + rng.normal(0, noise, value.shape)
    return (255 * np.clip(value, 0, 1)).round().astype(np.uint8)


# Architectures


def plain(x: Any, n: int) -> Any:
    """Convolutions, pooling, flatten, a dense layer."""
    from keras import layers

    for width in (24, 32, 48):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(48, activation="relu")(layers.Flatten()(x))
    return layers.Dense(n)(x)


def valid(x: Any, n: int) -> Any:
    """Strided convolutions without padding, batch normalisation, average over places."""
    from keras import layers

    for width, stride in ((24, 1), (32, 2), (48, 1), (64, 2)):
        x = layers.Conv2D(width, 3, strides=stride, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return layers.Dense(n)(layers.GlobalAveragePooling2D()(x))


def residual(x: Any, n: int) -> Any:
    """Three residual blocks with batch normalisation."""
    from keras import layers

    x = _normed(x, 16)
    for width, stride in ((16, 1), (24, 2), (24, 1)):
        inner = _normed(x, width, stride)
        inner = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(width, 3, padding="same")(inner))
        if stride > 1:
            x = layers.Conv2D(width, 1, strides=stride)(x)
        x = layers.ReLU()(layers.Add()([x, inner]))
    return layers.Dense(n)(layers.GlobalAveragePooling2D()(x))


def depthwise(x: Any, n: int) -> Any:
    """Depthwise and pointwise convolutions in turns."""
    from keras import layers

    x = _normed(x, 16, 1)
    for width, stride in ((32, 2), (48, 1), (64, 2)):
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
        x = _normed(x, width, size=1)
    return layers.Dense(n)(layers.GlobalAveragePooling2D()(x))


def inverted(x: Any, n: int) -> Any:
    """Inverted residuals: widened, depthwise, narrowed without an activation."""
    from keras import layers

    x = _normed(x, 16)
    for width, stride in ((16, 1), (24, 2), (24, 1)):
        inner = _normed(x, 3 * int(x.shape[-1]), size=1)
        inner = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(inner)
        inner = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(inner))
        inner = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(width, 1, use_bias=False)(inner))
        x = layers.Add()([x, inner]) if inner.shape == x.shape else inner
    return layers.Dense(n)(layers.GlobalAveragePooling2D()(_normed(x, 64, size=1)))


def dense_block(x: Any, n: int) -> Any:
    """Two blocks in which each convolution reads all before it, with a transition between."""
    from keras import layers

    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    for block in range(2):
        for _ in range(3):
            grown = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
            x = layers.Concatenate()([x, layers.Conv2D(12, 3, padding="same")(grown)])
        if not block:
            x = layers.AveragePooling2D(2)(layers.Conv2D(24, 1, activation="relu")(x))
    return layers.Dense(n)(layers.GlobalAveragePooling2D()(layers.ReLU()(x)))


def squeezed(x: Any, n: int) -> Any:
    """Convolutions whose channels are weighed by gates that read the whole picture."""
    from keras import layers

    for width in (24, 40, 56):
        x = layers.Conv2D(width, 3, padding="same", activation="silu")(x)
        gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
        gate = layers.Conv2D(max(4, width // 4), 1, activation="relu")(gate)
        x = layers.Multiply()([x, layers.Conv2D(width, 1, activation="sigmoid")(gate)])
        x = layers.MaxPooling2D()(x)
    return layers.Dense(n)(layers.GlobalAveragePooling2D()(x))


def perceptron(x: Any, n: int) -> Any:
    """Dense layers alone."""
    from keras import layers

    x = layers.Flatten()(x)
    for width in (128, 64, 48):
        x = layers.Dense(width, activation="gelu")(x)
    return layers.Dense(n)(x)


def _normed(x: Any, width: int, stride: int = 1, size: int = 3) -> Any:
    from keras import layers

    x = layers.Conv2D(width, size, strides=stride, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


KINDS: dict[str, Kind] = {
    "plain": Kind(plain, shapes),
    "valid, strided": Kind(valid, digits),
    "residual": Kind(residual, textures, 4),
    "depthwise": Kind(depthwise, digits, 14),
    "inverted residual": Kind(inverted, shapes),
    "dense block": Kind(dense_block, textures, 5),
    "squeeze and excite": Kind(squeezed, shapes),
    "perceptron": Kind(perceptron, digits_in_the_middle, 10, 6000),
}
