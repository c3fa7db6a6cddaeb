"""Which other units a unit is related to: by weights, copies and opposites, the most similar, counterparts.

Sections as in `views`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reportgen.atlas.plots import number
from reportgen.atlas.rows import LayerRows, neighbours_of
from reportgen.atlas.sheets import place_on_sheet, sheet_name
from reportgen.atlas.short_names import short_names
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.views import (
    Connections,
    Counterparts,
    Edge,
    Fact,
    Facts,
    Link,
    Links,
    Picture,
)
from reportgen.sentences.responses import correlation_in_words, shortfall_in_words
from reportgen.units import LayerGraph, UnitScore
from reportgen.verdicts import verdict_of

_N_COPIES, _LETTERS = 6, 24
_CANCELS = 0.5
"""Share of its norm below which the sum of a kernel's weights has no sign worth showing."""


def _link(context: ViewContext, layer: str, unit: int, label: str, note: str) -> Link:
    slug = context.place.slug(layer) or ""
    sheet = sheet_name(slug, unit) if unit in context.drawn.get(layer, ()) else ""
    return Link(slug, unit, sheet, *place_on_sheet(unit), label, note)


def _r(correlation: float) -> str:
    return f"r {correlation_in_words(correlation)}" if math.isfinite(correlation) else ""


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
    found += [_link(context, rows.layer.name, u, f"copied by {u}", "") for u in copies[:_N_COPIES]]
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
    near = [(other, r) for other, r in neighbours_of(score) if 0 <= other < rows.layer.n_units]
    shown = [(other, r) for other, r in near if other in rows.renders or other in rows.scores]
    unseen = [x for x in near if x not in shown]
    title, means = "Most similar units", "alike"
    if near:
        note = "By correlation r of activations at the same positions of probe pictures and renders."
        why = shortfall_in_words(score.relations.copy_shortfall) if score else ""
        remark = f" Unit {near[0][0]} is the most similar, but no copy: {why}." if why else ""
    if shown:
        missing = ", ".join(" ".join(filter(None, (str(u), _r(r)))) for u, r in unseen)
        remark += f" Not rendered: {missing}." if missing else ""
        links = tuple(_link(context, rows.layer.name, other, str(other), _r(r)) for other, r in shown)
        return Links(title=title, note=note + remark, means=means, links=links)
    if unseen:
        facts = tuple(Fact(f"Unit {u}", _r(r) or "similar", "not rendered") for u, r in unseen)
        return Facts(title=title, note=note + remark, means=means, facts=facts)
    if score is None or not verdict_of(score.verdict).informative or rows.findings.response_groups is None:
        return None
    none = Fact(
        "Most similar", "none", "no unit of this layer has an activation correlation r of 0.5 or more with it"
    )
    return Facts(title=title, means=means, facts=(none,))


def connections_section(
    context: ViewContext, rows: LayerRows, unit: int, own: Sequence[Picture]
) -> Connections | None:
    """Return the units whose weights into and out of a unit are strongest, strongest first.

    Args:
        context: Of the model version.
        rows: Of the unit's layer.
        unit: Its index.
        own: Its picture, in the middle of the graph; none or one.
    """
    incoming, sources = _edges(context, rows, unit, "in")
    outgoing, targets = _edges(context, rows, unit, "out")
    if not (incoming or outgoing):
        return None
    norms = any(edge.norm for edge in (*incoming, *outgoing))
    note = "The strongest weights into and out of this unit; line width is strength, a dash means negative."
    note += " Sum over positions, with its sign; then the L2 norm." if norms else ""
    if not all(edge.sheet for edge in (*incoming, *outgoing)):
        note += " Units without a picture are not rendered here."
    if not incoming and _reads_input(rows.record.graph, rows.layer.name):
        note += " No unit feeds it: this layer reads the input picture."
    return Connections(
        title="Fed by and feeds", note=note, means="weights", pictures=tuple(own),
        incoming=incoming, outgoing=outgoing, sources=sources, targets=targets,
    )  # fmt: skip


def _reads_input(graph: LayerGraph, layer: str) -> bool:
    """Whether a layer takes nothing but the network's input."""
    sources = [graph.nodes[a] for a, b in graph.edges if graph.nodes[b][0] == layer]
    return bool(sources) and all(kind == "input" for _, kind in sources)


def counterparts_section(context: ViewContext, layer: str, unit: int) -> Counterparts | None:
    """Return the same unit in the versions with which this one was compared; None where it was not."""
    found = context.counterparts.get(layer, {}).get(unit, ())
    if not found:
        return None
    note = "The most similar unit there, and what became of this one."
    return Counterparts(title="In other versions", note=note, means="counterpart", counterparts=tuple(found))


def _edges(context: ViewContext, rows: LayerRows, unit: int, way: str) -> tuple[tuple[Edge, ...], str]:
    """Return the strongest weights on one side, and the layer of all of these units where it is one."""
    links = rows.links.get(way, [])
    strongest = links[unit] if unit < len(links) else []
    single = all(math.isclose(abs(weight), norm, rel_tol=1e-3) for _, _, weight, norm in strongest)
    most = max((norm for *_, norm in strongest if math.isfinite(norm)), default=0.0)
    layers = {layer for layer, *_ in strongest}
    short = short_names(layers, _LETTERS)
    found = []
    for layer, other, weight, norm in strongest:
        link = _link(context, layer, other, str(other) if len(layers) == 1 else f"{short[layer]} {other}", "")
        # Of weights beyond the range of float32 the norm is infinite: such a link is a strongest one.
        strength = max(1, round(8 * min(norm / most, 1.0))) if most > 0 and not math.isnan(norm) else 1
        found.append(
            Edge(
                *link[:6], _sign(weight, norm), strength, _signed(weight), "" if single else number(norm)
            )
        )  # fmt: skip
    return tuple(found), short.popitem()[1] if len(short) == 1 else ""


def _sign(weight: float, norm: float) -> str:
    if abs(weight) < _CANCELS * norm:
        return "±"
    return "−" if weight < 0 else "+"


def _signed(weight: float) -> str:
    return f"{'+' if weight > 0 else ''}{number(weight)}"
