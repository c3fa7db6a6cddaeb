"""A real network on a laptop: the default plan of before against today's, on a trained MobileNetV2.

    python -m benchmarks.laptop MODEL [--layers ::4] [--units 12] [--again 6] [--keep DIR] [--sides NAMES]

`before` is the plan of engine 4, as numbers of a recipe: 96 and 64 steps of Adam, canvases by the receptive
field. `again` is that plan with other seeds, of the first units alone: how well it agrees with itself.
`after` is the default. One thread. Given apart are the CPU seconds from a layer's start to its first display
picture, program and all; those of a unit are of its pictures alone, when every program is there. `--keep DIR`
keeps the stores and times, so that sides can be taken one by one; all that are there are reported. `--write`
puts the table into benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", OMP_NUM_THREADS="1")

import numpy as np

from benchmarks.results import kept_folder, table, write_section
from reportgen.config import Settings
from reportgen.images import decode_png
from reportgen.plan import LayerPlan, PictureSet, make_plan, missing
from reportgen.run.batches import LocalEngine
from reportgen.run.budget import Measurer
from reportgen.run.context import Clock, RunContext
from reportgen.run.importing import open_source
from reportgen.run.progress import Silent
from reportgen.run.rendering import place_stored, plan_record, plan_request
from reportgen.run.starts import further_starts, needed
from reportgen.score import score_store
from reportgen.spec import with_numbers
from reportgen.store import ModelRecord, open_store

_FIELDS = {"canvas": "receptive-field", "canvas_fields": 1.67}
BEFORE: dict[str, Any] = {
    "step_size": 0.04, "cooling": 0.0, "steps": 96, "min_steps": 32, "plateau": 0.01, "window": 16, **_FIELDS,
    **{
        f"show.{name}": value
        for name, value in {
            "optimiser": "adam", "decay": 0.75, "band": 0.25, "step_size": 0.07, "cooling": 0.0, "steps": 64,
            "min_steps": 32, "plateau": 0.01, "window": 16, "scale": 0.08, "rotate_degrees": 6.0,
            "tv": 0.05, **_FIELDS,
        }.items()
    },
}  # fmt: skip
"""The default plan of engine 4, as settings of today's."""

SIDES = ("before", "again", "after")


@dataclass(frozen=True)
class LayerTime:
    """CPU seconds of a layer: until its first display picture is there, and of the pictures of its units."""

    layer: str
    units: int
    pictures_s: float
    first_s: float


def main(words: Sequence[str] | None = None) -> None:
    """Render the sides that are asked for, and report all that are there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--layers", default="::4")
    parser.add_argument("--units", type=int, default=12)
    parser.add_argument("--again", type=int, default=6, help="units of the plan with other seeds")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--keep", type=Path, default=None, metavar="DIR")
    parser.add_argument("--write", action="store_true", help="the table into benchmarks/RESULTS.md")
    asked = parser.parse_args(words)
    with kept_folder(asked.keep) as folder:
        for side in (name for name in asked.sides.split(",") if name):
            render_side(side, asked, folder)
        lines = report(asked, folder)
    print("\n".join(lines))
    if asked.write:
        write_section("laptop", "A real network on a laptop", lines)


def render_side(side: str, asked: argparse.Namespace, folder: Path) -> None:
    """Render what a side's store lacks, score it, and note the times beside it."""
    numbers = {} if side == "after" else BEFORE
    units = asked.again if side == "again" else asked.units
    seeds = 8 if side == "again" else 4
    settings = Settings.model_validate(
        {"store": folder / f"{side}.db", "version": side, "layers": (asked.layers,), "units": str(units),
         "seeds": seeds, "least_seeds": 2 if side == "after" else seeds, "set": numbers}
    )  # fmt: skip
    with open_store(settings.store, create=True) as store:
        store.lock_for_rendering(patience=10)
        run = RunContext(store, settings, Silent(), Clock(None), lambda: False)
        source = open_source(store, asked.model, settings)
        request = plan_request(settings)
        plans = make_plan(source.record, request, arithmetic=settings.arithmetic)
        if side == "again":
            plans = [_other_seeds(plan) for plan in plans]
        record = source.record
        plan = plan_record(record, request, plans, settings)
        model = store.put_model(dataclasses.replace(record, plan=plan))
        _render(run, model, source.load(), plans, folder / f"{side}.jsonl")
        score_store(store, model, settings.score_spec())


