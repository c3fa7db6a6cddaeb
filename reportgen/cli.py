"""The command line: the only place that prints and exits.

Results go to standard output, progress and errors to standard error. Exit codes: 0 done;
2 wrong use, configuration or model; 3 some units failed or the run was stopped, the rest is
there; 4 a check failed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import reportgen
from reportgen.errors import CheckFailed, ReportgenError
from reportgen.terminal import (
    Progress,
    print_inspection,
    print_renders,
    print_site,
    print_verdicts,
    printable,
)

EXIT_UNITS_FAILED = 3
STOPPED = "stopped; what was rendered is in the store"
SECONDS_TO_END = 2.0
"""For cleaning up, between a second Ctrl-C and the process's end."""

_Command = Callable[..., Any]

_OPTIONS: dict[str, Callable[[_Command], _Command]] = {
    "store": click.option("--store", metavar="FILE", help="Store of renders and scores.  [reportgen.db]"),
    "site": click.option("--site", metavar="DIR", help="Folder the site is written to.  [site]"),
    "version": click.option(
        "--version", metavar="LABEL", help="Label of this model version.  [its file's hash]"
    ),
    "layers": click.option(
        "--layers", multiple=True, metavar="GLOB", help="Layers by name; several. ::4 is every fourth."
    ),
    "units": click.option(
        "--units", metavar="N|LIST|all", help="First N of each layer, or a list 3,17,40-47."
    ),
    "seeds": click.option("--seeds", type=int, metavar="N", help="Scored pictures a unit.  [4]"),
    "signs": click.option("--signs", metavar="happy|sad|both", help="Which signs are rendered.  [both]"),
    "recipe": click.option(
        "--recipe", metavar="NAME", help="default (six pictures a unit), or a display recipe."
    ),
    "set": click.option(
        "--set", "set_", multiple=True, metavar="KEY=VALUE", help="One number of a recipe; several."
    ),
    "sweep": click.option("--sweep", metavar="tv=1e-5..1e3", help="Also render across a weight, in decades."),
    "input_range": click.option(
        "--input-range",
        metavar="LO,HI",
        help="Values the model's input takes; also imagenet, caffe, or ends by channel 0:0:0,1:1:1.",
    ),
    "channel_order": click.option(
        "--channel-order", metavar="rgb|bgr", help="In which the model takes a picture's channels.  [rgb]"
    ),
    "input_size": click.option("--input-size", metavar="HxW", help="For models without a fixed size."),
    "trust_model": click.option(
        "--trust-model", is_flag=True, default=None, help="Run code the model file brings (Lambda layers)."
    ),
    "custom": click.option(
        "--custom", multiple=True, metavar="MODULE:NAME", help="Your own layer; needs --trust-model."
    ),
    "hold": click.option(
        "--hold",
        "hold",
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of an input that is no picture.  [0]",
    ),
    "max_memory": click.option(
        "--max-memory",
        metavar="SIZE",
        help="Larger models are refused, batches made to fit.  [60 % of what is there]",
    ),
    "device": click.option("--device", metavar="cpu|gpu|auto", help="What computes.  [auto]"),
    "arithmetic": click.option(
        "--arithmetic",
        metavar="NAME",
        help="bfloat16: faster for wide convolutions, slower for others.  [float32]",
    ),
    "batch": click.option(
        "--batch", type=int, metavar="N", help="Pictures optimised at once.  [from memory]"
    ),
    "budget": click.option(
        "--budget", metavar="TIME", help="The best atlas that renders in 90s, 20m, 1h30m.  [all of it]"
    ),
    "ray": click.option(
        "--ray", metavar="ADDRESS", help="Render on a Ray cluster; local starts one here.  [no cluster]"
    ),
    "config": click.option("--config", metavar="FILE", help="Settings.  [reportgen.toml, if it is there]"),
    "json": click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
}

_IMPORT = (
    "version",
    "input_range",
    "channel_order",
    "input_size",
    "trust_model",
    "custom",
    "hold",
    "max_memory",
    "device",
    "arithmetic",
)
_WHAT = ("layers", "units", "seeds", "signs", "recipe", "set", "sweep")
_RENDER = ("store", *_IMPORT, *_WHAT, "batch", "budget", "ray")
_COMMON = ("config", "json")


