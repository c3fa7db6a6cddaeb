"""One process with all threads against as many processes as cores with one thread each.

    python -m benchmarks.threads MODEL [--layers NAME,NAME] [--units 32] [--repeats 3] [--write]

Of each layer the first units' scored pictures of two starts are rendered, in each way: in one process, whose
framework uses every core; and in a process for each core, among which the units are dealt out. Each process
reads the network and builds its program first, by a window of steps of a batch; what is timed begins when
all of them are ready and ends when the last is done. The ways take turns. Memory is that of all processes at
their largest.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.children import shown
from benchmarks.results import table, write_section
from reportgen.child_process import ONE_THREAD
from reportgen.control_groups import usable_cores

ROOT = Path(__file__).resolve().parents[1]
STARTS = 2
READY, GO = "ready\n", "go\n"


@dataclass(frozen=True)
class Taken:
    """What a layer's pictures took in one way.

    Attributes:
        seconds: From the moment that all processes were ready until the last was done.
        cpu_s: Of all processes, in that time.
        memory_mb: Of all processes, each at its largest.
    """

    seconds: float
    cpu_s: float
    memory_mb: float


def main(words: Sequence[str] | None = None) -> None:
    """Measure both ways in turns, and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--layers", default="", help="names with commas; else an early, a middle, a late one")
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="the table into benchmarks/RESULTS.md")
    parser.add_argument("--part", metavar="JSON", help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.part:
        _render_part(asked.model, **json.loads(asked.part))
        return
    cores = usable_cores()
    names = asked.layers.split(",") if asked.layers else _some_layers(asked.model)
    ways = {"one process, all threads": 1, f"{cores} processes of one thread": cores}
    found: dict[str, dict[str, list[Taken]]] = {name: {way: [] for way in ways} for name in names}
    for repeat in range(asked.repeats):
        for name in names:
            for way, processes in ways.items():
                found[name][way].append(taken(asked.model, name, asked.units, processes))
                print(f"  {repeat + 1}/{asked.repeats} {name}: {way}", file=sys.stderr, flush=True)
    lines = report(asked.model.name, asked.units, found)
    print("\n".join(lines))
    if asked.write:
        write_section("threads", "Processes against threads", lines)


def _some_layers(path: Path) -> list[str]:
    from reportgen.models import load_model

    layers = load_model(path).layers
    return [layers[round(share * (len(layers) - 1))].name for share in (0.1, 0.5, 0.9)]


def taken(model: Path, layer: str, units: int, processes: int) -> Taken:
    """Render a layer's pictures in some processes, which share the cores and the units, and time it."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if processes > 1:
        environment |= ONE_THREAD
    parts = [
        {"layer": layer, "units": list(range(units))[at::processes]}
        for at in range(processes)
        if at < units
    ]  # fmt: skip
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.threads", str(model), "--part", json.dumps(part)],
            cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for part in parts
    ]  # fmt: skip
    for process in running:
        while _line(process.stdout) != READY:
            pass
    began = time.perf_counter()
    for process in running:
        assert process.stdin is not None
        process.stdin.write(GO)
        process.stdin.flush()
    answers = [json.loads(_line(process.stdout)) for process in running]
    seconds = time.perf_counter() - began
    for process in running:
        process.communicate()
    pictures = sum(answer["pictures"] for answer in answers)
    if pictures != units * STARTS:
        raise SystemExit(f"{layer}: {pictures} pictures instead of {units * STARTS}; has it so many units?")
    return Taken(seconds, sum(a["cpu_s"] for a in answers), sum(a["memory_mb"] for a in answers))


def _line(stream: IO[str] | None) -> str:
    text = stream.readline() if stream is not None else ""
    if not text:
        raise SystemExit("a process ended before it was done; its message stands above")
    return text


def _render_part(path: Path, layer: str, units: list[int]) -> None:
    """Build the program, say so, wait for the word, render, and print what it took."""
    import resource

    from reportgen.models import cut_model, load_model
    from reportgen.plan import canvas_for
    from reportgen.render import Job, render_units
    from reportgen.run.memory import MemoryBound, default_bound
    from reportgen.spec import RECIPES, for_kind, with_numbers

    model = load_model(path)
    place = next((x for x in model.layers if x.name == layer), None)
    if place is None:
        raise SystemExit(f'"{layer}" is no layer of {path.name}')
    recipe = for_kind(RECIPES["default"], place.kind)
    cut = cut_model(model, place, canvas_for(place, model.input_shape[:2], recipe))
    batch = MemoryBound(default_bound()).batch(cut)
    jobs = [Job(unit, "happy", start) for unit in units if unit < place.n_units for start in range(STARTS)]
    one_window = with_numbers(recipe, {"steps": recipe.window, "min_steps": recipe.window})
    for _ in render_units(cut, jobs[:batch], one_window, batch=batch):
        pass
    print(READY, end="", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    pictures = sum(len(renders) for renders in render_units(cut, jobs, recipe, batch=batch))
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        json.dumps({"pictures": pictures, "cpu_s": time.process_time() - began, "memory_mb": memory_mb}),
        flush=True,
    )


def report(model: str, units: int, found: dict[str, dict[str, list[Taken]]]) -> list[str]:
    """Return the lines of the report; ratios are those of the same turn."""
    rows, overall = [], []
    for layer, ways in found.items():
        one, many = ways.values()
        ratios = [a.seconds / b.seconds for a, b in zip(one, many, strict=True)]
        overall.append(statistics.median(ratios))
        for way, runs in ways.items():
            memory = statistics.median(r.memory_mb for r in runs)
            rows.append([layer, way, shown([r.seconds for r in runs]), shown([r.cpu_s for r in runs]),
                         f"{memory:.0f}", shown(ratios) if runs is many else ""])  # fmt: skip
    head = ["layer", "way", "seconds", "CPU seconds", "MB", "times as fast as one process"]
    return [
        f"Network: `{model}`; {STARTS} starts of the first {units} units of each layer, programs built "
        f"before. Several processes are {statistics.geometric_mean(overall):.2f} times as fast as one "
        "(geometric mean).",
        "",
        *table(head, rows),
    ]


if __name__ == "__main__":
    main()
