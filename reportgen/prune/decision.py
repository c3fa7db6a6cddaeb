"""What a network decides, in a form that can be counted, and in one whose gradient tells what it hangs on.

An output of several units decides for the largest, at each of its places. One unit behind a sigmoid decides
yes or no, a map of one unit which places lie above its mean, and a single number on which side of the middle
it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.models.framework import keras_module

if TYPE_CHECKING:
    from reportgen.models import Model

Floats = NDArray[np.float32]
Kind = Literal["classes", "yes_no", "number"]


@dataclass(frozen=True)
class Decision:
    """How one output of a network is read.

    Attributes:
        kind: `classes` (the largest of several), `yes_no` (on which side of 0), `number`.
        n_units: Of the output.
        middle: For numbers, the median of the whole network's answers.
        scale: For numbers, the standard deviation of the whole network's answers.
    """

    kind: Kind
    n_units: int
    middle: float = 0.0
    scale: float = 1.0

    def decided(self, output: Floats) -> NDArray[np.int64]:
        """Return what `(n, ..., K)` answers decide, `(n, places)`."""
        values = output.reshape(len(output), -1, self.n_units)
        if self.kind == "classes":
            return np.asarray(values.argmax(axis=2), np.int64)
        if self.kind == "number" and values.shape[1] > 1:
            return np.asarray(values[:, :, 0] > values[:, :, 0].mean(axis=1, keepdims=True), np.int64)
        return np.asarray(values[:, :, 0] > self.middle, np.int64)

    def objective(self, output: Any, chosen: Any, signs: Any) -> Any:
        """Return a number for each picture, `(n,)`: its squared gradient says what decisions hang on.

        Args:
            output: Tensor `(n, ..., K)`, before a softmax or sigmoid.
            chosen: `(n, places)`, what the whole network decides.
            signs: `(n, places)`, -1 or 1 at random: so the squared gradient of the sum is, on average, the
                sum of those of all places.
        """
        ops = keras_module().ops
        values = ops.reshape(output, (-1, chosen.shape[1], self.n_units))
        if self.kind == "classes":
            taken = ops.one_hot(chosen, self.n_units)
            log = ops.sum(ops.log_softmax(values, axis=-1) * taken, axis=-1)
        elif self.kind == "yes_no":
            log = ops.log_sigmoid(values[:, :, 0] * ops.cast(2 * chosen - 1, values.dtype))
        else:
            log = values[:, :, 0] / self.scale
        return ops.sum(log * signs, axis=1) / float(chosen.shape[1]) ** 0.5


def decisions_of(model: Model, outputs: Sequence[Floats]) -> list[Decision]:
    """Return how each output of a network is read.

    Args:
        model: The network.
        outputs: What it answers to some pictures, before a softmax or sigmoid.
    """
    found = []
    for (index, output), values in zip(model.outputs, outputs, strict=True):
        node, n = model.nodes[index], int(values.shape[-1])
        if n > 1:
            found.append(Decision("classes", n))
        elif node.function in ("sigmoid", "hard_sigmoid"):
            found.append(Decision("yes_no", n))
        else:
            found.append(Decision("number", n, float(np.median(values)), float(np.std(values)) or 1.0))
        del output
    return found


def classifying(decisions: Sequence[Decision], shapes: Sequence[Sequence[int]], n_classes: int) -> int | None:
    """Return which output has a unit for each class, or one for two of them; None where there is none.

    Args:
        decisions: How outputs are read.
        shapes: Of the answers, with the axis of pictures.
        n_classes: Classes of the pictures.
    """
    for place, (decision, shape) in enumerate(zip(decisions, shapes, strict=True)):
        fits = decision.n_units == n_classes or (decision.n_units, n_classes) == (1, 2)
        if len(shape) == 2 and n_classes >= 2 and fits:
            return place
    return None
