"""Views as a data file holds them: names in one letter, and rows by position.

A table says which letter stands for which name, whatever value has it, and which names the values of a row
have. `templates/assets/atlas.js` has the same table and gives scripts the whole names back, once, when it has
read a file; `tests/atlas/test_packing.py` fails where the two differ or a field of a view is in neither.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeGuard

from reportgen.atlas.columns import LayerColumns
from reportgen.atlas.views import Box, Channel, Dot, Fact, Label, Line, Link
from reportgen.json_values import Json, JsonObject

LETTERS: Mapping[str, str] = {
    "alt": "a",
    "boxes": "b",
    "caption": "c",
    "channels": "C",
    "citation": "q",
    "counts": "O",
    "detail": "d",
    "dots": "D",
    "facts": "f",
    "file": "i",
    "flags": "F",
    "group": "G",
    "head": "H",
    "height": "h",
    "kind": "k",
    "labels": "T",
    "layers": "Y",
    "leads": "A",
    "least": "o",
    "lines": "L",
    "links": "j",
    "listed": "l",
    "mark": "m",
    "marks": "K",
    "means": "e",
    "n_units": "U",
    "note": "p",
    "numbers": "B",
    "pictures": "P",
    "places": "x",
    "plot": "g",
    "reason": "r",
    "rows": "R",
    "sections": "s",
    "seeds": "E",
    "size": "z",
    "starts": "S",
    "step": "y",
    "strips": "I",
    "text": "X",
    "tile": "n",
    "tile_kinds": "J",
    "tiles": "N",
    "title": "t",
    "unit": "u",
    "verdict": "v",
    "width": "w",
    "words": "W",
}
"""The letter of each name."""

ROWS: Mapping[str, tuple[str, ...]] = {
    "boxes": Box._fields,
    "channels": Channel._fields,
    "dots": Dot._fields,
    "facts": Fact._fields,
    "labels": Label._fields,
    "layers": LayerColumns._fields,
    "lines": Line._fields,
    "links": Link._fields,
}
"""By the name under which rows stand, the names of a row's values. Empty texts at its end are left out."""

KEYED = ("marks", "numbers", "words")
"""Names under which values stand by keys of their own, which stay as they are."""


def pack(value: object) -> Json:
    """Return a view as JSON values: names short, rows as lists, what has its default left out."""
    if isinstance(value, (str, int, float)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [_row(one) if _is_row(one) else pack(one) for one in value]
    if isinstance(value, Mapping):  # See `KEYED`.
        return {key: pack(one) for key, one in value.items()}
    kind: object = type(value)
    found: JsonObject = {}
    for name, letter, default in _fields(kind):
        if (own := getattr(value, name)) != default:
            found[letter] = pack(own)
    return found


def _is_row(value: object) -> TypeGuard[tuple[Json, ...]]:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _row(row: tuple[Json, ...]) -> list[Json]:
    end = len(row)
    while end and row[end - 1] == "":
        end -= 1
    return list(row[:end])


@cache
def _fields(kind: type) -> tuple[tuple[str, str, Any], ...]:
    """Return name, letter and default of the fields of a view; of a section, its kind first."""
    named = [("kind", LETTERS["kind"], None)] if hasattr(kind, "kind") else []
    return (*named, *((x.name, LETTERS[x.name], x.default) for x in dataclasses.fields(kind)))
