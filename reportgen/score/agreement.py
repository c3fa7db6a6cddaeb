"""Whether a unit's pictures agree: could a picture be matched to its unit?

Pictures are described twice: by texture (what it is made of, wherever it stands) and by layout (what stands
where). A unit recurs if its own pictures are nearer to each other than pictures of other units are, by one
or the other. Pixels are never compared, since the same grating shifted has no pixel in common.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from reportgen.score.spectrum import Floats, frequencies, opponent_axes
from reportgen.units import Telemetry

RADII, ANGLES, LAYOUT_PX = 7, 8, 16
FAILED_SHARE = 0.5
"""A start that gained less than this share of the best start's gain has failed."""


FAR_NEARER = 0.4
"""Share of a unit's largest texture distance up to which two of its pictures are of one kind.

Of four pictures of four planted units it makes two groups by chance in 3 of 100; of two pictures each of two
units it finds the two groups in 94 of 100, a distance of .15 alone in 70.
"""


@dataclass(frozen=True, slots=True)
class Looks:
    """Descriptions of pictures, one a row: `texture` `(n, c * 56 + c)`, `layout` `(n, 256 * c)`."""

    texture: Floats
    layout: Floats

    def __len__(self) -> int:
        return len(self.texture)

    def rows(self, chosen: Sequence[int] | np.ndarray) -> Looks:
        """Return some of the descriptions."""
        index = np.asarray(chosen)
        return Looks(self.texture[index], self.layout[index])


def looks(pictures: Floats, power: Floats) -> Looks:
    """Return descriptions of pictures whose distances can be compared.

    Texture: square roots of the shares of power in 7 rings by 8 directions of each opponent channel, scaled
    so that the distance is Hellinger's, 0..1, followed by the mean colour. Layout: the picture averaged to
    16 by 16. Both are scaled so that sizes and channel counts do not matter.

    Shares of power, not of amplitude: on rendered gratings of 48 px the nearest 5 % of
    different units are then twice as far apart as the farthest 10 % of one unit's pictures; with amplitude,
    where the noise floor weighs more, 1.2 to 1.8 times.

    Args:
        pictures: `(n, h, w, c)` in [0,1].
        power: Their spectra, `(n, c, N, N // 2 + 1)`.
    """
    n, h, w, c = pictures.shape
    amounts = power.reshape(n, c, -1) @ _polar_bins(power.shape[2])
    total = amounts.sum(axis=(1, 2), keepdims=True)
    shares = np.where(total > 0, amounts / np.where(total > 0, total, 1), 0)
    mean = pictures.mean(axis=(1, 2)) / np.float32(np.sqrt(c))
    texture = np.concatenate([np.sqrt(shares / 2).reshape(n, -1), mean], axis=1)
    small = np.einsum("ah,nhwc,bw->nabc", _averages(h), pictures, _averages(w), optimize=True)
    layout = (small @ opponent_axes(c).T).reshape(n, -1) / np.float32(LAYOUT_PX * np.sqrt(c))
    return Looks(texture.astype(np.float32), layout.astype(np.float32))


def together(parts: Sequence[Looks]) -> Looks:
    """Return several sets of descriptions as one."""
    return Looks(np.concatenate([p.texture for p in parts]), np.concatenate([p.layout for p in parts]))


def live_starts(gains: Mapping[int, float | None]) -> list[int]:
    """Return the seeds of live starts: those with at least half of the best one's gain.

    Args:
        gains: Of each seed; None, which is taken as live, where it is not known.

    Returns:
        Seeds; all of them where none gained anything.
    """
    best = max((g for g in gains.values() if g is not None), default=0.0)
    if best <= 0:
        return list(gains)
    return [s for s, g in gains.items() if g is None or g >= FAILED_SHARE * best]


