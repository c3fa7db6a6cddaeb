"""Results on standard output: tables, or a line an item."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from reportgen.compare.report import number_in_words
from reportgen.comparison import STATES, Comparisons, sentences
from reportgen.run.gating import BEHIND, MAX_LISTED, GateResult
from reportgen.run.import_report import report_lines
from reportgen.run.model_check import ModelCheck
from reportgen.sentences.layers import estimate_in_words
from reportgen.terminal.text import duration, printable
from reportgen.verdicts import WORDS


def print_renders(renders: Sequence[Any]) -> None:
    """Print a line a model: what was rendered, and what failed."""
    for r in renders:
        ended = "budget spent" if r.spent else "stopped early"
        parts = (ended, r.missing, "run again to resume") if r.stopped else ("complete",)
        state = "; ".join(part for part in parts if part)
        failed = f", {r.failed:,} failed" if r.failed else ""
        click.echo(
            f"{printable(r.model.name)} {printable(r.model.version)}: {r.rendered:,} pictures rendered in "
            f"{duration(r.seconds)}, {r.planned:,} in the plan{failed}; {state}"
        )


def print_verdicts(table: Any) -> None:
    """Print the number of units a verdict, a line a layer, with a line of sums."""
    by_layer = table.by_layer()
    seen = [v for v in WORDS if any(v in counts for counts in by_layer.values())]
    rows = Table(box=None, pad_edge=False, header_style="bold")
    several = len({key[:2] for key in by_layer}) > 1
    rows.add_column("layer")
    for verdict in ("units", *seen):
        rows.add_column(verdict, justify="right")
    for (model, version, layer), counts in by_layer.items():
        name = f"{model} {version} {layer}" if several else layer
        cells = [str(counts.get(v, "")) for v in seen]
        rows.add_row(escape(printable(name)), str(sum(counts.values())), *cells)
    if len(by_layer) > 1:
        sums = [sum(counts.get(v, 0) for counts in by_layer.values()) for v in seen]
        rows.add_row("all", str(len(table)), *[str(n) for n in sums], style="bold")
    _out().print(rows)
    if estimate := estimate_in_words(table.estimated()):
        click.echo(estimate)


def print_inspection(found: Any) -> None:
    """Print the import report: the input, a line a layer, the proof, the range's evidence, the estimate."""
    model, report = found.model, found.report
    height, width, channels = model.input_shape
    click.echo(f"{printable(model.name)} {printable(model.version)} ({printable(model.file_name)})")
    click.echo(f"input {height}x{width}x{channels}, size from the {model.input_size_source}")
    rows = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("layer", "kind", "units", "output", "receptive field", "stride", "canvas", "merged into it"):
        rows.add_column(name, justify="right" if name == "units" else "left", overflow="fold")
    for x in report["layers"]:
        rows.add_row(
            escape(printable(x["name"])),
            x["kind"],
            str(x["units"]),
            "x".join("?" if n is None else str(n) for n in x["output_shape"]),
            _field(x),
            _sides(x["stride_px"]),
            _sides(x["canvas_px"]),
            escape(printable(_merged_in(x))),
        )
    _out().print(rows)
    for x in report["skipped"]:
        click.echo(printable(f"skipped {x['name']}: {x['reason']}"))
    for note in model.notes:
        click.echo(printable(note))
    for line in report_lines(report):
        click.echo(printable(line))
    if report["input"]["channel_order"]:
        click.echo(printable(f"channel order: {report['input']['channel_order']}"))
    e = report["estimate"]
    click.echo(
        f"its full atlas: about {e['pictures']:,} pictures, {e['image_steps']:,} image-steps, about "
        f"{duration(e['seconds'])} on this machine, a site of about {e['site_bytes'] / 1e6:,.0f} MB"
    )


def _field(layer: Any) -> str:
    """Return the receptive field of a position of a layer, as text."""
    field, local = _sides(layer["receptive_field_px"]), _sides(layer.get("local_field_px"))
    return field or (f"{local}, and the whole input through a gate" if local else "whole input")


