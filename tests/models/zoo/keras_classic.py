"""Classifiers as their papers draw them, a few channels wide. Each function takes the `keras` module."""

from __future__ import annotations

from typing import Any

from tests.models.zoo.family import Register

classic = Register()


def conv(k: Any, x: Any, n: int, size: Any = 3, act: str | None = "relu", **options: Any) -> Any:
    """Convolution without bias, BatchNormalization, activation."""
    x = k.layers.Conv2D(n, size, padding="same", use_bias=False, **options)(x)
    x = k.layers.BatchNormalization()(x)
    return k.layers.Activation(act)(x) if act else x


def depthwise(k: Any, x: Any, size: int = 3, act: str | None = "relu", **options: Any) -> Any:
    x = k.layers.DepthwiseConv2D(size, padding="same", use_bias=False, **options)(x)
    x = k.layers.BatchNormalization()(x)
    return k.layers.Activation(act)(x) if act else x


def ending(k: Any, x: Any, classes: int = 4, act: str = "softmax") -> Any:
    return k.layers.Dense(classes, activation=act)(k.layers.GlobalAveragePooling2D()(x))


def gate(k: Any, x: Any, hidden: int, act: str = "sigmoid") -> Any:
    """Squeeze and excitation by 1x1 convolutions."""
    n = x.shape[-1]
    s = k.layers.GlobalAveragePooling2D()(x)
    s = k.layers.Reshape((1, 1, n))(s)
    s = k.layers.Conv2D(hidden, 1, activation="relu")(s)
    s = k.layers.Conv2D(n, 1, activation=act)(s)
    return k.layers.Multiply()([x, s])


