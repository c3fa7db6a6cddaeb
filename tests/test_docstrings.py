"""The examples in docstrings give what they show."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "reportgen").rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)


def wrong(examples):
    """What examples give in place of what they show, as text; empty where all hold."""
    said: list[str] = []
    assert examples.examples
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=said.append)
    return "".join(said)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_give_what_they_show(name):
    module = importlib.import_module(name)
    found = [x for x in doctest.DocTestFinder(exclude_empty=True).find(module) if x.examples]
    assert found
    assert not "".join(map(wrong, found))
