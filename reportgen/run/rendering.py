"""Renders what the store lacks of a plan, layer by layer, and measures each layer."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import platform
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reportgen.atlas.process_pool import n_processes
from reportgen.config import Settings
from reportgen.json_values import JsonObject
from reportgen.plan import LayerPlan, PlanRequest, missing, recipe_hash
from reportgen.run.batches import Engine, LocalEngine
from reportgen.run.budget import Measurer, order
from reportgen.run.class_names import class_names
from reportgen.run.context import RunContext
from reportgen.run.estimate import Estimator
from reportgen.run.importing import Source
from reportgen.run.measuring_time import NullTime
from reportgen.run.starts import expected, further_starts, needed, undecided
from reportgen.store import ModelRecord, Store, null_owner

if TYPE_CHECKING:
    from reportgen.models import Cut, Model

_LONG_S = 600.0
"""Seconds from which on a run says that several processes would be faster."""


def plan_request(settings: Settings) -> PlanRequest:
    """Return what the settings request to be rendered."""
    return PlanRequest(
        **settings.recipes(),
        sweep=tuple(settings.sweep_recipes()),
        layers=settings.layers,
        units=settings.units,
        seeds=settings.seeds,
        signs=settings.signs,
        batch=settings.batch,
    )


def place_stored(store: Store, model: ModelRecord, plans: Sequence[LayerPlan]) -> set[str]:
    """Assign every stored picture of the plan to its unit; return the pictures' keys."""
    known = store.known_keys(p.key for plan in plans for p in plan.pictures)
    for plan in plans:
        rows = [(p.unit, p.recipe, p.sign, p.seed, p.key) for p in plan.pictures if p.key in known]
        store.place(model.id, plan.layer.name, rows)
    return known


def render_and_measure(run: RunContext, model: ModelRecord, source: Source, plans: Sequence[LayerPlan],
                       known: set[str]) -> int:  # fmt: skip
    """Render what is missing from plans and measure every layer; return how many pictures were rendered."""
    network = source.load()
    began, rendered = time.monotonic(), 0
    store, reporter = run.store, run.reporter
    with _engine(run, network, source) as engine:
        number_of_run = store.begin_run(_now(), _provenance(run.settings, engine.device))
        turns = _turns(run, model, network, plans, known, engine)
        measurer = Measurer(run, model, network, plans)
        try:
            for group in _groups(run, model, plans, turns, measurer, engine):
                for part in engine.render_plans(group, run.halted):
                    if part.rows:
                        store.put_renders(model.id, part.layer, part.rows, run=number_of_run)
                        rendered += len(part.rows)
                        reporter.rendered(len(part.rows))
                    if part.ends:
                        measurer.layer(part.layer)
                        if not run.halted():
                            run.layer_done(model)
            if run.halted():
                measurer.all()
        finally:
            reporter.end()
            if run.bound.halved:
                reporter.say(
                    "memory ran out and batches were halved: later pictures may differ by rounding from "
                    "those of full batches; to avoid that, use more memory or a fixed --batch N"
                )
            store.end_run(number_of_run, time.monotonic() - began)
    return rendered


def _turns(run: RunContext, model: ModelRecord, network: Model, plans: Sequence[LayerPlan], known: set[str],
           engine: Engine) -> list[list[LayerPlan]]:  # fmt: skip
    """Return what is known to be missing in the order in which to render it; report how much that will be."""
    from reportgen.render.backend import backend

    estimator = _estimator(run, network, engine)
    whole = {plan.layer.name: plan for plan in plans}
    open_ = undecided(run.store, model, plans, run.settings)

    def probable(first: Sequence[LayerPlan]) -> list[LayerPlan]:
        return missing(expected(first, whole, run.settings, open_), known)

    first = needed(run.store, model, plans, run.settings)
    turns, seconds = order(first, known, run.clock, lambda left: estimator(probable(left)) / engine.workers)
    run.reporter.begin(sum(len(plan.pictures) for plan in probable(first)), seconds)
    if engine.in_turn and is_faster_in_processes(seconds, n_processes(), on_gpu=backend().on_gpu()):
        run.reporter.say("several processes of one thread each would be faster: --ray local (reportgen[ray])")
    return turns


def is_faster_in_processes(seconds: float, n_cores: int, *, on_gpu: bool) -> bool:
    """Return whether a run of so many seconds in one process is worth starting several for.

    Measured by `benchmarks.threads`; each process takes some seconds and the memory of a network.
    """
    return seconds > _LONG_S and n_cores > 1 and not on_gpu


def _estimator(run: RunContext, network: Model, engine: Engine) -> Estimator:
    """Return what estimates how long plans take; layers are measured if this process renders them."""

    def is_stored(null: str) -> bool:
        return bool(run.store.measurement_fingerprint(null_owner(null), "pictures"))

    def batch_of(cut: Cut) -> int:
        return run.bound.batch(cut, run.settings.batch)

    nulls = NullTime(network, run.arithmetic, is_stored)
    return Estimator(network, batch_of if engine.workers == 1 else None, run.halted, nulls)


def _groups(run: RunContext, model: ModelRecord, plans: Sequence[LayerPlan],
            turns: Sequence[Sequence[LayerPlan]], measurer: Measurer,
            engine: Engine) -> Iterator[Sequence[LayerPlan]]:  # fmt: skip
    """Yield what to render next: the first starts of some layers, then what their units need besides.

    An engine that renders layers in turn gets them one by one, so that a layer's program is built once.
    """
    of_layer = {plan.layer.name: plan for plan in plans}
    for turn in turns:
        for group in [[plan] for plan in turn] if engine.in_turn else [turn]:
            yield group
            yield further_starts(run.store, model, [of_layer[p.layer.name] for p in group], run.settings)
    measurer.all()
    yield further_starts(run.store, model, plans, run.settings)


@contextlib.contextmanager
def _engine(run: RunContext, network: Model, source: Source) -> Iterator[Engine]:
    """Yield the engine: this machine, or a cluster for the duration of the block."""
    if run.settings.ray is None:
        yield LocalEngine(network, run.bound, run.settings.batch, run.reporter)
        return
    from reportgen.run.cluster import cluster

    with cluster(run, run.settings.ray, source.path, source.record.file_hash) as workers:
        yield workers


def plan_record(
    record: ModelRecord, request: PlanRequest, plans: Sequence[LayerPlan], settings: Settings
) -> JsonObject:
    """Return what pages need to know of what was requested.

    Layers that are not part of it keep the recipes and sweeps that they were rendered with.
    """
    recipes = {"scored": recipe_hash(request.scored), "shown": recipe_hash(request.shown)}
    sweep = [recipe_hash(r) for r in request.sweep]
    layers = {name: dict(roles) for name, roles in record.plan.get("layers", {}).items()}
    for plan in plans:
        before = layers.get(plan.layer.name, {}).get("sweep", [])
        layers[plan.layer.name] = {**recipes, "sweep": sweep or before}
    drawn = {layer.name for layer in record.layers if record.is_drawn(layer.name)}
    if settings.budget is not None and settings.units == "all":
        drawn |= {plan.layer.name for plan in plans}
    named = list(class_names(settings, record.layers)) or record.plan.get("classes")
    return {
        **({"classes": named} if named else {}),
        "recipes": {**recipes, "sweep": sweep},
        "layers": layers,
        **({"drawn": sorted(drawn)} if drawn else {}),
        "seeds": request.seeds,
        "signs": request.signs,
        "credits": settings.credits or record.plan.get("credits", ""),
        **{key: record.plan[key] for key in ("report", "unfinished") if record.plan.get(key)},
    }


def _provenance(settings: Settings, device: str) -> JsonObject:
    versions = {}
    for package in ("reportgen", "keras", "tensorflow", "jax", "numpy", "scipy", "Pillow"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "packages": versions,
        "device": device,
        "arithmetic": settings.arithmetic,
        "settings": settings.model_dump(
            mode="json", by_alias=True, exclude={"store", "site", "images"}, exclude_defaults=True
        ),
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
