"""Views as a data file holds them: names in one letter, and rows by position.

A table says which letter stands for which name, whatever value has it, and which names the places of a row
have. `templates/assets/atlas.js` has the same table and gives scripts the whole names back, once, when it has
read a file; `tests/atlas/test_packing.py` fails where the two differ or a field of a view is in neither.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

from reportgen.atlas.views import Box, Channel, Dot, Fact, Label, Line, Link

LETTERS: Mapping[str, str] = {
    "alt": "a",
    "boxes": "b",
    "caption": "c",
    "channels": "C",
    "citation": "q",
    "detail": "d",
    "dots": "D",
    "facts": "f",
    "file": "i",
    "head": "H",
    "height": "h",
    "kind": "k",
    "labels": "T",
    "lines": "L",
    "links": "j",
    "mark": "m",
    "means": "e",
    "note": "p",
    "pictures": "P",
    "plot": "g",
    "reason": "r",
    "rows": "R",
    "sections": "s",
    "size": "z",
    "text": "X",
    "tile": "n",
    "tiles": "N",
    "title": "t",
    "unit": "u",
    "verdict": "v",
    "width": "w",
}
"""The letter of each name."""

ROWS: Mapping[str, tuple[str, ...]] = {
    "boxes": Box._fields,
    "channels": Channel._fields,
    "dots": Dot._fields,
    "facts": Fact._fields,
    "labels": Label._fields,
    "lines": Line._fields,
    "links": Link._fields,
}
"""By the name under which rows stand, the names of a row's values. Empty texts at its end are left out."""


def pack(value: Any) -> Any:
    """Return a view as JSON values: names short, rows as lists, what has its default left out."""
    if isinstance(value, (str, int, float)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [_row(one) if hasattr(one, "_fields") else pack(one) for one in value]
    if isinstance(value, Mapping):
        return {key: pack(one) for key, one in value.items()}
    kind: object = type(value)
    found = {}
    for name, letter, default in _fields(kind):
        if (own := getattr(value, name)) != default:
            found[letter] = pack(own)
    return found


def _row(row: tuple[object, ...]) -> list[Any]:
    end = len(row)
    while end and row[end - 1] == "":
        end -= 1
    return list(row[:end])


@cache
def _fields(kind: type) -> tuple[tuple[str, str, Any], ...]:
    """Return name, letter and default of the fields of a view; of a section, its kind first."""
    named = [("kind", LETTERS["kind"], None)] if hasattr(kind, "kind") else []
    return (*named, *((x.name, LETTERS[x.name], x.default) for x in dataclasses.fields(kind)))
