"""Which units of a layer respond similarly: a map with similar units near each other, and groups.

The map is classical scaling of `1 - r` to two dimensions, r the correlation of responses to the probe
pictures; each unit then takes the free square nearest to its place, so that no thumbnail covers another.

Reference: Torgerson, "Multidimensional scaling: I. Theory and method", Psychometrika 17(4), 1952.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from reportgen.atlas.grouped import listed_groups, similar_groups
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.sheets import place_on_sheet, sheet_name
from reportgen.atlas.words import mark
from reportgen.score.copies import correlations, response_rows
from reportgen.sentences.responses import correlation_in_words

MOST_ON_MAP = 256
_LEAST_ON_MAP = 8
_ROOM, _ASPECT = 1.7, 1.6
"""How many squares there are a unit, and how much wider the map is than tall."""
_N_GROUPS, _N_NAMED = 10, 32


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A unit's tile, and where it stands: `x`, `y` in squares of the map; 0 in a row.

    Attributes:
        unit: Its index.
        mark: Of its verdict.
        sheet, column, row: Where its tile is, of the layer's sheets.
    """

    unit: int
    mark: str
    sheet: str
    column: int
    row: int
    x: int = 0
    y: int = 0


@dataclass(frozen=True, slots=True)
class SimilarityMap:
    """The map.

    Attributes:
        across, down: In squares.
        tiles: The units.
        n_left_out: How many more there are, with less structure.
        n_still: How many units no probe changes the response of.
        alt: In words.
    """

    across: int
    down: int
    tiles: tuple[Thumbnail, ...]
    n_left_out: int
    n_still: int
    alt: str


@dataclass(frozen=True, slots=True)
class Group:
    """Units that belong together.

    Attributes:
        title: What they have in common, and how many they are.
        query: The filter that shows all of them.
        tiles: The first of them.
        n_more: How many more there are.
    """

    title: str
    query: str
    tiles: tuple[Thumbnail, ...]
    n_more: int


def similarity_map(rows: LayerRows, slug: str, drawn: Sequence[int]) -> SimilarityMap | None:
    """Return the map of a layer's units; None where responses to probes were not measured, or units are few.

    Args:
        rows: The layer.
        slug: Of its page.
        drawn: Its units that have a tile.
    """
    parts = response_rows(rows.layer.n_units, rows.probes)
    if not parts:
        return None
    r = correlations(parts)
    vary = [u for u in drawn if u < len(r) and np.isfinite(r[u, u])]
    shown = sorted(vary, key=lambda u: (-_structure(rows, u), u))[:MOST_ON_MAP]
    if len(shown) < _LEAST_ON_MAP:
        return None
    shown.sort()
    alike = np.clip(np.nan_to_num(r[np.ix_(shown, shown)].astype(np.float64)), -1, 1)
    across = int(np.ceil(np.sqrt(len(shown) * _ROOM * _ASPECT)))
    down = int(np.ceil(len(shown) * _ROOM / across))
    squares = _squares(_scaled(1 - alike), across, down)
    tiles = tuple(_tile(rows, slug, u, *at) for u, at in zip(shown, squares, strict=True))
    out, still = len(vary) - len(shown), len(drawn) - len(vary)
    return SimilarityMap(across, down, tiles, out, still, _in_words(shown, alike))


def groups_of(rows: LayerRows, slug: str, drawn: Sequence[int]) -> tuple[Group, ...]:
    """Return groups of copies, then of units that respond alike, largest first, at most ten of each.

    Args:
        rows: The layer.
        slug: Of its page.
        drawn: Its units that have a tile.
    """
    there = set(drawn)
    copies = _copies(rows)
    named = [(f"{len(g)} copies", f"copies:{g[0]}", g) for g in copies[:_N_GROUPS]]
    alike = enumerate(similar_groups(rows)[:_N_GROUPS], 1)
    named += [(f"{len(g)} similar", f"group:{at}", g) for at, g in alike]
    found = []
    for title, query, units in named:
        tiles = tuple(_tile(rows, slug, u) for u in units[:_N_NAMED] if u in there)
        found.append(Group(title, query, tiles, len(units) - len(tiles)))
    return tuple(found)


def n_groups_left_out(rows: LayerRows) -> int:
    """Return how many of a layer's groups `groups_of` leaves out."""
    return sum(max(0, len(groups) - _N_GROUPS) for groups in (_copies(rows), similar_groups(rows)))


def _copies(rows: LayerRows) -> list[list[int]]:
    return listed_groups(rows, [sorted([first, *others]) for first, others in rows.copies.items()])


def _scaled(distances: np.ndarray) -> np.ndarray:
    """Return `(n, 2)` places whose distances are as near to those given as two dimensions allow."""
    n = len(distances)
    centring = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ distances**2 @ centring)
    places = vectors[:, -2:][:, ::-1] * np.sqrt(np.maximum(values[-2:][::-1], 0))
    largest = places[np.abs(places).argmax(axis=0), np.arange(2)]
    return np.asarray(places * np.where(largest < 0, -1, 1))


def _squares(places: np.ndarray, across: int, down: int) -> list[tuple[int, int]]:
    """Return for each place a square of its own, all together as near to the places as can be."""
    low, high = places.min(axis=0), places.max(axis=0)
    aims = (places - low) / np.where(high > low, high - low, 1) * (across - 1, down - 1)
    x, y = np.meshgrid(np.arange(across), np.arange(down))
    centres = np.stack([x.ravel(), y.ravel()], axis=1)
    cost = ((aims[:, None] - centres[None]) ** 2).sum(axis=2).round(6)
    _, taken = linear_sum_assignment(cost)
    return [(int(centres[i, 0]), int(centres[i, 1])) for i in taken]


def _tile(rows: LayerRows, slug: str, unit: int, x: int = 0, y: int = 0) -> Thumbnail:
    score = rows.scores.get(unit)
    column, row = place_on_sheet(unit)
    return Thumbnail(unit, mark(score.verdict if score else ""), sheet_name(slug, unit), column, row, x, y)


def _structure(rows: LayerRows, unit: int) -> float:
    score = rows.scores.get(unit)
    return score.structure if score is not None and score.structure is not None else -np.inf


def _in_words(units: Sequence[int], correlations: np.ndarray) -> str:
    pairs = np.where(np.triu(np.ones_like(correlations), 1) > 0, correlations, -2.0)
    a, b = divmod(int(pairs.argmax()), len(units))
    r = correlation_in_words(float(pairs[a, b]))
    return (
        f"Map of {len(units):,} units by the correlation of their responses to the probe pictures: similar "
        f"units are near each other. Most similar on these pictures alone: {units[a]} and {units[b]}, r {r}."
    )
