"""Versions in a store with everything a comparison reads, measured on real networks, nothing rendered."""

from __future__ import annotations

import dataclasses

import numpy as np

from reportgen import measure
from reportgen.compare import Version
from reportgen.judgement import LayerFindings
from reportgen.models import cut_model, load_model
from reportgen.plan import canvas_for
from reportgen.spec import RECIPES, for_kind
from reportgen.store import ModelRecord, layer_owner, open_store
from reportgen.units import UnitScore


def record_of(model, version):
    names = {f.name for f in dataclasses.fields(ModelRecord)} - {"options", "plan", "id", "version"}
    return ModelRecord(options={}, version=version, **{name: getattr(model, name) for name in names})


def put_version(store, path, version, verdict=None):
    """Measure a model file into an open store; units that no probe wakes are dead, the others structured.

    `verdict(layer, unit)` may give another verdict and its structure.
    """
    model = load_model(path)
    record = store.put_model(record_of(model, version))
    weights = measure.weights(model)
    for layer in model.layers:
        recipe = for_kind(RECIPES["default"], layer.kind)
        canvas = canvas_for(layer, model.input_shape[:2], recipe)
        probes = measure.responses(
            cut_model(model, layer, canvas), measure.probe_pictures(canvas, model.input_shape[2])
        )
        owner = layer_owner(record.id, layer.name)
        store.put_measurement(owner, "probes", "f", probes)
        store.put_measurement(owner, "weights", "f", weights[layer.name])
        scores = []
        for unit in range(layer.n_units):
            found = verdict and verdict(layer.name, unit)
            silent = np.ptp(probes["samples"][..., unit]) == 0
            word, z = found or (("dead", None) if silent else ("structured", 4.0))
            scores.append(UnitScore(unit, word, "", "", False, structure=z, consistency=0.97))
        store.put_scores(record.id, layer.name, scores, fingerprint="f", findings=LayerFindings())
    return Version(store, record)


def two_versions(folder, a, b, **verdicts):
    """Return the versions of two model files, measured into one new store, and the store to be closed."""
    store = open_store(folder / "two.db", create=True)
    return (
        put_version(store, a, "v1", verdicts.get("a")),
        put_version(store, b, "v2", verdicts.get("b")),
        store,
    )
