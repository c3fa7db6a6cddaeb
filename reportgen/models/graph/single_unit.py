"""One channel of a layer for each picture, without computing the others.

The last convolution before a layer's units is the widest thing in most cuts, and of its channels a
picture needs one: its own unit's. Walking back from the units through what works channel by channel, the
convolution is carried out for that channel alone; before a depthwise one, so is the one it reads. What
units are for, and how they are chosen, is not known here.
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
class Choice:
    """How one channel of a tensor is come by.

    Attributes:
        needs: The tensors that are needed whole.
        build: From these and a choice `(n, 1)`, indices, the channel `(n, H, W, 1)` or `(n, 1)`.
    """

    needs: tuple[Ref, ...]
    build: Callable[[Tensors, Tensor], Tensor]


def choice_of(nodes: Sequence[Node], ref: Ref) -> Choice | None:
    """Return how one channel of a tensor is come by without the others; None where that saves nothing.

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
        return _by_layer(node.inputs[0], lambda: chosen_layers().ChosenConvolution(operation))
    if node.kind == "dense":
        return _by_layer(node.inputs[0], lambda: chosen_layers().ChosenNeuron(operation))
    if node.kind == "depthwise_conv2d" and operation.data_format == "channels_last":
        return _depthwise(nodes, node)
    if node.kind == "batch_normalization" and operation.axis in (-1, len(node.output_shapes[0]) - 1):
        inner = choice_of(nodes, node.inputs[0])
        if inner is None:
            return None
        before, scaled = inner, chosen_layers().ChosenScale(operation)
        return Choice(inner.needs, lambda whole, choice: scaled([before.build(whole, choice), choice]))
    row = activation_called(node.function)
    alone = node.kind in _CHANNEL_BY_CHANNEL and not node.function if row is None else row.reach == "number"
    return _after(nodes, node) if alone else None


def _by_layer(source: Ref, layer: Callable[[], KerasLayer]) -> Choice:
    made = layer()
    return Choice((source,), lambda whole, choice: made([whole[source], choice]))


def _after(nodes: Sequence[Node], node: Node) -> Choice | None:
    if getattr(node.operation, "weights", None):
        return None
    inner = choice_of(nodes, node.inputs[0])
    if inner is None:
        return None
    before = inner
    return Choice(inner.needs, lambda whole, choice: node.call([before.build(whole, choice)])[0])


def _sum(nodes: Sequence[Node], node: Node) -> Choice | None:
    parts = [choice_of(nodes, ref) for ref in node.inputs]
    shapes = {nodes[index].output_shapes[output] for index, output in node.inputs}
    if len(shapes) != 1 or all(part is None for part in parts):
        return None
    found = [p or _picked(ref) for p, ref in zip(parts, node.inputs, strict=True)]
    needs = tuple(dict.fromkeys(ref for part in found for ref in part.needs))
    return Choice(needs, lambda whole, choice: found[0].build(whole, choice) + found[1].build(whole, choice))


def _picked(source: Ref) -> Choice:
    """Return the choice that saves nothing: the tensor whole, and one channel of it."""
    return _by_layer(source, lambda: chosen_layers().PickedChannel())


def _depthwise(nodes: Sequence[Node], node: Node) -> Choice:
    operation, source = node.operation, node.inputs[0]
    inner = choice_of(nodes, source) or _picked(source)
    split = chosen_layers().SourceOfDepthwise(operation)
    swept = chosen_layers().ChosenDepthwise(operation)

    def build(whole: Tensors, choice: Tensor) -> Tensor:
        return swept([inner.build(whole, split(choice)), choice])

    return Choice(inner.needs, build)


