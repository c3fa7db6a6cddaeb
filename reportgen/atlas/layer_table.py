"""The table of a model version's layers: what each is, how its units were judged, how structure is spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.atlas.drawing import Drawing
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.structure_plots import axis_of, scale_of, small_spread, structures_of
from reportgen.atlas.summaries import LayerSummary
from reportgen.removal import Removal
from reportgen.verdicts import WORDS

MOST_SPREADS, MOST_STRIPS = 40, 100
"""Layers up to which spreads are drawn, and pictures of each shown: a page of more has no room for them."""


@dataclass(frozen=True, slots=True)
class LayerLine:
    """A row of the table.

    Attributes:
        name, href, kind, field, n_units: Of the layer.
        counts: Units by verdict.
        shares: 0..1 of its units, in the order of `LayerTable.words`.
        median: Of its units' structure; None where none has any.
        spread: Of their structure; None where that is not drawn.
        needed: How many of its units the network needs; None where that was not measured.
    """

    name: str
    href: str
    kind: str
    field: str
    n_units: int
    counts: Mapping[str, int]
    shares: tuple[float, ...]
    median: float | None
    spread: Drawing | None
    needed: int | None


@dataclass(frozen=True, slots=True)
class LayerTable:
    """The table.

    Attributes:
        words: The verdicts whose shares have a column, those that some unit has.
        scale: The axis of the spreads; None where none is drawn.
        lines: The layers, in order from the input.
        removal: Whether what is needed was measured.
        pictures: Whether the page has room for pictures of each layer.
    """

    words: tuple[str, ...]
    scale: Drawing | None
    lines: tuple[LayerLine, ...]
    removal: bool
    pictures: bool


def layer_table(
    layers: Sequence[LayerSummary], rows: Sequence[LayerRows], removal: Removal | None
) -> LayerTable:
    """Return the table of a model version's layers.

    Args:
        layers: As pages above them show them.
        rows: The same, with scores and findings.
        removal: What was measured of need.
    """
    axis = axis_of(rows)
    needed = {x.layer: x.together for x in removal.layers} if removal else {}
    named = tuple(word for word in WORDS if any(x.counts.get(word) for x in layers))
    drawn = len(rows) <= MOST_SPREADS
    lines = []
    for layer, own in zip(layers, rows, strict=True):
        values = structures_of(own)
        lines.append(
            LayerLine(
                layer.name, f"{layer.slug}.html", layer.kind, layer.field, layer.n_listed, layer.counts,
                tuple(layer.counts.get(word, 0) / max(1, layer.n_listed) for word in named),
                float(np.median(values)) if values else None,
                small_spread(own, axis) if drawn else None,
                needed.get(layer.name),
            )
        )  # fmt: skip
    scale = scale_of(axis) if any(x.spread for x in lines) else None
    return LayerTable(named, scale, tuple(lines), bool(needed), len(rows) <= MOST_STRIPS)
