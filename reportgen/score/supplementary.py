"""Supplementary findings, which do not affect verdicts: trust, the user's own pictures, the untrained twin.

Verdicts stand without any of it. It is worked out apart, from scores that are there, so that pictures or a
twin that come later change no verdict and nothing has to be judged again.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from reportgen.judgement import LayerFindings, Trust
from reportgen.sentences.layers import ONLY_REMOVAL
from reportgen.spec import ScoreSpec, content_hash
from reportgen.store import ModelRecord, Store, layer_owner, model_owner
from reportgen.units import Layer, UnitScore

SUPPLEMENTARY_VERSION = 3
"""Raised whenever the same evidence gives other numbers here."""


def supplementary_fingerprint(store: Store, model: ModelRecord, layer: Layer) -> str:
    """Return a hash of all that a layer's supplementary findings depend on; reads no picture."""
    shown = str(model.roles(layer.name).get("shown", ""))
    owner = layer_owner(model.id, layer.name)
    twin = store.twin_of(model)
    names = ("natural", "natural_near", "renders")
    return content_hash(
        {
            "version": SUPPLEMENTARY_VERSION,
            "shown": [
                key for _, recipe, _, _, key in store.placements(model.id, layer.name) if recipe == shown
            ],
            "measured": [store.measurement_fingerprint(owner, name) for name in names],
            "about": store.measurement_fingerprint(model_owner(model.id), "natural"),
            "twin": store.scored_fingerprint(twin.id, layer.name) if twin is not None else "",
            "removal": store.removal_fingerprint(model.id),
        }
    )


def put_supplementary(store: Store, model: ModelRecord, layer: Layer, scores: Sequence[UnitScore],
               findings: LayerFindings,
               spec: ScoreSpec) -> tuple[list[UnitScore], LayerFindings]:  # fmt: skip
    """Return a layer's scores and findings with supplementary ones; earlier ones are replaced."""
    from reportgen.score.natural_findings import natural_facts, natural_findings
    from reportgen.score.trust import recipes_agree, robust_shares, with_data
    from reportgen.score.twin import twin_findings

    natural, on_pictures = natural_findings(store, model, layer)
    twin, on_twin = twin_findings(store, model, layer, scores)
    unknown = [] if store.removal_fingerprint(model.id) else [ONLY_REMOVAL]
    said = (*unknown, *on_pictures, *on_twin)
    checks = {
        "recipes_agree": recipes_agree(store, model, layer, scores, spec),
        "robust_share": robust_shares(store, model, layer),
        **with_data(store, model, layer, scores),
    }
    facts = natural_facts(store, model, layer)
    rows = [
        dataclasses.replace(score, trust=_trust(checks, score.unit, spec), natural=facts.get(score.unit))
        for score in scores
    ]
    return rows, dataclasses.replace(findings, natural=natural, twin=twin, supplementary=said)


def _trust(checks: Mapping[str, Mapping[int, float]], unit: int, spec: ScoreSpec) -> Trust:
    """Return the checks that were made of a unit, to four digits."""

    def found(name: str) -> float | None:
        value = checks.get(name, {}).get(unit)
        return round(value, 4) if value is not None and math.isfinite(value) else None

    agree = found("recipes_agree")
    holds = None if agree is None else agree >= 1 - spec.unstable_share
    robust, beyond, natural = map(found, ("robust_share", "beyond_natural", "natural_agreement"))
    return Trust(agree, holds, robust, beyond, natural)
