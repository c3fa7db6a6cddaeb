"""The word for a unit: from facts about it to one row of the verdict table.

Order: failed, dead, flat, static, unstable or multifaceted, structured; `undecided` where a fact that
the word hangs on is missing. How the facts are found is not known here, nor how any of it is said.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

from reportgen.judgement import (
    Decision,
    Facet,
    Light,
    Look,
    Obstacle,
    Relations,
    Responsiveness,
    Starts,
)
from reportgen.score.agreement import Agreement
from reportgen.score.copies import CopyRelations
from reportgen.score.spectrum import Stripes
from reportgen.score.structure import p_structured
from reportgen.sentences.reasons import reason, verdict_detail
from reportgen.spec import ScoreSpec
from reportgen.units import UnitScore
from reportgen.verdicts import (
    DEAD,
    FAILED,
    FLAT,
    MULTIFACETED,
    NO_ASCENT,
    NO_RECURRENCE,
    NO_RESPONSES,
    NO_STRUCTURE,
    STATIC,
    STRUCTURED,
    UNDECIDED,
    UNSTABLE,
    Cause,
    Verdict,
)  # fmt: skip

ORIENTED = 0.5
"""Least `oriented` of a pattern (see `Stripes`) for a direction to be named."""

PERIODIC_SHARE = 0.2
"""Least share of the power next to one frequency for a period to be named."""

DIFFERS = 0.2
"""Largest difference between mean colours of a unit's pictures, in [0,1], up to which they are one colour."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one unit.

    Attributes:
        unit: Its index.
        responsiveness: Whether it activates.
        pictures, live: Pictures that did not fail, and those of them whose start was live.
        seeds, activations: Of the live pictures, as `agreement.groups` counts them: seeds, and the unit's
            activation on each; empty where not measured.
        activated: Whether any start gained activation; True where telemetry is missing.
        failure: Reason of a failed render, or empty.
        contrast: Inner RMS contrast, median over live pictures; None without pictures.
        colour: The name of its mean colour.
        colour_spread: Largest difference between mean colours of its pictures, in [0,1].
        light: How it responds to flat inputs.
        too_small: Why structure cannot be measured on its pictures; None where it can.
        z, p, q, null_share_below: Standard deviations above the noise baseline, p-value, the same adjusted
            for the layer, share of the baseline below; None without a baseline.
        reach, extent, repeat, concentration, flow: Means over pictures.
        null_missing: Why there is no noise baseline; None where there is one.
        agreement: How its pictures agree; None for fewer than two live ones or nothing to compare with.
        wave: Its strongest stripes.
        axes: Along which colours it varies, by name.
        relations, use, raw_use: Relations and use.
        note: Of the layer, such as `3 of 64 units rendered`.
    """

    unit: int
    responsiveness: Responsiveness
    relations: CopyRelations
    pictures: int = 0
    live: int = 0
    seeds: tuple[int, ...] = ()
    activations: tuple[float, ...] = ()
    activated: bool = True
    failure: str = ""
    contrast: float | None = None
    colour: str = ""
    colour_spread: float = 0.0
    light: Light = field(default_factory=Light)
    too_small: Obstacle | None = None
    z: float | None = None
    p: float | None = None
    q: float | None = None
    null_share_below: float | None = None
    reach: float | None = None
    extent: float | None = None
    repeat: float | None = None
    concentration: float | None = None
    flow: float | None = None
    null_missing: Obstacle | None = None
    agreement: Agreement | None = None
    wave: Stripes | None = None
    axes: str = ""
    use: float | None = None
    raw_use: float | None = None
    note: str = ""


def judge(facts: Facts, spec: ScoreSpec) -> UnitScore:
    """Return the row of one unit: a verdict, what it was made from, and the reason in one line."""
    verdict, cause = _verdict(facts, spec)
    z = facts.z if verdict.measured else None
    low, high = spec.borderline_z
    nearly_flat = _nearly_flat(facts, verdict, spec)
    agreed = facts.agreement if verdict.measured else None
    score = UnitScore(
        unit=facts.unit,
        verdict=verdict.word,
        verdict_detail="",
        reason="",
        borderline=(z is not None and low <= z <= high) or nearly_flat,
        structure=z,
        p_structured=None if z is None else p_structured(z, spec.structure_z, spec.structure_slope),
        p_value=facts.p if z is not None else None,
        consistency=agreed.consistency if agreed else None,
        use=facts.use,
        duplicate_of=facts.relations.duplicate_of,
        mirror_of=facts.relations.mirror_of,
        complement_of=facts.relations.complement_of,
        facets=agreed.facets if agreed and verdict is MULTIFACETED else None,
        cause=cause.word if cause is not None else "",
        starts=Starts(facts.pictures, facts.live, facts.failure),
        responsiveness=facts.responsiveness,
        look=_look(facts, verdict, agreed, nearly_flat=nearly_flat),
        relations=_relations(facts.relations),
        light=facts.light if facts.responsiveness.state == "live" else Light(share=facts.light.share),
        facet_groups=facet_groups(facts) if verdict is MULTIFACETED else (),
        raw_use=_known(facts.raw_use),
        decision=tuple(decision(facts, spec)),
    )
    return dataclasses.replace(
        score, verdict_detail=verdict_detail(score), reason=reason(score, note=facts.note)
    )


def _verdict(facts: Facts, spec: ScoreSpec) -> tuple[Verdict, Cause | None]:
    """Return the verdict, and why where it is undecided."""
    if facts.responsiveness.state in ("dead", "constant"):
        return DEAD, None
    if not facts.pictures:
        return FAILED, None
    if facts.responsiveness.state == "unknown":
        return UNDECIDED, NO_RESPONSES
    if not facts.activated:
        return UNDECIDED, NO_ASCENT
    if (facts.contrast or 0.0) < spec.flat_contrast:
        return FLAT, None
    if facts.too_small is not None or facts.z is None:
        return UNDECIDED, NO_STRUCTURE
    if facts.z < spec.structure_z:
        return STATIC, None
    if facts.agreement is None:
        return UNDECIDED, NO_RECURRENCE
    if facts.agreement.unstable(spec.unstable_share, spec.unstable_distance, spec.unstable_gap):
        return (MULTIFACETED if facts.agreement.facets else UNSTABLE), None
    return STRUCTURED, None


def decision(facts: Facts, spec: ScoreSpec) -> list[Decision]:
    """Return the questions that led to the verdict, each with its answer and numbers, in order."""
    life = facts.responsiveness
    steps = [Decision("activation", None if life.state == "unknown" else life.state == "live")]
    if life.state != "live" or not facts.pictures or not facts.activated or facts.contrast is None:
        return steps
    flat = facts.contrast < spec.flat_contrast
    steps.append(
        Decision("contrast", not flat, _finite(contrast=facts.contrast, threshold=spec.flat_contrast))
    )
    if flat:
        return steps
    if facts.z is None or facts.too_small is not None:
        return [*steps, Decision("structure", None)]
    patterned = facts.z >= spec.structure_z
    steps.append(Decision("structure", patterned, _finite(structure=facts.z, threshold=spec.structure_z)))
    if not patterned:
        return steps
    found = facts.agreement
    if found is None:
        return [*steps, Decision("recurrence", None)]
    same = not found.unstable(spec.unstable_share, spec.unstable_distance, spec.unstable_gap)
    numbers = _finite(
        closer_share=found.closer_share,
        closer_share_limit=spec.unstable_share,
        texture_distance=found.distance,
        texture_distance_limit=spec.unstable_distance,
        gap=found.gap,
        gap_limit=spec.unstable_gap,
    )
    steps.append(Decision("recurrence", same, numbers))
    if not same:
        steps.append(Decision("facets", found.facets is not None, groups=tuple(map(len, found.groups))))
    return steps


def facet_groups(facts: Facts) -> tuple[Facet, ...]:
    """Return a unit's facets: the seeds of each, and its mean activation on them where measured."""
    if facts.agreement is None:
        return ()
    known = len(facts.activations) == len(facts.seeds) > 0
    return tuple(
        Facet(
            tuple(facts.seeds[i] for i in group),
            sum(facts.activations[i] for i in group) / len(group) if known else None,
        )
        for group in facts.agreement.groups
    )


