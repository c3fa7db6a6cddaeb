"""Planted networks of other constructions: strides, valid padding, poolings, activations, flattened inputs.

    maps       picture -> first -> [pool] -> second -> mean over places -> head
                           first -> mean over places -> global ---------^
    separable  picture -> first -> depthwise -> pointwise -> mean over places -> head
    places     picture -> first -> pool -> flatten -> places -> head
    flat       picture -> flatten -> templates -> mixed -> head

Every layer has units whose truth is known, and a few whose truth is open: random kernels and random
mixtures of edges, which may look like anything but must not be called dead. How verdicts are judged
is not known here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from planted import patterns as p
from planted.network import S
from planted.truth import Planted, Sketch, rows_of
from planted.varied_units import WHITES, Units, Variety

TRUNKS = ("maps", "flat", "separable", "places")


def variety_of(seed: int, **given: Any) -> Variety:
    """Return the traits of a seed, those given aside; consecutive seeds go through trunks and sizes."""
    rng = np.random.default_rng([17, seed])
    drawn = {
        "trunk": TRUNKS[seed % 4],
        "size": int(rng.choice([32, 40, 48, 64, 80, 96])),
        "channels": (3, 1)[(seed // 4 + seed) % 2],
        "high": int(rng.choice([1, 255])),
        "kernel": int(rng.choice([3, 4, 5, 7, 9])),
        "stride": int(rng.choice([1, 1, 2])),
        "padding": str(rng.choice(["same", "valid"])),
        "activation": str(rng.choice(["relu", "relu", "leaky_relu", "relu6", "linear", "elu", "swish"])),
        "norm": str(rng.choice(["none", "full", "uncentred", "unscaled"])),
        "pool": str(rng.choice(["max", "average", "none"])),
        "head": ("2 softmax", "4 softmax", "1 sigmoid")[seed % 3],
    }
    found = Variety(**{**drawn, **given})
    # What is pooled behind linear edges is next to nothing.
    return (
        replace(found, activation="relu")
        if found.activation == "linear" and found.trunk == "places"
        else found
    )


def varied_network(seed: int, **given: Any) -> tuple[Any, list[Planted], Variety]:
    """Return a Keras model, the truth about its units, and its traits.

    Args:
        seed: Draws everything.
        given: Traits to fix (see `Variety`).
    """
    import keras

    traits = variety_of(seed, **given)
    builder = _Builder(np.random.default_rng([19, seed]), traits)
    picture = keras.Input((traits.size, traits.size, traits.channels), name="picture")
    vector, units = getattr(builder, f"{traits.trunk}_trunk")(picture)
    answer = builder.head(vector, units)
    return keras.Model(picture, answer, name=f"varied_{seed}"), builder.rows, traits


class _Builder(Units):
    # Trunks: the picture's tensor -> the vector that the head takes, and the units in it.

    def maps_trunk(self, picture: Any) -> tuple[Any, list[Sketch]]:
        from keras import layers

        maps, units, white = self.first(picture)
        kind = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}.get(self.traits.pool)
        pooled = kind(2)(maps) if kind and maps.shape[1] >= 24 else maps
        second = self.shuffled(self.combinations(units, white, 3))
        out = self.convolution(pooled, second, "second", 1.0, "relu", stride=1, padding="same")
        whole = self.shuffled(self.of_the_whole(units, white))
        vector = self.dense(layers.GlobalAveragePooling2D()(maps), whole, "global", "relu")
        both = layers.Concatenate()([layers.GlobalAveragePooling2D()(out), vector])
        return both, [*second, *whole]

    def separable_trunk(self, picture: Any) -> tuple[Any, list[Sketch]]:
        from keras import layers

        maps, units, white = self.first(picture)
        n = len(units) + white
        depth = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")
        maps = depth(maps)
        bell = np.outer([1, 2, 1], [1, 2, 1]) / 16
        depth.set_weights([np.repeat(bell[:, :, None, None], n, axis=2).astype(np.float32)])
        points = self.shuffled(self.combinations(units, white, 1))
        out = self.convolution(maps, points, "pointwise", 1.0, "relu", stride=1, padding="same")
        return layers.GlobalAveragePooling2D()(out), points

    def places_trunk(self, picture: Any) -> tuple[Any, list[Sketch]]:
        from keras import layers

        maps, units, _ = self.first(picture)
        pooled = (
            layers.MaxPooling2D(2)(maps) if self.traits.pool == "max" else layers.AveragePooling2D(2)(maps)
        )
        places = self.shuffled(self.on_maps(units, tuple(pooled.shape[1:])))
        return self.dense(layers.Flatten()(pooled), places, "places", "relu"), places

    def flat_trunk(self, picture: Any) -> tuple[Any, list[Sketch]]:
        from keras import layers

        t = self.traits
        templates = self.shuffled(self.templates())
        vector = self.dense(layers.Flatten()(picture), templates, "templates", t.activation, 1 / t.high)
        mixed = self.shuffled(self.mixtures(templates))
        return self.dense(vector, mixed, "mixed", "relu"), mixed

    # Layers

    def first(self, picture: Any) -> tuple[Any, list[Sketch], int]:
        """Return the first convolution's answers with the white channels behind them, its units, how many."""
        from keras import layers

        t = self.traits
        units = self.shuffled(self.kernels())
        maps = self.convolution(picture, units, "first", 1 / t.high, t.activation, t.stride, t.padding)
        white = layers.Conv2D(WHITES, t.kernel, t.stride, t.padding, use_bias=False, name="white")
        beside = layers.Activation(t.activation)(white(picture))
        kernels = []
        for _ in range(WHITES):
            axis = self.rng.normal(size=t.channels) if t.channels > 1 else np.ones(1)
            small = np.fft.rfft2(self.rng.normal(size=(3, 3)))
            whole = np.zeros((t.kernel, t.kernel))
            whole[:3, :3] = np.fft.irfft2(small / np.abs(small), s=(3, 3))
            whole[:3, :3] -= whole[:3, :3].mean()
            kernels.append(p.scaled(whole[:, :, None] * axis))
        white.set_weights([(np.stack(kernels, axis=-1) / t.high).astype(np.float32)])
        return layers.Concatenate()([maps, beside]), units, WHITES

    def convolution(self, tensor: Any, units: list[Sketch], name: str, scale: float, activation: str,
                    stride: int, padding: str) -> Any:  # fmt: skip
        """Return rectified maps of these units, whose truth is noted."""
        from keras import layers

        rng, norm = self.rng, self.traits.norm
        kernel = np.stack([u.weights for u in units], axis=-1)
        bias, n = np.array([u.bias for u in units]), len(units)
        conv = layers.Conv2D(
            n, kernel.shape[0], strides=stride, padding=padding, name=name, use_bias=norm == "none"
        )
        maps = conv(tensor)
        self.rows += rows_of(name, units)
        if norm == "none":
            conv.set_weights([(kernel * scale).astype(np.float32), bias.astype(np.float32)])
            return layers.Activation(activation)(maps)
        still = np.array([u.dead.startswith("gamma") for u in units])
        centre, scaling = norm != "uncentred", norm != "unscaled"
        batch = layers.BatchNormalization(center=centre, scale=scaling, epsilon=1e-3)
        maps = layers.Activation(activation)(batch(maps))
        variance = rng.uniform(0.2, 3, n)
        gamma = rng.uniform(0.3, 2, n) * rng.choice([1, 1, -1], n) if scaling else np.ones(n)
        factor = gamma / np.sqrt(variance + 1e-3)
        mean = rng.normal(size=n) if centre else -bias / factor
        beta = np.where(still, bias, bias + mean * factor)
        gamma = np.where(still, 0, gamma)
        conv.set_weights([(kernel * scale / factor).astype(np.float32)])
        numbers = [gamma] * scaling + [beta] * centre + [mean, variance]
        batch.set_weights([m.astype(np.float32) for m in numbers])
        return maps

    def dense(self, tensor: Any, units: list[Sketch], name: str, activation: str, scale: float = 1.0) -> Any:
        from keras import layers

        layer = layers.Dense(len(units), activation=activation, name=name)
        answer = layer(tensor)
        kernel = np.stack([u.weights.ravel() for u in units], axis=-1)
        bias = np.array([u.bias for u in units], np.float32)
        layer.set_weights([(kernel * scale).astype(np.float32), bias])
        self.rows += rows_of(name, units)
        return answer

    def head(self, vector: Any, units: list[Sketch]) -> Any:
        """Return the output: each logit wants one structured unit; all others are heard a little."""
        n, activation = self.traits.head.split()
        n = int(n)
        skipped = ("copy", "one dose")
        chosen = [
            k for k, u in enumerate(units) if u.verdicts == S and not u.unused and u.kind not in skipped
        ]
        logits = []
        for k in range(n):
            weights = np.array([0.0 if u.unused else 1e-4 / u.gain for u in units])
            for i, at in enumerate(chosen):
                amount = 1.0 if i == k % len(chosen) else self.rng.uniform(-0.5, 0.1)
                weights[at] += amount / units[at].gain
            logits.append(Sketch("logit", S, weights, 0.0))
        answer = self.dense(vector, logits, "head", activation)
        if self.traits.head == "2 softmax":
            self.rows[-2:] = [replace(r, complement_of=1 - r.unit) for r in self.rows[-2:]]
        return answer
