"""Carries out what a plan misses: renders layer by layer into the store, and measures each layer."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import importlib.metadata
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.config import Settings
from reportgen.plan import LayerPlan, Wish, make_plan, missing, recipe_hash
from reportgen.run.budget import Measurer, Missing, missing_of, order
from reportgen.run.context import RunContext
from reportgen.run.estimate import estimated_seconds
from reportgen.run.importing import Source, facts_of, open_source
from reportgen.run.measuring import unmeasured
from reportgen.run.natural import check_pictures, measure_natural, with_spectrum
from reportgen.run.removal_file import take_measurement
from reportgen.run.removing import measure_removal
from reportgen.run.report import import_report, report_lines
from reportgen.run.work import Engine, Here
from reportgen.score import score_store
from reportgen.store import ModelRecord, Store

if TYPE_CHECKING:
    from reportgen.models import Model


@dataclass(frozen=True, slots=True)
class RenderSummary:
    """What a run did for one model version.

    Attributes:
        model: Its record.
        planned, rendered, failed: Pictures wanted, newly rendered, and of all wanted those that failed.
        stopped: Whether the run ended before it was done.
        seconds: Wall-clock time.
        missing: What of the plan is not there, in words; else empty.
        spent: Whether it ended because its budget of time was spent, as it was asked to.
    """

    model: ModelRecord
    planned: int
    rendered: int
    failed: int
    stopped: bool
    seconds: float
    missing: str = ""
    spent: bool = False

    def _repr_html_(self) -> str:
        from html import escape

        state = "stopped early" if self.stopped else "complete"
        return (
            f"<p><b>{escape(self.model.name)}</b> {escape(self.model.version)}: {self.rendered} of "
            f"{self.planned} pictures rendered in {self.seconds:.0f} s, {self.failed} failed, {state}</p>"
        )


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


def render_model(run: RunContext, path: str | Path) -> RenderSummary:
    """Render and measure what the store misses of one model file.

    Once the run is to end, it ends with what is complete.

    Raises:
        ReportgenError: A model, setting or store that cannot be used. What was rendered is kept.
    """
    started = time.monotonic()
    store, settings, reporter = run.store, run.settings, run.reporter
    source = open_source(store, path, settings)
    if settings.images is not None:
        check_pictures(settings, source.record)
    wish = with_spectrum(wish_of(settings), settings, source.record)
    plans = make_plan(source.record, wish, arithmetic=settings.arithmetic)
    before = store.find_model(source.record.name, source.record.version)
    if before is not None and before.file_hash != source.record.file_hash:
        reporter.say(
            f"{before.name} {before.version} held another file, {before.file_hash[:8]}: its scores are "
            f"replaced by those of {source.record.file_hash[:8]}"
        )
    model = store.put_model(
        dataclasses.replace(source.record, plan=plan_record(source.record, wish, plans, settings))
    )
    for recipe in (wish.scored, wish.shown, *wish.sweep):
        store.put_recipe(recipe_hash(recipe), recipe)
    known = place_known(store, model, plans)
    for line in facts_of(model):
        reporter.say(line)
    rendered = 0
    lacks_measuring = functools.partial(_lacks_measuring, run, model, plans)
    if (missing(plans, known) or lacks_measuring()) and not run.halted():
        model = _with_report(run, model, source, path)
        model = _note_progress(run, model, None)
        rendered = render_and_measure(run, model, source, plans, known)
    there = place_known(store, model, plans)
    besides = _look_beside(run, model, source, plans)
    lack = missing_of(plans, there)
    unfinished = bool(lack.pictures) or lacks_measuring() or bool(besides)
    return RenderSummary(
        model=_note_progress(run, model, lack),
        planned=lack.of_pictures,
        rendered=rendered,
        failed=store.count_failed({p.key for plan in plans for p in plan.pictures}),
        stopped=unfinished and run.halted(),
        seconds=time.monotonic() - started,
        missing=str(lack) if lack.pictures else besides,
        spent=unfinished and run.clock.over() and not run.stop(),
    )


def _look_beside(run: RunContext, model: ModelRecord, source: Source, plans: Sequence[LayerPlan]) -> str:
    """Measure what was asked for besides: the untrained twin, a person's own pictures.

    Returns:
        What of it is missing, because the run was stopped, in words; else empty.
    """
    from reportgen.run.twin import render_twin

    store, settings = run.store, run.settings
    if settings.twin and not run.halted():
        twin = render_twin(run, model, source.path)
        score_store(store, twin, settings.score_spec())
    if settings.images is not None and not run.halted():
        measure_natural(run, model, source.load, plans)
    if settings.twin or settings.images is not None:
        score_store(store, model, settings.score_spec())
    known = settings.removal is not None and take_measurement(store, model, settings.removal, run.reporter)
    if settings.images is not None and not known and not run.halted():
        measure_removal(run, model, source.load)
    wanted = {"the untrained twin": settings.twin, "natural pictures": settings.images is not None}
    asked = [what for what, said in wanted.items() if said]
    return f"{' and '.join(asked)} may be unfinished" if asked and run.halted() else ""


def _with_report(run: RunContext, model: ModelRecord, source: Source, path: str | Path) -> ModelRecord:
    """Return the record with its import report; made at the first render of a file, and then kept."""
    if model.plan.get("report"):
        return model
    report = import_report(path, source.load(), run.settings)
    for line in report_lines(report):
        run.reporter.say(line)
    return run.store.put_model(dataclasses.replace(model, plan={**model.plan, "report": report}))


def place_known(store: Store, model: ModelRecord, plans: Sequence[LayerPlan]) -> set[str]:
    """Say of every stored picture of the plan which unit it stands for; return their keys."""
    known = store.known_keys(p.key for plan in plans for p in plan.pictures)
    for plan in plans:
        rows = [(p.unit, p.recipe, p.sign, p.seed, p.key) for p in plan.pictures if p.key in known]
        store.place(model.id, plan.layer.name, rows)
    return known


def _note_progress(run: RunContext, model: ModelRecord, lack: Missing | None) -> ModelRecord:
    """Keep with the plan what is missing of it, for the pages to say; None while it is being rendered."""
    plan = {key: value for key, value in model.plan.items() if key != "unfinished"}
    if lack is None or lack.pictures:
        said = "the run that renders it has not come to its end" if lack is None else str(lack)
        plan["unfinished"] = {"missing": said, "budget": run.clock.seconds}
    return model if plan == model.plan else run.store.put_model(dataclasses.replace(model, plan=plan))


def _lacks_measuring(run: RunContext, model: ModelRecord, plans: Sequence[LayerPlan]) -> bool:
    return any(unmeasured(run, model, plan) for plan in plans)


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
) -> dict[str, Any]:
    """Return what pages need to know of the wish.

    Layers that are not part of it keep the recipes they were rendered with, and sweeps stay in sight.
    """
    recipes = {"scored": recipe_hash(wish.scored), "shown": recipe_hash(wish.shown)}
    sweep = [recipe_hash(r) for r in wish.sweep]
    layers = {name: dict(roles) for name, roles in record.plan.get("layers", {}).items()}
    for plan in plans:
        before = layers.get(plan.layer.name, {}).get("sweep", [])
        layers[plan.layer.name] = {**recipes, "sweep": sweep or before}
    return {
        "recipes": {**recipes, "sweep": sweep},
        "layers": layers,
        "seeds": wish.seeds,
        "signs": wish.signs,
        "credits": settings.credits or record.plan.get("credits", ""),
        **{key: record.plan[key] for key in ("report", "unfinished") if record.plan.get(key)},
    }


def _provenance(settings: Settings, device: str) -> dict[str, Any]:
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
