"""Which units need more starts than the first few, because more could change their verdict."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.spec import ScoreSpec
from reportgen.units import UnitScore
from reportgen.verdicts import DEAD, FAILED, FLAT, UNDECIDED, verdict_of

FACETS_SHARE = 0.02
"""Share of a layer's units with a pattern whose first starts may differ; beyond it all such get every start.

Of a unit with two facets, two starts show the same one as often as both: about as many such units go unseen
as are seen, so that this is also the share of verdicts that may be wrong for this reason.
"""


def unsure_units(scores: Sequence[UnitScore], spec: ScoreSpec) -> tuple[int, ...]:
    """Return the units of a layer whose verdict more starts could change, in order.

    These are near a threshold, undecided, failed, or without any activation that was found; those whose
    starts differ; and all with a pattern, in a layer where starts differ often. A unit whose structure cannot
    be measured at all gains nothing by more starts.
    """
    patterned = [s.unit for s in scores if verdict_of(s.verdict).pattern]
    differing = [s.unit for s in scores if verdict_of(s.verdict).changes]
    open_facets = set(patterned if len(differing) > FACETS_SHARE * len(patterned) else differing)
    return tuple(s.unit for s in scores if s.unit in open_facets or _is_near_threshold(s, spec))


def _is_near_threshold(score: UnitScore, spec: ScoreSpec) -> bool:
    verdict = verdict_of(score.verdict)
    if verdict is DEAD:
        return not score.responsiveness.proof
    if verdict in (UNDECIDED, FAILED):
        return score.look.obstacle is None
    low, high = spec.borderline_contrast
    if verdict is FLAT:
        return score.look.contrast is None or score.look.contrast >= low
    return score.borderline or (score.look.contrast is not None and score.look.contrast <= high)
