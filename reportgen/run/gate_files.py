"""The result of a gate as files for other tools: JUnit XML, and a badge.

Names come from untrusted model files. They are escaped, and characters that XML does not allow are replaced
by visible ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from reportgen.compare.outcomes import Outcome, Result
from reportgen.compare.report import number_in_words
from reportgen.comparison import VersionId
from reportgen.units import visible_line

Unit = tuple[str, str, int, str]
"""Version, layer, unit, and its address."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    r"""Return text of which every character is allowed in XML 1.0, in one line.

    Example:
        >>> xml_text("conv\x00\x1b[2J\ud800 <1>")
        'conv␀␛[2J� <1>'
    """
    return _NOT_XML.sub("\ufffd", visible_line(text))


def junit(version: VersionId, outcomes: Sequence[tuple[Outcome, Sequence[Unit]]], *, strict: bool) -> str:
    """Return JUnit XML: a test case for each rule.

    Args:
        version: What was judged.
        outcomes: Of each rule, with the units behind it.
        strict: Whether a rule to be investigated is a failure; it is a skipped test otherwise.
    """
    name = xml_text(str(version))
    cases = [_case(outcome, units, name, strict=strict) for outcome, units in outcomes]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": "0",
    }
    suites = ElementTree.Element("testsuites", {"name": "reportgen gate", **counts})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": f"reportgen gate: {name}", **counts})
    suite.extend(cases)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _case(outcome: Outcome, units: Sequence[Unit], name: str, *, strict: bool) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", {"name": xml_text(outcome.rule.text), "classname": f"reportgen.gate.{name}", "time": "0"}
    )
    if outcome.result is not Result.PASS:
        failed = outcome.result is Result.FAIL or strict
        said = {"message": xml_text(_message(outcome))}
        if failed:
            said["type"] = outcome.result.value
        element = ElementTree.SubElement(case, "failure" if failed else "skipped", said)
        lines = [_message(outcome), *(f"{version} {layer} {unit}" for version, layer, unit, _ in units)]
        element.text = "\n".join(map(xml_text, lines))
    return case


def _message(outcome: Outcome) -> str:
    found, limit = number_in_words(outcome.number), f"{outcome.rule.op} {outcome.rule.limit:g}"
    if outcome.result is Result.INVESTIGATE:
        return f"investigate: {outcome.rule.name} is {found}; whether it is {limit} is not certain"
    return f"{outcome.rule.name} is {found}, wanted {limit}"


_COLOURS = {Result.PASS: "#1b7f3b", Result.FAIL: "#b3261e", Result.INVESTIGATE: "#8a5a00"}
_LETTER_PX = 7
_PADDING_PX = 10


def badge(results: Sequence[Result]) -> str:
    """Return a badge as SVG: `reportgen`, and the result of all rules with how many do not pass."""
    worst = Result.of_all(results)
    label, text = "reportgen", worst.value
    if worst is not Result.PASS:
        text += f", {results.count(worst)} of {len(results)}"
    left, right = (_LETTER_PX * len(words) + _PADDING_PX for words in (label, text))
    width, name = left + right, f"{label}: {text}"
    size = f'width="{width}" height="20"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{name}">
<title>{name}</title>
<clipPath id="r"><rect {size} rx="3"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="20" fill="#444"/>
<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[worst]}"/>
</g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{left / 2:g}" y="14" textLength="{left - _PADDING_PX}">{label}</text>
<text x="{left + right / 2:g}" y="14" textLength="{right - _PADDING_PX}">{text}</text>
</g>
</svg>
"""
