"""Names of a classifier's classes as exporters write them into the metadata of an ONNX file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

KEYS = ("names", "labels", "classes", "class_names", "class_labels", "id2label")
"""Keys under which names are written, lower case; the first one found counts."""

MOST_CHARACTERS = 200
"""Of one name: what is longer is cut."""

_PAIR = re.compile(r"""(\d+)\s*:\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""")


def labels_in(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of classes by output unit; empty where the metadata name none.

    Read are a list or a table in JSON, a table as Python prints it (`{0: 'cat', 1: 'dog'}`, as Ultralytics
    writes), or names separated by line breaks or commas. Nothing is evaluated.
    """
    by_key = {key.lower(): value for key, value in metadata.items()}
    text = next((by_key[key].strip() for key in KEYS if by_key.get(key, "").strip()), "")
    names = _of_json(text) or _of_printed_table(text) or _of_plain_text(text)
    return tuple(" ".join(name.split())[:MOST_CHARACTERS] for name in names)


def _of_json(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if isinstance(found, dict):
        return _in_order({str(key): value for key, value in found.items()})
    is_list = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return list(found) if is_list else []


def _of_printed_table(text: str) -> list[str]:
    pairs = _PAIR.findall(text) if text.startswith("{") else []
    return _in_order({key: one or other for key, one, other in pairs})


def _in_order(table: Mapping[str, object]) -> list[str]:
    """Return a table's values by their index, if its keys are 0, 1, 2, ... and its values text."""
    names = [table.get(str(k)) for k in range(len(table))]
    return [name for name in names if isinstance(name, str)] if all(isinstance(n, str) for n in names) else []


def _of_plain_text(text: str) -> list[str]:
    if text.startswith(("{", "[")):
        return []
    lines = text.splitlines() if "\n" in text else text.split(",")
    return [line.strip() for line in lines if line.strip()]
