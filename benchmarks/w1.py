"""W1: pictures a CPU second, engine overhead, starts and memory, beside the bare gradient and other tools.

    python -m benchmarks.w1 --quick      this tool against the bare gradient, about two minutes, nothing written
    python -m benchmarks.w1              all of it, with the other tools where `make bench-peers` was run;
                                         writes its part of benchmarks/RESULTS.md
    python -m benchmarks.w1 --sheet      pictures of channels 0 to 3 side by side: benchmarks/w1.png

CPU seconds a picture are marginal, (many units - few units) / the difference, each in a fresh process on one
core with one thread. `--set KEY=VALUE` changes numbers of both recipes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.children import child
from benchmarks.w1_network import LAYERS, judged

RECIPES = ("default", "show")
OURS = "benchmarks.w1_ours"


def main(words: list[str] | None = None) -> None:
    """Measure what is asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--arithmetic", default="float32", help="float32, bfloat16")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    asked = parser.parse_args(words)
    if asked.quick:
        quick(asked)


def quick(asked: argparse.Namespace) -> None:
    """Print this tool's share of the bare gradient and its CPU seconds a picture, few repeats."""
    numbers = dict(pair.split("=", 1) for pair in asked.set)
    print(
        "bare, full: image-steps a CPU second, same cut and batch, no early stop; share: full of bare, median"
    )
    head = (
        "layer",
        "recipe",
        "canvas",
        "batch",
        "bare",
        "full",
        "share",
        "CPU s/picture",
        "steps",
        "first s",
        "activation",
        "HF",
    )
    line = "{:6} {:8} {:>6} {:>5} {:>5} {:>5} {:>5} {:>13} {:>5} {:>7} {:>10} {:>5}"
    print(line.format(*head))
    for layer in asked.layers.split(","):
        for recipe in asked.recipes.split(","):
            more = {"layer": layer, "recipe": recipe, "arithmetic": asked.arithmetic, "numbers": numbers}
            kept = child(OURS, {"what": "share", "repeats": 3, "units": 16, **more})
            with tempfile.TemporaryDirectory() as folder:
                few, many = (
                    child(OURS, {"what": "pictures", "units": n, "folder": folder, **more}) for n in (8, 24)
                )
                active, high = judged(Path(folder), layer)
            print(line.format(
                layer, recipe, f"{kept['canvas'][0]} px", many["batch"], f"{median(kept['bare']):.0f}",
                f"{median(kept['full']):.0f}", f"{100 * median(shares(kept)):.0f} %",
                f"{marginal(few, many):.3f}", f"{many['steps'] / many['pictures']:.0f}",
                f"{few['first_cpu']:.1f}", f"{active:.2f}", f"{high:.2f}",
            ), flush=True)  # fmt: skip


def shares(kept: dict[str, Any]) -> list[float]:
    """Return the full loop's share of the bare gradient's speed, repeat by repeat."""
    return [full / bare for full, bare in zip(kept["full"], kept["bare"], strict=True)]


def marginal(few: dict[str, Any], many: dict[str, Any]) -> float:
    """Return CPU seconds a picture beyond what a start costs."""
    return float((many["cpu"] - few["cpu"]) / (many["pictures"] - few["pictures"]))


if __name__ == "__main__":
    main()
