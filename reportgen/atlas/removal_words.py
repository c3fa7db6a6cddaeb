"""What removal says, in words: the answer, need against structure, how it was measured, the need of a unit.

Sentences from typed numbers, for pages alone; nothing reads them again. No HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reportgen.atlas.plots import number
from reportgen.removal import WHOLE_NETWORK, LayerNeed, Order, Removal, UnitNeed

ORDER_NAMES: Mapping[Order, str] = {
    "need": "least needed first",
    "looks": "least structured first",
    "structured_first": "most structured first",
    "random": "at random",
}
"""What a line of the removal curve is called: which units went first."""
_MOST_NAMED, _MOST_FIXED = 8, 12
_NOTHING, _LITTLE, _SOME = 0.1, 0.3, 0.6
"""Strengths of a rank correlation below which it says nothing, next to nothing, a little."""


def per_cent(share: float, places: int = 1) -> str:
    """Return a share as `92.4 %`, which no line breaks; whole ones without a decimal."""
    return f"{f'{share * 100:.{places}f}'.removesuffix('.0')}\u00a0%"


def count(n: int, noun: str) -> str:
    """Return `1 unit`, `2,000 units`."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def ordinal(n: int) -> str:
    """Return `1st`, `12th`, `23rd`."""
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{ending}"


def what_is_counted(removal: Removal) -> str:
    """Return what the curve shows: accuracy, or agreement where there are no classes."""
    return "agreement with the whole network" if removal.accuracy_after is None else "accuracy"


def answer(removal: Removal) -> str:
    """Return in one sentence how many units can be removed, at what price, and what each layer needs."""
    needed = f"; needed: {_needed(removal.layers)}" if removal.removed and removal.layers else ""
    return f"{brief_answer(removal).removesuffix('.')}{needed}."


def brief_answer(removal: Removal) -> str:
    """Return in one sentence how many units can be removed, and at what price."""
    if not removal.removed:
        return (
            f"All {count(removal.units, 'unit')} are needed: removing any number costs more than "
            f"{per_cent(removal.max_loss)} on the selection pictures."
        )
    on = f"on {count(removal.pictures.report, 'picture')}"
    changed = f"{count(removal.changed, 'decision')} changed"
    if removal.accuracy_before is None or removal.accuracy_after is None:
        price = f"{per_cent(removal.agreement)} of decisions are unchanged {on}, {changed}"
    else:
        shares = (removal.accuracy_before, removal.accuracy_after)
        before, after = (per_cent(share).removesuffix("%").rstrip() for share in shares)
        price = f"accuracy {before} to {after}\u00a0% {on}, {changed}"
    go = f"{removal.removed:,} of {count(removal.units, 'unit')} can be removed together"
    return f"{go} (number chosen on separate pictures): {price}."


def _needed(layers: Sequence[LayerNeed]) -> str:
    """Return what layers need; where there are many, of those with the most units to remove."""
    order = sorted(range(len(layers)), key=lambda i: (layers[i].together - layers[i].units, i))
    named = set(order[:_MOST_NAMED])
    text = ", ".join(
        f"{x.together:,} of {x.units:,} in {x.layer}" for i, x in enumerate(layers) if i in named
    )
    rest = [x for i, x in enumerate(layers) if i not in named]
    if not rest:
        return text
    left, of = sum(x.together for x in rest), sum(x.units for x in rest)
    return f"{text}, and {left:,} of {of:,} in {count(len(rest), 'other layer')}"


def layer_answer(removal: Removal, layer: str) -> str:
    """Return in a sentence what one layer needs; empty where removal says nothing of it."""
    need = next((x for x in removal.layers if x.layer == layer), None)
    if need is None:
        fixed = dict(removal.fixed).get(layer)
        return f"None of its units can be removed: {fixed}." if fixed else ""
    gone = need.units - need.together
    text = (
        f"It needs {need.together:,} of its {count(need.units, 'unit')}: {gone:,} can be removed together "
        f"with units of other layers ({removal.removed:,} of {removal.units:,} in all)"
    )
    alone = "" if need.alone is None else f", or {need.units - need.alone:,} in this layer alone"
    return f"{text}{alone}."


def held_in_words(removal: Removal) -> str:
    """Return which numbers of removed units are within the limit: all up to one, and the largest."""
    lost = f"loss of at most {per_cent(removal.max_loss)} on the selection pictures"
    steady = f"every number tried up to {removal.steady:,} is within the limit ({lost})"
    if removal.steady == removal.largest:
        return f"{steady}, none beyond"
    which = "first" if removal.removed == removal.steady else "second"
    largest = f"the largest within it is {removal.largest:,}, but not all smaller ones are"
    return f"{steady}; {largest}; the {which} was chosen"


