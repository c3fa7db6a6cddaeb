"""What is said of a unit's verdict: the reason in one line, its nuance, and the questions that led to it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from reportgen.judgement import Decision, Look, Obstacle, Question
from reportgen.sentences.responses import (
    activation_in_words,
    light_in_words,
    liveliness_in_words,
    proof_in_words,
)
from reportgen.units import UnitScore
from reportgen.verdicts import (
    DEAD,
    FAILED,
    FLAT,
    MULTIFACETED,
    NO_ASCENT,
    NO_RESPONSES,
    NO_STRUCTURE,
    STATIC,
    UNDECIDED,
    UNSTABLE,
)

_QUESTIONS: Mapping[Question, str] = {
    "activation": "Does the unit activate?",
    "contrast": "More than one colour?",
    "structure": "Is there a pattern?",
    "recurrence": "The same from every start?",
    "facets": "A few groups of pictures?",
}


def verdict_detail(score: UnitScore) -> str:
    """Return the nuance of a verdict in a few words; empty for most."""
    found = score.responsiveness
    details = [_detail(score), liveliness_in_words(found) if found.state == "live" else ""]
    details += ["no outgoing weight" if found.unused else ""]
    return "; ".join(d for d in details if d)


def reason(score: UnitScore, *, note: str = "") -> str:
    """Return why a unit got its verdict, in one line.

    Args:
        score: All of it but its words.
        note: What a reader should know of the whole layer, such as `3 of 64 units rendered`.
    """
    parts = [_verdict_in_words(score), _borderline_in_words(score), *_remarks(score), note]
    return " ".join("; ".join(p for p in parts if p).split())


def pattern_in_words(look: Look) -> str:
    """Return a pattern, such as `oriented 45 degrees, period 6 px`; empty if none stands out.

    Directions are those of the stripes, counter-clockwise from horizontal, to the nearest 5 degrees.
    """
    if look.earlier_text:
        return look.earlier_text
    degrees, period = look.orientation_degrees, look.period_px
    parts = [] if degrees is None else [f"oriented {5 * round(degrees / 5) % 180} degrees"]
    return ", ".join([*parts, *([] if period is None else [f"period {period:.2g} px"])])


def decision_in_words(score: UnitScore) -> list[tuple[str, str, str]]:
    """Return the questions that led to the verdict, in order: each with its answer, and the numbers."""
    return [(_QUESTIONS[step.question], _answer(step), _numbers(step, score)) for step in score.decision]


def obstacle_in_words(found: Obstacle | None) -> str:
    """Return why structure cannot be measured; empty where it can."""
    if found is None:
        return ""
    if found.kind == "no null":
        return "the noise baseline of this setting is missing, so structure cannot be measured"
    if found.kind == "another canvas":
        size = " by ".join(map(str, found.sizes))
        return f"the stored noise baseline is of another canvas, {size}; render again to make the right one"
    if found.kind == "few":
        least = found.sizes[0] if found.sizes else "the needed"
        return f"fewer than {least} pictures of the noise baseline show anything"
    *inside, least = found.sizes or ("too small",)
    size = " by ".join(map(str, inside))
    return f"the usable area of its pictures is {size} px; at least {least} px are needed"


def _detail(score: UnitScore) -> str:
    look = score.look
    if score.verdict == DEAD.word:
        return liveliness_in_words(score.responsiveness)
    if score.verdict == UNDECIDED.word:
        return score.cause
    if score.verdict == FLAT.word:
        return look.colour + ("; differs between runs" if look.colour_differs else "")
    if score.verdict == MULTIFACETED.word:
        return f"{_n_facets(score)} facets"
    return _described(look) if score.verdict not in (FAILED.word, STATIC.word, UNSTABLE.word) else ""


def _described(look: Look) -> str:
    return ", ".join(x for x in (pattern_in_words(look), look.colours) if x)


def _verdict_in_words(score: UnitScore) -> str:
    found = score.responsiveness
    if score.verdict == DEAD.word:
        proved = found.proof == "bounds"
        known = f" ({proof_in_words(found)})" if proved else ", which proves nothing about other inputs"
        return f"never active: {activation_in_words(found)}{known}"
    if score.verdict == FAILED.word:
        return f"no picture: {score.starts.failure or 'nothing was rendered'}"
    if score.verdict == FLAT.word:
        numbers, light = _asked(score, "contrast"), light_in_words(score.light)
        measured = f"contrast {score.look.contrast or 0.0:.3f}, below {numbers.get('threshold', 0):g}"
        return f"one colour, {score.look.colour}: {measured}" + (f"; {light}" if light else "")
    if score.verdict == UNDECIDED.word:
        return _missing_in_words(score)
    if score.verdict == STATIC.word:
        return f"no more structure than the noise baseline: {_beyond(score)}"
    return _agreement_in_words(score)


def _missing_in_words(score: UnitScore) -> str:
    """Return what an undecided unit lacks."""
    starts = score.starts
    n = starts.pictures or 0
    if score.cause == NO_RESPONSES.word:
        return activation_in_words(score.responsiveness)
    if score.cause == NO_ASCENT.word:
        return f"none of its {n} starts activated it"
    if score.cause == NO_STRUCTURE.word:
        return obstacle_in_words(score.look.obstacle)
    why = "no pictures of other units to compare with"
    if starts.live < 2:
        many = "s" if starts.live != 1 else ""
        why = f"{starts.live} live start{many} of {n}; two are needed"
    return f"a pattern, {_beyond(score)}; whether it recurs is not known: {why}"


def _beyond(score: UnitScore) -> str:
    """Return a unit's structure, where patterns begin, and which pattern it is."""
    numbers = _asked(score, "structure")
    begins, z = numbers.get("threshold", 0.0), score.structure or 0.0
    patterned = z >= begins
    shown = f"{z:.1f}".replace("-", "−")
    beyond = f"structure {shown}, {'above' if patterned else 'below'} {begins:g} where patterns begin"
    pattern = _described(score.look) if patterned else ""
    return beyond + (f" ({pattern})" if pattern else "")


