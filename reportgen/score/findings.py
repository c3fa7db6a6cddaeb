"""What is said of a layer as a whole: counts, what could be left out, and sentences.

"Superfluous" is never read from a picture alone: certain are units that never answer, that nothing
takes, or that answer like another; likely are those without structure which are also little used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from reportgen.score.alive import Life, without_consumers
from reportgen.score.copies import in_words
from reportgen.score.evidence import LayerEvidence
from reportgen.score.kinds import ALIKE, SPAN_SHARE, Kinds
from reportgen.score.use import poisson_binomial
from reportgen.units import UnitScore


def certainly(n: int) -> str:
    """Return how many units are superfluous for certain, and what makes them so."""
    return (
        f"{n:,} of them for certain" if n else "none of them for certain"
    ) + " (silent, constant, a copy, or unheard: nothing takes its answer)"


UNKNOWN_USE = 0.5
"""The rank taken for a unit whose use is not known."""

UNKNOWN_RANGE = 0.5
"""The chance taken for an assumed input range to be the right one, since nothing tells it."""


def layer_findings(scores: Sequence[UnitScore], lives: Sequence[Life], evidence: LayerEvidence,
                   comparison: str, kinds: Kinds | None) -> dict[str, Any]:  # fmt: skip
    """Return the findings about a layer as JSON values.

    Args:
        scores: Rows of its rendered units.
        lives: Of all its units.
        evidence: Of the layer.
        comparison: In words, what consistency was compared with.
        kinds: What the answers of its units have in common; None where that is not known.
    """
    counts = Counter(s.verdict for s in scores)
    superfluous = _superfluous(scores, evidence)
    return {
        "n_units": evidence.n_units,
        "n_rendered": len(scores),
        "counts": dict(sorted(counts.items())),
        "comparison": comparison,
        "superfluous": superfluous,
        "kinds": _kinds(kinds),
        "text": _sentences(scores, counts, superfluous, evidence, comparison) + _common(kinds),
    }


def chance_superfluous(score: UnitScore, *, unheard: bool, range_assumed: bool = False) -> float:
    """Return the chance that a unit could be left out, 0..1.

    1 for a dead or unheard unit and for a copy beyond the first; for a unit that is dead on pictures of an
    assumed range, the chance that the range is right. Else the chance that it is static
    times the share of its layer that is used more: flat, unstable and undecided units matter until shown
    otherwise.
    """
    if unheard or score.duplicate_of is not None:
        return 1.0
    if score.verdict == "dead":
        return UNKNOWN_RANGE if range_assumed and not score.dead_proof else 1.0
    if score.p_structured is None or score.verdict in ("flat", "failed", "undecided"):
        return 0.0
    used = UNKNOWN_USE if score.use is None else score.use
    return (1 - score.p_structured) * (1 - used)


def _superfluous(scores: Sequence[UnitScore], evidence: LayerEvidence) -> dict[str, Any]:
    """Return what could be left out; nothing of weights that other calls of the network use too."""
    if evidence.layer.shared_with:
        return {"certain": [], "likely": [], "estimate": 0.0, "low": 0, "high": 0}
    unheard = without_consumers(evidence.weights, evidence.n_units)
    chances = [
        chance_superfluous(s, unheard=bool(unheard[s.unit]), range_assumed=bool(evidence.assumed_range))
        for s in scores
    ]
    estimate, low, high = poisson_binomial(chances)
    return {
        "certain": [s.unit for s, p in zip(scores, chances, strict=True) if p == 1.0],
        "likely": [s.unit for s, p in zip(scores, chances, strict=True) if 0.5 <= p < 1.0],
        "estimate": round(estimate, 2),
        "low": low,
        "high": high,
    }


def _sentences(scores: Sequence[UnitScore], counts: Counter[str], superfluous: dict[str, Any],
               evidence: LayerEvidence, comparison: str) -> list[str]:  # fmt: skip
    n = len(scores)
    told = [f"{_count(n, 'unit')} judged: " + ", ".join(f"{c} {v}" for v, c in counts.most_common()) + "."]
    if evidence.note:
        told.append(f"Only {evidence.note}.")
    dead = [s for s in scores if s.verdict == "dead"]
    if dead:
        proved = sum(bool(s.dead_proof) for s in dead)
        known = {0: "no input was found that wakes them", len(dead): "proved for every input"}
        how = known.get(proved, f"proved for {proved}, no input was found for the others")
        told.append(f"{_count(len(dead), 'unit')} never answered: {how}.")
        if evidence.assumed_range and proved < len(dead):
            told.append(f"The input range {evidence.assumed_range} is assumed; in another they may answer.")
    told += _copies(scores)
    if any(s.complement_of is not None for s in scores):
        told.append("The two outputs are complements by the softmax itself, which says nothing of the model.")
    changing = counts["unstable"] + counts["multifaceted"]
    judged = changing + counts["structured"]
    if judged:
        told.append(
            f"{changing} of {judged} units with a pattern change from run to run; compared with {comparison}."
        )
    borderline = sum(s.borderline for s in scores)
    if borderline:
        told.append(f"{_count(borderline, 'unit')} on the border between static and structured.")
    if evidence.layer.shared_with:
        told.append(
            f"Its weights are used elsewhere in the network too ({_listed(evidence.layer.shared_with)}): "
            "what is idle here may be needed there, so that nothing is called superfluous."
        )
    elif n:
        told.append(
            f"About {superfluous['estimate']:.0f} of {n} may be superfluous "
            f"({superfluous['low']:g} to {superfluous['high']:g} with 90 % confidence), "
            f"{certainly(len(superfluous['certain']))}. "
            "Of the others only removing them and measuring shows it."
        )
    return told


def _copies(scores: Sequence[UnitScore]) -> list[str]:
    """Return how many units are copies, or which are nearest to it and what is missing."""
    copies = sum(s.duplicate_of is not None for s in scores)
    if copies:
        answer = "answers" if copies == 1 else "answer"
        return [f"{_count(copies, 'unit')} {answer} like another of a lower index: copies."]
    known = [(r, -s.unit, s) for s in scores if s.extra.get("no_copy") and (r := _nearest(s)) is not None]
    if not known:
        return []
    r, _, nearest = max(known, key=lambda x: x[:2])
    near = nearest.extra["neighbours"]
    other = near[0] if isinstance(near, list) else ""
    why = nearest.extra["no_copy"]
    alike = f"Most alike answer {nearest.unit} and {other}, r {in_words(r)}: {why}."
    return [f"No unit is a copy of another. {alike}"]


def _nearest(score: UnitScore) -> float | None:
    value = score.extra.get("nearest_correlation")
    return value if isinstance(value, float) else None


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _kinds(kinds: Kinds | None) -> dict[str, Any]:
    if kinds is None:
        return {}
    return {
        "live": kinds.live,
        "groups": [list(g) for g in kinds.groups],
        "effective_rank": round(kinds.effective_rank, 2),
        "span": list(kinds.span),
        "span_share": SPAN_SHARE,
    }


def _common(kinds: Kinds | None) -> list[str]:
    if kinds is None:
        return []
    told = [
        f"From the answers of {len(kinds.span)} of the {_count(kinds.live, 'unit')} that answer, "
        f"{SPAN_SHARE:.0%} of what all of them answer can be computed, as sums; all together are worth "
        f"{kinds.effective_rank:.1f} independent ones (effective rank)."
    ]
    if kinds.groups:
        many = f"{len(kinds.groups)} groups" if len(kinds.groups) > 1 else "One group"
        inside = sum(map(len, kinds.groups))
        told.append(
            f"{many} of units answer much alike (mean correlation {ALIKE:g} and more), {inside} units in "
            f"all, the largest of {len(kinds.groups[0])}."
        )
    return told
