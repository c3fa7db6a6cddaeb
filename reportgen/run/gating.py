"""The gate: a version checked against rules, and against the version before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from reportgen.compare import compare_versions
from reportgen.compare.report import plain
from reportgen.compare.rules import Outcome, Rule, judge, read_rule
from reportgen.comparison import VersionId
from reportgen.config import Settings
from reportgen.errors import ConfigError, StoreError
from reportgen.json_values import JsonObject
from reportgen.run.comparing import Places, linker, places_of
from reportgen.run.versions import NamedVersion, open_versions, read_name
from reportgen.store import open_store


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate found.

    Attributes:
        version: What was judged.
        against: The version before it, or None.
        outcomes: One a rule, in the order of the rules.
    """

    version: VersionId
    against: VersionId | None
    outcomes: tuple[Outcome, ...]
    places: Places = field(default_factory=dict, repr=False)

    @property
    def held(self) -> bool:
        """Whether every rule holds."""
        return all(outcome.held for outcome in self.outcomes)

    def as_dict(self, url: str = "") -> JsonObject:
        """Return the result as JSON values; `url` is the address of the site."""
        rules = [
            {
                "rule": o.rule.text,
                "value": o.value,
                "limit": o.rule.limit,
                "held": o.held,
                "units": [_unit(*u) for u in self.failing_units(o, url)],
            }
            for o in self.outcomes
        ]
        sides: JsonObject = {"version": dataclasses.asdict(self.version)}
        if self.against is not None:
            sides["against"] = dataclasses.asdict(self.against)
        return {**sides, "held": self.held, "rules": rules}

    def failing_units(self, outcome: Outcome, url: str = "") -> list[tuple[str, str, int, str]]:
        """Return the units that make a rule fail: version, layer, unit, and address ("" if unknown)."""
        link = linker(self.places, url)
        found = [(self.version, *unit) for unit in outcome.units]
        if self.against is not None:
            found += [(self.against, *unit) for unit in outcome.other]
        return [(v.version, layer, unit, link(v, layer, unit)) for v, layer, unit in found]

    def markdown(self, url: str = "") -> str:
        """Return a table of rule, value and limit, and the units that make a rule fail."""
        word = "holds" if self.held else "does not hold"
        before = f" against {plain(str(self.against))}" if self.against else ""
        lines = [f"### The gate {word}: {plain(str(self.version))}{before}", ""]
        lines += ["| rule | value | limit | |", "|---|---:|---:|---|"]
        for o in self.outcomes:
            limit = f"{OPERATOR_SIGNS[o.rule.op]} {o.rule.limit:g}"
            held = "holds" if o.held else "**fails**"
            lines.append(f"| {plain(o.rule.text)} | {number(o.value)} | {limit} | {held} |")
        for o in self.outcomes:
            units = self.failing_units(o, url)
            if units:
                named = [
                    f"[{plain(layer)} {u}]({to})" if to else f"{plain(layer)} {u}"
                    for _, layer, u, to in units
                ]
                more = f", and {len(units) - MAX_LISTED} more" if len(units) > MAX_LISTED else ""
                lines += ["", f"Behind {plain(o.rule.text)}: {', '.join(named[:MAX_LISTED])}{more}."]
        return "\n".join(lines) + "\n"


MAX_LISTED = 32
OPERATOR_SIGNS = {"<=": "≤", ">=": "≥", "<": "&lt;", ">": "&gt;", "==": "="}


def number(value: float | None) -> str:
    """Return a rule's number for people; a dash if it is undefined."""
    return "–" if value is None else f"{value:.3g}" if value != int(value) else f"{value:.0f}"


def _unit(version: str, layer: str, unit: int, address: str) -> JsonObject:
    return {"version": version, "layer": layer, "unit": unit, "address": address}


def run_gate(word: str | None, rules: Sequence[str], against: str | None, settings: Settings) -> GateResult:
    """Return the outcome of rules for a version.

    Args:
        word: The version, as `versions.read_name` takes it; a store alone means the version stored last,
            None the last one in the store of the settings.
        rules: As texts; at least one.
        against: The version before, named in the same way or by its label in the same store.

    Raises:
        ConfigError: No rule, one that cannot be read, or one that compares without a version to compare with.
        StoreError: A version does not exist.
    """
    read: list[Rule] = [read_rule(text) for text in rules]
    if not read:
        raise ConfigError(
            "no rule is given, wanted at least one",
            hint='--rule "dead <= 5", or rule in reportgen.toml',
        )
    named = _judged_version(word, settings)
    names = [named]
    if against is not None:
        names.append(read_name(against, settings.model_copy(update={"store": named.store})))
    for name in names:
        if name.model is not None:
            raise StoreError(
                f'"{name.model}" is a model file, wanted a version in a store',
                hint="render it, then name its store",
            )
    with open_versions(names) as versions:
        before = versions[1] if len(versions) > 1 else None
        wanted = before is not None and any(rule.compares for rule in read)
        comparison = compare_versions(before, versions[0]) if before is not None and wanted else None
        outcomes = judge(read, versions[0], before, comparison)
        addresses = places_of(versions)
        return GateResult(versions[0].id, before.id if before else None, tuple(outcomes), addresses)


def _judged_version(word: str | None, settings: Settings) -> NamedVersion:
    named = read_name(word, settings) if word is not None else NamedVersion(settings.store)
    if named.label or named.model is not None:
        return named
    with open_store(named.store) as store:
        records = store.models()
    if not records:
        raise StoreError(f'store "{named.store.name}" holds no model', hint="render a model first")
    return NamedVersion(named.store, f"{records[-1].name}/{records[-1].version}")
