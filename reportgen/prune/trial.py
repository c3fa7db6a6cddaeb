"""The network on which removal is tried: it keeps its width, but removed channels get zero weights.

One network computes outputs, with new weights for each choice of units: exactly what the smaller file will
compute, without building it each time. The other has a gate wherever channels are read; one gradient with
respect to the gates gives the effect of every unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.keras_types import KerasLayer, Nest, Network, Operation, Tensor
from reportgen.models.framework import functional, keras_module
from reportgen.prune.channel_gate import gate_class
from reportgen.prune.decision import Decision
from reportgen.prune.groups import Groups, Reader
from reportgen.prune.rebuild import alone, rebuilt
from reportgen.prune.weights import Floats, Refit, refitted, set_weights, weights_of

if TYPE_CHECKING:
    from reportgen.models import Model

Pictures = NDArray[np.uint8]


class Trial:
    """A network whose units can be removed and restored repeatedly.

    Args:
        model: The network.
        groups: What can be removed from it.
        batch: Pictures run at once.
    """

    def __init__(self, model: Model, groups: Groups, batch: int) -> None:
        self.model, self.groups, self.batch = model, groups, batch
        self.own = {id(self._operation(r)): _with_bias(self._operation(r)) for r in groups.readers}
        self._free = rebuilt(model, groups, weights=self.own, logits=True)
        self._gated: Network = None
        self._gates: list[KerasLayer] = []
        self._passes: dict[str, Callable[..., Nest]] = {}
        self._refits: Mapping[int, Refit] = {}

    def _operation(self, reader: Reader) -> Any:
        return self.model.nodes[reader.nodes[0]].operation

    def operation_of(self, number: int) -> int:
        """Return the id of the operation of a reader, given by its number."""
        return id(self._operation(self.groups.readers[number]))

    def weights(self, refits: Mapping[int, Refit]) -> dict[int, dict[str, Floats]]:
        """Return the whole weights of all readers, by id of their operation, refitted where given."""
        found = {}
        for number, reader in enumerate(self.groups.readers):
            operation = self._operation(reader)
            own = self.own[id(operation)]
            kind = self.model.nodes[reader.nodes[0]].kind
            refit = refits.get(number)
            found[id(operation)] = own if refit is None else refitted(kind, operation, own, refit)
        return found

    def apply(self, refits: Mapping[int, Refit]) -> None:
        """Set the weights of readers, by number, according to refits; all others get their own weights."""
        self._refits = refits
        for operation, values in self.weights(refits).items():
            set_weights(self._free.layers[operation], values)
            if self._gated is not None:
                set_weights(self._gated.layers[operation], values)

    def outputs(self, pictures: Pictures) -> list[Floats]:
        """Return each output, `(n, ..., K)`, before a softmax or sigmoid."""
        parts = []
        for some, n in self._batches(pictures):
            parts.append([x[:n] for x in self._free.predicted(some)])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def read(self, pictures: Pictures) -> Any:
        """Yield for each batch the inputs of readers: for each the tensors of its calls, `(n, ..., C)`."""
        network = self._reading()
        for some, n in self._batches(pictures):
            arrays = iter(self._free.predicted(some, network))
            yield [[next(arrays)[:n] for _ in reader.refs] for reader in self.groups.readers]

    def effects(self, pictures: Pictures, decisions: Sequence[Decision], chosen: Sequence[NDArray[np.int64]],
                directions: Mapping[int, tuple[Floats, Floats]], seed: int) -> Floats:  # fmt: skip
        """Return `(n, G)`: the first-order effect of each unit's unique part on each picture's decision.

        Args:
            pictures: `(n, h, w, c)`.
            decisions: How outputs are read.
            chosen: For each output `(n, places)`, the whole network's decisions.
            directions: For each reader, by its number, `(C, C)` and `(P, C)`: unique parts are the columns of
                `(x - second) @ first`.
            seed: Of the signs of places.
        """
        network = self._with_gates()
        self._direct(directions)
        chance, found = np.random.default_rng(seed), []
        for start in range(0, len(pictures), self.batch):
            some, n = _padded(pictures[start : start + self.batch], self.batch)
            own = [_padded(c[start : start + self.batch], self.batch)[0] for c in chosen]
            signs = [chance.choice([-1, 1], size=c.shape).astype(np.float32) for c in own]
            signs = [np.ones_like(s) if s.shape[1] == 1 and len(signs) == 1 else s for s in signs]
            run = self._compiled(network, decisions, [c.shape for c in own])
            gradient = run(*self._free.with_held(self._scaled(some)), *own, *signs)
            found.append(np.asarray(gradient)[:n, : len(self.groups)])
        return np.concatenate(found)

    def gated_outputs(self, pictures: Pictures, gates: Floats,
                      directions: Mapping[int, tuple[Floats, Floats]]) -> list[Floats]:  # fmt: skip
        """Return each output when every picture has its own gates.

        Args:
            pictures: `(n, h, w, c)`.
            gates: `(n, G)`: 1 for a unit that is kept, 0 for one that the others replace.
            directions: As for `effects`; if empty, those of the last call.
        """
        network, parts = self._with_gates(), []
        self._direct(directions)
        for start in range(0, len(pictures), self.batch):
            some, n = _padded(pictures[start : start + self.batch], self.batch)
            own, _ = _padded(gates[start : start + self.batch], self.batch)
            whole = np.concatenate([own, np.ones((self.batch, 1))], axis=1).astype(np.float32)
            found = network.predict_on_batch([*self._free.with_held(self._scaled(some)), whole])
            outputs = found if isinstance(found, (list, tuple)) else [found]
            parts.append([np.asarray(x)[:n] for x in outputs])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _direct(self, directions: Mapping[int, tuple[Floats, Floats]]) -> None:
        """Set the unique parts of the channels of every gate."""
        for number, (matrix, centre) in directions.items():
            for gate in self._gates[number]:
                gate.set(matrix, centre)

    def _compiled(
        self, network: Network, decisions: Sequence[Decision], shapes: Sequence[tuple[int, ...]]
    ) -> Any:
        key = str([(d, s) for d, s in zip(decisions, shapes, strict=True)])
        if key not in self._passes:
            from reportgen.render.backend import backend  # Imports Keras, which is slow.

            n_inputs = len(network.inputs) - 1
            ops = keras_module().ops

            def gradient(*arrays: Tensor) -> Nest:
                inputs, rest = [ops.convert_to_tensor(a) for a in arrays[:n_inputs]], arrays[n_inputs:]
                own, signs = rest[: len(decisions)], rest[len(decisions) :]

                def objective(gates: Tensor) -> tuple[Tensor, Tensor]:
                    found = network([*inputs, gates], training=False)
                    outputs = found if isinstance(found, (list, tuple)) else [found]
                    each = [d.objective(*x) for d, x in
                            zip(decisions, zip(outputs, own, signs, strict=True), strict=True)]  # fmt: skip
                    return sum(each[1:], each[0]), ()

                gates = ops.ones((self.batch, len(self.groups) + 1), dtype="float32")
                return backend().value_and_gradient(objective, gates)[1]

            axes = [0] * (n_inputs + 2 * len(decisions))
            self._passes[key] = backend().compiled(gradient, network, axes, 0)
        return self._passes[key]

    def _with_gates(self) -> Network:
        """Return the network with a gate before every reader, built on first use."""
        if self._gated is None:
            keras = keras_module()
            gates = keras.Input((len(self.groups) + 1,), dtype="float32", name="gates")
            number = {index: i for i, r in enumerate(self.groups.readers) for index in r.nodes}
            self._gates = [[] for _ in self.groups.readers]

            def gated(index: int, tensor: Tensor) -> Tensor:
                if index not in number:
                    return tensor
                reader = self.groups.readers[number[index]]
                gate = gate_class()(reader.groups, reader.places, len(self.groups))
                self._gates[number[index]].append(gate)
                return gate([tensor, gates])

            self._gated = rebuilt(self.model, self.groups, weights=self.weights(self._refits), change=gated,
                                  more_inputs=[gates], logits=True)  # fmt: skip
        return self._gated.network

    def _reading(self) -> Network:
        if "read" not in self._passes:
            taken: dict[int, Tensor] = {}

            def recorded(index: int, tensor: Tensor) -> Tensor:
                taken[index] = tensor
                return tensor

            made = rebuilt(self.model, self.groups, weights=self.own, change=recorded, logits=True)
            tensors = [taken[index] for reader in self.groups.readers for index in reader.nodes]
            self._passes["read"] = functional(alone(made.network.inputs), tensors)
        return self._passes["read"]

    def _batches(self, pictures: Pictures) -> Any:
        for start in range(0, len(pictures), self.batch):
            some, n = _padded(pictures[start : start + self.batch], self.batch)
            yield self._scaled(some), n

    def _scaled(self, pictures: Pictures) -> Floats:
        """Return pictures in the model's own range and order of channels."""
        return in_range(pictures, self.model)


def in_range(pictures: Pictures, model: Model) -> Floats:
    """Return `(n, h, w, c)` uint8 pictures in a model's own range of values and order of channels."""
    unit = pictures.astype(np.float32) / np.float32(255)
    if model.input_range.order == "bgr":
        unit = unit[..., ::-1]
    low, high = (np.asarray(end, np.float32) for end in (model.input_range.low, model.input_range.high))
    return np.asarray(low + unit * (high - low), np.float32)


def _with_bias(operation: Operation) -> dict[str, Floats]:
    """Return a layer's weights, with a bias of zeros if it has none."""
    found = weights_of(operation)
    if "bias" not in found:
        name = "units" if hasattr(operation, "units") else "filters"
        found["bias"] = np.zeros(int(getattr(operation, name)), np.float32)
    return found


def _padded(rows: np.ndarray, batch: int) -> tuple[np.ndarray, int]:
    """Return rows padded to a whole batch by repeating the last, and the original number of rows."""
    n = len(rows)
    return (rows if n == batch else np.concatenate([rows, np.repeat(rows[-1:], batch - n, axis=0)])), n
