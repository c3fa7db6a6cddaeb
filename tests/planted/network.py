"""Networks with planted units: every weight set by hand or drawn from a seed, and the truth beside it.

    picture -> edges -> [pool] -> parts          first and second convolution
    picture -> white (no truth) ---^             rectified projections that static units sum
    picture -> templates                         dense, at places
    edges -> race -> facets -> head              dense, after the mean over places

What honest truth is: a random kernel is no static unit, since its optimum is the grating at the peak
of its spectrum; static are kernels without a favourite frequency. A unit of a map with several patterns
draws them side by side; units of several facets therefore stand behind the mean over places, where
patterns exclude each other. How verdicts are judged is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from planted import patterns as p
from planted.truth import Planted, Sketch, rows_of

S, STATIC, FLAT, DEAD = ("structured",), ("static",), ("flat",), ("dead",)
SEVERAL, MANY = ("multifaceted",), ("multifaceted", "unstable")
BANK = 4
PAIRS = [(0, 2), (1, 3), (0, 1), (2, 3)]
"""Edges of the bank that race against each other."""


@dataclass(frozen=True)
class Traits:
    """What differs between planted networks.

    Attributes:
        size: Side of the input in pixels.
        channels: 1 or 3.
        kernel: Side of the first convolution's kernels.
        second: Side of the second convolution's.
        pool: By how much maps are pooled between the two.
        batch_norm: Whether both have a BatchNormalization with moments of its own.
        high: Largest value of the input, 1 or 255.
        rescaling: Whether a layer of the network brings the input to 0..1, where `high` is 255.
    """

    size: int
    channels: int
    kernel: int
    second: int
    pool: int
    batch_norm: bool
    high: int
    rescaling: bool

    @property
    def input_range(self) -> str:
        """As the option of that name takes it; empty where the network says it itself."""
        return f"0,{self.high}" if not (self.high == 255 and self.rescaling) else ""


def traits_of(seed: int, **given: Any) -> Traits:
    """Return the traits of a seed, those given aside; consecutive seeds go through sizes and kernels."""
    rng = np.random.default_rng([7, seed])
    drawn = {
        "size": (48, 64, 32, 56, 96, 40)[seed % 6],
        "channels": (3, 1)[(seed + seed // 6) % 2],
        "kernel": (5, 7, 3, 9)[(seed + seed // 4) % 4],
        "second": int(rng.choice([3, 5])),
        "pool": int(rng.choice([1, 2])),
        "batch_norm": bool(seed // 2 % 2),
        "high": (1, 255, 255)[seed % 3],
        "rescaling": bool(rng.random() < 0.5),
    }
    return Traits(**{**drawn, **given})


def planted_network(seed: int, **given: Any) -> tuple[Any, list[Planted], Traits]:
    """Return a Keras model, the truth about its units, and its traits.

    Args:
        seed: Draws everything.
        given: Traits to fix (see `Traits`).
    """
    import keras

    traits = traits_of(seed, **given)
    rng = np.random.default_rng([11, seed])
    layers = keras.layers
    picture = keras.Input((traits.size, traits.size, traits.channels), name="picture")
    scale = 1.0 / traits.high
    shown = picture
    if traits.input_range == "":
        shown, scale = layers.Rescaling(scale)(picture), 1.0
    edges, first = _edges(rng, traits)
    maps = _convolution(rng, shown, edges, "edges", scale, traits.batch_norm)
    many = 24
    projections = layers.Conv2D(many, 3, padding="same", activation="relu", name="white", use_bias=False)
    beside = projections(shown)
    kernels = np.stack([projection(rng, traits.channels) for _ in range(many)], axis=-1)
    projections.set_weights([(kernels * scale).astype(np.float32)])
    both = layers.Concatenate()([maps, beside])
    pooled = layers.AveragePooling2D(traits.pool)(both) if traits.pool > 1 else both
    parts = _parts(rng, traits, edges, first, many)
    seconds = _convolution(rng, pooled, parts, "parts", 1.0, traits.batch_norm)
    templates = shuffled(rng, _templates(rng, traits))
    vector = _dense(layers.Flatten()(shown), templates, "templates", "relu", scale)
    race = shuffled(rng, _race(edges, first))
    raced = _dense(layers.GlobalAveragePooling2D()(maps), race, "race", "leaky_relu")
    facets = shuffled(rng, _facets(rng, race))
    faceted = _dense(raced, facets, "facets", "relu")
    everything = layers.Concatenate()([raced, faceted, vector, layers.GlobalAveragePooling2D()(seconds)])
    units = [*race, *facets, *templates, *parts]
    head = _head(units, race)
    answer = _dense(everything, head, "head", "softmax")
    rows = [
        row
        for name, sketches in (
            ("edges", edges), ("parts", parts), ("templates", templates), ("race", race), ("facets", facets),
        )
        for row in rows_of(name, sketches)
    ]  # fmt: skip
    rows += [Planted("head", k, "logit", S, complement_of=1 - k) for k in (0, 1)]
    return keras.Model(picture, answer, name=f"planted_{seed}"), rows, traits


def _gain(rng: Any) -> float:
    return float(10 ** rng.uniform(-2, 2))


def shuffled(rng: Any, units: list[Sketch]) -> list[Sketch]:
    """Return units in a random order, each multiplied by a gain of its own."""
    order = rng.permutation(len(units))
    for unit in units:
        gain = _gain(rng)
        unit.weights, unit.bias, unit.gain = unit.weights * gain, unit.bias * gain, gain
    return [units[i] for i in order]


def projection(rng: Any, channels: int, side: int = 3) -> np.ndarray:
    """Return a kernel `(side, side, channels)` of random phases, all frequencies but zero equally strong."""
    axis = rng.normal(size=channels) if channels > 1 else np.ones(1)
    waves = np.fft.rfft2(rng.normal(size=(side, side)))
    kernel = np.fft.irfft2(waves / np.abs(waves), s=(side, side))
    return p.scaled((kernel - kernel.mean())[:, :, None] * axis)


def _axis(rng: Any, traits: Traits) -> np.ndarray:
    if traits.channels == 1 or rng.random() < 0.5:
        return p.grey_axis(traits.channels)
    return p.colour_axis(rng, traits.channels)


def _edges(rng: Any, traits: Traits) -> tuple[list[Sketch], dict[str, int]]:
    """Return the first convolution's units and where the named ones stand."""
    k, grey = traits.kernel, p.grey_axis(traits.channels)
    found = [
        Sketch("edge", S, kernel, -0.01, like=f"bank{i}", name=f"bank{i}")
        for i, kernel in enumerate(bank(rng, k, grey))
    ]
    for i in range(5):
        kernel = _other_edge(rng, traits, [unit.weights for unit in found])
        kind = "edge" if np.allclose(kernel.std(axis=2), 0) else "colour edge"
        found.append(Sketch(kind, S, kernel, -rng.uniform(0, 0.1), like=f"edge{i}"))
    hard = _other_edge(rng, traits, [unit.weights for unit in found])
    found.append(Sketch("hard edge", S, hard, -rng.uniform(0.5, 0.7)))
    found += _peppers(rng, traits)
    if k >= 5:
        found.append(Sketch("white", STATIC, p.white(rng, k, grey), -0.02))
    found.append(Sketch("bright", FLAT, p.plain(rng, k, grey), 0.0, name="bright"))
    found.append(Sketch("dark", FLAT, -p.plain(rng, k, grey), 2.1))
    if traits.channels == 3:
        colour = -0.4 * np.ones(3)
        colour[rng.integers(3)] = 1.0
        found.append(Sketch("tinted", FLAT, p.plain(rng, k, colour), 0.1))
    found += _dead(rng, p.edge(k, 4, rng.uniform(0, 180), 0, grey))
    mate, other = found[int(rng.integers(0, 4))], found[int(rng.integers(4, 9))]
    found.append(Sketch("copy", S, mate.weights, mate.bias, like=mate.like, name="copy"))
    found.append(Sketch("copy", S, other.weights, other.bias, like=other.like))
    mirrored = found[int(rng.integers(4, 9))]
    if mirrored is not other:
        found.append(Sketch("mirror", S, -mirrored.weights, mirrored.bias, against=mirrored.like))
    units = shuffled(rng, found)
    named = {unit.name: at for at, unit in enumerate(units) if unit.name}
    named["copied"] = int(mate.name.removeprefix("bank"))
    return units, named