def curve_in_words(removal: Removal, scope: str = WHOLE_NETWORK) -> str:
    """Return the curve of the whole network or of a layer as its alternative text, with its numbers."""
    own = next((x for x in removal.layers if x.layer == scope), None)
    units, where = (own.units if own else 0, f" of {scope} alone") if scope else (removal.units, "")
    found = []
    for order, name in ORDER_NAMES.items():
        curve = removal.curve(order, scope)
        if curve is not None and len(curve.points) > 1:
            places = sorted({round(k * (len(curve.points) - 1) / 4) for k in range(5)})
            points = (curve.points[at] for at in places)
            found.append(f"{name} " + ", ".join(f"{per_cent(p.share)} at {p.removed:,}" for p in points))
    what = _sentence(what_is_counted(removal))
    text = f"{what} over units removed{where}, of {units:,}: {'; '.join(found)}. "
    text += f"Always predicting the most common class: {per_cent(removal.majority_share)}."
    if not scope:
        return f"{text} {answer(removal)}"
    return text + (f" {own.units - own.alone:,} can be removed." if own and own.alone is not None else "")


def curve_caption(removal: Removal) -> str:
    """Return the caption of the curve of the whole network."""
    spread = "; grey: range over several random orders" if removal.curve("random") else ""
    held = _sentence(held_in_words(removal))
    what = f"What remains when units are removed, one line per order{spread}"
    return f"{what}. {held}. Vertical bar: 95\u00a0% interval."


def widths_caption(removal: Removal, n_drawn: int) -> str:
    """Return the caption of the widths of layers."""
    text = "Solid: units a layer needs when units of all layers are removed; pale: units that can be removed."
    if any(x.alone is not None for x in removal.layers):
        text += " Vertical mark, and in brackets: units it needs when only its own are removed."
    n = len(removal.layers)
    return (
        text
        if n_drawn == n
        else f"{text} Shown are the {n_drawn:,} of {n:,} layers with the most units to remove."
    )


def cloud_caption(n: int, n_drawn: int) -> str:
    """Return the caption of need against structure."""
    text = "One dot per unit, in the colour of its verdict; click to open the unit."
    return (
        text
        if n_drawn == n
        else f"{text} Shown are {n_drawn:,} of {n:,}, evenly sampled; the median is over all."
    )


def alone_in_words(need: LayerNeed | None) -> str:
    """Return how many units of a layer can be removed when no other layer loses any."""
    return (
        ""
        if need is None or need.alone is None
        else f"{need.units - need.alone:,} of {need.units:,} can be removed"
    )


def alone_caption(n_drawn: int, n: int) -> str:
    """Return the caption of the small curves."""
    if not n_drawn:
        return "Each layer’s own curve is on its page." if n else ""
    text = "Lines as above, over units of that layer alone."
    return (
        text
        if n_drawn == n
        else f"{text} The first {n_drawn:,} of {n:,} layers; the others’ are on their pages."
    )


def looks_in_words(removal: Removal) -> str:
    """Return in sentences whether structure predicts need; empty where it was not measured."""
    whole = removal.looks_correlation.get(WHOLE_NETWORK)
    own = [(x.layer, r) for x in removal.layers if (r := removal.looks_correlation.get(x.layer)) is not None]
    if whole is None and not own:
        return ""
    strength = abs(whole) if whole is not None else max(abs(r) for _, r in own)
    parts = [f"{_signed(whole)} over all units"] if whole is not None else []
    parts += [f"{_signed(r)} in {name}" for name, r in own[:_MOST_NAMED]]
    if len(own) > _MOST_NAMED:
        ends = [_signed(end(r for _, r in own)) for end in (min, max)]
        parts.append(f"{ends[0]} to {ends[1]} in all {len(own):,} layers")
    return (
        f"{_strength_in_words(strength)} Rank correlation of need with structure: {', '.join(parts)} "
        "(0: none, 1 or −1: perfect)."
    )


def _strength_in_words(strength: float) -> str:
    if strength >= _SOME:
        return "Here structure goes along with need."
    if strength >= _LITTLE:
        return "Structure says a little about need here, too little to choose by."
    much = "nothing" if strength < _NOTHING else "next to nothing"
    return (
        f"Structure is not need: how structured a unit’s pictures are says {much} about whether it is needed."
    )


def layer_looks_in_words(removal: Removal, layer: str) -> str:
    """Return the rank correlation of need with structure within a layer; empty where it was not measured."""
    value = removal.looks_correlation.get(layer)
    return (
        "" if value is None else f"Rank correlation of need with structure in this layer: {_signed(value)}."
    )


