"""Carries out what a plan misses: renders layer by layer into the store, and measures each layer."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.config import Settings
from reportgen.images import encode_png
from reportgen.plan import LayerPlan, PictureSet, PlannedPicture, Wish, make_plan, missing, recipe_hash
from reportgen.run.estimate import estimated_seconds
from reportgen.run.importing import Source, open_source
from reportgen.run.measuring import Passes, measure_layer, unmeasured
from reportgen.run.report import import_report, report_lines
from reportgen.run.reporting import Reporter
from reportgen.store import ModelRecord, Store, StoredRender

if TYPE_CHECKING:
    from reportgen.models import Cut, Model
    from reportgen.render import Render

ARITHMETIC = "float32"


@dataclass(frozen=True, slots=True)
class RenderSummary:
    """What a run did for one model version.

    Attributes:
        model: Its record.
        planned, rendered, failed: Pictures wanted, newly rendered, and of all wanted those that failed.
        stopped: Whether the run was asked to stop before it was done.
        seconds: Wall-clock time.
    """

    model: ModelRecord
    planned: int
    rendered: int
    failed: int
    stopped: bool
    seconds: float

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
    )


def render_model(store: Store, path: str | Path, settings: Settings, reporter: Reporter,
                 stop: Callable[[], bool]) -> RenderSummary:  # fmt: skip
    """Render and measure what the store misses of one model file.

    Args:
        store: Open, locked for rendering.
        stop: Asked between batches; when true the run ends with what is complete.

    Raises:
        ReportgenError: A model, setting or store that cannot be used. What was rendered is kept.
    """
    started = time.monotonic()
    source = open_source(store, path, settings)
    wish = wish_of(settings)
    plans = make_plan(source.record, wish, arithmetic=ARITHMETIC)
    before = store.find_model(source.record.name, source.record.version)
    if before is not None and before.file_hash != source.record.file_hash:
        reporter.say(
            f"{before.name} {before.version} held another file, {before.file_hash[:8]}: its scores are "
            f"replaced by those of {source.record.file_hash[:8]}"
        )
    model = store.put_model(
        dataclasses.replace(source.record, plan=_plan_record(source.record, wish, plans, settings))
    )
    for recipe in (wish.scored, wish.shown, *wish.sweep):
        store.put_recipe(recipe_hash(recipe), recipe)
    known = _place_known(store, model, plans)
    left = missing(plans, known)
    n_missing = sum(len(plan.pictures) for plan in left)
    for line in _facts(model):
        reporter.say(line)
    rendered = 0
    if left or any(unmeasured(store, model, plan, ARITHMETIC) for plan in plans):
        model = _with_report(store, model, source, path, settings, reporter)
        rendered = _render_and_measure(store, model, source, plans, left, settings, reporter, stop)
    _place_known(store, model, plans)
    planned = {p.key for plan in plans for p in plan.pictures}
    return RenderSummary(
        model=model,
        planned=len(planned),
        rendered=rendered,
        failed=store.count_failed(planned),
        stopped=stop()
        and (rendered < n_missing or any(unmeasured(store, model, plan, ARITHMETIC) for plan in plans)),
        seconds=time.monotonic() - started,
    )


def _with_report(store: Store, model: ModelRecord, source: Source, path: str | Path, settings: Settings,
                 reporter: Reporter) -> ModelRecord:  # fmt: skip
    """Return the record with its import report; made at the first render of a file, and then kept."""
    if model.plan.get("report"):
        return model
    report = import_report(path, source.load(), settings)
    for line in report_lines(report):
        reporter.say(line)
    return store.put_model(dataclasses.replace(model, plan={**model.plan, "report": report}))


def _place_known(store: Store, model: ModelRecord, plans: Sequence[LayerPlan]) -> set[str]:
    """Say of every stored picture of the plan which unit it stands for; return their keys."""
    known = store.known_keys(p.key for plan in plans for p in plan.pictures)
    for plan in plans:
        rows = [(p.unit, p.recipe, p.sign, p.seed, p.key) for p in plan.pictures if p.key in known]
        store.place(model.id, plan.layer.name, rows)
    return known


def _render_and_measure(store: Store, model: ModelRecord, source: Source, plans: Sequence[LayerPlan],
                        left: Sequence[LayerPlan], settings: Settings, reporter: Reporter,
                        stop: Callable[[], bool]) -> int:  # fmt: skip
    network = source.load()
    began = time.monotonic()
    run = store.begin_run(_now(), _provenance(settings))
    reporter.begin(sum(len(p.pictures) for p in left), estimated_seconds(network, left))
    lacking = {plan.layer.name: plan for plan in left}
    passes: Passes = {}
    rendered = 0
    try:
        for plan in plans:
            if plan.layer.name in lacking and not stop():
                rendered += _render_layer(
                    store, model, network, lacking[plan.layer.name], run, settings, reporter, stop
                )
            if unmeasured(store, model, plan, ARITHMETIC):
                measure_layer(store, model, network, plan, ARITHMETIC, passes, stop)
    finally:
        reporter.end()
        store.end_run(run, time.monotonic() - began)
    return rendered


def _render_layer(store: Store, model: ModelRecord, network: Model, plan: LayerPlan, run: int,
                  settings: Settings, reporter: Reporter, stop: Callable[[], bool]) -> int:  # fmt: skip
    reporter.layer(plan.layer.name, len(plan.pictures))
    rendered = 0
    for pictures in plan.sets:
        cut = network.cut(plan.layer, pictures.canvas_px, heads=pictures.recipe.objective == "post")
        by_job = {(p.unit, p.sign, p.seed): p for p in pictures.pictures}
        for batch in _renders(cut, pictures, settings, stop):
            rows = [_row(by_job[r.job.unit, r.job.sign, r.job.seed], r) for r in batch]
            store.put_renders(model.id, plan.layer.name, rows, run=run)
            rendered += len(rows)
            reporter.rendered(len(rows))
        if stop():
            break
    return rendered


def _renders(
    cut: Cut, pictures: PictureSet, settings: Settings, stop: Callable[[], bool]
) -> Iterator[list[Render]]:
    from reportgen.render import Job, render_units, suggest_batch

    jobs = [Job(p.unit, p.sign, p.seed) for p in pictures.pictures]
    batch = settings.batch or suggest_batch(cut, pictures.recipe)
    return render_units(cut, jobs, pictures.recipe, batch=min(batch, len(jobs)), stop=stop)


def _row(planned: PlannedPicture, render: Render) -> StoredRender:
    height, width, channels = render.picture.shape
    return StoredRender(
        unit=planned.unit,
        recipe=planned.recipe,
        sign=planned.sign,
        seed=planned.seed,
        key=planned.key,
        picture=encode_png(render.picture),
        height=height,
        width=width,
        channels=channels,
        seconds=render.seconds,
        failure=render.failure,
        telemetry=render.telemetry,
    )


def _plan_record(
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
        **({"report": record.plan["report"]} if record.plan.get("report") else {}),
    }


def _facts(model: ModelRecord) -> Iterator[str]:
    height, width, channels = model.input_shape
    n_units = sum(layer.n_units for layer in model.layers)
    yield f"{model.name} {model.version}: {len(model.layers)} layers, {n_units:,} units"
    size = "" if model.input_size_source == "model" else f" ({model.input_size_source})"
    found = model.input_range
    evidence = f": {found.evidence}" if found.evidence else ""
    yield f"input {height}x{width}x{channels}{size}, range {found} ({found.source}{evidence})"
    for name, reason in model.skipped:
        yield f"skipped {name}: {reason}"
    yield from model.notes


def _provenance(settings: Settings) -> dict[str, Any]:
    from reportgen.render import device_name

    versions = {}
    for package in ("reportgen", "keras", "tensorflow", "jax", "numpy", "scipy", "Pillow"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "packages": versions,
        "device": device_name(),
        "arithmetic": ARITHMETIC,
        "settings": settings.model_dump(
            mode="json", by_alias=True, exclude={"store", "site"}, exclude_defaults=True
        ),
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
