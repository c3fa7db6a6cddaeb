"""The command that opens the explorer."""

from __future__ import annotations

import importlib.util

import click

from reportgen.cli.help import Explained
from reportgen.cli.options import OptionValue, given_options, with_options
from reportgen.errors import ConfigError

_NEEDED = ("dash", "dash_ag_grid", "fastapi", "uvicorn")


@click.command(
    cls=Explained,
    examples=(
        "reportgen explore",
        "reportgen explore model.keras --store reportgen.db --port 0",
    ),
)
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on.  [127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), default=8050, metavar="N", help="0: any.  [8050]")
@click.option(
    "--token",
    metavar="TEXT",
    help="Token that a first visit needs; generated when other machines are served.",
)
@with_options("store", "device", "arithmetic", "trust_model", "custom", "config")
def explore(models: tuple[str, ...], host: str, port: int, token: str | None, **options: OptionValue) -> None:
    """Look at a store in a browser, change the recipe, and watch a unit being rendered.

    MODEL is a model file; give it if the file is neither next to the store nor in the current folder, under
    its own name. Needs the extra explorer; rendering needs what `reportgen render` needs.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the explorer needs packages that are not installed ({', '.join(missing)})",
            hint="pip install 'reportgen[explorer]'",
        )
    if token is not None and not (8 <= len(token) <= 200 and token.isascii() and token.isalnum()):
        raise click.UsageError("--token: wanted 8 to 200 letters and digits")
    from reportgen.config import read_settings
    from reportgen.explorer.serving import explore as serve
    from reportgen.explorer.studio import Studio
    from reportgen.terminal.text import printable

    settings = read_settings(**given_options(options, split=True))
    studio = Studio(
        settings.store,
        models,
        device=settings.device,
        arithmetic=settings.arithmetic,
        trust_model=settings.trust_model,
        custom=settings.custom,
    )
    serve(
        settings.store,
        studio=studio,
        host=host,
        port=port,
        token=token or "",
        report=lambda text: click.echo(printable(text)),
    )
