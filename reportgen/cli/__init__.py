"""The command line: the only place that prints and exits.

Results go to standard output, progress and errors to standard error. Exit codes: 0 done; 2 wrong use,
configuration or model; 3 some units failed or the run was stopped, what was rendered is kept; 4 a check
failed; 130 ended by Ctrl-C, except for a run, which ends with 3.
"""

from __future__ import annotations

import sys

import click

from reportgen.cli.commands import cli
from reportgen.cli.comparing import compare, gate
from reportgen.cli.dreaming import dream
from reportgen.cli.exploring import explore
from reportgen.cli.interrupt import EXIT_INTERRUPTED, EXIT_UNITS_FAILED, Stopped
from reportgen.cli.pruning import prune
from reportgen.cli.sharing import report
from reportgen.errors import ReportgenError

cli.add_command(compare)
cli.add_command(gate)
cli.add_command(dream)
cli.add_command(explore)
cli.add_command(prune)
cli.add_command(report)

__all__ = ["cli", "main"]


def main() -> None:
    """Run the command line; every error is one line, unless `--debug` asks for more."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = cli.main(standalone_mode=False)
    except ReportgenError as error:
        code = _fail(error, error.exit_code, debug)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = error.exit_code
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "reportgen"
        code = _fail(ReportgenError(error.format_message().rstrip("."), hint=f"{where} --help"), 2, debug)
    except (KeyboardInterrupt, click.Abort) as error:
        ended = next((e for e in (error, error.__cause__) if isinstance(e, Stopped)), None)
        if ended is not None:
            click.echo(str(ended), err=True)
        code = EXIT_INTERRUPTED if ended is None else EXIT_UNITS_FAILED
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
    shown = error if isinstance(error, ReportgenError) else ReportgenError(str(error))
    click.echo(f"error: {shown}", err=True)
    return code
