"""W1: pictures a CPU second, overhead, starts and memory, compared with the bare gradient and other tools.

    python -m benchmarks.w1 --quick      this tool against the bare gradient, some minutes, nothing written
    python -m benchmarks.w1              all of it, with the other tools where `make bench-peers` was run;
                                         writes its section of benchmarks/RESULTS.md
    python -m benchmarks.w1 --sheet      the last run's pictures of channels 0 to 3 side by side: w1.png

A run of some `--parts` keeps what earlier runs found of the others (benchmarks/w1.json).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import w1_parts as parts
from benchmarks.children import PEERS, child
from benchmarks.results import circumstances, write_section
from benchmarks.w1_network import LAYERS, judged
from benchmarks.w1_report import report

VALUES = Path(__file__).with_name("w1.json")
PARTS = ("pictures", "overhead", "rates", "memory", "keras-vis")


def main(words: list[str] | None = None) -> None:
    """Measure what is asked."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sheet", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the section anew, measure nothing")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--units", type=int, nargs=2, default=(56, 8), metavar=("MANY", "FEW"))
    parser.add_argument(
        "--peer-units", type=int, default=56, help="of xplique, as well as 8; a multiple of 8"
    )
    parser.add_argument("--recipes", default=",".join(parts.RECIPES))
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--arithmetic", default="float32", help="float32, bfloat16, or both with a comma")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="with --quick")
    asked = parser.parse_args(words)
    if asked.write:
        write()
    elif asked.sheet:
        from benchmarks.sheet import write_sheet

        print(write_sheet())
    elif asked.quick:
        quick(asked)
    else:
        command = "python -m benchmarks.w1 " + " ".join(words if words is not None else _words())
        full(asked, command.strip())


def full(asked: argparse.Namespace, command: str) -> None:
    """Measure the parts that are asked, and write the section anew after each."""
    kinds = asked.arithmetic.split(",")
    (many, few), repeats = asked.units, asked.repeats
    measures = {
        "pictures": lambda: parts.pictures(repeats, many, few, asked.peer_units, kinds),
        "overhead": lambda: parts.overhead(repeats, 16, kinds[0]),
        "rates": lambda: parts.rates(repeats, asked.recipes.split(","), kinds),
        "memory": lambda: parts.memory([1_500_000_000, 3_000_000_000], 8),
        "keras-vis": lambda: parts.keras_vis(4) if PEERS.exists() else {},
    }
    for part in asked.parts.split(","):
        print(f"{part}:", flush=True)
        known = _known()
        found, into = measures[part](), "pictures" if part == "keras-vis" else part
        # tf-keras-vis is measured apart and stands with the pictures; a new run of these keeps it.
        old = known["values"].get("pictures", {}) if into == "pictures" else {}
        known["values"][into] = {**old, **found}
        known["commands"][part] = command
        known["circumstances"] = circumstances()
        VALUES.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        write()


def write() -> None:
    """Write the section from what was found."""
    known = _known()
    lines = report(known["values"], known["commands"])
    write_section("w1", "W1", lines, said=known["circumstances"])


def quick(asked: argparse.Namespace) -> None:
    """Print this tool's share of the bare gradient and its CPU seconds a picture, few repeats."""
    numbers = dict(pair.split("=", 1) for pair in asked.set)
    print("bare, full: image-steps a CPU second, same cut and batch of 8, no early stop", flush=True)
    line = "{:6} {:8} {:>6} {:>5} {:>5} {:>5} {:>13} {:>5} {:>7} {:>10} {:>5}"
    head = (
        "layer",
        "recipe",
        "canvas",
        "bare",
        "full",
        "share",
        "CPU s each",
        "steps",
        "first s",
        "active",
    )
    print(line.format(*head, "HF"))
    for layer in asked.layers.split(","):
        for recipe in asked.recipes.split(","):
            more = {"layer": layer, "recipe": recipe, "arithmetic": asked.arithmetic, "numbers": numbers}
            kept = child(parts.OURS, {"what": "share", "repeats": 2, "units": 8, **more})
            with tempfile.TemporaryDirectory() as folder:
                asks = {"what": "pictures", "folder": folder, **more}
                few, many = (child(parts.OURS, {**asks, "units": n}) for n in (8, 16))
                active, high = judged(Path(folder), layer)
            cells = (
                layer, recipe, f"{kept['canvas'][0]} px", f"{median(kept['bare']):.0f}",
                f"{median(kept['full']):.0f}", f"{100 * median(parts.shares(kept)):.0f} %",
                f"{parts.marginal(few, many):.3f}", f"{many['steps'] / many['pictures']:.0f}",
                f"{few['first_cpu']:.1f}", f"{active:.2f}", f"{high:.2f}",
            )  # fmt: skip
            print(line.format(*cells), flush=True)


def _known() -> dict[str, Any]:
    if VALUES.exists():
        return {"circumstances": circumstances(), **json.loads(VALUES.read_text(encoding="utf-8"))}
    return {"values": {}, "commands": {}}


def _words() -> list[str]:
    import sys

    return sys.argv[1:]


if __name__ == "__main__":
    main()