def _options(*names: str) -> Callable[[_Command], _Command]:
    def decorate(command: _Command) -> _Command:
        for name in reversed(names):
            command = _OPTIONS[name](command)
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(reportgen.__version__, prog_name="reportgen")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """From a trained image network to a judged, citable atlas of what its units see."""
    context.obj = debug


@cli.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@_options(*_RENDER, "site", *_COMMON)
def atlas(models: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Import, render, score and write the site, in one."""
    with Progress() as progress, _Interrupt(progress) as stop:
        result = reportgen.atlas(models, reporter=progress, stop=stop, **_said(options))
    if as_json:
        done = {"renders": [_summary(r) for r in result.renders], "site": str(result.site.index)}
        _print_json({**done, **_counts(result.verdicts)})
    else:
        print_renders(result.renders)
        print_verdicts(result.verdicts)
        print_site(result.site)
    _exit_for(result.renders)


@cli.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@_options(*_RENDER, *_COMMON)
def render(models: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Render and measure what the store misses."""
    with Progress() as progress, _Interrupt(progress) as stop:
        summaries = reportgen.render(models, reporter=progress, stop=stop, **_said(options))
    if as_json:
        _print_json({"renders": [_summary(r) for r in summaries]})
    else:
        print_renders(summaries)
    _exit_for(summaries)


@cli.command()
@_options("store", *_COMMON)
def score(as_json: bool, **options: Any) -> None:
    """Score every unit in the store. Needs no model and no TensorFlow."""
    table = reportgen.score(**_said(options))
    if as_json:
        _print_json(_counts(table))
    else:
        print_verdicts(table)


@cli.command()
@_options("store", "site", *_COMMON)
def site(as_json: bool, **options: Any) -> None:
    """Write the site from the store. Needs no model and no TensorFlow."""
    from reportgen.config import read_settings

    settings = read_settings(**_said(options, split=True))
    summary = reportgen.write_atlas(
        settings.store, settings.site, settings.atlas_spec(), credits=settings.credits
    )
    if as_json:
        _print_json({"site": str(summary.index), "pages": summary.pages, "bytes": summary.bytes})
    else:
        print_site(summary)


@cli.command()
@click.argument("model")
@_options(*_IMPORT, *_COMMON)
def inspect(model: str, as_json: bool, **options: Any) -> None:
    """Say what a model file holds, rendering nothing."""
    found = reportgen.inspect_model(model, **_said(options))
    if as_json:
        _print_json(found.as_dict())
    else:
        print_inspection(found)


@cli.command()
@click.option(
    "--format", "format_", type=click.Choice(["csv", "json", "parquet"]), help="Of the verdict table."
)
@click.option("--out", metavar="FILE", help="Where the verdict table goes.")
@click.option("--pictures", metavar="DIR", help="Write every picture as lossless PNG.")
@_options("store", *_COMMON)
def export(format_: str | None, out: str | None, pictures: str | None, as_json: bool, **options: Any) -> None:
    """Export the verdict table, or the pictures, or both."""
    from reportgen.config import read_settings

    settings = read_settings(**_said(options, split=True))
    if out and (Path(out).is_dir() or Path(out).resolve() == settings.store.resolve()):
        raise click.UsageError(f"--out {out}: wanted the name of a file for the table")
    if not (out or pictures):
        raise click.UsageError("say --out FILE for the verdict table, or --pictures DIR, or both")
    done: dict[str, int] = {}
    if out:
        kind = format_ or Path(out).suffix.lstrip(".").lower()
        if not kind:
            raise click.UsageError(f"--out {out} has no ending; say --format csv, json or parquet")
        done["units"] = reportgen.export_table(settings.store, out, kind)
    if pictures:
        done["pictures"] = reportgen.export_pictures(settings.store, pictures)
    if as_json:
        _print_json(done)
    else:
        for (what, n), where in zip(done.items(), [w for w in (out, pictures) if w], strict=True):
            click.echo(f"{where}: {n:,} {what}")


@cli.command()
@click.argument("site", metavar="SITE", required=False)
@_options(*_COMMON)
def check(site: str | None, as_json: bool, **options: Any) -> None:
    """Check a written site: links, foreign requests, files, size."""
    from reportgen.config import read_settings

    settings = read_settings(**_said({**options, "site": site}, split=True))
    problems = reportgen.check_site(settings.site, settings.atlas_spec().max_site_bytes)
    if as_json:
        _print_json({"site": str(settings.site), "problems": problems})
    else:
        for problem in problems:
            click.echo(printable(problem))
    if problems:
        raise CheckFailed(f"{len(problems)} problems in {settings.site}")
    if not as_json:
        click.echo(f"{settings.site}: no problem found")


def main() -> None:
    """Run the command line; every error is one line, unless `--debug` asks for more."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = cli.main(standalone_mode=False)
    except ReportgenError as error:
        code = _fail(error, error.exit_code, debug)
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "reportgen"
        code = _fail(ReportgenError(error.format_message().rstrip("."), hint=f"{where} --help"), 2, debug)
    except (KeyboardInterrupt, click.Abort):
        click.echo(STOPPED, err=True)
        code = EXIT_UNITS_FAILED
    except OSError as error:
        code = _fail(error, 2, debug)
    except MemoryError:
        code = _fail(ReportgenError("out of memory", hint="render fewer at once: --batch 4"), 2, debug)
    except Exception as error:
        if type(error).__name__ == "ResourceExhaustedError":  # TensorFlow's, which is not imported here.
            code = _fail(ReportgenError("out of memory", hint="render fewer at once: --batch 4"), 2, debug)
        else:
            bug = f"this is a bug of reportgen: {type(error).__name__}: {error}"
            code = _fail(ReportgenError(bug), 1, debug)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(error: Exception, code: int, debug: bool) -> int:
    if debug:
        raise
    said = error if isinstance(error, ReportgenError) else ReportgenError(str(error))
    click.echo(f"error: {said}", err=True)
    return code


class _Interrupt:
    """The first Ctrl-C asks the run to stop after what is in hand; the second ends it at once.

    Python hears a signal between two of its own instructions, and a framework's may take many seconds. So a
    thread that is told by the system itself ends the process if it has not ended shortly after the second.
    """

    def __init__(self, progress: Progress) -> None:
        self._asked = threading.Event()
        self._progress = progress

    def __enter__(self) -> Callable[[], bool]:
        self._told, tell = os.pipe()
        os.set_blocking(tell, False)
        self._before = signal.signal(signal.SIGINT, self._ask), signal.set_wakeup_fd(tell)
        threading.Thread(target=self._watch, args=(self._told, tell), daemon=True).start()
        return self._asked.is_set

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before[0])
        os.write(signal.set_wakeup_fd(self._before[1]), b"\0")  # No signal: the thread may go.

    def _ask(self, *_: object) -> None:
        if self._asked.is_set():
            raise KeyboardInterrupt
        self._asked.set()
        self._progress.say("stopping: what is rendered gets scored and written; Ctrl-C again ends at once")

    @staticmethod
    def _watch(told: int, tell: int) -> None:
        times, over = 0, False
        while not over:
            for byte in os.read(told, 64):
                times, over = times + (byte == signal.SIGINT), over or byte == 0
            if times > 1 and not over and not select.select([told], [], [], SECONDS_TO_END)[0]:
                os.write(2, (STOPPED + "\n").encode())
                os._exit(EXIT_UNITS_FAILED)
        os.close(told)
        os.close(tell)


def _said(options: dict[str, Any], *, split: bool = False) -> dict[str, Any]:
    """Return the options that were said, by configuration key."""
    said = {key: value for key, value in options.items() if value is not None and value != ()}
    file = said.pop("config", None)
    if pairs := said.pop("set_", None):
        said["set"] = dict(_pair(pair, "--set", "tv=0.1") for pair in pairs)
    if pairs := said.pop("hold", None):
        said["hold"] = dict(_pair(pair, "--hold", "age=0.5") for pair in pairs)
    return {"options": said, "file": file} if split else {**said, "config": file}


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    key, equals, value = text.rpartition("=") if option == "--hold" else text.partition("=")
    if not (key.strip() and equals):
        raise click.UsageError(f"{option} {text!r}: wanted KEY=VALUE such as {example}")
    return key.strip(), value.strip()


def _exit_for(renders: Any) -> None:
    if any(r.failed or (r.stopped and not r.spent) for r in renders):
        sys.exit(EXIT_UNITS_FAILED)


def _summary(render: Any) -> dict[str, Any]:
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


def _counts(table: Any) -> dict[str, Any]:
    return {
        "layers": [
            {"model": model, "version": version, "layer": layer, "verdicts": counts}
            for (model, version, layer), counts in table.by_layer().items()
        ]
    }


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=True))
