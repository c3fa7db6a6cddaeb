"""Small networks of the kinds that people save, with random weights and maps without borders.

Padding is "valid" everywhere, so that a channel's mean folded into a bias is exact. Each says how many
units can be removed, tied ones counted once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers as kl
from keras import ops


@dataclass(frozen=True)
class Case:
    """A network.

    Attributes:
        build: Returns it.
        n_groups: How many units can be removed, tied ones counted once.
        tolerance: Of answers, as a share of their largest.
        exact: Whether means in place of channels can be folded into biases exactly.
        fixed: Layers none of whose units can be removed, but for those that end in an output.
    """

    build: Callable[[], Any]
    n_groups: int
    tolerance: float = 2e-5
    exact: bool = True
    fixed: tuple[str, ...] = ()


CASES: dict[str, Case] = {}


def _case(n_groups: int, **more: Any) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    def kept(build: Callable[[], Any]) -> Callable[[], Any]:
        CASES[build.__name__] = Case(lambda: stirred(build()), n_groups, **more)
        return build

    return kept


def stirred(model: Any, seed: int = 0) -> Any:
    """Return a model with all weights random, so that no layer is trivial and answers stay in range."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" in weight.path or not weight.shape:
            continue
        fan = max(1.0, float(np.prod(weight.shape[:-1]))) if len(weight.shape) > 1 else 4.0
        values = rng.normal(0, 1.4 / fan**0.5, weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.name else values)
    return model


def _ended(i: Any, x: Any, n: int = 3) -> Any:
    x = kl.GlobalAveragePooling2D()(x)
    return keras.Model(i, kl.Dense(n, activation="softmax", name="answer")(x))


def _normed(x: Any, n: int, size: int = 3, name: str | None = None, **more: Any) -> Any:
    x = kl.Conv2D(n, size, use_bias=False, name=name, **more)(x)
    return kl.ReLU()(kl.BatchNormalization()(x))


@_case(6 + 6 + 5)
def residual() -> Any:
    """Stem and the last convolution of a block are tied by an addition; the two inside go alone."""
    i = keras.Input((14, 14, 3))
    x = _normed(i, 6, name="stem")
    y = _normed(x, 6, 1, name="inside")
    y = _normed(y, 5, 1, name="more")
    y = kl.BatchNormalization()(kl.Conv2D(6, 1, name="back")(y))
    return _ended(i, kl.ReLU()(kl.Add()([x, y])))


@_case(5 + 7)
def depthwise() -> Any:
    """A depthwise convolution goes with what feeds it, two channels of it with each."""
    i = keras.Input((14, 14, 3))
    x = _normed(i, 5, name="stem")
    x = kl.DepthwiseConv2D(3, depth_multiplier=2, name="each")(x)
    x = kl.ReLU()(kl.BatchNormalization()(x))
    return _ended(i, _normed(x, 7, 1, name="point"))


@_case(5 + 7)
def separable() -> Any:
    i = keras.Input((14, 14, 3))
    x = kl.Conv2D(5, 3, activation="relu", name="stem")(i)
    x = kl.SeparableConv2D(7, 3, depth_multiplier=2, activation="relu", name="split")(x)
    return _ended(i, x)


@_case(4 + 3 + 5)
def dense_block() -> Any:
    """What is concatenated is read, each part by itself, by all that comes after."""
    i = keras.Input((14, 14, 3))
    x = kl.Conv2D(4, 3, activation="relu", name="stem")(i)
    x = kl.Concatenate()([x, _normed(x, 3, 1, name="first")])
    x = kl.Concatenate()([x, _normed(x, 5, 1, name="second")])
    return _ended(i, kl.BatchNormalization()(x))


@_case(4 + 6)
def flat() -> Any:
    i = keras.Input((12, 12, 1))
    x = kl.MaxPooling2D()(kl.Conv2D(4, 3, activation="relu", name="stem")(i))
    x = kl.Dropout(0.5)(kl.Flatten()(x))
    x = kl.Dense(6, activation="tanh", name="hidden")(x)
    return keras.Model(i, kl.Dense(3, activation="softmax", name="answer")(x))


