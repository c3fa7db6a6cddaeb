"""Which other verdict or state a unit may as well have: units near a threshold, pairs that are uncertain."""

from __future__ import annotations

from reportgen.spec import ScoreSpec
from reportgen.units import UnitScore
from reportgen.verdicts import FLAT, STATIC, UNDECIDED, VERDICTS, verdict_of

_PATTERNED = frozenset(v.word for v in VERDICTS if v.pattern)


def possible_verdicts(score: UnitScore) -> frozenset[str]:
    """Return the verdicts that a unit may have: its own, and if it is borderline those next to it.

    A static unit near the threshold of structure may have any kind of pattern, since whether a pattern
    recurs is only asked of units that show one.

    Example:
        >>> near = UnitScore(0, "structured", "", "", borderline=True, structure=2.4)
        >>> sorted(possible_verdicts(near))
        ['static', 'structured']
    """
    own = frozenset({score.verdict})
    if not score.borderline:
        return own
    flat = score.verdict == FLAT.word
    possible = own | {FLAT.word} if score.look.nearly_flat else own
    if flat:
        return possible | _PATTERNED | {STATIC.word}
    if not score.look.nearly_flat or _near_threshold(score):
        possible |= _across(score)
    return possible


def _near_threshold(score: UnitScore) -> bool:
    low, high = ScoreSpec().borderline_z
    return score.structure is not None and low <= score.structure <= high


def _across(score: UnitScore) -> frozenset[str]:
    """Return the verdicts on the other side of the threshold of structure."""
    if verdict_of(score.verdict).pattern is not False:
        return frozenset({STATIC.word})
    return _PATTERNED if score.consistency is not None else _PATTERNED | {UNDECIDED.word}
