"""The nouns of removal: what a network loses without some of its units, measured on pictures.

Plain immutable values. How they are measured is the affair of `prune`; how they are shown, of the atlas.
A unit is here one removable channel group: channels that can only go together count once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Order = Literal["need", "looks", "structured_first", "random"]
ORDERS: tuple[Order, ...] = ("need", "looks", "structured_first", "random")
"""In what order units are removed: the least needed first, the least structured first, the most structured
first, or at random."""

Reading = Literal["largest", "each", "number"]
READINGS: tuple[Reading, ...] = ("largest", "each", "number")
"""How an output decides: by its largest unit, by each unit's yes or no, or by the side of the median on which
each of its numbers lies."""

WHOLE_NETWORK = ""
"""The scope of a curve over all layers; else the name of a layer, whose units alone are removed."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What is left of a network without some units.

    Attributes:
        removed: Units that are gone.
        agreement: 0..1, share of decisions that are those of the whole network.
        accuracy: 0..1, share of decisions that are right; None without classes.
        low, high: Smallest and largest share over random draws; None for a single order.
    """

    removed: int
    agreement: float
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def share(self) -> float:
        """What the curve shows: the accuracy, or the agreement where there are no classes."""
        return self.agreement if self.accuracy is None else self.accuracy


@dataclass(frozen=True, slots=True)
class RemovalCurve:
    """One line: points over units removed, from none upwards.

    Attributes:
        order: In what order the units go.
        scope: A layer's name, or `WHOLE_NETWORK`.
        points: Ascending in `removed`.
    """

    order: Order
    scope: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class PictureCounts:
    """Pictures of the three sets, which never mix, and where they came from.

    Attributes:
        order: Pictures that put units in order.
        choose: Pictures on which the count was chosen.
        report: Pictures on which the numbers are told.
        groups: Groups of pictures that were kept together (people, videos); 0 where none were named.
        source: Name of the folder, without its path.
        judge: Name of the folder of pictures that report alone; empty where they are of `source`.
    """

    order: int
    choose: int
    report: int
    groups: int = 0
    source: str = ""
    judge: str = ""


@dataclass(frozen=True, slots=True)
class OutputReading:
    """What one output of a network was taken to decide.

    Attributes:
        output: Its name.
        units: How many it has.
        reading: How it decides.
        assumed: Whether the file leaves that open, and nobody said it.
    """

    output: str
    units: int
    reading: Reading
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class LayerNeed:
    """How wide a layer is, and how wide it needs to be.

    Attributes:
        layer: Its name.
        units: Units that can be removed.
        together: Units left where units of all layers go together, at the chosen count.
        alone: Units left where this layer's alone go; None where that was not measured.
        kept: Indices of the units left at the chosen count.
    """

    layer: str
    units: int
    together: int
    alone: int | None = None
    kept: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitNeed:
    """What the network loses without one unit.

    Attributes:
        unit: 0-based index in its layer.
        need: At least 0: root mean square change, to first order, of the log probability of the network's
            decision (in nats) when this unit alone gives its mean over pictures instead.
        need_rank: 1 for the unit that is removed last, the most needed of the whole network.
        changed: Decisions that change without this unit alone, of `pictures`; None where not measured.
        pictures: Pictures on which that was counted.
        hurt: Name or number of the class that loses most decisions; empty where none changes.
        hurt_pictures: How many of that class change.
    """

    unit: int
    need: float
    need_rank: int
    changed: int | None = None
    pictures: int = 0
    hurt: str = ""
    hurt_pictures: int = 0


@dataclass(frozen=True, slots=True)
class Removal:
    """The whole measurement of one model version.

    Attributes:
        measured: Date, ISO 8601.
        units: Units that can be removed.
        steady: Largest count up to which every smaller one on the curve holds, on the pictures that choose.
        largest: Largest count that holds there.
        removed: The count that was chosen; one of the two above.
        max_loss: 0..1, the loss that was allowed on the pictures that choose.
        accuracy_before, accuracy_after: 0..1 on the pictures that report; None without classes.
        interval: 95 % interval of `accuracy_after` (of `agreement` without classes).
        agreement: Share of decisions that stay, on the pictures that report.
        changed: How many decisions changed there.
        majority_share: 0..1, share of the commonest class (of the commonest decision without classes).
        pictures: The three sets.
        layers: In the order of the network.
        curves: Measured on the pictures that report.
        looks_correlation: By layer (and `WHOLE_NETWORK`), rank correlation of need with structure, -1..1.
        compensated: Whether the weights that read removed units were refitted.
        classes: Names of the classes, in the order of the output's units.
        parameters_before, parameters_after, macs_before, macs_after: Of the network as built; 0 if not known.
        fixed: Pairs of layer name and reason: layers none of whose units can be removed.
        outputs: What was taken for a decision, of each output that counts: of the one with the classes alone,
            where there are classes. Empty in measurements of before.
    """

    measured: str
    units: int
    steady: int
    largest: int
    removed: int
    max_loss: float
    accuracy_before: float | None
    accuracy_after: float | None
    interval: tuple[float, float]
    agreement: float
    changed: int
    majority_share: float
    pictures: PictureCounts
    layers: tuple[LayerNeed, ...]
    curves: tuple[RemovalCurve, ...] = ()
    looks_correlation: Mapping[str, float] = field(default_factory=dict)
    compensated: bool = True
    classes: tuple[str, ...] = ()
    parameters_before: int = 0
    parameters_after: int = 0
    macs_before: int = 0
    macs_after: int = 0
    fixed: tuple[tuple[str, str], ...] = ()
    outputs: tuple[OutputReading, ...] = ()

    def goes(self, need: UnitNeed) -> bool:
        """Whether a unit is removed at the count that was chosen: the least needed go."""
        return need.need_rank > self.units - self.removed

    def curve(self, order: Order, scope: str = WHOLE_NETWORK) -> RemovalCurve | None:
        """Return the line of that order and scope, or None."""
        return next((c for c in self.curves if (c.order, c.scope) == (order, scope)), None)
