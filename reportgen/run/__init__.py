"""Runs: model files in; a store with pictures, measurements and scores, and a site out.

These functions are what the commands do, callable from Python. They take the same options
as the command line, by the names of the configuration keys, and never print.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

from reportgen.arguments import checked
from reportgen.atlas.table import noise_rates, shares_by_layer, verdict_rows
from reportgen.plan import make_plan
from reportgen.run.comparing import (
    compare_named,
    named_versions,
    render_named,
)
from reportgen.run.context import Clock, RunContext
from reportgen.run.dreaming import dream as dream
from reportgen.run.estimate import full_estimate
from reportgen.run.gating import GateResult, run_gate
from reportgen.run.import_report import estimate_report, import_report
from reportgen.run.importing import open_source
from reportgen.run.live_site import live
from reportgen.run.model_check import check_model as check_model
from reportgen.run.model_run import RenderSummaries, render_models, rendering_store, score_models
from reportgen.run.notebook_progress import reporter_here
from reportgen.run.options import (
    CompareOptions,
    GateOptions,
    InspectOptions,
    PruneOptions,
    RenderOptions,
    ScoreOptions,
    SiteOptions,
    settings_of,
    takes,
)
from reportgen.run.progress import Reporter, report_upgrade
from reportgen.run.publishing import publish
from reportgen.run.rendering import plan_request
from reportgen.run.reporting import report as report
from reportgen.run.results import AtlasResult, CompareResult, Inspection, Verdicts
from reportgen.run.starts import expected_at_first
from reportgen.run.store_atlas import Atlas, open_atlas
from reportgen.run.versions import read_name
from reportgen.score import LayerPruneList
from reportgen.score import prune_list as units_to_prune
from reportgen.store import Store, open_store

if TYPE_CHECKING:
    from reportgen.run.pruning import Pruned


@takes(InspectOptions)
def inspect_model(path: str | Path, **options: Unpack[InspectOptions]) -> Inspection:
    """Return the import report of a model file: layers, proof, input range, and the cost of its atlas.

    Nothing is rendered, and no store is written.

    Args:
        path: A model, named as in docs/models.md: a file, or such as `keras.applications:VGG16`.
        options: What the file may leave open, and what its atlas would contain (docs/commands.md).

    Returns:
        The model's record and `report`, with the keys of docs/import-report.md: sizes in pixels of the
        model's own input, `estimate` in pictures, seconds on this machine and bytes of the site.

    Raises:
        ModelError: The file cannot be used.
        ConfigError: An option does not fit.
        MissingExtra: The framework that reads it is not installed.

    Example:
        >>> import reportgen
        >>> found = reportgen.inspect_model("model.keras")
        >>> [(layer["name"], layer["units"]) for layer in found.report["layers"]]
        [('conv', 3), ('head', 2)]
        >>> found.report["parity"]["same"], found.report["input"]["source"]
        (True, 'assumed')
    """
    import tempfile

    settings = settings_of(options)
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "none.db", create=True) as store:
        source = open_source(store, path, settings)
        model = source.load()
        report = import_report(path, model, settings)
        plans = make_plan(source.record, plan_request(settings), arithmetic=settings.arithmetic)
        probable = expected_at_first(plans, settings)
        report["estimate"] = estimate_report(full_estimate(model, probable, settings.atlas_spec()))
    return Inspection(source.record, report)


@takes(RenderOptions)
def render(models: str | Path | Sequence[str | Path], *, reporter: Reporter | None = None,
           stop: Callable[[], bool] | None = None,
           **options: Unpack[RenderOptions]) -> RenderSummaries:  # fmt: skip
    """Render and measure every unit of every layer of model files, unless the store has it already.

    Args:
        models: One file or several, named as in docs/models.md.
        reporter: Receives the progress; by default a notebook shows a bar, and nothing is printed elsewhere.
        stop: Called between batches; once it returns true the run ends and keeps what is complete.
        options: What is rendered, how, and where it is stored (docs/commands.md).

    Returns:
        A list of a summary for each model file: how many pictures were planned, rendered and failed, and the
        seconds.

    Raises:
        ModelError: A file cannot be used.
        ConfigError: An option does not fit.
        StoreError: The store cannot be written, or another run is rendering into it.
        MissingExtra: No framework is installed.

    What was rendered before an error is kept; the next run renders what is missing.

    Example:
        >>> import reportgen
        >>> (done,) = reportgen.render("model.keras", store="new.db", units=1, seeds=1, signs="happy")
        >>> done.planned, done.rendered, done.failed  # a scored and a display picture of two layers
        (4, 4, 0)
    """
    settings, progress = settings_of(options), reporter or reporter_here()
    clock = Clock(settings.budget)
    with rendering_store(settings.store, progress) as store:
        return render_models(RunContext(store, settings, progress, clock, stop or _never), _paths(models))


@takes(ScoreOptions)
def score(*, reporter: Reporter | None = None, **options: Unpack[ScoreOptions]) -> Verdicts:
    """Score what the store holds, and return the verdicts.

    Needs no framework. A layer is scored again only if its pictures, measurements or thresholds changed.

    Args:
        reporter: Receives the progress.
        options: The store, and thresholds.

    Returns:
        The verdict table of the whole store, one row a unit (columns: docs/formats.md).

    Raises:
        StoreError: There is no store, it holds no model, or it cannot be written.
        ConfigError: A threshold does not exist or does not fit.

    Example:
        >>> import reportgen
        >>> table = reportgen.score(store="reportgen.db", score={"structure_z": 2.5})
        >>> table.by_layer()["tiny", "v1", "conv"]
        {'structured': 2, 'static': 1}
    """
    settings, progress = settings_of(options), reporter or reporter_here()
    with open_store(settings.store, write=True) as store:
        report_upgrade(store, progress)
        score_models(store, settings)
        return _verdicts(store)


@takes(PruneOptions)
def prune(
    model: str | Path,
    *,
    out: str | Path | None = None,
    order: Literal["need", "looks", "random"] = "need",
    largest: bool = False,
    force: bool = False,
    reporter: Reporter | None = None,
    stop: Callable[[], bool] | None = None,
    **options: Unpack[PruneOptions],
) -> Pruned:
    """Return how many units of a network can be removed without loss, and write the smaller network.

    Args:
        model: One file.
        out: File for the smaller network, `.keras` or `.onnx`; nothing is written if None.
        order: In which order units are removed: by need, the least structured first, or at random.
        largest: Take the largest count within `max_loss`, even if a smaller count is not within it.
        force: Overwrite an existing file.
        reporter: Receives the progress.
        stop: Called between rounds; once it returns true nothing is written, and a later call resumes.
        options: `images`, a folder of pictures, is needed. `max_loss` is the share of correct (without
            classes: of equal) decisions that may be lost, 0.01 by default.

    Returns:
        The result, measured on pictures that were used neither for the order nor for the count: `removal`
        counts units, parameters and multiply-adds, with accuracy and agreement as shares 0..1; `file` is the
        written file.

    Raises:
        ConfigError: The pictures do not fit the network, or there is nothing to keep.
        ModelError: The file cannot be used.
        ReportgenError: The smaller network cannot be written, or the run was stopped; no partial file stays.

    Example:
        >>> import reportgen
        >>> found = reportgen.prune("model.keras", images="photos", out="small.keras")
        >>> found.removal.units, found.file
        (3, 'small.keras')
    """
    from reportgen.run.pruning import prune_model

    settings, progress = settings_of(options), reporter or reporter_here()
    target = Path(out) if out is not None else None
    return prune_model(model, settings, target, order, progress, stop or _never, largest=largest, force=force)


@checked
def prune_list(store: str | Path) -> list[LayerPruneList]:
    """Return which units of each layer can be removed, certainly or as measured, each with its reason.

    Args:
        store: The store; only read.

    Returns:
        A mapping for each scored layer, in the network's order (keys: docs/formats.md). Units are indices
        of output channels, from 0.

    Raises:
        StoreError: There is no store, or it cannot be read.

    Example:
        >>> import reportgen
        >>> [(x["layer"], x["n_units"], x["certain"]) for x in reportgen.prune_list("reportgen.db")]
        [('conv', 3, []), ('head', 2, [])]
    """
    with open_store(store) as opened:
        return units_to_prune(opened)


@checked
def verdicts(store: str | Path) -> Verdicts:
    """Return the verdict table of a store, one row a unit.

    Args:
        store: The store; only read, and needs no framework.

    Returns:
        The rows, each a mapping of the columns of docs/formats.md, by model version, layer and unit;
        undefined values are None.

    Raises:
        StoreError: There is no store, or it cannot be read.

    Example:
        >>> import reportgen
        >>> table = reportgen.verdicts("reportgen.db")
        >>> len(table), table.rows[0]["layer"], table.rows[0]["verdict"]
        (5, 'conv', 'structured')
    """
    with open_store(store) as opened:
        return _verdicts(opened)


@checked
def open(store: str | Path, *, model: str | None = None, version: str | None = None) -> Atlas:
    """Return a model version of a store as objects: layers by name, units by number, their pictures.

    Args:
        store: The store; only read, and needs no framework.
        model: Its name, if the store holds several.
        version: Its label; the version stored last by default.

    Returns:
        The model version. Its values are read on first access and then kept; open it again to see changes.

    Raises:
        StoreError: There is no store, it cannot be read, or does not hold that model and version.
        UnknownLayer, UnknownUnit: Later, on access to a layer or unit that does not exist.

    Example:
        >>> import reportgen
        >>> unit = reportgen.open("reportgen.db")["conv"][2]
        >>> unit.verdict, len(unit.pictures), unit.pictures[0].array.shape
        ('structured', 4, (16, 16, 1))
    """
    return open_atlas(store, model, version)


@takes(SiteOptions)
def atlas(models: str | Path | Sequence[str | Path], *, reporter: Reporter | None = None,
          stop: Callable[[], bool] | None = None,
          **options: Unpack[SiteOptions]) -> AtlasResult:  # fmt: skip
    """Import, render, score and write the site, in one call.

    Args:
        models: One file or several; each becomes a model version of the atlas.
        reporter: Receives the progress.
        stop: Called between batches; once it returns true, what is complete is scored and written.
        options: What is rendered, how, and where it is written (docs/commands.md).

    Returns:
        The summary of each model's renders, the verdict table, and a summary of the site: `site.index` is the
        page to open.

    Raises:
        ModelError: A file cannot be used.
        ConfigError: An option does not fit.
        StoreError, SiteError: The store or the site cannot be written.

    What was rendered before an error is kept.

    Example:
        >>> import reportgen
        >>> made = reportgen.atlas("model.keras", store="new.db", site="site", units=1, seeds=1)
        >>> len(made.verdicts), made.site.index.as_posix()
        (2, 'site/index.html')
    """
    settings = settings_of(options)
    progress, clock = reporter or reporter_here(), Clock(settings.budget)
    with rendering_store(settings.store, progress) as store:
        run = RunContext(store, settings, progress, clock, stop or _never)
        if settings.live or (settings.live is None and settings.budget is not None):
            run = live(run)
        renders = render_models(run, _paths(models))
        score_models(store, settings)
        table = _verdicts(store)
    return AtlasResult(tuple(renders), table, publish(settings, report=progress.say))


@takes(CompareOptions)
def compare(*versions: str | Path, chance: str | Path | None = None, reporter: Reporter | None = None,
            stop: Callable[[], bool] | None = None,
            **options: Unpack[CompareOptions]) -> CompareResult:  # fmt: skip
    """Return each version compared with the next, and lines over three or more (docs/comparing.md).

    Args:
        versions: Stores, `STORE@VERSION`, labels in the store, or model files, which are rendered first; a
            single store means all its versions.
        chance: An untrained twin of the later version, named in the same way: counterparts found there are
            due to chance.
        reporter: Receives the progress.
        stop: Called between batches of rendering; once it returns true, rendering ends.
        options: The store of labels, and how model files are rendered.

    Returns:
        `found.pairs`, one comparison for every two consecutive versions, and `found.series`. Counts are units
        by what became of them; similarity is a correlation, -1..1.

    Raises:
        ConfigError: A name matches no version.
        StoreError: A store cannot be read, or holds only one version.
        ModelError: A model file cannot be used; what was rendered is kept.

    Example:
        >>> import reportgen
        >>> result = reportgen.compare("before.db", "reportgen.db")
        >>> result.found.pairs[0].counts
        {'unchanged': 5}
    """
    settings = settings_of(options)
    names = named_versions([str(v) for v in versions], settings)
    twin = read_name(str(chance), settings) if chance is not None else None
    wanted = names if twin is None else [*names, twin]
    renders = render_named(wanted, settings, reporter or reporter_here(), stop or _never)
    return CompareResult(tuple(renders), *compare_named(names, twin, settings))


@takes(GateOptions)
def gate(version: str | Path | None = None, **options: Unpack[GateOptions]) -> GateResult:
    """Return the outcome of rules for a version; a rule that does not hold raises nothing.

    Args:
        version: A store (its last version), `STORE@VERSION` or a label in the store; the last one if None.
        options: `rule`, one text or several (docs/comparing.md); `against`, the version before.

    Returns:
        Whether all rules hold (`held`), and for each its value, its limit, and the units behind it.

    Raises:
        ConfigError: A rule cannot be read, or names a layer that does not exist.
        StoreError: The store cannot be read.

    Example:
        >>> import reportgen
        >>> reportgen.gate("reportgen.db", rule=["dead <= 5", "structured_share in conv >= 60%"]).held
        True
    """
    settings = settings_of(options)
    return run_gate(None if version is None else str(version), settings.rule, settings.against, settings)


def _verdicts(store: Store) -> Verdicts:
    return Verdicts(tuple(verdict_rows(store)), noise_rates(store), shares_by_layer(store))


def _never() -> bool:
    return False


def _paths(models: str | Path | Sequence[str | Path]) -> list[Path]:
    return [Path(models)] if isinstance(models, (str, Path)) else [Path(m) for m in models]
