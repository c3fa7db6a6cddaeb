"""The imported network: a flat list of operations, and the layers whose units are rendered.

Plain values; no framework is imported here. `loading` makes them from a file, `graph.submodel` cuts a
network at a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reportgen.errors import UnknownLayer, nearest
from reportgen.keras_types import Network, Operation, Tensor
from reportgen.units import InputRange, Layer, LayerGraph

Ref = tuple[int, int]
"""Index into `Model.nodes`, and which of that node's output tensors."""


@dataclass(frozen=True)
class Node:
    """One operation of the flattened network; nodes are in topological order.

    Attributes:
        name: The model's own name, unique: nested models give `outer/inner`, a second call of
            the same layer `name#2`.
        kind: Class in snake case: `input`, `conv2d`, `re_lu`, `max_pooling2d`, `add`.
            Activations fused into a layer with units are nodes of their own, `<name>/activation`,
            so that every node of a unit kind is linear.
        operation: The Keras layer or operation; None for the input.
        inputs: The tensors it is called with, in the order in which `call` wants them.
        call: Takes the input tensors and returns a tuple of output tensors, with every other argument
            of the original call filled in and training off. `instead` names another operation to call so.
        output_shapes: One for each output tensor; the batch axis is None.
        function: For activations, which: `relu`, `silu`, `softmax`; else empty.
        constants: The arguments of the call that are not tensors of the network, in order.
        pattern: The order of all arguments, `t` for a tensor and `c` for a constant, then the keywords:
            `x - 1` is "tc", `1 - x` is "ct".
        training: Whether the file records that it runs in training mode, which `call` never does.
        depends_on_picture: Whether its outputs depend on the picture, not on held inputs and constants alone.
    """

    name: str
    kind: str
    operation: Operation
    inputs: tuple[Ref, ...]
    call: Callable[..., tuple[Tensor, ...]]
    output_shapes: tuple[tuple[int | None, ...], ...]
    function: str = ""
    constants: tuple[Tensor, ...] = ()
    pattern: str = "t"
    training: bool = False
    depends_on_picture: bool = True


@dataclass(frozen=True)
class Tap:
    """The tensors at which a layer is read.

    Attributes:
        weights: Index of the node that holds the weights.
        pre: What objectives maximise: before the activation, after a BatchNormalization if one follows.
        post: What units are judged by: after the activation; `pre` for linear layers and for heads.
        head: Where a softmax or sigmoid head was cut, the tensor after it; else None.
        activation: The activation between `pre` and `post`; `linear` if there is none.
    """

    weights: int
    pre: Ref
    post: Ref
    head: Ref | None = None
    activation: str = "linear"


@dataclass(frozen=True)
class Cut:
    """A network from pictures to one layer.

    Attributes:
        network: `keras.Model` from pictures `(n, h, w, c)`, float32 in [0, 1], to `[pre, post]`, each
            `(n, H, W, K)` or `(n, K)`. The way from [0, 1] to the model's own range is inside.
        raw_network: The same for pictures in the model's own range.
        single_unit_network: `keras.Model` from pictures as for `network` and indices of units `(n, 1)` to
            `pre` of each picture's own unit, `(n, H, W)` or `(n,)`, without computing the others. None where
            that saves no work.
        n_units: K.
        canvas_px: Height and width of the pictures.
        channels: 1 or 3.
        input_range: The model's own range.
        is_map: Whether the outputs have positions.
        layer_name: The model's own name of the layer.
        field_places: Places of the output that one receptive field spans, down and across; None for units
            whose receptive field is the whole input.
    """

    network: Network
    raw_network: Network
    n_units: int
    canvas_px: tuple[int, int]
    channels: int
    input_range: InputRange
    is_map: bool
    layer_name: str
    field_places: tuple[int, int] | None = None
    single_unit_network: Network | None = None


@dataclass(frozen=True)
class OnnxSignature:
    """The picture input and the outputs of an ONNX file.

    Attributes:
        picture: Name of the input that takes the picture.
        picture_dtype: Its element type, such as `float16`.
        channels_first: Whether the picture has its channels first.
        outputs: Names of the outputs, in the order of the model's.
        output_axes: For each output, which axis of the file each axis of the model's output is.
        output_dtypes: Element types of the outputs.
    """

    picture: str
    picture_dtype: str
    channels_first: bool
    outputs: tuple[str, ...]
    output_axes: tuple[tuple[int, ...], ...]
    output_dtypes: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """An imported model file.

    Attributes:
        name, version: As given; by default the file's stem and the first 8 digits of its hash.
        file_name: Base name of the file.
        file_hash: blake2b of the file's bytes, 32 hexadecimal digits.
        nodes: All operations, in topological order.
        taps: Layer name to where it is read.
        layers: The layers with units, in topological order.
        graph: The layers and the arrows between them.
        input_shape: Height, width and channels.
        input_size_source: `model`, `given` or `assumed`.
        input_range: The values a picture has where the model takes it.
        skipped: Pairs of layer name and reason: layers with weights but without units to render.
        notes: Remarks on the import, each a sentence.
        outputs: The model's own outputs, in its order.
        output_keys: Keys of a Keras network's outputs, in their order; empty where they are not a
            dictionary.
        signature: Inputs and outputs of the file, if it is ONNX.
        drawn: How its weights were reinitialised, in words; empty where they are the file's.
    """

    name: str
    version: str
    file_name: str
    file_hash: str
    nodes: tuple[Node, ...]
    taps: Mapping[str, Tap]
    layers: tuple[Layer, ...]
    graph: LayerGraph
    input_shape: tuple[int, int, int]
    input_size_source: str
    input_range: InputRange
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    outputs: tuple[Ref, ...] = ()
    output_keys: tuple[str, ...] = ()
    signature: OnnxSignature | None = None
    drawn: str = ""

    def layer(self, name: str) -> Layer:
        """Return the layer of that name.

        Raises:
            UnknownLayer: There is none; the nearest names are offered.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        reason = next((why for skipped, why in self.skipped if skipped == name), "")
        near = nearest(name, names, n=3, cutoff=0.4) or names[:3]
        hint = reason or "nearest: " + ", ".join(f'"{n}"' for n in near)
        raise UnknownLayer(f'"{name}" is not a layer with units in {self.file_name}', hint=hint)