@cache
def chosen_layers() -> SimpleNamespace:
    """Return the layer classes by name; each reads the weights of the layer it stands for."""
    keras: Any = keras_module()
    ops = keras.ops

    class Standing(keras.layers.Layer):  # type: ignore[misc]
        """For a layer of the network, whose weights it uses and does not own."""

        def __init__(self, stands_for: Any = None) -> None:
            super().__init__(trainable=False, dtype="float32")
            self.stands_for = stands_for

        def build(self, *_: object) -> None:
            self.built = True

        def compute_output_shape(self, shapes: Nest) -> Nest:
            """Return the shape of one channel: said, since Keras cannot find it for every tensor."""
            return (*self.stands_for.compute_output_shape(shapes[0])[:-1], 1)

    class PickedChannel(Standing):
        """`(n, ..., K)` and `(n, 1)` to `(n, ..., 1)`."""

        def compute_output_shape(self, shapes: Nest) -> Nest:
            return (*shapes[0][:-1], 1)

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            return _picked_channel(x, choice[:, 0])[..., None]

    class ChosenNeuron(Standing):
        """A dense layer's."""

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            weights = ops.transpose(_taken(self.stands_for.kernel, choice))
            if len(x.shape) == 2:
                found = ops.sum(x * weights, axis=-1, keepdims=True)
            else:
                found = ops.einsum("nhwc,nc->nhw", x, weights)[..., None]
            return found + _bias(self.stands_for, choice, len(x.shape))

    class ChosenConvolution(Standing):
        """A convolution's: products at every place for every place of the kernel, then their sums."""

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            layer = self.stands_for
            high, wide, sources, _ = layer.kernel.shape
            kernels = ops.transpose(_taken(layer.kernel, choice), (3, 2, 0, 1))
            weights = ops.reshape(kernels, (-1, sources, high * wide))
            height, width = x.shape[1], x.shape[2]
            products = ops.matmul(ops.reshape(x, (-1, height * width, sources)), weights)
            products = ops.reshape(products, (-1, height, width, high * wide))
            return _gathered(products, layer) + _bias(layer, choice, 4)

    class SourceOfDepthwise(Standing):
        """From a depthwise unit to the channel it reads."""

        def compute_output_spec(self, choice: Tensor) -> Tensor:
            return keras.KerasTensor(choice.shape, dtype=choice.dtype)

        def call(self, choice: Tensor) -> Tensor:
            return choice // self.stands_for.depth_multiplier

    class ChosenDepthwise(Standing):
        """A depthwise convolution's, of its one channel."""

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            layer = self.stands_for
            high, wide, channels, times = layer.kernel.shape
            kernel = ops.reshape(layer.kernel, (high * wide, channels * times))
            weights = ops.transpose(_taken(kernel, choice))
            return _gathered(x * weights[:, None, None, :], layer) + _bias(layer, choice, 4)

    class ChosenScale(Standing):
        """BatchNormalization as it stands after training, of one channel."""

        def call(self, inputs: Nest) -> Tensor:
            x, choice = inputs
            layer, rank = self.stands_for, len(x.shape)
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
        """Return the sum of products `(n, h, w, places)`, each taken where its place of the kernel lies."""
        high, wide = layer.kernel_size
        taken = ops.reshape(ops.eye(high * wide), (high, wide, high * wide, 1))
        return ops.conv(
            products, taken, strides=layer.strides, padding=layer.padding,
            data_format="channels_last", dilation_rate=layer.dilation_rate,
        )  # fmt: skip

    classes = (
        PickedChannel,
        ChosenNeuron,
        ChosenConvolution,
        SourceOfDepthwise,
        ChosenDepthwise,
        ChosenScale,
    )
    for made in classes:
        made.__module__ = __name__
    return SimpleNamespace(**{made.__name__: made for made in classes})


def _picked_channel(x: Tensor, units: Tensor) -> Tensor:
    """Return one channel of each of `(n, H, W, K)` or `(n, K)`, `(n, H, W)` or `(n,)`.

    Channels that hold numbers which are not finite do not touch the others.
    """
    ops = keras_module().ops
    mask = ops.one_hot(units, x.shape[-1], dtype="bool")
    if len(x.shape) == 4:
        mask = mask[:, None, None, :]
    return ops.sum(ops.where(mask, x, ops.zeros_like(x)), axis=-1)
