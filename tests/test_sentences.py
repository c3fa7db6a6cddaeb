"""Sentences are shown and never read: no code looks into a reason, a detail or a note for what it says."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "reportgen"

SENTENCES = {
    "caveat", "caveats", "dead_proof", "detail", "details", "finding", "findings", "note", "notes", "reason",
    "reasons", "sentence", "sentences", "told", "verdict_detail", "verdict_details", "why", "words",
}  # fmt: skip
"""Names of variables and fields that hold sentences."""

LOOKS = {
    "count", "endswith", "find", "index", "partition", "removeprefix", "removesuffix", "rfind", "rindex",
    "rpartition", "rsplit", "split", "splitlines", "startswith",
}  # fmt: skip
"""Methods of a text that look into it."""

EXCUSED = {
    # What stores before schema 3 have in sentences alone is made into data here, once.
    "store/earlier_scores.py",
}


def name_of(node):
    """The name by which an expression is known: of a variable, a field, a key, a function."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
            return str(getattr(node.args[0], "value", ""))
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("lower", "upper", "strip", "casefold"):
            return name_of(node.func.value)
        if name_of(node.func) == "str" and node.args:
            return name_of(node.args[0])
        return name_of(node.func)
    return ""


def is_sentence(node):
    name = name_of(node)
    return name in SENTENCES or name.endswith("_in_words")


def taken_from_many(tree):
    """Names of variables that stand for each of many sentences in turn."""
    loops = (n for n in ast.walk(tree) if isinstance(n, ast.For | ast.comprehension))
    return {loop.target.id for loop in loops if isinstance(loop.target, ast.Name) and is_sentence(loop.iter)}


def looked_into(tree):
    """Lines on which a sentence is searched, split or compared with a text."""
    each = taken_from_many(tree)

    def said(node):
        return is_sentence(node) or name_of(node) in each

    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            texts = [s for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str) and s.value]
            within = any(isinstance(op, ast.In | ast.NotIn) for op in node.ops)
            if texts and any(map(said, node.comparators if within else sides)):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            own, of_regexes = (
                node.func.value,
                isinstance(node.func.value, ast.Name) and node.func.value.id == "re",
            )
            looks = said(own) and node.func.attr in LOOKS
            matches = of_regexes or node.func.attr in ("match", "search", "fullmatch", "findall", "finditer")
            if looks or (matches and any(map(said, node.args))):
                yield node.lineno


@pytest.mark.parametrize(
    "code",
    [
        'if "no outgoing weight" in score.verdict_detail: pass',
        '"constant" not in row["reason"]',
        'fixed = score.dead_proof.startswith("interval bounds: 0 ")',
        'next(n for n in model.notes if n.startswith("untrained: "))',
        'found.get("reason", "").split("; ")',
        're.search("dead", str(score.reason))',
        "PATTERN.match(detail.lower())",
        'score.verdict_detail == "constant"',
        'activation_in_words(life).startswith("answers")',
    ],
)
def test_the_rule_finds_what_it_forbids(code):
    assert list(looked_into(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["if score.reason: pass", '"; ".join(notes)', 'reason == ""', 'f"{note}."', "notes += said"]
)
def test_the_rule_lets_a_sentence_be_shown(code):
    assert not list(looked_into(ast.parse(code)))


def test_no_script_looks_into_a_sentence():
    names, looks = "|".join(sorted(SENTENCES)), "endsWith|includes|indexOf|match|search|split|startsWith|test"
    reads = re.compile(rf"\b({names})\b[^\s;(]*\.({looks})\(")
    assert reads.search('v.note.split("; ")') and not reads.search("notes.join(', ')")
    scripts = sorted((PACKAGE.parent / "templates").rglob("*.*"))
    assert len(scripts) > 20
    found = [
        f"{path.name}: {m[0]}"
        for path in scripts
        if path.suffix in (".js", ".html")
        for m in reads.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_code_looks_into_a_sentence():
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if str(path.relative_to(PACKAGE)) not in EXCUSED
        for line in looked_into(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []
