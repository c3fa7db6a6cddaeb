"""Comparing two stores of 17,000 units from what they hold: seconds and memory, without a model.

    python -m benchmarks.compare          two stores of a MobileNetV2's widths, made up; writes its section

The answers are made up at the shapes a render stores (64 probes, 16 places), since only their amount matters:
a third of B's layers are permuted, the others drift, so that both ways of pairing are gone. The comparison
runs in a process of its own; its peak is what the system counted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.results import table, write_section
from reportgen.judgement import LayerFindings
from reportgen.measure import probe_names
from reportgen.store import ModelRecord, layer_owner, open_store
from reportgen.units import InputRange, Layer, LayerGraph, UnitScore

WIDTHS = [
    *(32, 32, 16, 96, 96, 24, 144, 144, 24, 144, 144, 32),
    *([192, 192, 32] * 2 + [192, 192, 64]),
    *([384, 384, 64] * 3 + [384, 384, 96]),
    *([576, 576, 96] * 2 + [576, 576, 160]),
    *([960, 960, 160] * 2 + [960, 960, 320]),
    *(1280, 1000),
]
"""Units of the layers of a MobileNetV2."""

_SCRIPT = """
import json, resource, sys, time
began, cpu = time.monotonic(), time.process_time()
import reportgen
found = reportgen.compare(sys.argv[1], sys.argv[2]).found.pairs[0]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
loaded = sorted({"tensorflow", "keras", "jax"} & set(sys.modules))
print(json.dumps({"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu, "peak_mb": peak,
                  "counts": found.counts, "loaded": loaded}))
"""


def main(words: list[str] | None = None) -> None:
    """Make both stores, compare them, and write the section."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        stores = [Path(folder) / name for name in ("a.db", "b.db")]
        began = time.monotonic()
        for number, path in enumerate(stores):
            write_store(path, changed=bool(number))
        made = time.monotonic() - began
        runs = [_run(stores) for _ in range(asked.repeats)]
    seconds, peaks = sorted(r["seconds"] for r in runs), sorted(r["peak_mb"] for r in runs)
    middle = len(runs) // 2
    rows = [
        ("seconds", f"{seconds[middle]:.1f} ({seconds[0]:.1f} to {seconds[-1]:.1f})", "60"),
        ("CPU seconds", f"{sorted(r['cpu'] for r in runs)[middle]:.1f}", ""),
        ("peak memory, MB", f"{peaks[middle]:.0f} ({peaks[0]:.0f} to {peaks[-1]:.0f})", "2000"),
    ]
    cores = len(os.sched_getaffinity(0))
    lines = [f"{sum(WIDTHS):,} units in {len(WIDTHS)} layers against as many, {cores} cores.", ""]
    lines += [*table(("", "median (least to largest)", "to reach"), rows), ""]
    lines.append(f"Found: {', '.join(f'{n:,} {state}' for state, n in runs[0]['counts'].items())}.")
    print("\n".join([*lines, f"(both stores were made in {made:.0f} s)"]))
    write_section("compare", "Two stores of 17,000 units compared", lines)


def _run(stores: list[Path]) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", _SCRIPT, *map(str, stores)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)
    if found["loaded"]:
        raise SystemExit(f"a framework was loaded: {found['loaded']}")
    return found


def write_store(path: Path, *, changed: bool) -> None:
    """Write one store; of the second a third of the layers are permuted, and all drift a little."""
    layers = tuple(_layer(i, k, f"{int(changed)}{i:031x}") for i, k in enumerate(WIDTHS))
    nodes = (("input", "input"), *((x.name, x.kind) for x in layers))
    record = ModelRecord(
        name="wide", version="v2" if changed else "v1", file_name="wide.keras", file_hash=str(changed) * 8,
        options={}, input_shape=(224, 224, 3), input_size_source="model", input_range=InputRange(),
        layers=layers, graph=LayerGraph(nodes, tuple((i, i + 1) for i in range(len(layers)))),
    )  # fmt: skip
    with open_store(path, create=True) as store:
        model = store.put_model(record)
        for layer in layers:
            _measure(store, layer_owner(model.id, layer.name), layer, changed)
            scores = [
                UnitScore(u, "structured", "", "", False, structure=4.0, consistency=0.95)
                for u in range(layer.n_units)
            ]
            store.put_scores(model.id, layer.name, scores, fingerprint="f", findings=LayerFindings())


def _layer(position: int, k: int, hash_: str) -> Layer:
    name = f"layer{position}"
    dense = position == len(WIDTHS) - 1
    return Layer(
        name=name, slug=name, kind="dense" if dense else "conv2d", position=position, n_units=k,
        map_size=None if dense else (14, 14), stride_px=None if dense else (16, 16),
        receptive_field_px=None if dense else (91, 91), activation="relu", head="", first=position == 0,
        graph_hash=hash_, judged_hash=hash_,
    )  # fmt: skip


def _measure(store: object, owner: str, layer: Layer, changed: bool) -> None:
    k, n = layer.n_units, len(probe_names())
    rng = np.random.default_rng(layer.position)
    places = 16 if layer.is_map else 1
    samples = np.maximum(rng.normal(size=(n, places, 48)) @ rng.normal(size=(48, k)), 0)
    links = rng.exponential(size=(k, 16))
    if changed:
        samples += np.random.default_rng([9, layer.position]).normal(0, 0.3, samples.shape)
        if layer.position % 3 == 1:
            order = np.random.default_rng([7, layer.position]).permutation(k)
            samples, links = samples[..., order], links[order]
    samples = samples.astype(np.float32)
    arrays = {"samples": samples, "mean": samples.mean(1), "max": samples.max(1), "min": samples.min(1)}
    store.put_measurement(owner, "probes", "f", arrays)
    store.put_measurement(owner, "weights", "f", {"in_norm": np.sort(links)[:, ::-1].astype(np.float32)})


if __name__ == "__main__":
    main()
