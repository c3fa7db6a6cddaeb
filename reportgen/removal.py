"""Results of removal as plain immutable values: what a network loses without some of its units.

`prune` measures them on pictures, the atlas shows them. A unit here is one removable group of channels:
channels that must be removed together count once.
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
    """The quality of a network without some units.

    Attributes:
        removed: Units that are removed.
        agreement: 0..1, share of decisions equal to the whole network's.
        accuracy: 0..1, share of correct decisions; None without classes.
        low, high: Smallest and largest share over random orders; None for a single order.
    """

    removed: int
    agreement: float
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def share(self) -> float:
        """The accuracy, or the agreement if there are no classes."""
        return self.agreement if self.accuracy is None else self.accuracy


@dataclass(frozen=True, slots=True)
class RemovalCurve:
    """One curve: points over the number of removed units, from none upwards.

    Attributes:
        order: The order in which units are removed.
        scope: A layer's name, or `WHOLE_NETWORK`.
        points: Ascending in `removed`.
    """

    order: Order
    scope: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class PictureCounts:
    """The numbers of pictures in the three disjoint sets, and where they came from.

    Attributes:
        order: Pictures for the order of units.
        choose: Pictures on which the count was chosen.
        report: Pictures on which the results were measured.
        groups: Groups of pictures that stay in one set (people, videos); 0 without groups.
        source: Name of the folder, without its path.
        judge: Name of a separate folder for the report; empty if those pictures are from `source`.
    """

    order: int
    choose: int
    report: int
    groups: int = 0
    source: str = ""
    judge: str = ""


@dataclass(frozen=True, slots=True)
class OutputReading:
    """How one output of a network was read as a decision.

    Attributes:
        output: Its name.
        units: How many it has.
        reading: How it decides.
        assumed: Whether that is an assumption, since neither the file nor the user states it.
    """

    output: str
    units: int
    reading: Reading
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class LayerNeed:
    """The width of a layer, and the width that it needs.

    Attributes:
        layer: Its name.
        units: Units that can be removed.
        together: Units kept when units of all layers are removed together, at the chosen count.
        alone: Units kept when only this layer's are removed; None if not measured.
        kept: Indices of the units kept at the chosen count.
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
            decision (in nats) if only this unit is replaced by its mean over pictures.
        need_rank: 1 for the unit that is removed last, the most needed of the whole network.
        changed: Decisions that change without only this unit, of `pictures`; None if not measured.
        pictures: Pictures on which that was counted.
        hurt: Name or number of the class that loses most decisions; empty if none changes.
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
        steady: Largest count such that it and all smaller counts on the curve stay within the loss, on the
            pictures for the count.
        largest: Largest count that stays within the loss there.
        removed: The count that was chosen; one of the two above.
        max_loss: 0..1, the allowed loss on the pictures for the count.
        accuracy_before, accuracy_after: 0..1 on the pictures for the report; None without classes.
        interval: 95 % interval of `accuracy_after` (of `agreement` without classes).
        agreement: Share of decisions that do not change, on the pictures for the report.
        changed: How many decisions changed there.
        majority_share: 0..1, share of the most frequent class (without classes: decision).
        pictures: The three sets.
        layers: In the order of the network.
        curves: Measured on the pictures for the report.
        looks_correlation: By layer (and `WHOLE_NETWORK`), rank correlation of need with structure, -1..1.
        compensated: Whether the weights that read removed units were refitted.
        classes: Names of the classes, in the order of the output's units.
        parameters_before, parameters_after, macs_before, macs_after: Of the network as built; 0 if not known.
        fixed: Pairs of layer name and reason: layers none of whose units can be removed.
        outputs: How each output that was used is read: only the one with the classes, if there are classes.
            Empty in measurements of earlier releases.
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

    def is_removed(self, need: UnitNeed) -> bool:
        """Whether a unit is removed at the chosen count, that is, among the least needed."""
        return need.need_rank > self.units - self.removed

    def curve(self, order: Order, scope: str = WHOLE_NETWORK) -> RemovalCurve | None:
        """Return the curve of that order and scope, or None."""
        return next((c for c in self.curves if (c.order, c.scope) == (order, scope)), None)
