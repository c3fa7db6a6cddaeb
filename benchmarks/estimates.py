"""How near the estimate before a run is to what the run takes: `python -m benchmarks.estimates [MODEL ...]`.

Of each network some layers are rendered, as few units of each as the machine's speed alone lets expect
`--seconds` of: more than what the network's own layers are measured for. Each run is a process of its own
with all cores. Taken is the time from the estimate to the end: pictures, noise baselines, measurements.
Without files, networks of `../shared/models` are taken, where there are any. `--write` puts the table into
benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import table, write_section

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = ("mobilenetv2-imagenet.onnx", "dogbreeds-mobilenetv2.h5", "efficientnet-lite0-imagenet.onnx")
WANTED = 1.5
"""Factor within which an estimate is to be."""


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run was expected to take, and took.

    Attributes:
        model, layers, units, pictures: What was rendered; pictures as expected before.
        layers_measured: Of the network itself, for the estimate.
        estimating_s: Seconds until the estimate was there, reading the network included.
        estimate_s: The estimate.
        taken_s: From there to the end.
        pictures_s: The part of these seconds that pictures took, with their programs.
        rendered: Pictures in the end; how many starts units need is known only then.
    """

    model: str
    layers: int
    units: int
    pictures: int
    layers_measured: int
    estimating_s: float
    estimate_s: float
    taken_s: float
    pictures_s: float
    rendered: int

    @property
    def ratio(self) -> float:
        """The estimate over what was taken."""
        return self.estimate_s / self.taken_s

    @property
    def near(self) -> bool:
        """Whether the estimate is within the factor that is wanted."""
        return 1 / WANTED <= self.ratio <= WANTED


def main(words: Sequence[str] | None = None) -> None:
    """Run each network once in a process of its own, and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL")
    parser.add_argument("--layers", default="::12", help="as for reportgen render")
    parser.add_argument("--seconds", type=float, default=180.0, help="by the machine's speed alone")
    parser.add_argument("--write", action="store_true", help="the table into benchmarks/RESULTS.md")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.child:
        print(json.dumps(dataclasses.asdict(measured(asked.models[0], asked.layers, asked.seconds))))
        return
    models = asked.models or [path for name in NETWORKS if (path := _shared() / name).exists()]
    if not models:
        parser.error(f"no model is given, and {', '.join(NETWORKS)} are not in {_shared()}")
    lines = report([_in_a_process(model, asked.layers, asked.seconds) for model in models], asked.layers)
    print("\n".join(lines))
    if asked.write:
        write_section("estimates", "Estimates before a run", lines)


def _shared() -> Path:
    return ROOT.parent / "shared" / "models"


def _in_a_process(model: Path, layers: str, seconds: float) -> Run:
    words = [str(model.resolve()), "--layers", layers, "--seconds", str(seconds), "--child"]
    command = [sys.executable, "-m", "benchmarks.estimates", *words]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    run = Run(**json.loads(done.stdout.strip().splitlines()[-1]))
    print(f"{run.model}: {run.estimate_s:.0f} s estimated, {run.taken_s:.0f} s taken", file=sys.stderr)
    return run


def measured(model: Path, layers: str, seconds: float) -> Run:
    """Render some units of some layers of a network, and return what was expected and what it took."""
    import reportgen
    from reportgen.run import estimate
    from reportgen.run.progress import Silent
    from reportgen.store import open_store

    units = _units_for(model, layers, seconds)
    marks: list[float] = []
    expected: list[tuple[int, float]] = []
    measured_layers: list[str] = []
    measure_with = estimate.Estimator.measure_layers_with

    class Watch(Silent):
        def begin(self, pictures: int, seconds: float) -> None:
            marks.append(time.perf_counter())
            expected.append((pictures, seconds))

    def counting(estimator: estimate.Estimator, measured: estimate.Measured) -> None:
        def counted(plans: Any, stop: Any) -> Any:
            speeds = measured(plans, stop)
            measured_layers.extend(p.layer.name for p, s in zip(plans, speeds, strict=True) if s is not None)
            return speeds

        measure_with(estimator, counted)

    setattr(estimate.Estimator, "measure_layers_with", counting)  # noqa: B010 (types)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        began = time.perf_counter()
        (summary,) = reportgen.render(
            model, store=path, layers=layers, units=units, version="v1", reporter=Watch()
        )
        ended = time.perf_counter()
        with open_store(path) as store:
            record = store.models()[0]
            rows = [r for x in record.layers for r in store.renders(record.id, x.name)]
            n_layers = sum(bool(store.placements(record.id, x.name)) for x in record.layers)
    (pictures, predicted), at = expected[0], marks[0]
    return Run(
        model=model.name, layers=n_layers, units=units, pictures=pictures,
        layers_measured=len(measured_layers), estimating_s=at - began, estimate_s=predicted,
        taken_s=ended - at, pictures_s=sum(r.seconds for r in rows), rendered=summary.rendered,
    )  # fmt: skip


def _units_for(path: Path, layers: str, seconds: float) -> int:
    """Return how many units of each layer take so many seconds by the machine's speed alone."""
    from reportgen.config import read_settings
    from reportgen.models import load_model
    from reportgen.plan import make_plan
    from reportgen.run.estimate import Estimator
    from reportgen.run.importing import open_source
    from reportgen.run.rendering import plan_request
    from reportgen.run.starts import expected_at_first
    from reportgen.store import open_store

    expected, units = Estimator(load_model(path)), 0
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "s.db", create=True) as store:
        record = open_source(store, path, read_settings({})).record
    taken, before = 0.0, -1.0
    while taken < seconds and taken > before:
        units += 1
        settings = read_settings({"layers": (layers,), "units": str(units)})
        plans = make_plan(record, plan_request(settings), arithmetic=settings.arithmetic)
        before, taken = taken, expected(expected_at_first(plans, settings))
    return units


def report(runs: Sequence[Run], layers: str) -> list[str]:
    """Return the lines of the report."""
    head = ["network", "pictures expected (rendered)", "layers measured (of)", "s to estimate", "estimate, s",
            "taken, s (pictures alone)", "estimate over taken"]  # fmt: skip
    rows = [
        [r.model, f"{r.pictures} ({r.rendered})", f"{r.layers_measured} ({r.layers})",
         f"{r.estimating_s:.0f}", f"{r.estimate_s:.0f}", f"{r.taken_s:.0f} ({r.pictures_s:.0f})",
         f"{r.ratio:.2f}"]
        for r in runs
    ]  # fmt: skip
    near = sum(r.near for r in runs)
    return [
        f"Layers `{layers}`, the first units of each. Wanted: within a factor of {WANTED}. "
        f"{near} of {len(runs)} are.",
        "",
        *table(head, rows),
    ]


if __name__ == "__main__":
    main()
