"""What scripts make of packed values, by the table alone."""

import base64
import json

import numpy as np

from reportgen.atlas.packing import KEYED, LETTERS, ROWS

NAMES = {letter: name for name, letter in LETTERS.items()}


def whole(packed):
    """Return a packed value with its whole names."""
    if isinstance(packed, list):
        return [whole(one) for one in packed]
    if not isinstance(packed, dict):
        return packed
    return {NAMES[letter]: _value(NAMES[letter], value) for letter, value in packed.items()}


def _value(name, value):
    if name in ROWS:
        return [dict(zip(ROWS[name], [*row, *[""] * 9], strict=False)) for row in value]
    return {key: whole(one) for key, one in value.items()} if name in KEYED else whole(value)


def of_script(text):
    """Return what a data script puts under its name."""
    return whole(json.loads(text.partition("]=")[2].rstrip(";\n")))


def places(column):
    """Return the places of a column of numbers."""
    low, high = np.frombuffer(base64.b64decode(column["places"]), np.uint8).astype(int).reshape(2, -1)
    return low + 256 * high
