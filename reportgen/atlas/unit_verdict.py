"""How a unit came to its verdict, as its page shows it: the path of questions, the null, numbers, light.

Sections as in `views`. A store may be anybody's: what is
not of the form that scoring writes is left out.
"""

from __future__ import annotations

from reportgen.atlas import plots
from reportgen.atlas.plots import number, tenths
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.views import Fact, Facts, Plotted
from reportgen.sentences.answers import light_in_words, proof_in_words
from reportgen.sentences.reasons import decision_in_words, pattern_in_words
from reportgen.units import UnitScore
from reportgen.verdicts import MULTIFACETED, verdict_of


def decision_section(score: UnitScore | None) -> Facts | None:
    """Return the questions that led to the verdict, in order, and the verdict at their end."""
    if score is None or not score.decision:
        return None
    told = enumerate(decision_in_words(score), 1)
    path = [Fact(f"{at}. {question}", answer, numbers) for at, (question, answer, numbers) in told]
    path.append(Fact("So", score.verdict, "borderline" if score.borderline else ""))
    note = "Questions in order; the first answer that settles it ends the path."
    return Facts(title="How it was decided", note=note, means="decided", facts=tuple(path))


def null_section(rows: LayerRows, score: UnitScore | None) -> Plotted | None:
    """Return the histogram of the null's structure with the unit's place in it."""
    if score is None or score.structure is None:
        return None
    cut, band = rows.thresholds.structure_z, rows.thresholds.borderline_z
    null = rows.findings.null
    plot = plots.place_in_null(score.structure, cut, band, null)
    note = "Structure of this unit (dot) and of pictures made of nothing by the same renderer (the null"
    note += f": bars, {len(null)} pictures)" if null else ")"
    note += ". The line is where patterns begin; grey is borderline."
    title = "Beside pictures made of nothing"
    return Plotted(title=title, note=note, means="null", plot=plot) if plot else None


def numbers_section(rows: LayerRows, score: UnitScore | None) -> Facts | None:
    """Return the numbers of a unit, each with its meaning."""
    if score is None:
        return None
    null = f"of {rows.n_null} null pictures" if rows.n_null else "against the renderer null"
    begins = f"{rows.thresholds.structure_z:g}"
    compared = rows.findings.comparison or "pictures of other units"
    agree = f"how surely a picture is told to be of this unit, 1 always; compared with {compared}"
    if verdict_of(score.verdict).noise:
        agree += ". It says that starts are alike, not that they show a pattern: noise can be alike too"
    look = score.look
    found = [
        Fact(
            "Structure", tenths(score.structure), f"order beyond that of the null; a pattern from {begins} on"
        ),
        Fact(
            "Score", number(score.p_structured), "P(structured), 0 to 1: the same as the chance of a pattern"
        ),
        Fact(
            "p", number(score.p_value), f"share {null} with at least this much order; small is unlike nothing"
        ),
        Fact(
            "p, adjusted", number(score.look.p_adjusted), "p, allowing for the number of units in the layer"
        ),
        Fact("More order than", _share(look.null_place), "of the null’s pictures"),
        Fact("Contrast", number(look.contrast), "RMS distance from its mean colour, of the range 0 to 1"),
        Fact("Consistency", number(score.consistency), agree),
        Fact(
            "Use", number(score.use), "rank in its layer, 0 to 1, of outgoing weight × spread of its answer"
        ),
        Fact("Facets", number(score.facets), "kinds of picture, each from several starts"),
        Fact("Pattern", pattern_in_words(look) or "–", look.colours),
    ]
    if score.responsiveness.proof:
        found.append(Fact("Proof", proof_in_words(score.responsiveness), "why it can be called dead"))
    kept = tuple(fact for fact in found if fact.value != "–")
    return Facts(title="Numbers", means="structure", facts=kept) if kept else None


def light_section(rows: LayerRows, unit: int) -> Plotted | None:
    """Return a unit's answers to pictures of one grey, and what its answers to light and colours say."""
    level, response = rows.flat.get("level"), rows.flat.get("response")
    if level is None or response is None or unit >= response.shape[1]:
        return None
    points = [(float(x), float(y)) for x, y in zip(level, response[:, unit], strict=False)]
    alt = f"Answer to flat grey: {number(points[0][1])} at black, {number(points[-1][1])} at white."
    plot = plots.curves([("c0", points)], across="grey level", alt=alt)
    note = "What it answers to pictures of one grey, black 0 to white 1."
    score = rows.scores.get(unit)
    if score is not None and (told := light_in_words(score.light)):
        note += f" {told[:1].upper()}{told[1:]}."
    if score is not None and score.light.share is not None:
        share = _share(score.light.share)
        note += f" Light and colour alone cover {share} of the range of all its answers."
    return Plotted(title="Answer to flat grey", note=note, plot=plot) if plot else None


def facets_of(score: UnitScore | None) -> dict[int, str]:
    """Return by seed to which kind of picture it belongs and what the unit answers to these, in words.

    In order of the kinds; empty for a unit that has not several.
    """
    if score is None or score.verdict != MULTIFACETED.word:
        return {}
    found: dict[int, str] = {}
    for at, facet in enumerate(score.facet_groups, 1):
        answer = "" if facet.answer is None else f", answer {number(facet.answer)}"
        found |= dict.fromkeys(facet.seeds, f"facet {at}{answer}")
    return found


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