def _agreement_in_words(score: UnitScore) -> str:
    """Return how the starts of a unit with a pattern agree."""
    consistency = f"consistency {score.consistency or 0.0:.2f} over {score.starts.live} starts"
    if score.verdict == MULTIFACETED.word:
        sizes = " and ".join(str(len(f.seeds)) for f in score.facet_groups)
        activations = [f.activation for f in score.facet_groups if f.activation is not None]
        active = f"; activations {' and '.join(f'{x:.3g}' for x in activations)}" if activations else ""
        groups = f"{_n_facets(score)} groups of similar pictures ({sizes}{active})"
        return f"{groups}; {_beyond(score)}; {consistency}"
    if score.verdict == UNSTABLE.word:
        distance = f"texture distance {score.look.texture_distance or 0.0:.2f}"
        return f"a different pattern from each start: {consistency}, {distance}; {_beyond(score)}"
    return f"a pattern that recurs: {_beyond(score)}; {consistency}"


def _borderline_in_words(score: UnitScore) -> str:
    """Return why a unit is borderline where that is not its structure; empty where it is not."""
    if not score.look.nearly_flat:
        return "borderline" if score.borderline else ""
    contrast, share = score.look.contrast or 0.0, score.light.share or 0.0
    return (
        f"borderline: hardly more than one colour, contrast {contrast:.3f}, and uniform pictures alone cover "
        f"{share:.0%} of its range"
    )


def _n_facets(score: UnitScore) -> int:
    return len(score.facet_groups) if score.facets is None else score.facets


def _remarks(score: UnitScore) -> list[str]:
    """Return remarks that apply to any verdict, in addition to its own reason."""
    found, said = score.responsiveness, []
    if found.state == "live" and found.nuance == "silent":
        said.append("silent on all probe pictures; only renders activate it")
    if found.state == "live" and found.nuance == "faint":
        said.append(f"tiny compared with its layer: {activation_in_words(found)}")
    if score.starts.pictures and score.starts.failure:
        said.append(f"some starts failed: {score.starts.failure}")
    if score.duplicate_of is not None:
        said.append(f"same activations as unit {score.duplicate_of}")
    if score.mirror_of is not None:
        said.append(f"opposite activations to unit {score.mirror_of}")
    if score.complement_of is not None:
        said.append(f"one minus unit {score.complement_of}, by the arithmetic of the softmax")
    if found.unused:
        said.append("unused: all its outgoing weights are zero")
    return said


def _answer(step: Decision) -> str:
    if step.answer is None:
        return "not known" if step.question == "activation" else "not measured"
    return "yes" if step.answer else "no"


def _asked(score: UnitScore, question: Question) -> Mapping[str, float]:
    """Return the numbers of a question that was asked on the way to a verdict."""
    return next((step.numbers for step in score.decision if step.question == question), {})


def _numbers(step: Decision, score: UnitScore) -> str:
    """Return what was measured for a question, and what is needed."""
    found = step.numbers
    if step.earlier_text or step.question == "activation":
        return step.earlier_text or activation_in_words(score.responsiveness)
    if step.question == "structure" and step.answer is None:
        return obstacle_in_words(score.look.obstacle)
    if step.question == "recurrence" and step.answer is None:
        return f"{score.starts.live} live of {score.starts.pictures or 0} starts"
    if step.question == "facets":
        return f"groups of {' and '.join(map(str, step.groups))} similar pictures"
    try:
        measured = _MEASURED[step.question].format_map(found).replace("-", "−")
        return measured + _place(step, score) + _apart(found)
    except KeyError:  # Of a store whose maker named them otherwise.
        return ", ".join(f"{name} {value:.3g}" for name, value in found.items())


def _place(step: Decision, score: UnitScore) -> str:
    place = score.look.null_share_below if step.question == "structure" else None
    return "" if place is None else f"; more order than {place:.0%} of the noise baseline"


def _apart(found: Mapping[str, float]) -> str:
    """Return how far apart kinds of pictures lie, where they do."""
    gap, most = found.get("gap", 0.0), found.get("gap_limit", math.inf)
    return f"; but kinds of pictures {gap:.2f} apart (limit {most:g})" if gap > most else ""


_MEASURED: Mapping[Question, str] = {
    "contrast": "contrast {contrast:.3f} (needed: {threshold:g})",
    "structure": "structure {structure:.1f}, patterns begin at {threshold:g}",
    "recurrence": "{closer_share:.0%} of other units' pictures are closer to a start than its other starts "
    "are (limit {closer_share_limit:.0%}); texture distance {texture_distance:.2f} "
    "(limit {texture_distance_limit:g}); one within its limit is enough",
}
