"""A network's decisions, in a form that can be counted, and as an objective whose gradient is used for need.

The decision of several units is the largest of them, at each place; several units after a sigmoid each decide
yes or no, as labels do. The decision of a number is the side of its median, that of a map of numbers which
places are above their mean. A file cannot distinguish logits from a vector of numbers; a person can.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import activation_called
from reportgen.errors import ConfigError, suggestion
from reportgen.keras_types import Tensor
from reportgen.models.framework import keras_module
from reportgen.models.graph.kinds import IDENTITIES
from reportgen.removal import Reading

if TYPE_CHECKING:
    from reportgen.models import Model, Node, Ref

Floats = NDArray[np.float32]

_MOVED = frozenset({
    "reshape", "flatten", "permute", "transpose", "squeeze", "expand_dims", "cropping2d", "up_sampling2d",
    "max_pooling2d", "global_max_pooling2d",
})  # fmt: skip
"""Operations whose output values are a selection of their input values."""

Kind = Literal["classes", "yes_no", "number"]


@dataclass(frozen=True)
class Decision:
    """How one output of a network is read.

    Attributes:
        kind: `classes` (the largest of several), `yes_no` (each unit, by its threshold), `number`.
        n_units: Units of the output.
        thresholds: For numbers, the median of each unit's values in the whole network; for yes or no, the
            smallest value that means yes. Empty for classes.
        scales: For numbers, the standard deviation of each unit's values.
    """

    kind: Kind
    n_units: int
    thresholds: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    def decided(self, output: Floats) -> NDArray[np.int64]:
        """Return an output's decisions, `(n, places)` for classes, else `(n, places * K)`.

        Args:
            output: `(n, ..., K)`, before a softmax or sigmoid.
        """
        values = output.reshape(len(output), -1, self.n_units)
        if self.kind == "classes":
            return np.asarray(values.argmax(axis=2), np.int64)
        is_map = self.kind == "number" and values.shape[1] > 1
        thresholds = values.mean(axis=1, keepdims=True) if is_map else np.asarray(self.thresholds)
        return np.asarray((values > thresholds).reshape(len(output), -1), np.int64)

    def objective(self, output: Tensor, chosen: Tensor, signs: Tensor) -> Tensor:
        """Return a number for each picture, `(n,)`, whose squared gradient measures what decisions depend on.

        Args:
            output: Tensor `(n, ..., K)`, before a softmax or sigmoid.
            chosen: The whole network's decisions, as `decided` returns them.
            signs: Of the same shape, -1 or 1 at random, so that the squared gradient of the sum is, on
                average, the sum of the squared gradients of all places.
        """
        ops = keras_module().ops
        n_decided = chosen.shape[1]
        if self.kind == "classes":
            values = ops.reshape(output, (-1, n_decided, self.n_units))
            taken = ops.one_hot(chosen, self.n_units)
            log = ops.sum(ops.log_softmax(values, axis=-1) * taken, axis=-1)
        else:
            values = ops.reshape(output, (-1, n_decided))
            if self.kind == "yes_no":
                sides = ops.cast(2 * chosen - 1, values.dtype)
                log = ops.log_sigmoid((values - self._at_each(self.thresholds, n_decided)) * sides)
            else:
                log = values / self._at_each(self.scales, n_decided)
        return ops.sum(log * signs, axis=1) / float(n_decided) ** 0.5

    def _at_each(self, values: tuple[float, ...], n_decided: int) -> Floats:
        return np.tile(np.asarray(values, np.float32), n_decided // self.n_units)


@dataclass(frozen=True)
class End:
    """The softmax or sigmoid at the end of an output.

    Attributes:
        before: The tensor before the softmax or sigmoid; the output itself if there is none.
        function: The function's name; empty if there is none.
        node: Index of its node; -1 if there is none.
    """

    before: Ref
    function: str = ""
    node: int = -1


def end_of(model: Model, output: Ref) -> End:
    """Return the softmax or sigmoid at an output's end, skipping operations that change no value."""
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


def after_sigmoid(model: Model, output: Ref) -> bool:
    """Whether an output comes after a sigmoid or a similar function, so that its threshold is one half."""
    return _is_yes_no(end_of(model, output))


def _is_yes_no(end: End) -> bool:
    row = activation_called(end.function)
    return row is not None and row.decides == "yes"


def _last_axis(node: Node) -> int:
    return len(node.output_shapes[0]) - 1


