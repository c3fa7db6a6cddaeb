"""Networks that are no plain classifiers: pairs, pictures out of pictures, boxes, lines, tokens, sounds."""

from __future__ import annotations

from typing import Any

from tests.models.zoo.family import Register
from tests.models.zoo.keras_classic import conv, ending

tasks = Register()


@tasks()
def unet(k: Any) -> Any:
    i = k.Input((32, 32, 3))
    a = conv(k, i, 4)
    b = conv(k, k.layers.MaxPooling2D()(a), 6)
    c = conv(k, k.layers.MaxPooling2D()(b), 8)
    x = k.layers.Conv2DTranspose(6, 2, strides=2, padding="same")(c)
    x = conv(k, k.layers.Concatenate()([x, b]), 6)
    x = k.layers.Conv2D(4, 3, padding="same", activation="relu")(k.layers.UpSampling2D()(x))
    x = k.layers.Concatenate()([x, a])
    return k.Model(i, k.layers.Conv2D(2, 1, activation="softmax")(x))


@tasks()
def unet_bilinear(k: Any) -> Any:
    i = k.Input((32, 32, 1))
    a = conv(k, i, 4)
    b = conv(k, k.layers.MaxPooling2D()(a), 6)
    x = k.layers.UpSampling2D(interpolation="bilinear")(b)
    x = conv(k, k.layers.Concatenate()([x, a]), 4)
    return k.Model(i, k.layers.Conv2D(1, 1, activation="sigmoid")(x))


@tasks()
def deeplab(k: Any) -> Any:
    i = k.Input((32, 32, 3))
    x = conv(k, i, 6, strides=2)
    rates = [conv(k, x, 4, 3, dilation_rate=r) for r in (1, 2, 4)]
    mean = k.layers.GlobalAveragePooling2D(keepdims=True)(x)
    mean = k.layers.UpSampling2D(16, interpolation="bilinear")(conv(k, mean, 4, 1))
    x = conv(k, k.layers.Concatenate()([*rates, mean]), 6, 1)
    x = k.layers.Resizing(32, 32)(k.layers.Conv2D(3, 1)(x))
    return k.Model(i, x)


@tasks()
def siamese(k: Any) -> Any:
    """One encoder on two pictures; the second is held."""
    e = k.Input((28, 28, 1))
    x = k.layers.MaxPooling2D()(k.layers.Conv2D(4, 3, activation="relu")(e))
    encoder = k.Model(e, k.layers.Dense(6)(k.layers.Flatten()(x)), name="encoder")
    a, b = k.Input((28, 28, 1), name="left"), k.Input((28, 28, 1), name="right")
    x = k.layers.Subtract()([encoder(a), encoder(b)])
    return k.Model([a, b], k.layers.Dense(1, activation="sigmoid")(k.layers.multiply([x, x])))


@tasks()
def two_towers(k: Any) -> Any:
    """A picture and a table of numbers."""
    a, b = k.Input((28, 28, 3), name="picture"), k.Input((5,), name="facts")
    x = k.layers.GlobalAveragePooling2D()(k.layers.Conv2D(6, 3, activation="relu")(a))
    y = k.layers.Dense(4, activation="relu", name="of_facts")(b)
    x = k.layers.Dense(5, activation="relu")(k.layers.Concatenate()([x, y]))
    return k.Model([a, b], k.layers.Dense(1)(x))


@tasks()
def autoencoder(k: Any) -> Any:
    i = k.Input((28, 28, 1))
    x = k.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(i)
    x = k.layers.Dense(8, name="code")(k.layers.Flatten()(x))
    x = k.layers.Reshape((7, 7, 4))(k.layers.Dense(7 * 7 * 4, activation="relu")(x))
    x = k.layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    return k.Model(i, k.layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(x))


@tasks()
def autoencoder_of_models(k: Any) -> Any:
    """Encoder and decoder as models in a Sequential."""
    coder = k.Sequential(
        [k.layers.InputLayer((24, 24, 1)), k.layers.Conv2D(4, 3, strides=2, padding="same")], name="coder"
    )
    back = k.Sequential(
        [k.layers.InputLayer((12, 12, 4)), k.layers.Conv2DTranspose(1, 3, strides=2, padding="same")],
        name="back",
    )
    i = k.Input((24, 24, 1))
    return k.Model(i, back(coder(i)))