def _signed(value: float) -> str:
    """Return a correlation to two digits, without the zero in front."""
    text = f"{abs(value):.2f}"
    sign = "−" if value < 0 and float(text) else ""
    return f"{sign}{text.removeprefix('0')}"


def measured_in_brief(removal: Removal) -> str:
    """Return when and on what it was measured, in a line."""
    p = removal.pictures
    of = f" of “{p.source}”" if p.source else ""
    return (
        f"How it was measured: {removal.measured}, on {p.order:,}, {p.choose:,} and {p.report:,} "
        f"pictures{of}, to order, to select and to report"
    )


def how_measured(removal: Removal) -> list[tuple[str, str, str]]:
    """Return how it was measured: label, what, and what that means, a row each."""
    p, classes = removal.pictures, removal.accuracy_after is not None
    return [
        ("Measured", removal.measured, f"on pictures of “{p.source}”" if p.source else "on pictures"),
        (
            "Three separate sets",
            f"{p.order:,}, {p.choose:,} and {p.report:,} pictures",
            "to order the units, to choose how many to remove, and to report the numbers",
        ),
        _groups(p.groups),
        ("Count", f"{removal.removed:,} of {removal.units:,}", held_in_words(removal)),
        (
            "95\u00a0% interval",
            f"{per_cent(removal.interval[0])} to {per_cent(removal.interval[1])}",
            f"of {what_is_counted(removal)} without them",
        ),
        (
            "Decisions",
            f"{removal.changed:,} of {p.report:,} changed",
            f"{per_cent(removal.agreement)} are those of the whole network",
        ),
        (
            "Most common class",
            per_cent(removal.majority_share),
            "right by always predicting the most common class"
            if classes
            else "of decisions are the same one",
        ),
        _weights(compensated=removal.compensated),
        *_saved(removal),
        *_fixed(removal.fixed),
    ]


def _groups(n: int) -> tuple[str, str, str]:
    if n:
        return "Groups", f"{n:,}", "such as people or videos, each in one set only"
    warned = "too optimistic if several pictures show one person or come from one video"
    return "Groups", "none given", warned


def _weights(*, compensated: bool) -> tuple[str, str, str]:
    if compensated:
        how = "of the next layer, by least squares on the activations of removed units; no training"
        return "Weights", "refitted", how
    return "Weights", "unchanged", "each removed unit is replaced by its mean over pictures"


def _saved(removal: Removal) -> Iterator[tuple[str, str, str]]:
    for label, before, after in (
        ("Parameters", removal.parameters_before, removal.parameters_after),
        ("Multiply-adds", removal.macs_before, removal.macs_after),
    ):
        if before and after:
            fewer = f"{per_cent(1 - after / before, 1)} fewer" if after < before else ""
            yield label, f"{before:,} to {after:,}", fewer


def _fixed(fixed: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    for name, reason in fixed[:_MOST_FIXED]:
        yield "Cannot be removed", name, reason
    if len(fixed) > _MOST_FIXED:
        yield (
            "Cannot be removed",
            f"{len(fixed) - _MOST_FIXED:,} more layers",
            "the reason is on each layer’s page",
        )


def rank_in_words(need: UnitNeed, units: int) -> str:
    """Return a unit's rank of need, such as `12th of 224`."""
    return f"{ordinal(need.need_rank)} of {units:,}"


def need_in_words(need: UnitNeed) -> str:
    """Return a unit's need as a number with its meaning."""
    return (
        "the 1st is removed last; without the unit, the log probability of the decision changes by "
        f"{number(need.need)} nats (RMS, to first order)"
    )


def loss_in_words(need: UnitNeed) -> tuple[str, str] | None:
    """Return what goes wrong without a unit: how many decisions, and of which class; None if not measured."""
    if need.changed is None or not need.pictures:
        return None
    if not need.changed:
        return f"no decision of {need.pictures:,} changes", "when only this unit is removed"
    text = f"{need.changed:,} of {count(need.pictures, 'decision')} change{'s' if need.changed == 1 else ''}"
    worst = f"; most for “{need.hurt}”: {need.hurt_pictures:,}" if need.hurt and need.hurt_pictures else ""
    return text, f"when only this unit is removed{worst}"


def fate_in_words(removal: Removal, *, stays: bool) -> tuple[str, str]:
    """Return whether a unit is among those that are removed at the chosen number."""
    what = f"when {removal.removed:,} of {removal.units:,} units are removed"
    return ("stays", what) if stays else ("can be removed", what)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
