"""The command that writes a report to send."""

from __future__ import annotations

import click

import reportgen
from reportgen.cli.commands import print_json
from reportgen.cli.help import Explained
from reportgen.cli.options import COMMON, OptionValue, given_options, with_options


@click.command(
    cls=Explained,
    examples=(
        "reportgen report --out report.html",
        "reportgen report reportgen.db@v2 --against v1 --max-mb 4",
    ),
)
@click.argument("version", required=False, metavar="STORE[@VERSION]")
@click.option("--out", metavar="FILE", default="report.html", help="File for the report.  [report.html]")
@click.option(
    "--max-mb", type=float, metavar="N", default=8.0, help="Largest size; pictures are left out to fit.  [8]"
)
@with_options("against", "store", "templates", *COMMON)
def report(version: str | None, out: str, max_mb: float, as_json: bool, **options: OptionValue) -> None:
    """Write a version as one HTML file, to send or to print. Needs no model and no TensorFlow.

    STORE alone means its last version. The file holds its pictures, opens from a mail and asks no network
    for anything: summary, findings, removal, the first units of each layer, changes since the version before.
    """
    from reportgen.terminal.text import printable

    done = reportgen.report(version, out=out, max_mb=max_mb, **given_options(options))
    if as_json:
        print_json(
            {"report": str(done.path), "bytes": done.bytes, "units": done.n_units, "shown": done.n_shown}
        )
        return
    shown = "all" if done.n_shown == done.n_units else f"{done.n_shown:,} of {done.n_units:,}"
    click.echo(printable(f"{done.path}: {done.bytes / 1e6:.1f} MB, {shown} units shown"))
    click.echo(done.path.resolve().as_uri())
