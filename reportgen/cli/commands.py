"""The commands: each calls the public interface and prints the result, as text or as JSON.

A command imports what it needs when it runs: `--version`, `--help` and completion import none of it.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

import reportgen
from reportgen.cli.help import Commands
from reportgen.cli.interrupt import EXIT_UNITS_FAILED, Interrupt
from reportgen.cli.options import COMMON, IMPORT, RENDER, OneOf, OptionValue, given_options, with_options
from reportgen.errors import CheckFailed
from reportgen.json_values import JsonObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reportgen.run.model_run import RenderSummary
    from reportgen.run.results import Verdicts

FAULTS = (
    "import",
    "parity",
    "input-range",
    "not-finite",
    "dead",
    "constant",
    "unused",
    "silent",
    "normalization",
)
"""Kinds of faults, as `run.model_check.FaultKind` has them."""

PRUNE_COLUMNS = {
    "model": "text",
    "version": "text",
    "layer": "text",
    "unit": "integer",
    "sureness": "text",
    "reason": "text",
}
"""Names and types of the columns of the prune list."""
NODE_DATA = "model-explorer"
"""A format of `export` that is a folder of files."""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(reportgen.__version__, prog_name="reportgen")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Render what each unit of an image network responds to, score it, and publish an atlas."""
    context.obj = debug


@cli.command(
    examples=(
        "reportgen atlas model.keras",
        "reportgen atlas model.onnx --budget 15m --images photos/",
        'reportgen atlas model.keras --layers "conv*" --units 16 --site pages/',
    )
)
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@with_options(*RENDER, "live", "site", "templates", *COMMON)
def atlas(models: tuple[str, ...], as_json: bool, **options: OptionValue) -> None:
    """Import, render, score and write the site, in one command."""
    from reportgen.terminal.progress import Progress
    from reportgen.terminal.tables import print_renders, print_site, print_verdicts

    with Progress() as progress, Interrupt(progress) as stop:
        result = reportgen.atlas(models, reporter=progress, stop=stop, **given_options(options))
    if as_json:
        done = {"renders": [summary(r) for r in result.renders], "site": str(result.site.index)}
        print_json({**done, **_counts(result.verdicts)})
    else:
        print_renders(result.renders)
        print_verdicts(result.verdicts)
        print_site(result.site)
    exit_for(result.renders)


@cli.command(
    examples=(
        "reportgen render model.keras --budget 1h",
        "reportgen render model.keras --layers conv2d_3 --units 3,17,40-47",
    )
)
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@with_options(*RENDER, *COMMON)
def render(models: tuple[str, ...], as_json: bool, **options: OptionValue) -> None:
    """Render and measure what is missing from the store."""
    from reportgen.terminal.progress import Progress
    from reportgen.terminal.tables import print_renders

    with Progress() as progress, Interrupt(progress) as stop:
        summaries = reportgen.render(models, reporter=progress, stop=stop, **given_options(options))
    if as_json:
        print_json({"renders": [summary(r) for r in summaries]})
    else:
        print_renders(summaries)
    exit_for(summaries)


@cli.command(examples=("reportgen score --store reportgen.db",))
@with_options("store", *COMMON)
def score(as_json: bool, **options: OptionValue) -> None:
    """Score every unit in the store. Needs no model and no TensorFlow."""
    from reportgen.terminal.progress import Progress
    from reportgen.terminal.tables import print_verdicts

    with Progress() as progress:
        table = reportgen.score(reporter=progress, **given_options(options))
    if as_json:
        print_json(_counts(table))
    else:
        print_verdicts(table)


@cli.command(examples=("reportgen site --store reportgen.db --site pages/",))
@with_options("store", "site", "templates", *COMMON)
def site(as_json: bool, **options: OptionValue) -> None:
    """Write the site from the store. Needs no model and no TensorFlow."""
    from reportgen.config import read_settings
    from reportgen.run.publishing import publish
    from reportgen.terminal.tables import print_site

    settings = read_settings(**given_options(options, split=True))
    done = publish(settings, report=None if as_json else click.echo)
    if as_json:
        print_json({"site": str(done.index), "pages": done.pages, "bytes": done.bytes})
    else:
        print_site(done)


@cli.command(
    examples=(
        "reportgen inspect model.onnx",
        "reportgen inspect keras.applications:MobileNetV2",
    )
)
@click.argument("model")
@with_options(*IMPORT, *COMMON)
def inspect(model: str, as_json: bool, **options: OptionValue) -> None:
    """Show what a model file holds, without rendering."""
    from reportgen.terminal.tables import print_inspection

    found = reportgen.inspect_model(model, **given_options(options))
    if as_json:
        print_json(found.as_dict())
    else:
        print_inspection(found)


@cli.command(
    "check-model",
    examples=(
        "reportgen check-model model.keras",
        "reportgen check-model model.onnx --input-range imagenet --allow dead --json",
    ),
)
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--allow", multiple=True, type=OneOf(FAULTS), help="A kind of fault that is accepted; several.")
@with_options(*[name for name in IMPORT if name != "version"], *COMMON)
def check_model(
    models: tuple[str, ...], allow: tuple[str, ...], as_json: bool, **options: OptionValue
) -> None:
    """Report what is wrong with model files, in seconds; exit code 4 if anything is.

    Can it be read, does it compute the same as the original, is its input range known, are weights finite?
    Which units are dead, constant or read by nothing, which normalisations saturated? Nothing is rendered.
    """
    from reportgen.terminal.tables import print_model_check

    found = [reportgen.check_model(model, **given_options(options)) for model in models]
    if as_json:
        print_json({"models": [check.as_dict() for check in found]})
    else:
        for check in found:
            print_model_check(check)
    failed = [check.file for check in found if not check.ok(allow)]
    if failed:
        raise CheckFailed(
            f"something is wrong with {', '.join(failed)}", hint="--allow KIND accepts a kind of fault"
        )


