"""How long scoring takes, a unit: four 64-px pictures, everything read from a store on disk.

    python -m benchmarks.score_time [--units 256]

The store is made of drawn pictures and random answers, so that nothing is rendered: half of the
units have stripes of their own, half static; 64 probes, and the layer's own renders, at 16 places each.
Prints milliseconds of one core a unit, opening the store and decoding pictures included. Wanted: 15.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from reportgen.images import encode_png
from reportgen.score import score_layer, score_store
from reportgen.spec import ScoreSpec
from reportgen.store import ModelRecord, StoredRender, layer_owner, null_owner, open_store
from reportgen.units import InputRange, Layer, LayerGraph, Telemetry

SIDE, SEEDS, PROBES, PLACES, NULL = 64, 4, 64, 16, 32
WANTED_MS = 15.0


def main() -> None:
    """Make a store, score it and print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", type=int, default=256)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "score.db"
        make_store(path, asked.units)
        assert score_layer  # loaded with scipy before the clock starts
        began = time.process_time()
        with open_store(path) as store:
            (model,) = store.models()
            findings = score_store(store, model, ScoreSpec())
        spent = 1000 * (time.process_time() - began) / asked.units
    print(f"{asked.units} units, {findings['layer'].counts}")
    print(
        f"{spent:.1f} ms of one core a unit, wanted {WANTED_MS:g}{'' if spent <= WANTED_MS else '  MISSED'}"
    )


def make_store(path: Path, n_units: int) -> None:
    """Write a store of one layer with `n_units` units."""
    rng = np.random.default_rng(0)
    size, field = (SIDE, SIDE), (31, 31)
    layer = Layer("layer", "layer", "conv2d", 0, n_units, size, (1, 1), field, "relu", "", False, "0", "0")
    record = ModelRecord(
        name="m", version="v1", file_name="m.keras", file_hash="00", options={}, input_shape=(96, 96, 3),
        input_size_source="model", input_range=InputRange(), layers=(layer,), graph=LayerGraph((), ()),
        plan={"recipes": {"scored": "recipe", "shown": "other", "sweep": []}},
    )  # fmt: skip
    run = Telemetry(0.0, 1.0, 1.0, (1.0,) * 8, 1.0, 0.1, 0.3, 96, "max_steps", 0, "leaky-mean", "")
    with open_store(path, create=True) as store:
        model = store.put_model(record)
        rows = [
            StoredRender(unit, "recipe", "happy", seed, f"{unit}-{seed}", encode_png(picture), *picture.shape,
                         0.1, "", run)
            for unit in range(n_units)
            for seed, picture in enumerate(_pictures(rng, unit))
        ]  # fmt: skip
        store.put_renders(model.id, "layer", rows, run=store.begin_run("now", {}))
        owner = layer_owner(model.id, "layer")
        for name, n in (("probes", PROBES), ("renders", SEEDS * n_units)):
            answers = rng.exponential(size=(n, n_units)).astype(np.float32)
            samples = rng.exponential(size=(n, PLACES, n_units)).astype(np.float32)
            arrays = {"max": answers + 1, "min": answers - 1, "mean": answers, "samples": samples}
            store.put_measurement(owner, name, "mark", arrays)
        null = rng.integers(0, 256, (NULL, SIDE, SIDE, 3)).astype(np.uint8)
        store.put_measurement(null_owner("setting"), "pictures", "setting", {"pictures": null})
        store.put_measurement(owner, "null", "setting", {"setting": np.array(["setting"])})


def _pictures(rng: np.random.Generator, unit: int) -> list[np.ndarray]:
    if unit % 2:
        return list(rng.integers(0, 256, (SEEDS, SIDE, SIDE, 3)).astype(np.uint8))
    y, x = np.mgrid[:SIDE, :SIDE]
    angle, period = rng.uniform(0, np.pi), rng.uniform(4, 12)
    waves = [
        np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period + phase)
        for phase in rng.uniform(0, 6.28, SEEDS)
    ]
    noise = rng.normal(scale=0.1, size=(SEEDS, SIDE, SIDE, 3))
    pictures = 0.5 + 0.35 * np.stack(waves)[..., None] + noise
    return list((255 * np.clip(pictures, 0, 1)).astype(np.uint8))


if __name__ == "__main__":
    main()
