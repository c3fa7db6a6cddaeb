"""The verdicts: one table of all words, with everything that other modules need to know of them.

A verdict is the word that follows from a unit's scores. `score` decides which one a unit gets; their meanings
and properties are defined only here. Pages, rules and tables read this table; `tests/test_verdicts.py` checks
style sheets and documents against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a unit is undecided.

    Attributes:
        word: The detail of the verdict.
        meaning: What is missing, as a part of a sentence.
    """

    word: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word for a unit.

    Attributes:
        word: The verdict in stores, tables and addresses; empty for a unit that was not scored.
        mark: Its letter in the style sheet.
        meaning: In one sentence.
        informative: Whether its pictures say anything about the unit; not if it is never active, or failed.
        varied: Whether its pictures show more than one colour; None if unknown.
        pattern: Whether they show more structure than the noise baseline; None if unknown or not asked.
        recurs: Whether a pattern recurs from several starts; None without a pattern.
        changes: Whether two starts may show different patterns.
        shown_leads: Whether the picture of the display recipe may represent the unit; otherwise a scored
            picture does, since the display recipe makes patterns out of noise.
        causes: The possible reasons, if there are several.
    """

    word: str
    mark: str
    meaning: str
    informative: bool = True
    varied: bool | None = True
    pattern: bool | None = None
    recurs: bool | None = None
    changes: bool = False
    shown_leads: bool = True
    causes: tuple[Cause, ...] = ()

    @property
    def noise(self) -> bool:
        """Whether its pictures were scored and show no pattern."""
        return self.varied is True and self.pattern is False

    @property
    def measured(self) -> bool:
        """Whether structure is reported for such a unit, if it could be measured."""
        return self.varied is not False

    @property
    def described(self) -> bool:
        """Whether directions, periods and colours of a pattern are reported for such a unit."""
        return self.measured and self.pattern is not False

    @property
    def order(self) -> int | None:
        """0 without a pattern, 1 with one, 2 with one that recurs; None if unknown or not asked."""
        return None if self.pattern is None else int(self.pattern) + int(bool(self.recurs))


NO_RESPONSES = Cause("responses missing", "its responses were not measured")
NO_ASCENT = Cause("no ascent", "none of its starts activated it")
NO_STRUCTURE = Cause("structure not measured", "its pictures are too small, or the noise baseline is missing")
NO_RECURRENCE = Cause(
    "recurrence not measured",
    "it shows a pattern, but fewer than two starts were live, or there are no pictures of other units",
)

STRUCTURED = Verdict(
    "structured",
    "s",
    "The pictures have more structure than the noise baseline, and the starts agree.",
    pattern=True,
    recurs=True,
)
UNSTABLE = Verdict(
    "unstable",
    "u",
    "There is structure, but each start finds a different picture.",
    pattern=True,
    recurs=False,
    changes=True,
)
MULTIFACETED = Verdict(
    "multifaceted",
    "m",
    "The starts fall into two or more groups that agree within themselves: the unit responds to several "
    "patterns.",
    pattern=True,
    recurs=True,
    changes=True,
)
STATIC = Verdict(
    "static",
    "t",
    "Noise: no more structure than the noise baseline, pictures of objectives without structure.",
    pattern=False,
    shown_leads=False,
)
FLAT = Verdict(
    "flat",
    "f",
    "One uniform colour: the unit responds to brightness, darkness or a tint.",
    varied=False,
    pattern=False,
)
DEAD = Verdict(
    "dead",
    "d",
    "The activation is zero or constant: proved from the weights, or no input was found that changes it.",
    informative=False,
    varied=False,
)
UNDECIDED = Verdict(
    "undecided",
    "n",
    "Something that a verdict needs is missing; the reason names it.",
    varied=None,
    causes=(NO_RESPONSES, NO_ASCENT, NO_STRUCTURE, NO_RECURRENCE),
)
FAILED = Verdict(
    "failed",
    "x",
    "Rendering failed; the reason says how.",
    informative=False,
    varied=False,
)

VERDICTS: tuple[Verdict, ...] = (STRUCTURED, UNSTABLE, MULTIFACETED, STATIC, FLAT, DEAD, UNDECIDED, FAILED)
"""All verdicts, in the order in which they are listed."""

UNSCORED = Verdict("", "o", "No verdict was given.", varied=None)
"""Used for a unit without a verdict, and for unknown words, which an untrusted store may have."""

WORDS: tuple[str, ...] = tuple(v.word for v in VERDICTS)
MARKS: Mapping[str, str] = {v.word: v.mark for v in (*VERDICTS, UNSCORED)}
"""The letters of the style sheet by word, in order; the empty word is last."""

_BY_WORD: Mapping[str, Verdict] = {v.word: v for v in VERDICTS}


def verdict_of(word: str) -> Verdict:
    """Return the verdict of a word; `UNSCORED` for an unknown word."""
    return _BY_WORD.get(word, UNSCORED)