@tasks(picture=False)
def gan_generator(k: Any) -> Any:
    """Takes a vector, no picture."""
    i = k.Input((8,))
    x = k.layers.Reshape((4, 4, 6))(k.layers.LeakyReLU()(k.layers.Dense(96, use_bias=False)(i)))
    x = k.layers.Conv2DTranspose(4, 4, strides=2, padding="same", use_bias=False)(x)
    x = k.layers.LeakyReLU()(k.layers.BatchNormalization()(x))
    return k.Model(i, k.layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh")(x))


@tasks()
def gan_critic(k: Any) -> Any:
    i = k.Input((28, 28, 1))
    x = i
    for n in (6, 8):
        x = k.layers.Conv2D(n, 5, strides=2, padding="same")(x)
        x = k.layers.Dropout(0.3)(k.layers.LeakyReLU(0.2)(x))
    return k.Model(i, k.layers.Dense(1)(k.layers.Flatten()(x)))


@tasks()
def pix2pix(k: Any) -> Any:
    """Its BatchNormalizations are called with training=True, also when it is used."""
    i = k.Input((32, 32, 3))
    a = k.layers.Conv2D(4, 4, strides=2, padding="same")(i)
    b = k.layers.Conv2D(6, 4, strides=2, padding="same", use_bias=False)(k.layers.LeakyReLU(0.2)(a))
    b = k.layers.LeakyReLU(0.2)(k.layers.BatchNormalization()(b, training=True))
    x = k.layers.Conv2DTranspose(4, 4, strides=2, padding="same", use_bias=False)(b)
    x = k.layers.BatchNormalization()(x, training=True)
    x = k.layers.Activation("relu")(k.layers.Concatenate()([x, a]))
    x = k.layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh")(x)
    return k.Model(i, x)


@tasks()
def crnn(k: Any) -> Any:
    """Convolutions, columns as a series, a recurrent layer, characters."""
    i = k.Input((16, 48, 1))
    x = conv(k, i, 6, strides=2)
    x = conv(k, x, 4, strides=2)
    x = k.layers.Reshape((12, 16))(k.layers.Permute((2, 1, 3))(x))
    x = k.layers.Dense(8, activation="relu", name="columns")(x)
    x = k.layers.Bidirectional(k.layers.LSTM(5, return_sequences=True), name="reader")(x)
    return k.Model(i, k.layers.Dense(7, activation="softmax", name="characters")(x))


@tasks()
def captioner(k: Any) -> Any:
    """Columns as a series whose last state is read by a dense layer."""
    i = k.Input((16, 32, 3))
    x = k.layers.Conv2D(5, 3, strides=2, padding="same", activation="relu")(i)
    x = k.layers.Reshape((16, 40))(k.layers.Permute((2, 1, 3))(x))
    x = k.layers.TimeDistributed(k.layers.Dense(6, activation="relu"), name="each_column")(x)
    return k.Model(i, k.layers.Dense(4)(k.layers.GRU(5, name="gru")(x)))


@tasks(picture=False)
def film(k: Any) -> Any:
    """TimeDistributed over the frames of a film."""
    i = k.Input((4, 20, 20, 3))
    x = k.layers.TimeDistributed(k.layers.Conv2D(4, 3, activation="relu"))(i)
    x = k.layers.TimeDistributed(k.layers.GlobalAveragePooling2D())(x)
    return k.Model(i, k.layers.Dense(2)(k.layers.LSTM(4)(x)))


@tasks()
def detector(k: Any) -> Any:
    """One head on two scales; boxes and classes out, flattened and joined."""
    i = k.Input((32, 32, 3))
    a = conv(k, i, 6, strides=2)
    b = conv(k, a, 8, strides=2)
    up = k.layers.UpSampling2D()(k.layers.Conv2D(6, 1, name="lateral")(b))
    levels = [k.layers.Add()([a, up]), k.layers.Conv2D(6, 1)(b)]
    boxes, classes = (
        k.layers.Conv2D(4, 3, padding="same", name="boxes"),
        k.layers.Conv2D(3, 3, padding="same", activation="sigmoid", name="classes"),
    )
    outs = [
        k.layers.Concatenate(axis=1)([k.layers.Reshape((-1, head.filters))(head(level)) for level in levels])
        for head in (boxes, classes)
    ]
    return k.Model(i, outs)


@tasks()
def centernet(k: Any) -> Any:
    """Three outputs, each with a name."""
    i = k.Input((32, 32, 3))
    x = conv(k, conv(k, i, 6, strides=2), 8)
    heat = k.layers.Conv2D(2, 1, activation="sigmoid", name="heat")(x)
    size = k.layers.Conv2D(2, 1, activation="relu", name="size")(x)
    return k.Model(i, {"heat": heat, "size": size, "offset": k.layers.Conv2D(2, 1, name="offset")(x)})


@tasks()
def several_outputs(k: Any) -> Any:
    i = k.Input((28, 28, 3))
    x = conv(k, i, 6, strides=2)
    flat = k.layers.GlobalAveragePooling2D()(x)
    age = k.layers.Dense(1, name="age")(flat)
    kind = k.layers.Dense(3, activation="softmax", name="kind")(flat)
    return k.Model(i, [age, kind, x])


def _attend(k: Any, x: Any, n: int) -> Any:
    y = k.layers.LayerNormalization()(x)
    x = k.layers.Add()([x, k.layers.MultiHeadAttention(2, n // 2, name="attention")(y, y)])
    y = k.layers.Dense(2 * n, activation="gelu", name="wide")(k.layers.LayerNormalization()(x))
    return k.layers.Add()([x, k.layers.Dense(n, name="narrow")(y)])


@tasks()
def vit(k: Any) -> Any:
    i = k.Input((24, 24, 3))
    x = k.layers.Reshape((9, 8))(k.layers.Conv2D(8, 8, strides=8, name="patches")(i))
    x = k.layers.LayerNormalization()(_attend(k, x, 8))
    return k.Model(i, k.layers.Dense(3, name="head")(k.layers.GlobalAveragePooling1D()(x)))


@tasks()
def mixer(k: Any) -> Any:
    i = k.Input((24, 24, 3))
    x = k.layers.Reshape((9, 8))(k.layers.Conv2D(8, 8, strides=8, name="patches")(i))
    y = k.layers.Permute((2, 1))(k.layers.LayerNormalization()(x))
    y = k.layers.Dense(9, name="across")(k.layers.Dense(6, activation="gelu", name="mix")(y))
    x = k.layers.Add()([x, k.layers.Permute((2, 1))(y)])
    x = k.layers.Add()([x, k.layers.Dense(8, name="along")(k.layers.LayerNormalization()(x))])
    return k.Model(i, k.layers.Dense(3, name="head")(k.layers.GlobalAveragePooling1D()(x)))


@tasks()
def convmixer(k: Any) -> Any:
    i = k.Input((28, 28, 3))
    x = k.layers.BatchNormalization()(k.layers.Conv2D(6, 4, strides=4, activation="gelu")(i))
    y = k.layers.DepthwiseConv2D(5, padding="same", activation="gelu")(x)
    x = k.layers.Add()([x, k.layers.BatchNormalization()(y)])
    x = k.layers.BatchNormalization()(k.layers.Conv2D(6, 1, activation="gelu")(x))
    return k.Model(i, ending(k, x))


@tasks()
def spectrogram(k: Any) -> Any:
    """A sound as a picture of one channel, oblong."""
    i = k.Input((40, 32, 1))
    x = k.layers.BatchNormalization()(i)
    x = conv(k, x, 6, (7, 3), strides=(2, 1))
    x = k.layers.MaxPooling2D((2, 4))(x)
    return k.Model(i, ending(k, conv(k, x, 8)))


@tasks(picture=False)
def sound_1d(k: Any) -> Any:
    i = k.Input((200, 1))
    x = k.layers.MaxPooling1D(4)(k.layers.Conv1D(4, 9, activation="relu")(i))
    return k.Model(i, k.layers.Dense(3)(k.layers.GlobalAveragePooling1D()(x)))


@tasks()
def sensor(k: Any) -> Any:
    """Windows of readings, height 1."""
    i = k.Input((1, 64, 3))
    x = k.layers.Conv2D(4, (1, 7), activation="relu")(i)
    x = k.layers.Conv2D(6, (1, 5), activation="relu")(k.layers.MaxPooling2D((1, 2))(x))
    return k.Model(i, k.layers.Dense(4, activation="softmax")(k.layers.Flatten()(x)))


@tasks()
def sensor_wide(k: Any) -> Any:
    """Height 1 and nine channels, as activity recognition has them."""
    i = k.Input((1, 48, 9))
    x = k.layers.Conv2D(6, (1, 5), padding="same", activation="relu")(i)
    return k.Model(i, k.layers.Dense(3)(k.layers.Flatten()(k.layers.DepthwiseConv2D((1, 3))(x))))


@tasks()
def eeg(k: Any) -> Any:
    """EEGNet: kernels along time, then across electrodes."""
    i = k.Input((8, 64, 1))
    x = k.layers.BatchNormalization()(k.layers.Conv2D(4, (1, 16), padding="same", use_bias=False)(i))
    x = k.layers.DepthwiseConv2D((8, 1), depth_multiplier=2, use_bias=False)(x)
    x = k.layers.Activation("elu")(k.layers.BatchNormalization()(x))
    x = k.layers.SeparableConv2D(6, (1, 8), padding="same", use_bias=False)(
        k.layers.AveragePooling2D((1, 4))(x)
    )
    return k.Model(i, k.layers.Dense(2, activation="softmax")(k.layers.Flatten()(x)))


@tasks()
def keypoints(k: Any) -> Any:
    """Dense layers that end in coordinates."""
    i = k.Input((32, 32, 1))
    x = k.layers.MaxPooling2D()(k.layers.Conv2D(5, 3, activation="relu")(i))
    x = k.layers.Conv2D(6, 3, activation="relu")(x)
    x = k.layers.Dense(10, activation="relu")(k.layers.Flatten()(x))
    return k.Model(i, k.layers.Reshape((4, 2))(k.layers.Dense(8, activation="sigmoid")(x)))


@tasks()
def super_resolution(k: Any) -> Any:
    i = k.Input((16, 16, 3))
    x = a = k.layers.Conv2D(6, 3, padding="same")(i)
    x = k.layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    x = k.layers.Add()([a, k.layers.Conv2D(6, 3, padding="same")(x)])
    return k.Model(i, k.layers.Conv2DTranspose(3, 4, strides=2, padding="same")(x))
