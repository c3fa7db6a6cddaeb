"""How much memory there is, and how many pictures at once stay within what a run may take.

The bound is of the process. How many pictures are worked on at once follows from the network, never from the
bound; the process's own size is looked at after every batch, and the batch halves where it is passed.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.models.model_memory import machine_memory

if TYPE_CHECKING:
    from reportgen.models import Cut

DEFAULT_SHARE = 0.6
LOOKED_AT = 32
"""Most pictures that are run through a network at once to see what it answers."""

_GROUP, _MOUNT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def memory_here(group: Path = _GROUP, mount: Path = _MOUNT) -> int:
    """Return the bytes of memory this process may use: the machine's, or less where a control group says so.

    Args:
        group: The file that names the process's control groups.
        mount: Where control groups are mounted.
    """
    return min([machine_memory(), *_limits(group, mount)])


def default_bound() -> int:
    """Return what a run may take unless it is told: 60 % of what is there, in bytes."""
    return int(DEFAULT_SHARE * memory_here())


def resident() -> int:
    """Return the bytes of memory that this process holds now; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


class Bound:
    """What a run may take, and what was learnt of it: a batch that did not fit halves the later ones too."""

    def __init__(self, bytes_: int) -> None:
        self.bytes = bytes_
        self._divided = 1

    def batch(self, cut: Cut, asked: int | None = None) -> int:
        """Return how many pictures of this cut to work on at once, at least 1.

        It follows from the cut alone, so that pictures do not depend on the memory that is free; it is made
        less only where it was found not to fit.

        Args:
            asked: What the user said instead, which is then a part of the pictures' keys.
        """
        from reportgen.render import suggest_batch

        return max(1, (asked or suggest_batch(cut)) // self._divided)

    def halve(self) -> None:
        """Note that a batch did not fit."""
        self._divided *= 2

    @property
    def halved(self) -> bool:
        """Whether a batch did not fit, so that pictures after it are other roundings of the same."""
        return self._divided > 1

    def passed(self) -> bool:
        """Return whether the process is larger than the bound, after giving back what it no longer needs."""
        if resident() <= self.bytes:
            return False
        gc.collect()
        _give_back()
        return resident() > self.bytes


def looked_at(cut: Cut) -> int:
    """Return how many pictures to run through a cut at once, forwards only: at most 32."""
    from reportgen.render import suggest_batch

    return min(LOOKED_AT, 2 * suggest_batch(cut))  # Half of what a picture takes are gradients.


def out_of_memory(error: BaseException) -> bool:
    """Return whether a framework means by this error that memory, its own or the machine's, is used up."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"MemoryError", "ResourceExhaustedError"}:
        return True
    text = str(error).lower()
    said = "resource_exhausted" in text or "out of memory" in text
    return said and bool(names & {"XlaRuntimeError", "JaxRuntimeError", "InternalError", "UnknownError"})


def _give_back() -> None:
    """Ask the C library to return freed memory to the system, where it is one that can."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return


def _limits(group: Path, mount: Path) -> Iterator[int]:
    """Yield the limits of the control groups the process is in, and of those around them."""
    try:
        lines = group.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            folder, name = mount, "memory.max"
        elif "memory" in controllers.split(","):
            folder, name = mount / "memory", "memory.limit_in_bytes"
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            try:
                yield int(folder.joinpath(*parts[:depth], name).read_text())
            except (OSError, ValueError):  # Not mounted here, or "max", which is none.
                continue
