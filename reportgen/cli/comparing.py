"""The commands that compare versions, and check one against rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
@click.option("--pictures", metavar="FILE", help="Write a PNG of the largest changes, before and after.")
@with_options(*[name for name in RENDER if name != "version"], *COMMON)
def compare(
    versions: tuple[str, ...],
    chance: str | None,
    as_markdown: bool,
    pictures: str | None,
    as_json: bool,
    **options: OptionValue,
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
    if pictures:
        Path(pictures).write_bytes(result.picture())
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
        'reportgen gate reportgen.db --rule "dead <= 5" --junit gate.xml --badge gate.svg --strict',
    ),
)
@click.argument("version", required=False, metavar="STORE[@VERSION]")
@_MARKDOWN
@click.option("--strict", is_flag=True, help="Also exit with 4 if a rule is to be investigated.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML: a test case for each rule.")
@click.option("--badge", metavar="FILE", help="Write the result as a small SVG picture.")
@with_options("rule", "against", "store", *COMMON)
def gate(
    version: str | None,
    as_markdown: bool,
    strict: bool,
    junit: str | None,
    badge: str | None,
    as_json: bool,
    **options: OptionValue,
) -> None:
    """Check a version against rules; exit code 4 if one fails.

    STORE alone means its last version. docs/comparing.md explains rules: "dead <= 5", "structured_share in
    conv* >= 60%", and with --against "died <= 2". A rule that borderline units or an estimate could decide
    either way is to be investigated; that is exit code 0, or 4 with --strict.
    """
    from reportgen.terminal.tables import print_gate

    result = reportgen.gate(version, **given_options(options))
    if junit:
        Path(junit).write_text(result.junit(strict=strict), encoding="utf-8")
    if badge:
        Path(badge).write_text(result.badge(), encoding="utf-8")
    if as_json:
        print_json(result.as_dict(_url(options)))
    elif as_markdown:
        click.echo(result.markdown(_url(options)), nl=False)
    else:
        print_gate(result, _url(options))
    if not result.passes(strict=strict):
        short = sum(o.result.value == result.result.value for o in result.outcomes)
        said = "do not hold" if result.result.value == "fail" else "are to be investigated"
        raise CheckFailed(f"{short} of {len(result.outcomes)} rules {said} for {result.version}")


def _url(options: Mapping[str, OptionValue]) -> str:
    """Return the site's address for links, from the configuration; empty if it has none."""
    from reportgen.config import read_settings

    return read_settings(**given_options(options, split=True)).atlas_spec().url
