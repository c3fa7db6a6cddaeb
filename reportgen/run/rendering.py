"""Carries out what a plan misses: renders layer by layer into the store, and measures each layer."""

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
from reportgen.plan import LayerPlan, Wish, recipe_hash
from reportgen.run.batches import Engine, Here
from reportgen.run.budget import Measurer, order
from reportgen.run.class_names import class_names
from reportgen.run.context import RunContext
from reportgen.run.estimate import estimated_seconds
from reportgen.run.importing import Source
from reportgen.store import ModelRecord, Store

if TYPE_CHECKING:
    from reportgen.models import Model


def wish_of(settings: Settings) -> Wish:
    """Return what the settings ask to be rendered."""
    return Wish(
        **settings.recipes(),
        sweep=tuple(settings.sweep_recipes()),
        layers=settings.layers,
        units=settings.units,
        seeds=settings.seeds,
        signs=settings.signs,
        batch=settings.batch,
    )


def place_known(store: Store, model: ModelRecord, plans: Sequence[LayerPlan]) -> set[str]:
    """Say of every stored picture of the plan which unit it stands for; return their keys."""
    known = store.known_keys(p.key for plan in plans for p in plan.pictures)
    for plan in plans:
        rows = [(p.unit, p.recipe, p.sign, p.seed, p.key) for p in plan.pictures if p.key in known]
        store.place(model.id, plan.layer.name, rows)
    return known


def render_and_measure(run: RunContext, model: ModelRecord, source: Source, plans: Sequence[LayerPlan],
                       known: set[str]) -> int:  # fmt: skip
    """Render what is missing of plans and measure every layer; return how many pictures were rendered."""
    network = source.load()
    began, rendered = time.monotonic(), 0
    store, reporter = run.store, run.reporter
    with _engine(run, network, source) as engine:
        number_of_run = store.begin_run(_now(), _provenance(run.settings, engine.device))
        turns, seconds = order(
            plans, known, run.clock, lambda left: estimated_seconds(network, left) / engine.workers
        )
        reporter.begin(sum(len(p.pictures) for turn in turns for p in turn), seconds)
        measurer = Measurer(run, model, network, plans)
        try:
            for number, turn in enumerate(turns):
                for part in engine.carry_out(turn, run.halted):
                    if part.rows:
                        store.put_renders(model.id, part.layer, part.rows, run=number_of_run)
                        rendered += len(part.rows)
                        reporter.rendered(len(part.rows))
                    if part.ends:
                        # The null of a first pass waits until every layer has something.
                        measurer.layer(part.layer, null=number > 0 or len(turns) == 1)
                if number == 0 and len(turns) > 1:
                    measurer.all()
            measurer.all()
        finally:
            reporter.end()
            if run.bound.halved:
                reporter.say(
                    "memory ran out and batches were halved: pictures after that can round otherwise than "
                    "those of whole batches; more memory avoids that, or --batch N, which has keys of its own"
                )
            store.end_run(number_of_run, time.monotonic() - began)
    return rendered


@contextlib.contextmanager
def _engine(run: RunContext, network: Model, source: Source) -> Iterator[Engine]:
    """Return what renders: this machine, or a cluster while the block lasts."""
    if run.settings.ray is None:
        yield Here(network, run.bound, run.settings.batch, run.reporter)
        return
    from reportgen.run.cluster import cluster

    with cluster(run, run.settings.ray, source.path, source.record.file_hash) as workers:
        yield workers


def plan_record(
    record: ModelRecord, wish: Wish, plans: Sequence[LayerPlan], settings: Settings
) -> JsonObject:
    """Return what pages need to know of the wish.

    Layers that are not part of it keep the recipes they were rendered with, and sweeps stay in sight.
    """
    recipes = {"scored": recipe_hash(wish.scored), "shown": recipe_hash(wish.shown)}
    sweep = [recipe_hash(r) for r in wish.sweep]
    layers = {name: dict(roles) for name, roles in record.plan.get("layers", {}).items()}
    for plan in plans:
        before = layers.get(plan.layer.name, {}).get("sweep", [])
        layers[plan.layer.name] = {**recipes, "sweep": sweep or before}
    named = list(class_names(settings, record.layers)) or record.plan.get("classes")
    return {
        **({"classes": named} if named else {}),
        "recipes": {**recipes, "sweep": sweep},
        "layers": layers,
        "seeds": wish.seeds,
        "signs": wish.signs,
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
