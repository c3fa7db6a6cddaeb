"""The commands that compare versions, and check one against rules."""

from __future__ import annotations

from collections.abc import Mapping

import click

import reportgen
from reportgen.cli.commands import exit_for, print_json, summary
from reportgen.cli.help import Explained
from reportgen.cli.interrupt import Interrupt
from reportgen.cli.options import COMMON, RENDER, OptionValue, given_options, with_options
from reportgen.errors import CheckFailed

_MARKDOWN = click.option(
    "--markdown", "as_markdown", is_flag=True, help="Print a summary for a pull request."
)


@click.command(
    cls=Explained,
    examples=(
        "reportgen compare before.db reportgen.db",
        "reportgen compare model-v1.keras model-v2.keras --markdown",
    ),
)
@click.argument("versions", nargs=-1, required=True, metavar="VERSION...")
@click.option(
    "--chance", metavar="VERSION", help="An untrained twin of the later version: the chance baseline."
)
@_MARKDOWN
@with_options(*[name for name in RENDER if name != "version"], *COMMON)
def compare(
    versions: tuple[str, ...], chance: str | None, as_markdown: bool, as_json: bool, **options: OptionValue
) -> None:
    """Report what became of every unit from one version to the next.

    VERSION is STORE@VERSION, a version in --store, a model file, which is rendered first, or a store; a
    single store means all its versions.
    """
    from reportgen.terminal.progress import Progress
    from reportgen.terminal.tables import print_comparisons, print_renders

    with Progress() as progress, Interrupt(progress) as stop:
        result = reportgen.compare(
            *versions, chance=chance, reporter=progress, stop=stop, **given_options(options)
        )
    if as_json:
        print_json({"renders": [summary(r) for r in result.renders], **result.as_dict()})
    elif as_markdown:
        click.echo(result.markdown(_url(options)), nl=False)
    else:
        print_renders(result.renders)
        print_comparisons(result.found)
    exit_for(result.renders)


@click.command(
    cls=Explained,
    examples=(
        'reportgen gate reportgen.db --rule "dead <= 5"',
        'reportgen gate reportgen.db --against before.db --rule "died <= 2" --markdown',
    ),
)
@click.argument("version", required=False, metavar="STORE[@VERSION]")
@_MARKDOWN
@with_options("rule", "against", "store", *COMMON)
def gate(version: str | None, as_markdown: bool, as_json: bool, **options: OptionValue) -> None:
    """Check a version against rules; exit code 4 if one fails.

    STORE alone means its last version. docs/comparing.md explains rules: "dead <= 5", "structured_share in
    conv* >= 60%", and with --against "died <= 2".
    """
    from reportgen.terminal.tables import print_gate

    result = reportgen.gate(version, **given_options(options))
    if as_json:
        print_json(result.as_dict(_url(options)))
    elif as_markdown:
        click.echo(result.markdown(_url(options)), nl=False)
    else:
        print_gate(result, _url(options))
    if not result.held:
        failed = sum(not o.held for o in result.outcomes)
        raise CheckFailed(f"{failed} of {len(result.outcomes)} rules do not hold for {result.version}")


def _url(options: Mapping[str, OptionValue]) -> str:
    """Return the site's address for links, from the configuration; empty if it has none."""
    from reportgen.config import read_settings

    return read_settings(**given_options(options, split=True)).atlas_spec().url
