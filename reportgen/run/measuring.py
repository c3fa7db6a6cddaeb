"""Measures a layer of a loaded network and renders its null, and keeps both in the store."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from reportgen.errors import ReportgenError, ShapeError
from reportgen.images import decode_png
from reportgen.models import cut_model
from reportgen.plan import LayerPlan, PictureSet
from reportgen.run.batches import one_line, within_memory
from reportgen.run.context import RunContext
from reportgen.run.memory import forward_batch, out_of_memory
from reportgen.run.starts import MEASUREMENT as STARTS
from reportgen.run.starts import decided_starts, null_mark, starts_mark
from reportgen.spec import PROBES_VERSION, WEIGHTS_VERSION, content_hash, null_canvas
from reportgen.store import ModelRecord, Store, layer_owner, null_owner

if TYPE_CHECKING:
    from reportgen.models import Cut, Model

PICTURES_AT_ONCE = 256

Arrays = dict[str, np.ndarray]
Passes = dict[str, dict[str, Arrays]]
"""Measurement name to layer name to arrays."""

MAX_RESPONSES = 24_000_000
"""Largest response array, in numbers, that is kept in the store; larger, finer arrays are left out."""


def missing_measurements(run: RunContext, model: ModelRecord, plan: LayerPlan) -> list[str]:
    """Return the names of a layer's measurements that are missing or outdated."""
    store, owner = run.store, layer_owner(model.id, plan.layer.name)

    def is_missing(name: str, mark: str) -> bool:
        if store.measurement_fingerprint(owner, name) != mark:
            return True
        return name == "null" and not store.measurement_fingerprint(null_owner(mark), "pictures")

    return [name for name, mark in _fingerprints(run, model, plan).items() if is_missing(name, mark)]


def measure_layer(run: RunContext, model: ModelRecord, network: Model, plan: LayerPlan, passes: Passes, *,
                  null: bool) -> None:  # fmt: skip
    """Take a layer's missing or outdated measurements, one commit each.

    A measurement that fails is reported in a line, and the others are taken nevertheless.

    Args:
        passes: Measurements that one pass over the network gives for all layers; filled here, kept by the
            caller.
        null: Whether to render the renderer null too, and to decide which units need every start; both are
            skipped once the run should end. Everything else takes seconds.
    """
    from reportgen import measure

    layer, canvas, channels = plan.layer, _scored(plan).canvas_px, model.input_shape[2]
    owner = layer_owner(model.id, layer.name)
    marks = _fingerprints(run, model, plan)
    cut = functools.cache(lambda: cut_model(network, layer, canvas))
    batch = functools.cache(lambda: forward_batch(cut()))

    def of_all_layers(name: str, take: Callable[[Model], dict[str, Arrays]]) -> Arrays:
        if name not in passes:
            passes[name] = take(network)
        return passes[name][layer.name]

    def pictures_of_null() -> Arrays | None:
        done = null and not run.halted() and ensure_null(run, plan, channels, marks["null"])
        return {"setting": np.array([marks["null"]])} if done else None

    def starts_of_units() -> Arrays | None:
        decides = null and not run.halted()
        return decided_starts(run.store, model, plan, run.settings) if decides else None

    takers: dict[str, Callable[[], Arrays | None]] = {
        "probes": lambda: measure.responses(cut(), measure.probe_pictures(canvas, channels), batch=batch()),
        "renders": lambda: _render_responses(run.store, model, plan, cut, batch),
        "flat": lambda: measure.flat_curve(cut(), batch=batch()),
        "bounds": lambda: of_all_layers("bounds", measure.bounds),
        "weights": lambda: of_all_layers("weights", measure.weights),
        "null": pictures_of_null,
        STARTS: starts_of_units,
    }
    for name in missing_measurements(run, model, plan):
        try:
            arrays = takers[name]()
        except Exception as error:  # whatever a framework raises for one layer; the others are measured
            of_the_layer = isinstance(error, ShapeError) or not isinstance(error, ReportgenError)
            if out_of_memory(error) or not of_the_layer:
                raise
            run.reporter.say(f'layer "{layer.name}": {name} could not be measured: {one_line(error)}')
            continue
        if arrays is not None:
            run.store.put_measurement(owner, name, marks[name], arrays)


