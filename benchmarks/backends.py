"""TensorFlow against JAX on a whole model: `python -m benchmarks.backends [MODEL]`; see --help.

Renders the happy pictures of the default plan on each, in processes of their own, into DIR/BACKEND.db
(stores that are there are gone on with), scores both, and says of how many units the activation that was
reached is within 2 % and the verdict the same. Both frameworks must be installed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "facing_left" / "facing_left.keras"
BACKENDS = ("tensorflow", "jax")


def main() -> None:
    """Render on both and print what agrees."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default=str(EXAMPLE))
    parser.add_argument("--units", default="all")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        folder = asked.folder or Path(passing)
        stores = [rendered(asked.model, asked.units, name, folder) for name in BACKENDS]
        print(report(*stores))


def rendered(model: str, units: str, backend: str, folder: Path) -> Path:
    """Render a model's happy pictures on a backend; returns the store."""
    store = folder / f"{backend}.db"
    words = [model, "--store", str(store), "--units", units, "--signs", "happy", "--version", "v1"]
    subprocess.run(
        [sys.executable, "-m", "reportgen", "render", *words],
        env={**os.environ, "KERAS_BACKEND": backend}, check=True, stdout=sys.stderr,
    )  # fmt: skip
    return store


def report(one: Path, other: Path) -> str:
    """Return in Markdown how two stores of the same plan agree, layer by layer and recipe by recipe."""
    import reportgen

    tables = [{(r["layer"], r["unit"]): r["verdict"] for r in reportgen.score(store=s)} for s in (one, other)]
    if tables[0].keys() != tables[1].keys():
        raise SystemExit("the stores do not hold the same units")
    ends = [activations(s) for s in (one, other)]
    lines = [
        "| layer | recipe | pictures | activation within 2 % | of units, all pictures |",
        "|---|---|---|---|---|",
    ]
    for layer, recipe in dict.fromkeys((key[0], key[1]) for key in ends[0]):
        keys = [key for key in ends[0] if key[:2] == (layer, recipe) and key in ends[1]]
        near = {key: close(ends[0][key], ends[1][key]) for key in keys}
        by_unit = Counter(key[2] for key in keys if not near[key])
        units = len({key[2] for key in keys})
        lines.append(
            f"| {layer} | {recipe} | {len(keys)} | {100 * np.mean(list(near.values())):.1f} % "
            f"| {100 * (1 - len(by_unit) / units):.1f} % |"
        )
    apart = [key for key in tables[0] if tables[0][key] != tables[1][key]]
    same = 100 * (1 - len(apart) / len(tables[0]))
    lines += ["", f"Verdicts: {same:.1f} % of {len(tables[0])} units the same."]
    lines += [
        f"- {layer} {unit}: {tables[0][layer, unit]}, {tables[1][layer, unit]}" for layer, unit in apart
    ]
    return "\n".join(lines)


def activations(path: Path) -> dict[tuple[str, str, int, int], float]:
    """Return the activation each picture ended at, by layer, recipe, unit and seed."""
    from reportgen.store import open_store

    with open_store(path) as store:
        model = store.models()[0]
        return {
            (layer.name, recipe[:8], render.unit, render.seed): render.telemetry.activation_end
            for layer in model.layers
            for recipe in (model.plan["recipes"]["scored"], model.plan["recipes"]["shown"])
            for render in store.renders(model.id, layer.name, recipe=recipe, sign="happy")
        }


def close(one: float, other: float) -> bool:
    """Return whether two activations are within 2 % of the larger."""
    return abs(one - other) <= 0.02 * max(abs(one), abs(other)) or (np.isnan(one) and np.isnan(other))


if __name__ == "__main__":
    main()
