"""The word for a unit, with the reason: from facts about it to one row of the verdict table.

Order: failed, dead, flat, static, unstable or multifaceted, structured; `undecided` where a fact that
the word hangs on is missing, and the reason says which. How the facts are found is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.score.agreement import Agreement
from reportgen.score.alive import Life
from reportgen.score.copies import Kin
from reportgen.score.spectrum import Stripes
from reportgen.score.structure import p_structured
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
"""Least share of the power beside one frequency for a period to be named."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one unit.

    Attributes:
        unit: Its index.
        life: Whether it answers.
        pictures, live: Pictures that did not fail, and those of them whose start went somewhere.
        seeds, answers: Of the live pictures, as `agreement.groups` counts them: their seeds, and what the
            unit answers to each; answers are empty where they were not measured.
        climbed: Whether any start gained anything; True where telemetry is missing.
        failure: Reason of a failed render, or empty.
        contrast: Inner RMS contrast, median over live pictures; None without pictures.
        colour: Mean colour in words.
        colour_spread: Largest difference between mean colours of its pictures, in [0,1].
        answers_light: How it answers flat inputs, in words, or empty.
        light_share: How much of its whole range flat pictures alone take it through, 0..1; None if unknown.
        too_small: Why structure cannot be measured on its pictures, or empty.
        z, p, q, place: Null deviations, p-value, the same adjusted for the layer, share of the null below;
            None where there is no null.
        reach, extent, repeat, flow: Means over pictures.
        null_missing: Why there is no null, or empty.
        agreement: How its pictures agree; None for fewer than two live ones or nothing to compare with.
        wave: Its strongest wave.
        axes: Along which colours it varies, in words.
        kin, use, raw_use: Relations and use.
        unheard: Whether all its outgoing weights are zero.
        note: Of the layer, such as `3 of 64 units rendered`.
    """

    unit: int
    life: Life
    kin: Kin
    pictures: int = 0
    live: int = 0
    seeds: tuple[int, ...] = ()
    answers: tuple[float, ...] = ()
    climbed: bool = True
    failure: str = ""
    contrast: float | None = None
    colour: str = ""
    colour_spread: float = 0.0
    answers_light: str = ""
    light_share: float | None = None
    too_small: str = ""
    z: float | None = None
    p: float | None = None
    q: float | None = None
    place: float | None = None
    reach: float | None = None
    extent: float | None = None
    repeat: float | None = None
    flow: float | None = None
    null_missing: str = ""
    agreement: Agreement | None = None
    wave: Stripes | None = None
    axes: str = ""
    use: float | None = None
    raw_use: float | None = None
    unheard: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Word:
    verdict: Verdict
    detail: str
    reason: str


def judge(facts: Facts, spec: ScoreSpec) -> UnitScore:
    """Return the row of one unit: a verdict, its nuance, and the reason in one line."""
    word = _word(facts, spec)
    measured = word.verdict.measured
    z = facts.z if measured else None
    low, high = spec.borderline_z
    borderline = z is not None and low <= z <= high
    details = [word.detail, facts.life.detail if facts.life.state == "live" else ""]
    details += ["no outgoing weight" if facts.unheard else ""]
    agreed = facts.agreement if measured else None
    return UnitScore(
        unit=facts.unit,
        verdict=word.verdict.word,
        verdict_detail="; ".join(d for d in details if d),
        reason=_sentence([word.reason, "borderline" if borderline else "", *_besides(facts), facts.note]),
        borderline=borderline,
        structure=z,
        p_structured=None if z is None else p_structured(z, spec.structure_z, spec.structure_slope),
        p_value=facts.p if z is not None else None,
        consistency=agreed.consistency if agreed else None,
        use=facts.use,
        duplicate_of=facts.kin.duplicate_of,
        mirror_of=facts.kin.mirror_of,
        complement_of=facts.kin.complement_of,
        facets=agreed.facets if agreed and word.verdict is MULTIFACETED else None,
        dead_proof=facts.life.proof,
        extra={**_extra(facts, word.verdict), "decision": " | ".join(decision(facts, spec))},
    )


def pattern_words(wave: Stripes | None) -> str:
    """Return a pattern in words, such as `oriented 45 degrees, period 6 px`; empty if none stands out.

    Directions are those of the stripes, counter-clockwise from horizontal, to the nearest 5 degrees.
    """
    if wave is None:
        return ""
    parts = [f"oriented {5 * round(wave.degrees / 5) % 180} degrees"] if wave.oriented >= ORIENTED else []
    if wave.share >= PERIODIC_SHARE:
        parts.append(f"period {wave.period_px:.2g} px")
    return ", ".join(parts)


def _word(facts: Facts, spec: ScoreSpec) -> _Word:
    life = facts.life
    if life.state in ("dead", "constant"):
        proof = f" ({life.proof})" if life.proof else ", which proves nothing about other inputs"
        return _Word(DEAD, life.detail, f"never answers: {life.words}{proof}")
    if not facts.pictures:
        return _Word(FAILED, "", f"no picture: {facts.failure or 'nothing was rendered'}")
    if life.state == "unknown":
        return _undecided(NO_RESPONSES, life.words)
    if not facts.climbed:
        return _undecided(NO_ASCENT, f"none of its {facts.pictures} starts ended with an answer")
    contrast = facts.contrast or 0.0
    if contrast < spec.flat_contrast:
        differs = "; differs between runs" if facts.colour_spread > 0.2 else ""
        light = f"; {facts.answers_light}" if facts.answers_light else ""
        return _Word(
            FLAT,
            facts.colour + differs,
            f"one colour, {facts.colour}: contrast {contrast:.3f}, below {spec.flat_contrast:g}{light}",
        )
    if facts.too_small or facts.z is None:
        return _undecided(NO_STRUCTURE, facts.too_small or facts.null_missing)
    return _look(facts, facts.z, spec)


def _look(facts: Facts, z: float, spec: ScoreSpec) -> _Word:
    patterned = z >= spec.structure_z
    beyond = (
        f"structure {z:.1f}, {'above' if patterned else 'below'} {spec.structure_z:g} where patterns begin"
    )
    if not patterned:
        return _Word(STATIC, "", f"no more pattern than the renderer makes of nothing: {beyond}")
    pattern = ", ".join(x for x in (pattern_words(facts.wave), facts.axes) if x)
    beyond += f" ({pattern})" if pattern else ""
    if facts.agreement is None:
        why = (
            f"{facts.live} live start{'s' if facts.live != 1 else ''} of {facts.pictures}, two are needed"
            if facts.live < 2
            else "no pictures of other units to compare with"
        )
        return _undecided(NO_RECURRENCE, f"a pattern, {beyond}; whether it recurs is open: {why}")
    found = facts.agreement
    alike = f"consistency {found.consistency:.2f} over {facts.live} starts"
    if found.unstable(spec.unstable_share, spec.unstable_distance):
        if found.facets:
            sizes = " and ".join(str(len(g)) for g in found.groups)
            return _Word(
                MULTIFACETED,
                f"{found.facets} facets",
                f"{found.facets} groups of alike pictures ({sizes}{_answered(facts)}); {beyond}; {alike}",
            )
        return _Word(
            UNSTABLE,
            "",
            f"another pattern on each run: {alike}, texture distance {found.distance:.2f}; {beyond}",
        )
    return _Word(STRUCTURED, pattern, f"a pattern that recurs: {beyond}; {alike}")


def _undecided(cause: Cause, reason: str) -> _Word:
    return _Word(UNDECIDED, cause.word, reason)


def decision(facts: Facts, spec: ScoreSpec) -> list[str]:
    """Return the questions that led to the verdict, each with its answer and numbers, in order."""
    life = facts.life
    steps = [
        f"answers? {'not known' if life.state == 'unknown' else _yes(life.state == 'live')}: {life.words}"
    ]
    if life.state != "live" or not facts.pictures or not facts.climbed or facts.contrast is None:
        return steps
    flat = facts.contrast < spec.flat_contrast
    steps.append(
        f"more than one colour? {_yes(not flat)}: contrast {facts.contrast:.3f}, "
        f"{spec.flat_contrast:g} is needed"
    )
    if flat:
        return steps
    if facts.z is None or facts.too_small:
        return [*steps, f"a pattern? not measured: {facts.too_small or facts.null_missing}"]
    patterned = facts.z >= spec.structure_z
    steps.append(
        f"a pattern? {_yes(patterned)}: structure {facts.z:.1f}, patterns begin at {spec.structure_z:g}"
        + ("" if facts.place is None else f"; more order than {facts.place:.0%} of the pictures of nothing")
    )
    if not patterned:
        return steps
    found = facts.agreement
    if found is None:
        return [*steps, f"the same on every run? not measured: {facts.live} live of {facts.pictures} starts"]
    same = not found.unstable(spec.unstable_share, spec.unstable_distance)
    steps.append(
        f"the same on every run? {_yes(same)}: of other units' pictures {found.stranger_share:.0%} look more "
        f"like one start than the other starts do, at most {spec.unstable_share:.0%} may; or the starts' "
        f"textures differ by {found.distance:.2f}, at most {spec.unstable_distance:g}"
    )
    if not same:
        groups = " and ".join(str(len(g)) for g in found.groups)
        steps.append(f"a few kinds? {_yes(found.facets is not None)}: groups of {groups} alike pictures")
    return steps


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def facet_answers(facts: Facts) -> list[float]:
    """Return what a unit answers to the pictures of each of its groups, on average; empty if not measured."""
    if facts.agreement is None or not facts.answers or len(facts.answers) != len(facts.seeds):
        return []
    return [sum(facts.answers[i] for i in group) / len(group) for group in facts.agreement.groups]


def _answered(facts: Facts) -> str:
    found = facet_answers(facts)
    return "; it answers them " + " and ".join(f"{x:.3g}" for x in found) if found else ""


def _besides(facts: Facts) -> list[str]:
    said = []
    if facts.life.state == "live" and facts.life.detail == "silent but excitable":
        said.append("silent on all probe pictures, only renders excite it")
    if facts.life.detail == "faint":
        said.append(f"its answers are tiny beside its layer's: {facts.life.words}")
    if facts.pictures and facts.failure:
        said.append(f"some starts failed: {facts.failure}")
    if facts.kin.duplicate_of is not None:
        said.append(f"answers like unit {facts.kin.duplicate_of}")
    if facts.kin.mirror_of is not None:
        said.append(f"answers opposite to unit {facts.kin.mirror_of}")
    if facts.kin.complement_of is not None:
        said.append(f"one minus unit {facts.kin.complement_of} by the softmax itself")
    if facts.unheard:
        said.append("nothing after it takes it: all its outgoing weights are zero")
    return said


def _sentence(parts: list[str]) -> str:
    return " ".join("; ".join(p for p in parts if p).split())


def _extra(facts: Facts, verdict: Verdict) -> dict[str, float | str | list[int] | list[float]]:
    found: dict[str, float | str | list[int] | list[float]] = {"live_starts": float(facts.live)}
    numbers = {
        "null_place": facts.place, "p_adjusted": facts.q, "reach": facts.reach, "extent": facts.extent,
        "repeat": facts.repeat, "flow": facts.flow,
        "contrast": facts.contrast, "light_share": facts.light_share, "raw_use": facts.raw_use,
        "nearest_correlation": next(iter(facts.kin.correlations), None),
    }  # fmt: skip
    found |= {name: round(float(v), 6) for name, v in numbers.items() if v is not None and v == v}
    if facts.kin.neighbours:
        found["neighbours"] = list(facts.kin.neighbours)
        found["neighbour_correlations"] = [round(r, 6) for r in facts.kin.correlations]
    if facts.kin.copy_correlation is not None:
        found["copy_correlation"] = round(facts.kin.copy_correlation, 8)
    if facts.kin.no_copy:
        found["no_copy"] = facts.kin.no_copy
    if facts.answers_light and facts.life.state == "live":
        found["light"] = facts.answers_light
    if facts.colour and verdict is not DEAD:
        found["colour"] = facts.colour
    if facts.agreement is not None and verdict is MULTIFACETED:
        named = [facts.seeds[i] for group in facts.agreement.groups for i in group]
        sizes = [len(group) for group in facts.agreement.groups]
        found |= {"facet_seeds": named, "facet_sizes": sizes, "facet_answers": facet_answers(facts)}
    if facts.agreement is not None and verdict.measured:
        found["texture_distance"] = round(facts.agreement.distance, 4)
    words = pattern_words(facts.wave) if verdict.described else ""
    if words and facts.wave is not None:
        found["pattern"] = words
        if facts.wave.share >= PERIODIC_SHARE:
            found["period_px"] = round(facts.wave.period_px, 2)
        if facts.wave.oriented >= ORIENTED:
            found["orientation_degrees"] = round(facts.wave.degrees, 1)
    if facts.axes and verdict.described:
        found["colours"] = facts.axes
    return found
