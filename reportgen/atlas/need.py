"""What pages show of removal: a model version's section, a layer's, and a unit's.

Plain values for `templates/need.html` and for a unit's sections (see `views`); sentences come from
`removal_words`, drawings from `removal_curve` and `removal_plots`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportgen.atlas import removal_words
from reportgen.atlas.addresses import Place
from reportgen.atlas.drawing import Drawing
from reportgen.atlas.removal_curve import MIDDLE, NARROW, removal_curve, small_curve
from reportgen.atlas.removal_plots import SeenUnit, need_against_structure, widths
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.views import Fact, Facts
from reportgen.atlas.words import mark
from reportgen.removal import LayerNeed, Removal, UnitNeed
from reportgen.score.removable import certain_reason

_LONG = 16


@dataclass(frozen=True)
class Room:
    """How much room a model page has apart from its layers' pictures: what `check` allows is theirs first.

    Attributes:
        dots: Of units in the scatter.
        curves: Of single layers; the others' stand on their own pages.
        widths: Of layers.
    """

    dots: int
    curves: int
    widths: int


def room_for(n_layers: int) -> Room:
    """Return how much of need a model page of so many layers has room for."""
    if n_layers <= 24:
        return Room(dots=800, curves=24, widths=48)
    return Room(dots=300, curves=12, widths=48) if n_layers <= 52 else Room(dots=60, curves=0, widths=12)


@dataclass(frozen=True, slots=True)
class LayerCurve:
    """The small curve of a layer alone, what is said of it, and where the layer's page is, if it has one."""

    layer: str
    href: str
    curve: Drawing
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedView:
    """The section of a model page on whether there are more units than necessary.

    Attributes:
        answer: In a sentence.
        curve, curve_narrow, curve_caption: The removal curve, for two widths of a page.
        widths, widths_caption: What layers have and need; `long` where there are many.
        alone, alone_caption: Curves of single layers, and how many are left out.
        cloud, cloud_caption: Need against structure.
        looks: Whether structure shows need.
        measured, how: How it was measured, in a line and in facts.
    """

    answer: str
    curve: Drawing | None
    curve_narrow: Drawing | None
    curve_caption: str
    widths: Drawing | None
    widths_caption: str
    long: bool
    alone: tuple[LayerCurve, ...]
    alone_caption: str
    cloud: Drawing | None
    cloud_caption: str
    looks: str
    measured: str
    how: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class NetworkCurve:
    """The removal curve of the whole network, for two widths of a page, and what it shows."""

    curve: Drawing
    curve_narrow: Drawing | None
    caption: str


@dataclass(frozen=True, slots=True)
class LayerNeedView:
    """The section of a layer's page: the answer, whether looks tell it, and the curve for two widths."""

    answer: str
    looks: str
    curve: Drawing | None
    curve_narrow: Drawing | None


def need_view(place: Place, removal: Removal, rows: Sequence[LayerRows]) -> NeedView:
    """Return the section of a model page that answers whether there are more units than necessary.

    Args:
        place: Of the model version.
        removal: What was measured.
        rows: Its layers, with scores and needs.
    """
    units = list(_seen(place, removal, rows))
    room = room_for(max(len(rows), len(removal.layers)))
    shown = _widest(removal.layers, room.widths)
    alone, alone_caption = _alone(place, removal, room.curves)
    return NeedView(
        answer=removal_words.answer(removal),
        curve=removal_curve(removal),
        curve_narrow=removal_curve(removal, NARROW),
        curve_caption=removal_words.curve_caption(removal),
        widths=widths(shown, len(removal.layers) - len(shown)),
        widths_caption=removal_words.widths_caption(removal, len(shown)),
        long=len(shown) > _LONG,
        alone=alone,
        alone_caption=alone_caption,
        cloud=need_against_structure(units, rows[0].thresholds.structure_z, room.dots) if rows else None,
        cloud_caption=removal_words.cloud_caption(len(units), min(room.dots, len(units))),
        looks=removal_words.looks_in_words(removal),
        measured=removal_words.measured_in_brief(removal),
        how=tuple(Fact(*fact) for fact in removal_words.how_measured(removal)),
    )


def network_curve(removal: Removal | None) -> NetworkCurve | None:
    """Return the removal curve of the whole network as a finding shows it; None where none was measured."""
    curve = removal_curve(removal, MIDDLE) if removal else None
    if removal is None or curve is None:
        return None
    return NetworkCurve(curve, removal_curve(removal, NARROW), removal_words.curve_caption(removal))


