"""Types of settings that a person may write as text, such as `1h30m`, `8GB`, `224x224` or `1%`.

Each type accepts a text or the plain value, and refuses anything else with a message that says what was
wanted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from reportgen.removal import READINGS, Reading
from reportgen.units import MOST_CHANNELS, unit_ranges

RANGES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": (
        tuple(-m / d for m, d in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)),
        tuple((1 - m) / d for m, d in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)),
    ),
    "caffe": (
        (-103.939, -116.779, -123.68),
        (255 - 103.939, 255 - 116.779, 255 - 123.68),
    ),
}
"""Input ranges with names: low and high ends by channel, in the network's order of channels."""


class _Wanted(ValueError):
    """A value that does not fit; the message begins with what was wanted."""


def _as(convert: Callable[[object], object], wanted: str) -> BeforeValidator:
    """Return a validator that converts a value; if that fails, its message says what was wanted."""

    def converted(value: object) -> Any:
        try:
            return convert(value)
        except _Wanted:
            raise
        except (TypeError, ValueError, OverflowError):
            raise _Wanted(f"wanted {wanted}") from None

    return BeforeValidator(converted)


def _range(value: object) -> Any:
    """Accept a name, `LO,HI`, `L1:L2:L3,H1:H2:H3`, or two numbers or lists; low below high."""
    if isinstance(value, str) and value.strip().lower() in RANGES:
        return RANGES[value.strip().lower()]
    parts = [p.split(":") for p in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or len(parts) != 2:
        raise _Wanted(f"wanted LO,HI such as 0,255, or {', '.join(RANGES)}")
    ends = [[float(v) for v in (p if isinstance(p, (list, tuple)) else [p])] for p in parts]
    low, high = (end * max(map(len, ends)) if len(end) == 1 else end for end in ends)
    if len(low) != len(high) or not 1 <= len(low) <= MOST_CHANNELS:
        raise _Wanted("wanted equally many low and high ends, such as 0:0:0,1:1:1")
    if not all(a < b and abs(a) < 1e9 and abs(b) < 1e9 for a, b in zip(low, high, strict=True)):
        raise _Wanted("wanted LO,HI with LO below HI")
    return (low[0], high[0]) if len(low) == 1 else (tuple(low), tuple(high))


def _size(value: object) -> Any:
    """Accept `HxW` or two integers."""
    found = re.fullmatch(r"\s*(\d+)\s*[xX]\s*(\d+)\s*", value) if isinstance(value, str) else None
    parts = found.groups() if found else value
    if not isinstance(parts, (list, tuple)) or len(parts) != 2:
        raise _Wanted("wanted HxW such as 224x224")
    height, width = (int(p) for p in parts)
    if not (1 <= height <= 4096 and 1 <= width <= 4096):
        raise _Wanted("wanted HxW with sides from 1 to 4096 px")
    return height, width


def _units(value: object) -> Any:
    """Accept a text, a number, or a list of units."""
    text = ",".join(str(v) for v in value) + "," if isinstance(value, (list, tuple)) else str(value)
    try:
        unit_ranges(text)
    except ValueError as error:
        raise _Wanted(str(error)) from None
    return text


def _globs(value: Any) -> Any:
    """Accept one glob, several with commas, or a list."""
    parts = [value] if isinstance(value, str) else value
    return tuple(p.strip() for part in parts for p in str(part).split(",") if p.strip())


def _texts(value: object) -> Any:
    """Accept one text, or a list."""
    if not isinstance(value, (str, list, tuple)):
        raise TypeError
    return (value,) if isinstance(value, str) else value


def _memory(value: object) -> Any:
    """Accept bytes, or a number with KB, MB, GB or TB."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", str(value), re.IGNORECASE)
    size = int(float(found[1]) * 1024 ** "_KMGT".index(found[2].upper() or "_")) if found else 0
    if isinstance(value, bool) or not 2**20 <= size < 2**60:
        raise _Wanted("wanted a size such as 8GB, at least 1MB")
    return size


def _time(value: object) -> Any:
    """Accept seconds, or hours, minutes and seconds: `90s`, `20m`, `1h30m`."""
    found = re.fullmatch(r"\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m)?\s*(?:(\d+(?:\.\d+)?)\s*s?)?\s*", str(value))
    parts = [float(part or 0) for part in found.groups()] if found else [0.0]
    seconds = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    if isinstance(value, bool) or not 1 <= seconds <= 366 * 86400:
        raise _Wanted("wanted a time such as 90s, 20m or 1h30m, at least 1s")
    return seconds


def _held(value: object) -> Any:
    """Accept numbers, or texts of numbers with commas, by input name."""
    if not isinstance(value, Mapping):
        raise _Wanted("wanted a table of values by input name")
    held: dict[str, object] = {}
    for name, given in value.items():
        parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else [given]
        try:
            numbers = [float(p) for p in parts]
        except (TypeError, ValueError):
            raise _Wanted(f"wanted a number for {name!r}, or several with commas") from None
        if not numbers or not all(math.isfinite(n) for n in numbers):
            raise _Wanted(f"wanted finite numbers for {name!r}")
        held[str(name)] = numbers[0] if len(numbers) == 1 else numbers
    return held


def _share(value: object) -> Any:
    """Accept a share: `1%`, or 0.01."""
    text = str(value).strip()
    share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if isinstance(value, bool) or not 0 <= share < 1:
        raise _Wanted("wanted a share such as 1% or 0.01, below 100%")
    return share


def _decision(value: Any) -> Any:
    """Accept a word for all outputs, `OUTPUT=WORD`, several with commas, a list of them, or a table."""
    if isinstance(value, Mapping):
        return dict(value)
    texts = value if isinstance(value, (list, tuple)) else [value]
    wanted = "wanted " + ", ".join(READINGS) + ", or OUTPUT=WORD"
    if not all(isinstance(text, str) for text in texts):
        raise _Wanted(wanted)
    parts = [p.strip() for text in texts for p in text.split(",")]
    if any(p.startswith("=") for p in parts):
        raise _Wanted("wanted the name of an output before =")
    found = {name.strip(): word.strip() for name, _, word in (p.rpartition("=") for p in parts)}
    if not all(word in READINGS for word in found.values()):
        raise _Wanted(wanted)
    return found


def _regex(text: str) -> str:
    """Accept a valid regular expression."""
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise _Wanted(f"wanted a regular expression: {error}") from None
    if len(text) > 200:
        raise _Wanted("wanted a regular expression of at most 200 characters")
    return text


def _label(text: str) -> str:
    """Accept a short text without control characters."""
    if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,80}", text):
        raise _Wanted("wanted 1 to 80 characters, none of them control characters")
    return text


def _address(text: str) -> str:
    """Accept the address of a cluster."""
    if not re.fullmatch(r"[!-~]{1,200}", text):
        raise _Wanted("wanted an address of at most 200 plain characters without spaces, or local")
    return text


def _place(path: Path) -> Path:
    """Accept a path without control characters."""
    if re.search(r"[\x00-\x1f\x7f]", str(path)) or len(str(path)) > 4096:
        raise _Wanted("wanted a path without control characters, of at most 4,096 characters")
    return path


_Ends = tuple[float, float] | tuple[tuple[float, ...], tuple[float, ...]]

Place = Annotated[Path, AfterValidator(_place)]
Globs = Annotated[tuple[str, ...], _as(_globs, "a text, or a list of texts")]
Texts = Annotated[tuple[str, ...], _as(_texts, "a text, or a list of texts")]
Units = Annotated[str, _as(_units, "N, a list 3,17,40-47, or all")]
Range = Annotated[_Ends, _as(_range, f"LO,HI such as 0,255, or {', '.join(RANGES)}")]
Size = Annotated[tuple[int, int], _as(_size, "HxW such as 224x224")]
Held = Annotated[dict[str, Any], _as(_held, "a table of numbers by input name")]
Memory = Annotated[int, _as(_memory, "a size such as 8GB, at least 1MB")]
Time = Annotated[float, _as(_time, "a time such as 90s, 20m or 1h30m, at least 1s")]
Share = Annotated[float, _as(_share, "a share such as 1%, below 100%")]
Label = Annotated[str, AfterValidator(_label)]
Address = Annotated[str, AfterValidator(_address)]
Regex = Annotated[str, AfterValidator(_regex)]
Decisions = Annotated[dict[str, Reading], _as(_decision, "a word, or OUTPUT=WORD")]