@_case(6 + 2)
def squeezed() -> Any:
    """A gate's last layer goes with the channels it gates; its first by itself."""
    i = keras.Input((14, 14, 3))
    x = _normed(i, 6, name="stem")
    s = kl.Reshape((1, 1, 6))(kl.GlobalAveragePooling2D()(x))
    s = kl.Conv2D(2, 1, activation="relu", name="squeeze")(s)
    s = kl.Conv2D(6, 1, activation="sigmoid", name="excite")(s)
    return _ended(i, kl.Multiply()([x, s]))


@_case(5 + 4)
def two_outputs() -> Any:
    i = keras.Input((14, 14, 3))
    x = _normed(i, 5, name="stem")
    a = kl.Dense(3, activation="softmax", name="kind")(kl.GlobalAveragePooling2D()(x))
    b = kl.Dense(4, activation="relu", name="hidden")(kl.GlobalMaxPooling2D()(x))
    return keras.Model(i, [a, kl.Dense(1, name="age")(b)])


@_case(4 + 6)
def grouped() -> Any:
    """A group of a grouped convolution goes whole: its two inputs, its three outputs."""
    i = keras.Input((14, 14, 3))
    x = _normed(i, 8, name="stem")
    x = kl.Conv2D(12, 3, groups=4, activation="relu", name="grouped")(x)
    return _ended(i, _normed(x, 6, 1, name="point"))


@_case(5 + 3 + 4, exact=False)
def autoencoder() -> Any:
    """A constant in front of a transposed convolution comes out as a pattern, which no bias is."""
    i = keras.Input((12, 12, 1))
    x = kl.Conv2D(5, 2, strides=2, activation="relu", name="down")(i)
    x = kl.Conv2D(3, 2, strides=2, activation="relu", name="code")(x)
    x = kl.Conv2DTranspose(4, 2, strides=2, activation="relu", name="up")(x)
    return keras.Model(i, kl.Conv2DTranspose(1, 2, strides=2, activation="sigmoid", name="picture")(x))


@_case(4 + 5)
def siamese() -> Any:
    """Both pictures go through the same layers; the other one is held."""
    i, other = keras.Input((12, 12, 1), name="one"), keras.Input((12, 12, 1), name="other")
    first = kl.Conv2D(4, 3, activation="relu", name="first")
    second = kl.Conv2D(5, 3, activation="relu", name="second")
    seen = [kl.GlobalAveragePooling2D()(second(first(x))) for x in (i, other)]
    return keras.Model([i, other], kl.Dense(2, activation="softmax", name="answer")(kl.Subtract()(seen)))


@_case(4 + 5 + 6)
def nested() -> Any:
    rows = [keras.Input((12, 12, 4)), kl.Conv2D(5, 3, name="inside"), kl.BatchNormalization(), kl.ReLU()]
    inner = keras.Sequential(rows, name="part")
    i = keras.Input((14, 14, 3))
    x = inner(kl.Conv2D(4, 3, activation="relu", name="stem")(i))
    return _ended(i, kl.Conv2D(6, 3, activation="relu", name="after")(x))


@_case(4 + 5)
def of_operations() -> Any:
    """Arithmetic with one number a channel, clipping and a mean, none of them layers."""
    i = keras.Input((12, 12, 3))
    x = kl.Conv2D(4, 3, name="stem")(i * 2.0 - 1.0)
    x = x * np.linspace(0.5, 2, 4, dtype=np.float32) + np.linspace(-1, 1, 4, dtype=np.float32)
    x = ops.clip(ops.relu(x), 0.0, 6.0)
    x = 1.0 - kl.Conv2D(5, 3, activation="relu", name="next")(x)
    x = ops.mean(x, axis=(1, 2))
    return keras.Model(i, ops.softmax(kl.Dense(3, name="answer")(x)))


@_case(4 + 5 + 6)
def prelu() -> Any:
    """Slopes of their own for each channel, of each place, and inside a layer with units."""
    i = keras.Input((12, 12, 3))
    x = kl.PReLU(shared_axes=(1, 2))(kl.Conv2D(4, 3, name="stem")(i))
    x = kl.PReLU()(kl.Conv2D(5, 3, name="next")(x))
    x = kl.Conv2D(6, 3, activation=kl.PReLU(shared_axes=(1, 2)), name="last")(x)
    return _ended(i, x)