def bank(rng: Any, k: int, grey: np.ndarray) -> list[np.ndarray]:
    """Return four edges that are one turned and mirrored; the first and third, second and fourth are square.

    Being exact images of each other, no start prefers one of them but by chance.
    """
    while True:
        edge = p.edge(
            k, rng.uniform(2.8, min(7, 1.2 * k)), rng.uniform(16, 29), rng.uniform(0, 2 * np.pi), grey
        )
        mirrored = edge[:, ::-1]
        four = [edge, mirrored, np.rot90(edge), np.rot90(mirrored)]
        flat = np.stack([x.ravel() / np.linalg.norm(x) for x in four])
        if np.abs(flat @ flat.T - np.eye(BANK)).max() < 0.7:
            return four


def _other_edge(rng: Any, traits: Traits, known: list[np.ndarray]) -> np.ndarray:
    """Return an edge unlike those known: of 3 by 3 weights without a mean there are not many."""
    while True:
        kernel = p.edge(
            traits.kernel, rng.uniform(2.6, 1.3 * traits.kernel), rng.uniform(0, 180), rng.uniform(0, 6.28),
            _axis(rng, traits),
        )  # fmt: skip
        cosines = [(kernel * x).sum() / np.sqrt((kernel**2).sum() * (x**2).sum()) for x in known]
        if np.abs(cosines).max() < 0.9:
            return kernel


