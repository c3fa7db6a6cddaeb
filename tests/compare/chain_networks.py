"""Small networks whose twins are known: the same, permuted, widened, overwritten, exported."""

from __future__ import annotations

import numpy as np

LAYERS = ("one", "two", "three")


def make(path, *, size=24, units=(12, 16, 16), seed=0, channels=3):
    """Save a chain of three convolutions with a dense head whose units all answer."""
    import keras

    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((size, size, channels))
    for name, k in zip(LAYERS, units, strict=True):
        x = keras.layers.Conv2D(k, 3, padding="same", activation="leaky_relu", name=name)(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    keras.Model(inputs, keras.layers.Dense(3, name="head")(x)).save(path)
    return path


def changed(source, path, change):
    """Save a copy of a model file whose weights `change(weights_by_layer)` has altered in place."""
    import keras

    model = keras.saving.load_model(source)
    weights = {n: [np.array(w) for w in model.get_layer(n).get_weights()] for n in (*LAYERS, "head")}
    change(weights)
    for name, values in weights.items():
        model.get_layer(name).set_weights(values)
    model.save(path)
    return path


def overwrite(layer, unit, seed):
    """Return a change: one filter becomes white noise of the layer's own strength."""

    def change(weights):
        kernel = weights[layer][0]
        rng = np.random.default_rng(seed)
        kernel[..., unit] = rng.normal(0, kernel.std(), kernel.shape[:-1])

    return change


def permute(layer, after, order):
    """Return a change: the units of a layer in another order, and what reads them likewise."""

    def change(weights):
        weights[layer] = [w[..., order] for w in weights[layer]]
        kernel, bias = weights[after]
        weights[after] = [kernel[..., order, :], bias]

    return change
