"""The table of operators as the documentation shows it, made from the registry."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.models.onnx.refusals import REFUSED
from reportgen.models.onnx.registry import operators


@dataclass(frozen=True)
class Supported:
    """One operator that is imported.

    Attributes:
        name: As ONNX calls it.
        family: Which kind of operator it is.
        opsets: Versions of its meaning, such as `7, 13, 14`.
        constant_inputs: Names of inputs that must be constant.
        note: What of it is not read.
    """

    name: str
    family: str
    opsets: str
    constant_inputs: tuple[str, ...]
    note: str


def supported_operators() -> tuple[Supported, ...]:
    """Return all operators that are imported, by name."""
    from reportgen.models.onnx.reading import onnx_module

    defs = onnx_module().defs
    found = []
    for name, operator in operators().items():
        versions = sorted(
            s.since_version for s in defs.get_all_schemas_with_history() if s.name == name and s.domain == ""
        )
        schema = defs.get_schema(name, versions[-1], "")
        read = [v for v in versions if v >= 7] or versions[-1:]
        older = [v for v in versions if v < 7]
        shown = ([max(older)] if older and 7 not in read else []) + [v for v in read if v not in older]
        fixed = tuple(schema.inputs[i].name for i in operator.fixed if i < len(schema.inputs))
        found.append(Supported(name, operator.family, ", ".join(map(str, shown)), fixed, operator.note))
    return tuple(found)


def markdown() -> str:
    """Return the section of docs/onnx-operators.md: what is imported, and what is refused and why."""
    lines = ["| operator | versions | must be constant | not read |", "|---|---|---|---|"]
    for line in supported_operators():
        fixed = ", ".join(f"`{n}`" for n in line.constant_inputs)
        lines.append(f"| `{line.name}` | {line.opsets} | {fixed} | {line.note} |")
    lines += ["", "Refused, by name of the node:", "", "| operators | why | what to do |", "|---|---|---|"]
    reasons: dict[tuple[str, str], list[str]] = {}
    for name, words in REFUSED.items():
        reasons.setdefault(words, []).append(name)
    for (why, hint), names in reasons.items():
        lines.append(f"| {', '.join(f'`{n}`' for n in names)} | {why} | {hint} |")
    lines.append("| any operator of a custom domain | wanted standard operators only | export without them |")
    lines += [
        "",
        "Of `ai.onnx.ml`, what names classes at the end (`ZipMap`, `LabelEncoder`, `ArrayFeatureExtractor`)",
    ]
    lines += ["is left out with a note, and the numbers behind it are read."]
    return "\n".join(lines) + "\n"
