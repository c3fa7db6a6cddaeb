"""Rules of a gate: `dead <= 5`, `structured_share in conv* >= 60%`, and against a version `died <= 2`.

A rule names a number, perhaps layers, and a limit. Which units stand behind a number is reported with it.
"""

from __future__ import annotations

import fnmatch
import math
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from reportgen.compare.removed import removed_units
from reportgen.compare.rows import Version
from reportgen.comparison import STATES, Comparison, LayerPair, UnitChange
from reportgen.errors import ConfigError, suggestion
from reportgen.units import UnitScore
from reportgen.verdicts import WORDS

Unit = tuple[str, int]
"""Layer and index in the version that is judged, or, of a unit that is only in the other, there."""

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}
_FORM = re.compile(
    r"\s*(?P<name>[a-z][a-z_-]*)(?:\s+in\s+(?P<layers>\S+))?\s*(?P<op><=|>=|==|<|>)\s*(?P<limit>\S+)\s*"
)
_OWN = (*WORDS, "copies", "superfluous")
_BETWEEN = (*STATES, "changed", "counterparts")
_REMOVABLE = "removable_share"
"""Units that went, of those that can be removed: counted by removal on pictures, not by scores."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit of a number.

    Attributes:
        text: As it was written.
        name: What is counted; ends in `_share` or `_change` where it is a share or a difference.
        layers: Glob of the layers it is about; `*` for all.
        op: `<=`, `>=`, `<`, `>` or `==`.
        limit: The number.
    """

    text: str
    name: str
    layers: str
    op: str
    limit: float

    @property
    def counted(self) -> str:
        """What is counted, without its ending."""
        return self.name.removesuffix("_share").removesuffix("_change")

    @property
    def compares(self) -> bool:
        """Whether it needs another version."""
        return self.counted in _BETWEEN or self.name.endswith("_change")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rule with what was found.

    Attributes:
        value: The number; None where it is not known.
        held: Whether the rule holds; false where there is no number.
        units: The units behind a rule that does not hold: those counted where there are too many, those not
            counted where there are too few.
        other: Whether those units are of the version compared against, which alone has them.
    """

    rule: Rule
    value: float | None
    held: bool
    units: tuple[Unit, ...] = ()
    other: tuple[Unit, ...] = ()


def read_rule(text: str) -> Rule:
    """Return a rule from its text, `NAME [in LAYERS] OP NUMBER`.

    Raises:
        ConfigError: Another form, or a name that is not counted.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ConfigError(f'rule "{text}": wanted NAME [in LAYERS] OP NUMBER such as "dead <= 5"')
    name = found["name"].replace("repurposed", "re-purposed")
    known = [
        *(f"{n}{e}" for n in _OWN for e in ("", "_share", "_change")),
        *(f"{n}{e}" for n in _BETWEEN for e in ("", "_share")),
        "units",
        _REMOVABLE,
    ]
    if name not in known:
        words = ", ".join((*_OWN, *_BETWEEN, "units"))
        every = f"one of {words}, each also with _share; {_REMOVABLE}"
        hint = suggestion(name, known, otherwise="") or every
        raise ConfigError(f'rule "{text}": "{name}" is not counted', hint=hint)
    try:
        limit = float(found["limit"].removesuffix("%")) / (100 if found["limit"].endswith("%") else 1)
        if not math.isfinite(limit):
            raise ValueError
    except ValueError:
        raise ConfigError(f'rule "{text}": "{found["limit"]}" is no number') from None
    return Rule(text.strip(), name, found["layers"] or "*", found["op"], limit)


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
    if rule.counted in _BETWEEN and comparison is not None:
        return _between(rule, comparison)
    if not any(fnmatch.fnmatchcase(x.name, rule.layers) for x in version.record.layers):
        raise _no_layer(rule, [x.name for x in version.record.layers])
    if rule.name == _REMOVABLE:
        return _removable(rule, version)
    if rule.name == "superfluous_change" and against is not None:
        _check_told_alike(rule, version, against)
    members, rest = _members(rule.counted, _layers(version, rule.layers))
    value: float | None = float(len(members))
    total = len(members) + len(rest)
    if not total:
        value = None
    elif rule.name.endswith("_share"):
        value = len(members) / total
    elif rule.name.endswith("_change") and against is not None:
        value = float(len(members) - len(_members(rule.counted, _layers(against, rule.layers))[0]))
    return _outcome(rule, value, members, rest)


