"""Layers and model versions as the pages above them show them.

Made from scores, findings and a few renders; nothing large is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reportgen.atlas import words
from reportgen.atlas.addresses import Place
from reportgen.atlas.rows import LayerRows, ranked
from reportgen.atlas.unit_view import picture, pictures_of
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.views import Picture
from reportgen.json_values import Parsed
from reportgen.score.sampled import Shares, combined_shares
from reportgen.store import ModelRecord


def n_strip(n_layers: int) -> int:
    """Return how many pictures stand for each layer on the model page: fewer where there are many layers.

    Some 500 in all keep the page within what `check` allows.
    """
    return max(3, min(12, 500 // max(1, n_layers)))


@dataclass(frozen=True, slots=True)
class DrawnUnit:
    """A unit's leading picture, which leads to the unit: `href` begins at the model version's folder."""

    unit: int
    href: str
    picture: Picture


@dataclass(frozen=True)
class LayerSummary:
    """A layer as pages above it show it; `listed` are its units that have a page, as `0-31 40`."""

    name: str
    slug: str
    kind: str
    n_units: int
    n_listed: int
    field: str
    counts: Mapping[str, int]
    listed: str
    strip: tuple[DrawnUnit, ...]
    estimates: Shares


def counted(layers: Sequence[LayerSummary]) -> dict[str, int]:
    """Return units by verdict, of all of these layers."""
    found: dict[str, int] = {}
    for layer in layers:
        for word, n in layer.counts.items():
            found[word] = found.get(word, 0) + n
    return found


@dataclass(frozen=True)
class ModelSummary:
    """A model version as pages above it show it."""

    record: ModelRecord
    place: Place
    layers: tuple[LayerSummary, ...]
    runs: tuple[Parsed, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Units by verdict."""
        return counted(self.layers)

    @property
    def estimates(self) -> Shares:
        """Share of each verdict among all units of these layers; nothing where none is an estimate."""
        return combined_shares([x.estimates for x in self.layers])

    @property
    def n_units(self) -> int:
        """Units that have a page."""
        return sum(layer.n_listed for layer in self.layers)

    @property
    def mosaic(self) -> list[DrawnUnit]:
        """Pictures of all layers by turns, the best of each first."""
        depth = max((len(x.strip) for x in self.layers), default=0)
        return [layer.strip[i] for i in range(depth) for layer in self.layers if i < len(layer.strip)][:24]


def summary_of(context: ViewContext, rows: LayerRows, n_pictures: int) -> LayerSummary:
    """Return a layer as the model page shows it, with at most so many pictures."""
    slug = context.place.slug(rows.layer.name) or rows.layer.slug
    return LayerSummary(
        rows.layer.name,
        slug,
        words.kind_in_words(rows.layer),
        rows.layer.n_units,
        len(rows.units),
        words.field(rows.layer),
        rows.counts,
        words.runs(rows.units),
        tuple(_strip(context, rows, slug, n_pictures)),
        rows.estimates,
    )


def drawn_unit(context: ViewContext, rows: LayerRows, unit: int, caption: str = "") -> DrawnUnit | None:
    """Return a unit's leading picture; None where it has none."""
    own, slug = pictures_of(context, rows, unit), context.place.slug(rows.layer.name) or rows.layer.slug
    if own.lead is None:
        return None
    (found,) = picture(context, rows, own.lead[1], own, caption)
    return DrawnUnit(unit, f"{slug}.html#u{unit}", found)


def _strip(context: ViewContext, rows: LayerRows, slug: str, n_pictures: int) -> Iterator[DrawnUnit]:
    """Yield the pictures that stand for a layer: its most structured units, copies left out."""
    for unit in [u for u in ranked(rows) if u in rows.renders][:n_pictures]:
        found = drawn_unit(context, rows, unit)
        if found is not None:
            yield found
