"""One channel of a layer for each picture, without computing the others.

The last convolution before a layer's units is the widest operation in most cuts, and each picture needs only
one of its channels: its own unit's. Walking back from the units through operations that work channel by
channel, the convolution is computed for that channel alone; before a depthwise convolution, so is the
convolution it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

from reportgen.activations import activation_called
from reportgen.keras_types import KerasLayer, Nest, Tensor
from reportgen.models.framework import keras_module
from reportgen.models.graph.kinds import IDENTITIES, POOLS
from reportgen.models.model import Node, Ref

Tensors = Mapping[Ref, Tensor]

_CHANNEL_BY_CHANNEL = POOLS | IDENTITIES | {"zero_padding2d", "cropping2d"}


@dataclass(frozen=True)
class SingleChannel:
    """How to compute one channel of a tensor.

    Attributes:
        needs: The tensors that are needed with all their channels.
        build: From these and the chosen channel's index for each picture, `(n, 1)`, the channel
            `(n, H, W, 1)` or `(n, 1)`.
    """

    needs: tuple[Ref, ...]
    build: Callable[[Tensors, Tensor], Tensor]


def single_channel_of(nodes: Sequence[Node], ref: Ref) -> SingleChannel | None:
    """Return how to compute one channel of a tensor without the others; None where that saves no work.

    Args:
        nodes: Of the model.
        ref: A tensor `(n, H, W, K)` or `(n, K)`.
    """
    node = nodes[ref[0]]
    operation = node.operation
    if len(node.inputs) == 2 and node.kind == "add" and not node.constants:
        return _sum(nodes, node)
    if len(node.inputs) != 1:
        return None
    if node.kind == "conv2d" and operation.groups == 1 and operation.data_format == "channels_last":
        return _by_layer(node.inputs[0], lambda: single_channel_layers().SingleConvolution(operation))
    if node.kind == "dense":
        return _by_layer(node.inputs[0], lambda: single_channel_layers().SingleNeuron(operation))
    if node.kind == "depthwise_conv2d" and operation.data_format == "channels_last":
        return _depthwise(nodes, node)
    if node.kind == "batch_normalization" and operation.axis in (-1, len(node.output_shapes[0]) - 1):
        inner = single_channel_of(nodes, node.inputs[0])
        if inner is None:
            return None
        before, scaled = inner, single_channel_layers().SingleScale(operation)
        return SingleChannel(inner.needs, lambda whole, choice: scaled([before.build(whole, choice), choice]))
    row = activation_called(node.function)
    alone = node.kind in _CHANNEL_BY_CHANNEL and not node.function if row is None else row.reach == "number"
    return _after(nodes, node) if alone else None


def _by_layer(source: Ref, layer: Callable[[], KerasLayer]) -> SingleChannel:
    made = layer()
    return SingleChannel((source,), lambda whole, choice: made([whole[source], choice]))


def _after(nodes: Sequence[Node], node: Node) -> SingleChannel | None:
    if getattr(node.operation, "weights", None):
        return None
    inner = single_channel_of(nodes, node.inputs[0])
    if inner is None:
        return None
    before = inner
    return SingleChannel(inner.needs, lambda whole, choice: node.call([before.build(whole, choice)])[0])


def _sum(nodes: Sequence[Node], node: Node) -> SingleChannel | None:
    parts = [single_channel_of(nodes, ref) for ref in node.inputs]
    shapes = {nodes[index].output_shapes[output] for index, output in node.inputs}
    if len(shapes) != 1 or all(part is None for part in parts):
        return None
    found = [p or _selected(ref) for p, ref in zip(parts, node.inputs, strict=True)]
    needs = tuple(dict.fromkeys(ref for part in found for ref in part.needs))
    return SingleChannel(
        needs, lambda whole, choice: found[0].build(whole, choice) + found[1].build(whole, choice)
    )


def _selected(source: Ref) -> SingleChannel:
    """Return the fallback that saves no work: one channel, selected from the whole tensor."""
    return _by_layer(source, lambda: single_channel_layers().SelectedChannel())


def _depthwise(nodes: Sequence[Node], node: Node) -> SingleChannel:
    operation, source = node.operation, node.inputs[0]
    inner = single_channel_of(nodes, source) or _selected(source)
    split = single_channel_layers().DepthwiseSource(operation)
    swept = single_channel_layers().SingleDepthwise(operation)

    def build(whole: Tensors, choice: Tensor) -> Tensor:
        return swept([inner.build(whole, split(choice)), choice])

    return SingleChannel(inner.needs, build)


@cache
def single_channel_layers() -> SimpleNamespace:
    """Return the layer classes by name; each uses the weights of the layer it replaces."""
    keras: Any = keras_module()
    ops = keras.ops

    class Substitute(keras.layers.Layer):  # type: ignore[misc]
        """Replaces a layer of the network, whose weights it uses without owning them."""

        def __init__(self, original: Any = None) -> None:
            super().__init__(trainable=False, dtype="float32")
            self.original = original

        def build(self, *_: object) -> None:
            self.built = True

        def compute_output_shape(self, shapes: Nest) -> Nest:
            """Return the shape of one channel, which Keras cannot infer for every tensor."""
            return (*self.original.compute_output_shape(shapes[0])[:-1], 1)

    class SelectedChannel(Substitute):
        """`(n, ..., K)` and `(n, 1)` to `(n, ..., 1)`."""

        def compute_output_shape(self, shapes: Nest) -> Nest:
            return (*shapes[0][:-1], 1)

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            return _select_channel(x, choice[:, 0])[..., None]

    class SingleNeuron(Substitute):
        """One unit of a dense layer."""

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            weights = ops.transpose(_taken(self.original.kernel, choice))
            if len(x.shape) == 2:
                found = ops.sum(x * weights, axis=-1, keepdims=True)
            else:
                places = "hw"[: len(x.shape) - 2]
                found = ops.einsum(f"n{places}c,nc->n{places}", x, weights)[..., None]
            return found + _bias(self.original, choice, len(x.shape))

    class SingleConvolution(Substitute):
        """One unit of a convolution: products at every place for each kernel position, then their sums."""

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            layer = self.original
            high, wide, sources, _ = layer.kernel.shape
            kernels = ops.transpose(_taken(layer.kernel, choice), (3, 2, 0, 1))
            weights = ops.reshape(kernels, (-1, sources, high * wide))
            height, width = x.shape[1], x.shape[2]
            products = ops.matmul(ops.reshape(x, (-1, height * width, sources)), weights)
            products = ops.reshape(products, (-1, height, width, high * wide))
            return _gathered(products, layer) + _bias(layer, choice, 4)

    class DepthwiseSource(Substitute):
        """The channel that a unit of a depthwise convolution reads."""

        def compute_output_spec(self, choice: Tensor) -> Tensor:
            return keras.KerasTensor(choice.shape, dtype=choice.dtype)

        def call(self, choice: Tensor) -> Tensor:
            return choice // self.original.depth_multiplier

    class SingleDepthwise(Substitute):
        """One unit of a depthwise convolution, from its one channel."""

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            layer = self.original
            high, wide, channels, times = layer.kernel.shape
            kernel = ops.reshape(layer.kernel, (high * wide, channels * times))
            weights = ops.transpose(_taken(kernel, choice))
            return _gathered(x * weights[:, None, None, :], layer) + _bias(layer, choice, 4)

    class SingleScale(Substitute):
        """BatchNormalization in inference mode, of one channel."""

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            layer, rank = self.original, len(x.shape)
            scale = 1.0 / ops.sqrt(_taken(layer.moving_variance, choice) + layer.epsilon)
            if layer.scale:
                scale = scale * _taken(layer.gamma, choice)
            shift = -_taken(layer.moving_mean, choice) * scale
            if layer.center:
                shift = shift + _taken(layer.beta, choice)
            return x * _wide(scale, rank) + _wide(shift, rank)

    def _taken(weights: Tensor, choice: Tensor) -> Tensor:
        """Return the chosen entries of the last axis, `(..., n)`."""
        return ops.cast(ops.take(weights, choice[:, 0], axis=-1), "float32")

    def _wide(values: Tensor, rank: int) -> Tensor:
        return ops.reshape(values, (-1,) + (1,) * (rank - 1))

    def _bias(layer: KerasLayer, choice: Tensor, rank: int) -> Tensor:
        return _wide(_taken(layer.bias, choice), rank) if layer.use_bias else 0.0

    def _gathered(products: Tensor, layer: KerasLayer) -> Tensor:
        """Return the sums of products `(n, h, w, places)`, each shifted to its position in the kernel."""
        high, wide = layer.kernel_size
        taken = ops.reshape(ops.eye(high * wide), (high, wide, high * wide, 1))
        return ops.conv(
            products, taken, strides=layer.strides, padding=layer.padding,
            data_format="channels_last", dilation_rate=layer.dilation_rate,
        )  # fmt: skip

    classes = (
        SelectedChannel,
        SingleNeuron,
        SingleConvolution,
        DepthwiseSource,
        SingleDepthwise,
        SingleScale,
    )
    for made in classes:
        made.__module__ = __name__
    return SimpleNamespace(**{made.__name__: made for made in classes})


def _select_channel(x: Tensor, units: Tensor) -> Tensor:
    """Return one channel for each picture of `(n, H, W, K)` or `(n, K)`: `(n, H, W)` or `(n,)`.

    Channels with values that are not finite do not affect the others.
    """
    ops = keras_module().ops
    mask = ops.one_hot(units, x.shape[-1], dtype="bool")
    mask = ops.reshape(mask, (-1, *(1,) * (len(x.shape) - 2), x.shape[-1]))
    return ops.sum(ops.where(mask, x, ops.zeros_like(x)), axis=-1)
