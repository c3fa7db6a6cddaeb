"""The network as a picture: a bar of verdicts for each layer, in order, and arcs where values skip or branch.

Blocks that repeat are folded into their first, with how often. Coordinates and words; the template draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reportgen.atlas import words
from reportgen.atlas.pages import bar
from reportgen.atlas.short_names import short_names
from reportgen.atlas.summaries import LayerSummary, counted
from reportgen.units import LayerGraph

TALLEST, MOST = 88, 48
_ARCS, _LONGEST_BLOCK = 56, 12
_WIDE, _NARROW, _LETTERS = 88, 26, 13
_MOST_LETTERS = 16


@dataclass(frozen=True)
class Column:
    """A layer, or layers of one kind that repeat: those it stands for, first first."""

    layers: tuple[LayerSummary, ...]

    @property
    def first(self) -> LayerSummary:
        """The layer it is drawn as."""
        return self.layers[0]

    @property
    def counts(self) -> dict[str, int]:
        """Units by verdict, of all of them."""
        return counted(self.layers)


class Part(NamedTuple):
    """The units of one verdict in a bar."""

    mark: str
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A column of the picture.

    Attributes:
        x, width, top: Where it stands.
        href: The layer's page.
        name, label: The layer's name, shortened, and what is said of it.
        more: How many further layers it stands for.
        parts: From the foot.
    """

    x: int
    width: int
    top: float
    href: str
    name: str
    label: str
    more: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The picture of a network.

    Attributes:
        width, height: Of the canvas.
        base: Where bars stand.
        step: From one bar to the next.
        turned: Whether names are.
        bars: In order from the input.
        arcs: As paths.
        folded: How many bars stand for more than one layer.
    """

    width: int
    height: int
    base: int
    step: int
    turned: bool
    bars: tuple[Bar, ...]
    arcs: tuple[str, ...]
    folded: int


def network_view(graph: LayerGraph, layers: Sequence[LayerSummary]) -> Network | None:
    """Return the picture of a network; None for fewer than two layers.

    Args:
        graph: Of the model version.
        layers: Those that have a page, in order.
    """
    if len(layers) < 2:
        return None
    columns = [Column((layer,)) for layer in layers] if len(layers) <= MOST else _folded(layers)
    of = {layer.name: at for at, column in enumerate(columns) for layer in column.layers}
    arcs = sorted({(of[a], of[b]) for a, b in _links(graph, of) if of[b] - of[a] > 1})
    short = short_names((column.first.name for column in columns), _MOST_LETTERS)
    fits = all(len(name) <= _LETTERS for name in short.values())
    step = _WIDE if len(columns) <= 14 and fits else _NARROW
    top = _ARCS if arcs else 14
    most = max(max(x.n_units for x in column.layers) for column in columns)
    return Network(
        width=len(columns) * step + (8 if step == _WIDE else 66),
        height=top + TALLEST + (22 if step == _WIDE else 84),
        base=top + TALLEST,
        step=step,
        turned=step != _WIDE,
        bars=tuple(
            _bar(column, short[column.first.name], i * step + 4, step - 8, most, top + TALLEST)
            for i, column in enumerate(columns)
        ),
        arcs=tuple(_arc(a * step + step / 2, b * step + step / 2, b - a, top) for a, b in arcs),
        folded=sum(len(column.layers) > 1 for column in columns),
    )


def _bar(column: Column, name: str, left: int, width: int, most: int, base: int) -> Bar:
    layer, counts = column.first, column.counts
    tall = max(6.0, TALLEST * (layer.n_units / most) ** 0.5)
    more = len(column.layers) - 1
    others = f", and {more} more like it" if more else ""
    return Bar(
        x=left,
        width=width,
        href=f"{layer.slug}.html",
        name=name,
        label=f"{layer.name}{others}: {layer.kind}, {words.counts_in_words(counts)}",
        more=more,
        top=round(base - tall, 1),
        parts=tuple(
            Part(mark, round(base - (under + share) / 100 * tall, 2), round(share / 100 * tall, 2))
            for mark, under, share in bar(counts)
        ),
    )


def _arc(x0: float, x1: float, skipped: int, top: int) -> str:
    """Return the path of an arc above the bars, the higher the more columns it skips."""
    rise = min(top - 8, 10 + 5 * skipped)
    return f"M{x0:g} {top}C{x0:g} {top - rise * 1.3:g} {x1:g} {top - rise * 1.3:g} {x1:g} {top}"


def _links(graph: LayerGraph, known: Mapping[str, int]) -> set[tuple[str, str]]:
    """Return which layers' values reach which layers with nothing but operations without units between.

    Where several arrows meet, only the latest layer on each is meant: a value added to many times is shown by
    its last addition, not by all of them.
    """
    into: dict[int, list[int]] = {}
    for a, b in graph.edges:
        if 0 <= a < b < len(graph.nodes):
            into.setdefault(b, []).append(a)
    sources: list[tuple[str, ...]] = []
    found = set()
    for at, (name, _) in enumerate(graph.nodes):
        came = tuple(dict.fromkeys(s for a in into.get(at, ()) for s in sources[a]))
        if name in known:
            found |= {(s, name) for s in came}
            sources.append((name,))
        else:
            sources.append(tuple(sorted(came, key=lambda s: known[s])[-2:]))
    return found


def _folded(layers: Sequence[LayerSummary]) -> list[Column]:
    """Return columns in which runs of alike blocks stand as their first block."""
    alike = [(layer.kind, layer.n_units) for layer in layers]
    columns: list[Column] = []
    at = 0
    while at < len(layers):
        length, times = max(
            ((p, _times(alike, at, p)) for p in range(1, _LONGEST_BLOCK + 1)),
            key=lambda found: (found[0] * (found[1] - 1), -found[0]),
        )
        if times < 2:
            length, times = 1, 1
        for k in range(length):
            columns.append(Column(tuple(layers[at + k + t * length] for t in range(times))))
        at += length * times
    return columns


def _times(alike: Sequence[tuple[str, int]], at: int, length: int) -> int:
    """Return how often the block of that length at `at` stands one after another."""
    block, times = alike[at : at + length], 1
    while len(block) == length and alike[at + times * length : at + (times + 1) * length] == block:
        times += 1
    return times
