"""Is it structure? Judges units by stored pictures and responses; never by the model itself.

Works without a framework installed: numpy and scipy over what the store keeps. Importing it, and finding
that nothing has changed, loads no scipy: that takes longer than reading a finished store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reportgen.judgement import LayerFindings
from reportgen.score.evidence import LayerEvidence as LayerEvidence
from reportgen.score.evidence import evidence_fingerprint as evidence_fingerprint
from reportgen.score.evidence import read_evidence as read_evidence
from reportgen.score.removable import LayerPruneList as LayerPruneList
from reportgen.score.removable import PruneRow as PruneRow
from reportgen.score.removable import prune_list as prune_list
from reportgen.score.removable import prune_rows as prune_rows
from reportgen.score.supplementary import put_supplementary, supplementary_fingerprint
from reportgen.spec import ScoreSpec
from reportgen.store import ModelRecord, Store

if TYPE_CHECKING:
    from reportgen.score.layer import score_layer as score_layer


def score_store(
    store: Store, model: ModelRecord, spec: ScoreSpec, *, stop: Callable[[], bool] = lambda: False
) -> dict[str, LayerFindings]:
    """Score every layer of a model version whose evidence or thresholds changed, and store it.

    A layer of which nothing was rendered with the scored recipe has no scores, also none from before.

    Args:
        store: Open for writing.
        model: A model version in it.
        spec: Thresholds.
        stop: Called between layers; once it returns true, the others keep the scores they have.

    Returns:
        The findings of every scored layer, by its name, in the model's order; up to the last one before a
        stop.
    """
    findings: dict[str, LayerFindings] = {}
    for layer in model.layers:
        if stop():
            break
        mark = evidence_fingerprint(store, model, layer, spec)
        if not mark:
            store.drop_scores(model.id, layer.name)
            continue
        whole = f"{mark}+{supplementary_fingerprint(store, model, layer)}"
        before = store.scored_fingerprint(model.id, layer.name)
        if before != whole:
            if before.partition("+")[0] == mark:
                scores, found = store.scores(model.id, layer.name), store.findings(model.id, layer.name)
            else:
                from reportgen.score.layer import score_layer

                scores, found = score_layer(read_evidence(store, model, layer), spec)
            scores, found = put_supplementary(store, model, layer, scores, found, spec)
            store.put_scores(model.id, layer.name, scores, fingerprint=whole, findings=found)
        findings[layer.name] = store.findings(model.id, layer.name)
    return findings


def __getattr__(name: str) -> Any:
    if name == "score_layer":
        from reportgen.score.layer import score_layer

        return score_layer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
