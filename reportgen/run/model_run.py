"""A run of model versions: renders and measures what their plans lack, with the optional measurements."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.config import Settings
from reportgen.errors import StoreError
from reportgen.plan import LayerPlan, make_plan, missing, recipe_hash
from reportgen.run.budget import missing_pictures
from reportgen.run.context import RunContext
from reportgen.run.import_report import import_report, report_lines
from reportgen.run.importing import Source, open_source, summary_lines
from reportgen.run.measuring import missing_measurements
from reportgen.run.natural_run import check_pictures, measure_natural, with_spectrum
from reportgen.run.notebook_html import as_html, whole
from reportgen.run.notebook_views import atlas_html
from reportgen.run.progress import Reporter, report_upgrade
from reportgen.run.removal_file import read_measurements, take_measurement
from reportgen.run.removal_run import measure_removal
from reportgen.run.rendering import place_stored, plan_record, plan_request, render_and_measure
from reportgen.run.starts import needed, undecided
from reportgen.run.twin import render_twin
from reportgen.score import score_store
from reportgen.store import ModelRecord, Store, open_store
from reportgen.units import visible_line


@dataclass(frozen=True, slots=True)
class RenderSummary:
    """What a run did for one model version.

    Attributes:
        model: Its record.
        planned, rendered, failed: Pictures planned, newly rendered, and failed (of all planned).
        stopped: Whether the run ended before it was complete.
        seconds: Wall-clock time.
        missing: A sentence about what is missing from the plan; else empty.
        spent: Whether it ended because its budget of time was spent.
        store: The store that has them; None if it is not known.
    """

    model: ModelRecord
    planned: int
    rendered: int
    failed: int
    stopped: bool
    seconds: float
    missing: str = ""
    spent: bool = False
    store: Path | None = None

    def __str__(self) -> str:
        state = "stopped early" if self.stopped else "complete"
        return (
            f"{self.rendered:,} of {self.planned:,} pictures rendered in {self.seconds:.0f} s, "
            f"{self.failed:,} failed, {state}"
        )

    def __repr__(self) -> str:
        return f"<{visible_line(f'{self.model.name} {self.model.version}: {self}')}>"

    def _repr_html_(self) -> str:
        from reportgen.run.store_atlas import open_atlas

        name = f"<b>{as_html(self.model.name)}</b> {as_html(self.model.version)}: {as_html(str(self))}"
        if self.store is None or not self.store.is_file():
            return whole(name)
        return atlas_html(open_atlas(self.store, self.model.name, self.model.version), head=name)


class RenderSummaries(list[RenderSummary]):
    """Summaries of several model files, which a notebook shows with pictures of what was rendered."""

    def _repr_html_(self) -> str:
        return "".join(summary._repr_html_() for summary in self)


def render_model(run: RunContext, path: str | Path) -> RenderSummary:
    """Render and measure what the store lacks of one model file; if stopped, complete pictures are kept.

    Raises:
        ReportgenError: A model, setting or store cannot be used. What was rendered is kept.
    """
    started = time.monotonic()
    store, settings, reporter = run.store, run.settings, run.reporter
    source = open_source(store, path, settings)
    if settings.images is not None:
        check_pictures(settings, source.record)
    if settings.removal is not None:
        read_measurements(settings.removal)
    request = with_spectrum(plan_request(settings), settings, source.record)
    plans = make_plan(source.record, request, arithmetic=settings.arithmetic)
    _say_what_is_replaced(run, source.record)
    model = store.put_model(
        dataclasses.replace(source.record, plan=plan_record(source.record, request, plans, settings))
    )
    for recipe in (request.scored, request.shown, *request.sweep):
        store.put_recipe(recipe_hash(recipe), recipe)
    known = place_stored(store, model, plans)
    for line in summary_lines(model):
        reporter.say(line)
    rendered = 0
    lacks_measurements = functools.partial(_lacks_measurements, run, model, plans)
    lacks_pictures = missing(needed(store, model, plans, settings), known)
    if (lacks_pictures or lacks_measurements()) and not run.halted():
        model = _with_report(run, model, source, path)
        model = _note_progress(run, model, None)
        rendered = render_and_measure(run, model, source, plans, known)
    stored = place_stored(store, model, plans)
    optional = _measure_optional(run, model, source, plans)
    lack = missing_pictures(needed(store, model, plans, settings), stored)
    lacking = str(lack) if lack.pictures else ""
    if run.halted() and not lacking and undecided(store, model, plans, settings):
        lacking = "how many starts some units need is not decided yet"
    unfinished = bool(lack.pictures) or lacks_measurements() or bool(optional)
    return RenderSummary(
        model=_note_progress(run, model, lacking),
        planned=lack.of_pictures,
        rendered=rendered,
        failed=store.count_failed({p.key for plan in plans for p in plan.pictures}),
        stopped=unfinished and run.halted(),
        seconds=time.monotonic() - started,
        missing=lacking or optional,
        spent=unfinished and run.clock.over() and not run.stop(),
        store=store.path,
    )


def _measure_optional(run: RunContext, model: ModelRecord, source: Source, plans: Sequence[LayerPlan]) -> str:
    """Measure what settings add: the untrained twin, responses to the user's pictures, removal.

    Returns:
        A sentence about what is missing because the run was stopped; else empty.
    """
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
    requested = [name for name, is_wanted in wanted.items() if is_wanted]
    return f"{' and '.join(requested)} may be unfinished" if requested and run.halted() else ""


def _with_report(run: RunContext, model: ModelRecord, source: Source, path: str | Path) -> ModelRecord:
    """Return the record with its import report, which is made at the first render of a file and stored."""
    if model.plan.get("report"):
        return model
    report = import_report(path, source.load(), run.settings)
    for line in report_lines(report):
        run.reporter.say(line)
    return run.store.put_model(dataclasses.replace(model, plan={**model.plan, "report": report}))


def _say_what_is_replaced(run: RunContext, record: ModelRecord) -> None:
    """Report that the version's scores were of another file, if they were."""
    before = run.store.find_model(record.name, record.version)
    if before is not None and before.file_hash != record.file_hash:
        run.reporter.say(
            f"{before.name} {before.version} was another file, {before.file_hash[:8]}: its scores are "
            f"replaced by those of {record.file_hash[:8]}"
        )


