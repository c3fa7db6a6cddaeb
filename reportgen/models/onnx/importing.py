"""A whole file: its picture input found, the other inputs held, the graph built, the batch set free.

`operators/` implements single operators; `parity` checks the result against onnxruntime.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reportgen.errors import ConfigError, ModelError
from reportgen.models.framework import functional, keras_module
from reportgen.models.graph.shared_weights import FoldedCall
from reportgen.models.keras.hdf5 import first_line
from reportgen.models.onnx.building import Builder, rebatch
from reportgen.models.onnx.endings import up_to_numbers, with_outputs_before_bounds
from reportgen.models.onnx.fixed_batch import for_readers, way_out
from reportgen.models.onnx.inputs import Picture, find_inputs, held_notes, held_values, side_text
from reportgen.models.onnx.patterns import rewritten
from reportgen.models.onnx.reading import (
    Source,
    file_type,
    initialisers,
    opset_of,
    read_file,
)
from reportgen.models.onnx.refusals import check_operators, check_signatures
from reportgen.models.onnx.registry import operators
from reportgen.models.onnx.values import BATCH, Value, carries_batch, live

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

_OTHER_SIZES = ((48, 320), (32, 320), (48, 192), (32, 100), (64, 256), (32, 32), (28, 28))
"""Height and width that are tried where a graph leaves its size open and cannot work on the one assumed: of
recognisers of lines of text, which bring the height down to one, and of small squares."""

_HALF = (10, 16)
_DOUBLE = 11


@dataclass(frozen=True)
class OnnxImport:
    """An ONNX graph as a Keras model.

    Attributes:
        model: Functional, from one picture `(n, h, w, c)` in the model's own range; the batch is open.
        names: Keras operation name to true ONNX name: the node's, else that of its first output.
        notes: What a reader should know, each a sentence.
        input_size_source: `model`, `given` or `assumed`.
        picture_input: ONNX name of the input.
        outputs: ONNX names of the model's outputs, in its order.
        held: Inputs held at a constant value, by ONNX name; one row, where they leave their batch open.
        output_axes: For each output, which ONNX axis each of its axes holds: maps stay channels last.
        channels_last: Whether the file itself wants its picture channels last.
        fixed_batch: Pictures of a batch, where the file fixes them; else None.
        picture_dtype: Element type that the file wants its picture in.
        folded_calls: Its layers that no picture changes.
        elements: Element types of the file's inputs and outputs, by name; here all floats are float32.
        before: Outputs that a function with bounds ends, each with the value before it, an output as well.
    """

    model: ModelProto
    names: Mapping[str, str]
    notes: tuple[str, ...]
    input_size_source: str
    picture_input: str
    outputs: tuple[str, ...]
    held: Mapping[str, np.ndarray]
    output_axes: tuple[tuple[int, ...], ...] = ()
    channels_last: bool = False
    fixed_batch: int | None = None
    picture_dtype: str = "float32"
    folded_calls: tuple[FoldedCall, ...] = ()
    elements: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)


def read_onnx(
    path: Path,
    *,
    input_size: tuple[int, int] | None = None,
    max_memory: int = 8 << 30,
    held: Mapping[str, object] | None = None,
    channels: Literal["first", "last"] | None = None,
    before_bounds: bool = False,
) -> OnnxImport:
    """Read an ONNX file into a Keras model.

    Args:
        path: The file; external data is read from its folder alone.
        input_size: Height and width in pixels, where the file leaves them open.
        max_memory: Most bytes that the weights, or any value for one picture, may take.
        held: Values of inputs other than the picture, by name; zeros unless given.
        channels: Where the file has its picture's channels, if the graph does not tell.
        before_bounds: Whether what a sigmoid or the like is given that ends the network is an output as well.

    Raises:
        ModelError: The file is damaged, or has what is not imported; the node is named. Or its graph does not
            tell where the channels are.
        ConfigError: The size, a held value or `channels` does not fit.
        MissingExtra: onnx, or Keras, is not installed.
    """
    proto, source = read_file(Path(path), max_memory)
    opset = opset_of(proto, source.file_name)
    graph = proto.graph
    check_signatures(graph.node, operators(), opset, source.file_name)
    endings = up_to_numbers(graph)
    before = with_outputs_before_bounds(graph) if before_bounds else {}
    check_operators(graph.node, operators(), source.file_name)
    stored = dict(initialisers(graph, source))
    picture, others = find_inputs(graph, stored, input_size, channels, source)
    constants = held_values(others, held or {}, picture.batch, source)

    def built(picture: Picture) -> OnnxImport:
        said = (*endings, *_widenings(proto), *picture.notes, *held_notes(constants, held or {}))
        as_written = picture.batch is None
        try:
            found = _built(graph, opset, stored, constants, picture, said, source, as_written=as_written)
            return dataclasses.replace(found, before=before, elements=_elements(graph))
        except ModelError as error:
            raise for_readers(error, source.file_name, picture.batch) from None

    try:
        return built(picture)
    except ModelError as error:
        if picture.size_source != "assumed":
            raise
        first = error
    for size in _OTHER_SIZES:
        with contextlib.suppress(ModelError, ConfigError):
            other = find_inputs(graph, stored, size, channels, source)[0]
            said = f"The graph does not work on {side_text(picture)}; {side_text(other)} is assumed."
            return built(dataclasses.replace(other, size_source="assumed", notes=(*picture.notes, said)))
    raise ModelError(first.message, hint=first.hint or "say the size: --input-size HxW")


def _elements(graph: GraphProto) -> dict[str, str]:
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)}
    return {name: file_type(number) for name, number in types.items() if number}


def _built(
    graph: GraphProto,
    opset: int,
    stored: Mapping[str, np.ndarray],
    constants: Mapping[str, np.ndarray],
    picture: Picture,
    said: Sequence[str],
    source: Source,
    *,
    as_written: bool,
) -> OnnxImport:
    """Return the network of a graph for one size of picture.

    A side of 1 that an open batch could fill is read as it is written first. Where no network comes of that,
    it is the number of pictures, which older exporters wrote down.
    """
    nodes = rewritten(list(graph.node), stored, source)
    builder = Builder(source, opset, nodes, [o.name for o in graph.output])
    builder.constants({**stored, **constants})
    builder.held.update(constants)
    builder.fixed_batch, builder.given_batch = picture.batch, picture.batch or 1
    builder.as_written = as_written
    tensor = _enter(builder, picture)
    try:
        builder.run(nodes)
        values, dropped = _outputs(builder, graph, source)
    except ModelError:
        if not (as_written and builder.doubtful):
            raise
        return _built(graph, opset, stored, constants, picture, said, source, as_written=False)
    axes, ends = _ends(builder, values)
    try:
        fresh, results = rebatch(tensor, ends)
    except Exception as error:  # whatever an operation says that minds how many pictures there are
        raise ModelError(
            f"{source.file_name}: does not follow the number of pictures: {first_line(error)}",
            hint=way_out(builder.given_batch),
        ) from None
    model = functional(fresh, results)
    model.trainable = False
    return OnnxImport(
        model=model,
        names=builder.names,
        notes=(*said, *dropped, *_folds(builder)),
        input_size_source=picture.size_source,
        picture_input=picture.name,
        outputs=tuple(values),
        held=constants,
        output_axes=axes,
        channels_last=picture.last,
        fixed_batch=picture.batch,
        picture_dtype=picture.dtype,
        folded_calls=tuple(builder.folded_calls),
    )


def _enter(builder: Builder, picture: Picture) -> Any:
    """Make the picture's tensor, for a batch of a prime, and enter it under its ONNX name."""
    keras = keras_module()
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in picture.name)
    name = plain if plain[:1].isalpha() else f"input_{plain}"
    builder._taken.add(name.lower())
    tensor = keras.Input(batch_shape=(BATCH, *picture.sides), dtype="float32", name=name)
    builder.picture = tensor
    builder.names[name] = picture.name
    value = live(tensor, (0, 1, 2, 3) if picture.last else (0, 2, 3, 1))
    builder.values[picture.name] = value
    return tensor


