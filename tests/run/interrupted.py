"""Runs the command line and interrupts itself at a moment that is named; a program, not a test.

Arguments: the moment, how often to interrupt, then the words of the command.
"""

import os
import signal
import sys
import time
from importlib import import_module

MOMENTS = {
    "import": ("reportgen.run.importing", "load_network"),
    "report": ("reportgen.run.model_run", "import_report"),
    "render": ("reportgen.render.batch_runner", "BatchRunner.advance"),
    "measure": ("reportgen.run.budget", "measure_layer"),
    "score": ("reportgen.run.model_run", "score_store"),
    "site": ("reportgen.run.publishing", "write_atlas"),
    "pages": ("reportgen.atlas.output", "Stage.put"),
    "publish": ("reportgen.atlas.output", "SiteFiles.publish"),
}


def main() -> None:
    moment, times, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    module, name = MOMENTS[moment]
    owner = import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    plain, calls = getattr(owner, last), []

    def interrupted(*args, **kwargs):
        if not calls:
            calls.append(1)
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.05)
        return plain(*args, **kwargs)

    setattr(owner, last, interrupted)
    sys.argv = ["reportgen", *words]
    from reportgen import cli

    cli.main()


if __name__ == "__main__":
    main()
