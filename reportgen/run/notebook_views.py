"""Models, layers, units, runs and comparisons as HTML for notebooks, from the parts in `notebook_html`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from reportgen.atlas.plots import number
from reportgen.atlas.removal_curve import MIDDLE, removal_curve
from reportgen.atlas.removal_plots import widths
from reportgen.atlas.removal_words import answer, curve_caption, looks_in_words
from reportgen.atlas.words import field, kind_in_words, runs
from reportgen.comparison import Comparison, Comparisons, Side, VersionId, sentences
from reportgen.json_values import Parsed
from reportgen.removal import Removal
from reportgen.run.import_report import input_lines
from reportgen.run.notebook_html import (
    SIDE_PX,
    as_html,
    drawing_svg,
    figure,
    folded,
    lines,
    table,
    verdict_bar,
    verdict_counts,
    whole,
)
from reportgen.run.unit_pictures import Pictures, UnitPicture, made_in_words, unit_image
from reportgen.store import ModelRecord

if TYPE_CHECKING:
    from reportgen.run.store_atlas import Atlas, AtlasLayer, AtlasUnit

MAX_SHOWN = 64
"""Most units that a notebook shows of a layer or of several units."""
MAX_CHANGES = 8
"""Most changed units that a notebook shows of a comparison."""
MAX_IN_ATLAS = 8
"""Most units that a notebook shows of each layer of a model."""
_TILE_PX = 80


def atlas_html(atlas: Atlas, *, head: str = "") -> str:
    """Return a model version: its name, and each layer with its verdicts and the first of its units.

    Args:
        head: HTML to show in place of the name.
    """
    rows = []
    for layer in atlas:
        if len(layer):
            units = layer.select(by="structure")[:MAX_IN_ATLAS]
            rows.append(f"<div>{_layer_head(layer)}</div><div>{''.join(_tiles(units))}</div>")
    name = f"<b>{as_html(atlas.model)}</b> {as_html(atlas.version)}"
    return whole(head or name, *(rows or ["no unit was rendered"]))


def layer_html(layer: AtlasLayer) -> str:
    """Return a layer: its name, the picture that represents each unit, and what was found of it."""
    shown = layer.select()[:MAX_SHOWN]
    more = f", the first {len(shown)} of them shown" if len(shown) < len(layer) else ""
    return whole(
        _layer_head(layer, more),
        "".join(_tiles(shown)),
        folded("What was found of the layer", layer.findings),
    )


def units_html(units: Sequence[AtlasUnit]) -> str:
    """Return units: the picture that represents each, with its verdict."""
    shown = units[:MAX_SHOWN]
    more = f", the first {len(shown)} of them shown" if len(shown) < len(units) else ""
    several = len({unit.layer.name for unit in units}) > 1
    head = f"{len(units)} unit{'' if len(units) == 1 else 's'}{more}"
    return whole(head, "".join(_tiles(shown, named=several)))


def unit_html(unit: AtlasUnit) -> str:
    """Return a unit: its verdict with the reason, and all its pictures."""
    head = f"<b>{as_html(unit.layer.name)}, unit {unit.number}: {as_html(unit.verdict or 'not scored')}</b>"
    reason = f"<div>{as_html(unit.reason)}</div>" if unit.reason else ""
    figures = (
        figure(unit_image(p, SIDE_PX), made_in_words(p), width=SIDE_PX, verdict=unit.verdict)
        for p in unit.pictures
    )
    return whole(head + reason, *figures)


def removal_html(removal: Removal, *, title: str = "") -> str:
    """Return what removal measured: the result in words, its curve, and the width that each layer needs."""
    head = f"<b>{as_html(title)}</b> " if title else ""
    drawn = [removal_curve(removal, MIDDLE), widths(removal.layers)]
    svgs = "".join(
        f'<div style="display:inline-block;vertical-align:top;margin:0 16px 8px 0">{drawing_svg(d)}</div>'
        for d in drawn
        if d is not None
    )
    caption = curve_caption(removal) if drawn[0] is not None else ""
    said = [text for text in (caption, looks_in_words(removal)) if text]
    rows = (
        (as_html(x.layer), f"{x.units:,}", f"{x.together:,}", as_html(runs(x.kept).replace(" ", ", ")))
        for x in removal.layers
    )
    needed = table(("layer", "units", "needed", "kept units"), rows)
    return whole(head + as_html(answer(removal)), svgs, lines(said), needed)


def verdicts_html(by_layer: Mapping[tuple[str, str, str], Mapping[str, int]]) -> str:
    """Return units by verdict: a row for each layer, under the version if there are several."""
    versions = list(dict.fromkeys((model, version) for model, version, _ in by_layer))
    parts = []
    for model, version in versions:
        rows = (
            (as_html(layer), f"{sum(counts.values()):,}", verdict_bar(counts), verdict_counts(counts))
            for (m, v, layer), counts in by_layer.items()
            if (m, v) == (model, version)
        )
        name = f"<div><b>{as_html(model)}</b> {as_html(version)}</div>" if len(versions) > 1 else ""
        parts.append(name + table(("layer", "units", "", "verdicts"), rows))
    return whole("", *(parts or ["no unit was rendered"]))


def comparisons_html(found: Comparisons, stores: Sequence[FilePath]) -> str:
    """Return each comparison in sentences, with pictures of the units that changed most, before and after.

    Args:
        found: Comparisons of each version with the next.
        stores: The store of each version; pictures are missing where one is not known.
    """
    known = [*stores, *[None] * (len(found.pairs) + 1 - len(stores))]
    return "".join(
        whole(
            f"<b>{as_html(f'{pair.a} and {pair.b}')}</b>",
            lines(sentences(pair)),
            _changes(pair, _pictures_of(pair.a, known[at]), _pictures_of(pair.b, known[at + 1])),
        )
        for at, pair in enumerate(found.pairs)
    )


_Pictures = Callable[[str, int], UnitPicture | None]
"""A function for the picture that represents a unit of a layer, or None."""


def _changes(pair: Comparison, before: _Pictures, after: _Pictures) -> str:
    rows = []
    for layers, change in pair.largest(MAX_CHANGES):
        sides = ((pair.a, layers.layer_a, change.a, before), (pair.b, layers.layer_b, change.b, after))
        figures = "".join(
            _side(f"{version.version}: {layer} {side.unit}", side, read(layer, side.unit))
            for version, layer, side, read in sides
            if side is not None
        )
        text = f"<b>{as_html(change.state)}</b> {as_html(change.reason)}"
        rows.append(f'<div style="margin-top:6px">{text}</div><div>{figures}</div>')
    return "".join(rows)


def _side(title: str, side: Side, shown: UnitPicture | None) -> str:
    captions = [title, side.verdict or "not scored", *(made_in_words(shown)[1:] if shown else ())]
    return figure(unit_image(shown, 96), captions, width=96, verdict=side.verdict)


def _pictures_of(version: VersionId, path: FilePath | None) -> _Pictures:
    from reportgen.run.store_atlas import open_atlas

    atlas = open_atlas(path, version.model, version.version) if path is not None and path.is_file() else None

    def read(layer: str, unit: int) -> UnitPicture | None:
        if atlas is None or layer not in atlas:
            return None
        return next(iter(atlas[layer].pictures_of([unit])[unit]), None)

    return read


def inspection_html(model: ModelRecord, report: Parsed) -> str:
    """Return an import report: the layers, the input range with its evidence, parity, what is left out."""
    height, width, channels = model.input_shape
    rows = (
        (
            as_html(x.name),
            as_html(kind_in_words(x)),
            f"{x.n_units:,}",
            field(x),
            as_html(x.head or x.activation),
        )
        for x in model.layers
    )
    said = [f"input {height} × {width} px, {channels} channel{'' if channels == 1 else 's'}"]
    said += input_lines(report["input"]) if "input" in report else [f"input range {model.input_range}"]
    said += [report[key] for key in ("parity_note", "cuts_note") if report.get(key)]
    skipped = [f"{name}: {reason}" for name, reason in model.skipped]
    return whole(
        f"<b>{as_html(model.name)}</b> {as_html(model.version)}",
        lines([*said, *model.notes]),
        table(("layer", "kind", "units", "receptive field", "activation"), rows),
        folded(f"{len(skipped)} layers without units", skipped),
    )


def _layer_head(layer: AtlasLayer, more: str = "") -> str:
    counts = layer.counts
    size = f"{len(layer)} of {layer.n_units} units{more}"
    text = f"<b>{as_html(layer.name)}</b>: {as_html(layer.kind_in_words)}, {size}"
    return f"{text}<br>{verdict_bar(counts)} {verdict_counts(counts)}" if counts else text


def _tiles(units: Sequence[AtlasUnit], *, named: bool = False) -> list[str]:
    """Return a figure of each unit: the picture that represents it, its number, verdict and activation."""
    leads: dict[tuple[int, int], Pictures] = {}
    for layer in {id(unit.layer): unit.layer for unit in units}.values():
        read = layer.pictures_of([unit.number for unit in units if unit.layer is layer])
        leads |= {(id(layer), number): pictures for number, pictures in read.items()}
    return [_tile(unit, leads[id(unit.layer), unit.number], named=named) for unit in units]


def _tile(unit: AtlasUnit, pictures: Pictures, *, named: bool) -> str:
    lead = pictures[0] if pictures else None
    title = f"{unit.layer.name} {unit.number}" if named else str(unit.number)
    captions = [title, unit.verdict or "not scored"]
    if lead is not None and not lead.failure:
        captions.append(f"activation {number(lead.activation_end)}")
    return figure(unit_image(lead, _TILE_PX), captions, width=_TILE_PX, verdict=unit.verdict)
