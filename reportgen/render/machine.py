"""This machine: its processor's name and flags, and the user's cache folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from reportgen.control_groups import usable_cores


def cache_folder() -> Path:
    """Return the user's cache folder of this program, shared by all models."""
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "reportgen"


def processor_flags() -> set[str]:
    """Return the processor's feature flags; empty if the system does not report them."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            return set(next((line.split(":", 1)[1] for line in file if line.startswith("flags")), "").split())
    except OSError:
        return set()


def processor_name() -> str:
    """Return the processor's name and the number of cores that this process may use, as text."""
    name = ""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            name = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        pass
    if not name:
        import platform

        name = platform.processor() or platform.machine() or "processor"
    cores = usable_cores()
    return f"{name}, {cores} core{'s' if cores != 1 else ''}"
