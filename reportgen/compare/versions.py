"""Two versions compared: layers paired, units matched, and what became of each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.compare.changes import (
    OTHER_INDEX,
    SAME_INDEX,
    Pairing,
    changes,
    counterparts,
    weight_distances,
)
from reportgen.compare.layers import changed_before, cka_table, paired
from reportgen.compare.matching import Match, families, matches
from reportgen.compare.rows import LayerRows, Version, cross_answers, read_layer
from reportgen.compare.similarity import probe_responses, silent, similarity
from reportgen.comparison import Comparison, LayerPair
from reportgen.units import Layer

Floats = NDArray[np.float32]

_FEW = 3
"""Matched units from which a layer alone shows whether units kept their indices."""


@dataclass(frozen=True)
class _MatchedLayers:
    """A pair of layers with the similarities and matches of their units."""

    a: LayerRows
    b: LayerRows
    similarities: Floats
    found: Sequence[Match]
    at_same_index: int
    at_other_index: int
    silent_a: NDArray[np.bool_]
    silent_b: NDArray[np.bool_]
    note: str = ""


def compare_versions(a: Version, b: Version, chance: Version | None = None) -> Comparison:
    """Return what became of every unit of A in B, from what their stores hold.

    Nothing is rendered and no model is read. Where a store also holds the responses of one version to the
    HappyMaps of the other (`run` keeps them when both models are at hand), they count as further pictures.

    Args:
        a, b: Before and after.
        chance: An untrained twin of B: how many units of A have a counterpart in it is reported too.
    """
    found = _compared(a, b)
    if chance is None:
        return found
    by_chance = {pair.layer_a: pair.counterparts_a for pair in _compared(a, chance).layers}
    layers = tuple(replace(pair, chance_a=by_chance.get(pair.layer_a)) for pair in found.layers)
    return replace(found, layers=layers, chance=chance.id)


def _compared(a: Version, b: Version) -> Comparison:
    table = cka_table(a, b)
    how, pairs = paired(a.record, b.record, table)
    votes = functools.cache(lambda: _votes(a, b, pairs))
    at_a = {x.name: i for i, x in enumerate(a.record.layers)}
    at_b = {x.name: i for i, x in enumerate(b.record.layers)}
    changed = {y.name for x, y in pairs if x.graph_hash != y.graph_hash}
    rows, notes = [], []
    for x, y in pairs:
        matched = _matched(a, b, x, y)
        upstream = changed_before(b.record, changed, y.name)
        ordered = _ordered(matched, votes)
        rows.append(_pair(matched, ordered, upstream, table[at_a[x.name]][at_b[y.name]]))
        if matched.note:
            notes.append(matched.note)
    in_pairs = {x.name for x, _ in pairs}, {y.name for _, y in pairs}
    return Comparison(
        a=a.id,
        b=b.id,
        layers=tuple(rows),
        paired_by=how,
        alone_a=tuple(x.name for x in a.record.layers if x.name not in in_pairs[0]),
        alone_b=tuple(y.name for y in b.record.layers if y.name not in in_pairs[1]),
        names_a=tuple(at_a),
        names_b=tuple(at_b),
        cka=table,
        notes=tuple(dict.fromkeys(notes)),
    )


def _votes(a: Version, b: Version, pairs: Sequence[tuple[Layer, Layer]]) -> tuple[int, int]:
    """Return units found at their old index and elsewhere, over all layers of equal width."""
    on = off = 0
    for x, y in pairs:
        if x.n_units == y.n_units:
            matched = _matched(a, b, x, y)
            on, off = on + matched.at_same_index, off + matched.at_other_index
    return on, off


def _matched(a: Version, b: Version, layer_a: Layer, layer_b: Layer) -> _MatchedLayers:
    rows_a, rows_b = read_layer(a, layer_a), read_layer(b, layer_b)
    by_place = a.canvas(layer_a) == b.canvas(layer_b)
    groups_a = probe_responses(rows_a.probes, layer_a.n_units, by_place=by_place)
    groups_b = probe_responses(rows_b.probes, layer_b.n_units, by_place=by_place)
    note = ""
    if not groups_a or not groups_b:
        note = f"{layer_b.name}: responses to the probes are missing, so units were compared by weights alone"
        similarities = np.full((layer_a.n_units, layer_b.n_units), np.nan, np.float32)
        quiet_a, quiet_b = np.ones(layer_a.n_units, bool), np.ones(layer_b.n_units, bool)
        return _MatchedLayers(rows_a, rows_b, similarities, (), 0, 0, quiet_a, quiet_b, note)
    if not by_place:
        note = f"{layer_b.name}: pictures differ in size, so responses were compared by picture, not position"
    own_a, own_b = similarity(groups_a, groups_a), similarity(groups_b, groups_b)
    more_a, more_b = _crossed(a, b, rows_a, rows_b)
    groups_a, groups_b = [*groups_a, *more_a], [*groups_b, *more_b]
    similarities, quiet_a, quiet_b = similarity(groups_a, groups_b), silent(groups_a), silent(groups_b)
    found = matches(similarities, families(own_a), families(own_b), quiet_a, quiet_b)
    on, off = _places(similarities, found)
    return _MatchedLayers(rows_a, rows_b, similarities, found, on, off, quiet_a, quiet_b, note)


def _crossed(
    a: Version, b: Version, rows_a: LayerRows, rows_b: LayerRows
) -> tuple[list[Floats], list[Floats]]:
    """Return the responses of both to the HappyMaps of A, and to those of B, where they are kept."""
    more_a, more_b = [], []
    of_b = cross_answers(b, rows_b.layer, a, rows_a)
    if of_b is not None and rows_a.own is not None:
        more_a.append(rows_a.own)
        more_b.append(of_b)
    of_a = cross_answers(a, rows_a.layer, b, rows_b)
    if of_a is not None and rows_b.own is not None:
        more_a.append(of_a)
        more_b.append(rows_b.own)
    return more_a, more_b


def _places(similarities: Floats, found: Sequence[Match]) -> tuple[int, int]:
    """Return how many units are found at their old index, and how many plainly at another one."""
    if similarities.shape[0] != similarities.shape[1]:
        return 0, 0
    here = np.nan_to_num(np.diag(similarities), nan=-1.0)
    on = int((here >= OTHER_INDEX).sum())
    off = [m for m in found if m.similarity >= OTHER_INDEX and m.a != m.b and here[m.a] < SAME_INDEX]
    return on, len(off)


def _ordered(x: _MatchedLayers, votes: Callable[[], tuple[int, int]]) -> bool:
    """Return whether equal indices mean the same unit.

    A classifier's outputs keep their meaning. Else the layer's own matched units decide, or where
    they are few those of all layers.

    Args:
        votes: Gives the units found at their old index and elsewhere, over all layers.
    """
    a, b = x.a.layer, x.b.layer
    if a.n_units != b.n_units:
        return False
    if a.graph_hash == b.graph_hash or _outputs(x):
        return True
    own = (x.at_same_index, x.at_other_index)
    on, off = own if sum(own) >= _FEW else votes()
    return on > off


def _outputs(x: _MatchedLayers) -> bool:
    """Return whether both layers are the outputs of a classifier, in which an index is a class."""
    a, b = x.a.layer, x.b.layer
    return a.n_units == b.n_units and bool(a.head) and a.head == b.head


def _pair(x: _MatchedLayers, ordered: bool, upstream: bool, cka: float | None) -> LayerPair:
    weights = weight_distances(x.a, x.b)
    pairing = Pairing(
        x.a, x.b, x.similarities, x.found, ordered, upstream, x.silent_a, x.silent_b, weights, _outputs(x)
    )
    rows = changes(pairing)
    in_a, in_b = counterparts(pairing, rows)
    return LayerPair(
        layer_a=x.a.layer.name,
        layer_b=x.b.layer.name,
        n_a=x.a.layer.n_units,
        n_b=x.b.layer.n_units,
        same=x.a.layer.graph_hash == x.b.layer.graph_hash,
        ordered=ordered,
        cka=cka,
        changes=rows,
        counterparts_a=in_a,
        counterparts_b=in_b,
        outputs=_outputs(x),
    )
