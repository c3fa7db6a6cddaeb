"""Planted networks of mostly noise, and of units with two, three and four facets, of other constructions.

    picture -> first -> sums                     two convolutions; sums also see many rectified projections
    picture -> templates                         dense: noise of many distributions, patterns at places
    first -> mean over places -> race -> facets  dense: one edge against one, or against three others

`network` and `varied` plant a few noise units in each network. These plant many, at sizes, kernels and
distributions that those never have, so that how often noise is called structured can be counted. How
verdicts are judged is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planted import patterns as p
from planted.network import FLAT, MANY, STATIC, S, bank, projection, shuffled
from planted.truth import Planted, Sketch, rows_of

DISTRIBUTIONS = ("normal", "uniform", "signs", "sparse", "laplace", "triangular")
MANY_KERNELS = 24


@dataclass(frozen=True)
class Noisy:
    """What differs between noisy networks.

    Attributes:
        size, channels, high: Of the input: side, 1 or 3, and its largest value.
        kernel: Side of the first convolution's kernels.
        second: Side of the second convolution's.
        projection: Side of the kernels that static sums are made of.
        activation: Of the first convolution and of the templates.
        padding: Of the first convolution.
    """

    size: int
    channels: int
    high: int
    kernel: int
    second: int
    projection: int
    activation: str
    padding: str

    @property
    def input_range(self) -> str:
        """As the option of that name takes it."""
        return f"0,{self.high}"


def noise_of(seed: int, **given: Any) -> Noisy:
    """Return the traits of a seed, those given aside."""
    rng = np.random.default_rng([23, seed])
    drawn = {
        "size": int(rng.choice([36, 44, 52, 60, 68, 76, 84])),
        "channels": (3, 1)[seed % 2],
        "high": int(rng.choice([1, 255])),
        "kernel": (5, 6, 7, 8, 9, 11)[seed % 6],
        "second": int(rng.choice([1, 3, 5])),
        "projection": int(rng.choice([3, 4, 5])),
        "activation": str(rng.choice(["relu", "relu", "leaky_relu", "elu"])),
        "padding": str(rng.choice(["same", "valid"])),
    }
    return Noisy(**{**drawn, **given})


def noisy_network(seed: int, **given: Any) -> tuple[Any, list[Planted], Noisy]:
    """Return a Keras model, the truth about its units, and its traits.

    Args:
        seed: Draws everything.
        given: Traits to fix (see `Noisy`).
    """
    import keras
    from keras import layers

    traits = noise_of(seed, **given)
    rng = np.random.default_rng([29, seed])
    picture = keras.Input((traits.size, traits.size, traits.channels), name="picture")
    rows: list[Planted] = []

    def put(layer: Any, tensor: Any, units: list[Sketch], scale: float = 1.0) -> Any:
        found = layer(tensor)
        shape = layer.get_weights()[0].shape
        kernel = np.stack([u.weights for u in units], axis=-1).reshape(shape)
        layer.set_weights(
            [(kernel * scale).astype(np.float32), np.array([u.bias for u in units], np.float32)]
        )
        rows.extend(rows_of(layer.name, units))
        return found

    def dense(tensor: Any, units: list[Sketch], name: str, activation: str | None, scale: float = 1.0) -> Any:
        return put(layers.Dense(len(units), activation=activation, name=name), tensor, units, scale)

    first = shuffled(rng, _kernels(rng, traits))
    name, act = "first", traits.activation
    conv = layers.Conv2D(len(first), traits.kernel, padding=traits.padding, activation=act, name=name)
    maps = put(conv, picture, first, 1 / traits.high)
    side = traits.projection
    many = layers.Conv2D(MANY_KERNELS, side, padding="same", activation="relu", name="many", use_bias=False)
    rectified = many(picture)
    kernels = np.stack([projection(rng, traits.channels, side) for _ in range(MANY_KERNELS)], axis=-1)
    many.set_weights([(kernels / traits.high).astype(np.float32)])
    lost = traits.kernel - 1 if traits.padding == "valid" else 0
    if lost:
        rectified = layers.Cropping2D(((lost // 2, lost - lost // 2),) * 2)(rectified)
    sums = shuffled(rng, _sums(rng, traits, first))
    both = layers.Concatenate()([maps, rectified])
    name = "sums"
    conv = layers.Conv2D(len(sums), traits.second, padding="same", activation="relu", name=name)
    seconds = put(conv, both, sums)
    templates = shuffled(rng, _templates(rng, traits))
    flat = layers.Flatten()(picture)
    vector = dense(flat, templates, "templates", traits.activation, 1 / traits.high)
    race = shuffled(rng, _race(first))
    raced = dense(layers.GlobalAveragePooling2D()(maps), race, "race", "leaky_relu")
    facets = shuffled(rng, _facets(race))
    faceted = dense(raced, facets, "facets", "relu")
    rows = _whole_truth(rows, traits, {"first": [sums, race], "race": [facets]})
    everything = layers.Concatenate()([faceted, vector, layers.GlobalAveragePooling2D()(seconds)])
    weights = rng.normal(size=(everything.shape[-1], 2)) / everything.shape[-1]
    head = layers.Dense(2, activation="softmax", name="head", use_bias=False)
    answer = head(everything)
    head.set_weights([weights.astype(np.float32)])
    return keras.Model(picture, answer, name=f"noisy_{seed}"), rows, traits


def _whole_truth(rows: list[Planted], traits: Noisy, readers: dict[str, list[list[Sketch]]]) -> list[Planted]:
    """Return the rows, those that nothing reads marked, and without those whose truth is not known.

    Args:
        rows: Of all layers.
        traits: Of the network.
        readers: The units that read a layer, by its name.
    """
    used = {
        name: sum(
            np.abs(u.weights).reshape(-1, u.weights.shape[-1])[:, : _n_of(rows, name)].sum(axis=0)
            for units in consumers
            for u in units
        )
        for name, consumers in readers.items()
    }
    marked = [
        replace(r, superfluous=True) if r.layer in used and not used[r.layer][r.unit] else r for r in rows
    ]
    # The mean of what bends only a little is that of its kernel: edges then exclude nothing.
    return [r for r in marked if traits.activation == "relu" or r.layer not in ("race", "facets")]


def _n_of(rows: list[Planted], layer: str) -> int:
    return sum(r.layer == layer for r in rows)


def _axis(rng: Any, channels: int) -> np.ndarray:
    """Return grey, a colour, one channel alone, or any direction."""
    if channels == 1:
        return np.ones(1)
    how = rng.integers(4)
    axes = [p.grey_axis(3), p.colour_axis(rng, 3), np.eye(3)[rng.integers(3)], rng.normal(size=3)]
    return np.asarray(axes[how])


def _kernels(rng: Any, traits: Noisy) -> list[Sketch]:
    k, c = traits.kernel, traits.channels
    found = [
        Sketch("edge", S, x, -0.01, like=f"bank{i}", name=f"bank{i}")
        for i, x in enumerate(bank(rng, k, p.grey_axis(c)))
    ]
    for _ in range(3):
        period, degrees, phase = rng.uniform(3, 1.2 * k), rng.uniform(0, 180), rng.uniform(0, 6.28)
        found.append(Sketch("edge", S, p.edge(k, period, degrees, phase, _axis(rng, c)), -0.02))
    found.append(
        Sketch("bar", S, p.bar(k, rng.uniform(1.2, k / 3), rng.uniform(0, 180), _axis(rng, c)), -0.02)
    )
    found += [
        Sketch("white", STATIC, p.white(rng, k, _axis(rng, c)), -rng.uniform(0, 0.03)) for _ in range(6)
    ]
    if c == 3:
        for _ in range(3):
            channels = [p.white(rng, k, axis) for axis in np.eye(3)]
            found.append(Sketch("white of colours", STATIC, p.scaled(sum(channels)), -0.02))
    for sign in (1, -1):
        side = int(rng.choice([n for n in (3, 5) if n <= k]))
        kernel = sign * p.pixel_minus_surround(k | 1, side, _axis(rng, c))[:k, :k]
        found.append(Sketch("pepper", STATIC, kernel, -0.03))
    found.append(Sketch("bright", FLAT, p.plain(rng, k, p.grey_axis(c)), 0.0, name="bright"))
    return found


def _sums(rng: Any, traits: Noisy, first: list[Sketch]) -> list[Sketch]:
    """Return units over the first's edges, and sums of rectified projections."""
    k, n = traits.second, len(first) + MANY_KERNELS
    at = {u.name: i for i, u in enumerate(first) if u.name}

    def over(**amounts: float) -> np.ndarray:
        weights = np.zeros((k, k, n))
        for name, amount in amounts.items():
            weights[:, :, at[name]] = amount / first[at[name]].gain / k**2
        return weights

    a, b, c, d = (f"bank{i}" for i in rng.permutation(4))
    found = [
        Sketch("texture", S, over(**{a: 1.0, b: -0.6, c: -0.6, d: -0.6}), -0.005),
        Sketch("texture", S, over(**{b: 1.0, a: -0.6, d: -0.6}), -0.005),
        Sketch("texture", S, over(**{c: 1.0, a: -0.5, d: -0.5}), -0.005),
        Sketch("bright", FLAT, over(bright=1.0), 0.0),
    ]
    for count in (8, 12, 16, 24):
        weights = np.zeros((k, k, n))
        chosen = len(first) + rng.permutation(MANY_KERNELS)[:count]
        weights[k // 2, k // 2, chosen] = rng.uniform(0.7, 1.3, count) / count
        found.append(Sketch("projections", STATIC, weights, -0.001))
    return found


def _noise(rng: Any, size: int, channels: int, how: str) -> np.ndarray:
    shape = (size, size, channels)
    values = {
        "normal": lambda: rng.normal(size=shape),
        "uniform": lambda: rng.uniform(-1, 1, shape),
        "signs": lambda: rng.choice([-1.0, 1.0], shape),
        "sparse": lambda: rng.normal(size=shape) * (rng.random(shape) < 0.3),
        "laplace": lambda: rng.laplace(size=shape),
        "triangular": lambda: rng.triangular(-1, 0, 1, shape),
    }[how]()
    return p.scaled(values - values.mean(axis=(0, 1)))


def _templates(rng: Any, traits: Noisy) -> list[Sketch]:
    size, c = traits.size, traits.channels
    found = []
    for how in DISTRIBUTIONS:
        found.append(Sketch(f"noise, {how}", STATIC, _noise(rng, size, c, how), 0.0))
        grey = _noise(rng, size, 1, how) * _axis(rng, c)
        found.append(Sketch(f"noise, {how}, one colour", STATIC, p.scaled(grey), 0.0))
    found += [Sketch("place", S, p.place(rng, size, _axis(rng, c)), 0.0) for _ in range(4)]
    found.append(Sketch("broad place", S, p.place(rng, size, _axis(rng, c), low=True), 0.0))
    found += [Sketch("shape", S, p.shape(rng, size, _axis(rng, c)), 0.0) for _ in range(3)]
    found.append(Sketch("bright", FLAT, p.plain(rng, size, p.grey_axis(c)), 0.0))
    return found


def _race(first: list[Sketch]) -> list[Sketch]:
    """Return units that want one edge of the bank more than another, or than the mean of some others."""
    at = {u.name: i for i, u in enumerate(first) if u.name}
    found = []
    for i in range(4):
        for others in ((i + 2) % 4, (i + 1) % 4), ((i + 2) % 4,), tuple(j for j in range(4) if j != i):
            weights = np.zeros(len(first))
            weights[at[f"bank{i}"]] = 10 / first[at[f"bank{i}"]].gain
            for j in others:
                weights[at[f"bank{j}"]] = -10 / len(others) / first[at[f"bank{j}"]].gain
            named = f"race{i}-" + "".join(map(str, sorted(others)))
            found.append(Sketch("race", S, weights, 0.0, name=named))
    return found


def _facets(race: list[Sketch]) -> list[Sketch]:
    """Return units that want one of two, three or four edges, each in the absence of the others."""
    found = []
    alone = [f"race{i}-" + "".join(str(j) for j in range(4) if j != i) for i in range(4)]
    pairs = [[f"race{i}-{(i + 2) % 4}", f"race{(i + 2) % 4}-{i}"] for i in range(2)]
    triples = [[alone[j] for j in range(4) if j != i] for i in range(4)]
    for group in [*pairs, *triples, alone, [alone[0]], [alone[1]]]:
        n = len(group)
        weights = np.array([unit.name in group for unit in race]) / np.array([unit.gain for unit in race])
        verdicts = S if n == 1 else ("multifaceted",) if n == 2 else MANY
        found.append(Sketch("facets" if n > 1 else "one facet", verdicts, weights, 0.0,
                            facets=n if n > 1 else None))  # fmt: skip
    return found
