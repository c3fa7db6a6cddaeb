"""`reportgen.toml` as plain values: read within limits, with restrictions on a file that nobody named.

The file may come from anyone: a downloaded folder has its own. Keys and their meanings are not known here,
except for those that reach out of the folder.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reportgen.errors import ConfigError, in_brief

MOST_BYTES = 2**18
"""Largest file that is read."""

MOST_DEPTH = 8
"""Deepest nesting of tables and lists; no setting needs more than three."""

MOST_KEY = 80
"""Characters of a key."""

_DOTTED = re.compile(r"""(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){32}""")
_DIGITS = re.compile(r"[0-9][0-9_]{1000,}")

LOCAL_CLUSTER = "local"
"""The value of `ray` for a cluster on this machine alone."""

_CODE = ("trust_model", "custom", "templates")
_PLACES = ("store", "site", "images", "judge", "class_names", "removal")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the contents of a configuration file.

    Raises:
        ConfigError: It cannot be read, is not TOML, or has a value that no setting can have: nested too deep,
            or a number beyond 64 bits.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(f"{path.name}: more than {MOST_BYTES:,} bytes, the most that is read")
        text = data.decode()
    except FileNotFoundError:
        raise ConfigError(f'configuration file "{path.name}" does not exist') from None
    except (OSError, ValueError) as error:
        raise ConfigError(f'configuration file "{path.name}" cannot be read: {error}') from None
    found = _parsed(text, path.name)
    _check(found, path.name)
    return found


def _parsed(text: str, name: str) -> dict[str, Any]:
    if dotted := _DOTTED.search(text):
        raise ConfigError(
            f"{name}: {_line(text, dotted.start())} is nested too deep: wanted table.key = value"
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not valid TOML: {error}") from None
    except RecursionError:
        lines = text.splitlines(keepends=True)
        worst = max(range(len(lines)), key=lambda i: lines[i].count("[") + lines[i].count("{"))
        where = _line(text, sum(map(len, lines[:worst])))
        raise ConfigError(f"{name}: {where} is nested too deep: wanted at most {MOST_DEPTH} levels") from None
    except (ValueError, OverflowError):  # Python's limit for digits of a number, or an invalid date
        digits = _DIGITS.search(text)
        where = _line(text, digits.start()) if digits else "a value"
        n = f"of {len(digits[0]):,} digits" if digits else "or date that is not valid"
        raise ConfigError(f"{name}: {where} is a number {n}: wanted at most 18 digits") from None


def _line(text: str, place: int) -> str:
    """Return the line number of a place, and the key on that line."""
    start = text.rfind("\n", 0, place) + 1
    key = text[start : start + MOST_KEY].partition("=")[0].partition("\n")[0].strip()
    return f'line {text.count(chr(10), 0, place) + 1} ("{key[:40]}")'


def _check(found: Mapping[str, object], name: str) -> None:
    """Refuse values that no setting can have; iterative, since they may be nested arbitrarily deep."""
    waiting: list[tuple[str, int, object]] = [(str(key), 1, value) for key, value in found.items()]
    while waiting:
        key, depth, value = waiting.pop()
        if len(key) > MOST_KEY:
            raise ConfigError(f'{name}: key "{key[:40]}..." does not exist')
        if depth > MOST_DEPTH:
            raise ConfigError(f"{name}: {key} is nested too deep: wanted at most {MOST_DEPTH} levels")
        if isinstance(value, Mapping):
            waiting += [(f"{key}.{inner}", depth + 1, v) for inner, v in value.items()]
        elif isinstance(value, list):
            waiting += [(key, depth + 1, v) for v in value]
        elif isinstance(value, int) and value.bit_length() > 63:
            raise ConfigError(f"{name}: {key} is {in_brief(value)}: wanted at most 18 digits")


def check_unnamed(values: Mapping[str, object], path: Path) -> None:
    """Refuse what a file that nobody named may not set: code, an address, a place outside its folder.

    Raises:
        ConfigError: It does; the message names the key and the option to use instead.
    """
    folder = path.parent.resolve()
    for key, value in values.items():
        if key in _PLACES:
            outside = isinstance(value, str) and not _inside(folder, value)
            reason = f"{key} is outside this folder, which" if outside else ""
        else:
            reaches_out = (key in _CODE and bool(value)) or (key == "ray" and value != LOCAL_CLUSTER)
            reason = key if reaches_out else ""
        if reason:
            option = "--" + key.replace("_", "-")
            own = "" if value is True else f" {in_brief(value)}" if isinstance(value, str) else " ..."
            raise ConfigError(
                f"{path.name}: {reason} is only allowed in a file named with --config, since a folder may "
                "come from anyone",
                hint=f"{option}{own}, or --config {path.name}",
            )


def _inside(folder: Path, place: str) -> bool:
    try:
        return (folder / place).resolve().is_relative_to(folder)
    except (OSError, RuntimeError, ValueError):  # links in a circle, a NUL
        return False
