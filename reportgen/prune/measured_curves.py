"""Everything that is measured of removal for plots: curves over removed units, and the need of each unit.

The number of a curve's points follows from the cost of a picture, never from a clock: the same network and
pictures give the same curves on every machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from reportgen.prune.curves import choice_of, counts_up_to, points_of, points_of_draws, shares_along
from reportgen.prune.groups import Groups
from reportgen.prune.judging import Judge, Shares
from reportgen.prune.search import Search, SearchOptions, SearchResult, fixed_order
from reportgen.removal import WHOLE_NETWORK, Order, RemovalCurve, UnitNeed

MAX_MULTIPLY_ADDS = 5e12
"""Most multiply-adds for all curves together, and for the removal of single units."""

DRAWS = 3
"""Random orders."""

_MOST_POINTS, _FEWEST_POINTS, _LINES = 24, 6, 3 + DRAWS
Ints = NDArray[np.int64]
Stop = Callable[[], bool]


def points_for(search: Search, multiply_adds: int) -> tuple[int, int]:
    """Return the number of points of a curve of the whole network, and of one layer."""
    groups = search.groups
    pictures = sum(len(search.judges[name].pictures) for name in ("choose", "report"))
    there = MAX_MULTIPLY_ADDS / max(1, multiply_adds * pictures)
    whole = int(np.clip(there / 2 / _LINES, _FEWEST_POINTS, _MOST_POINTS))
    layer = int(there / 2 / (_LINES + 1) / len(groups.layers()))
    return whole, min(layer, _MOST_POINTS) if layer >= _FEWEST_POINTS else 0


def network_curves(
    search: Search, found: SearchResult, wanted: SearchOptions, points: int, stop: Stop
) -> list[RemovalCurve]:
    """Return the curves of the whole network, on the pictures for the report."""
    last = found.ordering.counts[-1]
    counts = sorted({*counts_up_to(last, points), found.count, found.choice.largest})
    return _lines(search, wanted, WHOLE_NETWORK, found.ordering.order, counts, None, stop)


def layer_curves(search: Search, found: SearchResult, wanted: SearchOptions, points: int,
                stop: Stop) -> tuple[list[RemovalCurve], dict[str, int]]:  # fmt: skip
    """Return the curves of each layer alone, and the number of units that each then needs."""
    lines: list[RemovalCurve] = []
    alone: dict[str, int] = {}
    for layer in search.groups.layers() if points else ():
        own = search.groups.of_layer(layer)
        order = np.asarray([g for g in found.ordering.order if g in set(own.tolist())], np.int64)
        counts = counts_up_to(len(own) - 1, points)
        chosen = shares_along(search.measured, search.judges["choose"], order, counts, stop)
        if len(chosen) < len(counts):
            break
        alone[layer] = len(own) - choice_of(chosen, wanted.max_loss).steady
        lines += _lines(search, wanted, layer, order, counts, own, stop)
    return lines, alone


def _lines(search: Search, wanted: SearchOptions, scope: str, by_need: Ints, counts: Sequence[int],
           own: Ints | None, stop: Stop) -> list[RemovalCurve]:  # fmt: skip
    """Return the lines of one scope: by need, and where structure is known by looks, and at random."""
    judge = search.judges["report"]

    def along(order: Ints) -> dict[int, Shares]:
        inside = order if own is None else np.asarray([g for g in order if g in set(own.tolist())], np.int64)
        return shares_along(search.measured, judge, inside, counts, stop)

    found = [RemovalCurve("need", scope, points_of(along(by_need)))]
    if wanted.structure:
        orders: list[tuple[Order, bool]] = [("looks", False), ("structured_first", True)]
        for name, descending in orders:
            by_looks = dataclasses.replace(wanted, order="looks")
            order = fixed_order(search.groups, by_looks, descending=descending).order
            found.append(RemovalCurve(name, scope, points_of(along(order))))
    draws = [
        along(fixed_order(search.groups, dataclasses.replace(wanted, order="random", seed=seed)).order)
        for seed in range(DRAWS)
    ]
    found.append(RemovalCurve("random", scope, points_of_draws(draws)))
    return [line for line in found if len(line.points) > 1]


def unit_needs(search: Search, found: SearchResult, multiply_adds: int, classes: Sequence[str],
               stop: Stop) -> dict[str, list[UnitNeed]]:  # fmt: skip
    """Return for each layer the network's loss without each of its units."""
    groups, judge = search.groups, search.judges["report"]
    place = np.empty(len(groups), np.int64)
    place[found.ordering.order] = np.arange(len(groups), 0, -1)
    lost = {}
    if multiply_adds * len(judge.pictures) * len(groups) <= MAX_MULTIPLY_ADDS:
        lost = _lost_alone(search, judge, classes, stop)
    needs: dict[str, list[UnitNeed]] = {}
    for g, members in enumerate(groups.members):
        for layer, unit in members:
            changed, hurt, hurt_pictures = lost.get(g, (None, "", 0))
            needs.setdefault(layer, []).append(
                UnitNeed(
                    unit,
                    float(found.ordering.needs[g]),
                    int(place[g]),
                    changed,
                    len(judge.pictures) if changed is not None else 0,
                    hurt,
                    hurt_pictures,
                )
            )
    return {layer: sorted(some, key=lambda n: n.unit) for layer, some in needs.items()}


def _lost_alone(search: Search, judge: Judge, classes: Sequence[str],
                stop: Stop) -> dict[int, tuple[int, str, int]]:  # fmt: skip
    """Return by group the decisions that change without it, the class that loses most, and its pictures."""
    measured, n = search.measured, len(judge.pictures)
    measured.trial.apply({})
    directions = measured.directions_from_means(np.zeros(len(search.groups), bool))
    kinds = judge.labels if len(judge.labels) else judge.whole[judge.output][:, 0]
    found: dict[int, tuple[int, str, int]] = {}
    for g in range(len(search.groups)):
        if stop():
            break
        gates = np.ones((n, len(search.groups)), np.float32)
        gates[:, g] = 0
        outputs = measured.trial.gated_outputs(judge.pictures, gates, directions if g == 0 else {})
        now = [d.decided(a) for d, a in zip(judge.decisions, outputs, strict=True)]
        differs = np.any([np.any(a != b, axis=1) for a, b in zip(now, judge.whole, strict=True)], axis=0)
        hurt = np.bincount(kinds[differs].astype(np.int64)) if differs.any() else np.zeros(1, np.int64)
        worst = int(hurt.argmax())
        named = classes[worst] if worst < len(classes) else str(worst)
        found[g] = (int(differs.sum()), named if hurt[worst] else "", int(hurt[worst]))
    return found


def looks_correlation(groups: Groups, needs: NDArray[np.float64],
                      structure: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:  # fmt: skip
    """Return the rank correlation (Spearman) of need with structure, by layer and of the whole network."""
    values = np.asarray([
        structure[layer][unit] if layer in structure else np.nan
        for layer, unit in zip(groups.owner, groups.unit.tolist(), strict=True)
    ], float)  # fmt: skip
    scopes: Iterable[tuple[str, Ints]] = [
        (WHOLE_NETWORK, np.arange(len(groups))),
        *((layer, groups.of_layer(layer)) for layer in groups.layers()),
    ]
    found = {}
    for scope, own in scopes:
        known = own[np.isfinite(values[own])]
        if len(known) > 2 and np.ptp(values[known]) > 0 and np.ptp(needs[known]) > 0:
            found[scope] = float(stats.spearmanr(needs[known], values[known]).statistic)
    return found