def layer_need_view(removal: Removal | None, layer: str) -> LayerNeedView | None:
    """Return the section of a layer's page; None where removal says nothing of it."""
    answer = removal_words.layer_answer(removal, layer) if removal else ""
    if removal is None or not answer:
        return None
    middle, narrow = (removal_curve(removal, size, layer) for size in (MIDDLE, NARROW))
    return LayerNeedView(answer, removal_words.layer_looks_in_words(removal, layer), middle, narrow)


def need_of(rows: LayerRows, unit: int) -> tuple[str, str]:
    """Return in words whether the network needs a unit, and why that is said."""
    score, need, removal = rows.scores.get(unit), rows.needs.get(unit), rows.removal
    certain = score is not None and unit in (rows.findings.certainly_superfluous or ())
    proof = certain_reason(score) if certain and score is not None else ""
    if removal is None or need is None:
        return ("certainly superfluous", proof) if certain else ("need not measured", "")
    ranked = f"rank of need {removal_words.rank_in_words(need, removal.units)}"
    if certain:
        return "certainly superfluous", "; ".join(filter(None, [proof, ranked]))
    fate, when = removal_words.fate_in_words(removal, stays=not removal.is_removed(need))
    return fate, f"{when}; {ranked}"


def need_section(removal: Removal | None, need: UnitNeed | None) -> Facts | None:
    """Return a unit's section on what it is needed for; None where it was not measured."""
    if removal is None or need is None:
        return None
    facts = [
        Fact(
            "Need",
            removal_words.rank_in_words(need, removal.units),
            removal_words.need_in_words(need),
            "need",
        )
    ]
    loss = removal_words.loss_in_words(need)
    if loss:
        facts.append(Fact("Without it", *loss))
    together = removal_words.fate_in_words(removal, stays=not removal.is_removed(need))
    facts.append(Fact("Together", *together, "superfluous"))
    note = "Measured by removal on pictures; a unit’s appearance does not show it."
    return Facts(title="Is it needed?", note=note, means="need", facts=tuple(facts))


def _of_layer(removal: Removal, layer: str) -> LayerNeed | None:
    return next((x for x in removal.layers if x.layer == layer), None)


def _widest(layers: Sequence[LayerNeed], most: int) -> Sequence[LayerNeed]:
    """Return the layers whose widths are drawn, in order: where there are many, those that can give most."""
    if len(layers) <= most:
        return layers
    named = sorted(range(len(layers)), key=lambda i: (layers[i].together - layers[i].units, i))[:most]
    return [layers[i] for i in sorted(named)]


def _alone(place: Place, removal: Removal, most: int) -> tuple[tuple[LayerCurve, ...], str]:
    """Return the small curves of layers, each with its caption, and what is said of those left out."""
    scopes = dict.fromkeys(c.scope for c in removal.curves if c.scope)
    found = []
    for layer in list(scopes)[:most]:
        curve, slug = small_curve(removal, layer), place.slug(layer)
        if curve:
            said = removal_words.alone_in_words(_of_layer(removal, layer))
            found.append(LayerCurve(layer, f"{slug}.html" if slug else "", curve, said))
    return tuple(found), removal_words.alone_caption(len(found), len(scopes))


def _seen(place: Place, removal: Removal, rows: Sequence[LayerRows]) -> Iterator[SeenUnit]:
    """Yield the units of which both need and structure are known, layer by layer."""
    for own in rows:
        slug = place.slug(own.layer.name) or own.layer.slug
        yield from _seen_of(removal, own, f"{slug}.html")


def _seen_of(removal: Removal, own: LayerRows, page: str) -> Iterator[SeenUnit]:
    """Yield those of one layer; `page` is its page, empty on that page itself."""
    for unit, need in own.needs.items():
        score = own.scores.get(unit)
        if score is not None and score.structure is not None and math.isfinite(score.structure):
            href, word = f"{page}#u{unit}", mark(score.verdict)
            stays = not removal.is_removed(need)
            yield SeenUnit(own.layer.name, unit, href, word, score.structure, need.need, stays)


def layer_cloud(rows: LayerRows, most: int) -> Drawing | None:
    """Return need against structure of a layer's units, a dot a unit; None where need was not measured."""
    if rows.removal is None:
        return None
    units = list(_seen_of(rows.removal, rows, ""))
    return need_against_structure(units, rows.thresholds.structure_z, most)
