"""What an accelerator makes of a model: `python -m benchmarks.gpu MODEL [--minutes 10] [--out FILE]`.

On JAX (or whatever KERAS_BACKEND says), for some layers spread evenly over the plan by their work:

    bare     forward pass and gradient to the picture alone, image-steps a second at growing batches, until
             a larger one gains less than 5 %, memory ends or there is no larger one: the saturating batch
    loop     the engine's full loop at that batch, never stopping early, as a share of the bare rate
    compile  seconds until the first window of steps, less those of a window when it is built
    picture  seconds of one picture of the plan, stopping as its recipe says, PNG included

and from these the whole default plan: pictures x seconds, read off between the layers measured by their
counted work, plus the compile seconds of every layer and recipe. That is an extrapolation; reading the
model, measuring responses, the null and writing the site are not in it. Times are wall-clock: the device's.
With --minutes the largest layers of the fraction may be left out, and the table says so.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.models import cut_model

LOOP = 16
"""Steps of the bare gradient in one call, so that calling is not what is measured."""
SATURATED = 1.05


@dataclass(frozen=True)
class Row:
    """What was measured of one layer in one recipe; rates in image-steps a second."""

    layer: str
    recipe: str
    canvas: tuple[int, int]
    work: float
    rates: dict[int, float]
    batch: int
    loop: float
    build: float
    picture: float
    steps: float

    @property
    def bare(self) -> float:
        return self.rates[self.batch]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write it where `--out` says."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"  # Cold is what is asked.
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--layers", type=int, default=5, help="how many are measured")
    parser.add_argument("--batches", default="16,32,64,128,256,512,1024,2048", help="tried, smallest first")
    parser.add_argument("--pictures", type=int, default=0, help="of the plan, a layer; twice the batch if 0")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "gpu"])
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    batches = [int(n) for n in asked.batches.split(",")]
    until = time.monotonic() + 60 * asked.minutes
    model, plans = planned(asked.model, asked.device)
    chosen = spread([p for p in plans if p.pictures], asked.layers, lambda p: work_of(model, p, p.sets[0]))
    rows, left_out = [], []
    for plan in chosen:
        if rows and time.monotonic() > until:
            left_out.append(plan.layer.name)
            continue
        for pictures in recipes_of(plan):
            rows.append(measured(model, plan, pictures, batches, asked.pictures))
            print(f"measured {plan.layer.name} in {rows[-1].recipe}", file=sys.stderr)
    text = table(asked.model, model, plans, rows, left_out)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n", encoding="utf-8")


def planned(path: str, device: str) -> tuple[Any, Any]:
    """Return the model and its default plan."""
    from reportgen.config import read_settings
    from reportgen.plan import make_plan
    from reportgen.run.importing import open_source
    from reportgen.run.rendering import plan_request
    from reportgen.store import open_store

    settings = read_settings({"device": device}, None)
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "none.db", create=True) as store:
        source = open_source(store, path, settings)
        model = source.load()
        return model, make_plan(source.record, plan_request(settings), arithmetic="float32")


def spread(plans: Sequence[Any], count: int, size: Callable[[Any], float]) -> list[Any]:
    """Return so many of the plans, the smallest and the largest among them and the rest evenly between."""
    ordered = sorted(plans, key=size)
    places = np.linspace(0, len(ordered) - 1, max(1, min(count, len(ordered)))).round().astype(int)
    return [ordered[i] for i in dict.fromkeys(places.tolist())]


def recipes_of(plan: Any) -> list[Any]:
    """Return the sets of pictures of a plan that are compiled for themselves: one of each recipe."""
    return list({s.recipe_hash: s for s in plan.sets if s.pictures}.values())


def work_of(model: Any, plan: Any, pictures: Any) -> float:
    """Return the multiplications of one forward pass at the canvas of these pictures."""
    from reportgen.run.layer_speed import work_of_picture

    return work_of_picture(model, plan, pictures)


def measured(model: Any, plan: Any, pictures: Any, batches: Sequence[int], count: int) -> Row:
    """Measure one layer in one recipe."""
    from reportgen.images import encode_png
    from reportgen.render import Job, render_units

    recipe, window = pictures.recipe, pictures.recipe.window
    cut = cut_model(model, plan.layer, pictures.canvas_px, heads=recipe.objective == "post")
    rates = bare_rates(cut, batches)
    batch = saturating(rates)
    planned_jobs = [Job(p.unit, p.sign, p.seed) for s in plan.sets for p in s.pictures]
    jobs = [planned_jobs[i % len(planned_jobs)] for i in range(batch)]
    jobs = [
        dataclasses.replace(job, seed=job.seed + 64 * (i // len(planned_jobs))) for i, job in enumerate(jobs)
    ]

    def endless(windows: int) -> float:
        steps = windows * window
        named = dataclasses.replace(recipe, steps=steps, min_steps=steps, plateau=0.0)
        return timed(lambda: list(render_units(cut, jobs, named, batch=batch)))

    first, one, several = endless(1), endless(1), endless(5)
    loop = 4 * window * batch / max(several - one, 1e-9)
    some = (jobs * 2)[: count or 2 * batch]
    some = [dataclasses.replace(job, seed=job.seed + 640 * (i // batch)) for i, job in enumerate(some)]
    found: list[Any] = []

    def whole() -> None:
        for part in render_units(cut, some, recipe, batch=min(batch, len(some))):
            for render in part:
                encode_png(render.picture)
                found.append(render.telemetry.steps)

    if len(some) < batch:  # Another batch is another program, which is not what is measured here.
        whole()
        found.clear()
    seconds = timed(whole)
    return Row(
        plan.layer.name, recipe.name, cut.canvas_px, work_of(model, plan, pictures), rates, batch, loop,
        max(first - one, 0.0), seconds / len(found), float(np.mean(found)),
    )  # fmt: skip


def bare_rates(cut: Any, batches: Sequence[int]) -> dict[int, float]:
    """Return image-steps a second of forward pass and gradient by batch, up to where it saturates."""
    from reportgen.run.memory import out_of_memory

    rates: dict[int, float] = {}
    for batch in batches:
        try:
            call = bare(cut, batch)
            call()
            seconds = min(timed(call) for _ in range(3))
        except Exception as error:
            if rates and out_of_memory(error):
                break
            raise
        rates[batch] = LOOP * batch / seconds
        if len(rates) > 1 and rates[batch] < SATURATED * list(rates.values())[-2]:
            break
    return rates


def saturating(rates: dict[int, float]) -> int:
    """Return the smallest batch that is within 5 % of the best."""
    return min(batch for batch, rate in rates.items() if SATURATED * rate >= max(rates.values()))


def bare(cut: Any, batch: int) -> Callable[[], Any]:
    """Return a call of a few steps of plain gradient ascent on one channel: the least there is to compute."""
    from keras import ops

    from reportgen.render.backend import backend

    engine = backend()

    def value(x: Any) -> Any:
        answer = cut.network(x, training=False)[0][..., 0]
        return ops.mean(ops.relu(ops.reshape(answer, (batch_of(x), -1))), axis=1), ()

    def batch_of(x: Any) -> int:
        return int(x.shape[0])

    def step(x: Any, _: Any) -> Any:
        (values, _), gradient = engine.value_and_gradient(value, x)
        return x + 1e-3 * gradient, (values,)

    def steps(x: Any, marks: Any) -> Any:
        return engine.loop(step, x, (marks,), LOOP, 1)

    run = engine.compiled(steps, cut.network, (0, 1), (0, 1))
    rng = np.random.default_rng(0)
    pictures = rng.random((batch, *cut.canvas_px, cut.channels), np.float32)
    marks = np.zeros(LOOP, np.float32)
    return lambda: ops.convert_to_numpy(run(pictures, marks)[0])


def timed(call: Callable[[], Any]) -> float:
    """Return the wall-clock seconds of a call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Whole:
    """The plan extrapolated, in seconds."""

    units: int
    pictures: int
    rendering: float
    building: float


