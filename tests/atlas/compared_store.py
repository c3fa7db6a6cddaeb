"""The sample store with answers to the probes and a third version, so that its versions compare.

In `conv1` of v2 unit 3 has another favourite and unit 5 is dead; in `block1/conv2` units are permuted; v3 is
another network throughout.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from sample_store import _Model, write_sample_store

from reportgen.measure.probes import probe_names
from reportgen.store import layer_owner, open_store

ROLL = 7


def answers(version: str, name: str, k: int) -> np.ndarray:
    """Return `(64, 16, K)` answers of a layer."""
    seed = 9 if version == "v3" else 4
    rng = np.random.default_rng([seed, len(name), k])
    values = np.maximum(rng.normal(size=(len(probe_names()), 16, k)), -0.4)
    if version == "v2" and name == "conv1":
        values[..., 3] = np.maximum(rng.normal(size=values.shape[:2]), 0)
        values[..., 5] = 0
    if version == "v2" and name == "block1/conv2":
        values = np.roll(values, ROLL, axis=2)
    return values.astype(np.float32)


def write_compared_store(path: Path, *, hostile: bool = False) -> Path:
    """Write the store and return its path."""
    write_sample_store(path, hostile=hostile)
    with open_store(path) as store:
        second = store.find_model("garden", "v2")
        third = dataclasses.replace(second, version="v3", id=0)
        run = store.begin_run("2026-01-02T03:04:05Z", {"reportgen": "0.1.0"})
        model = _Model(store, third, "garden v3", run)
        for layer in third.layers:
            model.layer(layer, 48, ("structured", "static", "unstable", "structured"))
        for record in store.models():
            for layer in record.layers:
                owner = layer_owner(record.id, layer.name)
                samples = answers(record.version, layer.name, layer.n_units)
                store.put_measurement(
                    owner, "probes", "f", {"samples": samples, "mean": samples.mean(1), "max": samples.max(1)}
                )
                changed = dataclasses.replace(layer, graph_hash=f"{record.id}{layer.name}")
                record = dataclasses.replace(
                    record, layers=tuple(changed if x.name == layer.name else x for x in record.layers)
                )
            store.put_model(record)
        _scores(store)
    return path


def _scores(store) -> None:
    """Let v2's conv1 be v1's, but for unit 5, which died."""
    first, second = (store.find_model("garden", v) for v in ("v1", "v2"))
    scores = store.scores(first.id, "conv1")
    scores[5] = dataclasses.replace(scores[5], verdict="dead", structure=None, consistency=None)
    findings = store.findings(first.id, "conv1")
    store.put_scores(second.id, "conv1", scores, fingerprint="f", findings=findings)