def _nearly_flat(facts: Facts, verdict: Verdict, spec: ScoreSpec) -> bool:
    """Whether a unit's pictures hold hardly more, or hardly less, than one colour, and light explains it.

    Structure does not depend on contrast: a ripple that adds a little to what brightness does is as regular
    as a grating that the unit is made for.
    """
    if not (verdict.measured or verdict is FLAT) or facts.contrast is None or facts.light.share is None:
        return False
    low, high = spec.borderline_contrast
    return low <= facts.contrast <= high and facts.light.share >= spec.light_share


def _look(facts: Facts, verdict: Verdict, agreed: Agreement | None, *, nearly_flat: bool) -> Look:
    wave = facts.wave if verdict.described else None
    return Look(
        contrast=_known(facts.contrast),
        nearly_flat=nearly_flat,
        colour=facts.colour if verdict is not DEAD else "",
        colour_differs=facts.colour_spread > DIFFERS,
        colours=facts.axes if verdict.described else "",
        orientation_degrees=_known(wave.degrees) if wave and wave.oriented >= ORIENTED else None,
        period_px=_known(wave.period_px) if wave and wave.share >= PERIODIC_SHARE else None,
        null_share_below=_known(facts.null_share_below),
        p_adjusted=_known(facts.q),
        reach=_known(facts.reach),
        extent=_known(facts.extent),
        repeat=_known(facts.repeat),
        concentration=_known(facts.concentration),
        flow=_known(facts.flow),
        texture_distance=_known(agreed.distance) if agreed else None,
        obstacle=facts.too_small or facts.null_missing,
    )


def _relations(copies: CopyRelations) -> Relations:
    copied = copies.copy_correlation
    return Relations(
        neighbours=copies.neighbours,
        correlations=tuple(_known(r) for r in copies.correlations),
        copy_correlation=None if copied is None else round(copied, 8),
        copy_shortfall=copies.copy_shortfall,
    )


def _finite(**numbers: float) -> dict[str, float]:
    """Return those of some numbers that are finite, by name: no other can be kept."""
    return {name: float(value) for name, value in numbers.items() if math.isfinite(value)}


def _known(value: float | None) -> float | None:
    """Return a number as it is kept, to six digits; None where it is undefined."""
    return round(float(value), 6) if value is not None and math.isfinite(value) else None
