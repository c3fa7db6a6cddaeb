"""Renders what the store lacks of a plan, layer by layer, and measures each layer."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import platform
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

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
from reportgen.run.processes import n_processes, processes
from reportgen.run.starts import expected, further_starts, needed, undecided
from reportgen.store import ModelRecord, Store, null_owner

if TYPE_CHECKING:
    from reportgen.models import Model


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
    work = _Work(run, model, network, plans, known)
    with _engine(run, source, work) as engine:
        number_of_run = store.begin_run(_now(), _provenance(run.settings, engine.device))
        turns = work.turns(engine)
        measurer = Measurer(run, model, network, plans)
        of_layer = {plan.layer.name: plan for plan in plans}

        def further(layer: str) -> Sequence[LayerPlan]:
            return further_starts(store, model, [of_layer[layer]], run.settings)

        try:
            for group in _groups(run, model, plans, turns, measurer):
                for part in engine.render_plans(group, run.halted, further):
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


class _Work:
    """What is missing from plans, how long it takes, and in which order it is rendered."""

    def __init__(
        self, run: RunContext, model: ModelRecord, network: Model, plans: Sequence[LayerPlan], known: set[str]
    ) -> None:
        def is_stored(null: str) -> bool:
            return bool(run.store.measurement_fingerprint(null_owner(null), "pictures"))

        self.network = network
        self._run, self._known = run, known
        self._whole = {plan.layer.name: plan for plan in plans}
        self._open = undecided(run.store, model, plans, run.settings)
        self._first = needed(run.store, model, plans, run.settings)
        self._estimator = Estimator(network, run.halted, NullTime(network, run.arithmetic, is_stored))

    def seconds(self) -> float:
        """Return about how many seconds it takes in this process, by counted work."""
        return self._estimator(self._probable(self._first))

    def turns(self, engine: Engine) -> list[list[LayerPlan]]:
        """Return what is known to be missing in the order in which to render it; report how much that is."""
        self._estimator.measure_layers_with(engine.measured)
        turns, seconds = order(
            self._first,
            self._known,
            self._run.clock,
            lambda left: self._estimator(self._probable(left)) / engine.workers,
        )
        self._run.reporter.begin(sum(len(plan.pictures) for plan in self._probable(self._first)), seconds)
        return turns

    def _probable(self, first: Sequence[LayerPlan]) -> list[LayerPlan]:
        return missing(expected(first, self._whole, self._run.settings, self._open), self._known)


def _groups(run: RunContext, model: ModelRecord, plans: Sequence[LayerPlan],
            turns: Sequence[Sequence[LayerPlan]],
            measurer: Measurer) -> Iterator[Sequence[LayerPlan]]:  # fmt: skip
    """Yield what to render next: turns, then what units of layers measured only now need besides."""
    yield from turns
    measurer.all()
    yield further_starts(run.store, model, plans, run.settings)


@contextlib.contextmanager
def _engine(run: RunContext, source: Source, work: _Work) -> Iterator[Engine]:
    """Yield the engine for the duration of the block: this process, several of them, or a cluster."""
    from reportgen.render.backend import backend

    if run.settings.ray is not None:
        from reportgen.run.cluster import cluster

        with cluster(run, run.settings.ray, source.path, source.record.file_hash) as workers:
            yield workers
        return
    n = n_processes(run, work.seconds(), on_gpu=backend().on_gpu())
    if n == 1:
        yield LocalEngine(work.network, run.bound, run.settings.batch, run.reporter)
        return
    with processes(run, source, n) as children:
        yield children


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
