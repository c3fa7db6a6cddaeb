"""The gate: a version checked against rules, and against the version before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from reportgen.compare import compare_versions
from reportgen.compare.outcomes import Outcome, Result, judge
from reportgen.compare.report import number_in_words, plain
from reportgen.compare.rules import Rule, read_rule
from reportgen.comparison import VersionId
from reportgen.config import Settings
from reportgen.errors import ConfigError
from reportgen.json_values import JsonObject
from reportgen.run.comparing import Places, linker, places_of
from reportgen.run.gate_files import badge, junit
from reportgen.run.notebook_html import as_html, table, whole
from reportgen.run.versions import check_stored, named_or_last, open_versions, read_name


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
        """Whether every number as measured is within its limit."""
        return all(outcome.held for outcome in self.outcomes)

    @property
    def result(self) -> Result:
        """`fail` if any rule fails, else `investigate` if any is to be investigated, else `pass`."""
        return Result.of_all([outcome.result for outcome in self.outcomes])

    def passes(self, *, strict: bool = False) -> bool:
        """Return whether the gate lets the version through; rules to be investigated do unless `strict`."""
        return self.result is Result.PASS or (self.result is Result.INVESTIGATE and not strict)

    def _repr_html_(self) -> str:
        before = f" against {self.against}" if self.against else ""
        rows = []
        for o in self.outcomes:
            units = [f"{layer} {u}" for _, layer, u, _ in self.units_behind(o)[:MAX_LISTED]]
            limit = f"{OPERATOR_SIGNS[o.rule.op]} {o.rule.limit:g}"
            cells = (o.rule.text, number_in_words(o.number), ", ".join(units))
            rule, value, behind = map(as_html, cells)
            rows.append((rule, value, limit, o.result.value, behind))
        return whole(
            f"<b>{_HEADLINES[self.result]}</b>: {as_html(f'{self.version}{before}')}",
            table(("rule", "value", "limit", "result", "units"), rows),
        )

    def as_dict(self, url: str = "") -> JsonObject:
        """Return the result as JSON values; `url` is the address of the site."""
        rules = [
            {
                "rule": o.rule.text,
                "result": o.result.value,
                "value": o.value,
                "low": o.number.low if o.value is not None else None,
                "high": o.number.high if o.value is not None else None,
                "estimated": o.number.estimated,
                "limit": o.rule.limit,
                "held": o.held,
                "units": [_unit(*u) for u in self.units_behind(o, url)],
            }
            for o in self.outcomes
        ]
        sides: JsonObject = {"version": dataclasses.asdict(self.version)}
        if self.against is not None:
            sides["against"] = dataclasses.asdict(self.against)
        return {**sides, "result": self.result.value, "held": self.held, "rules": rules}

    def units_behind(self, outcome: Outcome, url: str = "") -> list[tuple[str, str, int, str]]:
        """Return the units that make a rule fail, or that decide a rule to be investigated.

        Returns:
            Version, layer, unit, and address ("" if unknown) of each.
        """
        link = linker(self.places, url)
        found = [(self.version, *unit) for unit in outcome.units]
        if self.against is not None:
            found += [(self.against, *unit) for unit in outcome.other]
        return [(v.version, layer, unit, link(v, layer, unit)) for v, layer, unit in found]

    def markdown(self, url: str = "") -> str:
        """Return a table of rule, value, limit and result, and the units behind rules that do not pass."""
        before = f" against {plain(str(self.against))}" if self.against else ""
        lines = [f"### {_HEADLINES[self.result]}: {plain(str(self.version))}{before}", ""]
        lines += ["| rule | value | limit | |", "|---|---:|---:|---|"]
        for o in self.outcomes:
            limit = f"{OPERATOR_SIGNS[o.rule.op]} {o.rule.limit:g}"
            cells = [plain(o.rule.text), number_in_words(o.number), limit, _IN_BOLD[o.result]]
            lines.append(f"| {' | '.join(cells)} |")
        for o in self.outcomes:
            units = self.units_behind(o, url)
            if units:
                named = [
                    f"[{plain(layer)} {u}]({to})" if to else f"{plain(layer)} {u}"
                    for _, layer, u, to in units[:MAX_LISTED]
                ]
                more = f", and {len(units) - MAX_LISTED} more" if len(units) > MAX_LISTED else ""
                lines += ["", f"{BEHIND[o.result]} {plain(o.rule.text)}: {', '.join(named)}{more}."]
        return "\n".join(lines) + "\n"

    def junit(self, *, strict: bool = False) -> str:
        """Return the result as JUnit XML: a test case for each rule, with the units behind it in its message.

        A rule to be investigated is a skipped test, as JUnit has no third outcome; with `strict` a failure.
        """
        return junit(self.version, [(o, self.units_behind(o)) for o in self.outcomes], strict=strict)

    def badge(self) -> str:
        """Return the result as a small SVG picture for a page or a README."""
        return badge([o.result for o in self.outcomes])


MAX_LISTED = 32
OPERATOR_SIGNS = {"<=": "≤", ">=": "≥", "<": "&lt;", ">": "&gt;", "==": "="}
BEHIND = {Result.PASS: "Behind", Result.FAIL: "Behind", Result.INVESTIGATE: "Undecided for"}
_HEADLINES = {
    Result.PASS: "The gate holds",
    Result.FAIL: "The gate does not hold",
    Result.INVESTIGATE: "The gate holds, but investigate",
}
_IN_BOLD = {Result.PASS: "pass", Result.FAIL: "**fail**", Result.INVESTIGATE: "**investigate**"}


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
    named = named_or_last(word, settings)
    names = [named]
    if against is not None:
        names.append(read_name(against, settings.model_copy(update={"store": named.store})))
    for name in names:
        check_stored(name)
    with open_versions(names) as versions:
        before = versions[1] if len(versions) > 1 else None
        wanted = before is not None and any(rule.compares for rule in read)
        comparison = compare_versions(before, versions[0]) if before is not None and wanted else None
        outcomes = judge(read, versions[0], before, comparison)
        addresses = places_of(versions)
        return GateResult(versions[0].id, before.id if before else None, tuple(outcomes), addresses)
