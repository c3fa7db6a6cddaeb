"""How a unit came to its verdict, as its page shows it: the path of questions, the null, numbers, light.

Sections as in `views`. A store may be anybody's: what is
not of the form that scoring writes is left out.
"""

from __future__ import annotations

from reportgen.atlas import plots
from reportgen.atlas.plots import number, tenths
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.views import Fact, Facts, Plotted
from reportgen.sentences.reasons import decision_in_words, pattern_in_words
from reportgen.sentences.responses import light_in_words, proof_in_words
from reportgen.units import UnitScore
from reportgen.verdicts import MULTIFACETED, verdict_of


def decision_section(score: UnitScore | None) -> Facts | None:
    """Return the questions that led to the verdict, in order, and the verdict at their end."""
    if score is None or not score.decision:
        return None
    steps = enumerate(decision_in_words(score), 1)
    path = [Fact(f"{at}. {question}", answer, numbers) for at, (question, answer, numbers) in steps]
    path.append(Fact("So", score.verdict, "borderline" if score.borderline else ""))
    note = "Questions in order; the first answer that settles it ends the path."
    return Facts(title="How it was decided", note=note, means="decided", facts=tuple(path))


def null_section(rows: LayerRows, score: UnitScore | None) -> Plotted | None:
    """Return the histogram of the null's structure with the unit's place in it."""
    if score is None or score.structure is None:
        return None
    cut, band = rows.thresholds.structure_z, rows.thresholds.borderline_z
    null = rows.findings.null_structure
    plot = plots.place_in_null(score.structure, cut, band, null)
    bars = f" (bars, {len(null)} pictures)" if null else ""
    note = f"This unit (dot) and the noise baseline{bars}. Patterns begin at the line; grey is borderline."
    title = "Compared with the noise baseline"
    return Plotted(title=title, note=note, means="null", plot=plot) if plot else None


def numbers_section(rows: LayerRows, score: UnitScore | None) -> Facts | None:
    """Return the numbers of a unit, each with its meaning."""
    if score is None:
        return None
    null = f"of {rows.n_null} baseline pictures" if rows.n_null else "of the noise baseline"
    begins = f"{rows.thresholds.structure_z:g}"
    compared = rows.findings.consistency_reference or "pictures of other units"
    agree = f"1 is always; compared with {compared}"
    if verdict_of(score.verdict).noise:
        agree += "; similar starts are no evidence of a pattern: noise can be similar too"
    look = score.look
    found = [
        Fact(
            "Structure",
            tenths(score.structure),
            f"standard deviations above the noise baseline; a pattern from {begins}",
            "structure",
        ),
        Fact(
            "Score",
            number(score.p_structured),
            "P(structured), 0 to 1",
            "structure",
        ),
        Fact("p", number(score.p_value), f"share {null} with at least this much structure", "structure"),
        Fact(
            "p, adjusted", number(score.look.p_adjusted), "for the number of units in the layer", "structure"
        ),
        Fact("More order than", _share(look.null_share_below), "of the noise baseline’s pictures", "null"),
        Fact("Contrast", number(look.contrast), "RMS, 0 to 1", "contrast"),
        Fact("Consistency", number(score.consistency), agree, "consistency"),
        Fact("Use", number(score.use), "rank in its layer, 0 to 1", "use"),
        Fact("Facets", number(score.facets), "groups of similar pictures, each from several starts"),
        Fact("Pattern", pattern_in_words(look) or "–", look.colours),
    ]
    if proof := score.responsiveness.proof:
        why = "why it can be called dead" if proof == "bounds" else "why the network does without it"
        found.append(Fact("Proof", proof_in_words(score.responsiveness), why))
    kept = tuple(fact for fact in found if fact.value != "–")
    return Facts(title="Numbers", means="structure", facts=kept) if kept else None


def light_section(rows: LayerRows, unit: int) -> Plotted | None:
    """Return a unit's responses to pictures of one grey, and what those to brightness and colours say."""
    level, response = rows.flat.get("level"), rows.flat.get("response")
    if level is None or response is None or unit >= response.shape[1]:
        return None
    points = [(float(x), float(y)) for x, y in zip(level, response[:, unit], strict=False)]
    alt = f"Response to uniform grey: {number(points[0][1])} at black, {number(points[-1][1])} at white."
    plot = plots.curves([("c0", points)], across="grey level", alt=alt)
    note = "Activation on pictures of one grey, from black (0) to white (1)."
    score = rows.scores.get(unit)
    if score is not None and (light := light_in_words(score.light)):
        note += f" {light[:1].upper()}{light[1:]}."
    if score is not None and score.light.share is not None:
        share = _share(score.light.share)
        note += f" Brightness and colour alone cover {share} of the range of its activations."
    return Plotted(title="Response to uniform grey", note=note, plot=plot) if plot else None


def facets_of(score: UnitScore | None) -> dict[int, str]:
    """Return by seed to which group of pictures it belongs and how they activate the unit, in words.

    In order of the groups; empty for a unit that has not several.
    """
    if score is None or score.verdict != MULTIFACETED.word:
        return {}
    found: dict[int, str] = {}
    for at, facet in enumerate(score.facet_groups, 1):
        answer = "" if facet.activation is None else f", activation {number(facet.activation)}"
        found |= dict.fromkeys(facet.seeds, f"facet {at}{answer}")
    return found


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
