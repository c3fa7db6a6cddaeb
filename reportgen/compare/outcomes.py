"""What is found for each rule of a gate: pass, fail, or investigate where the number decides nothing.

A number has an interval: units near a threshold may as well have the next verdict, and an estimate is only
known to lie between two values. Where a rule holds for a part of the interval and not for the rest, neither
pass nor fail would be true.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reportgen.compare.estimated import estimated_count
from reportgen.compare.possible import possible_verdicts
from reportgen.compare.removed import removed_units
from reportgen.compare.rows import Version
from reportgen.compare.rules import BETWEEN, REMOVABLE, Rule
from reportgen.comparison import KEPT, Comparison, LayerPair, UnitChange
from reportgen.errors import ConfigError, suggestion
from reportgen.units import UnitScore

Unit = tuple[str, int]
"""Layer and index in the version that is judged, or, of a unit that is only in the other, there."""


class Result(StrEnum):
    """How a rule, or a gate, ends."""

    PASS = "pass"
    FAIL = "fail"
    INVESTIGATE = "investigate"

    @staticmethod
    def of_all(results: Collection[Result]) -> Result:
        """Return the result of several: the worst of them.

        Example:
            >>> str(Result.of_all([Result.PASS, Result.INVESTIGATE]))
            'investigate'
        """
        return next((r for r in (Result.FAIL, Result.INVESTIGATE) if r in results), Result.PASS)


@dataclass(frozen=True, slots=True)
class Number:
    """What a rule counts: a number, and between which values it may lie.

    Attributes:
        value: As measured; None where there is none.
        low, high: The smallest and largest value that it may have; both `value` where it is certain.
        estimated: Whether it is an estimate, so that the interval is not due to units near a threshold alone.
        unsure: Units that may as well be counted otherwise.
        unsure_before: Those of them that are only in the version compared against.
    """

    value: float | None
    low: float = math.nan
    high: float = math.nan
    estimated: bool = False
    unsure: tuple[Unit, ...] = ()
    unsure_before: tuple[Unit, ...] = ()

    @classmethod
    def certain(cls, value: float | None) -> Number:
        """Return a number that has no other value."""
        return cls(value) if value is None else cls(value, value, value)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rule with what was found.

    Attributes:
        number: What was counted, and its interval.
        units: The units behind a rule that does not hold: those counted where there are too many, those not
            counted where there are too few; of a rule to be investigated, those that decide it.
        other: Such units of the version compared against, which alone has them.
    """

    rule: Rule
    number: Number
    units: tuple[Unit, ...] = ()
    other: tuple[Unit, ...] = ()

    @property
    def value(self) -> float | None:
        """The number as measured; None where it is not known."""
        return self.number.value

    @property
    def held(self) -> bool:
        """Whether the number as measured is within the limit; false where there is none."""
        return self.value is not None and self.rule.allows(self.value)

    @property
    def result(self) -> Result:
        """Pass or fail where that is so in the whole interval; else investigate."""
        return _result(self.rule, self.number)


def _result(rule: Rule, number: Number) -> Result:
    if number.value is None:
        return Result.FAIL
    if rule.allows_all(number.low, number.high):
        return Result.PASS
    return Result.INVESTIGATE if rule.allows_some(number.low, number.high) else Result.FAIL


def judge(rules: Sequence[Rule], version: Version, against: Version | None,
          comparison: Comparison | None) -> list[Outcome]:  # fmt: skip
    """Return what is found for every rule.

    Args:
        version: What is judged.
        against: The version before it; None where no rule compares.
        comparison: From `against` to `version`.

    Raises:
        ConfigError: A rule compares and there is nothing to compare with, names layers that are not there,
            or needs a measurement that was not taken.
    """
    return [_judged(rule, version, against, comparison) for rule in rules]


def _judged(rule: Rule, version: Version, against: Version | None, comparison: Comparison | None) -> Outcome:
    if rule.compares and (against is None or comparison is None):
        raise ConfigError(f'rule "{rule.text}" compares two versions', hint="say --against VERSION")
    if rule.counted in BETWEEN and comparison is not None:
        return _between(rule, comparison)
    if not any(rule.applies_to(x.name) for x in version.record.layers):
        raise _no_layer(rule, [x.name for x in version.record.layers])
    if rule.name == REMOVABLE:
        return _removable(rule, version)
    if rule.name == "superfluous_change" and against is not None:
        _check_measured_in_both(rule, version, against)
    if rule.name.endswith("_change"):
        _check_whole(rule, [x for x in (version, against) if x is not None])
    layers = _layers(version, rule)
    count = _count(rule, layers)
    if rule.name.endswith("_change") and against is not None:
        return _outcome(rule, _change(rule, version, against), count.members, count.rest)
    number = count.number(share=rule.name.endswith("_share"))
    if rule.name in (rule.counted, f"{rule.counted}_share"):
        number = _for_all_units(rule, version, layers, number)
    return _outcome(rule, number, count.members, count.rest)


