"""How many pictures to optimise at once, from the sizes of a network's layers alone.

It never depends on the memory that happens to be free: frameworks add up in another order for another number
of pictures, and the same content key must give the same picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reportgen.keras_types import Network, Tensor
from reportgen.render.backend import backend

if TYPE_CHECKING:
    from reportgen.models import Cut

# Bytes that a batch's activations and gradients may take, and the most pictures. On a CPU two pictures of
# 90 MB at once are as fast as eight; small ones gain up to 16.
_CPU = (256 * 2**20, 16)
_GPU = (8 * 2**30, 128)


def suggest_batch(cut: Cut) -> int:
    """Return how many pictures of this cut to optimise at once: for each device a power of two that fits."""
    room, most = _GPU if backend().on_gpu() else _CPU
    fits = max(1, room // picture_bytes(cut))
    return backend().devices() * int(min(most, 1 << (int(fits).bit_length() - 1)))


def picture_bytes(cut: Cut) -> int:
    """Return about how many bytes one picture's activations and their gradients take."""
    own = 8 * cut.canvas_px[0] * cut.canvas_px[1] * cut.channels  # numbers, moments, transforms
    return 4 * (own + 2 * sum(_numbers_of(output) for output in _outputs(cut.network)))


def _outputs(network: Network) -> list[Tensor]:
    """Return the outputs of all operations as the network calls them, at its own canvas.

    An operation's own `output` is that of its first call, which may be in a larger network.
    """
    found: list[Tensor] = []
    for nodes in network._nodes_by_depth.values():
        for node in nodes:
            inner = node.operation
            found += _outputs(inner) if hasattr(inner, "_nodes_by_depth") else node.output_tensors
    return found


def _numbers_of(output: Tensor) -> int:
    shape = getattr(output, "shape", None)
    return int(np.prod([d for d in shape[1:] if d], dtype=np.int64)) if shape else 0
