"""What annotations say: how often `Any`, which may fall and not rise, and never in what others call."""

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "reportgen"
MOST = 350
"""Times that the word `Any` stands in the package; lower it when you lower them."""


def test_any_stands_no_more_often_than_it_did():
    """Name what a value is: `object` if it is only looked at; see `json_values` and `keras_types`."""
    found = {p: len(re.findall(r"\bAny\b", p.read_text(encoding="utf-8"))) for p in PACKAGE.rglob("*.py")}
    most = sorted(found.items(), key=lambda item: -item[1])[:5]
    assert sum(found.values()) <= MOST, most


def public_classes():
    from reportgen.models.model import Cut, Model
    from reportgen.store import ModelRecord, Store, StoredRender

    return [Cut, Model, ModelRecord, Store, StoredRender]


@pytest.mark.parametrize("thing", public_classes(), ids=lambda thing: thing.__name__)
def test_what_public_functions_open_says_any_nowhere(thing):
    said = []
    for name, value in inspect.getmembers(thing):
        if name.startswith("_") or not callable(value):
            continue
        said += [f"{name}{inspect.signature(value)}"]
    if dataclasses.is_dataclass(thing):
        said += [f"{field.name}: {field.type}" for field in dataclasses.fields(thing)]
    assert said
    assert not [text for text in said if re.search(r"\bAny\b", text)]