def _other_seeds(plan: LayerPlan) -> LayerPlan:
    """Return the scored pictures of a plan whose seeds nobody else has."""
    scored = plan.sets[0]
    chosen = tuple(p for p in scored.pictures if p.seed >= 4)
    return LayerPlan(
        plan.layer, plan.units, (PictureSet(scored.recipe, scored.recipe_hash, scored.canvas_px, chosen),)
    )


def _nothing(layer: str) -> tuple[LayerPlan, ...]:
    return ()


def _render(
    run: RunContext, model: ModelRecord, network: Any, plans: Sequence[LayerPlan], times: Path
) -> None:
    """Render, store and measure layer by layer; the times of each layer are a line."""
    number = run.store.begin_run("benchmark", {})
    engine = LocalEngine(network, run.bound, None, run.reporter)
    measurer = Measurer(run, model, network, plans)
    whole = {plan.layer.name: plan for plan in plans}
    known = place_stored(run.store, model, plans)

    def rendered(plans: Sequence[LayerPlan]) -> float:
        parts, spent = engine.render_plans(plans, run.halted, _nothing), 0.0
        while True:
            began = time.process_time()
            part = next(parts, None)
            spent += time.process_time() - began
            if part is None:
                return spent
            if part.rows:
                run.store.put_renders(model.id, part.layer, part.rows, run=number)

    def elapsed(plans: Sequence[LayerPlan]) -> float:
        began = time.process_time()
        for _ in engine.render_plans(plans, run.halted, _nothing):
            pass
        return time.process_time() - began

    for plan in missing(needed(run.store, model, plans, run.settings), known):
        name = plan.layer.name
        first = elapsed([_first_shown(plan)])
        elapsed([_one_step(plan)])
        spent = rendered([plan])
        measurer.layer(name)
        spent += rendered(further_starts(run.store, model, [whole[name]], run.settings))
        measurer.layer(name)
        row = {"layer": name, "units": len(plan.units), "pictures_s": spent, "first_s": first}
        with times.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    measurer.all()


def _first_shown(plan: LayerPlan) -> LayerPlan:
    """Return a plan of the first display picture alone; of the first picture where there are no others."""
    shown = plan.sets[-1]
    return LayerPlan(plan.layer, plan.units, (dataclasses.replace(shown, pictures=shown.pictures[:1]),))


def _one_step(plan: LayerPlan) -> LayerPlan:
    """Return a plan of one picture of one step in each recipe, which builds its programs."""
    sets = [
        PictureSet(
            with_numbers(s.recipe, {"steps": 1, "min_steps": 1}), s.recipe_hash, s.canvas_px, s.pictures[:1]
        )
        for s in plan.sets
    ]
    return LayerPlan(plan.layer, plan.units, tuple(sets))


def report(asked: argparse.Namespace, folder: Path) -> list[str]:
    """Return the lines of the report."""
    times = {side: _times(folder / f"{side}.jsonl") for side in SIDES}
    rows = {side: _verdicts(folder / f"{side}.db", side) for side in SIDES if times[side]}
    lines = [
        f"Network: `{Path(asked.model).name}`, layers `{asked.layers}`, the first {asked.units} units.",
        "",
    ]
    found: list[list[str]] = []
    if times["before"] and times["after"]:
        weights = _weights(folder / "after.db")
        total = {
            side: sum(t.pictures_s / t.units * weights[t.layer] for t in times[side])
            for side in ("before", "after")
        }
        found.append(["CPU seconds of the default plan, before over after, every layer by its units", "5x",
                      f"{total['before'] / total['after']:.2f}x ({total['before'] / 3600:.1f} h to "
                      f"{total['after'] / 3600:.1f} h)"])  # fmt: skip
        found.append(["the same verdict as the plan of before", "97 %", _same(rows["before"], rows["after"])])
        activations, fine = _pictures(folder)
        found.append(["activation of `show`, after over before, mean (median)", "0.95", activations])
        found.append(["energy of `show` beyond .25 cycles a pixel, before and after", "not higher", fine])
        slowest = max(times["after"], key=lambda t: t.first_s)
        found.append(["CPU seconds to a layer's first display picture, program and all, the longest", "3",
                      f"{slowest.first_s:.1f}"])  # fmt: skip
    if times["before"] and times["again"]:
        found.append(
            ["the plan of before against itself with other seeds", "", _same(rows["before"], rows["again"])]
        )
    lines += table(["what", "at least", "reached"], found)
    by_layer = [
        [t.layer, *(_by_layer(times[side], t.layer) for side in ("before", "after"))]
        for t in times["after"] or times["before"]
    ]
    head = ["layer", "before: CPU s a unit (first display picture)", "after"]
    return [*lines, "", *table(head, by_layer)]


