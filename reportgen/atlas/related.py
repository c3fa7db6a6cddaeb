"""Which other units a unit is related to: copies and opposites, the most similar ones, its weights.

Sections as in `views`.
"""

from __future__ import annotations

import math

from reportgen.atlas.plots import number
from reportgen.atlas.rows import LayerRows, neighbours_of
from reportgen.atlas.sheets import place_on_sheet, sheet_name
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.views import Fact, Facts, Link, Links
from reportgen.sentences.responses import correlation_in_words, shortfall_in_words
from reportgen.units import UnitScore
from reportgen.verdicts import verdict_of

_N_WEIGHTS = 6


def _link(context: ViewContext, layer: str, unit: int, label: str, note: str) -> Link:
    slug = context.place.slug(layer) or ""
    sheet = sheet_name(slug, unit) if unit in context.drawn.get(layer, ()) else ""
    return Link(slug, unit, sheet, *place_on_sheet(unit), label, note)


def relations_section(context: ViewContext, rows: LayerRows, score: UnitScore | None) -> Links | None:
    """Return the units that a unit is a copy, mirror or complement of, and those that are copies of it."""
    if score is None:
        return None
    pairs = [
        ("copy of", score.duplicate_of),
        ("mirror of", score.mirror_of),
        ("complement of", score.complement_of),
    ]
    found = [
        _link(context, rows.layer.name, other, f"{name} {other}", "")
        for name, other in pairs
        if other is not None
    ]
    copies = rows.copies.get(score.unit, [])
    found += [_link(context, rows.layer.name, u, f"copied by {u}", "") for u in copies[:_N_WEIGHTS]]
    note = (
        "Units of this layer with nearly the same activations (copy) or opposite ones (mirror, complement)."
    )
    section = Links(title="Copies and opposites", note=note, means="copy", links=tuple(found))
    return section if found else None


def neighbours_section(context: ViewContext, rows: LayerRows, unit: int) -> Links | Facts | None:
    """Return the units most similar to one by activation correlation, and why the nearest is no copy.

    Says so where there is none, of a live unit in a layer whose responses were measured.
    """
    score = rows.scores.get(unit)
    found = [
        _link(
            context,
            rows.layer.name,
            other,
            str(other),
            f"r {correlation_in_words(r)}" if math.isfinite(r) else "",
        )
        for other, r in neighbours_of(score)
        if other in rows.renders or other in rows.scores
    ]
    title, means = "Most similar units", "alike"
    if found:
        note = "By correlation r of activations at the same positions of probe pictures and renders."
        why = shortfall_in_words(score.relations.copy_shortfall) if score else ""
        told = f" Unit {found[0].unit} is the most similar, but no copy: {why}." if why else ""
        return Links(title=title, note=note + told, means=means, links=tuple(found))
    if score is None or not verdict_of(score.verdict).tells or rows.findings.response_groups is None:
        return None
    none = Fact(
        "Most similar", "none", "no unit of this layer has an activation correlation r of 0.5 or more with it"
    )
    return Facts(title=title, means=means, facts=(none,))


def weights_section(context: ViewContext, rows: LayerRows, unit: int, way: str) -> Links | None:
    """Return the units whose weights into (`in`) or out of (`out`) a unit are strongest, in that order."""
    links = rows.links.get(way, [])
    strongest = links[unit] if unit < len(links) else []
    single = all(math.isclose(abs(weight), norm, rel_tol=1e-3) for _, _, weight, norm in strongest)
    found = [
        _link(
            context, layer, other, f"{layer} {other}",
            _signed(weight) if single else f"{number(norm)}, sum {_signed(weight)}",
        )
        for layer, other, weight, norm in strongest
    ]  # fmt: skip
    titles = {"in": ("Fed by", "Strongest incoming weights"), "out": ("Feeds", "Strongest outgoing weights")}
    title, what = titles[way]
    over = "." if single else ": L2 norm over positions; then their sum, with its sign."
    return Links(title=title, note=what + over, means="weights", links=tuple(found)) if found else None


def _signed(weight: float) -> str:
    return f"{'+' if weight > 0 else ''}{number(weight)}"