def _note_progress(run: RunContext, model: ModelRecord, lacking: str | None) -> ModelRecord:
    """Store with the plan what is missing from it, for the pages; None while it is being rendered."""
    plan = {key: value for key, value in model.plan.items() if key != "unfinished"}
    if lacking is None or lacking:
        text = "the run that renders it has not ended yet" if lacking is None else lacking
        plan["unfinished"] = {"missing": text, "budget": run.clock.seconds}
    return model if plan == model.plan else run.store.put_model(dataclasses.replace(model, plan=plan))


def _lacks_measurements(run: RunContext, model: ModelRecord, plans: Sequence[LayerPlan]) -> bool:
    return any(missing_measurements(run, model, plan) for plan in plans)


_PATIENCE = 1.0
"""Seconds to wait for the store's lock: an explorer holds it for less, another run for longer."""


@contextlib.contextmanager
def rendering_store(path: Path, reporter: Reporter) -> Iterator[Store]:
    """Open a store for rendering; a new one that stays empty, because its model is refused, is deleted."""
    fresh = not path.exists()
    with open_store(path, create=True) as store:
        try:
            store.lock_for_rendering(patience=_PATIENCE)
            report_upgrade(store, reporter)
            yield store
        finally:
            empty = fresh and not store.models()
            store.close()
            if empty:
                for ending in ("", "-wal", "-shm", ".lock"):
                    path.with_name(path.name + ending).unlink(missing_ok=True)


def render_models(run: RunContext, paths: Sequence[Path]) -> RenderSummaries:
    """Render what the store lacks of several model files, each with its share of the remaining time."""
    summaries = RenderSummaries()
    for path in paths:
        share = run.clock.share(len(paths) - len(summaries))
        summary = render_model(run.with_clock(share), path)
        if run.stop() and path != paths[-1]:
            summary = dataclasses.replace(summary, stopped=True)
        summaries.append(summary)
        if run.stop():
            break
    return summaries


def score_models(store: Store, settings: Settings) -> None:
    """Score all model versions in a store.

    Raises:
        StoreError: It holds no model.
    """
    models = store.models(twins=True)
    if not models:
        raise StoreError(f'store "{store.path.name}" holds no model', hint="render a model first")
    for model in sorted(models, key=lambda m: not m.is_twin):  # A model's scores may depend on its twin's.
        score_store(store, model, settings.score_spec())
