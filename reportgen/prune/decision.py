"""What a network decides, in a form that can be counted, and in one whose gradient tells what it hangs on.

Several units decide for the largest, at each place; several behind a sigmoid each say yes or no, as labels
do. A number decides on which side of its median it lies, a map of numbers which places lie above their mean.
What a file does not tell, a vector of numbers from logits, a person can say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.activations import activation_called
from reportgen.errors import ConfigError
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
"""Operations whose values are some of those that they take."""

Kind = Literal["classes", "yes_no", "number"]


@dataclass(frozen=True)
class Decision:
    """How one output of a network is read.

    Attributes:
        kind: `classes` (the largest of several), `yes_no` (each unit, on which side of its middle), `number`.
        n_units: Of the output.
        middles: For numbers, the median of each unit's answers by the whole network; for yes or no, where yes
            begins. Empty for classes.
        scales: For numbers, the standard deviation of each unit's answers.
    """

    kind: Kind
    n_units: int
    middles: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    def decided(self, output: Floats) -> NDArray[np.int64]:
        """Return what `(n, ..., K)` answers decide: `(n, places)` for classes, else `(n, places * K)`."""
        values = output.reshape(len(output), -1, self.n_units)
        if self.kind == "classes":
            return np.asarray(values.argmax(axis=2), np.int64)
        is_map = self.kind == "number" and values.shape[1] > 1
        middles = values.mean(axis=1, keepdims=True) if is_map else np.asarray(self.middles)
        return np.asarray((values > middles).reshape(len(output), -1), np.int64)

    def objective(self, output: Tensor, chosen: Tensor, signs: Tensor) -> Tensor:
        """Return a number for each picture, `(n,)`: its squared gradient says what decisions hang on.

        Args:
            output: Tensor `(n, ..., K)`, before a softmax or sigmoid.
            chosen: What the whole network decides, as `decided` returns it.
            signs: As many, -1 or 1 at random: so the squared gradient of the sum is, on average, the sum of
                those of all places.
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
                log = ops.log_sigmoid((values - self._at_each(self.middles, n_decided)) * sides)
            else:
                log = values / self._at_each(self.scales, n_decided)
        return ops.sum(log * signs, axis=1) / float(n_decided) ** 0.5

    def _at_each(self, values: tuple[float, ...], n_decided: int) -> Floats:
        return np.tile(np.asarray(values, np.float32), n_decided // self.n_units)


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


def after_sigmoid(model: Model, output: Ref) -> bool:
    """Whether an output comes after a sigmoid, or what is like one: its yes begins at one half."""
    return _answers_yes(end_of(model, output))


def _answers_yes(end: End) -> bool:
    row = activation_called(end.function)
    return row is not None and row.decides == "yes"


def _last_axis(node: Node) -> int:
    return len(node.output_shapes[0]) - 1


def decisions_of(
    model: Model, outputs: Sequence[Floats], said: Mapping[str, Reading] | None = None
) -> list[Decision]:
    """Return how each output of a network is read.

    Args:
        model: The network.
        outputs: What it answers to some pictures, before a softmax or sigmoid.
        said: By name of an output how it is to be read; under the empty name, all that are not named.

    Raises:
        ConfigError: There is no output of that name.
    """
    said = dict(said or {})
    names = output_names(model)
    for name in said:
        if name and name not in names:
            raise ConfigError(
                f'decision: {model.file_name} has no output "{name}"', hint="known: " + ", ".join(names[:10])
            )
    found = []
    for name, output, values in zip(names, model.outputs, outputs, strict=True):
        reading, can = said.get(name), _readings(model, output, values)
        if reading is not None and reading not in can:
            raise ConfigError(
                f'decision: output "{name}" cannot be read as {reading}: '
                + _what_it_is(model, output, values),
                hint="it can be read as " + ", ".join(can),
            )
        general = said.get("")
        found.append(_decision(model, output, values, reading or (general if general in can else can[0])))
    general = said.get("")
    if general and not any(
        general in _readings(model, o, v) for o, v in zip(model.outputs, outputs, strict=True)
    ):
        raise ConfigError(f"decision: {model.file_name} has no output that can be read as {general}")
    return found


def _readings(model: Model, output: Ref, values: Floats) -> tuple[Reading, ...]:
    """Return how an output can be read, the usual way first; several numbers behind nothing count as logits.

    What a softmax or sigmoid gives is no number of its own, and one unit has no largest.
    """
    several = values.shape[-1] > 1
    ends_in = _decides(model, output)
    if ends_in == "yes":
        return ("each", "largest") if several else ("each",)
    if ends_in == "classes" and several:
        return ("largest",)
    return ("largest", "each", "number") if several else ("number", "each")


def _what_it_is(model: Model, output: Ref, values: Floats) -> str:
    if not _decides(model, output):
        return "it has one unit"
    return f"it ends in a {'sigmoid' if _decides(model, output) == 'yes' else 'softmax'}"


def is_assumed(model: Model, output: Ref, decision: Decision) -> bool:
    """Whether a file leaves open how an output decides: several numbers may be logits or not."""
    return decision.kind == "classes" and not _decides(model, output)


def _decides(model: Model, output: Ref) -> str:
    """Return what the function decides that an output's values come from, moved or left out at most."""
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
        # Behind a sigmoid that is not cut off, for something lies between, values are 0 to 1.
        uncut = _decides(model, output) == "yes" and not after_sigmoid(model, output)
        return Decision("yes_no", n, (0.5 if uncut else 0.0,) * n)
    flat = values.reshape(-1, n)
    scales = np.where((spread := flat.std(axis=0)) > 0, spread, 1.0)
    return Decision("number", n, tuple(np.median(flat, axis=0).tolist()), tuple(scales.tolist()))


def output_names(model: Model) -> list[str]:
    """Return what outputs are called: by ONNX names, or keys in Keras, else as the layers they are of."""
    if model.output_keys:
        return list(model.output_keys)
    if model.signature is not None:
        return list(model.signature.outputs)
    return [model.nodes[index].name.removesuffix("/activation") for index, _ in model.outputs]


def deciding(decision: Decision, answers: Floats, labels: NDArray[np.int64]) -> Decision:
    """Return how the output that has the classes is read.

    Several units decide for the largest, whatever function they end in. One number without a sigmoid says
    yes or no: yes begins at 0, as logits have it, or at one half, as numbers trained towards 0 and 1 have it,
    where more of the pictures that put units in order are right.
    """
    if not len(labels):
        return decision
    if decision.n_units > 1:
        return Decision("classes", decision.n_units)
    if decision.kind != "number":
        return decision
    read = [Decision("yes_no", 1, (middle,)) for middle in (0.0, 0.5)]
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