def _sides(sides: Any) -> str:
    return "x".join(map(str, sides)) + " px" if sides else ""


def _merged_in(layer: Any) -> str:
    """Return the operations that belong to a layer, and the outputs that it leads to, as text."""
    merged = [f"logits of {layer['head']}"] if layer["head"] else [m["kind"] for m in layer["merged"]]
    outputs = [f"output {', '.join(layer['outputs'])}"] if layer["outputs"] else []
    return ", ".join([*merged, *outputs])


def print_site(site: Any) -> None:
    """Print the size of the site, and a link to open."""
    click.echo(f"{site.pages:,} pages, {site.pictures:,} pictures, {site.bytes / 1e6:.1f} MB")
    click.echo(Path(site.index).resolve().as_uri())


def print_comparisons(found: Comparisons) -> None:
    """Print each comparison in sentences and a line a layer, then the numbers over versions."""
    for c in found.pairs:
        click.echo(printable(f"{c.a} to {c.b}"))
        for sentence in sentences(c):
            click.echo(printable(sentence))
        for note in c.notes:
            click.echo(printable(note))
        shown = [state for state in STATES if c.counts.get(state)]
        rows = _table("layer", *shown, "counterparts", "cka")
        for pair in c.layers:
            name = pair.layer_b if pair.layer_a == pair.layer_b else f"{pair.layer_a} to {pair.layer_b}"
            cells = [str(pair.counts.get(state, "")) for state in shown]
            chance = "" if pair.chance_a is None else f", by chance {pair.chance_a}"
            cka = "" if pair.cka is None else f"{pair.cka:.2f}"
            rows.add_row(escape(printable(name)), *cells, f"{pair.counterparts_a} of {pair.n_a}{chance}", cka)
        _out().print(rows)
    for series in found.series:
        rows = _table(series.versions[0].model, *[v.version for v in series.versions])
        for line in series.lines:
            name = f"{line.layer or 'all'} {line.measure.replace('_', ' ')}"
            rows.add_row(escape(printable(name)), *["–" if v is None else f"{v:.3g}" for v in line.values])
        _out().print(rows)


def print_gate(result: GateResult, url: str) -> None:
    """Print a line for each rule, and the units behind rules that do not pass."""
    rows = _table("rule", "value", "limit", "")
    for o in result.outcomes:
        limit = f"{o.rule.op} {o.rule.limit:g}"
        rows.add_row(escape(printable(o.rule.text)), number_in_words(o.number), limit, o.result.value)
    _out().print(rows)
    for o in result.outcomes:
        units = result.units_behind(o, url)
        if units:
            click.echo(printable(f"{BEHIND[o.result].lower()} {o.rule.text}:"))
        for version, layer, unit, address in units[:MAX_LISTED]:
            click.echo(printable(f"  {version} {layer} {unit}  {address}".rstrip()))
        if len(units) > MAX_LISTED:
            click.echo(f"  and {len(units) - MAX_LISTED} more")


def _table(first: str, *columns: str) -> Table:
    rows = Table(box=None, pad_edge=False, header_style="bold")
    rows.add_column(escape(printable(first)))
    for column in columns:
        rows.add_column(escape(printable(column)), justify="right")
    return rows


def _out() -> Console:
    width = None if sys.stdout.isatty() else 160
    return Console(highlight=False, width=width)


def print_model_check(check: ModelCheck) -> None:
    """Print what is wrong with a model, then remarks, a line each."""
    size = f": {check.n_layers} layers, {check.n_units:,} units" if check.n_layers else ""
    click.echo(printable(f"{check.file}{size}"))
    for fault in check.wrong:
        click.echo(printable(f"  wrong   {fault}"))
    for fault in check.remarks[:MAX_LISTED]:
        click.echo(printable(f"  remark  {fault}"))
    if len(check.remarks) > MAX_LISTED:
        click.echo(f"  and {len(check.remarks) - MAX_LISTED} more remarks; --json has all")
    if not check.wrong:
        click.echo("  nothing is wrong")