def gain(run: Telemetry) -> float | None:
    """Return how far a run raised its objective.

    None where it was rescued, because its start was raised before it was noted; minus infinity for a run
    that ended in something other than a number.
    """
    found = run.activation_end - run.activation_start
    if not np.isfinite(found):
        return float("-inf")
    return None if run.rescue else found


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a unit's pictures agree.

    Attributes:
        closer_share: Mean over pairs of the share of other units' pictures that are closer than the pair is,
            by texture or by layout, whichever is smaller: 0..1. Consistency is 1 minus this.
        distance: Mean texture distance between the unit's pictures.
        gap: Least texture distance within which every picture can be reached from every other, step by step.
        groups: Indices (not seeds) of its pictures, in groups of similar ones, largest first.
    """

    closer_share: float
    distance: float
    gap: float
    groups: tuple[tuple[int, ...], ...]

    @property
    def consistency(self) -> float:
        """1 where every pair is closer than any picture of another unit."""
        return 1 - self.closer_share

    def unstable(self, share: float, distance: float, gap: float) -> bool:
        """Whether pictures differ: other units' are closer, and not because all pictures are similar.

        Or they fall apart into kinds with hardly a frequency in common: where few other pictures lie between
        these, none of them is closer.
        """
        return (self.closer_share > share and self.distance > distance) or self.gap > gap

    @property
    def facets(self) -> int | None:
        """Number of groups of similar pictures, two to half (rounded up) of the pictures; else None."""
        count = len(self.groups)
        return count if 2 <= count <= (sum(map(len, self.groups)) + 1) // 2 else None


def agreement(own: Looks, others: Looks, *, share: float, distance: float) -> Agreement:
    """Return how well the pictures of one unit agree.

    Args:
        own: At least two pictures.
        others: At least one picture of other units.
        share: Pairs with at most this share of other units' pictures closer count as similar.
        distance: So do pairs at most this far apart in texture, or far nearer than its most distant pair is.
    """
    n = len(own)
    near = np.ones((2, n, n))
    gaps = np.zeros((2, n, n))
    for row, (mine, theirs) in enumerate(((own.texture, others.texture), (own.layout, others.layout))):
        gaps[row] = _distances(mine, mine)
        away = np.sort(_distances(mine, theirs), axis=1)
        near[row] = [np.searchsorted(away[i], gaps[row, i]) / away.shape[1] for i in range(n)]
    # A pair counts from both its ends; by texture or layout, whichever separates it better from other units.
    shares = ((near + near.transpose(0, 2, 1)) / 2).min(axis=0)
    pairs = list(combinations(range(n), 2))
    within = max(distance, FAR_NEARER * float(gaps[0].max()))
    tight = [(i, j) for i, j in pairs if gaps[0, i, j] <= within]
    found = Agreement(
        float(np.mean([shares[i, j] for i, j in pairs])),
        float(np.mean([gaps[0, i, j] for i, j in pairs])),
        _gap(gaps[0]),
        _groups(n, tight),
    )
    if found.facets:
        return found
    # A chain of similar pairs can join groups that are far apart: it only counts where no close ones exist.
    similar = [*tight, *((i, j) for i, j in pairs if shares[i, j] <= share)]
    return dataclasses.replace(found, groups=_groups(n, similar))


def _distances(a: Floats, b: Floats) -> Floats:
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * (a @ b.T)
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float32)


def _gap(distances: Floats) -> float:
    """Return the longest step of the shortest way through all pictures `(n, n)`, as Prim's tree takes it."""
    nearest, longest = distances[0].copy(), 0.0
    nearest[0] = np.inf
    for _ in range(len(distances) - 1):
        last = int(nearest.argmin())
        longest = max(longest, float(nearest[last]))
        reached = np.isinf(nearest)
        nearest = np.minimum(nearest, distances[last])
        nearest[reached] = nearest[last] = np.inf
    return longest


def _groups(n: int, pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    name = list(range(n))
    for i, j in pairs:
        old, new = name[j], name[i]
        name = [new if x == old else x for x in name]
    found = [tuple(i for i in range(n) if name[i] == g) for g in sorted(set(name))]
    return tuple(sorted(found, key=lambda g: (-len(g), g)))


@lru_cache(maxsize=8)
def _polar_bins(side: int) -> Floats:
    """Return `(side * (side // 2 + 1), 56)`: in which ring and direction each frequency counts.

    Rings are even in the logarithm of frequency, from a period of 32 px to one of 2 px. A frequency between
    two directions counts in both, by its nearness, so that turning a grating a little changes little.
    """
    grid = frequencies(side)
    edges = np.geomspace(1 / 32, 0.5, RADII + 1)
    ring = np.clip(np.searchsorted(edges, grid.radius.ravel(), side="right") - 1, 0, RADII - 1)
    turn = grid.stripes.ravel() / (180 / ANGLES)
    low = np.floor(turn).astype(int)
    bins = np.zeros((grid.radius.size, RADII * ANGLES), np.float32)
    rows = np.arange(grid.radius.size)
    for direction, part in ((low, 1 - (turn - low)), (low + 1, turn - low)):
        bins[rows, ring * ANGLES + direction % ANGLES] += part * grid.weight.ravel()
    return bins


@lru_cache(maxsize=64)
def _averages(length: int) -> Floats:
    """Return `(16, length)`: how much of each pixel lies in each of 16 equal stretches; rows sum to 1."""
    edges = np.linspace(0, length, LAYOUT_PX + 1)
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    overlap = np.maximum(overlap, 0)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True), np.float32)
