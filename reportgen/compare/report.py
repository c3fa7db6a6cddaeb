"""A comparison as JSON values, in words, and as Markdown fit for a comment on a pull request."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from reportgen.compare.outcomes import Number
from reportgen.comparison import (
    STATES,
    Comparison,
    Comparisons,
    LayerPair,
    Series,
    UnitChange,
    VersionId,
    sentences,
)
from reportgen.json_values import JsonObject

N_LARGEST = 10
Link = Callable[[VersionId, str, int], str]
"""From version, layer and unit to an address on the site, empty where there is none."""

_UNSAFE = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>#|!~"})


def as_json(found: Comparisons) -> JsonObject:
    """Return all of a comparison as JSON values (docs/comparing.md)."""
    return {
        "comparisons": [_comparison(c) for c in found.pairs],
        "series": [dataclasses.asdict(s) for s in found.series],
    }


def markdown(found: Comparisons, link: Link) -> str:
    """Return a summary: counts, a table of layers, the largest changes with links.

    Args:
        link: Gives the address of a unit on the site; names are escaped, addresses taken as they are.
    """
    parts = [_markdown_pair(c, link) for c in found.pairs]
    parts += [_markdown_series(s) for s in found.series]
    return "\n\n".join(parts) + "\n"


def _markdown_pair(c: Comparison, link: Link) -> str:
    lines = [f"### {plain(str(c.a))} → {plain(str(c.b))}", "", " ".join(plain(s) for s in sentences(c)), ""]
    shown = [s for s in STATES if c.counts.get(s)]
    lines += ["| layer | " + " | ".join(shown) + " | counterparts |", "|---|" + "---:|" * (len(shown) + 1)]
    for pair in c.layers:
        cells = [str(pair.counts.get(s, "")) for s in shown]
        chance = "" if pair.chance_a is None else f" (chance: {pair.chance_a})"
        name = plain(pair.layer_b if pair.layer_a == pair.layer_b else f"{pair.layer_a} → {pair.layer_b}")
        lines.append(f"| {name} | {' | '.join(cells)} | {pair.counterparts_a} of {pair.n_a}{chance} |")
    rows = c.largest(N_LARGEST)
    if rows:
        lines += ["", f"The {len(rows)} largest changes:" if len(rows) > 1 else "The one change:", ""]
        lines += [f"- {_markdown_change(c, pair, x, link)}" for pair, x in rows]
    lines += [f"\n> {plain(note)}" for note in c.notes]
    return "\n".join(lines)


def _markdown_change(c: Comparison, pair: LayerPair, x: UnitChange, link: Link) -> str:
    parts = []
    for side, layer, version in ((x.a, pair.layer_a, c.a), (x.b, pair.layer_b, c.b)):
        if side is not None:
            name, where = plain(f"{layer} {side.unit}"), link(version, layer, side.unit)
            verdict = f" ({side.verdict})" if side.verdict else ""
            parts.append((f"[{name}]({where})" if where else name) + verdict)
    tail = ", because of an earlier layer" if x.consequence else ""
    only = " only before" if x.b is None else " only after" if x.a is None else ""
    return f"**{x.state}**{only}: {' → '.join(parts)}; {plain(x.reason)}{tail}"


def _markdown_series(s: Series) -> str:
    head = "| | " + " | ".join(plain(v.version) for v in s.versions) + " |"
    lines = [f"### {plain(s.versions[0].model)}, {len(s.versions)} versions", "", head]
    lines.append("|---|" + "---:|" * len(s.versions))
    for line in s.lines:
        if not line.layer:
            cells = ["–" if v is None else _number(line.measure, v) for v in line.values]
            lines.append(f"| {line.measure.replace('_', ' ')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(measure: str, value: float) -> str:
    return f"{100 * value:.0f} %" if measure.endswith("_share") else f"{value:.1f}".removesuffix(".0")


def _comparison(c: Comparison) -> JsonObject:
    body: JsonObject = {
        "a": dataclasses.asdict(c.a),
        "b": dataclasses.asdict(c.b),
        "chance": dataclasses.asdict(c.chance) if c.chance else None,
        "summary": sentences(c),
        "counts": c.counts,
        "consequences": c.consequences,
        "counterparts": {"a": c.counterparts_a, "of": c.n_a},
        "paired_by": c.paired_by,
        "alone": {"a": list(c.alone_a), "b": list(c.alone_b)},
        "cka": {"a": list(c.names_a), "b": list(c.names_b), "values": [list(row) for row in c.cka]},
        "notes": list(c.notes),
    }
    return {**body, "layers": [_layer(pair) for pair in c.layers]}


def _layer(pair: LayerPair) -> JsonObject:
    fields = {f.name: getattr(pair, f.name) for f in dataclasses.fields(pair) if f.name not in ("changes",)}
    flow = [{"a": a, "b": b, "units": n} for (a, b), n in pair.flow.items()]
    units = [_unit(x) for x in pair.changes]
    return {**fields, "counts": pair.counts, "flow": flow, "units": units}


def _unit(change: UnitChange) -> JsonObject:
    """Return a unit's change as JSON values, by the stable names of docs/comparing.md."""
    fields = dataclasses.asdict(change)
    fields["likeness"] = fields.pop("similarity")
    return fields


def plain(text: str) -> str:
    """Return text that Markdown takes as text, on one line."""
    return " ".join(text.split()).translate(_UNSAFE).replace("@", "@\u200b")


def number_in_words(number: Number) -> str:
    """Return a rule's number for people, with its interval where it is not certain; a dash if undefined."""
    if number.value is None:
        return "–"
    text = _short(number.value)
    if number.low != number.high:
        text += f" ({_short(number.low)} to {_short(number.high)})"
    return f"about {text}" if number.estimated else text


def _short(value: float) -> str:
    return f"{value:.3g}" if value != int(value) else f"{value:.0f}"
