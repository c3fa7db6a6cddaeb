"""Views as a data file holds them: names in a letter or two, and rows by position.

A table says which letter stands for which name, whatever value has it, and which names the values of a row
have. `templates/assets/atlas.js` has the same table and gives scripts the whole names back, once, when it has
read a file; `tests/atlas/test_packing.py` fails where the two differ or a field of a view is in neither.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from reportgen.atlas.columns import LayerColumns
from reportgen.atlas.views import Box, Channel, Counterpart, Dot, Edge, Fact, Label, Line, Link
from reportgen.json_values import Json, JsonObject

LETTERS: Mapping[str, str] = {
    "alt": "a",
    "borderline": "Bo",
    "boxes": "b",
    "caption": "c",
    "channels": "C",
    "citation": "q",
    "class_name": "Cl",
    "counterparts": "Co",
    "counts": "O",
    "detail": "d",
    "dots": "D",
    "facts": "f",
    "faint": "Q",
    "file": "i",
    "files": "V",
    "first": "Fi",
    "flags": "F",
    "folded": "Fo",
    "group": "G",
    "head": "H",
    "height": "h",
    "incoming": "In",
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
    "name": "Na",
    "need": "Ne",
    "need_reason": "Nr",
    "note": "p",
    "numbers": "B",
    "outgoing": "Ou",
    "parts": "Pa",
    "pictures": "P",
    "places": "x",
    "plot": "g",
    "reason": "r",
    "recipes": "M",
    "rows": "R",
    "sections": "s",
    "seeds": "E",
    "size": "z",
    "sources": "So",
    "starts": "S",
    "step": "y",
    "strips": "I",
    "targets": "Ta",
    "tile": "n",
    "tile_kinds": "J",
    "tiles": "N",
    "title": "t",
    "unit": "u",
    "verdict": "v",
    "width": "w",
    "words": "W",
}
"""The letter of each name; two letters for what a unit has once."""

ROWS: Mapping[str, tuple[str, ...]] = {
    "boxes": Box._fields,
    "channels": Channel._fields,
    "counterparts": Counterpart._fields,
    "dots": Dot._fields,
    "facts": Fact._fields,
    "incoming": Edge._fields,
    "labels": Label._fields,
    "layers": LayerColumns._fields,
    "lines": Line._fields,
    "links": Link._fields,
    "outgoing": Edge._fields,
}
"""By the name under which rows stand, the names of a row's values. Empty texts at its end are left out."""

KEYED = ("marks", "numbers", "recipes", "words")
"""Names under which values stand by keys of their own, which stay as they are."""


_PLAIN = frozenset((str, int, float, bool, type(None)))


def pack(value: object) -> Json:
    """Return a view as JSON values: names short, rows as lists, what has its default left out."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value  # type: ignore[return-value]
    if isinstance(value, (list, tuple)):
        if value and hasattr(value[0], "_fields"):
            return [list(row) if row[-1] != "" else _ended(row) for row in value]
        return [one if type(one) in _PLAIN else pack(one) for one in value]
    if isinstance(value, Mapping):  # See `KEYED`.
        return {key: pack(one) for key, one in value.items()}
    found: JsonObject = {}
    for name, letter, default in _fields(kind):
        if (own := getattr(value, name)) != default:
            found[letter] = own if type(own) in _PLAIN else pack(own)  # There are many units of many fields.
    return found


def _ended(row: Sequence[Json]) -> list[Json]:
    """Return a row without the empty texts at its end."""
    found = list(row)
    while found and found[-1] == "":
        found.pop()
    return found


@cache
def _fields(kind: type) -> tuple[tuple[str, str, Any], ...]:
    """Return name, letter and default of the fields of a view; of a section, its kind first."""
    named = [("kind", LETTERS["kind"], None)] if hasattr(kind, "kind") else []
    return (*named, *((x.name, LETTERS[x.name], x.default) for x in dataclasses.fields(kind)))
