"""The network from pictures to one layer: only the nodes it needs, on a canvas of any size.

It shares weights with the model.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Sequence

from reportgen.errors import ReportgenError, ShapeError, UnknownLayer
from reportgen.keras_types import Nest, Network, Tensor
from reportgen.models.framework import functional, keras_module
from reportgen.models.graph.single_unit import SingleChannel, single_channel_of
from reportgen.models.model import Cut, Model, Node, Ref
from reportgen.units import InputRange, Layer

_NOT_IN_A_SCOPE = re.compile(r"^[^A-Za-z0-9]|[^A-Za-z0-9_.-]")


def cut_model(model: Model, layer: Layer, canvas_px: tuple[int, int], *, heads: bool = False) -> Cut:
    """Return the network from pictures of that size to a layer, without everything after it.

    Weights are shared with the model and are not trainable.

    Args:
        model: The network.
        layer: One of its `layers`.
        canvas_px: Height and width: any size for layers with a local receptive field, with or without gates;
            the model's own input size for those whose receptive field is the whole input.
        heads: Whether `post` of a classifier's head comes after its softmax or sigmoid.

    Raises:
        ShapeError: The canvas does not fit the layer.
        UnknownLayer: The layer is not of this model.
    """
    if layer.name not in model.taps:
        raise UnknownLayer(f'"{layer.name}" is not a layer with units in {model.file_name}')
    height, width = int(canvas_px[0]), int(canvas_px[1])
    own = model.input_shape[:2]
    if layer.field_px is None and (height, width) != own:
        raise ShapeError(
            f'layer "{layer.name}" sees the whole input: canvas is {height}x{width}, wanted {own[0]}x{own[1]}'
        )
    if height < 1 or width < 1:
        raise ShapeError(f'layer "{layer.name}": canvas is {height}x{width}, wanted at least 1x1')
    tap = model.taps[layer.name]
    post = tap.head if heads and tap.head is not None else tap.post
    choice = single_channel_of(model.nodes, tap.pre)
    needs = choice.needs if choice is not None else ()
    whole = network_to(model, (height, width), (tap.pre, post, *needs), layer.name)
    raw = _frozen(whole.inputs[0], [as_map(x) for x in whole.outputs[:2]])
    chosen = _single_unit_network(whole, choice) if choice is not None else None
    return Cut(
        network=_from_unit_range(raw, model.input_range),
        raw_network=raw,
        single_unit_network=None if chosen is None else _from_unit_range(chosen, model.input_range),
        n_units=layer.n_units,
        canvas_px=(height, width),
        channels=model.input_shape[2],
        input_range=model.input_range,
        is_map=layer.is_map,
        layer_name=layer.name,
        field_places=_field_places(layer),
    )


def _single_unit_network(whole: Tensor, choice: SingleChannel) -> Tensor:
    """Return the network from pictures, and the index of a unit for each, to that unit."""
    one = keras_module().Input((1,), dtype="int32")
    tensors = dict(zip(choice.needs, whole.outputs[2:], strict=True))
    return _frozen([whole.inputs[0], one], as_map(choice.build(tensors, one))[..., 0])


def _frozen(inputs: Nest, outputs: Nest) -> Network:
    network = functional(inputs, outputs)
    network.trainable = False
    return network


def _field_places(layer: Layer) -> tuple[int, int] | None:
    if layer.field_px is None or layer.stride_px is None:
        return None
    sides = zip(layer.field_px, layer.stride_px, strict=True)
    down, across = (max(1, math.ceil(field / stride)) for field, stride in sides)
    return down, across


def whole_network(model: Model, outputs: tuple[Ref, ...]) -> Network:
    """Return the network from pictures in [0, 1] of the model's own size to some tensors, tokens as maps."""
    raw = network_to(model, model.input_shape[:2], outputs, model.file_name)
    if any(len(x.shape) == 3 for x in raw.outputs):
        raw = _frozen(raw.inputs[0], [as_map(x) for x in raw.outputs])
    return _from_unit_range(raw, model.input_range)


def as_map(values: Tensor) -> Tensor:
    """Return features of tokens `(n, T, C)` as a map of one column, `(n, T, 1, C)`; others unchanged."""
    return keras_module().ops.expand_dims(values, 2) if len(values.shape) == 3 else values


def symbolic_shapes(
    nodes: Sequence[Node], input_shape: tuple[int, int, int]
) -> list[tuple[tuple[int | None, ...], ...]]:
    """Return the output shapes of all nodes for an input of that height, width and channels."""
    _give_valid_names(nodes, range(len(nodes)))
    tensors = _applied(nodes, range(len(nodes)), keras_module().Input(input_shape, dtype="float32"))
    return [tuple(tuple(t.shape) for t in tensors[index]) for index in range(len(nodes))]


