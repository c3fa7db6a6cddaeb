"""A model version as its pages show it: layers with their best units, findings with pictures, what is needed.

Read from the store once; the site's pages and the report of one file are made from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.atlas.findings import Finding, find, necessary_in_words
from reportgen.atlas.import_view import import_view
from reportgen.atlas.layer_table import layer_table
from reportgen.atlas.need import need_view
from reportgen.atlas.network import network_view
from reportgen.atlas.overview import overview_of
from reportgen.atlas.recipe_list import recipes_of
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.short_names import short_names
from reportgen.atlas.showcase import showcase_rows, with_renders
from reportgen.atlas.summaries import DrawnUnit, ModelSummary, drawn_unit, summary_of
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.words import citation
from reportgen.json_values import Parsed
from reportgen.removal import Removal
from reportgen.store import ModelRecord, Store

_LETTERS = 26
"""Of a layer's name in two or three lines as wide as a tile, with a unit's number."""

Shown = tuple[Finding, list[tuple[str, list[DrawnUnit]]]]
"""A finding with its pictures, in groups that each have a caption."""


@dataclass(frozen=True)
class ModelView:
    """A model version.

    Attributes:
        summary: As pages above its layers show it.
        rows: Its layers with scores and findings, and no renders.
        drawn: The same with the renders of the units that are shown.
        removal: What was measured of need; None where it was not.
        shown: The findings, most worth a look first.
    """

    summary: ModelSummary
    rows: tuple[LayerRows, ...]
    drawn: tuple[LayerRows, ...]
    removal: Removal | None
    shown: tuple[Shown, ...]


def model_view(
    store: Store, context: ViewContext, record: ModelRecord, rows: Sequence[LayerRows], n_pictures: int
) -> ModelView:
    """Return a model version with at most so many pictures of each layer, and those of its findings."""
    best = [showcase_rows(store, own, n_pictures) for own in rows]
    removal = store.removal(record.id)
    found = find(best, removal)
    wanted: dict[int, set[int]] = {}
    for finding in found:
        for _, places in finding.groups:
            for at, unit in places:
                wanted.setdefault(at, set()).add(unit)
    drawn = tuple(with_renders(store, own, wanted.get(at, ())) for at, own in enumerate(best))
    layers = tuple(summary_of(context, own, n_pictures) for own in drawn)
    summary = ModelSummary(record, context.place, layers, tuple(store.runs_of(record.id)))
    shown = tuple((finding, _pictures(context, drawn, finding)) for finding in found)
    return ModelView(summary, tuple(rows), drawn, removal, shown)


def _pictures(
    context: ViewContext, rows: Sequence[LayerRows], finding: Finding
) -> list[tuple[str, list[DrawnUnit]]]:
    """Return the groups of a finding as `(caption, units)`."""
    found, short = [], short_names((own.layer.name for own in rows), _LETTERS)
    for caption, places in finding.groups:
        drawn = [
            drawn_unit(context, rows[at], unit, f"{short[rows[at].layer.name]} {unit}") for at, unit in places
        ]
        found.append((caption, [x for x in drawn if x]))
    return found


def overview_values(context: ViewContext, view: ModelView) -> Parsed:
    """Return what the page of a model version shows, by the names of its template."""
    summary, record, removal = view.summary, view.summary.record, view.removal
    imported, necessary = import_view(record), necessary_in_words(view.rows, measured=removal is not None)
    judged = [own.findings for own in view.rows]
    return {
        "cite": citation_of(context, record),
        "recipes": recipes_of(record, context.recipes),
        "imported": imported,
        "overview": overview_of(summary, imported, removal, necessary, view.shown, judged),
        "changes": context.changes,
        "table": layer_table(summary.layers, view.rows, removal),
        "network": network_view(record.graph, summary.layers),
        "necessary": necessary,
        "need": need_view(context.place, removal, view.rows) if removal else None,
    }


def citation_of(context: ViewContext, record: ModelRecord) -> str:
    """Return how to cite a model version."""
    return citation(
        None, record.name, record.version, record.file_hash, title=context.spec.title,
        made_with=context.made_with, address=context.spec.url + context.place.index,
    )  # fmt: skip
