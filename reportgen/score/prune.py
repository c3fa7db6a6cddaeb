"""Which units could be left out, by layer, each with its reason: a list for a pruning tool.

Says what the judgement found and nothing of its own: `certain` and `likely` are those of the layer's
findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reportgen.store import ModelRecord, Store
from reportgen.units import Layer, UnitScore

SURENESS = ("certain", "likely")


def flagged_units(findings: Mapping[str, Any]) -> list[int]:
    """Return the units that a layer's findings call superfluous, for certain or likely, in order."""
    found = findings.get("superfluous") or {}
    return sorted({int(unit) for word in SURENESS for unit in found.get(word) or ()})


def prune_list(store: Store) -> list[dict[str, Any]]:
    """Return what could be left out of every scored layer of every model version (docs/formats.md)."""
    return [
        _layer_list(store, model, layer)
        for model in store.models()
        for layer in model.layers
        if store.scored_fingerprint(model.id, layer.name)
    ]


def prune_rows(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one row a unit: model, version, layer, unit, `certain` or `likely`, and the reason."""
    for layer in listed:
        for word in SURENESS:
            for unit in layer[word]:
                yield {
                    "model": layer["model"],
                    "version": layer["version"],
                    "layer": layer["layer"],
                    "unit": unit["unit"],
                    "sureness": word,
                    "reason": unit["reason"],
                }


def reason_to_prune(score: UnitScore, *, certain: bool) -> str:
    """Return in one line why a unit could be left out."""
    said = []
    if score.verdict == "dead":
        how = score.dead_proof or "no input was found that wakes it"
        said.append(f"{score.verdict_detail or 'dead'}: {how}")
    if score.duplicate_of is not None:
        said.append(f"answers like unit {score.duplicate_of}, which stays")
    if "no outgoing weight" in score.verdict_detail:
        said.append("all its outgoing weights are zero")
    if not said:
        said.append(score.verdict + (", borderline" if score.borderline else ""))
    if not certain and score.p_structured is not None:
        used = "its use is not known" if score.use is None else f"use {score.use:.2f} of its layer"
        said.append(f"P(structured) {score.p_structured:.2f}, {used}")
    return "; ".join(said)


def _layer_list(store: Store, model: ModelRecord, layer: Layer) -> dict[str, Any]:
    findings = store.findings(model.id, layer.name)
    superfluous = findings.get("superfluous") or {}
    scores = {s.unit: s for s in store.scores(model.id, layer.name)}
    listed: dict[str, Any] = {
        "model": model.name,
        "version": model.version,
        "file_hash": model.file_hash,
        "layer": layer.name,
        "kind": layer.kind,
        "n_units": layer.n_units,
        "n_judged": len(scores),
    }
    for word in SURENESS:
        listed[word] = [
            {"unit": unit, "reason": reason_to_prune(scores[unit], certain=word == "certain")}
            for unit in sorted(superfluous.get(word) or ())
            if unit in scores
        ]
    listed["ablation"] = findings.get("ablation")
    return listed
