"""The pages that compare versions: what changed, unit by unit, and lines over versions.

They take a comparison as plain values; how it was found is not known here. Addresses: `c/index.html`;
`c/<model>/series.html`; `c/<model>/<version>/<model>/<version>/index.html`, A's place before B's; and in the
same folder a page for each of B's layers, with an anchor for every unit, `#b<unit>`, or `#a<unit>` for one
that is only in A.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from reportgen.atlas.comparison_pictures import TILE_PX, Strip, encoded, strips
from reportgen.atlas.comparison_plots import cka_plot, flow_plot, lines_plot
from reportgen.atlas.comparison_rows import (
    ComparisonContext,
    Row,
    groups,
    key_of,
    pictured_units,
    row,
    rows_in_order,
    unscored,
)
from reportgen.atlas.pages import template_folder
from reportgen.atlas.site_map import CHANGES, COMPARISONS, PAIR, SERIES, VERSIONS
from reportgen.comparison import (
    Comparison,
    Comparisons,
    LayerPair,
    Series,
    StateCount,
    counts_in_words,
    sentences,
    state_counts,
)
from reportgen.json_values import Parsed

MOST_PICTURED = 2000
"""Changed units of a comparison that have pictures; each layer has an equal part."""
_LEAST_PICTURED = 24
_N_LARGEST = 12
_MEASURES = (
    ("structured_share", "Structured share"),
    ("dead", "Dead units"),
    ("copies", "Copies beyond the first"),
    ("certain", "Certainly superfluous"),
    ("units", "Units scored"),
)
_STATE_MARKS = {
    "unchanged": "t",
    "moved": "w",
    "sharpened": "s",
    "blurred": "u",
    "re-purposed": "m",
    "died": "x",
    "born": "f",
    "unmatched": "n",
}


def comparison_files(context: ComparisonContext, found: Comparisons) -> Iterator[tuple[str, bytes]]:
    """Yield `(path, bytes)` of all files about how versions differ; nothing where nothing was compared."""
    if not (found.pairs or found.series):
        return
    styles = {name: _asset(name) for name in ("compare.css", "compare.js")}
    yield from styles.values()
    extra = {name.partition(".")[2]: path for name, (path, _) in styles.items()}
    written: set[str] = set()
    for c in found.pairs:
        yield from _pair_files(context, c, extra, written)
    for series in found.series:
        path = series_path(context, series)
        never = [title for measure, title in _MEASURES if _is_zero(series, measure)]
        plots = [(title, lines_plot(series, m, title)) for m, title in _MEASURES if title not in never]
        yield path, context.pages.page(
            SERIES.template, path, extra=extra, series=series, plots=[x for x in plots if x[1]], never=never,
            shares=_MEASURES[0][1], table=_table(series),
            links=[context.place(v).index for v in series.versions],
        )  # fmt: skip
    path = VERSIONS.address
    pairs = [(pair_path(context, c), c, _counts(c, *c.layers), sentences(c)) for c in found.pairs]
    lines = [(series_path(context, s), s) for s in found.series]
    yield path, context.pages.page(
        VERSIONS.template, path, extra=extra, pairs=pairs, series=lines, bar=state_bar,
        state_mark=_STATE_MARKS,
    )  # fmt: skip


def pair_path(context: ComparisonContext, c: Comparison, layer: str | None = None) -> str:
    """Return the path of a comparison's page, or of one of its layers' by slug."""
    a, b = context.place(c.a), context.place(c.b)
    names = {"model": a.model, "version": a.version, "other_model": b.model, "other_version": b.version}
    return PAIR.at(**names) if layer is None else CHANGES.at(**names, layer=layer)


def series_path(context: ComparisonContext, series: Series) -> str:
    """Return the path of a series' page."""
    return SERIES.at(model=context.place(series.versions[-1]).model)


def state_bar(counts: Sequence[StateCount]) -> list[tuple[str, float, float]]:
    """Return `(mark, left, width)` in per cent, in the order of the states."""
    total, left, found = sum(count.n for count in counts) or 1, 0.0, []
    for count in counts:
        share = 100 * count.n / total
        found.append((_STATE_MARKS[count.state], round(left, 3), round(share, 3)))
        left += share
    return found


def _counts(c: Comparison, *pairs: LayerPair) -> list[StateCount]:
    """Return how many units of these layers are in each state."""
    return state_counts([x for pair in pairs for x in pair.changes], c.a.version, c.b.version)