def extrapolated(model: Any, plans: Sequence[Any], rows: Sequence[Row]) -> Whole:
    """Return what the whole plan takes: each layer between the measured ones of its recipe, by its work."""
    rendering = building = 0.0
    for plan in plans:
        for pictures in plan.sets:
            alike = sorted((r for r in rows if r.recipe == pictures.recipe.name), key=lambda r: r.work)
            alike = alike or sorted(rows, key=lambda r: r.work)
            known = [r.work for r in alike]
            work = work_of(model, plan, pictures)
            rendering += len(pictures.pictures) * float(np.interp(work, known, [r.picture for r in alike]))
        for pictures in recipes_of(plan):
            alike = [r for r in rows if r.recipe == pictures.recipe.name] or list(rows)
            building += float(np.mean([r.build for r in alike]))
    return Whole(
        sum(len(p.units) for p in plans), sum(len(p.pictures) for p in plans), rendering, building
    )  # fmt: skip


def table(name: str, model: Any, plans: Sequence[Any], rows: Sequence[Row], left_out: Sequence[str]) -> str:
    """Return everything in Markdown."""
    import importlib.metadata

    import keras

    from reportgen.render import device_name

    backend = keras.config.backend()
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in (backend, "keras", "reportgen"))
    lines = [
        f"# {Path(name).name} on {device_name()}", "", f"{time.strftime('%Y-%m-%d')}, {versions}.", "",
        "| layer | recipe | canvas | bare, image-steps/s at batch | saturates at | full loop /s "
        "| share of bare | compile s | steps | s a picture |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for r in rows:
        bare_ones = ", ".join(f"{batch}: {rate:,.0f}" for batch, rate in r.rates.items())
        lines.append(
            f"| {r.layer} | {r.recipe} | {r.canvas[0]}x{r.canvas[1]} | {bare_ones} | {r.batch} "
            f"| {r.loop:,.0f} | {100 * r.loop / r.bare:.0f} % | {r.build:.1f} | {r.steps:.0f} "
            f"| {r.picture:.4f} |"
        )
    whole = extrapolated(model, plans, rows)
    rendering, building = whole.rendering / 60, whole.building / 60
    lines += [
        "",
        f"The whole default plan, extrapolated from {len({r.layer for r in rows})} of {len(plans)} layers: "
        f"{whole.units:,} units, {whole.pictures:,} pictures. Rendering {rendering:.1f} min + compiling "
        f"{building:.1f} min = **{rendering + building:.1f} min** cold. Without reading the model, measuring "
        "responses, the null and writing the site.",
    ]
    if left_out:
        lines.append(f"Time was over before {', '.join(left_out)}: larger layers are taken to be as fast.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
