"""What is found of a layer as a whole: counts, and what could be left out.

Superfluous is here only what is certain without anybody's pictures: units proved silent or constant, units
with the very weights of another, and units whose outgoing weights are all zero. Which of the others a
network needs is measured by removal; neither structure nor use shows it (docs/decisions/0019).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.judgement import ConsistencyReference, LayerFindings, NoiseRate, ResponseGroups
from reportgen.score.evidence import LayerEvidence
from reportgen.score.response_groups import GROUP_CORRELATION
from reportgen.score.responsiveness import given_out
from reportgen.sentences.layers import (
    certain_in_words,
    compared_in_words,
    copies_in_words,
    judged_in_words,
    nearest_in_words,
    noise_rate_in_words,
    patterns_in_words,
    shared_in_words,
    similarity_in_words,
)
from reportgen.units import UnitScore


def layer_findings(scores: Sequence[UnitScore], evidence: LayerEvidence, compared: ConsistencyReference,
                   groups: ResponseGroups | None, noise: NoiseRate | None) -> LayerFindings:  # fmt: skip
    """Return the findings about a layer.

    Args:
        scores: Rows of its rendered units.
        evidence: Of the layer.
        compared: What consistency was compared with.
        groups: How similar its units' activations are; None where unknown.
        noise: How often its noise baseline is said to have a pattern; None where there is none.
    """
    counts = Counter(s.verdict for s in scores)
    certain = [] if evidence.layer.shared_with else certainly_superfluous(scores, evidence)
    comparison = compared_in_words(compared)
    common = similarity_in_words(groups, least=GROUP_CORRELATION) if groups is not None else []
    rate = [noise_rate_in_words(noise)] if noise is not None else []
    return LayerFindings(
        n_units=evidence.n_units,
        n_rendered=len(scores),
        counts=dict(sorted(counts.items())),
        certainly_superfluous=tuple(certain),
        response_groups=groups,
        consistency_reference=comparison,
        summary=(*_sentences(scores, len(certain), evidence, comparison), *rate, *common),
    )


def certainly_superfluous(scores: Sequence[UnitScore], evidence: LayerEvidence) -> list[int]:
    """Return the units that the network does without, whatever picture it is shown, in order.

    All of it is proved, from weights or from bounds. A unit for which no activating input was found is not
    among them, nor a copy whose weights differ, nor any output of the network.
    """
    results = given_out(evidence.weights, evidence.n_units)
    equal = _equal_weights(evidence)
    idle = [
        s
        for s in scores
        if s.responsiveness.unused or s.responsiveness.proof or (s.duplicate_of is not None and equal[s.unit])
    ]
    return [s.unit for s in idle if not results[s.unit]]


def _equal_weights(evidence: LayerEvidence) -> NDArray[np.bool_]:
    """Return `(K,)`: whether each unit has the very weights of an earlier one; no, where not compared."""
    equal = (evidence.weights or {}).get("equal_to")
    if equal is None or equal.shape != (evidence.n_units,):
        return np.zeros(evidence.n_units, bool)
    return np.asarray(equal >= 0)


def _sentences(scores: Sequence[UnitScore], n_certain: int, evidence: LayerEvidence,
               comparison: str) -> list[str]:  # fmt: skip
    said = judged_in_words(scores, note=evidence.note, assumed_range=evidence.assumed_range)
    said += _copies(scores)
    said += patterns_in_words(scores, comparison)
    if evidence.layer.shared_with:
        said.append(shared_in_words(evidence.layer.shared_with))
    elif scores:
        said.append(certain_in_words(n_certain, len(scores)))
    return said


def _copies(scores: Sequence[UnitScore]) -> list[str]:
    """Return how many units are copies, or which are nearest to it and what is missing."""
    if copies := sum(s.duplicate_of is not None for s in scores):
        return [copies_in_words(copies)]
    near = [
        (s.relations.correlations[0], -s.unit, s.relations.neighbours[0], s.relations.copy_shortfall)
        for s in scores
        if s.relations.copy_shortfall is not None and s.relations.neighbours and s.relations.correlations
    ]
    known = [(r, unit, other, short) for r, unit, other, short in near if r is not None]
    if not known:
        return []
    r, unit, other, short = max(known, key=lambda x: x[:2])
    return [nearest_in_words(-unit, other, r, short)]
