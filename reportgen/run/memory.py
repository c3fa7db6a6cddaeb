"""How much memory there is, and how many pictures at once stay within what a run may take.

The bound is of the process. Activations of one picture are counted from the sizes of a network's layers,
and the process's own size is looked at after every batch: what was counted wrongly is found out there.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.spec import RenderSpec

if TYPE_CHECKING:
    from reportgen.models import Cut

DEFAULT_SHARE = 0.6
COUNTED = 0.95
"""Share of the bound that is given away by counting."""

LOOKED_AT = 32
"""Most pictures that are run through a network at once to see what it answers."""

_GROUP, _MOUNT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def memory_here(group: Path = _GROUP, mount: Path = _MOUNT) -> int:
    """Return the bytes of memory this process may use: the machine's, or less where a control group says so.

    Args:
        group: The file that names the process's control groups.
        mount: Where control groups are mounted.
    """
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        machine = 4 << 30
    return min([machine, *_limits(group, mount)])


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

    def batch(self, cut: Cut, recipe: RenderSpec, asked: int | None = None) -> int:
        """Return how many pictures of this cut to work on at once, at least 1.

        Args:
            asked: What the user said, which is only made less where it was found not to fit.
        """
        from reportgen.render import suggest_batch
        from reportgen.render.backend import backend
        from reportgen.render.memory import picture_bytes

        wanted = asked or suggest_batch(cut, recipe)
        if asked is None and not backend().on_gpu():  # A GPU has memory of its own.
            wanted = min(wanted, _power_of_two(self._room() // picture_bytes(cut)))
        return max(1, wanted // self._divided)

    def looked_at(self, cut: Cut) -> int:
        """Return how many pictures to run through this cut at once, forwards only: 32, or fewer that fit."""
        from reportgen.render.backend import backend
        from reportgen.render.memory import picture_bytes

        if backend().on_gpu():
            return LOOKED_AT
        return min(LOOKED_AT, _power_of_two(2 * self._room() // picture_bytes(cut)))  # Half are gradients.

    def _room(self) -> int:
        """Return the bytes that pictures may take; some are left for what is not counted: programs."""
        return max(0, int(COUNTED * self.bytes) - resident())

    def halve(self) -> None:
        """Note that a batch did not fit."""
        self._divided *= 2

    def passed(self) -> bool:
        """Return whether the process is larger than the bound, after giving back what it no longer needs."""
        if resident() <= self.bytes:
            return False
        gc.collect()
        _give_back()
        return resident() > self.bytes


def out_of_memory(error: BaseException) -> bool:
    """Return whether a framework means by this error that memory, its own or the machine's, is used up."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"MemoryError", "ResourceExhaustedError"}:
        return True
    text = str(error).lower()
    said = "resource_exhausted" in text or "out of memory" in text
    return said and bool(names & {"XlaRuntimeError", "JaxRuntimeError", "InternalError", "UnknownError"})


def _power_of_two(number: int) -> int:
    """Return the largest power of two that is not more than `number`; 1 for less than that."""
    return 1 << (max(1, number).bit_length() - 1)


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
