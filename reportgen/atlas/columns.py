"""Units as packed columns: what the sheets' filter, order and pictures need, small enough for 100,000 units.

A column of numbers is 16 bits a unit, in steps finer than anyone reads; a column of words is 8 bits, with
the list of words. Bytes go base64 into a classic script, so that a page opened from a file can read them.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from reportgen.atlas.strips import UnitPictures
from reportgen.json_values import JsonObject
from reportgen.removal import UnitNeed
from reportgen.units import UnitScore
from reportgen.verdicts import MARKS

NONE = 65535
NUMBERS: Mapping[str, tuple[float, Callable[[UnitScore], float | None]]] = {
    "structure": (0.01, lambda s: s.structure),
    "score": (0.005, lambda s: s.p_structured),
    "consistency": (0.002, lambda s: s.consistency),
    "use": (0.001, lambda s: s.use),
    "facets": (1.0, lambda s: s.facets),
    "period": (0.1, lambda s: _rounded(s.look.period_px, 2)),
    "angle": (1.0, lambda s: _rounded(s.look.orientation_degrees, 1)),
}
"""Columns of numbers: the least step, and where the number stands."""

NEEDS: Mapping[str, tuple[float, Callable[[UnitNeed], float]]] = {
    "need": (1e-6, lambda n: n.need),
    "need_rank": (1.0, lambda n: n.need_rank),
}
"""Likewise, of what the network loses without a unit; only where that was measured."""

FLAGS = ("borderline", "duplicate", "mirror", "complement", "copied", "drawn", "unheard", "constant")
"""Bits of the column `flags`, lowest first."""

ROUNDED = "structure"
"""The column whose numbers are read rounded, to tenths: a place is the middle of its step, never a bound."""

_MOST_WORDS = 255


def pack(
    scores: Sequence[UnitScore | None],
    units: Sequence[int],
    groups: Sequence[int | None],
    drawn: Sequence[bool],
    needs: Sequence[UnitNeed | None],
) -> JsonObject:
    """Return the columns of some units as JSON values.

    Args:
        scores: By unit; None where there is none.
        units: Their numbers.
        groups: The lowest unit of each one's group of copies; None where it has no copy.
        drawn: Whether the unit has a picture.
        needs: What is lost without each; None where it was not measured.
    """
    verdicts, colours = [s.verdict if s else "" for s in scores], [_colour(s) if s else "" for s in scores]
    flags = [_flags(s, g, d) for s, g, d in zip(scores, groups, drawn, strict=True)]
    numbers = {
        name: _numbers([get(s) if s else None for s in scores], step, middle=name == ROUNDED)
        for name, (step, get) in NUMBERS.items()
    } | {name: _numbers([get(n) if n else None for n in needs], step) for name, (step, get) in NEEDS.items()}
    return {
        "n": len(units),
        "unit": None if list(units) == list(range(len(units))) else _numbers(list(units), 1.0),
        "numbers": {name: column for name, column in numbers.items() if column},
        "marks": dict(MARKS),
        "words": {"verdict": _words(verdicts), "colour": _words(colours)},
        "flags": _base64(np.array(flags, np.uint8)),
        "group": _numbers(list(groups), 1.0),
    }


def groups_of(scores: Mapping[int, UnitScore]) -> dict[int, int]:
    """Return the lowest unit of its group of copies for every unit that has or is a copy."""
    found = {unit: s.duplicate_of for unit, s in scores.items() if s.duplicate_of is not None}
    return {**{first: first for first in found.values()}, **found}


def picture_names(pictures: Iterable[UnitPictures]) -> JsonObject:
    """Return where units' pictures are, packed: the lead's and the first strip's names, and its tiles.

    Names are 12 bytes, zeros where there is no picture; `tiles` is the number in the strip, `kinds` what they
    are, seeds and words with a bar between.
    """
    leads, strips, tiles, kinds = bytearray(), bytearray(), bytearray(), []
    for own in pictures:
        leads += bytes.fromhex(own.lead[0].stem) if own.lead else bytes(12)
        strips += bytes.fromhex(own.strips[0].stem) if own.strips else bytes(12)
        tiles.append(len(own.strips[0].keys) if own.strips else 0)
        kinds.append("|".join(map(str, own.kinds)))
    named = {"lead": bytes(leads), "strip": bytes(strips), "tiles": bytes(tiles)}
    return {**{name: base64.b64encode(data).decode() for name, data in named.items()}, "kinds": _words(kinds)}


def script(name: str, key: str, value: Mapping[str, Any]) -> bytes:
    """Return a classic script that puts `value` under `self.<name>[key]`."""
    body = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return (
        f"(self.{name}=self.{name}||{{}})[{json.dumps(key)}]=".encode() + visible_json(body.encode()) + b";\n"
    )


_CONTROL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u00(0[0-7bef]|1[0-9a-f])")


def visible_json(data: bytes) -> bytes:
    """Return JSON whose texts have a picture for each control character, see `units.visible`."""
    return _CONTROL.sub(rb"\1\\u24\2", data) if rb"\u00" in data else data


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _colour(score: UnitScore) -> str:
    return (score.look.colours or score.look.colour)[:60]


def _flags(score: UnitScore | None, group: int | None, drawn: bool) -> int:
    if score is None:
        return 32 * drawn
    copied = group is not None and score.duplicate_of is None
    bits = (score.borderline, score.duplicate_of is not None, score.mirror_of is not None,
            score.complement_of is not None, copied, drawn,
            score.responsiveness.unheard, score.responsiveness.state == "constant")  # fmt: skip
    return sum(bool(bit) << i for i, bit in enumerate(bits))


def _numbers(values: Sequence[float | None], step: float, *, middle: bool = False) -> JsonObject | None:
    """Return `lo`, `step` and the values' 16-bit places, low bytes first; None where all are undefined.

    A place is that of the nearest step; with `middle` of the step that the value lies in, read as its middle:
    so it rounds as the value does (`plots.tenths`), and is above a bound if the value is.
    """
    plain = np.array([math.nan if v is None else v for v in values], np.float64)
    plain[~np.isfinite(plain)] = np.nan
    if np.isnan(plain).all():
        return None
    low, high = float(np.nanmin(plain)), float(np.nanmax(plain))
    step = max(step, (high - low) / (NONE - 2))
    at = (np.nan_to_num(plain) - low) / step
    if middle:
        a_unit = 1 / step
        first = math.floor(low * a_unit)
        at, low = np.floor(np.nan_to_num(plain) * a_unit) - first, (first + 0.5) * step
    places = np.where(np.isnan(plain), NONE, np.rint(at)).astype("<u2")
    return {"lo": low, "step": step, "d": _base64(places.view(np.uint8).reshape(-1, 2).T)}


def _words(values: Sequence[str]) -> JsonObject:
    known = sorted(set(values), key=lambda word: (-values.count(word), word))[:_MOST_WORDS]
    place = {word: i for i, word in enumerate(known)}
    return {"w": known, "d": _base64(np.array([place.get(v, 255) for v in values], np.uint8))}


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
