"""From a Keras model to a flat list of nodes: nested models inlined, fused activations split off.

Follows the calls that Keras records of its operations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from reportgen.keras_types import Network, Operation, Tensor
from reportgen.models.framework import keras_module
from reportgen.models.graph.kinds import SHAPE_ONLY, UNIT_KINDS, activation_name, function_of, kind_of
from reportgen.models.keras.calls import (
    as_dense,
    as_group_normalization,
    is_model,
    own_name,
    recorded_training,
    unwrapped,
    with_training,
)
from reportgen.models.model import Node, Ref


def flatten(
    model: Network, names: Mapping[str, str] | None = None
) -> tuple[tuple[Node, ...], tuple[Ref, ...]]:
    """Return the nodes of a built functional or sequential model with one input, and its outputs.

    The first node is the input. The layers are changed in one way: fused activations of layers with units
    become `linear`, since each becomes a separate node.

    Args:
        model: A Keras model.
        names: True names of operations, by their names in Keras; others keep theirs.
    """
    flat = _Flattening(names or {})
    name = model.inputs[0].name
    flat.add("input", flat.true_names.get(name, name), None, (), _no_call, [model.inputs[0]])
    outputs = flat.walk(model, [(0, 0)], "")
    return flat.named(), tuple(outputs)


class _Flattening:
    """The nodes found so far, and the names they took."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.nodes: list[Node] = []
        self.true_names = names
        self._fused: dict[int, object] = {}
        self._instead: dict[tuple[int, bool], object] = {}

    def add(
        self,
        kind: str,
        name: str,
        operation: Operation,
        inputs: Sequence[Ref],
        call: Callable[..., tuple[Tensor, ...]],
        outputs: Sequence[Tensor],
        constants: Sequence[Tensor] = (),
        pattern: str = "t",
        training: bool = False,
    ) -> int:
        """Append a node, named as in the model, and return its index."""
        depends = kind not in SHAPE_ONLY and any(self.nodes[index].depends_on_picture for index, _ in inputs)
        node = Node(
            name=name,
            kind=kind,
            operation=operation,
            inputs=tuple(inputs),
            call=call,
            output_shapes=tuple(tuple(t.shape) for t in outputs),
            function=function_of(operation) if operation is not None else "",
            constants=tuple(constants),
            pattern=pattern,
            training=training,
            depends_on_picture=kind == "input" or depends,
        )
        self.nodes.append(node)
        return len(self.nodes) - 1

    def named(self) -> tuple[Node, ...]:
        """Return the nodes with unique names; calls that depend on the picture get their own name first."""
        taken: set[str] = set()
        names: dict[int, str] = {}
        for index in sorted(range(len(self.nodes)), key=lambda i: not self.nodes[i].depends_on_picture):
            wanted = self.nodes[index].name or f"{names[index - 1]}/activation"
            names[index] = _unique(wanted, taken)
        return tuple(dataclasses.replace(node, name=names[index]) for index, node in enumerate(self.nodes))

    def walk(
        self, model: Network, inputs: Sequence[Ref], prefix: str, training: bool | None = None
    ) -> list[Ref]:
        """Add all calls between a model's inputs and outputs; return where its outputs are.

        Args:
            model: Built, functional or sequential.
            inputs: Where its inputs are.
            prefix: What its operations' names begin with.
            training: The flag it is called with.
        """
        known: dict[int, Ref] = {id(t): ref for t, ref in zip(model.inputs, inputs, strict=True)}
        for record in recorded_calls(model.inputs, model.outputs):
            refs = [known[id(t)] for t in record.input_tensors]
            found = self._enter(record, refs, prefix, recorded_training(record, training))
            known.update({id(t): ref for t, ref in zip(record.outputs, found, strict=True)})
        return [known[id(t)] for t in model.outputs]

    def _enter(self, record: Network, refs: list[Ref], prefix: str, training: bool | None) -> list[Ref]:
        operation, own = record.operation, own_name(record.operation)
        name = prefix + self.true_names.get(own, own)
        if is_model(operation):
            return self.walk(operation, refs, name + "/", training)
        if isinstance(operation, keras_module().layers.Pipeline):
            return self.walk(_as_model(operation, record), refs, name + "/", training)
        operation = self._as_recorded(record, training)
        kind = kind_of(operation)
        activation = self._split(operation, kind)
        constants, pattern = _constants(record)
        call = _call_of(record, operation)
        at = self.add(kind, name, operation, refs, call, record.outputs, constants, pattern, bool(training))
        if activation is None:
            return [(at, i) for i in range(len(record.outputs))]
        # The empty name is replaced in `named` by that of the node before it.
        after = self.add(
            kind_of(activation), "", activation, [(at, 0)], _plain_call(activation), record.outputs
        )
        return [(after, 0)]

    def _as_recorded(self, record: Network, training: bool | None) -> Network:
        """Return the layer that computes a recorded call, the same one for all calls of one layer."""
        operation = unwrapped(record.operation)
        key = (id(operation), bool(training))
        if key not in self._instead:
            shape = record.input_tensors[0].shape if record.input_tensors else ()
            does = as_group_normalization(operation, shape) if training else operation
            self._instead[key] = as_dense(does, shape)
        return self._instead[key]

    def _split(self, operation: Operation, kind: str) -> Operation:
        """Return the activation of a layer with units as an operation, and make the layer linear."""
        if kind not in UNIT_KINDS:
            return None
        if id(operation) not in self._fused:
            activation = getattr(operation, "activation", None)
            self._fused[id(operation)] = _as_layer(activation)
            operation.activation = keras_module().activations.linear
        return self._fused[id(operation)]