@cli.command(
    examples=(
        "reportgen export --out units.csv",
        "reportgen export --out units.parquet --pictures pictures/",
        "reportgen export --format model-explorer --out node-data/",
    )
)
@click.option(
    "--format",
    "format_",
    type=OneOf(["csv", "json", "parquet", NODE_DATA]),
    help="Format of the verdict table, or node data for Model Explorer.  [by the ending of --out]",
)
@click.option("--out", metavar="FILE", help="File for the verdict table; folder for node data.")
@click.option("--pictures", metavar="DIR", help="Write every picture as lossless PNG.")
@with_options("store", *COMMON)
def export(
    format_: str | None, out: str | None, pictures: str | None, as_json: bool, **options: OptionValue
) -> None:
    """Export the verdict table or node data, or the pictures, or both."""
    from reportgen.config import read_settings

    settings = read_settings(**given_options(options, split=True))
    if out and (
        (Path(out).is_dir() and format_ != NODE_DATA) or Path(out).resolve() == settings.store.resolve()
    ):
        raise click.UsageError(f"--out {out}: wanted a file name for the verdict table")
    if not (out or pictures):
        raise click.UsageError("wanted --out FILE for the verdict table, or --pictures DIR, or both")
    done: dict[str, int] = {}
    if out and format_ == NODE_DATA:
        done["files"] = reportgen.export_node_data(settings.store, out)
    elif out:
        kind = format_ or Path(out).suffix.lstrip(".").lower()
        if not kind:
            raise click.UsageError(f"--out {out} has no ending, wanted --format csv, json or parquet")
        done["units"] = reportgen.export_table(settings.store, out, kind)
    if pictures:
        done["pictures"] = reportgen.export_pictures(settings.store, pictures)
    if as_json:
        print_json(done)
    else:
        for (what, n), where in zip(done.items(), [w for w in (out, pictures) if w], strict=True):
            click.echo(f"{where}: {n:,} {what}")


@cli.command("prune-list", examples=("reportgen prune-list --format csv > units.csv",))
@click.option(
    "--format",
    "format_",
    type=OneOf(["json", "csv"]),
    default="json",
    help="Format of the list.  [json]",
)
@with_options("store", "config")
def prune_list(format_: str, **options: OptionValue) -> None:
    """List removable units, certain or measured by removal, each with its reason."""
    from reportgen.atlas.table import csv_cell
    from reportgen.config import read_settings
    from reportgen.score import prune_rows

    listed = reportgen.prune_list(read_settings(**given_options(options, split=True)).store)
    if format_ == "json":
        print_json(listed)
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(PRUNE_COLUMNS)
    for row in prune_rows(listed):
        cells: dict[str, object] = {**row}
        writer.writerow([csv_cell(cells[name], kind) for name, kind in PRUNE_COLUMNS.items()])


@cli.command(examples=("reportgen check site/",))
@click.argument("site", metavar="SITE", required=False)
@with_options(*COMMON)
def check(site: str | None, as_json: bool, **options: OptionValue) -> None:
    """Check a written site: links, foreign requests, files, size."""
    from reportgen.config import read_settings
    from reportgen.terminal.text import printable

    settings = read_settings(**given_options({**options, "site": site}, split=True))
    problems = reportgen.check_site(settings.site, settings.atlas_spec().max_site_bytes)
    if as_json:
        print_json({"site": str(settings.site), "problems": problems})
    else:
        for problem in problems:
            click.echo(printable(problem))
    if problems:
        raise CheckFailed(f"{len(problems)} problems in {settings.site}")
    if not as_json:
        click.echo(f"{settings.site}: no problem found")


def exit_for(renders: Iterable[RenderSummary]) -> None:
    """Exit with code 3 if units failed or a run was stopped before its end."""
    if any(r.failed or (r.stopped and not r.spent) for r in renders):
        sys.exit(EXIT_UNITS_FAILED)


def summary(render: RenderSummary) -> JsonObject:
    """Return the summary of a run as JSON values."""
    return {
        "model": render.model.name,
        "version": render.model.version,
        "planned": render.planned,
        "rendered": render.rendered,
        "failed": render.failed,
        "stopped": render.stopped,
        "budget_spent": render.spent,
        "missing": render.missing,
        "seconds": round(render.seconds, 2),
    }


def _counts(table: Verdicts) -> JsonObject:
    """Return counts of verdicts by layer, with how often the same rules find a pattern in noise."""
    rates = {
        of: {name: asdict(rate) for name, rate in zip(("noise", "untrained"), found, strict=True) if rate}
        for of, found in table.noise.items()
    }
    estimates = {
        of: {"estimated": {word: asdict(share) for word, share in shares.items()}}
        for of, shares in table.shares.items()
        if not all(share.exact for share in shares.values())
    }
    return {
        "layers": [
            dict(
                zip(("model", "version", "layer"), of, strict=True),
                verdicts=counts,
                **rates.get(of, {}),
                **estimates.get(of, {}),
            )
            for of, counts in table.by_layer().items()
        ]
    }


def print_json(value: object) -> None:
    """Print a result for other programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=True))
