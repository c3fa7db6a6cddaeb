"""How much memory there is, and how many pictures at once fit in what a run may use.

The bound applies to the process. How many pictures are optimised at once follows from the network, never from
the bound; the process's size is checked after every batch, and the batch is halved if it exceeds the bound.
"""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.control_groups import memory_limits
from reportgen.models.model_memory import machine_memory

if TYPE_CHECKING:
    from reportgen.models import Cut

DEFAULT_SHARE = 0.6
MAX_FORWARD_BATCH = 32
"""Most pictures at once in a forward pass."""


def available_memory() -> int:
    """Return the bytes of memory this process may use: the machine's, or what a control group allows."""
    return min([machine_memory(), *memory_limits()])


def default_bound() -> int:
    """Return the memory that a run may use by default, in bytes: 60 % of what is available."""
    return int(DEFAULT_SHARE * available_memory())


def resident_bytes() -> int:
    """Return the bytes of memory that this process holds now; 0 if the system does not report it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


class MemoryBound:
    """The memory that a run may use; a batch that did not fit halves all later ones too."""

    def __init__(self, bytes_: int) -> None:
        self.bytes = bytes_
        self._divided = 1

    def batch(self, cut: Cut, asked: int | None = None) -> int:
        """Return how many pictures of this cut to optimise at once, at least 1.

        It follows from the cut alone, so that pictures do not depend on free memory; it is reduced only after
        a batch did not fit.

        Args:
            asked: The user's number, which is then a part of the pictures' keys.
        """
        from reportgen.render import suggest_batch

        return max(1, (asked or suggest_batch(cut)) // self._divided)

    def halve(self) -> None:
        """Halve this and later batches, because one did not fit."""
        self._divided *= 2

    @property
    def halved(self) -> bool:
        """Whether a batch did not fit, so that later pictures may differ by rounding."""
        return self._divided > 1

    def exceeded(self) -> bool:
        """Return whether the process exceeds the bound, after memory it no longer needs was released."""
        if resident_bytes() <= self.bytes:
            return False
        gc.collect()
        _release_freed()
        return resident_bytes() > self.bytes


def forward_batch(cut: Cut) -> int:
    """Return how many pictures to run through a cut at once in a forward pass: at most 32."""
    from reportgen.render import suggest_batch

    return min(MAX_FORWARD_BATCH, 2 * suggest_batch(cut))  # Half of what a picture takes are gradients.


def out_of_memory(error: BaseException) -> bool:
    """Return whether a framework's error means that memory, of the device or the machine, ran out."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"MemoryError", "ResourceExhaustedError"}:
        return True
    text = str(error).lower()
    found = "resource_exhausted" in text or "out of memory" in text
    return found and bool(names & {"XlaRuntimeError", "JaxRuntimeError", "InternalError", "UnknownError"})


def _release_freed() -> None:
    """Ask the C library to return freed memory to the system, if it can."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return