def _peppers(rng: Any, traits: Traits) -> list[Sketch]:
    """Return kernels of single pixels, bright and dark; those that happen to be the same are said to be."""
    found = []
    for sign in (1, -1, 1):
        side = int(rng.choice([n for n in (3, 5, 7) if n <= traits.kernel]))
        axis = _axis(rng, traits)
        kernel = sign * p.pixel_minus_surround(traits.kernel, side, axis)
        name, opposite = (f"pepper {side} {(s * axis).round(2)}" for s in (sign, -sign))
        found.append(Sketch("pepper", STATIC, kernel, -0.03, like=name, against=opposite))
    return found


def _dead(rng: Any, weights: np.ndarray) -> list[Sketch]:
    return [
        Sketch("dead", DEAD, weights, -rng.uniform(3, 50), dead="bias"),
        Sketch("dead", DEAD, 0 * weights, -rng.uniform(0, 1), dead="zero weights"),
        Sketch("constant", DEAD, 0 * weights, rng.uniform(0.2, 2), dead="constant"),
    ]


def _parts(rng: Any, traits: Traits, edges: list[Sketch], first: dict[str, int], many: int) -> list[Sketch]:
    """Return the second convolution's units: combinations of the bank's edges, sums of projections."""
    k = traits.second

    def from_edges(**amounts: np.ndarray) -> np.ndarray:
        """Weights on named edges, their gains undone; each `(k, k)`."""
        weights = np.zeros((k, k, len(edges) + many))
        for name, amount in amounts.items():
            at = first[name]
            weights[:, :, at] = amount / edges[at].gain
        return weights / k

    full = np.ones((k, k)) / k
    left = np.where(np.arange(k) < k / 2, 1.0, 0.0)[None, :] * full
    low = np.where(np.arange(k) > (k - 1) / 2, 1.0, 0.0)[:, None] * full
    i, j = (int(x) for x in rng.permutation(2))
    a, b, c, d = f"bank{i}", f"bank{i + 2}", f"bank{j}", f"bank{j + 2}"
    cross = {c: -0.5 * full, d: -0.5 * full} if i != j else {}
    corner = from_edges(**{a: left - (full - left), b: low - (full - low)})
    texture = from_edges(**{c: full, a: -0.7 * full, b: -0.7 * full, d: -0.7 * full})
    plaid = from_edges(**{a: full, b: full, **cross})
    found = [
        Sketch("plaid", S, plaid, -0.01, like="plaid"),
        Sketch("corner", S, corner, -0.01, like="corner"),
        Sketch("texture", S, texture, -0.01, like="texture"),
        Sketch("texture", S, from_edges(**{d: full, a: -0.7 * full, b: -0.7 * full}), -0.01),
        Sketch("hard plaid", S, from_edges(**{c: full, d: full}), -0.05),
        Sketch("bright", FLAT, from_edges(bright=full), 0.0),
    ]
    for chosen in np.split(rng.permutation(many), 3):
        weights = np.zeros((k, k, len(edges) + many))
        weights[k // 2, k // 2, len(edges) + chosen] = rng.uniform(0.7, 1.3, len(chosen)) / many
        found.append(Sketch("projections", STATIC, weights, -0.001))
    negative = np.zeros((k, k, len(edges) + many))
    negative[:, :, len(edges) :] = -rng.uniform(0.2, 1, (k, k, many)) / many
    found.append(Sketch("dead", DEAD, negative, -0.1, dead="negative weights"))
    found += _dead(rng, plaid)[1:]
    found.append(Sketch("copy", S, plaid, -0.01, like="plaid"))
    if first["copied"] == j:
        swapped = texture.copy()
        swapped[:, :, first["copy"]] = (
            texture[:, :, first[c]] * edges[first[c]].gain / edges[first["copy"]].gain
        )
        swapped[:, :, first[c]] = 0
        found.append(Sketch("functional copy", S, swapped, -0.01, like="texture"))
    lonely = from_edges(**{a: full, c: -0.7 * full, d: -0.7 * full})
    found.append(Sketch("unused", S, lonely, -0.01, unused=True))
    return shuffled(rng, found)


def _templates(rng: Any, traits: Traits) -> list[Sketch]:
    size = traits.size
    found = []
    for i in range(3):
        found.append(Sketch("place", S, p.place(rng, size, _axis(rng, traits)), 0.0, like=f"place{i}"))
    found.append(Sketch("broad place", S, p.place(rng, size, _axis(rng, traits), low=True), 0.0))
    found += [Sketch("noise", STATIC, p.noise(rng, size, traits.channels), 0.0) for _ in range(4)]
    found.append(Sketch("bright", FLAT, p.plain(rng, size, p.grey_axis(traits.channels)), 0.0))
    found.append(Sketch("copy", S, found[0].weights, 0.0, like="place0"))
    found.append(Sketch("mirror", S, -found[1].weights, 0.0))
    found += _dead(rng, found[2].weights)
    return found


def _race(edges: list[Sketch], first: dict[str, int]) -> list[Sketch]:
    """Return units that want one edge of the bank and not another."""
    found = []
    for i, j in PAIRS + [(j, i) for i, j in PAIRS]:
        weights = np.array([1e-4 / unit.gain for unit in edges])  # so that none is unused
        for sign, bank in ((10, i), (-10, j)):
            at = first[f"bank{bank}"]
            weights[at] = sign / edges[at].gain
        found.append(Sketch("race", S, weights, 0.0, name=f"race{i}{j}"))
    return found


def _facets(rng: Any, race: list[Sketch]) -> list[Sketch]:
    """Return units that want this edge or that one: sums of units that exclude each other."""
    found = []
    groups = [[(i, j), (j, i)] for i, j in PAIRS] + [[(0, 2), (2, 0), (1, 3), (3, 1)], [(0, 2)], [(3, 1)]]
    for group in groups:
        wanted = {f"race{i}{j}" for i, j in group}
        weights = np.array([unit.name in wanted for unit in race]) / np.array([unit.gain for unit in race])
        n = len(group)
        verdicts = S if n == 1 else SEVERAL if n == 2 else MANY
        kind = "facets" if n > 1 else "one facet"
        found.append(Sketch(kind, verdicts, weights, 0.0, facets=n if n > 1 else None))
    return found


def _head(units: list[Sketch], race: list[Sketch]) -> list[Sketch]:
    """Return two logits that each want another edge; everything is heard a little, but for the unused."""
    whole = np.zeros(len(units))
    for at, unit in enumerate(units):
        if not unit.unused:
            whole[at] = 1e-4 / unit.gain
    one, two = whole.copy(), whole.copy()
    for at, unit in enumerate(race):
        sign = {"race02": 1.0, "race20": -1.0}.get(unit.name, 0.0)
        one[at] += sign / unit.gain
        two[at] -= sign / unit.gain
    return [Sketch("logit", S, one), Sketch("logit", S, two)]


def _convolution(rng: Any, tensor: Any, units: list[Sketch], name: str, scale: float, normed: bool) -> Any:
    """Return the rectified maps of these units; BatchNorm has moments of its own and changes nothing."""
    import keras

    kernel = np.stack([u.weights for u in units], axis=-1)
    bias = np.array([u.bias for u in units])
    conv = keras.layers.Conv2D(len(units), kernel.shape[0], padding="same", name=name, use_bias=not normed)
    maps = conv(tensor)
    if not normed:
        conv.set_weights([(kernel * scale).astype(np.float32), bias.astype(np.float32)])
        return keras.layers.Activation("relu", name=f"{name}_relu")(maps)
    norm = keras.layers.BatchNormalization(epsilon=1e-3)
    maps = keras.layers.Activation("relu", name=f"{name}_relu")(norm(maps))
    gamma = rng.uniform(0.3, 2, len(units)) * rng.choice([1, 1, 1, -1], len(units))
    variance = rng.uniform(0.2, 3, len(units))
    mean = rng.normal(size=len(units))
    factor = gamma / np.sqrt(variance + 1e-3)
    moments = [gamma, bias + mean * factor, mean, variance]
    conv.set_weights([(kernel * scale / factor).astype(np.float32)])
    norm.set_weights([m.astype(np.float32) for m in moments])
    return maps


def _dense(tensor: Any, units: list[Sketch], name: str, activation: str, scale: float = 1.0) -> Any:
    import keras

    layer = keras.layers.Dense(len(units), activation=activation, name=name)
    answer = layer(tensor)
    kernel = np.stack([u.weights.ravel() for u in units], axis=-1)
    layer.set_weights([(kernel * scale).astype(np.float32), np.array([u.bias for u in units], np.float32)])
    return answer
