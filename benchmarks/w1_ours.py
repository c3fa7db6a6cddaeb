"""One measurement of W1 by this tool, in a process of its own: `python -m benchmarks.w1_ours JSON`.

The JSON names what is measured (`pictures`, `share`, `rate`, `memory`), the layer, the recipe and the
arithmetic. Whatever a start costs (imports, reading the file) is left out of all times.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import w1_network
from reportgen.models import cut_model


def main() -> None:
    """Measure what the first argument asks and print the answer as the last line."""
    asked = json.loads(sys.argv[1])
    what = {"pictures": pictures, "share": share, "rate": rate, "memory": memory}[asked.pop("what")]
    print(json.dumps(what(**asked)))


def pictures(layer: str, recipe: str, units: int, folder: str = "", numbers: dict[str, Any] | None = None,
             arithmetic: str = "float32") -> dict[str, Any]:  # fmt: skip
    """CPU seconds of one happy picture of each of the first units, from the layer's start to saved PNG."""
    from reportgen.render import Job, render_units, suggest_batch

    model, named = _model(), _recipe(recipe, numbers)
    traces = _count_traces()
    began, wall = time.process_time(), time.perf_counter()
    cut = _cut(model, layer, named, arithmetic)
    batch, first, steps, n = suggest_batch(cut), None, 0, 0
    for renders in render_units(cut, [Job(u, "happy", 0) for u in range(units)], named, batch=batch):
        if first is None:
            first = time.process_time() - began, time.perf_counter() - wall
        for render in renders:
            steps, n = steps + render.telemetry.steps, n + 1
            if folder:
                w1_network.save_picture(Path(folder), layer, render.job.unit, render.picture)
    return {
        "cpu": time.process_time() - began, "wall": time.perf_counter() - wall, "first_cpu": first[0],
        "first_wall": first[1], "pictures": n, "steps": steps, "batch": batch, "canvas": cut.canvas_px,
        "traces": traces,
    }  # fmt: skip


def share(layer: str, recipe: str, repeats: int, units: int = 32, numbers: dict[str, Any] | None = None,
          arithmetic: str = "float32") -> dict[str, Any]:  # fmt: skip
    """Image-steps a CPU second of the full loop and of the bare gradient, same cut and batch, in turns.

    The bare gradient is taken twice: of all channels, and of each picture's own alone, as the engine does it,
    so that what the loop costs is not hidden behind what it does not compute. The full loop takes the
    recipe's own number of steps and never stops early.
    """
    from reportgen.render import Job, render_units, suggest_batch
    from reportgen.spec import with_numbers

    named = _no_early_stop(_recipe(recipe, numbers))
    cut = _cut(_model(), layer, named, arithmetic)
    batch = min(suggest_batch(cut), units)
    jobs = [Job(u, "happy", 0) for u in range(batch)]
    gradient, own = bare_gradient(cut, batch), bare_gradient(cut, batch, chosen=True)

    def bare() -> None:
        for _ in range(named.steps):
            gradient()

    def own_alone() -> None:
        for _ in range(named.steps):
            own()

    def full(recipe: Any = named) -> None:
        for _ in render_units(cut, jobs, recipe, batch=batch):
            pass

    gradient()
    own()
    full(
        with_numbers(named, {"steps": named.window, "min_steps": named.window})
    )  # traces; as any number does
    rates: dict[str, list[float]] = {"bare": [], "own": [], "full": []}
    for _ in range(repeats):
        for name, run in (("bare", bare), ("own", own_alone), ("full", full)):
            began = time.process_time()
            run()
            rates[name].append(batch * named.steps / (time.process_time() - began))
    return {**rates, "batch": batch, "canvas": cut.canvas_px, "steps": named.steps}


def rate(layer: str, recipe: str, repeats: int, units: int = 8, steps: int = 256,
         arithmetic: str = "float32") -> dict[str, Any]:  # fmt: skip
    """The same as `share` on the whole 128-px input with as many steps as the other tools take."""
    numbers = {"canvas": "input", "steps": steps}
    return share(layer, recipe, repeats, units, numbers, arithmetic)