def _outputs(builder: Builder, graph: GraphProto, source: Source) -> tuple[dict[str, Value], list[str]]:
    """Return the outputs that depend on the picture, and what is said of the others."""
    found, said = {}, []
    for output in graph.output:
        value = builder.values.get(output.name)
        if value is None:
            raise ModelError(f'{source.file_name}: output "{output.name}" is written by no node')
        if value.array is not None or value.step or not any(carries_batch(s) for s in value.shape):
            said.append(f'Output "{output.name}" is the same for every picture and left out.')
        else:
            found[output.name] = value
    if not found:
        raise ModelError(f"{source.file_name}: no output depends on the picture, wanted a network")
    return found, said


def _ends(builder: Builder, values: Mapping[str, Value]) -> tuple[tuple[tuple[int, ...], ...], list[Any]]:
    """Return the outputs' tensors with their axes: maps as they are held, all else in ONNX's order."""
    axes, ends = [], []
    for value in values.values():
        if value.tensor is None or value.rank != 4:
            plain = builder.plain(value)
            ends.append(plain)
            axes.append(tuple(range(value.rank)))
        else:
            ends.append(value.tensor)
            axes.append(value.axes)
    return tuple(axes), ends


def _widenings(proto: Any) -> list[str]:
    from reportgen.models.onnx.reading import element_types

    kinds = set(element_types(proto))
    said = []
    if kinds & set(_HALF):
        said.append("The file's 16-bit floating numbers are 32-bit here.")
    if _DOUBLE in kinds:
        said.append("The file's 64-bit floating numbers are 32-bit here.")
    return said


def _folds(builder: Builder) -> list[str]:
    if not builder.folded:
        return []
    return [f"{builder.folded} operations on constants and shapes were answered beforehand."]
