"""A removal made by formula, for tests of pages: plausible numbers, not measured ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from reportgen.removal import (
    ORDERS,
    WHOLE_NETWORK,
    CurvePoint,
    LayerNeed,
    Order,
    PictureCounts,
    Removal,
    RemovalCurve,
    UnitNeed,
)

EXAMPLE = (("conv2d_1", 32), ("conv2d_2", 64), ("conv2d_3", 64), ("dense_1", 64))
FALLS: Mapping[Order, float] = {"need": 0.84, "looks": 0.24, "structured_first": 0.12, "random": 0.18}
"""At which share of all units a line begins to fall."""
BEFORE, MAJORITY, N_REPORT = 0.924, 0.783, 92


def curve_of(
    order: Order, scope: str, units: int, *, classes: bool = True, n_points: int = 29
) -> RemovalCurve:
    """Return a line that holds, then falls to the majority; by need it dips before it does."""
    points = []
    for removed in sorted({round(k * units / (n_points - 1)) for k in range(n_points)}):
        at = removed / units
        share = BEFORE - (BEFORE - MAJORITY) * min(1.0, max(0.0, (at - FALLS[order]) * 9))
        if order == "need" and 0.7 < at < 0.78 and not scope:
            share = 0.859
        share = round(share * N_REPORT) / N_REPORT
        spread = 0.04 * math.exp(-((at - 0.25) ** 2) / 0.03) if order == "random" else None
        low, high = (None, None) if spread is None else (max(0.0, share - spread), min(1.0, share + spread))
        points.append(CurvePoint(removed, share, share if classes else None, low, high))
    return RemovalCurve(order, scope, tuple(points))


def removal_of(
    layers: Sequence[tuple[str, int]] = EXAMPLE,
    *,
    classes: bool = True,
    own_curves: bool = True,
    **changes: object,
) -> Removal:
    """Return a removal of layers `(name, units)`; of each, four in ten units are needed."""
    units = sum(n for _, n in layers)
    needs = tuple(
        LayerNeed(name, n, max(1, n * 2 // 5), max(1, n // 8), tuple(range(max(1, n * 2 // 5))))
        for name, n in layers
    )
    removed = units - sum(x.together for x in needs)
    scopes = [(WHOLE_NETWORK, units), *(layers if own_curves else ())]
    found = Removal(
        measured="2026-11-30",
        units=units,
        steady=removed,
        largest=round(units * 0.82),
        removed=removed,
        max_loss=0.01,
        accuracy_before=BEFORE if classes else None,
        accuracy_after=BEFORE if classes else None,
        interval=(0.851, 0.963),
        agreement=0.967,
        changed=3,
        majority_share=MAJORITY,
        pictures=PictureCounts(90, 46, N_REPORT, 40, "faces"),
        layers=needs,
        curves=tuple(curve_of(o, s, n, classes=classes) for s, n in scopes for o in ORDERS),
        looks_correlation={
            WHOLE_NETWORK: -0.12,
            **{name: -0.03 - 0.05 * i for i, (name, _) in enumerate(layers)},
        },
        classes=("left", "right") if classes else (),
        parameters_before=321_456,
        parameters_after=98_765,
        macs_before=12_345_678,
        macs_after=3_456_789,
        fixed=(("outputs", "its units are the classes"),),
    )
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]


def needs_of(layers: Sequence[tuple[str, int]], hurt: str = "left") -> dict[str, list[UnitNeed]]:
    """Return the need of every unit: the first of each layer most, every eleventh nothing."""
    needs = {
        (at, unit): 0.0 if unit % 11 == 10 else 0.2 * math.exp(-0.17 * (unit * 7 % n) - 0.3 * at)
        for at, (_, n) in enumerate(layers)
        for unit in range(n)
    }
    ranks = {key: rank for rank, key in enumerate(sorted(needs, key=lambda k: (-needs[k], k)), 1)}
    return {
        name: [
            UnitNeed(
                unit, needs[at, unit], ranks[at, unit], changed := min(9, round(needs[at, unit] * 40)),
                N_REPORT, hurt if changed else "", (changed + 1) // 2,
            )
            for unit in range(n)
        ]
        for at, (name, n) in enumerate(layers)
    }  # fmt: skip