def memory(layer: str, units: int, max_memory: int) -> dict[str, Any]:
    """Largest resident size of a whole run within a bound of memory, and the batches that were chosen."""
    import reportgen
    from reportgen.run import memory as bounds

    chosen: list[int] = []
    asked = bounds.MemoryBound.batch

    def batch(self: Any, *arguments: Any, **more: Any) -> int:
        chosen.append(asked(self, *arguments, **more))
        return chosen[-1]

    bounds.MemoryBound.batch = batch  # type: ignore[method-assign]
    few = {"steps": 16, "min_steps": 16, "show.steps": 16, "show.min_steps": 16}
    with tempfile.TemporaryDirectory() as folder:
        reportgen.render(
            _file(Path(folder)), store=Path(folder) / "w1.db", layers=[layer], units=str(units), seeds=1,
            signs="happy", input_range="0,1", max_memory=max_memory, **{"set": few},
        )  # fmt: skip
    return {"peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "batches": chosen}


def bare_gradient(cut: Any, batch: int, *, chosen: bool = False) -> Callable[[], object]:
    """Return a compiled forward pass and gradient to the picture of the same cut.

    Of all its channels, or of one chosen for each picture and no other. In the arithmetic that the engine
    computes in; nothing else is done.
    """
    import tensorflow as tf

    from reportgen.render import arithmetic

    generator = np.random.default_rng(0)
    pictures = tf.constant(generator.random((batch, *cut.canvas_px, cut.channels), np.float32))

    units = tf.range(batch)[:, None] % cut.n_units

    @tf.function
    def gradient(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            maps = cut.single_unit_network([x, units]) if chosen else cut.network(x)[0][..., 0]
            value = tf.reduce_mean(tf.nn.relu(maps))
        return tape.gradient(value, x)

    def in_its_arithmetic() -> object:
        options = {"auto_mixed_precision_onednn_bfloat16": arithmetic() == "bfloat16"}
        tf.config.optimizer.set_experimental_options(options)
        return gradient(pictures)

    return in_its_arithmetic


def _cut(model: Any, layer: str, recipe: Any, arithmetic: str) -> Any:
    from reportgen.plan import canvas_for
    from reportgen.render import use_arithmetic

    if use_arithmetic(arithmetic) != arithmetic:
        raise SystemExit(f"this machine does not compute in {arithmetic}")
    found = model.layer(layer)
    return cut_model(model, found, canvas_for(found, model.input_shape[:2], recipe))


def _recipe(name: str, numbers: dict[str, Any] | None) -> Any:
    from reportgen.spec import recipe_named, with_numbers

    return with_numbers(recipe_named(name), numbers or {})


def _no_early_stop(recipe: Any) -> Any:
    from reportgen.spec import with_numbers

    return with_numbers(recipe, {"min_steps": recipe.steps, "plateau": 0.0})


def _file(folder: Path) -> Path:
    path = folder / "w1.keras"
    w1_network.network().save(path)
    return path


def _model() -> Any:
    from reportgen.models import load_model

    with tempfile.TemporaryDirectory() as folder:
        return load_model(_file(Path(folder)), input_range=(0.0, 1.0))


def _count_traces() -> dict[str, int]:
    """Return a count, filled from now on, of how often each compiled function of the engine is traced."""
    from reportgen.render.backend import backend

    counts: dict[str, int] = {}
    engine = backend()
    compiled = engine.compiled

    def counting(function: Callable[..., Any], *arguments: Any, **more: Any) -> Callable[..., Any]:
        name = getattr(function, "__name__", "function")

        def traced(*inputs: Any, **named: Any) -> Any:
            counts[name] = counts.get(name, 0) + 1
            return function(*inputs, **named)

        return compiled(traced, *arguments, **more)

    engine.compiled = counting  # type: ignore[method-assign]
    return counts


if __name__ == "__main__":
    main()
