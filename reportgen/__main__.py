"""`python -m reportgen` is the command `reportgen`, and this is where both begin."""

from __future__ import annotations

import sys

EXIT_INTERRUPTED = 130
"""What shells give for a program that Ctrl-C ended."""


def main() -> None:
    """Load the command line and run it; Ctrl-C while it loads ends it without a word."""
    try:
        from reportgen.cli import main as run
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
