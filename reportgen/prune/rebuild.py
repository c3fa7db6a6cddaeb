"""The smaller network: every operation called again on fewer channels, as an ordinary Keras model.

With nothing removed it is the whole network, except that all layers that read channels have a bias: removal
is tried on that. Which channels are removed is decided elsewhere.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.keras_types import KerasLayer, Nest, Network, Operation, Tensor
from reportgen.models.framework import functional, keras_module
from reportgen.models.graph.kinds import UNIT_KINDS
from reportgen.prune.channels import Ref, groups_of, mixes
from reportgen.prune.decision import end_of
from reportgen.prune.label_rules import RESHAPES
from reportgen.prune.plain_operations import is_own, plain_operation
from reportgen.prune.weights import Floats, set_weights, sliced, weights_of

if TYPE_CHECKING:
    from reportgen.models import Model, Node
    from reportgen.prune.groups import Groups

_PICTURE = -1

_NAME = re.compile(r"[^A-Za-z0-9_.\-]")

Change = Callable[[int, Tensor], Tensor]
"""Takes a node and its input tensor, and returns the tensor that it reads instead."""


@dataclass
class Rebuilt:
    """A rebuilt network.

    Attributes:
        network: `keras.Model`, in the model's own range of values.
        layers: Each new layer with weights, by id of the operation that it was made from.
        held: For each input its constant value, None for the picture.
        keys: The keys of the original network's outputs, in their order; else empty.
    """

    network: Network
    layers: dict[int, KerasLayer] = field(default_factory=dict)
    held: tuple[Tensor, ...] = (None,)
    keys: tuple[str, ...] = ()

    def predicted(self, pictures: Floats, network: Network | None = None) -> list[Floats]:
        """Return the outputs of this network, or of another with its inputs, for a batch."""
        given = self.with_held(pictures)
        found = (network or self.network).predict_on_batch(given if len(given) > 1 else given[0])
        if isinstance(found, dict):
            found = [found[key] for key in self.keys]
        return [np.asarray(x) for x in (found if isinstance(found, (list, tuple)) else [found])]

    def as_read(self) -> Network:
        """Return the network with its outputs under the keys of the original one."""
        if not self.keys:
            return self.network
        outputs = dict(zip(self.keys, self.network.outputs, strict=True))
        return functional(alone(self.network.inputs), outputs, name=self.network.name)

    def with_held(self, pictures: Floats) -> list[Tensor]:
        """Return a batch for all inputs: the pictures, and the constant values of the others."""
        found = []
        for tensor, value in zip(self.network.inputs, self.held, strict=False):
            sides = [pictures.shape[i + 1] if s is None else s for i, s in enumerate(tensor.shape[1:])]
            whole = None if value is None else np.broadcast_to(np.asarray(value), (len(pictures), *sides))
            found.append(pictures if whole is None else whole.astype(str(tensor.dtype)))
        return found


def rebuilt(model: Model, groups: Groups, removed: Collection[int] = (), *,
            weights: Mapping[int, dict[str, Floats]] | None = None, change: Change | None = None,
            more_inputs: Collection[object] = (), logits: bool = False) -> Rebuilt:  # fmt: skip
    """Return the network without some of its groups.

    Args:
        model: The network.
        groups: What can be removed from it.
        removed: The groups to remove.
        weights: By id of an operation, whole weights to slice instead of its own.
        change: Replaces the inputs of layers with weights; for measuring.
        more_inputs: Further inputs that `change` takes.
        logits: Whether outputs come before the softmax or sigmoid that ends a classifier.

    Raises:
        ModelError: An operation does not exist in plain Keras.
    """
    building = _Building(model, groups, frozenset(removed), weights or {}, change, logits)
    for index in building.needed:
        building.add(index)
    own = building.inputs()
    inputs = [*(tensor for tensor, _ in own), *more_inputs]
    outputs = [building.tensors[ref] for ref in building.outputs]
    name = _NAME.sub("_", model.name).lstrip("_./-") or "network"
    network = functional(alone(inputs), alone(outputs), name=name)
    held = tuple(value for _, value in own)
    return Rebuilt(network, building.layers, held, () if logits else model.output_keys)


def alone(tensors: list[Tensor]) -> Nest:
    """Return tensors as Keras expects a network's inputs: a single one as it is, several as a list."""
    return tensors[0] if len(tensors) == 1 else tensors


