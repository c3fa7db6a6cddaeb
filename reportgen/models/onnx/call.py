"""An operator's view of one node: its inputs in the wanted form, its attributes, the layers' names.

Handles the layout of values and their alignment; `operators/` implements the operators.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from reportgen.errors import ModelError
from reportgen.keras_types import KerasLayer, Tensor
from reportgen.models.onnx.reading import widened
from reportgen.models.onnx.refusals import node_name
from reportgen.models.onnx.values import (
    BATCH,
    Array,
    SpaceToBatch,
    SplitChannels,
    Value,
    carries_batch,
    channels_last,
    count,
    inverse,
    live,
    target,
)

if TYPE_CHECKING:
    from onnx import NodeProto

    from reportgen.models.onnx.building import Builder

MIXING = "export the network without that step"
"""Hint for an operation that mixes pictures at any batch size."""


class Call:
    """One node about to be built.

    Attributes:
        node: Of the graph.
        inputs: Its values; None for those left out.
        version: The opset in which the operator's meaning last changed.
        keras, ops: The framework.
        builder: Of the whole graph.
    """

    def __init__(
        self, node: NodeProto, inputs: Sequence[Value | None], version: int, builder: Builder
    ) -> None:
        self.node = node
        self.inputs = list(inputs)
        self.version = version
        self.builder = builder
        self.keras = builder.keras
        self.ops = builder.keras.ops
        self._attributes = builder.attributes(node)

    # -- attributes and inputs

    def attr(self, name: str, default: Any = None) -> Any:
        """Return an attribute, texts as str."""
        return self._attributes.get(name, default)

    def has(self, index: int) -> bool:
        """Whether an input is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def value(self, index: int) -> Value:
        """Return a required input."""
        found = self.inputs[index] if index < len(self.inputs) else None
        if found is None:
            self.refuse(f"lacks its input {index}")
        return found

    def array(self, index: int) -> Array:
        """Return the numbers of a constant input."""
        array = self.value(index).array
        if array is None:
            self.refuse(
                f"computes its input {index} from the picture, wanted a constant",
                "export with fixed sizes, and without postprocessing",
            )
        return array

    def ints(self, index: int) -> list[int]:
        """Return the numbers of a constant input as a list of integers."""
        return [int(v) for v in np.ravel(self.array(index))]

    def listed(self, index: int, name: str) -> list[int] | None:
        """Return integers given as an attribute in older opsets and as an input in newer ones, or None."""
        if self.has(index):
            return self.ints(index)
        found = self.attr(name)
        return None if found is None else [int(v) for v in np.ravel(found)]

    def refuse(self, why: str, hint: str = "") -> NoReturn:
        """Raise an error that names the node and its operator."""
        raise ModelError(
            f'{self.builder.file_name}: node "{node_name(self.node)}" ({self.node.op_type}) {why}', hint=hint
        )

    def opened(self, side: int, own: int) -> int:
        """Return a written side, or the actual one where the written one is the file's batch size."""
        return own if carries_batch(own) and side == own // BATCH * self.builder.given_batch else side

    @property
    def batch_export_hint(self) -> str:
        """Hint for an operation that uses the batch size."""
        alone = self.builder.fixed_batch == 1
        return "export with a dynamic batch" if alone else "export with a batch of 1"

    def no_batch(self, side: int, doing: str) -> None:
        """Refuse an operation that would mix the pictures of a batch."""
        if carries_batch(side):
            self.refuse(f"{doing} the pictures of a batch, wanted each processed independently", MIXING)

    # -- tensors in an order of axes

    def plain(self, value: Value | int) -> Tensor:
        """Return a value in ONNX's own order of axes, an array if it is a constant."""
        value = self.value(value) if isinstance(value, int) else value
        if value.array is not None:
            return value.array
        return self.ordered(value, tuple(range(value.rank)))

    def ordered(self, value: Value, axes: tuple[int, ...]) -> Tensor:
        """Return a value with its tensor's axes in a wanted order."""
        if value.array is not None:
            return value.array.transpose(axes)
        value = self.materialised(value)
        if value.axes == axes:
            return value.tensor
        kept = self.builder.reordered
        key = (id(value), axes)
        if key not in kept:
            perm = tuple(value.axes.index(a) for a in axes)
            kept[key] = (value, self.transposed(value.tensor, perm))
        return kept[key][1]

    def materialised(self, value: Value) -> Value:
        """Return a value with all deferred steps carried out."""
        if value.flat is not None:
            plain = self.ordered(value.flat, tuple(range(value.flat.rank)))
            return live(self.ops.reshape(plain, target(value.shape)))
        if value.split_channels is not None:
            return self.turned(self._with_split_channels(value.split_channels), value.axes)
        if value.space_to_batch is not None:
            return self.turned(self._as_batch_of_blocks(value.space_to_batch), value.axes)
        if value.deferred is not None:
            kept = self.builder.built_deferred
            key = (id(value.deferred.build), value.deferred.cut)
            if key not in kept:
                kept[key] = (value.deferred, value.deferred.build(value.deferred.cut))
            return self.turned(kept[key][1], value.axes)
        return value

    def turned(self, value: Value, axes: tuple[int, ...]) -> Value:
        """Return a value whose axis i becomes axis `axes[i]`; its tensor is unchanged."""
        return self.relabelled(value, inverse(axes))

    def _with_split_channels(self, parted: SplitChannels) -> Value:
        whole, at = parted.whole, parted.channels
        shape = (*whole.shape[:at], *parted.sizes, *whole.shape[at + 1 :])
        return live(self.ops.reshape(self.ordered(whole, tuple(range(whole.rank))), target(shape)))

    def _as_batch_of_blocks(self, dealt: SpaceToBatch) -> Value:
        block = dealt.block
        n, c, height, width = dealt.whole.shape
        h, w = height // block, width // block
        parts = self.ops.reshape(self.last(dealt.whole), target((n, h, block, w, block, c)))
        parts = self.ops.transpose(parts, (2, 4, 0, 1, 3, 5))
        return self.map_out(self.ops.reshape(parts, target((n * block * block, h, w, c))))

    def transposed(self, tensor: Tensor, perm: tuple[int, ...]) -> Tensor:
        """Return a tensor with its axes permuted; by reshaping where only sides of 1 move."""
        sides = [int(s) for s in tensor.shape]
        moved = [p for p in perm if sides[p] != 1]
        if perm == tuple(range(len(perm))):
            return tensor
        if moved == sorted(moved):
            return self.ops.reshape(tensor, target(sides[p] for p in perm))
        return self.ops.transpose(tensor, perm)

    def last(self, value: Value | int) -> Tensor:
        """Return a map with its channels last."""
        value = self.value(value) if isinstance(value, int) else value
        return self.ordered(value, channels_last(value.rank))

    def held(self, value: Value | int) -> tuple[Tensor, tuple[int, ...]]:
        """Return a value's tensor in its own layout, with its axes."""
        value = self.value(value) if isinstance(value, int) else value
        if value.array is not None:
            return value.array, tuple(range(value.rank))
        value = self.materialised(value)
        return value.tensor, value.axes

    def map_out(self, tensor: Tensor) -> Value:
        """Return the value of a map stored channels last."""
        return live(tensor, channels_last(len(tensor.shape)))

    def aligned(self, values: Sequence[Value]) -> tuple[list[Any], tuple[int, ...]]:
        """Return values that broadcast against each other in a common order of axes, and that order."""
        rank = max(v.rank for v in values)
        materialised = [v if v.array is not None else self.materialised(v) for v in values]
        whole = [v for v in materialised if v.tensor is not None and v.rank == rank]
        lead = max(whole, key=lambda v: (count(v.shape), v.axes != tuple(range(rank))), default=None)
        axes = lead.axes if lead is not None else tuple(range(rank))
        return [self._aligned(v, rank, axes, lead is not None) for v in materialised], axes

    def _aligned(self, value: Value, rank: int, axes: tuple[int, ...], led: bool) -> Tensor:
        missing = rank - value.rank
        if value.array is not None:
            if value.array.size == 1 and led:
                return value.array.reshape(())
            return value.array.reshape((1,) * missing + value.shape).transpose(axes)
        if missing == 0:
            return self.ordered(value, axes)
        plain = self.plain(value)
        plain = self.ops.reshape(plain, (1,) * missing + target(value.shape))
        return self.transposed(plain, axes)

    def elementwise(self, function: Callable[..., Tensor], *values: Value) -> Value:
        """Return `function` of aligned values."""
        tensors, axes = self.aligned(values)
        return live(function(*tensors), axes)

    def unary(self, function: Callable[..., Tensor], index: int = 0) -> Value:
        """Return a function of one input, in its own layout."""
        tensor, axes = self.held(index)
        return live(function(tensor), axes)

    def layer(self, kind: str, /, *args: object, **kwargs: object) -> KerasLayer:
        """Return a Keras layer that computes in float32."""
        return getattr(self.keras.layers, kind)(*args, dtype="float32", **kwargs)

    def weighted(self, layer: KerasLayer, tensor: Tensor, weights: Sequence[Array]) -> Tensor:
        """Return a layer's output after setting its weights."""
        layer.build(tuple(tensor.shape))
        for variable, array in zip(layer.weights, weights, strict=True):
            if tuple(variable.shape) != tuple(array.shape):
                self.refuse(f"has weights of shape {array.shape}, wanted {tuple(variable.shape)}")
            variable.assign(widened(np.ascontiguousarray(array)).astype(np.float32))
        return layer(tensor)

    def relabelled(self, value: Value, perm: tuple[int, ...]) -> Value:
        """Return a transposed value; its tensor is unchanged."""
        back = inverse(perm)
        if value.space_to_batch is not None or value.deferred is not None or value.split_channels is not None:
            axes = tuple(back[a] for a in value.axes)
            return dataclasses.replace(value, shape=tuple(value.shape[p] for p in perm), axes=axes)
        value = self.materialised(value)
        return Value(
            tuple(value.shape[p] for p in perm),
            value.dtype,
            tensor=value.tensor,
            axes=tuple(back[a] for a in value.axes),
        )
