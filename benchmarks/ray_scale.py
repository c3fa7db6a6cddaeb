"""Pictures a second of one and two workers of a Ray cluster, and of two processes without a cluster.

    python -m benchmarks.ray_scale               some minutes; prints a table
    python -m benchmarks.ray_scale --pictures 512 --repeats 5

Every worker and process has one thread, renders the scored recipe of W1's second convolution, and has its
program before it is timed. One, two, and two bare processes take turns; medians and ratios are of the
same turn. Needs the extra `ray` and two free cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BATCH = 32
LAYER = "conv2"


def main(words: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=256, help="of each turn, for two workers")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bare", metavar="MODEL", help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.bare:
        _bare(asked.bare, asked.pictures // 2, asked.repeats)
        return
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = "1"
    with tempfile.TemporaryDirectory() as folder:
        from benchmarks.w1_network import network

        path = Path(folder) / "w1.keras"
        network().save(path)
        rates = _turns(path, asked.pictures, asked.repeats)
    print(f"{os.cpu_count()} cores; pictures a second, median of {asked.repeats} turns (lowest to highest)")
    for name, found in rates.items():
        print(f"{name:22}{statistics.median(found):8.2f}  ({min(found):.2f} to {max(found):.2f})")
    for over in ("one worker", "two bare processes"):
        ratios = [a / b for a, b in zip(rates["two workers"], rates[over], strict=True)]
        print(f"two workers over {over}: {statistics.median(ratios):.2f}")


def _turns(path: Path, pictures: int, repeats: int) -> dict[str, list[float]]:
    """Return rates by name. Seeds differ from turn to turn, so that nothing is rendered twice."""
    import ray

    from reportgen.run.cluster import Cluster

    rates: dict[str, list[float]] = {"one worker": [], "two workers": [], "two bare processes": []}
    record, settings = _record(path)
    bare = [_Bare(path, pictures, repeats) for _ in range(2)]
    ray.init(address="local", num_cpus=2, log_to_driver=False, logging_level="error")
    try:
        both = Cluster(ray, str(path), record.file_hash, settings, _Quiet())
        while both.workers < 2 or both._starting:
            both.wait_for_a_worker(lambda: False)
            both._collect(0.5)
        _timed(both, record, settings, pictures, seed=0)  # Programs are built.
        for worker in bare:
            worker.built()
        for turn in range(1, repeats + 1):
            rates["two workers"].append(_timed(both, record, settings, pictures, seed=10 * turn))
            second, last = both._idle.popitem()
            rates["one worker"].append(_timed(both, record, settings, pictures // 2, seed=10 * turn + 5))
            both._idle[second] = last
            for worker in bare:
                worker.go()
            seconds = max(worker.seconds() for worker in bare)
            rates["two bare processes"].append(2 * (pictures // 2) / seconds)
    finally:
        ray.shutdown()
        for worker in bare:
            worker.process.kill()
    return rates


def _timed(engine: Any, record: Any, settings: Any, pictures: int, seed: int) -> float:
    """Return the pictures a second of a plan, from when it is given to when its last row is here."""
    began, found = time.perf_counter(), 0
    for part in engine.render_plans([_plan(record, settings, pictures, seed)], lambda: False, lambda _: ()):
        found += len(part.rows)
    assert found == pictures, (found, pictures)
    return pictures / (time.perf_counter() - began)


def _plan(record: Any, settings: Any, pictures: int, seed: int) -> Any:
    """Return a plan of so many pictures of the layer in the scored recipe, from a seed on."""
    import dataclasses

    from reportgen.plan import LayerPlan, make_plan
    from reportgen.run.rendering import plan_request

    layer = record.layer(LAYER)
    seeds = -(-pictures // layer.n_units)
    wish = dataclasses.replace(plan_request(settings), layers=(LAYER,), seeds=seed + seeds)
    scored = make_plan(record, wish, arithmetic="float32")[0].sets[0]
    chosen = tuple(p for p in scored.pictures if p.seed >= seed)[:pictures]
    return LayerPlan(layer, tuple(range(layer.n_units)), (dataclasses.replace(scored, pictures=chosen),))


def _record(path: Path) -> tuple[Any, Any]:
    from reportgen.config import Settings
    from reportgen.run.importing import open_source
    from reportgen.store import open_store

    settings = Settings(batch=BATCH)
    with open_store(path.with_name("none.db"), create=True) as store:
        return open_source(store, path, settings).record, settings


class _Quiet:
    """A reporter that says nothing."""

    def say(self, *_: object) -> None:
        """Say nothing."""

    begin = layer = rendered = end = say


class _Bare:
    """A process that renders the same without Ray, once for every line it is sent."""

    def __init__(self, path: Path, pictures: int, repeats: int) -> None:
        words = ["--bare", str(path), "--pictures", str(pictures), "--repeats", str(repeats)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ray_scale", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def built(self) -> None:
        """Wait until its program is built."""
        self.seconds()

    def go(self) -> None:
        """Let it render."""
        assert self.process.stdin is not None
        print("go", file=self.process.stdin, flush=True)

    def seconds(self) -> float:
        """Return what it took."""
        assert self.process.stdout is not None
        return float(self.process.stdout.readline())


def _bare(path: str, pictures: int, repeats: int) -> None:
    """Render on request, and say how long it took; first once unasked, to build the program."""
    from reportgen.run.batches import CutCache, rows_of
    from reportgen.run.importing import load_network
    from reportgen.run.memory import MemoryBound

    record, settings = _record(Path(path))
    cuts = CutCache(load_network(path, "bare", settings))
    for turn in range(repeats + 1):
        plan = _plan(record, settings, pictures, seed=10 * turn)
        if turn:
            sys.stdin.readline()
        began, n = time.perf_counter(), 0
        for rows in rows_of(
            cuts, plan.layer, plan.sets[0], MemoryBound(1 << 60), settings.batch, lambda: False
        ):
            n += len(rows)
        assert n == pictures
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
