"""The verdicts: each word once, with all that other rooms ask of it.

A verdict is the word that follows from a unit's scores. Which word a unit gets is decided in `score`; what a
word means, and what may be made of it, stands here and nowhere else. Pages, rules and tables read this one;
style sheets and documents are held to it by `tests/test_verdicts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a unit is undecided.

    Attributes:
        word: What stands as the detail of the verdict.
        meaning: What is missing, in half a sentence.
    """

    word: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word for a unit.

    Attributes:
        word: As it stands in stores, tables and addresses; empty for a unit that was not scored.
        mark: The letter under which the style sheet knows it.
        meaning: In one sentence.
        tells: Whether its pictures say anything about the unit; not if it is never active, or failed.
        looks: Whether its pictures show more than one colour; None where that is open.
        pattern: Whether they show more structure than the noise baseline; None where open or not asked.
        recurs: Whether a pattern comes back from several starts; None without a pattern.
        changes: Whether two starts may show different patterns.
        shown_leads: Whether the picture of the display recipe may stand for the unit; otherwise one that was
            judged does, since the display recipe makes patterns out of noise.
        causes: Why it can be given, where there are several reasons.
    """

    word: str
    mark: str
    meaning: str
    tells: bool = True
    looks: bool | None = True
    pattern: bool | None = None
    recurs: bool | None = None
    changes: bool = False
    shown_leads: bool = True
    causes: tuple[Cause, ...] = ()

    @property
    def noise(self) -> bool:
        """Whether its pictures were seen and hold no pattern."""
        return self.looks is True and self.pattern is False

    @property
    def measured(self) -> bool:
        """Whether structure is reported of such a unit, where it could be measured."""
        return self.looks is not False

    @property
    def described(self) -> bool:
        """Whether directions, periods and colours of a pattern are reported of such a unit."""
        return self.measured and self.pattern is not False

    @property
    def order(self) -> int | None:
        """0 without a pattern, 1 with one, 2 with one that recurs; None where that is open or not asked."""
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
    looks=False,
    pattern=False,
)
DEAD = Verdict(
    "dead",
    "d",
    "The activation is zero or constant: proved from the weights, or no input was found that changes it.",
    tells=False,
    looks=False,
)
UNDECIDED = Verdict(
    "undecided",
    "n",
    "Something that a verdict needs is missing; the reason names it.",
    looks=None,
    causes=(NO_RESPONSES, NO_ASCENT, NO_STRUCTURE, NO_RECURRENCE),
)
FAILED = Verdict(
    "failed",
    "x",
    "Rendering failed; the reason says how.",
    tells=False,
    looks=False,
)

VERDICTS: tuple[Verdict, ...] = (STRUCTURED, UNSTABLE, MULTIFACETED, STATIC, FLAT, DEAD, UNDECIDED, FAILED)
"""All of them, in the order in which they are listed."""

UNSCORED = Verdict("", "o", "No verdict was given.", looks=None)
"""What stands for a unit that has none, and for a word of nobody's: a store may be anybody's."""

WORDS: tuple[str, ...] = tuple(v.word for v in VERDICTS)
MARKS: Mapping[str, str] = {v.word: v.mark for v in (*VERDICTS, UNSCORED)}
"""The letters of the style sheet by word, in order; the empty word is last."""

_BY_WORD: Mapping[str, Verdict] = {v.word: v for v in VERDICTS}


def verdict_of(word: str) -> Verdict:
    """Return what a word says of a unit; `UNSCORED` for a word that is no verdict."""
    return _BY_WORD.get(word, UNSCORED)
