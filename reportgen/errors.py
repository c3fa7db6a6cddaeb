"""The exceptions of this package; each message is one line that a person can act on.

ReportgenError
├── ConfigError            wrong option, key or value                   exit 2
│   └── WrongArgument      of a public function (also TypeError)
├── ModelError             a model file that cannot be used             exit 2
│   ├── UnknownLayer       a layer name or glob that matches nothing (also LookupError)
│   ├── UntrustedModel     a file that contains code
│   └── WeightsNotFinite   weights that are NaN or infinite
├── ShapeError             an array of the wrong shape (also ValueError)
├── MissingExtra           a package that is not installed              exit 2
├── StoreError             a store that cannot be read or written       exit 2
│   ├── StoreVersion       written by another schema version
│   ├── StoreLocked        another run is rendering into it
│   └── UnknownUnit        a unit that does not exist (also LookupError)
├── SiteError              a site that cannot be written                exit 2
│   └── BudgetError        a site larger than it may be
└── CheckFailed            a site or a gate that does not hold          exit 4
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ReportgenError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: What, where, what was received, what was wanted; one line.
        hint: What to try; one line, or empty.

    Attributes:
        exit_code: The exit code of the command line.

    Example:
        >>> import reportgen
        >>> try:
        ...     reportgen.verdicts("nowhere.db")
        ... except reportgen.ReportgenError as error:
        ...     print(error.message)
        store "nowhere.db" does not exist
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = _one_line(message)
        self.hint = _one_line(hint)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigError(ReportgenError):
    """A command-line option or configuration key that cannot be used."""


class WrongArgument(ConfigError, TypeError):
    """An argument that a public function does not have, or whose type does not fit."""


class ModelError(ReportgenError):
    """A model file that is missing, damaged, or not an image network."""


class UnknownLayer(ModelError, LookupError):
    """A layer name or glob that matches no layer of the model."""


class UntrustedModel(ModelError):
    """A model file that contains code, which is only run on request."""


class WeightsNotFinite(ModelError):
    """A model file with weights that are NaN or infinite."""


class ShapeError(ReportgenError, ValueError):
    """An array whose shape is not the documented one."""


class MissingExtra(ReportgenError):
    """An optional package that this step needs is not installed."""

    def __init__(self, extra: str, *, needed_for: str) -> None:
        super().__init__(
            f"{needed_for} needs packages that are not installed",
            hint=f"pip install 'reportgen[{extra}]'",
        )
        self.extra = extra


class StoreError(ReportgenError):
    """A store that cannot be read or written."""


class StoreVersion(StoreError):
    """A store written by another schema version."""


class StoreLocked(StoreError):
    """A store into which another run is rendering."""


class UnknownUnit(StoreError, LookupError):
    """The number of a unit that the layer does not have, or that was not rendered."""


class SiteError(ReportgenError):
    """A site folder that cannot be written or read."""


class BudgetError(SiteError):
    """A site that would be larger than it may be."""


class CheckFailed(ReportgenError):
    """A check or gate that does not hold."""

    exit_code = 4


_MOST_IN_BRIEF = 80
_MOST_LISTED = 40


def in_brief(value: object) -> str:
    """Return a value's representation for a message, shortened to fit a line."""
    if isinstance(value, int) and value.bit_length() > 63:
        return f"a number of {value.bit_length():,} bits"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # holds a number of too many digits, or is nested too deep
        return f"a {type(value).__name__}"
    return text if len(text) <= _MOST_IN_BRIEF else text[: _MOST_IN_BRIEF - 3] + "..."


def nearest(word: object, known: Iterable[str], n: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return at most `n` of the known words that may have been meant, ignoring case.

    Example:
        >>> nearest("c1A", ["c1b", "c1a"]), nearest("Conv", ["dense"])
        (['c1a'], [])
    """
    folded: dict[str, list[str]] = {}
    for name in known:
        folded.setdefault(name.casefold(), []).append(name)
    close = difflib.get_close_matches(str(word).casefold(), folded, n=n, cutoff=cutoff)
    return [name for key in close for name in folded[key]][:n]


def suggestion(word: object, known: Iterable[str], otherwise: str = "one of ") -> str:
    """Return a hint: the known word that may have been meant; if none is near, which there are.

    Args:
        word: What was given.
        known: What could be given.
        otherwise: Begins the list of known words if none is near; empty for no hint then.

    Example:
        >>> suggestion("shwo", ["default", "show"]), suggestion("zzz", ["default", "show"])
        ('did you mean "show"?', 'one of default, show')
    """
    words = list(known)
    near = nearest(word[:200], words) if isinstance(word, str) else []
    if near:
        return f'did you mean "{near[0]}"?'
    more = f" and {len(words) - _MOST_LISTED} more" if len(words) > _MOST_LISTED else ""
    return f"{otherwise}{', '.join(words[:_MOST_LISTED])}{more}" if words and otherwise else ""


def _one_line(text: str) -> str:
    """Return `text` without line breaks or control characters, which untrusted names may contain."""
    return "".join(c if c.isprintable() else " " for c in str(text)).strip()