def _unique(name: str, taken: set[str]) -> str:
    unique, n = name, 1
    while unique in taken:
        n += 1
        unique = f"{name}#{n}"
    taken.add(unique)
    return unique


def _as_layer(activation: object) -> Operation:
    if activation_name(activation) == "linear":
        return None
    keras = keras_module()
    if isinstance(activation, keras.Operation):
        return activation
    return keras.layers.Activation(activation, dtype="float32")


def recorded_calls(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], known: Collection[int] = ()
) -> Iterator[Operation]:
    """Yield the recorded calls that lead from inputs to outputs, each after all it depends on.

    The walk back ends at `inputs`, and at operations whose ids are `known`.
    """
    stop = {id(t) for t in inputs}
    seen: set[int] = set()
    stack: list[tuple[Tensor, bool]] = [(t, False) for t in reversed(outputs)]
    while stack:
        item, ready = stack.pop()
        if ready:
            yield item
            continue
        if id(item) in stop:
            continue
        operation, at, _ = item._keras_history
        if id(operation) in known:
            continue
        record = operation._inbound_nodes[at]
        if id(record) in seen:
            continue
        seen.add(id(record))
        stack.append((record, True))
        stack.extend((t, False) for t in reversed(record.input_tensors))


def _call_of(record: Network, operation: Operation) -> Callable[..., tuple[Tensor, ...]]:
    """Return a function that repeats the recorded call on other tensors, with training off.

    Its argument `instead` is another operation to call in the same way.
    """
    tensors, flat = list(record.input_tensors), keras_module().tree.flatten

    def call(values: Sequence[Tensor], instead: Operation | None = None) -> tuple[Tensor, ...]:
        called = operation if instead is None else instead
        filled = {id(t): v for t, v in zip(tensors, values, strict=True)}
        args, kwargs = record.arguments.fill_in(filled)
        return tuple(flat(called(*args, **with_training(called, kwargs, False))))

    return call


def _plain_call(operation: Operation) -> Callable[..., tuple[Tensor, ...]]:
    def call(values: Sequence[Tensor], instead: Operation | None = None) -> tuple[Tensor, ...]:
        return ((operation if instead is None else instead)(values[0]),)

    return call


def _no_call(values: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(values)


def _as_model(pipeline: Network, record: Network) -> Network:
    """Return the layers of a pipeline as a sequential model in inference mode."""
    keras = keras_module()
    (tensor,) = record.input_tensors
    first = x = keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype)
    for layer in pipeline.layers:
        x = layer(x, **with_training(layer, {}, False))
    return keras.Model(first, x)


def _constants(record: Network) -> tuple[list[Tensor], str]:
    """Return the arguments of a call that are not tensors, and the order of all arguments."""
    keras = keras_module()
    flat = keras.tree.flatten((record.arguments.args, record.arguments.kwargs))
    constants = [a for a in flat if not isinstance(a, keras.KerasTensor)]
    order = "".join("t" if isinstance(a, keras.KerasTensor) else "c" for a in flat)
    return constants, order + "".join(f" {keyword}" for keyword in sorted(record.arguments.kwargs))
