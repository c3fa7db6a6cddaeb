"""Sums of units, as people write them: what is maximised instead of one unit.

A sum is pairs of unit and coefficient, by unit, each unit once; an empty one means the layer as a whole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from reportgen.errors import ConfigError

MOST_TERMS = 64
"""Units of one sum, at most."""

_TERM = re.compile(r"\s*([+-]?)\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*[*×]\s*)?(\d{1,9})\s*(?=[+-]|$)")


def parse_terms(value: object) -> tuple[tuple[int, float], ...]:
    """Return pairs of unit and coefficient, by unit, each unit once; empty for the whole layer.

    Example:
        >>> parse_terms("3 + 0.5*7 - 12")
        ((3, 1.0), (7, 0.5), (12, -1.0))

    Raises:
        ConfigError: Nothing of that kind; a coefficient that is no number; nothing left of it.
    """
    if value == "layer":
        return ()
    pairs = _pairs(value)
    if not 1 <= len(pairs) <= MOST_TERMS:
        raise ConfigError(f"{len(pairs)} units: wanted 1 to {MOST_TERMS}")
    found: dict[int, float] = {}
    for unit, coefficient in pairs:
        found[unit] = found.get(unit, 0.0) + coefficient
    terms = tuple((unit, c) for unit, c in sorted(found.items()) if c != 0.0)
    if not terms:
        raise ConfigError(f"units {str(value)[:80]!r}: nothing is left of this sum")
    return terms


def terms_text(terms: Sequence[tuple[int, float]]) -> str:
    """Return a sum of units as people write it, which `parse_terms` reads; `layer` for none.

    Example:
        >>> terms_text(((3, 1.0), (7, 0.5), (12, -1.0)))
        '3 + 0.5*7 - 12'
    """
    text = ""
    for unit, coefficient in terms:
        sign = "-" if coefficient < 0 else "+"
        size = "" if abs(coefficient) == 1.0 else f"{abs(coefficient):.17g}*"
        text += f" {sign} {size}{unit}"
    text = text.removeprefix(" + ")
    return (text[1:].replace(" ", "", 1) if text.startswith(" -") else text) or "layer"


def _pairs(value: object) -> list[tuple[int, float]]:
    if isinstance(value, str) and not value.strip():
        raise ConfigError("units: none is named; wanted such as 3, 3 + 7, 3 - 0.5*7, or layer")
    if isinstance(value, str):
        return _written(value)
    parts = [value] if isinstance(value, (int, float)) else value
    if not isinstance(parts, (list, tuple)):
        raise ConfigError(f"units {str(value)[:80]!r}: wanted such as 3, 3 + 7, 3 - 0.5*7, or layer")
    return [_pair(part) for part in parts]


def _pair(part: Any) -> tuple[int, float]:
    unit, coefficient = part if isinstance(part, (list, tuple)) and len(part) == 2 else (part, 1.0)
    numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (unit, coefficient))
    if not numbers or not (0 <= unit < 10**9 and unit == int(unit)):
        raise ConfigError(
            f"unit {str(unit)[:80]!r}: wanted a whole number from 0, with a coefficient or without"
        )
    if not (math.isfinite(coefficient) and abs(coefficient) <= 1e6):
        raise ConfigError(f"coefficient {coefficient!r} of unit {int(unit)}: wanted -1000000 to 1000000")
    return int(unit), float(coefficient)


def _written(text: str) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    at = 0
    while at < len(text) and len(found) <= MOST_TERMS:
        term = _TERM.match(text, at)
        if term is None or (found and not term[1]):
            break
        size = float(term[2]) if term[2] else 1.0
        found.append(_pair((int(term[3]), -size if term[1] == "-" else size)))
        at = term.end()
    if not found or (at < len(text) and len(found) <= MOST_TERMS):
        raise ConfigError(f"units {text[:80]!r}: wanted such as 3, 3 + 7, 3 - 0.5*7, or layer")
    return found
