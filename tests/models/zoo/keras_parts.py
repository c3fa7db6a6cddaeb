"""Small networks around one thing each: normalisations, activations, wrappers, what precedes the input."""

from __future__ import annotations

from typing import Any

from tests.models.zoo.family import Register
from tests.models.zoo.keras_classic import conv, ending

parts = Register()


def _around(k: Any, middle: Any, size: tuple[int, int, int] = (28, 28, 3), before: Any = None) -> Any:
    x = i = k.Input(size)
    x = before(x) if before else x
    x = k.layers.Conv2D(6, 3, padding="same")(x)
    x = middle(x)
    x = k.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    return k.Model(i, ending(k, x))


def _then_relu(k: Any, norm: Any) -> Any:
    return _around(k, lambda x: k.layers.Activation("relu")(norm(x)))


@parts()
def group_norm(k: Any) -> Any:
    return _then_relu(k, k.layers.GroupNormalization(groups=3))


@parts()
def layer_norm(k: Any) -> Any:
    return _then_relu(k, k.layers.LayerNormalization(axis=[1, 2, 3]))


@parts()
def instance_norm(k: Any) -> Any:
    return _then_relu(k, k.layers.GroupNormalization(groups=-1, epsilon=1e-5))


@parts()
def unit_norm(k: Any) -> Any:
    return _then_relu(k, k.layers.UnitNormalization(axis=-1))


@parts(lacks=(("keras-2.12", "SpectralNormalization came with Keras 2.13"),))
def spectral_norm(k: Any) -> Any:
    wrapped = k.layers.SpectralNormalization(k.layers.Conv2D(6, 3, padding="same"), name="sn_middle")
    i = k.Input((28, 28, 3))
    x = k.layers.SpectralNormalization(k.layers.Conv2D(5, 3, strides=2, activation="relu"))(i)
    x = k.layers.LeakyReLU(0.2)(wrapped(x))
    return k.Model(i, k.layers.SpectralNormalization(k.layers.Dense(3))(k.layers.Flatten()(x)))


@parts()
def batch_norm_renamed(k: Any) -> Any:
    """Names with spaces' stand-ins, dots and capitals, as people give them."""
    i = k.Input((24, 24, 3), name="Input.Image")
    x = k.layers.Conv2D(4, 3, name="Conv.1_a")(i)
    x = k.layers.BatchNormalization(name="BN-1", center=False)(x)
    x = k.layers.Activation("relu", name="Act.1")(x)
    return k.Model(i, k.layers.Dense(2, name="out.softmax", activation="softmax")(k.layers.Flatten()(x)))


@parts()
def prelu_shared(k: Any) -> Any:
    return _around(k, k.layers.PReLU(shared_axes=[1, 2]))


@parts()
def prelu_each_place(k: Any) -> Any:
    return _around(k, k.layers.PReLU())


@parts()
def activations(k: Any) -> Any:
    """One convolution for each activation that a file can name."""
    i = k.Input((24, 24, 3))
    names = ["relu", "elu", "selu", "tanh", "sigmoid", "softplus", "softsign", "swish", "gelu", "exponential"]
    heads = [k.layers.Conv2D(3, 3, activation=name)(i) for name in names]
    return k.Model(i, ending(k, k.layers.Concatenate()(heads)))


@parts()
def hard_sigmoid(k: Any) -> Any:
    """Whose slope Keras 3 changed: files keep the one they were trained with."""
    return _around(k, k.layers.Activation("hard_sigmoid"))


@parts()
def leaky_layers(k: Any) -> Any:
    def middle(x: Any) -> Any:
        x = k.layers.LeakyReLU(0.3)(x)
        return k.layers.ELU(0.7)(k.layers.Conv2D(5, 1)(x))

    return _around(k, middle)


@parts(low=(0.0,), high=(255.0,), ranged=True)
def rescaling(k: Any) -> Any:
    return _around(k, k.layers.ReLU(), before=k.layers.Rescaling(1 / 255))


@parts(low=(-1.0,), high=(1.0,), ranged=True)
def rescaling_from_signed(k: Any) -> Any:
    return _around(k, k.layers.ReLU(), before=k.layers.Rescaling(0.5, offset=0.5))


@parts(low=(0.0,), high=(65535.0,), ranged=True)
def rescaling_16_bit(k: Any) -> Any:
    return _around(k, k.layers.ReLU(), (28, 28, 1), k.layers.Rescaling(1 / 65535))


@parts(low=(0.0,), high=(255.0,), ranged=True)
def normalization(k: Any) -> Any:
    norm = k.layers.Normalization(mean=[123.675, 116.28, 103.53], variance=[3409.98, 3262.69, 3291.89])
    return _around(k, k.layers.ReLU(), before=norm)


