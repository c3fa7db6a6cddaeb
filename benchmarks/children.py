"""Measurements in fresh processes: one core, one thread, taken in turns, as medians with their spread.

A child is `python -m MODULE JSON`; the last line it prints is its answer, as JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}


def child(module: str, asked: dict[str, Any], python: Path | str = sys.executable) -> dict[str, Any]:
    """Run a measurement in a process of its own on one core and return its answer."""
    command = [str(python), "-m", module, json.dumps(asked)]
    if hasattr(os, "sched_getaffinity"):
        command = ["taskset", "-c", str(max(os.sched_getaffinity(0))), *command]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-12:])
        raise SystemExit(f"{module} {asked} ended with {done.returncode}:\n{last}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def in_turns(measurements: dict[Any, Callable[[], Any]], repeats: int) -> dict[Any, list[Any]]:
    """Take every measurement once, then every one again, and so on; say on stderr where it stands."""
    found: dict[Any, list[Any]] = {name: [] for name in measurements}
    for repeat in range(repeats):
        for name, measure in measurements.items():
            found[name].append(measure())
            print(f"  {repeat + 1}/{repeats} {name}", file=sys.stderr, flush=True)
    return found


def shown(values: Sequence[float], digits: int = 3) -> str:
    """Return the median with the least and the largest, to some significant digits."""
    middle = f"{statistics.median(values):.{digits}g}"
    if len(values) == 1:
        return f"{middle} (once)"
    return f"{middle} ({min(values):.{digits}g} to {max(values):.{digits}g})"
