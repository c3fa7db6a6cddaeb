"""What is said of a layer as a whole: counts, what could be left out, and sentences.

Superfluous is here only what is certain without anybody's pictures: units proved silent or constant, copies
of another to rounding, and units whose outgoing weights are all zero. Which of the others a network needs is
measured by removal; neither looks nor use tell it (docs/decisions/0019).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from reportgen.score.alive import Life, given_out, without_consumers
from reportgen.score.copies import in_words, is_exact_copy
from reportgen.score.evidence import LayerEvidence
from reportgen.score.kinds import ALIKE, SPAN_SHARE, Kinds
from reportgen.units import UnitScore
from reportgen.verdicts import DEAD, STATIC, STRUCTURED, VERDICTS

ONLY_REMOVAL = (
    "Which of the others the network needs, only removing them and looking at its answers to pictures "
    "tells: reportgen prune MODEL --images DIR."
)
"""What is said wherever removal was not measured."""


def certain_in_words(n: int, of: int) -> str:
    """Return in a sentence how many units are superfluous for certain, and what makes them so."""
    count = f"{n:,} of {_count(of, 'unit')} {'is' if n == 1 else 'are'}" if n else "No unit is"
    return (
        f"{count} superfluous for certain (proved silent or constant, a copy of another to rounding, or "
        "nothing takes its answer)."
    )


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
    certain = [] if evidence.layer.shared_with else certainly_superfluous(scores, evidence)
    return {
        "n_units": evidence.n_units,
        "n_rendered": len(scores),
        "counts": dict(sorted(counts.items())),
        "comparison": comparison,
        "superfluous": {"certain": certain},
        "kinds": _kinds(kinds),
        "text": _sentences(scores, counts, len(certain), evidence, comparison) + _common(kinds),
    }


def certainly_superfluous(scores: Sequence[UnitScore], evidence: LayerEvidence) -> list[int]:
    """Return the units that the network does without, whatever picture it is shown, in order.

    A unit that was not seen to answer is not among them, nor a copy that differs by more than rounding, nor
    any of the network's results.
    """
    unheard, results = (told(evidence.weights, evidence.n_units) for told in (without_consumers, given_out))
    return [
        s.unit
        for s in scores
        if (unheard[s.unit] or s.dead_proof or is_exact_copy(s)) and not results[s.unit]
    ]


def _sentences(scores: Sequence[UnitScore], counts: Counter[str], n_certain: int,
               evidence: LayerEvidence, comparison: str) -> list[str]:  # fmt: skip
    n = len(scores)
    told = [f"{_count(n, 'unit')} judged: " + ", ".join(f"{c} {v}" for v, c in counts.most_common()) + "."]
    if evidence.note:
        told.append(f"Only {evidence.note}.")
    dead = [s for s in scores if s.verdict == DEAD.word]
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
    judged = sum(counts[v.word] for v in VERDICTS if v.pattern)
    changing = sum(counts[v.word] for v in VERDICTS if v.pattern and v.changes)
    if judged:
        told.append(
            f"{changing} of {judged} units with a pattern change from run to run; compared with {comparison}."
        )
    borderline = sum(s.borderline for s in scores)
    if borderline:
        between = f"{STATIC.word} and {STRUCTURED.word}"
        told.append(f"{_count(borderline, 'unit')} on the border between {between}.")
    if evidence.layer.shared_with:
        told.append(
            f"Its weights are used elsewhere in the network too ({_listed(evidence.layer.shared_with)}): "
            "what is idle here may be needed there, so that nothing is called superfluous."
        )
    elif n:
        told.append(certain_in_words(n_certain, n))
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
