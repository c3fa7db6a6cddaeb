"""The search for units that can be removed: ordered on some pictures, their number chosen on others.

This module combines the others of the package. It knows no files, stores or command lines.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ConfigError
from reportgen.prune.curves import Choice, choice_of, removed_after, shares_along, shares_without
from reportgen.prune.decision import (
    Kind,
    class_decision,
    class_output,
    decisions_of,
    is_assumed,
    output_names,
)
from reportgen.prune.groups import Groups, RemainingUnits, groups_of_units
from reportgen.prune.judging import Judge, Shares
from reportgen.prune.moments import moments_of
from reportgen.prune.order import MeasuredTrial, Ordering, order_units
from reportgen.prune.rebuild import Rebuilt, rebuilt
from reportgen.prune.sets import FEWEST_PICTURES, PictureSet, SetName
from reportgen.prune.trial import Trial
from reportgen.removal import OutputReading, Reading

if TYPE_CHECKING:
    from reportgen.models import Model

RemovalOrder = Literal["need", "looks", "random"]

_READ: dict[Kind, Reading] = {"classes": "largest", "yes_no": "each", "number": "number"}

STOP_MARGIN = 0.25
"""Loss beyond the allowed one: after three rounds that lose more, the ordering ends."""

REFINEMENTS = 8
"""Counts that are tried between the last round within the loss and the next round."""


@dataclass(frozen=True)
class SearchOptions:
    """How units are ordered and how many are removed.

    Attributes:
        max_loss: 0..1, of accuracy (of agreement without classes), on the pictures for the count.
        order: How units are ordered.
        compensate: Whether kept channels compensate for removed ones.
        largest: Whether to take the largest count within the loss, even if a smaller count is not within it.
        layers: Names of layers whose units may be removed; all by default.
        structure: For `looks`, each layer's `(K,)`; NaN for a unit that was not scored.
        decision: By name of an output how it decides; the empty name applies to all others.
        seed: For `random`.
    """

    max_loss: float = 0.01
    order: RemovalOrder = "need"
    compensate: bool = True
    largest: bool = False
    layers: Collection[str] | None = None
    structure: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    decision: Mapping[str, Reading] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True)
class Search:
    """A network whose units can be removed, and the pictures it is evaluated on.

    Attributes:
        measured: The network on which removal is tried.
        judges: By set.
        requested: How outputs decide, as the user set it.
    """

    measured: MeasuredTrial
    judges: Mapping[SetName, Judge]
    requested: Mapping[str, Reading] = field(default_factory=dict)

    def readings(self) -> tuple[OutputReading, ...]:
        """Return how each output that is used is read as a decision."""
        judge = self.judges["report"]
        names = output_names(self.measured.trial.model)
        counted = [judge.output] if len(judge.labels) else range(len(names))
        return tuple(self._reading(i, names[i], bool(len(judge.labels))) for i in counted)

    def _reading(self, place: int, name: str, by_classes: bool) -> OutputReading:
        decision, model = self.judges["report"].decisions[place], self.measured.trial.model
        is_known = by_classes or {"", name} & set(self.requested)
        assumed = not is_known and is_assumed(model, model.outputs[place], decision)
        return OutputReading(name, decision.n_units, _READ[decision.kind], assumed)

    @property
    def groups(self) -> Groups:
        """Everything that can be removed."""
        return self.measured.trial.groups


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes:
        ordering: The order of all units.
        curve: Accuracy and agreement on the pictures for the count, by count.
        choice: How many units can be removed.
        count: How many are removed.
    """

    ordering: Ordering
    curve: Mapping[int, Shares]
    choice: Choice
    count: int

    def removed(self) -> NDArray[np.bool_]:
        """Return `(G,)`, the units that are removed."""
        return removed_after(len(self.ordering.order), self.ordering.order, self.count)