@parts(low=(0.0,), high=(255.0,), ranged=True)
def augmentation(k: Any) -> Any:
    """A pipeline of augmentation, then the scaling."""
    pipeline = k.Sequential(
        [
            k.layers.RandomFlip("horizontal"),
            k.layers.RandomRotation(0.1),
            k.layers.RandomZoom(0.1),
            k.layers.RandomContrast(0.1),
        ],
        name="augmentation",
    )
    return _around(k, k.layers.ReLU(), before=lambda x: k.layers.Rescaling(1 / 255)(pipeline(x)))


@parts(low=(0.0,), high=(255.0,), ranged=True)
def plain_arithmetic(k: Any) -> Any:
    """The scaling as operators on the input: x / 127.5 - 1."""
    return _around(k, k.layers.ReLU(), before=lambda x: x / 127.5 - 1.0)


@parts(low=(0.0,), high=(255.0,), ranged=True)
def pad_then_rescale(k: Any) -> Any:
    def before(x: Any) -> Any:
        return k.layers.Rescaling(1 / 255)(k.layers.Cropping2D(2)(x))

    return _around(k, k.layers.ReLU(), before=before)


@parts(tolerance=1e-2)
def mixed_precision(k: Any) -> Any:
    """Computes in float16 where it was written, hence the wider tolerance."""
    k.mixed_precision.set_global_policy("mixed_float16")
    try:
        x = i = k.Input((28, 28, 3))
        x = conv(k, conv(k, x, 6), 8, strides=2)
        x = k.layers.GlobalAveragePooling2D()(x)
        return k.Model(i, k.layers.Dense(4, activation="softmax", dtype="float32")(x))
    finally:
        k.mixed_precision.set_global_policy("float32")


@parts()
def grey(k: Any) -> Any:
    return _around(k, k.layers.ReLU(), (28, 28, 1))


@parts()
def bands_12(k: Any) -> Any:
    return _around(k, k.layers.ReLU(), (32, 32, 12))


@parts()
def bands_2(k: Any) -> Any:
    return _around(k, k.layers.ReLU(), (24, 32, 2))


@parts()
def bands_60(k: Any) -> Any:
    return _around(k, k.layers.ReLU(), (24, 24, 60))


@parts()
def oblong(k: Any) -> Any:
    return _around(k, k.layers.ReLU(), (20, 44, 3))


@parts()
def batch_written(k: Any) -> Any:
    """A batch of eight stands in the input's shape."""
    i = k.Input(batch_shape=(8, 24, 24, 3))
    x = k.layers.MaxPooling2D()(k.layers.Conv2D(6, 3, activation="relu")(i))
    return k.Model(i, k.layers.Dense(4)(k.layers.Flatten()(x)))


@parts()
def shared_conv(k: Any) -> Any:
    """One convolution called on two places of the network, both of which see the picture."""
    i = k.Input((32, 32, 3))
    twice = k.layers.Conv2D(6, 3, padding="same", activation="relu", name="twice")
    x = k.layers.Conv2D(6, 3, padding="same")(i)
    a, b = twice(x), twice(k.layers.AveragePooling2D(2)(x))
    heads = [k.layers.GlobalMaxPooling2D()(a), k.layers.GlobalMaxPooling2D()(b)]
    return k.Model(i, k.layers.Dense(3)(k.layers.concatenate(heads)))


@parts()
def transposed(k: Any) -> Any:
    i = k.Input((16, 16, 3))
    x = k.layers.Conv2DTranspose(5, 4, strides=2, padding="same", activation="relu")(i)
    x = k.layers.Conv2DTranspose(4, 3, strides=2, padding="valid")(x)
    x = k.layers.Conv2DTranspose(3, 3, padding="same", use_bias=False)(k.layers.Cropping2D(1)(x))
    return k.Model(i, x)


@parts()
def strange_convs(k: Any) -> Any:
    """Even kernels, unequal strides, dilation, multipliers, oblong kernels."""
    i = k.Input((33, 31, 3))
    x = k.layers.Conv2D(4, 2, strides=(1, 2), padding="same", activation="relu")(i)
    x = k.layers.Conv2D(5, (1, 4), padding="same", dilation_rate=(2, 1))(x)
    x = k.layers.DepthwiseConv2D((3, 2), depth_multiplier=2, activation="relu")(x)
    x = k.layers.SeparableConv2D(6, 3, depth_multiplier=2, strides=2, padding="same")(x)
    return k.Model(i, ending(k, x))


@parts()
def pools(k: Any) -> Any:
    i = k.Input((32, 32, 3))
    x = k.layers.Conv2D(4, 3, activation="relu")(i)
    x = k.layers.AveragePooling2D(3, 2, padding="same")(x)
    x = k.layers.Conv2D(6, 3, activation="relu")(k.layers.UpSampling2D(2)(x))
    x = k.layers.MaxPooling2D((1, 2))(x)
    heads = [k.layers.GlobalMaxPooling2D()(x), k.layers.GlobalAveragePooling2D()(x)]
    return k.Model(i, k.layers.Dense(3)(k.layers.Average()(heads)))
