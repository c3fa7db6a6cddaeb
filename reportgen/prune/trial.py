"""The network that removal is tried on: whole, but reading some channels through others.

One network answers, with weights set anew for each choice of units: exactly what the smaller file will
compute, without being built for each. The other has a gate at every place where channels are read, and tells
by one gradient what each unit alone is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.keras_types import KerasLayer, Nest, Network, Operation, Tensor
from reportgen.models.framework import functional, keras_module
from reportgen.prune.decision import Decision
from reportgen.prune.gate import gate_class
from reportgen.prune.groups import Groups, Reader
from reportgen.prune.rebuild import alone, rebuilt
from reportgen.prune.weights import Floats, Refit, refitted, set_weights, weights_of

if TYPE_CHECKING:
    from reportgen.models import Model

Pictures = NDArray[np.uint8]


class Trial:
    """A network some of whose units can be taken away, again and again.

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
        """Return the id of the operation that a reader, by its number, is."""
        return id(self._operation(self.groups.readers[number]))

    def weights(self, refits: Mapping[int, Refit]) -> dict[int, dict[str, Floats]]:
        """Return by id of an operation the whole weights of readers, those given refitted."""
        found = {}
        for number, reader in enumerate(self.groups.readers):
            operation = self._operation(reader)
            own = self.own[id(operation)]
            kind = self.model.nodes[reader.nodes[0]].kind
            refit = refits.get(number)
            found[id(operation)] = own if refit is None else refitted(kind, operation, own, refit)
        return found

    def take(self, refits: Mapping[int, Refit]) -> None:
        """Let readers, by their number, read as refits say, all others as they were."""
        self._refits = refits
        for operation, values in self.weights(refits).items():
            set_weights(self._free.layers[operation], values)
            if self._gated is not None:
                set_weights(self._gated.layers[operation], values)

    def answers(self, pictures: Pictures) -> list[Floats]:
        """Return what each output answers, `(n, ..., K)`, before a softmax or sigmoid."""
        parts = []
        for some, n in self._batches(pictures):
            parts.append([x[:n] for x in self._free.predicted(some)])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def read(self, pictures: Pictures) -> Any:
        """Yield for each batch what readers read: for each the tensors of its calls, `(n, ..., C)`."""
        network = self._reading()
        for some, n in self._batches(pictures):
            arrays = iter(self._free.predicted(some, network))
            yield [[next(arrays)[:n] for _ in reader.refs] for reader in self.groups.readers]

    def effects(self, pictures: Pictures, decisions: Sequence[Decision], chosen: Sequence[NDArray[np.int64]],
                directions: Mapping[int, tuple[Floats, Floats]], seed: int) -> Floats:  # fmt: skip
        """Return `(n, G)`: how far each picture's decision hangs on what a unit says alone, to first order.

        Args:
            pictures: `(n, h, w, c)`.
            decisions: How outputs are read.
            chosen: For each output `(n, places)`, what the whole network decides.
            directions: For each reader, by its number, `(C, C)` and `(P, C)`: what a unit alone says is its
                column of `(x - second) @ first`.
            seed: Of the signs of places.
        """
        network = self._with_gates()
        self._direct(directions)
        chance, found = np.random.default_rng(seed), []
        for start in range(0, len(pictures), self.batch):
            some, n = _filled(pictures[start : start + self.batch], self.batch)
            own = [_filled(c[start : start + self.batch], self.batch)[0] for c in chosen]
            signs = [chance.choice([-1, 1], size=c.shape).astype(np.float32) for c in own]
            signs = [np.ones_like(s) if s.shape[1] == 1 and len(signs) == 1 else s for s in signs]
            run = self._compiled(network, decisions, [c.shape for c in own])
            gradient = run(*self._free.with_held(self._scaled(some)), *own, *signs)
            found.append(np.asarray(gradient)[:n, : len(self.groups)])
        return np.concatenate(found)

    def answers_gated(self, pictures: Pictures, gates: Floats,
                      directions: Mapping[int, tuple[Floats, Floats]]) -> list[Floats]:  # fmt: skip
        """Return what each output answers where each picture has gates of its own.

        Args:
            pictures: `(n, h, w, c)`.
            gates: `(n, G)`: 1 where a unit is there, 0 where the others stand in for it.
            directions: As for `effects`; those of before where empty.
        """
        network, parts = self._with_gates(), []
        self._direct(directions)
        for start in range(0, len(pictures), self.batch):
            some, n = _filled(pictures[start : start + self.batch], self.batch)
            own, _ = _filled(gates[start : start + self.batch], self.batch)
            whole = np.concatenate([own, np.ones((self.batch, 1))], axis=1).astype(np.float32)
            found = network.predict_on_batch([*self._free.with_held(self._scaled(some)), whole])
            outputs = found if isinstance(found, (list, tuple)) else [found]
            parts.append([np.asarray(x)[:n] for x in outputs])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _direct(self, directions: Mapping[int, tuple[Floats, Floats]]) -> None:
        """Say at every gate what its channels tell alone."""
        for number, (matrix, centre) in directions.items():
            for gate in self._gates[number]:
                gate.set(matrix, centre)

    def _compiled(
        self, network: Network, decisions: Sequence[Decision], shapes: Sequence[tuple[int, ...]]
    ) -> Any:
        key = str([(d, s) for d, s in zip(decisions, shapes, strict=True)])
        if key not in self._passes:
            from reportgen.render.backend import backend  # Imports Keras, which takes its time.

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
        """Return the network with a gate before every reader, made when it is first asked for."""
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

            def noted(index: int, tensor: Tensor) -> Tensor:
                taken[index] = tensor
                return tensor

            made = rebuilt(self.model, self.groups, weights=self.own, change=noted, logits=True)
            tensors = [taken[index] for reader in self.groups.readers for index in reader.nodes]
            self._passes["read"] = functional(alone(made.network.inputs), tensors)
        return self._passes["read"]

    def _batches(self, pictures: Pictures) -> Any:
        for start in range(0, len(pictures), self.batch):
            some, n = _filled(pictures[start : start + self.batch], self.batch)
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
    """Return a layer's weights, with a bias of zeros where it has none."""
    found = weights_of(operation)
    if "bias" not in found:
        name = "units" if hasattr(operation, "units") else "filters"
        found["bias"] = np.zeros(int(getattr(operation, name)), np.float32)
    return found


def _filled(rows: np.ndarray, batch: int) -> tuple[np.ndarray, int]:
    """Return rows, the last repeated up to a whole batch, and how many there were."""
    n = len(rows)
    return (rows if n == batch else np.concatenate([rows, np.repeat(rows[-1:], batch - n, axis=0)])), n
