"""A model's configuration from its JSON text, whose size, depth and counts are bounded before it is parsed.

The largest networks of `keras.applications` have a thousand layers in 1 MB, 5,000 objects, a depth of 11.
"""

from __future__ import annotations

import json
import re

from reportgen.errors import ModelError
from reportgen.keras_types import Config, ConfigValue

MOST_BYTES = 16 << 20
_MOST_DEPTH, _MOST_VALUES, _MOST_LAYERS = 150, 1_000_000, 10_000
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)
_NOT_STRUCTURE = bytes(c for c in range(256) if c not in b"[]{},")
_LAYER_LISTS = ("layers", "operations")
_MOST_DIGITS = 19


def parsed(text: bytes, file_name: str) -> Config:
    """Return a configuration as plain JSON types.

    Raises:
        ModelError: It is not a JSON object, or exceeds any real network's size, depth or counts.
    """
    refuse_larger_text(len(text), file_name)
    _check_structure(text, file_name)
    try:
        config = json.loads(
            text.decode("utf-8"), parse_constant=_constant(file_name), parse_int=_whole_number(file_name)
        )
    except UnicodeDecodeError:
        raise ModelError(f"{file_name}: its configuration is not JSON (it is not UTF-8 text)") from None
    except (ValueError, RecursionError) as error:
        first = (str(error).splitlines() or [""])[0][:160]
        raise ModelError(f"{file_name}: its configuration is not JSON ({first})") from None
    if not isinstance(config, dict):
        raise ModelError(f"{file_name}: its configuration describes no model, wanted an object")
    _check_layers(config, file_name)
    return config


def refuse_larger_text(n_bytes: int, file_name: str) -> None:
    """Refuse a configuration that is too long, before it is read.

    Raises:
        ModelError: It is longer than any network's.
    """
    if n_bytes > MOST_BYTES:
        raise ModelError(
            f"{file_name}: its configuration has {n_bytes:,} bytes, at most {MOST_BYTES:,} are read"
        )


def _check_structure(text: bytes, file_name: str) -> None:
    """Refuse text nested too deep or with too many values; brackets within strings do not count."""
    structure = _STRING.sub(b"", text).translate(None, _NOT_STRUCTURE)
    if len(structure) > _MOST_VALUES * 2:
        raise ModelError(f"{file_name}: its configuration holds more than {_MOST_VALUES:,} values")
    depth = 0
    for mark in structure.translate(None, b","):
        depth += 1 if mark in b"[{" else -1
        if depth > _MOST_DEPTH:
            raise ModelError(f"{file_name}: its configuration is nested more than {_MOST_DEPTH} deep")


def _check_layers(config: Config, file_name: str) -> None:
    stack: list[ConfigValue] = [config]
    n_layers = 0
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            n_layers += sum(len(value[key]) for key in _LAYER_LISTS if isinstance(value.get(key), list))
            if n_layers > _MOST_LAYERS:
                raise ModelError(
                    f"{file_name}: its configuration lists {n_layers:,} layers, "
                    f"at most {_MOST_LAYERS:,} are read"
                )
            value = list(value.values())
        if isinstance(value, list):
            stack += [v for v in value if isinstance(v, (dict, list))]


def _constant(file_name: str) -> ConfigValue:
    def read(word: str) -> float:
        if word == "NaN":
            raise ModelError(f"{file_name}: its configuration holds NaN for a number, wanted numbers")
        return float(word)

    return read


def _whole_number(file_name: str) -> ConfigValue:
    def read(digits: str) -> int:
        if len(digits.lstrip("-")) > _MOST_DIGITS:
            raise ModelError(
                f"{file_name}: its configuration holds a whole number of {len(digits):,} digits, "
                f"at most {_MOST_DIGITS} are read"
            )
        return int(digits)

    return read
