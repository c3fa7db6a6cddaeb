"""Networks whose units are known because they were built by hand."""

import keras
import numpy as np

from reportgen.models import Cut
from reportgen.units import InputRange


def cut_of(build, canvas, channels, low=0.0, high=1.0):
    """A cut of `build(input) -> (pre, post)`, which sees the model's own input range."""
    own = keras.Input((*canvas, channels))
    raw = keras.Model(own, list(build(own)))
    picture = keras.Input((*canvas, channels))
    scaled = keras.layers.Rescaling(high - low, low)(picture)
    pre = raw.outputs[0]
    return Cut(
        network=keras.Model(picture, raw(scaled)),
        raw_network=raw,
        n_units=int(pre.shape[-1]),
        canvas_px=canvas,
        channels=channels,
        input_range=InputRange((low,), (high,)),
        is_map=len(pre.shape) == 4,
        layer_name="planted",
    )


def convolution(kernels, biases=None, canvas=(24, 24), low=0.0, high=1.0):
    """One convolution with zero padding, then ReLU; `kernels` (h, w, c, units)."""
    kernels = np.asarray(kernels, np.float32)
    biases = np.zeros(kernels.shape[3]) if biases is None else np.asarray(biases)

    def build(x):
        layer = keras.layers.Conv2D(kernels.shape[3], kernels.shape[:2], padding="same")
        pre = layer(x)
        layer.set_weights([kernels, biases])
        return pre, keras.layers.ReLU()(pre)

    return cut_of(build, canvas, kernels.shape[2], low, high)


def neurons(weights, biases=None, activation="relu", low=0.0, high=1.0):
    """One dense layer on the flattened picture; `weights` (h, w, c, units)."""
    weights = np.asarray(weights, np.float32)
    biases = np.zeros(weights.shape[3]) if biases is None else np.asarray(biases)

    def build(x):
        layer = keras.layers.Dense(weights.shape[3])
        pre = layer(keras.layers.Flatten()(x))
        layer.set_weights([weights.reshape(-1, weights.shape[3]), biases])
        return pre, keras.layers.Activation(activation)(pre)

    return cut_of(build, weights.shape[:2], weights.shape[2], low, high)


def edge(size=5, angle=0.0, period=5.0):
    """An odd wave in a Gaussian window: an edge detector with zero sum and unit absolute sum."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    kernel = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period) * np.exp(-(x**2 + y**2) / 4)
    kernel -= kernel.mean()
    return kernel / np.abs(kernel).sum()


def answers(cut, pictures, which=0):
    """What all units answer to uint8 pictures."""
    return np.asarray(cut.network(np.asarray(pictures, np.float32) / 255.0)[which])


def orientation(picture):
    """Share of a picture's gradient energy that is horizontal change, 0 to 1."""
    grey = picture.astype(float).mean(axis=2)
    across, down = np.diff(grey, axis=1), np.diff(grey, axis=0)
    return (across**2).sum() / ((across**2).sum() + (down**2).sum())
