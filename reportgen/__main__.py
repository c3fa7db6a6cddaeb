"""The entry point of `python -m reportgen` and of the command `reportgen`."""

from __future__ import annotations

import sys

EXIT_INTERRUPTED = 130
"""The exit code of shells for a program that Ctrl-C ended."""


def main() -> None:
    """Load the command line and run it; Ctrl-C while it loads ends it without a traceback."""
    try:
        from reportgen.cli import main as run
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