def start_search(
    model: Model, sets: Mapping[SetName, PictureSet], wanted: SearchOptions, batch: int
) -> Search:
    """Return a search with the measurements of the whole network.

    Raises:
        ConfigError: There are too few pictures, they do not fit the network, or nothing can be removed.
    """
    n = sum(len(s.pictures) for s in sets.values())
    if n < FEWEST_PICTURES or any(not len(s.pictures) for s in sets.values()):
        raise ConfigError(
            f"images: {n} pictures in three sets, wanted at least {FEWEST_PICTURES}",
            hint="they are for the order of units, for their number, and for the report",
        )
    groups = groups_of_units(model, wanted.layers)
    if not len(groups):
        asked = [pair for pair in groups.fixed if wanted.layers is None or pair[0] in wanted.layers]
        name, reason = asked[0] if asked else ("the network", "it has no layers whose units are read")
        raise ConfigError(f'{model.file_name}: no unit can be removed: "{name}": {reason}')
    trial = Trial(model, groups, batch)
    moments = moments_of(trial.read(sets["order"].pictures), groups.readers)
    trial.apply({})
    outputs = {name: trial.outputs(s.pictures) for name, s in sets.items()}
    if not all(np.isfinite(a).all() for some in outputs.values() for a in some):
        raise ConfigError(
            f"{model.file_name}: its outputs for some of the pictures are not finite numbers",
            hint="check --input-range",
        )
    decisions = decisions_of(model, outputs["order"], wanted.decision)
    output = _output(model, decisions, [a.shape for a in outputs["order"]], sets["order"])
    decisions[output] = class_decision(decisions[output], outputs["order"][output], sets["order"].labels)
    judges = {}
    for name, s in sets.items():
        whole = [d.decided(a) for d, a in zip(decisions, outputs[name], strict=True)]
        judges[name] = Judge(s.pictures, decisions, whole, s.labels, output)
    search = Search(
        MeasuredTrial(trial, moments, wanted.compensate, [m.ridge for m in moments]), judges, wanted.decision
    )
    if sets["order"].n_classes:
        _refuse_other_readings(search)
    _refuse_chance(search, model)
    return search


def _refuse_other_readings(search: Search) -> None:
    """Refuse a setting of how outputs decide that contradicts the classes."""
    (used,) = search.readings()
    for name, reading in search.requested.items():
        if name not in ("", used.output) or reading != used.reading:
            raise ConfigError(
                f'decision: pictures in class folders are evaluated by output "{used.output}", '
                + ("by its largest unit" if used.reading == "largest" else "by its yes or no"),
                hint="leave --decision out, or name a folder without class folders",
            )


def _output(model: Model, decisions: Sequence[object], shapes: Sequence[Sequence[int]], s: PictureSet) -> int:
    if not s.n_classes:
        return 0
    found = class_output(decisions, shapes, s.n_classes)  # type: ignore[arg-type]
    if found is None:
        widths = ", ".join(str(shape[-1]) for shape in shapes)
        raise ConfigError(
            f"images: {s.n_classes} classes, but {model.file_name} has outputs of {widths} units",
            hint="--class-names FILE with a name for each unit, or pictures without class folders",
        )
    return found


def _refuse_chance(search: Search, model: Model) -> None:
    judges = list(search.judges.values())
    joined = Judge(
        judges[0].pictures[:0],
        judges[0].decisions,
        [np.concatenate(column) for column in zip(*(j.whole for j in judges), strict=True)],
        np.concatenate([j.labels for j in judges]),
        judges[0].output,
    )
    if joined.has_skill():
        return
    if len(joined.labels):
        right = float(np.mean(joined.whole[joined.output][:, 0] == joined.labels))
        raise ConfigError(
            f"{model.file_name}: right on {right:.1%} of {len(joined.labels)} pictures, no more than chance, "
            "so that a loss cannot be measured",
            hint="class folders are sorted by name; --class-names FILE sets the output unit of each",
        )
    raise ConfigError(
        f"{model.file_name}: it decides the same for all pictures, so that a loss cannot be measured",
        hint="check --input-range, or give other pictures",
    )