def decisions_of(
    model: Model, outputs: Sequence[Floats], requested: Mapping[str, Reading] | None = None
) -> list[Decision]:
    """Return how each output of a network is read.

    Args:
        model: The network.
        outputs: Its outputs for some pictures, before a softmax or sigmoid.
        requested: By name of an output how to read it; the empty name applies to all others.

    Raises:
        ConfigError: There is no output of that name.
    """
    requested = dict(requested or {})
    names = output_names(model)
    for name in requested:
        if name and name not in names:
            raise ConfigError(
                f'decision: {model.file_name} has no output "{name}"', hint=suggestion(name, names)
            )
    found = []
    for name, output, values in zip(names, model.outputs, outputs, strict=True):
        reading, can = requested.get(name), _readings(model, output, values)
        if reading is not None and reading not in can:
            raise ConfigError(
                f'decision: output "{name}" cannot be read as {reading}: '
                + _description(model, output, values),
                hint="it can be read as " + ", ".join(can),
            )
        general = requested.get("")
        found.append(_decision(model, output, values, reading or (general if general in can else can[0])))
    general = requested.get("")
    if general and not any(
        general in _readings(model, o, v) for o, v in zip(model.outputs, outputs, strict=True)
    ):
        raise ConfigError(f"decision: {model.file_name} has no output that can be read as {general}")
    return found


def _readings(model: Model, output: Ref, values: Floats) -> tuple[Reading, ...]:
    """Return how an output can be read, the default first; several numbers without a function are logits.

    Values after a softmax or sigmoid cannot be read as numbers, and a single unit not as the largest.
    """
    several = values.shape[-1] > 1
    ends_in = _decides(model, output)
    if ends_in == "yes":
        return ("each", "largest") if several else ("each",)
    if ends_in == "classes" and several:
        return ("largest",)
    return ("largest", "each", "number") if several else ("number", "each")


def _description(model: Model, output: Ref, values: Floats) -> str:
    if not _decides(model, output):
        return "it has one unit"
    return f"it ends in a {'sigmoid' if _decides(model, output) == 'yes' else 'softmax'}"


def is_assumed(model: Model, output: Ref, decision: Decision) -> bool:
    """Whether the way an output decides is an assumption: several numbers may be logits or not."""
    return decision.kind == "classes" and not _decides(model, output)


def _decides(model: Model, output: Ref) -> str:
    """Return what the function decides whose values the output is, or a selection of them."""
    index = output[0]
    while True:
        node = model.nodes[index]
        row = activation_called(node.function)
        if row is not None and row.decides:
            return row.decides
        if node.kind not in (*IDENTITIES, *_MOVED) and node.function != "linear":
            return ""
        index = node.inputs[0][0]


def _decision(model: Model, output: Ref, values: Floats, reading: Reading) -> Decision:
    n = int(values.shape[-1])
    if reading == "largest":
        return Decision("classes", n)
    if reading == "each":
        # After a sigmoid that is not at the very end, and so is not cut off, values are 0 to 1.
        uncut = _decides(model, output) == "yes" and not after_sigmoid(model, output)
        return Decision("yes_no", n, (0.5 if uncut else 0.0,) * n)
    flat = values.reshape(-1, n)
    scales = np.where((spread := flat.std(axis=0)) > 0, spread, 1.0)
    return Decision("number", n, tuple(np.median(flat, axis=0).tolist()), tuple(scales.tolist()))


def output_names(model: Model) -> list[str]:
    """Return the outputs' names: those of ONNX, the keys in Keras, else the names of their layers."""
    if model.output_keys:
        return list(model.output_keys)
    if model.signature is not None:
        return list(model.signature.outputs)
    return [model.nodes[index].name.removesuffix("/activation") for index, _ in model.outputs]


def class_decision(decision: Decision, values: Floats, labels: NDArray[np.int64]) -> Decision:
    """Return how to read the output that has the classes.

    The decision of several units is the largest, whatever function they end in. One number without a sigmoid
    decides yes or no with the threshold 0, as for logits, or one half, as for numbers trained towards 0 and
    1, whichever is right on more of the pictures that are used for the order of units.
    """
    if not len(labels):
        return decision
    if decision.n_units > 1:
        return Decision("classes", decision.n_units)
    if decision.kind != "number":
        return decision
    read = [Decision("yes_no", 1, (middle,)) for middle in (0.0, 0.5)]
    return max(read, key=lambda d: float(np.mean(d.decided(values)[:, 0] == labels)))


def class_output(
    decisions: Sequence[Decision], shapes: Sequence[Sequence[int]], n_classes: int
) -> int | None:
    """Return which output has a unit for each class, or one unit for two classes; None if there is none.

    Args:
        decisions: How outputs are read.
        shapes: Of the outputs, with the axis of pictures.
        n_classes: Classes of the pictures.
    """
    for place, (decision, shape) in enumerate(zip(decisions, shapes, strict=True)):
        fits = decision.n_units == n_classes or (decision.n_units, n_classes) == (1, 2)
        if math.prod(shape[1:-1]) == 1 and n_classes >= 2 and fits:
            return place
    return None
