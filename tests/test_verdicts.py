"""The table of verdicts, and that no other place forgets one: code, styles, and documents."""

import ast
import re
from itertools import chain
from pathlib import Path

import pytest

from reportgen.verdicts import MARKS, UNDECIDED, UNSCORED, VERDICTS, WORDS, verdict_of

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
STYLE = (ROOT / "templates/assets/atlas.css").read_text(encoding="utf-8")
SOURCES = [p for p in sorted((ROOT / "reportgen").rglob("*.py")) if p.name != "verdicts.py"]


def test_words_and_marks_are_each_one_s_own():
    assert len(set(WORDS)) == len(WORDS) and len(set(MARKS.values())) == len(MARKS) == len(WORDS) + 1


def test_a_meaning_is_one_sentence():
    assert [v.word for v in VERDICTS if not re.fullmatch(r"[A-Z][^.]*\.", v.meaning)] == []


def test_only_a_pattern_recurs_or_changes_and_only_pictures_that_tell_hold_one():
    for v in VERDICTS:
        assert (v.recurs is None) == (v.pattern is not True)
        assert v.pattern or not v.changes
        assert v.informative or (v.varied is False and v.pattern is None)
        assert v.shown_leads or v.noise


def test_the_order_of_patterns_puts_noise_below_what_changes_below_what_recurs():
    assert {v.word: v.order for v in VERDICTS} == {
        "structured": 2, "multifaceted": 2, "unstable": 1, "static": 0, "flat": 0,
        "dead": None, "undecided": None, "failed": None,
    }  # fmt: skip


def test_a_word_of_nobody_s_is_as_if_nothing_was_scored():
    assert verdict_of("") is verdict_of("splendid") is UNSCORED


def _of_verdicts(node):
    """Whether an expression is about verdicts or counts of them, by what it is called."""
    return re.search(r"verdict|count", ast.unparse(node)) is not None


def _literals(node):
    """Verdict words that a piece of code compares with, looks up, or lists."""
    if isinstance(node, ast.Compare):
        parts = [node.left, *node.comparators]
        found = chain.from_iterable(
            p.elts if isinstance(p, (ast.Tuple, ast.List, ast.Set)) else [p] for p in parts
        )
        found = list(found) if any(map(_of_verdicts, parts)) else []
    elif isinstance(node, ast.Subscript):
        found = [node.slice] if _of_verdicts(node.value) else []
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        found = node.args[:1] if _of_verdicts(node.func.value) else []
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict)):
        found = node.keys if isinstance(node, ast.Dict) else node.elts
    else:
        return set()
    words = {x.value for x in found if isinstance(x, ast.Constant) and x.value in WORDS}
    several = isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict))
    return words if not several or len(words) > 1 else set()


def _told(text, name):
    return [
        f"{name}:{node.lineno} {sorted(found)}"
        for node in ast.walk(ast.parse(text))
        if (found := _literals(node))
    ]


def test_no_other_module_compares_or_lists_the_words():
    assert [x for p in SOURCES for x in _told(p.read_text(encoding="utf-8"), p.relative_to(ROOT))] == []


@pytest.mark.parametrize(
    "text",
    ['s.verdict == "dead"', 's.verdict in ("static", other)', 'counts["unstable"]', 'x.counts.get("dead", 0)',
     '_NOISE = ("static", "dead")', '_PATTERN = {"structured": 2, "static": 0}'],
)  # fmt: skip
def test_the_search_finds_a_word_in_code(text):
    assert _told(text, "here.py")


def test_the_style_sheet_knows_every_mark():
    palettes = len(re.findall(r"--s: #", STYLE))
    assert palettes >= 3
    for mark in MARKS.values():
        assert len(re.findall(rf"--{mark}: #", STYLE)) == palettes
        assert re.search(rf"\.{mark} {{ --v: var\(--{mark}\); --k: ", STYLE)
        assert re.search(rf"\.b-{mark} {{ fill: var\(--{mark}\)", STYLE)


def test_scripts_have_the_words_from_the_data_they_read():
    for script in sorted((ROOT / "templates/assets").glob("*.js")):
        text = script.read_text(encoding="utf-8")
        assert not re.findall(r'\[[^\]]*"(?:unstable|undecided)"[^\]]*\]', text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_a_document_that_explains_the_verdicts_has_each_in_order_with_its_one_meaning(document):
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \|$", document.read_text(encoding="utf-8"), re.MULTILINE)
    told = [(word, meaning) for word, meaning in rows if word in WORDS]
    assert told in ([], [(v.word, v.meaning) for v in VERDICTS])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_a_document_that_lists_the_verdicts_lists_all(document):
    text = document.read_text(encoding="utf-8")
    for listed in re.findall(r"(?:`[a-z]+`, ){3,}`[a-z]+`", text):
        found = re.findall(r"`([a-z]+)`", listed)
        assert len(set(WORDS) & set(found)) < 2 or tuple(found) == WORDS


def test_the_verdicts_are_explained_and_listed_somewhere():
    texts = {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in DOCUMENTS}
    assert all(
        f"| {UNDECIDED.word} | {UNDECIDED.meaning} |" in texts[name]
        for name in ("README.md", "docs/method.md")
    )
    assert all(f"`{'`, `'.join(WORDS)}`" in texts[name] for name in ("docs/formats.md", "docs/comparing.md"))


def test_the_method_names_each_cause_of_undecided():
    text = (ROOT / "docs/method.md").read_text(encoding="utf-8")
    rows = "".join(f"| {cause.word} | {cause.meaning} |\n" for cause in UNDECIDED.causes)
    assert UNDECIDED.causes and rows in text