def _pair_files(
    context: ComparisonContext, c: Comparison, extra: Mapping[str, str], written: set[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of one comparison; `written` are strips that others have brought already."""
    n_pictured = max(_LEAST_PICTURED, MOST_PICTURED // max(len(c.layers), 1))
    largest: dict[tuple[str, str], Row] = {}
    wanted = {(key_of(pair, x)) for pair, x in c.largest(_N_LARGEST)}
    slugs = [context.place(c.b).slug(pair.layer_b) or "" for pair in c.layers]
    for i, pair in enumerate(c.layers):
        pictured = pictured_units(pair, n_pictured)
        own = [_strips(context, c, pair, pictured, side) for side in ("a", "b")]
        for side, found in zip(("a", "b"), own, strict=True):
            yield from _strip_files(context, c, pair, side, found, written)
        rows = [row(context, c, pair, x, own) for x in rows_in_order(pair)]
        largest |= {
            key_of(pair, x): r
            for x, r in zip(rows_in_order(pair), rows, strict=True)
            if key_of(pair, x) in wanted
        }
        path = pair_path(context, c, slugs[i])
        around = {"previous": slugs[i - 1] if i else "", "next": slugs[i + 1] if i + 1 < len(slugs) else ""}
        yield path, context.pages.page(
            CHANGES.template, path, extra=extra, c=c, pair=pair, bar=state_bar, state_mark=_STATE_MARKS,
            counts=_counts(c, pair),
            flow=flow_plot(pair.flow, str(c.a), str(c.b)), around=around, tile=TILE_PX,
            groups=groups(rows), kept=[r for r in rows if r.change.state == "unchanged"],
            unscored=unscored(rows, c),
            pages_a=context.place(c.a).index, pages_b=context.place(c.b).index,
        )  # fmt: skip
    path = pair_path(context, c)
    layers = [
        (slug, pair, _counts(c, pair), flow_plot(pair.flow, str(c.a), str(c.b)))
        for slug, pair in zip(slugs, c.layers, strict=True)
    ]
    yield path, context.pages.page(
        PAIR.template, path, extra=extra, layers=layers, in_words=counts_in_words, cka=cka_plot(c),
        largest=[largest[key_of(pair, x)] for pair, x in c.largest(_N_LARGEST)], **pair_values(context, c),
    )  # fmt: skip


def pair_values(context: ComparisonContext, c: Comparison) -> Parsed:
    """Return what is said of a comparison as a whole, by the names of its template."""
    return {
        "c": c, "bar": state_bar, "state_mark": _STATE_MARKS, "counts": _counts(c, *c.layers),
        "sentences": sentences(c), "tile": TILE_PX,
        "pages_a": context.place(c.a).index, "pages_b": context.place(c.b).index,
    }  # fmt: skip


def largest_changes(
    context: ComparisonContext, c: Comparison, most: int
) -> tuple[list[Row], list[tuple[str, bytes]]]:
    """Return the largest changes of a comparison, and `(path, bytes)` of their pictures."""
    changes = c.largest(most)
    rows: dict[tuple[str, str], Row] = {}
    files: list[tuple[str, bytes]] = []
    for pair in c.layers:
        own = [x for of, x in changes if of is pair]
        units = {
            "a": [x.a.unit for x in own if x.a is not None],
            "b": [x.b.unit for x in own if x.b is not None],
        }
        found = [_strips(context, c, pair, units, side) for side in ("a", "b")] if own else []
        for side, some in zip(("a", "b"), found, strict=False):
            files += _strip_files(context, c, pair, side, some, set())
        rows |= {key_of(pair, x): row(context, c, pair, x, found) for x in own}
    return [rows[key_of(pair, x)] for pair, x in changes], files


def _strips(context: ComparisonContext, c: Comparison, pair: LayerPair, units: Mapping[str, Sequence[int]],
            side: str) -> dict[int, Strip]:  # fmt: skip
    version, name = (c.a, pair.layer_a) if side == "a" else (c.b, pair.layer_b)
    record = context.records[version.number]
    return strips(context.store, record, record.layer(name), units[side], context.spec)


def _strip_files(context: ComparisonContext, c: Comparison, pair: LayerPair, side: str,
                 found: Mapping[int, Strip], written: set[str]) -> Iterator[tuple[str, bytes]]:  # fmt: skip
    version, name = (c.a, pair.layer_a) if side == "a" else (c.b, pair.layer_b)
    record = context.records[version.number]
    new = {unit: strip for unit, strip in found.items() if strip.name not in written}
    written.update(strip.name for strip in new.values())
    for file, data in encoded(context.store, record, record.layer(name), new, context.spec):
        yield f"{COMPARISONS}/p/{file}", data


def _is_zero(series: Series, measure: str) -> bool:
    """Whether a number was measured and is 0 in every layer of every version."""
    values = [value for line in series.lines if line.measure == measure for value in line.values]
    return bool(values) and all(value == 0 for value in values)


def _table(series: Series) -> list[tuple[str, str, list[float | None]]]:
    titles = dict(_MEASURES)
    return [
        (titles[x.measure], x.layer, list(x.values))
        for x in sorted(series.lines, key=lambda x: (list(titles).index(x.measure), bool(x.layer)))
    ]


def _asset(name: str) -> tuple[str, bytes]:
    data = (template_folder() / "assets" / name).read_bytes()
    stem, _, ending = name.partition(".")
    return f"{COMPARISONS}/{stem}.{hashlib.blake2b(data, digest_size=5).hexdigest()}.{ending}", data