def ensure_null(run: RunContext, plan: LayerPlan, channels: int, setting: str) -> bool:
    """Render the null of a setting unless the store has it; if stopped, nothing of it is kept.

    Returns:
        Whether the store has it.
    """
    from reportgen.measure import null_cuts
    from reportgen.render import Job

    if run.store.measurement_fingerprint(null_owner(setting), "pictures"):
        return True
    scored = _scored(plan)
    pictures: list[np.ndarray] = []
    canvas = null_canvas(scored.canvas_px)
    for cut in null_cuts(canvas, channels, "map" if plan.layer.is_map else "vector"):
        jobs = [Job(unit, "happy", 0) for unit in range(cut.n_units)]
        batches = within_memory(cut, jobs, scored.recipe, run.bound, len(jobs), run.halted)
        found = [render for batch in batches for render in batch]
        if len(found) < len(jobs):
            return False
        pictures += [r.picture for r in sorted(found, key=lambda r: r.job.unit) if not r.failure]
    if pictures:
        run.store.put_measurement(null_owner(setting), "pictures", setting, {"pictures": np.stack(pictures)})
    return bool(pictures)


def _render_responses(store: Store, model: ModelRecord, plan: LayerPlan, cut: Callable[[], Cut],
                      batch: Callable[[], int]) -> Arrays:  # fmt: skip
    from reportgen.measure import responses

    scored = _scored(plan)
    rows = [
        r
        for r in store.renders(model.id, plan.layer.name, recipe=scored.recipe_hash, sign="happy")
        if not r.failure and (r.height, r.width) == scored.canvas_px
    ]
    marks = {
        "unit": np.array([r.unit for r in rows], np.int32),
        "sign": np.array([r.sign for r in rows], "U5"),
        "seed": np.array([r.seed for r in rows], np.int32),
    }
    if not rows:
        return marks
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(rows), PICTURES_AT_ONCE):
        some = rows[start : start + PICTURES_AT_ONCE]
        pictures = np.stack([decode_png(r.picture, r.channels) for r in some])
        arrays = responses(cut(), pictures, batch=batch())
        for name, array in arrays.items():
            if array[0].size * len(rows) <= MAX_RESPONSES:
                parts.setdefault(name, []).append(array)
    return {**marks, **{name: np.concatenate(arrays) for name, arrays in parts.items()}}


def _fingerprints(run: RunContext, model: ModelRecord, plan: LayerPlan) -> dict[str, str]:
    """Return the names of a layer's measurements, each with the hash of everything it depends on."""
    scored = _scored(plan)
    network = {
        "graph": plan.layer.judged_hash,
        "range": model.input_range.key,
        "canvas": scored.canvas_px,
        "probes": PROBES_VERSION,
    }
    keys = [
        key
        for _, recipe, sign, _, key in run.store.placements(model.id, plan.layer.name)
        if recipe == scored.recipe_hash and sign == "happy"
    ]
    whole = content_hash(
        {
            "file": model.file_hash,
            "options": model.options,
            "input": model.input_shape,
            "range": network["range"],
            "probes": PROBES_VERSION,
        }
    )
    marks = {
        "probes": content_hash(network),
        "flat": content_hash({**network, "what": "flat"}),
        "renders": content_hash({**network, "keys": sorted(keys)}),
        "bounds": whole,
        "weights": content_hash({"of": whole, "weights": WEIGHTS_VERSION}),
    }
    if not keys:
        return marks
    starts = starts_mark(run.store, model, plan, run.settings)
    return {**marks, "null": null_mark(model, plan, run.settings), **({STARTS: starts} if starts else {})}


def _scored(plan: LayerPlan) -> PictureSet:
    return plan.sets[0]