def _check_whole(rule: Rule, versions: Sequence[Version]) -> None:
    """Refuse a rule about a difference of counts where one is that of units drawn at random."""
    for version in versions:
        record, store = version.record, version.store
        for layer in record.layers:
            judged = (
                len(store.scores(record.id, layer.name)) if record.is_drawn(layer.name) else layer.n_units
            )
            if rule.applies_to(layer.name) and 0 < judged < layer.n_units:
                raise ConfigError(
                    f'rule "{rule.text}" compares counts, and of layer "{layer.name}" of '
                    f"{record.name} {record.version} {judged} of {layer.n_units} units were drawn",
                    hint="use a rule about a share, or render all units",
                )


def _for_all_units(rule: Rule, version: Version, layers: Layers, number: Number) -> Number:
    """Return the number for all units, as an estimate, where units were drawn; else the number as it is."""
    share = estimated_count(rule, version.record, {name: rows for name, (rows, _) in layers.items()})
    if share is None:
        return number
    times = 1.0 if rule.name.endswith("_share") else float(share.of)
    return dataclasses.replace(
        number, value=share.share * times, low=share.low * times, high=share.high * times, estimated=True
    )


Layers = Mapping[str, tuple[Sequence[UnitScore], Collection[int]]]
"""By layer, its scores, and which of its units are superfluous."""


def _layers(version: Version, rule: Rule) -> Layers:
    """Return the layers that a rule is about; superfluous is what was removed, else what is certain."""
    store, model, removed = version.store, version.record.id, removed_units(version)
    found = {}
    for layer in version.record.layers:
        if rule.applies_to(layer.name):
            own = removed.get(layer.name) if removed is not None else None
            certain = (
                (store.findings(model, layer.name).certainly_superfluous or ()) if removed is None else ()
            )
            found[layer.name] = (store.scores(model, layer.name), own.gone if own is not None else certain)
    return found


@dataclass(frozen=True, slots=True)
class _Count:
    """The units that a rule counts, the others, and those of either that may be among the other ones."""

    members: tuple[Unit, ...]
    rest: tuple[Unit, ...]
    unsure: frozenset[Unit]

    def number(self, *, share: bool) -> Number:
        """Return how many there are, as a number or as a share of all; without any unit there is none."""
        total = len(self.members) + len(self.rest)
        if not total:
            return Number(None)
        value, low, high = (n / total if share else float(n) for n in self.bounds())
        return Number(value, low, high, unsure=self.unsure_in_order)

    @property
    def unsure_in_order(self) -> tuple[Unit, ...]:
        """Those that may be counted otherwise: members first."""
        return tuple(u for u in (*self.members, *self.rest) if u in self.unsure)

    def bounds(self) -> tuple[int, int, int]:
        """Return the number of members, the fewest and the most that there may be."""
        low = sum(u not in self.unsure for u in self.members)
        return len(self.members), low, len(self.members) + sum(u in self.unsure for u in self.rest)


def _count(rule: Rule, layers: Layers) -> _Count:
    members: list[Unit] = []
    rest: list[Unit] = []
    unsure: set[Unit] = set()
    for layer, (rows, superfluous) in layers.items():
        for s in rows:
            counted = {
                "units": True,
                "copies": s.duplicate_of is not None,
                "superfluous": s.unit in superfluous,
            }.get(rule.counted, s.verdict == rule.counted)
            (members if counted else rest).append((layer, s.unit))
            possible = possible_verdicts(s)
            if rule.counted in possible and len(possible) > 1:
                unsure.add((layer, s.unit))
    return _Count(tuple(members), tuple(rest), frozenset(unsure))


def _change(rule: Rule, version: Version, against: Version) -> Number:
    """Return by how much a count grew.

    A unit that was judged by the same pictures in both versions is on the same side of a threshold in both,
    whichever that is, and takes nothing from how certain the difference is.
    """
    after, before = _layers(version, rule), _layers(against, rule)
    shared = _judged_equally(after, before)
    b, a = (_count(rule, layers) for layers in (after, before))
    total = len(b.members) + len(b.rest)
    if not total:
        return Number(None)
    b, a = (_Count(x.members, x.rest, x.unsure - shared) for x in (b, a))
    (n_b, low_b, high_b), (n_a, low_a, high_a) = b.bounds(), a.bounds()
    here, there = b.unsure_in_order, tuple(u for u in a.unsure_in_order if u not in b.unsure)
    return Number(n_b - n_a, low_b - high_a, high_b - low_a, unsure=here, unsure_before=there)