@classic()
def vgg(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    for n in (6, 8):
        for _ in range(2):
            x = k.layers.Conv2D(n, 3, padding="same", activation="relu")(x)
        x = k.layers.MaxPooling2D()(x)
    x = k.layers.Flatten()(x)
    x = k.layers.Dropout(0.5)(k.layers.Dense(12, activation="relu")(x))
    return k.Model(i, k.layers.Dense(4, activation="softmax")(x))


@classic()
def vgg_sequential(k: Any) -> Any:
    return k.Sequential(
        [
            k.layers.InputLayer((28, 28, 1)),
            k.layers.Conv2D(6, 3, activation="relu"),
            k.layers.Conv2D(6, 3),
            k.layers.BatchNormalization(),
            k.layers.ReLU(),
            k.layers.MaxPooling2D(),
            k.layers.Flatten(),
            k.layers.Dense(10, activation="softmax"),
        ]
    )


@classic()
def lenet(k: Any) -> Any:
    x = i = k.Input((28, 28, 1))
    x = k.layers.AveragePooling2D(2)(k.layers.Conv2D(4, 5, activation="tanh", padding="same")(x))
    x = k.layers.AveragePooling2D(2)(k.layers.Conv2D(6, 5, activation="tanh")(x))
    x = k.layers.Dense(10, activation="tanh")(k.layers.Flatten()(x))
    return k.Model(i, k.layers.Dense(10, activation="softmax")(x))


@classic()
def alexnet(k: Any) -> Any:
    x = i = k.Input((48, 48, 3))
    x = k.layers.Conv2D(6, 11, strides=4, padding="same", activation="relu")(x)
    x = k.layers.MaxPooling2D(3, 2)(x)
    x = k.layers.Conv2D(8, 5, padding="same", groups=2, activation="relu")(x)
    x = k.layers.Dense(8, activation="relu")(k.layers.Flatten()(x))
    return k.Model(i, k.layers.Dense(4)(x))


@classic()
def resnet(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = k.layers.ZeroPadding2D(3)(x)
    x = k.layers.Conv2D(6, 7, strides=2)(x)
    x = k.layers.ReLU()(k.layers.BatchNormalization(epsilon=1.001e-5)(x))
    x = k.layers.MaxPooling2D(3, 2)(k.layers.ZeroPadding2D(1)(x))
    for stride in (1, 2):
        short = conv(k, x, 8, 1, None, strides=stride)
        y = conv(k, x, 4, 1, strides=stride)
        y = conv(k, y, 4)
        y = conv(k, y, 8, 1, None)
        x = k.layers.ReLU()(k.layers.Add()([short, y]))
    return k.Model(i, ending(k, x))


@classic()
def resnet_before(k: Any) -> Any:
    """Activations before convolutions, ResNet v2."""
    x = i = k.Input((32, 32, 3))
    x = k.layers.Conv2D(6, 3, padding="same")(x)
    for _ in range(2):
        y = k.layers.ReLU()(k.layers.BatchNormalization()(x))
        y = conv(k, y, 6)
        y = k.layers.Conv2D(6, 3, padding="same")(y)
        x = k.layers.Add()([x, y])
    x = k.layers.ReLU()(k.layers.BatchNormalization()(x))
    return k.Model(i, ending(k, x))


@classic()
def resnext(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = conv(k, x, 8, strides=2)
    y = conv(k, x, 8, 3, groups=4)
    x = k.layers.ReLU()(k.layers.Add()([x, conv(k, y, 8, 1, None)]))
    return k.Model(i, ending(k, x))


@classic()
def inception(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = conv(k, x, 6, strides=2)
    pooled = conv(k, k.layers.MaxPooling2D(3, 1, padding="same")(x), 3, 1)
    parts = [conv(k, x, 3, 1), conv(k, conv(k, x, 2, 1), 4), conv(k, conv(k, x, 2, 1), 3, 5), pooled]
    x = k.layers.Concatenate()(parts)
    return k.Model(i, ending(k, x))


@classic(low=(0.0,), high=(255.0,), ranged=True)
def inception_v3(k: Any) -> Any:
    """Factorised kernels, BatchNormalization without scale, the input brought to -1..1."""
    x = i = k.Input((32, 32, 3))
    x = k.layers.Rescaling(1 / 127.5, offset=-1)(x)
    for n, size in ((4, (1, 5)), (5, (5, 1)), (6, (3, 3))):
        x = k.layers.Conv2D(n, size, padding="same", use_bias=False)(x)
        x = k.layers.Activation("relu")(k.layers.BatchNormalization(scale=False)(x))
    mean = conv(k, k.layers.AveragePooling2D(3, 1, padding="same")(x), 3, 1)
    x = k.layers.Concatenate()([conv(k, x, 3, 1), mean])
    return k.Model(i, ending(k, x))


@classic()
def xception(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = conv(k, x, 6, strides=2)
    short = conv(k, x, 8, 1, None, strides=2)
    y = k.layers.SeparableConv2D(8, 3, padding="same", use_bias=False)(x)
    y = k.layers.ReLU()(k.layers.BatchNormalization()(y))
    y = k.layers.SeparableConv2D(8, 3, padding="same", use_bias=False)(y)
    y = k.layers.MaxPooling2D(3, 2, padding="same")(k.layers.BatchNormalization()(y))
    return k.Model(i, ending(k, k.layers.Add()([short, y])))


@classic()
def densenet(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = conv(k, x, 6, strides=2)
    for _ in range(2):
        y = k.layers.ReLU()(k.layers.BatchNormalization()(x))
        y = conv(k, y, 6, 1)
        y = k.layers.Conv2D(3, 3, padding="same", use_bias=False)(y)
        x = k.layers.Concatenate()([x, y])
    x = k.layers.AveragePooling2D(2)(k.layers.ReLU()(k.layers.BatchNormalization()(x)))
    return k.Model(i, ending(k, x))


@classic()
def squeezenet(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = k.layers.Conv2D(6, 3, strides=2, activation="relu")(x)
    s = k.layers.Conv2D(3, 1, activation="relu", name="fire_squeeze")(x)
    x = k.layers.Concatenate()([k.layers.Conv2D(5, n, padding="same", activation="relu")(s) for n in (1, 3)])
    x = k.layers.Conv2D(4, 1, activation="relu")(k.layers.Dropout(0.5)(x))
    return k.Model(i, k.layers.Softmax()(k.layers.GlobalAveragePooling2D()(x)))


@classic()
def mobilenet(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = k.layers.ReLU(6.0)(conv(k, x, 6, act=None, strides=2))
    for n, stride in ((8, 1), (10, 2)):
        x = k.layers.ReLU(6.0)(depthwise(k, x, act=None, strides=stride))
        x = k.layers.ReLU(6.0)(conv(k, x, n, 1, None))
    x = k.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = k.layers.Conv2D(4, 1)(k.layers.Dropout(0.001)(x))
    return k.Model(i, k.layers.Activation("softmax")(k.layers.Reshape((4,))(x)))


@classic()
def mobilenet_v2(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = k.layers.ReLU(6.0)(conv(k, x, 6, act=None, strides=2))
    for stride in (1, 2):
        y = k.layers.ReLU(6.0)(conv(k, x, 12, 1, None))
        if stride == 2:
            y = k.layers.ZeroPadding2D(((0, 1), (0, 1)))(y)
        y = k.layers.DepthwiseConv2D(
            3, strides=stride, padding="same" if stride == 1 else "valid", use_bias=False
        )(y)
        y = k.layers.ReLU(6.0)(k.layers.BatchNormalization()(y))
        y = conv(k, y, 6, 1, None)
        x = k.layers.Add()([x, y]) if stride == 1 else y
    return k.Model(i, ending(k, x))


@classic(low=(0.0,), high=(255.0,), ranged=True)
def mobilenet_v3(k: Any) -> Any:
    """Hard swish written as x * relu6(x + 3) / 6, and gates of the same making."""

    def hard(x: Any) -> Any:
        return k.layers.ReLU(6.0)(x + 3.0) * (1.0 / 6.0)

    x = i = k.Input((32, 32, 3))
    x = k.layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = conv(k, x, 6, act=None, strides=2)
    x = k.layers.Multiply()([x, hard(x)])
    y = depthwise(k, conv(k, x, 8, 1), 5)
    s = k.layers.GlobalAveragePooling2D(keepdims=True)(y)
    s = hard(k.layers.Conv2D(8, 1)(k.layers.ReLU()(k.layers.Conv2D(4, 1)(s))))
    y = conv(k, k.layers.Multiply()([y, s]), 6, 1, None)
    x = k.layers.Add()([x, y])
    return k.Model(i, ending(k, x))


def _efficient(k: Any, x: Any) -> Any:
    x = conv(k, x, 6, act="swish", strides=2)
    y = depthwise(k, conv(k, x, 12, 1, "swish"), 3, "swish")
    y = conv(k, gate(k, y, 3), 6, 1, None)
    x = k.layers.Add()([x, k.layers.Dropout(0.2, noise_shape=(None, 1, 1, 1))(y)])
    return ending(k, x)


@classic()
def efficientnet(k: Any) -> Any:
    i = k.Input((32, 32, 3))
    return k.Model(i, _efficient(k, i))


@classic(low=(0.0,), high=(255.0,), ranged=True)
def efficientnet_rescaled(k: Any) -> Any:
    i = k.Input((32, 32, 3))
    x = k.layers.Rescaling(1 / 255)(i)
    x = k.layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.229**2, 0.224**2, 0.225**2])(x)
    return k.Model(i, _efficient(k, x))


@classic()
def nasnet(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = conv(k, x, 4, strides=2)

    def apart(x: Any, size: int) -> Any:
        y = k.layers.SeparableConv2D(4, size, padding="same", use_bias=False)(k.layers.Activation("relu")(x))
        return k.layers.BatchNormalization()(y)

    left = k.layers.add([apart(x, 5), apart(x, 3)])
    right = k.layers.add([k.layers.AveragePooling2D(3, 1, padding="same")(x), apart(x, 3)])
    x = k.layers.concatenate([x, left, right])
    return k.Model(i, ending(k, x))


@classic()
def convnext(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = k.layers.LayerNormalization(epsilon=1e-6)(k.layers.Conv2D(8, 4, strides=4)(x))
    y = k.layers.DepthwiseConv2D(7, padding="same")(x)
    y = k.layers.Dense(16)(k.layers.LayerNormalization(epsilon=1e-6)(y))
    y = k.layers.Dense(8)(k.layers.Activation("gelu")(y))
    x = k.layers.Add()([x, y])
    x = k.layers.LayerNormalization(epsilon=1e-6)(k.layers.GlobalAveragePooling2D()(x))
    return k.Model(i, k.layers.Dense(4)(x))


@classic()
def regnet(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = conv(k, x, 8, strides=2)
    short = conv(k, x, 12, 1, None, strides=2)
    y = conv(k, conv(k, x, 12, 1), 12, 3, groups=3, strides=2)
    y = conv(k, gate(k, y, 2), 12, 1, None)
    return k.Model(i, ending(k, k.layers.ReLU()(k.layers.Add()([short, y]))))


@classic()
def senet_dense(k: Any) -> Any:
    """Gates made of dense layers, as most tutorials write them."""
    x = i = k.Input((32, 32, 3))
    x = conv(k, x, 8, strides=2)
    s = k.layers.Dense(3, activation="relu")(k.layers.GlobalAveragePooling2D()(x))
    s = k.layers.Reshape((1, 1, 8))(k.layers.Dense(8, activation="sigmoid")(s))
    return k.Model(i, ending(k, conv(k, k.layers.multiply([x, s]), 6)))


@classic()
def shufflenet(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = conv(k, x, 8, strides=2)
    x = conv(k, x, 8, 1, groups=2)
    x = k.layers.Permute((1, 2, 4, 3))(k.layers.Reshape((16, 16, 2, 4))(x))
    x = k.layers.Reshape((16, 16, 8))(x)
    return k.Model(i, ending(k, depthwise(k, x, act=None)))


@classic()
def ghostnet(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    x = conv(k, x, 4, 1)
    x = k.layers.Concatenate()([x, depthwise(k, x)])
    return k.Model(i, ending(k, conv(k, x, 6)))


@classic()
def darknet(k: Any) -> Any:
    x = i = k.Input((32, 32, 3))
    for n, stride in ((4, 1), (8, 2)):
        x = conv(k, x, n, act=None, strides=stride)
        x = k.layers.LeakyReLU(0.1)(x)
    y = k.layers.LeakyReLU(0.1)(conv(k, x, 4, 1, None))
    y = k.layers.LeakyReLU(0.1)(conv(k, y, 8, 3, None))
    return k.Model(i, ending(k, k.layers.add([x, y])))


@classic()
def resnet_nested(k: Any) -> Any:
    """A backbone as one layer of the whole, as transfer learning leaves it."""
    a = k.Input((32, 32, 3))
    b = conv(k, conv(k, a, 6, strides=2), 8)
    backbone = k.Model(a, b, name="backbone")
    i = k.Input((32, 32, 3))
    return k.Model(i, ending(k, backbone(i)))


@classic()
def all_convolutional(k: Any) -> Any:
    """Any size of picture."""
    x = i = k.Input((None, None, 3))
    x = k.layers.Conv2D(6, 3, strides=2, padding="same", activation="elu")(x)
    x = k.layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="selu")(x)
    return k.Model(i, ending(k, k.layers.Conv2D(4, 1, activation="softplus")(x)))