Layers = Mapping[str, tuple[Sequence[UnitScore], Collection[int]]]
"""By layer, its scores, and which of its units are superfluous."""


def _layers(version: Version, layers: str) -> Layers:
    """Return the layers that a glob names; superfluous is what removal took, else what is certain."""
    store, model, removed = version.store, version.record.id, removed_units(version)
    found = {}
    for layer in version.record.layers:
        if fnmatch.fnmatchcase(layer.name, layers):
            own = removed.get(layer.name) if removed is not None else None
            certain = (
                (store.findings(model, layer.name).certainly_superfluous or ()) if removed is None else ()
            )
            found[layer.name] = (store.scores(model, layer.name), own.gone if own is not None else certain)
    return found


def _members(name: str, layers: Layers) -> tuple[list[Unit], list[Unit]]:
    """Return the units that are counted, and the others."""
    members: list[Unit] = []
    rest: list[Unit] = []
    for layer, (rows, superfluous) in layers.items():
        for s in rows:
            counted = {
                "units": True,
                "copies": s.duplicate_of is not None,
                "superfluous": s.unit in superfluous,
            }.get(name, s.verdict == name)
            (members if counted else rest).append((layer, s.unit))
    return members, rest


def _removable(rule: Rule, version: Version) -> Outcome:
    """Return which share of the units that can be removed went together."""
    removed = removed_units(version)
    if removed is None:
        raise ConfigError(
            f'rule "{rule.text}": removal was not measured for {version.id}', hint=_HOW_TO_MEASURE
        )
    own = {name: units for name, units in removed.items() if fnmatch.fnmatchcase(name, rule.layers)}
    members = [(layer, unit) for layer, units in own.items() for unit in sorted(units.gone)]
    rest = [(layer, unit) for layer, units in own.items() for unit in sorted(units.left)]
    if not members and not rest:
        raise ConfigError(f'rule "{rule.text}": no unit there can be removed')
    return _outcome(rule, len(members) / (len(members) + len(rest)), members, rest)


def _check_told_alike(rule: Rule, version: Version, against: Version) -> None:
    """Refuse to hold what removal showed of one version against what is certain of the other."""
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


def _between(rule: Rule, c: Comparison) -> Outcome:
    pairs = [p for p in c.layers if fnmatch.fnmatchcase(p.layer_b, rule.layers)]
    if not pairs:
        raise _no_layer(rule, [p.layer_b for p in c.layers])
    if rule.counted == "counterparts":
        n, total = sum(p.counterparts_a for p in pairs), sum(p.n_a for p in pairs)
        value = n / total if rule.name.endswith("_share") and total else float(n)
        return Outcome(rule, value, _OPERATORS[rule.op](value, rule.limit))
    rows = [(p, x) for p in pairs for x in p.changes]
    members = [(p, x) for p, x in rows if _is(rule.counted, x)]
    rest = [(p, x) for p, x in rows if not _is(rule.counted, x)]
    share = rule.name.endswith("_share")
    value = len(members) / len(rows) if share and rows else float(len(members))
    held = _OPERATORS[rule.op](value, rule.limit)
    behind = [] if held else members if rule.op in ("<=", "<") else rest
    return Outcome(rule, value, held, _after(behind), _before(behind))


def _is(word: str, change: UnitChange) -> bool:
    return not change.kept if word == "changed" else change.state == word


def _after(rows: Sequence[tuple[LayerPair, UnitChange]]) -> tuple[Unit, ...]:
    return tuple((p.layer_b, x.b.unit) for p, x in rows if x.b is not None)


def _before(rows: Sequence[tuple[LayerPair, UnitChange]]) -> tuple[Unit, ...]:
    return tuple((p.layer_a, x.a.unit) for p, x in rows if x.b is None and x.a is not None)


def _outcome(rule: Rule, value: float | None, members: Sequence[Unit], rest: Sequence[Unit]) -> Outcome:
    held = value is not None and _OPERATORS[rule.op](value, rule.limit)
    behind = () if held else members if rule.op in ("<=", "<") else rest
    return Outcome(rule, value, held, tuple(behind))
