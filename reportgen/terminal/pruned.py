"""Prints the result of removal: layers before and after, costs, and the loss."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from reportgen.terminal.text import printable

_TIMED_BY = {"": "", "keras": ", in Keras", "onnxruntime": ", in onnxruntime"}


def print_pruned(found: Any) -> None:
    """Print a table of layers and costs, then sentences on the loss and the pictures it was measured on."""
    r = found.removal
    rows = Table(box=None, pad_edge=False, header_style="bold")
    rows.add_column("")
    for name in ("before", "after", "kept"):
        rows.add_column(name, justify="right")
    for layer in r.layers:
        rows.add_row(
            escape(printable(_with_tied(layer.layer, found.tied))), *_of(layer.units, layer.together)
        )
    rows.add_row("all units", *_of(r.units, r.units - r.removed), style="bold")
    rows.add_row("parameters", *_of(r.parameters_before, r.parameters_after))
    rows.add_row("multiply-adds", *_of(r.macs_before, r.macs_after))
    if found.file:
        rows.add_row("file, bytes", *_of(found.bytes_before, found.bytes_after))
        times = [found.seconds_before, found.seconds_after]
        name = f"ms a picture{_TIMED_BY[found.timed_by]}"
        rows.add_row(name, *(f"{s * 1000:.3g}" for s in times), _share(times[1], times[0]))
    if r.accuracy_before is not None:
        rows.add_row("accuracy", f"{r.accuracy_before:.1%}", f"{r.accuracy_after:.1%}", "")
    Console(highlight=False, soft_wrap=True).print(rows)
    for line in _sentences(found):
        click.echo(printable(line))


def _of_judge(folder: str) -> str:
    return f"of {folder}" if folder else "others"


def _with_tied(layer: str, tied: Any) -> str:
    others = tied.get(layer, ())
    if not others:
        return layer
    return f"{layer} (with {others[0]})" if len(others) == 1 else f"{layer} (with {len(others)} others)"


def _of(before: int, after: int) -> tuple[str, str, str]:
    return f"{before:,}", f"{after:,}", _share(after, before)


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _sentences(found: Any) -> list[str]:
    r = found.removal
    low, high = r.interval
    p = r.pictures
    lines = []
    if r.accuracy_before is not None:
        lines.append(
            f"accuracy {r.accuracy_before:.1%} to {r.accuracy_after:.1%} (95 % interval {low:.1%} to "
            f"{high:.1%}; always deciding for the most frequent class: {r.majority_share:.1%})"
        )
    else:
        lines.append(f"unchanged decisions: {r.agreement:.1%} (95 % interval {low:.1%} to {high:.1%})")
    lines.append(f"on {p.report:,} pictures, {r.changed:,} decisions changed")
    groups = f", {p.groups:,} groups of pictures kept together" if p.groups else ""
    lines.append(
        f"pictures from {p.source}: {p.order:,} for the order of units, {p.choose:,} for their number, "
        f"{p.report:,} {_of_judge(p.judge)} for the report{groups}"
    )
    largest = f", and so does {r.largest:,} (--largest)" if r.largest > r.removed else ""
    lines.append(
        f"removed {r.removed:,} of {r.units:,}; every count tried up to {r.steady:,} stays within the loss"
        f"{largest}"
    )
    if not r.removed:
        lines.append("no unit can go at that loss: the file has all of them, without what training keeps")
    if found.file:
        lines.append(
            f"written: {found.file}; its outputs differ by at most {found.apart:.2g} from those evaluated"
        )
    return lines