def _times(path: Path) -> list[LayerTime]:
    if not path.exists():
        return []
    return [LayerTime(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _by_layer(times: Sequence[LayerTime], layer: str) -> str:
    return next((f"{t.pictures_s / t.units:.2f} ({t.first_s:.1f})" for t in times if t.layer == layer), "")


def _weights(path: Path) -> dict[str, int]:
    """Return how many units each rendered layer represents: its own and those up to the next one."""
    with open_store(path) as store:
        (model,) = store.models()
        rendered = {layer.name for layer in model.layers if store.placements(model.id, layer.name)}
        weights: dict[str, int] = {}
        current = ""
        for layer in model.layers:
            current = layer.name if layer.name in rendered else current
            weights[current] = weights.get(current, 0) + layer.n_units
    return weights


def _verdicts(path: Path, version: str) -> dict[tuple[str, int], str]:
    with open_store(path) as store:
        (model,) = store.models()
        return {
            (layer.name, s.unit): s.verdict
            for layer in model.layers
            for s in store.scores(model.id, layer.name)
        }


def _same(one: dict[tuple[str, int], str], other: dict[tuple[str, int], str]) -> str:
    shared = sorted(set(one) & set(other))
    changed = [(one[key], other[key]) for key in shared if one[key] != other[key]]
    words = ", ".join(f"{a} to {b}" for a, b in changed[:12])
    return f"{1 - len(changed) / len(shared):.1%} of {len(shared)}" + (f" ({words})" if words else "")


def _pictures(folder: Path) -> tuple[str, str]:
    """Return the ratio of activations of display pictures, and their shares of fine detail."""
    sides = {side: _shown(folder / f"{side}.db") for side in ("before", "after")}
    shared = [key for key in sides["before"] if key in sides["after"]]
    ratios = [
        sides["after"][key][0] / sides["before"][key][0] for key in shared if sides["before"][key][0] > 0
    ]
    fine = {side: np.mean([sides[side][key][1] for key in shared]) for side in sides}
    return (
        f"{np.mean(ratios):.2f} ({np.median(ratios):.2f}) of {len(ratios)}",
        f"{fine['before']:.3f} and {fine['after']:.3f}",
    )


def _shown(path: Path) -> dict[tuple[str, int], tuple[float, float]]:
    """Return activation and share of fine detail of each unit's happy display picture."""
    found = {}
    with open_store(path) as store:
        (model,) = store.models()
        for layer in model.layers:
            recipe = str(model.roles(layer.name).get("shown", ""))
            for r in store.renders(model.id, layer.name, recipe=recipe, sign="happy"):
                if not r.failure:
                    picture = decode_png(r.picture, r.channels)
                    found[layer.name, r.unit] = (r.telemetry.activation_end, fine_detail(picture))
    return found


def fine_detail(picture: np.ndarray) -> float:
    """Return the share of a picture's energy beyond .25 cycles a pixel, of its mean over channels."""
    grey = picture.astype(float).mean(axis=2)
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    height, width = grey.shape
    far = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]) > 0.25
    return float(power[far].sum() / max(power.sum(), 1e-12))


if __name__ == "__main__":
    main()
