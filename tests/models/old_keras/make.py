"""Networks saved by an old Keras itself, with its outputs; run in an environment that has it.

    pip install "tensorflow-cpu==2.15.*"    # or 2.12.*
    python tests/models/old_keras/make.py

Writes `NAME-VERSION.keras` and `.npz` beside itself: the archive that Keras wrote, its members compressed
anew to be small, and a random picture with the outputs of every layer that has a picture or numbers to give.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

keras: Any = tf.keras
layers: Any = keras.layers
HERE = Path(__file__).parent
VERSION = "".join(tf.__version__.split(".")[:2])


def plain() -> Any:
    """Common layers, a shared encoder, a nested model and one in it."""
    given = keras.Input((16, 16, 3))
    x = layers.Rescaling(1 / 127.5, -1)(given)
    x = layers.Conv2D(4, 3, padding="same", activation="hard_sigmoid", name="stem/conv")(x)
    x = layers.BatchNormalization(epsilon=0.01, name="stem/norm")(x)
    x = layers.PReLU(shared_axes=[1, 2], alpha_initializer="normal")(x)
    x = layers.DepthwiseConv2D(3, activation="relu6")(x)
    x = layers.LeakyReLU(0.1)(layers.SeparableConv2D(5, 3)(x))
    x = layers.GroupNormalization(5)(layers.LayerNormalization()(x))
    encoder = keras.Sequential([layers.Conv2D(5, 1), layers.Conv2D(5, 1, activation="elu")], name="encoder")
    free = keras.Input((None, None, 5))
    nested = keras.Model(free, layers.Conv2D(5, 1)(encoder(free)), name="nested")
    x = layers.Concatenate()([nested(x), nested(layers.UnitNormalization()(x))])
    x = layers.TimeDistributed(layers.Conv1D(3, 3))(layers.Conv2DTranspose(4, 2, strides=2)(x))
    return keras.Model(given, layers.Dense(2, "softmax")(layers.GlobalAveragePooling2D()(x)))


def operations() -> Any:
    """Functions of TensorFlow in the graph."""
    given = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, padding="same")(given / 127.5 - 1)
    mean = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    x = (x - mean) / tf.sqrt(tf.reduce_mean(tf.math.squared_difference(x, mean), [1, 2], True) + 1e-5)
    x = tf.concat([tf.nn.relu6(x + 3) / 6 * x, 1 - tf.clip_by_value(x, -0.5, 0.5)], axis=-1)
    x = tf.nn.depth_to_space(x, 2)[:, 1:-1, ::2, :]
    x = tf.pad(tf.image.resize(x, (12, 10)), [[0, 0], [1, 2], [0, 1], [0, 0]], "REFLECT")
    low, high = tf.split(x, 2, axis=-1)
    x = tf.where(low > 0.1, high, tf.abs(low) * 0.5)
    x = tf.transpose(tf.nn.leaky_relu(x), (0, 2, 1, 3))
    x = layers.Conv2D(3, 3)(
        tf.math.l2_normalize(tf.stack([x[:, :, :, 0], 2 / (3 + tf.abs(x[:, :, :, 0]))], -1), -1)
    )
    return keras.Model(
        given, tf.matmul(tf.reshape(x, (-1, 9, 39)), tf.reshape(x, (-1, 9, 39)), transpose_b=True)
    )


def preprocessing() -> Any:
    """What stands in front of a network, and layers that only train it."""
    given = keras.Input((18, 16, 3))
    normal = layers.Normalization()
    normal.adapt(np.random.default_rng(0).uniform(0, 255, (8, 18, 16, 3)))
    x = normal(layers.RandomCrop(12, 14)(given))
    for layer in (layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomZoom((-0.2, 0.1)),
                  layers.RandomContrast(0.2), layers.RandomHeight(0.2), layers.RandomWidth(0.2)):  # fmt: skip
        x = layer(x)
    x = layers.Resizing(11, 9, interpolation="bicubic")(layers.CenterCrop(10, 12)(x))
    x = layers.Dropout(0.2)(layers.GaussianNoise(0.1)(layers.Conv2D(4, 3)(x)))
    x = layers.experimental.SyncBatchNormalization()(x)
    return keras.Model(given, layers.UpSampling2D(2, interpolation="bilinear")(x))


def tokens() -> Any:
    """Attention and recurrent layers."""
    given = keras.Input((8, 8, 3))
    x = layers.Reshape((8, 16))(layers.Conv2D(2, 1)(given))
    x = layers.Add()([x, layers.MultiHeadAttention(2, 3, value_dim=4)(x, layers.Dense(16)(x))])
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid"))(x)
    x = layers.RNN([layers.LSTMCell(4), layers.LSTMCell(3)], return_sequences=True)(x)
    return keras.Model(given, layers.GRU(2)(x))


def save(name: str, net: Any) -> None:
    """Write a network with stirred weights, and its outputs for one picture."""
    numbers = np.random.default_rng(1)
    for weight in net.variables:
        if weight.dtype.is_floating:
            spread = numbers.normal(0, 0.1, weight.shape)
            weight.assign(
                np.abs(weight.numpy() + spread) if "variance" in weight.name else weight.numpy() + spread
            )
    for layer in net.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()
    picture = numbers.integers(0, 256, (1, *net.input_shape[1:])).astype("uint8")
    read = {
        la.name: la.output
        for la in net.layers[1:]
        if not hasattr(la, "layers") and not isinstance(la.output, list)
    }
    seen = keras.Model(net.input, read)(picture.astype("float32"), training=False)
    whole = net(picture.astype("float32"), training=False)
    outputs = {k.replace("/", "_"): np.asarray(v, "float32") for k, v in seen.items() if np.size(v) <= 256}
    np.savez_compressed(
        HERE / f"{name}-{VERSION}.npz",
        picture=picture,
        output=np.asarray(whole),
        **outputs,
    )
    written = HERE / f"{name}-{VERSION}.keras"
    net.save(written, **({"save_format": "keras_v3"} if VERSION == "212" else {}))
    with (
        zipfile.ZipFile(io.BytesIO(written.read_bytes())) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for member in old.namelist():
            new.writestr(member, old.read(member))


if __name__ == "__main__":
    for make in (plain, operations, preprocessing, tokens):
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)
        save(make.__name__, make())
