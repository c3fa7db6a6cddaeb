"""The `--help` of commands: what a command does, examples, and its options under headings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from reportgen.cli.options import COMMON, IMPORT, PICTURES, PLACES, SPENT, WHAT

HEADINGS = {
    "Files": PLACES,
    "The model": IMPORT,
    "What is rendered": WHAT,
    "Your own pictures, and removal": PICTURES,
    "Time and machines": SPENT,
    "Settings and output": COMMON,
}
"""Options by heading, in the order in which they are shown. All others are a command's own."""

_HEADING = {name: heading for heading, names in HEADINGS.items() for name in names}


class Explained(click.Command):
    """A command whose help shows examples, its own options, then the others under headings."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = examples

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, and examples."""
        super().format_help_text(context, formatter)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {line}\n" for line in self.examples))

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of `--help`."""
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], **{heading: [] for heading in HEADINGS}}
        for parameter in self.get_params(context):
            row = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
            if row is not None:
                rows[_HEADING.get(_key_of(parameter), "Options")].append(row)
        for heading, some in rows.items():
            if some:
                with formatter.section(heading):
                    formatter.write_dl(some)


class Commands(click.Group):
    """A group of `Explained` commands."""

    command_class = Explained


def _key_of(parameter: click.Parameter) -> str:
    return (parameter.name or "").removeprefix("as_").rstrip("_")