def _judged_equally(after: Layers, before: Layers) -> frozenset[Unit]:
    """Return the units whose numbers are equal in both."""
    a, b = (
        {(layer, s.unit, s.verdict, s.structure, s.look.contrast) for layer in x for s in x[layer][0]}
        for x in (after, before)
    )
    return frozenset((layer, unit) for layer, unit, *_ in a & b)


def _removable(rule: Rule, version: Version) -> Outcome:
    """Return which share of the units that can be removed were removed together."""
    removed = removed_units(version)
    if removed is None:
        raise ConfigError(
            f'rule "{rule.text}": removal was not measured for {version.id}', hint=_HOW_TO_MEASURE
        )
    own = {name: units for name, units in removed.items() if rule.applies_to(name)}
    members = tuple((layer, unit) for layer, units in own.items() for unit in sorted(units.gone))
    rest = tuple((layer, unit) for layer, units in own.items() for unit in sorted(units.left))
    if not members and not rest:
        raise ConfigError(f'rule "{rule.text}": no unit there can be removed')
    return _outcome(rule, Number.certain(len(members) / (len(members) + len(rest))), members, rest)


def _check_measured_in_both(rule: Rule, version: Version, against: Version) -> None:
    """Refuse to compare what removal showed of one version with what is certain of the other."""
    measured = [v for v in (version, against) if v.store.removal_fingerprint(v.record.id)]
    if len(measured) == 1:
        other = against if measured[0] is version else version
        raise ConfigError(
            f'rule "{rule.text}": removal was measured for {measured[0].id} and not for {other.id}',
            hint=_HOW_TO_MEASURE,
        )


_HOW_TO_MEASURE = (
    "measure it with reportgen atlas MODEL --images DIR, or take it from a file that reportgen prune wrote, "
    "with reportgen atlas MODEL --removal FILE"
)


def _no_layer(rule: Rule, names: Sequence[str]) -> ConfigError:
    return ConfigError(
        f'rule "{rule.text}": no layer is called "{rule.layers}"', hint=suggestion(rule.layers, names)
    )


Row = tuple[LayerPair, UnitChange]


def _between(rule: Rule, c: Comparison) -> Outcome:
    pairs = [p for p in c.layers if rule.applies_to(p.layer_b)]
    if not pairs:
        raise _no_layer(rule, [p.layer_b for p in c.layers])
    share = rule.name.endswith("_share")
    if rule.counted == "counterparts":
        n, total = sum(p.counterparts_a for p in pairs), sum(p.n_a for p in pairs)
        return Outcome(rule, Number.certain(n / total if share and total else float(n)))
    rows = [(p, x) for p in pairs for x in p.changes]
    members = [row for row in rows if _counts(rule.counted, row[1].state)]
    rest = [row for row in rows if not _counts(rule.counted, row[1].state)]
    unsure = [row for row in rows if len({_counts(rule.counted, state) for state in row[1].possible}) > 1]
    low = len(members) - sum(_counts(rule.counted, x.state) for _, x in unsure)
    high = len(members) + sum(not _counts(rule.counted, x.state) for _, x in unsure)
    value, low_, high_ = (n / len(rows) if share and rows else float(n) for n in (len(members), low, high))
    number = Number(value, low_, high_, unsure=_after(unsure), unsure_before=_before(unsure))
    return _outcome(rule, number, _after(members), _after(rest), _before(members), _before(rest))


def _counts(word: str, state: str) -> bool:
    return state not in KEPT if word == "changed" else state == word


def _after(rows: Sequence[Row]) -> tuple[Unit, ...]:
    return tuple((p.layer_b, x.b.unit) for p, x in rows if x.b is not None)


def _before(rows: Sequence[Row]) -> tuple[Unit, ...]:
    return tuple((p.layer_a, x.a.unit) for p, x in rows if x.b is None and x.a is not None)


def _outcome(
    rule: Rule,
    number: Number,
    members: tuple[Unit, ...],
    rest: tuple[Unit, ...],
    members_before: tuple[Unit, ...] = (),
    rest_before: tuple[Unit, ...] = (),
) -> Outcome:
    """Return an outcome with the units that are behind it."""
    match _result(rule, number):
        case Result.PASS:
            return Outcome(rule, number)
        case Result.INVESTIGATE:
            return Outcome(rule, number, number.unsure, number.unsure_before)
        case Result.FAIL if rule.upper:
            return Outcome(rule, number, members, members_before)
    return Outcome(rule, number, rest, rest_before)
