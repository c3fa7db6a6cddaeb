"""The command that writes a smaller network."""

from __future__ import annotations

from typing import Literal

import click

import reportgen
from reportgen.cli.commands import print_json
from reportgen.cli.help import Explained
from reportgen.cli.interrupt import NOTHING, ORDERED, Interrupt
from reportgen.cli.options import COMMON, IMPORT, REMOVAL, OneOf, OptionValue, given_options, with_options


@click.command(
    cls=Explained,
    examples=(
        "reportgen prune model.keras --images photos/ --out small.keras",
        "reportgen prune model.onnx --images train/ --judge test/ --max-loss 0.5% --out small.onnx",
    ),
)
@click.argument("model")
@click.option("--out", metavar="FILE", help="File for the smaller network, .keras or .onnx.")
@click.option("--dry-run", is_flag=True, help="Measure, but write no network.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option(
    "--order",
    type=OneOf(["need", "looks", "random"]),
    default="need",
    help="Order in which units are removed; others are for comparison.  [need]",
)
@click.option(
    "--largest", is_flag=True, help="Take the largest number within the limit, even if a smaller one is not."
)
@with_options("images", *REMOVAL, "removal", "layers", *IMPORT, "store", *COMMON)
def prune(
    model: str,
    out: str | None,
    dry_run: bool,
    force: bool,
    order: Literal["need", "looks", "random"],
    largest: bool,
    as_json: bool,
    **options: OptionValue,
) -> None:
    """Remove the units that a network does not need, and write the smaller network.

    The loss is measured on the written file, on pictures that were used neither for the order of units nor
    for their number. Units of a residual stream, and of a depthwise convolution and its input, are removed
    together.
    """
    if (out is None) == (not dry_run):
        raise click.UsageError("wanted --out FILE for the smaller network, or --dry-run for the curve alone")
    from reportgen.terminal.progress import Progress
    from reportgen.terminal.pruned import print_pruned

    with Progress() as progress, Interrupt(progress, NOTHING if dry_run else ORDERED) as stop:
        found = reportgen.prune(
            model,
            out=out,
            order=order,
            largest=largest,
            force=force,
            reporter=progress,
            stop=stop,
            **given_options(options),
        )
    if as_json:
        print_json(found.as_dict())
    else:
        print_pruned(found)