@_case(5 + 4, tolerance=2e-2)
def mixed_precision() -> Any:
    i = keras.Input((12, 12, 3))
    x = kl.Conv2D(5, 3, activation="relu", name="stem", dtype="mixed_float16")(i)
    x = kl.Conv2D(4, 3, activation="relu", name="next", dtype="mixed_float16")(x)
    x = kl.GlobalAveragePooling2D(dtype="mixed_float16")(x)
    x = kl.Dense(3, name="answer", dtype="mixed_float16")(x)
    return keras.Model(i, kl.Activation("softmax", dtype="float32")(x))


@_case(4)
def yes_or_no() -> Any:
    i = keras.Input((12, 12, 1))
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(4, 3, activation="relu", name="stem")(i))
    return keras.Model(i, kl.Dense(1, activation="sigmoid", name="answer")(x))


@_case(4 + 3)
def regression() -> Any:
    i = keras.Input((12, 12, 1))
    x = kl.Flatten()(kl.Conv2D(4, 3, strides=3, activation="elu", name="stem")(i))
    return keras.Model(i, kl.Dense(1, name="answer")(kl.Dense(3, activation="selu", name="hidden")(x)))


@_case(5)
def pooled_last() -> Any:
    """The softmax comes after a pool, not after a layer with units."""
    i = keras.Input((12, 12, 3))
    x = kl.Conv2D(5, 3, activation="relu", name="stem")(i)
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(3, 1, name="answer")(x))
    return keras.Model(i, kl.Activation("softmax")(x))


@_case(8)
def tied_across() -> Any:
    """A wide layer is added to two narrow ones side by side: each of the three keeps a unit."""
    i = keras.Input((12, 12, 3))
    wide = kl.Conv2D(8, 3, activation="relu", name="wide")(i)
    beside = [kl.Conv2D(4, 3, activation="relu", name=name)(i) for name in ("left", "right")]
    return _ended(i, kl.Add()([wide, kl.Concatenate()(beside)]))


@_case(5 + 4, fixed=("stem",))
def normalised() -> Any:
    """LayerNormalization computes with all channels together: those it is given stay."""
    i = keras.Input((12, 12, 3))
    x = kl.LayerNormalization()(kl.Conv2D(6, 3, name="stem")(i))
    x = kl.Conv2D(5, 3, activation="relu", name="next")(x)
    return _ended(i, kl.Conv2D(4, 3, activation="relu", name="last")(x))


@_case(4 + 4, tolerance=2e-6, fixed=("tokens", "heads"))
def attending() -> Any:
    """Heads of attention look at places; what they are given stays, what only passes by goes."""
    i = keras.Input((10, 10, 3))
    x = kl.Conv2D(4, 2, strides=2, activation="relu", name="stem")(i)
    tokens = kl.Reshape((25, 4))(kl.Conv2D(4, 1, name="tokens")(x))
    seen = kl.MultiHeadAttention(2, 3, name="heads")(tokens, tokens)
    x = kl.GlobalAveragePooling1D()(seen)
    x = kl.Dense(4, activation="relu", name="hidden")(x)
    return keras.Model(i, kl.Dense(3, activation="softmax", name="answer")(x))


@_case(4 + 5, fixed=("where",))
def places_gated() -> Any:
    """One map says where to look: it is spread over all channels and stays."""
    i = keras.Input((12, 12, 3))
    x = kl.Conv2D(4, 3, activation="relu", name="stem")(i)
    x = kl.Multiply()([x, kl.Conv2D(1, 1, activation="sigmoid", name="where")(x)])
    return _ended(i, kl.Conv2D(5, 3, activation="relu", name="next")(x))


@_case(4 + 3)
def reused_head() -> Any:
    """One layer ends the network and stands inside it too: what its two calls read is tied."""
    i = keras.Input((12, 12, 3))
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(4, 3, activation="relu", name="stem")(i))
    x = kl.Dense(3, activation="relu", name="hidden")(x)
    first = kl.Dense(3, activation="softmax", name="answer")
    early = first(x)
    return keras.Model(i, [early, first(kl.Dense(3, activation="relu", name="again")(early))])
