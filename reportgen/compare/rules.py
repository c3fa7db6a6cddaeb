"""Rules of a gate: `dead <= 5`, `structured_share in conv* >= 60%`, and against a version `died <= 2`.

A rule names a number, perhaps layers, and a limit; `outcomes` judges it.
"""

from __future__ import annotations

import fnmatch
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reportgen.comparison import STATES
from reportgen.errors import ConfigError, suggestion
from reportgen.verdicts import WORDS

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}
_FORM = re.compile(
    r"\s*(?P<name>[a-z][a-z_-]*)(?:\s+in\s+(?P<layers>\S+))?\s*(?P<op><=|>=|==|<|>)\s*(?P<limit>\S+)\s*"
)
_OWN = (*WORDS, "copies", "superfluous")
BETWEEN = (*STATES, "changed", "counterparts")
"""What is counted of a comparison of two versions."""
REMOVABLE = "removable_share"
"""Removed units, of those that can be removed: counted by removal on pictures, not by scores."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit of a number.

    Attributes:
        text: As it was written.
        name: What is counted; ends in `_share` or `_change` where it is a share or a difference.
        layers: Glob of the layers it is about; `*` for all.
        op: `<=`, `>=`, `<`, `>` or `==`.
        limit: The number.
    """

    text: str
    name: str
    layers: str
    op: str
    limit: float

    @property
    def counted(self) -> str:
        """What is counted, without its ending."""
        return self.name.removesuffix("_share").removesuffix("_change")

    @property
    def compares(self) -> bool:
        """Whether it needs another version."""
        return self.counted in BETWEEN or self.name.endswith("_change")

    @property
    def upper(self) -> bool:
        """Whether the limit is the largest number allowed."""
        return self.op in ("<=", "<")

    def applies_to(self, layer: str) -> bool:
        """Return whether it is about a layer of this name."""
        return fnmatch.fnmatchcase(layer, self.layers)

    def allows(self, value: float) -> bool:
        """Return whether a number is within the limit."""
        return _OPERATORS[self.op](value, self.limit)

    def allows_some(self, low: float, high: float) -> bool:
        """Return whether any number from `low` to `high` is within the limit."""
        return low <= self.limit <= high if self.op == "==" else self.allows(low) or self.allows(high)

    def allows_all(self, low: float, high: float) -> bool:
        """Return whether every number from `low` to `high` is within the limit."""
        return self.allows(low) and self.allows(high)


def read_rule(text: str) -> Rule:
    """Return a rule from its text, `NAME [in LAYERS] OP NUMBER`.

    Raises:
        ConfigError: Another form, or a name that is not counted.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ConfigError(f'rule "{text}": wanted NAME [in LAYERS] OP NUMBER such as "dead <= 5"')
    name = found["name"].replace("repurposed", "re-purposed")
    known = [
        *(f"{n}{e}" for n in _OWN for e in ("", "_share", "_change")),
        *(f"{n}{e}" for n in BETWEEN for e in ("", "_share")),
        "units",
        REMOVABLE,
    ]
    if name not in known:
        words = ", ".join((*_OWN, *BETWEEN, "units"))
        every = f"one of {words}, each also with _share; {REMOVABLE}"
        hint = suggestion(name, known, otherwise="") or every
        raise ConfigError(f'rule "{text}": "{name}" is not counted', hint=hint)
    try:
        limit = float(found["limit"].removesuffix("%")) / (100 if found["limit"].endswith("%") else 1)
        if not math.isfinite(limit):
            raise ValueError
    except ValueError:
        raise ConfigError(f'rule "{text}": "{found["limit"]}" is no number') from None
    return Rule(text.strip(), name, found["layers"] or "*", found["op"], limit)
