"""What the control groups of Linux let this process use, as containers and services set it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_GROUP, _MOUNT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def memory_limits(group: Path = _GROUP, mount: Path = _MOUNT) -> Iterator[int]:
    """Yield the limits, in bytes, of the control groups this process is in, and of those around them.

    Args:
        group: The file that names the process's control groups.
        mount: Where control groups are mounted.
    """
    for text in _limits(group, mount, "memory.max", ("memory", "memory.limit_in_bytes")):
        if text.isdecimal():  # Else "max", which means no limit.
            yield int(text)


def usable_cores(group: Path = _GROUP, mount: Path = _MOUNT) -> int:
    """Return how many processes at once have a core of their own, at least 1.

    The cores that this process may run on, or fewer if a control group limits their time.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for text in _limits(group, mount, "cpu.max"):
        quota, _, period = text.partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(1, cores)


def _limits(group: Path, mount: Path, name: str, before: tuple[str, str] | None = None) -> Iterator[str]:
    """Yield the texts of a limit's files, from this process's own groups outwards.

    Args:
        group, mount: As above.
        name: Of the limit's file.
        before: Controller and file name that it had in version 1 of control groups.
    """
    try:
        lines = group.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            folder, file = mount, name
        elif before is not None and before[0] in controllers.split(","):
            folder, file = mount / before[0], before[1]
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            try:
                yield folder.joinpath(*parts[:depth], file).read_text(encoding="ascii").strip()
            except (OSError, ValueError):  # Not mounted here.
                continue
