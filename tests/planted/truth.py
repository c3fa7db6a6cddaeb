"""What was planted: one row a unit. Nothing here knows how a network is built or judged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Planted:
    """The truth about one unit.

    Attributes:
        layer, unit: Its place.
        kind: What it was built as, such as `edge` or `pepper`.
        verdicts: The verdicts that are right; several where honest people could differ.
        duplicate_of: Lowest index of a unit of its layer with the same answers, or None.
        mirror_of: The same with opposite kernels.
        complement_of: The other output of a softmax over two.
        facets: Patterns that excite it, where there are several.
        dead: How it is dead (`bias`, `zero weights`, `constant`, ...), or empty.
        dose: Share of a pattern's power in noise, where a unit was built as a mixture of both.
        superfluous: Whether it could be left out for certain: dead, a copy, or nothing takes it.
    """

    layer: str
    unit: int
    kind: str
    verdicts: tuple[str, ...]
    duplicate_of: int | None = None
    mirror_of: int | None = None
    complement_of: int | None = None
    facets: int | None = None
    dead: str = ""
    dose: float | None = None
    superfluous: bool = False


@dataclass
class Sketch:
    """A unit before it has a place: what it is, and the numbers that make it.

    Attributes:
        kind: See `Planted`.
        verdicts: See `Planted`.
        weights: Of the shape its layer takes, without the last axis.
        bias: Its bias.
        like: Name of the group of units that answer alike; unique if None.
        against: Name of a group it mirrors.
        name: Under which other units of the network find it.
        facets, dead, dose: See `Planted`.
        unused: Whether all its outgoing weights are to be zero.
        gain: By which its answers are multiplied, so that the next layer can undo it.
    """

    kind: str
    verdicts: tuple[str, ...]
    weights: np.ndarray
    bias: float = 0.0
    like: str | None = None
    against: str | None = None
    name: str = ""
    facets: int | None = None
    dead: str = ""
    dose: float | None = None
    unused: bool = False
    gain: float = field(default=1.0)


def rows_of(layer: str, units: list[Sketch]) -> list[Planted]:
    """Return the truth of a layer's units, which stand in their final order."""
    first: dict[str, int] = {}
    for k, unit in enumerate(units):
        if unit.like is not None:
            first.setdefault(unit.like, k)
    rows = []
    for k, unit in enumerate(units):
        original = first.get(unit.like, k) if unit.like is not None else k
        mirrored = [j for j, other in enumerate(units) if unit.against and other.like == unit.against]
        mirrored += [j for j, other in enumerate(units) if unit.like and other.against == unit.like]
        copy = original if original < k else None
        rows.append(
            Planted(
                layer, k, unit.kind, unit.verdicts, copy,
                mirror_of=min((j for j in mirrored if j < k), default=None),
                facets=unit.facets, dead=unit.dead, dose=unit.dose,
                superfluous=bool(unit.dead) or copy is not None or unit.unused,
            )
        )  # fmt: skip
    return rows