def symbolic_nodes(nodes: Sequence[Node], input_shape: tuple[int, int, int]) -> set[int]:
    """Return the nodes that work on an input of that height, width and channels."""
    _give_valid_names(nodes, range(len(nodes)))
    picture = keras_module().Input(input_shape, dtype="float32")
    tensors: dict[int, tuple[Tensor, ...]] = {}
    for index, node in enumerate(nodes):
        if node.kind == "input":
            tensors[index] = (picture,)
        elif all(source in tensors for source, _ in node.inputs):
            with contextlib.suppress(Exception):  # an operation may reject the size with any error
                tensors[index] = node.call([tensors[i][output] for i, output in node.inputs])
    return set(tensors)


def network_to(
    model: Model, canvas_px: tuple[int, int], outputs: tuple[Ref, ...], layer_name: str
) -> Network:
    """Return the network from pictures in the model's own range to some tensors, as a list.

    Raises:
        ShapeError: The nodes do not work on that canvas; the message names `layer_name`.
    """
    keras = keras_module()
    needed = _ancestors(model.nodes, outputs)
    _give_valid_names(model.nodes, needed)
    picture = keras.Input((*canvas_px, model.input_shape[2]), dtype="float32")
    try:
        tensors = _applied(model.nodes, needed, picture)
    except ReportgenError:
        raise
    except Exception as error:
        cause = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ShapeError(
            f'layer "{layer_name}" does not work on a canvas of {canvas_px[0]}x{canvas_px[1]}: {cause}',
            hint="a larger canvas",
        ) from None
    return _frozen(picture, [tensors[index][output] for index, output in outputs])


def _applied(nodes: Sequence[Node], indices: Sequence[int], picture: Tensor) -> dict[int, tuple[Tensor, ...]]:
    """Return the outputs of nodes."""
    tensors: dict[int, tuple[Tensor, ...]] = {}
    for index in indices:
        node = nodes[index]
        if node.kind == "input":
            tensors[index] = (picture,)
        else:
            tensors[index] = node.call([tensors[i][output] for i, output in node.inputs])
    return tensors


def _ancestors(nodes: Sequence[Node], outputs: Sequence[Ref]) -> list[int]:
    """Return all nodes that outputs depend on, in order, the input always among them."""
    needed = {0}
    stack = [index for index, _ in outputs]
    while stack:
        index = stack.pop()
        if index not in needed:
            needed.add(index)
            stack.extend(i for i, _ in nodes[index].inputs)
    return sorted(needed)


def _give_valid_names(nodes: Sequence[Node], needed: Sequence[int]) -> None:
    """Give operations names that are unique and valid; nodes keep theirs.

    Keras requires unique names within a network, which operations of different nested models need not have,
    and TensorFlow uses a name as a scope, which allows few characters.
    """
    taken: set[str] = set()
    seen: set[int] = set()
    for index in needed:
        operation = nodes[index].operation
        if operation is None or id(operation) in seen:
            continue
        seen.add(id(operation))
        plain = (
            "op" + _NOT_IN_A_SCOPE.sub("_", operation.name) if _NOT_IN_A_SCOPE.search(operation.name) else ""
        )
        name, n = plain or operation.name, 1
        while name in taken:
            n += 1
            name = f"{plain or operation.name}_{n}"
        taken.add(name)
        if name != operation.name:
            operation.name = name


def _from_unit_range(raw: Tensor, input_range: InputRange) -> Tensor:
    """Return the network for pictures in [0, 1], red first; other inputs are unchanged."""
    turned = input_range.order == "bgr"
    if input_range.low == (0.0,) and input_range.high == (1.0,) and not turned:
        return raw
    keras = keras_module()
    low, high = input_range.low, input_range.high
    width = max(len(low), len(high))
    lows = low * width if len(low) == 1 else low
    highs = high * width if len(high) == 1 else high
    scale = [h - b for b, h in zip(lows, highs, strict=True)]
    picture = keras.Input(raw.inputs[0].shape[1:], dtype="float32")
    scaled = keras.layers.Rescaling(
        scale if width > 1 else scale[0], offset=list(lows) if width > 1 else lows[0], dtype="float32"
    )(picture[..., ::-1] if turned else picture)
    further = [keras.Input(x.shape[1:], dtype=x.dtype) for x in raw.inputs[1:]]
    outputs = raw([scaled, *further] if further else scaled, training=False)
    return _frozen([picture, *further] if further else picture, outputs)
