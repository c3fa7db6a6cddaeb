"""Which units a network does without, by layer, each with its reason: a list for a pruning tool.

Combines the findings of a layer with the result of removal on pictures; adds nothing of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypedDict

from reportgen.removal import Removal, UnitNeed
from reportgen.sentences.responses import superfluous_in_words
from reportgen.store import ModelRecord, Store
from reportgen.units import Layer, UnitScore

Certainty = Literal["certain", "measured"]
CERTAINTIES: Final[tuple[Certainty, ...]] = ("certain", "measured")
"""How it is known that a listed unit is not needed: proved from weights or bounds, or removed on pictures."""


class UnitReason(TypedDict):
    """A unit that can be missed, and why."""

    unit: int
    reason: str


class LayerPruneList(TypedDict):
    """What could be left out of a layer (docs/formats.md)."""

    model: str
    version: str
    file_hash: str
    layer: str
    kind: str
    n_units: int
    n_judged: int
    certain: list[UnitReason]
    measured: list[UnitReason]


class PruneRow(TypedDict):
    """A unit that can be missed, as a row of a table."""

    model: str
    version: str
    layer: str
    unit: int
    sureness: Certainty
    reason: str


def prune_list(store: Store) -> list[LayerPruneList]:
    """Return what could be left out of every scored layer of every model version (docs/formats.md)."""
    return [
        _layer_list(store, model, layer)
        for model in store.models()
        for layer in model.layers
        if store.scored_fingerprint(model.id, layer.name)
    ]


def prune_rows(listed: Sequence[LayerPruneList]) -> Iterator[PruneRow]:
    """Yield one row per unit: model, version, layer, unit, sureness, and the reason."""
    for layer in listed:
        for word in CERTAINTIES:
            for unit in layer[word]:
                yield {
                    "model": layer["model"],
                    "version": layer["version"],
                    "layer": layer["layer"],
                    "unit": unit["unit"],
                    "sureness": word,
                    "reason": unit["reason"],
                }


def certain_reason(score: UnitScore) -> str:
    """Return in one line why a unit is superfluous for certain."""
    found = score.responsiveness
    otherwise = found.unused or found.proof
    return superfluous_in_words(found, copy_of=None if otherwise else score.duplicate_of)


def removed_units(removal: Removal, needs: Sequence[UnitNeed]) -> list[UnitNeed]:
    """Return the units of a layer that go at the count that was chosen, the first to go first."""
    return sorted(filter(removal.is_removed, needs), key=lambda n: (-n.need_rank, n.unit))


def _measured_reason(removal: Removal, need: UnitNeed) -> str:
    place, pictures = removal.units - need.need_rank + 1, removal.pictures.report
    lost = f"without all of them {removal.changed} of {pictures} decisions change"
    return f"removal {place} of {removal.removed}: {lost}"


def _layer_list(store: Store, model: ModelRecord, layer: Layer) -> LayerPruneList:
    scores = {s.unit: s for s in store.scores(model.id, layer.name)}
    certain = store.findings(model.id, layer.name).certainly_superfluous or ()
    removal = store.removal(model.id)
    removed = removed_units(removal, store.needs(model.id, layer.name)) if removal is not None else []
    return {
        "model": model.name,
        "version": model.version,
        "file_hash": model.file_hash,
        "layer": layer.name,
        "kind": layer.kind,
        "n_units": layer.n_units,
        "n_judged": len(scores),
        "certain": [
            {"unit": unit, "reason": certain_reason(scores[unit])} for unit in certain if unit in scores
        ],
        "measured": [
            {"unit": need.unit, "reason": _measured_reason(removal, need)}
            for need in removed
            if removal is not None and need.unit not in certain
        ],
    }
