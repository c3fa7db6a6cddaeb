"""The command that renders one picture of a layer or a unit, from noise or from a photograph."""

from __future__ import annotations

from typing import Literal

import click

import reportgen
from reportgen.cli.commands import print_json
from reportgen.cli.help import Explained
from reportgen.cli.interrupt import NOTHING, Interrupt
from reportgen.cli.options import COMMON, IMPORT, OneOf, OptionValue, given_options, with_options


@click.command(
    cls=Explained,
    examples=(
        "reportgen dream model.keras --from photo.jpg --out dream.png",
        'reportgen dream model.onnx --layer conv2d_3 --unit "3 + 0.5*7" --size 256x256 --out dream.webp',
    ),
)
@click.argument("model")
@click.option("--layer", metavar="NAME", help="The layer.  [the middle one]")
@click.option(
    "--unit", metavar="N|SUM|layer", default="layer", help='A unit, a sum "3 + 0.5*7", or layer.  [layer]'
)
@click.option("--from", "start", metavar="IMAGE", help="A photograph to start from.  [noise]")
@click.option("--out", metavar="FILE", default="dream.png", help="A .png or .webp.  [dream.png]")
@click.option("--size", metavar="HxW", help="Of the picture.  [the model's input; twice a photograph's]")
@click.option(
    "--octaves", type=int, metavar="N", help="Sizes, the smallest first.  [4 from a photograph, or 1]"
)
@click.option("--sign", type=OneOf(["happy", "sad"]), default="happy", help="sad minimises.  [happy]")
@click.option("--seed", type=int, metavar="N", default=0, help="Of the start and the transforms.  [0]")
@with_options("recipe", "set", *IMPORT, *COMMON)
def dream(
    model: str,
    layer: str | None,
    unit: str,
    start: str | None,
    out: str,
    size: str | None,
    octaves: int | None,
    sign: Literal["happy", "sad"],
    seed: int,
    as_json: bool,
    **options: OptionValue,
) -> None:
    """Render a picture that drives a whole layer or a unit: DeepDream, from noise or from a photograph.

    The picture holds its recipe, as text. No store is read or written.
    """
    from reportgen.terminal.progress import Progress
    from reportgen.terminal.text import printable

    with Progress() as progress, Interrupt(progress, NOTHING) as stop:
        made = reportgen.dream(
            model, layer, units=unit, start=start, out=out, size=size, octaves=octaves, sign=sign,
            seed=seed, reporter=progress, stop=stop, **given_options(options),
        )  # fmt: skip
    if as_json:
        print_json({**made.as_dict(), "file": str(made.path)})
        return
    height, width = made.picture.shape[:2]
    click.echo(printable(f"{made.path}: {made.words}, {height} × {width} px, {made.telemetry.steps} steps"))
