"""What a network decides, in a form that can be counted, and in one whose gradient tells what it hangs on.

An output of several units decides for the largest, at each of its places. One unit behind a sigmoid decides
yes or no, a map of one unit which places lie above its mean, and a single number on which side of the middle
it lies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import activation_called
from reportgen.models.framework import keras_module
from reportgen.models.kinds import IDENTITIES

if TYPE_CHECKING:
    from reportgen.models import Model, Node, Ref

Floats = NDArray[np.float32]
Kind = Literal["classes", "yes_no", "number"]


@dataclass(frozen=True)
class Decision:
    """How one output of a network is read.

    Attributes:
        kind: `classes` (the largest of several), `yes_no` (on which side of 0), `number`.
        n_units: Of the output.
        middle: For numbers, the median of the whole network's answers; for yes or no, where yes begins.
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
            sides = ops.cast(2 * chosen - 1, values.dtype)
            log = ops.log_sigmoid((values[:, :, 0] - self.middle) * sides)
        else:
            log = values[:, :, 0] / self.scale
        return ops.sum(log * signs, axis=1) / float(chosen.shape[1]) ** 0.5


@dataclass(frozen=True)
class End:
    """What one output of a network ends in.

    Attributes:
        before: The tensor before the softmax or sigmoid; the output itself where there is none.
        function: Which it is; empty where there is none.
        node: Index of its node; -1 where there is none.
    """

    before: Ref
    function: str = ""
    node: int = -1


def end_of(model: Model, output: Ref) -> End:
    """Return what an output ends in, perhaps before operations that change nothing."""
    at = output
    while True:
        node = model.nodes[at[0]]
        row = activation_called(node.function)
        decides = row is not None and bool(row.decides)
        if decides and int(getattr(node.operation, "axis", -1)) in (-1, _last_axis(node)):
            return End(node.inputs[0], node.function, at[0])
        if not (node.kind in IDENTITIES or node.function == "linear"):
            return End(output)
        at = node.inputs[0]


def _answers_yes(end: End) -> bool:
    row = activation_called(end.function)
    return row is not None and row.decides == "yes"


def _last_axis(node: Node) -> int:
    return len(node.output_shapes[0]) - 1


def decisions_of(model: Model, outputs: Sequence[Floats]) -> list[Decision]:
    """Return how each output of a network is read.

    Args:
        model: The network.
        outputs: What it answers to some pictures, before a softmax or sigmoid.
    """
    found = []
    for output, values in zip(model.outputs, outputs, strict=True):
        n = int(values.shape[-1])
        if n > 1:
            found.append(Decision("classes", n))
        elif _answers_yes(end_of(model, output)):
            found.append(Decision("yes_no", n))
        else:
            found.append(Decision("number", n, float(np.median(values)), float(np.std(values)) or 1.0))
    return found


def deciding(decision: Decision, answers: Floats, labels: NDArray[np.int64]) -> Decision:
    """Return how the output that has the classes is read: one number without a sigmoid says yes or no too.

    Yes begins at 0, as logits have it, or at one half, as numbers trained towards 0 and 1 have it: where more
    of the pictures that put units in order are right.
    """
    if decision.kind != "number" or not len(labels):
        return decision
    read = [Decision("yes_no", decision.n_units, middle) for middle in (0.0, 0.5)]
    return max(read, key=lambda d: float(np.mean(d.decided(answers)[:, 0] == labels)))


def classifying(decisions: Sequence[Decision], shapes: Sequence[Sequence[int]], n_classes: int) -> int | None:
    """Return which output has a unit for each class, or one for two of them; None where there is none.

    Args:
        decisions: How outputs are read.
        shapes: Of the answers, with the axis of pictures.
        n_classes: Classes of the pictures.
    """
    for place, (decision, shape) in enumerate(zip(decisions, shapes, strict=True)):
        fits = decision.n_units == n_classes or (decision.n_units, n_classes) == (1, 2)
        if math.prod(shape[1:-1]) == 1 and n_classes >= 2 and fits:
            return place
    return None