def find_removable(search: Search, wanted: SearchOptions, *, rounds: Sequence[Sequence[int]] = (),
         note: Callable[[Sequence[int], int], None] = lambda taken, n: None) -> SearchResult:  # fmt: skip
    """Return which units can be removed.

    Args:
        search: From `start_search`.
        wanted: How to search.
        rounds: The units that each round of an earlier, interrupted search removed.
        note: Called after each round with the units it removed, and the number of all units.
    """
    judge, n = search.judges["choose"], len(search.groups)
    every = [g for taken in rounds for g in taken]
    if len(set(every)) < len(every) or not all(0 <= g < n for g in every):
        rounds = ()  # They are from another network.
    curve = {0: shares_without(search.measured, judge, np.zeros(n, bool))}
    low = judge.majority_share() if len(judge.labels) else 1 / 3
    lost = max(low + 0.02, curve[0].share - wanted.max_loss - STOP_MARGIN)

    def should_continue(taken: Sequence[int], count: int) -> bool:
        note(taken, n)
        curve[count] = judge.shares(search.measured.trial.outputs(judge.pictures))
        last = [curve[c].share for c in sorted(curve)[-3:]]
        return len(last) < 3 or any(share > lost for share in last)

    if wanted.order == "need":
        order = search.judges["order"]
        ordering = order_units(search.measured, order.pictures, order.decisions, order.whole,
                           known=rounds, should_continue=should_continue)  # fmt: skip
    else:
        ordering = fixed_order(search.groups, wanted)
        curve.update(shares_along(search.measured, judge, ordering.order, ordering.counts))
    choice = choice_of(curve, wanted.max_loss)
    after = [c for c in sorted(curve) if c > choice.steady]
    if after:
        between = range(choice.steady + 1, after[0])
        some = between[:: -(-len(between) // REFINEMENTS)] if len(between) else ()
        curve.update(shares_along(search.measured, judge, ordering.order, some))
        choice = choice_of(curve, wanted.max_loss)
    return SearchResult(ordering, curve, choice, choice.largest if wanted.largest else choice.steady)


def fixed_order(groups: Groups, wanted: SearchOptions, *, descending: bool = False) -> Ordering:
    """Return units in an order that needs no pictures: at random, or by their structure, least first.

    Units that were not scored come first; the last unit of a layer always stays.
    """
    if wanted.order == "random":
        found = np.random.default_rng(wanted.seed).permutation(len(groups)).tolist()
    else:
        structure = [_structure(groups, wanted, g) for g in range(len(groups))]
        found = np.argsort(structure, kind="stable").tolist()
        if descending:
            found.reverse()
    remaining = RemainingUnits(groups)
    order: list[int] = []
    kept: list[int] = []
    for g in found:
        if remaining.can_remove(g):
            remaining.remove(g)
            order.append(g)
        else:
            kept.append(g)
    step = max(1, round(len(groups) / 40))
    counts = (*range(0, len(order), step), len(order))
    return Ordering(np.asarray([*order, *kept], np.int64), counts, np.zeros(len(groups)))


def _structure(groups: Groups, wanted: SearchOptions, group: int) -> float:
    values = [
        float(wanted.structure[layer][unit])
        for layer, unit in groups.members[group]
        if layer in wanted.structure
    ]
    known = [v for v in values if not np.isnan(v)]
    return max(known) if known else -np.inf


def smaller(search: Search, removed: NDArray[np.bool_]) -> Rebuilt:
    """Return the network without groups `(G,)`, in its own range of values."""
    trial = search.measured.trial
    refits = search.measured.refits(removed)
    every = trial.weights(refits)
    changed = {trial.operation_of(number) for number in refits}
    weights = {operation: values for operation, values in every.items() if operation in changed}
    return rebuilt(trial.model, trial.groups, np.flatnonzero(removed).tolist(), weights=weights)