class _Building:
    """A network that is being rebuilt, node by node."""

    def __init__(
        self,
        model: Model,
        groups: Groups,
        removed: frozenset[int],
        weights: Mapping[int, dict[str, Floats]],
        change: Change | None,
        logits: bool,
    ) -> None:
        self.model, self.groups, self.removed = model, groups, removed
        self.weights, self.change = weights, change
        self.tensors: dict[Ref, Tensor] = {}
        self.layers: dict[int, KerasLayer] = {}
        self.outputs = [end_of(model, ref).before if logits else ref for ref in model.outputs]
        self.needed = _needed(model, self.outputs)
        self._inputs: dict[int, tuple[Tensor, Tensor]] = {}
        self._taken: set[str] = set()
        self._fused = self._activations()

    def inputs(self) -> list[tuple[Tensor, Tensor]]:
        """Return the network's inputs in the order of its file, each with its constant value."""
        free = next(place for place in range(len(self._inputs)) if place not in self._inputs)
        placed = {free if place == _PICTURE else place: found for place, found in self._inputs.items()}
        return [placed[place] for place in sorted(placed)]

    def add(self, index: int) -> None:
        """Make the outputs of a node."""
        node = self.model.nodes[index]
        if node.kind in ("input", "held_input"):
            self.tensors[index, 0] = self._input(node)
            return
        given = [self.tensors[ref] for ref in node.inputs]
        if node.kind in UNIT_KINDS and self.change is not None and mixes(node):
            given[0] = self.change(index, given[0])
        if self._fused.get(index - 1) == index:
            found: object = given[0]  # The layer before it has this activation again.
        elif id(node.operation) in self.layers:
            found = node.call(given, self.layers[id(node.operation)])
        elif node.kind in UNIT_KINDS:
            found = self._with_units(index, node, given[0])
        else:
            found = self._without_units(index, node, given)
        for output, tensor in enumerate(found if isinstance(found, (list, tuple)) else [found]):
            self.tensors[index, output] = tensor

    def _activations(self) -> dict[int, int]:
        """Return the layers that get back their activation, which was split off as the node after them.

        Activations that are layers with weights stay separate, as do those whose input is an output.
        """
        nodes, alone, found = self.model.nodes, set(), {}
        for index, (node, after) in enumerate(itertools.pairwise(nodes)):
            if node.kind in UNIT_KINDS and after.name == f"{node.name}/activation":
                found[index] = index + 1
                plain = isinstance(after.operation, keras_module().layers.Activation)
                plain = plain and not is_own(after.operation.activation)
                if not plain or (index, 0) in self.outputs:
                    alone.add(id(node.operation))
        return {i: after for i, after in found.items() if id(nodes[i].operation) not in alone}

    def _input(self, node: Node) -> Tensor:
        """Return an input; `held1` is the file's second input, the picture the one without a value."""
        keras, layer = keras_module(), node.operation
        if node.kind == "input":
            tensor = keras.Input(self.model.input_shape, dtype="float32", name=self._name(node.name))
            self._inputs[_PICTURE] = (tensor, None)
            return tensor
        tensor = keras.Input(layer.shape, dtype=layer.of_type, name=self._name(node.name))
        self._inputs[int(re.sub(r"\D", "", layer.name))] = (tensor, layer.value)
        return tensor

    def _name(self, name: str) -> str:
        plain = _NAME.sub("_", name).lstrip("_./-") or "layer"
        unique, n = plain, 1
        while unique in self._taken:
            n += 1
            unique = f"{plain}_{n}"
        self._taken.add(unique)
        return unique

    def _kept(self, ref: Ref) -> np.ndarray:
        return self.groups.kept_channels(ref, self.removed)

    def _row(self, ref: Ref) -> Tensor:
        """Return `(C,)`, which channels of a tensor are kept."""
        kept = self._kept(ref)
        return kept.reshape(-1, kept.shape[-1])[0]

    def _with_units(self, index: int, node: Node, given: Nest) -> Tensor:
        before, after = self._row(node.inputs[0]), self._row((index, 0))
        config = dict(node.operation.get_config())
        own = self.weights.get(id(node.operation)) or weights_of(node.operation)
        config["name"] = self._name(node.name)
        config["activation"] = self._activation(index)
        config["use_bias"] = "bias" in own
        width = "units" if node.kind == "dense" else "filters"
        if node.kind != "depthwise_conv2d":
            config[width] = int(after.sum())
        if groups_of(node) > 1:
            config["groups"] = round(groups_of(node) * int(before.sum()) / len(before))
        layer = _made(type(node.operation), config)
        made = layer(given)
        set_weights(layer, sliced(node.kind, node.operation, own, before, after))
        self.layers[id(node.operation)] = layer
        return made

    def _activation(self, index: int) -> Operation:
        after = self._fused.get(index)
        return "linear" if after is None else self.model.nodes[after].operation.activation

    def _without_units(self, index: int, node: Node, given: list[Tensor]) -> Tensor:
        keras = keras_module()
        if node.kind == "flatten" and isinstance(node.operation, keras.layers.Flatten):
            return keras.layers.Flatten(name=self._name(node.name))(given[0])
        kept: Tensor = self._kept((index, 0)) if (index, 0) in self.groups.channels.labels else None
        whole = kept is None or bool(kept.all())
        if node.kind in RESHAPES and not whole:
            every = np.broadcast_to(kept, [int(side or 0) for side in node.output_shapes[0][1:]])
            axes = range(every.ndim)
            sides = [int(every.any(axis=tuple(a for a in axes if a != axis)).sum()) for axis in axes]
            return keras.layers.Reshape(sides, name=self._name(node.name))(given[0])
        if isinstance(node.operation, keras.Layer):
            return self._layer(node, given, None if whole else self._row((index, 0)))
        if not whole and any(_is_by_channel(c, self._row((index, 0))) for c in node.constants):
            return self._with_constants(node, given[0], self._row((index, 0)))
        return node.call(given) if len(node.output_shapes) > 1 else node.call(given)[0]

    def _layer(self, node: Node, given: list[Tensor], kept: Tensor) -> Tensor:
        """Call a new copy of a layer without units; weights with a number for each channel are sliced."""
        layer = plain_operation(node, self._name(node.name), self.model.file_name)
        if not isinstance(layer, keras_module().Layer):
            return layer(*given)
        made = node.call(given, layer)
        width = 0 if kept is None else len(kept)
        before = node.operation.weights  # Empty for an activation that was never called.
        for variable, own in zip(layer.weights, before, strict=bool(before)):
            value = np.asarray(own.numpy())
            variable.assign(value[..., kept] if width and value.shape[-1:] == (width,) else value)
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()  # Derives the layer's state from its weights.
        if layer.weights:
            self.layers[id(node.operation)] = layer
        return made if len(node.output_shapes) > 1 else made[0]

    def _with_constants(self, node: Node, tensor: Tensor, kept: Tensor) -> Tensor:
        """Call an operation on a tensor and constants, without the constants of removed channels."""
        constants = [np.asarray(c)[..., kept] if _is_by_channel(c, kept) else c for c in node.constants]
        order = node.pattern.split(" ")[0]
        waiting = iter(constants)
        return getattr(keras_module().ops, node.kind)(*(tensor if p == "t" else next(waiting) for p in order))


def _is_by_channel(constant: Any, kept: Tensor) -> bool:
    """Whether a constant has a number for each channel."""
    return tuple(getattr(constant, "shape", ()))[-1:] == (len(kept),)


def _made(kind: Any, config: dict[str, Any]) -> KerasLayer:
    """Return a layer of a configuration; its weights are set later, so that initialisers do not matter."""
    for key in ("kernel_initializer", "bias_initializer", "depthwise_initializer", "pointwise_initializer"):
        if key in config:
            config[key] = "zeros"
    return kind.from_config(config)


def _needed(model: Model, outputs: Sequence[Ref]) -> list[int]:
    needed = {index for index, node in enumerate(model.nodes) if node.kind == "input"}
    stack = [index for index, _ in outputs]
    while stack:
        index = stack.pop()
        if index not in needed:
            needed.add(index)
            stack.extend(i for i, _ in model.nodes[index].inputs)
    return sorted(needed)
