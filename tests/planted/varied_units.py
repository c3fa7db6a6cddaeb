"""The units of varied networks: kernels, combinations, templates, and many ways to be dead.

What honest truth is: see `network`. Random kernels and random mixtures of edges are open: they may look like
anything, but must not be called dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from planted import patterns as p
from planted.network import DEAD, FLAT, STATIC, S
from planted.truth import Planted, Sketch

OPEN = ("structured", "static", "unstable", "multifaceted", "flat")
FORMS = ("structured", "unstable")
"""A round spot has no direction: its pictures are spots or curves, which differ from run to run."""
RECTIFIED = ("relu", "relu6")
WHITES = 16
DOSES = (0.0, 0.2, 0.35, 0.5, 0.7, 1.0)


@dataclass(frozen=True)
class Variety:
    """What differs between varied networks.

    Attributes:
        trunk: See the module.
        size, channels, high: Of the input: side, 1 or 3, and its largest value.
        kernel, stride, padding: Of the first convolution.
        activation: Of the first layers.
        norm: BatchNormalization: `none`, `full`, `uncentred` (no beta) or `unscaled` (no gamma).
        pool: `max`, `average` or `none`.
        head: Outputs and activation, such as `2 softmax` or `1 sigmoid`.
    """

    trunk: str
    size: int
    channels: int
    high: int
    kernel: int
    stride: int
    padding: str
    activation: str
    norm: str
    pool: str
    head: str

    @property
    def input_range(self) -> str:
        """As the option of that name takes it."""
        return f"0,{self.high}"


class Units:
    """Draws the units of one network.

    Attributes:
        rows: The truth about those that have found their place.
    """

    def __init__(self, rng: np.random.Generator, traits: Variety) -> None:
        self.rng, self.traits = rng, traits
        self.rows: list[Planted] = []
        self.grey = p.grey_axis(traits.channels)
        # Where only every second pixel is the middle of a kernel, even noise is best drawn on a lattice.
        self.static = STATIC if traits.stride == 1 else OPEN

    def shuffled(self, units: list[Sketch]) -> list[Sketch]:
        """Return units in a random order, each multiplied by a gain of its own, and all with names."""
        order = self.rng.permutation(len(units))
        # Where the activation bends, a multiple is no copy.
        bends = self.traits.activation in ("relu6", "elu", "swish")
        gains = {unit.like: float(10 ** self.rng.uniform(-2, 0.5 if bends else 2)) for unit in units}
        for unit in units:
            alone = unit.like is None or not bends
            unit.gain = float(10 ** self.rng.uniform(-2, 0.5 if bends else 2)) if alone else gains[unit.like]
            unit.weights, unit.bias = unit.weights * unit.gain, unit.bias * unit.gain
        return [units[i] for i in order]

    def axis(self) -> np.ndarray:
        """Return grey, a colour against others, or one channel alone."""
        c = self.traits.channels
        if c == 1 or self.rng.random() < 0.4:
            return self.grey
        return p.colour_axis(self.rng, c) if self.rng.random() < 0.7 else np.eye(c)[self.rng.integers(c)]

    def kernels(self) -> list[Sketch]:
        """Return the first convolution's units, none of which resembles another by chance."""
        while True:
            units = self.drawn_kernels()
            flat = np.stack(
                [u.weights.ravel() for u in units if not u.dead and u.kind not in ("copy", "mirror")]
            )
            flat = flat - flat.mean(axis=1, keepdims=True)
            size = np.linalg.norm(flat, axis=1)
            cosines = flat @ flat.T / np.maximum(np.outer(size, size), 1e-9)
            wanted = size > 0.1 * size.max()
            if (cosines - np.eye(len(flat)))[wanted][:, wanted].max() < 0.95:
                return units

    def drawn_kernels(self) -> list[Sketch]:
        """Return the first convolution's units as they are drawn."""
        rng, k, c = self.rng, self.traits.kernel, self.traits.channels
        angle, wide = rng.uniform(0, 45), rng.uniform(2.6, 1.2 * k)
        found = [
            Sketch(
                "edge", S, p.edge(k, wide, angle + 45 * i, 1.6, self.grey), -0.01, like=f"e{i}", name=f"e{i}"
            )
            for i in range(4)
        ]
        found.append(
            Sketch("bar", S, p.bar(k, rng.uniform(1, k / 3), rng.uniform(0, 180), self.axis()), -0.02)
        )
        found.append(Sketch("step", S, p.step(k, rng.uniform(0, 180), self.axis()), -0.02, like="step"))
        period = rng.uniform(3.2, max(3.4, k))
        found.append(Sketch("chequers", S, p.lattice(k, period, rng.uniform(0, 90), self.axis()), -0.02))
        if c == 3:
            colour = p.colour_axis(rng, 3)
            found.append(
                Sketch("colour edge", S, p.edge(k, rng.uniform(3, 1.3 * k), angle, 0.3, colour), -0.02)
            )
            found.append(Sketch("tinted", FLAT, p.plain(rng, k, colour + 0.05), 0.02))
        if k >= 5:
            found.append(Sketch("white", self.static, p.white(rng, k, self.axis()), -0.02))
        if k >= 9:
            found.append(Sketch("spot", FORMS, p.spot(k, k / 6, self.axis()), -0.01))
        for sign in (1, -1):
            side = int(rng.choice([n for n in (3, 5, 7) if n <= k]))
            colour = self.axis()
            kernel = sign * p.pixel_minus_surround(k | 1, side, colour)[:k, :k]
            right = self.static
            found.append(Sketch("pepper", right, kernel, -0.03))
        found += [Sketch("random", OPEN, p.random(rng, k, c), -0.01) for _ in range(3)]
        hard = p.edge(k, wide, rng.uniform(0, 180), 0.8, self.axis())
        found.append(Sketch("hard edge", S, hard, -rng.uniform(0.4, 0.6)))
        found.append(Sketch("bright", FLAT, p.plain(rng, k, self.grey), 0.0, name="bright"))
        found.append(Sketch("dark", FLAT, -p.plain(rng, k, self.grey), 2.1))
        found.append(Sketch("copy", S, found[1].weights, found[1].bias, like="e1"))
        found.append(Sketch("mirror", S, -found[5].weights, found[5].bias, against="step"))
        return found + self.dead(found[4].weights, self.traits.activation, normed=self.traits.norm)

    def dead(self, weights: np.ndarray, activation: str, normed: str = "none") -> list[Sketch]:
        """Return units that never answer, or always the same."""
        rng = self.rng
        found = [Sketch("constant", DEAD, 0 * weights, rng.uniform(0.2, 2), dead="constant")]
        if activation in (*RECTIFIED, "elu", "swish"):
            found.append(Sketch("dead", DEAD, weights, -rng.uniform(6e3, 9e3), dead="bias"))
            found.append(Sketch("dead", DEAD, 0 * weights, -rng.uniform(0.1, 1), dead="zero weights"))
        if activation == "relu6":
            found.append(Sketch("saturated", DEAD, weights, 1e4, dead="saturated"))
        if normed == "full":
            found.append(Sketch("constant", DEAD, weights, 0.4, dead="gamma, constant"))
            if activation in RECTIFIED:
                found.append(Sketch("dead", DEAD, weights, -0.4, dead="gamma"))
        return found

    def combinations(self, units: list[Sketch], white: int, k: int) -> list[Sketch]:
        """Return units over the first's: plaids, corners, textures, sums of projections, and dead ones."""
        rng, n = self.rng, len(units) + white
        at = {u.name: i for i, u in enumerate(units) if u.name}

        def over(**amounts: Any) -> np.ndarray:
            weights = np.zeros((k, k, n))
            for name, amount in amounts.items():
                weights[:, :, at[name]] = np.broadcast_to(amount, (k, k)) / units[at[name]].gain / k**2
            return weights

        a, b, c, d = (f"e{i}" for i in rng.permutation(4))
        left = np.broadcast_to(np.where(np.arange(k) < k / 2, 1.0, -1.0)[None, :], (k, k))
        heard = np.array([1e-4 / k**2 / u.gain for u in units] + [0.0] * white)  # so that none is unused
        plaid = over(**{a: 1.0, b: 1.0, c: -0.7, d: -0.7}) + heard
        texture = over(**{c: 1.0, a: -0.7, b: -0.7, d: -0.7})
        found = [
            Sketch("plaid", S, plaid, -0.005, like="plaid"),
            Sketch("texture", S, texture, -0.005, like="texture"),
            Sketch("texture", S, over(**{d: 1.0, a: -0.5}), -0.005),
            Sketch("all edges", OPEN, over(**{a: 1.0, b: 1.0, c: 1.0, d: 1.0}), -0.005),
            Sketch("bright", FLAT, over(bright=1.0), 0.0),
            Sketch("copy", S, plaid, -0.005, like="plaid"),
            Sketch("unused", S, over(**{b: 1.0, c: -0.6}), -0.005, unused=True),
        ]
        if k > 1:
            found.append(Sketch("border", S, over(**{a: left, b: -left}), -0.005))
        mixture = np.zeros((k, k, n))
        for i in range(4):
            mixture[:, :, at[f"e{i}"]] = rng.normal(size=(k, k)) / units[at[f"e{i}"]].gain / k**2
        found.append(Sketch("random mixture", OPEN, mixture, 0.0))
        dead_ones = [i for i, u in enumerate(units) if u.dead]
        if self.traits.activation in RECTIFIED:
            for chosen in np.split(rng.permutation(white), 2):
                weights = np.zeros((k, k, n))
                weights[k // 2, k // 2, len(units) + chosen] = rng.uniform(0.7, 1.3, len(chosen)) / white
                found.append(Sketch("projections", STATIC, weights, -0.001))
            negative = np.zeros((k, k, n))
            negative[:, :, len(units) :] = -rng.uniform(0.2, 1, (k, k, white))
            found.append(Sketch("dead", DEAD, negative, -0.1, dead="negative weights"))
            below = np.zeros((k, k, n))
            if self.traits.activation == "relu" or k == 1:
                below[:, :, dead_ones] = rng.uniform(0.5, 1, (k, k, len(dead_ones)))
                found.append(Sketch("hears the dead", DEAD, below * (k == 1), 0.1, dead="dead below"))
        return found + self.dead(plaid, "relu", normed=self.traits.norm)[:2]

    def of_the_whole(self, units: list[Sketch], white: int) -> list[Sketch]:
        """Return dense units over the means of the first's maps."""
        rng, n = self.rng, len(units) + white
        at = {u.name: i for i, u in enumerate(units) if u.name}

        def over(**amounts: float) -> np.ndarray:
            weights = np.zeros(n)
            for name, amount in amounts.items():
                weights[at[name]] = amount / units[at[name]].gain
            return weights

        found = [
            Sketch(f"most of e{i}", S, over(**{f"e{j}": 1.0 if i == j else -0.5 for j in range(4)}), 0.0)
            for i in range(3)
        ]
        found.append(Sketch("bright", FLAT, over(bright=1.0), 0.0))
        found.append(Sketch("copy", S, found[0].weights, 0.0, like="whole"))
        found[0].like = "whole"
        if self.traits.activation in RECTIFIED:
            for chosen in np.split(rng.permutation(white), 2):
                weights = np.zeros(n)
                weights[len(units) + chosen] = rng.uniform(0.7, 1.3, len(chosen)) / white
                found.append(Sketch("projections", self.static, weights, 0.0))
        return found + self.dead(found[1].weights, "relu")[:2]

    def on_maps(self, units: list[Sketch], shape: tuple[int, ...]) -> list[Sketch]:
        """Return dense units over pooled maps: edges at places."""
        rng, found = self.rng, []
        h, w, n = shape
        at = {u.name: i for i, u in enumerate(units) if u.name}
        y, x = np.mgrid[:h, :w] / np.array([h - 1, w - 1])[:, None, None]

        def somewhere(name: str) -> np.ndarray:
            weights = np.zeros(shape)
            cy, cx = rng.uniform(0.3, 0.7, 2)
            inside = np.hypot(y - cy, x - cx) < rng.uniform(0.2, 0.35)
            weights[:, :, at[name]] = inside / units[at[name]].gain / inside.sum()
            return weights

        for i in range(4):
            found.append(Sketch("edges at a place", S, somewhere(f"e{i}"), -0.001, like=f"p{i}"))
        found.append(Sketch("two places", S, somewhere("e0") + somewhere("e2"), -0.001))
        found.append(Sketch("copy", S, found[0].weights, -0.001, like="p0"))
        found.append(Sketch("unused", S, somewhere("e1"), -0.001, unused=True))
        everywhere = np.zeros(shape) + np.array([1e-4 / u.gain for u in units] + [0.0] * WHITES) / (h * w)
        everywhere[:, :, at["bright"]] = 1 / units[at["bright"]].gain / (h * w)
        found.append(Sketch("bright", FLAT, everywhere, 0.0))
        random = rng.normal(size=shape)
        found.append(Sketch("random mixture", OPEN, random / (h * w * n), 0.0))
        return found + self.dead(found[1].weights, "relu")

    def templates(self) -> list[Sketch]:
        """Return dense units over the picture."""
        rng, n, c = self.rng, self.traits.size, self.traits.channels
        place = p.place(rng, n, self.axis())
        found = [Sketch("place", S, place, 0.0, like="place", name="place")]
        found += [Sketch("place", S, p.place(rng, n, self.axis()), 0.0, name=f"place{i}") for i in range(2)]
        found.append(Sketch("broad place", S, p.place(rng, n, self.axis(), low=True), 0.0))
        found += [Sketch("shape", S, p.shape(rng, n, self.axis()), 0.0) for _ in range(4)]
        found += [Sketch("noise", STATIC, p.noise(rng, n, c), 0.0, name=f"noise{i}") for i in range(3)]
        signs = np.sign(rng.normal(size=(n, n, 1))) * self.axis()
        found.append(Sketch("noise of signs", STATIC, p.scaled(signs - signs.mean(axis=(0, 1))), 0.0))
        y, x = np.mgrid[:n, :n] / n - 0.5
        patch = p.noise(rng, n, c) * (np.hypot(y, x) < 0.35)[:, :, None]
        found.append(Sketch("noise at a place", STATIC, p.scaled(patch), 0.0))
        found.append(Sketch("bright", FLAT, p.plain(rng, n, self.grey), 0.0))
        found.append(Sketch("bright noise", FLAT, p.scaled(rng.uniform(0.1, 1, (n, n, 1)) * self.grey), 0.0))
        found.append(Sketch("dark", FLAT, -p.plain(rng, n, self.grey), 2.1))
        found.append(Sketch("copy", S, place, 0.0, like="place"))
        found.append(Sketch("mirror", S, -found[1].weights, 0.0))
        other, noise = p.place(rng, n, self.grey), p.noise(rng, n, c)
        for dose in DOSES:
            mixed = np.sqrt(dose) * other / np.linalg.norm(other)
            mixed = mixed + np.sqrt(1 - dose) * noise / np.linalg.norm(noise)
            right = STATIC if dose == 0 else S if dose == 1 else OPEN
            found.append(Sketch("one dose", right, p.scaled(mixed), 0.0, dose=dose))
        dead = self.dead(found[2].weights, self.traits.activation)
        if self.traits.activation in RECTIFIED:
            dead.append(Sketch("dead", DEAD, -rng.uniform(0.1, 1, (n, n, c)), -0.01, dead="negative weights"))
        return found + dead

    def mixtures(self, templates: list[Sketch]) -> list[Sketch]:
        """Return dense units over the templates."""
        at = {u.name: i for i, u in enumerate(templates) if u.name}

        def over(**amounts: float) -> np.ndarray:
            weights = np.zeros(len(templates))
            for name, amount in amounts.items():
                weights[at[name]] = amount / templates[at[name]].gain
            return weights

        both = over(place=1.0, place0=1.0)
        heard = np.array([1e-4 / u.gain for u in templates])  # so that no template is unused
        found = [
            Sketch("two places", S, both + heard, 0.0, like="both"),
            Sketch("one of two", S, over(place1=1.0, place0=-0.5), 0.0),
            Sketch("other of two", S, over(place0=1.0, place=-0.5), 0.0),
            Sketch("one place", S, over(place1=0.3, place=1.0, noise0=0.1), 0.0),
            Sketch("noises", STATIC, over(noise0=1.0, noise1=1.0, noise2=1.0), 0.0),
            Sketch("less noise", STATIC, over(noise0=-1.0), 0.5),
            Sketch("copy", S, both + heard, 0.0, like="both"),
        ]
        return found + self.dead(both, "relu")
