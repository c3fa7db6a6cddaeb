"""Imports a whole file: finds its picture input, holds the other inputs, builds the graph, opens the batch.

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
from reportgen.models.onnx.class_outputs import with_outputs_before_bounds, without_class_names
from reportgen.models.onnx.fixed_batch import batch_hint, without_batch_prime
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
"""Heights and widths to try if a graph's size is open and it does not work on the assumed one: those of text
line recognisers, which reduce the height to one, and of small squares."""

_HALF = (10, 16)
_DOUBLE = 11


@dataclass(frozen=True)
class OnnxImport:
    """An ONNX graph as a Keras model.

    Attributes:
        model: Functional, from one picture `(n, h, w, c)` in the model's own range; the batch is open.
        names: Keras operation name to true ONNX name: the node's, else that of its first output.
        notes: Remarks on the import, each a sentence.
        input_size_source: `model`, `given` or `assumed`.
        picture_input: ONNX name of the input.
        outputs: ONNX names of the model's outputs, in its order.
        held: Inputs held at a constant value, by ONNX name; of one row if their batch is open.
        output_axes: For each output, the ONNX axis of each of its axes: maps stay channels last.
        channels_last: Whether the file takes its picture channels last.
        fixed_batch: The file's batch size, if it is fixed; else None.
        picture_dtype: Element type of the file's picture input.
        folded_calls: Its layers that do not depend on the picture.
        elements: Element types of the file's inputs and outputs, by name; here all floats are float32.
        before: Outputs of a final bounded function, each with its input, which is an output as well.
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
        path: The file; external data is read only from its folder.
        input_size: Height and width in pixels, if they are open in the file.
        max_memory: Limit in bytes for the weights, and for any value for one picture.
        held: Values of inputs other than the picture, by name; zeros by default.
        channels: Whether a picture's channels are its first or last axis, if the graph does not show it.
        before_bounds: Whether the input of a final bounded function, such as a sigmoid, is an output as well.

    Raises:
        ModelError: The file is damaged, or has an unsupported node, which is named. Or its graph does not
            show which axis holds the channels.
        ConfigError: The size, a held value or `channels` does not fit.
        MissingExtra: onnx, or Keras, is not installed.
    """
    proto, source = read_file(Path(path), max_memory)
    opset = opset_of(proto, source.file_name)
    graph = proto.graph
    check_signatures(graph.node, operators(), opset, source.file_name)
    endings = without_class_names(graph)
    before = with_outputs_before_bounds(graph) if before_bounds else {}
    check_operators(graph.node, operators(), source.file_name)
    stored = dict(initialisers(graph, source))
    picture, others = find_inputs(graph, stored, input_size, channels, source)
    constants = held_values(others, held or {}, picture.batch, source)

    def built(picture: Picture) -> OnnxImport:
        notes = (*endings, *_widenings(proto), *picture.notes, *held_notes(constants, held or {}))
        as_written = picture.batch is None
        try:
            found = _built(graph, opset, stored, constants, picture, notes, source, as_written=as_written)
            return dataclasses.replace(found, before=before, elements=_elements(graph))
        except ModelError as error:
            raise without_batch_prime(error, source.file_name, picture.batch) from None

    try:
        return built(picture)
    except ModelError as error:
        if picture.size_source != "assumed":
            raise
        first = error
    for size in _OTHER_SIZES:
        with contextlib.suppress(ModelError, ConfigError):
            other = find_inputs(graph, stored, size, channels, source)[0]
            note = f"The graph does not work on {side_text(picture)}; {side_text(other)} is assumed."
            return built(dataclasses.replace(other, size_source="assumed", notes=(*picture.notes, note)))
    raise ModelError(first.message, hint=first.hint or "give the size: --input-size HxW")


def _elements(graph: GraphProto) -> dict[str, str]:
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)}
    return {name: file_type(number) for name, number in types.items() if number}


def _built(
    graph: GraphProto,
    opset: int,
    stored: Mapping[str, np.ndarray],
    constants: Mapping[str, np.ndarray],
    picture: Picture,
    notes: Sequence[str],
    source: Source,
    *,
    as_written: bool,
) -> OnnxImport:
    """Return the network of a graph for one size of picture.

    A side of 1 that may be the batch is first read as 1. If no network results, it is taken for the batch
    size, which older exporters wrote into the graph.
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
        return _built(graph, opset, stored, constants, picture, notes, source, as_written=False)
    axes, ends = _ends(builder, values)
    try:
        fresh, results = rebatch(tensor, ends)
    except Exception as error:  # an operation that depends on the batch size may raise any error
        raise ModelError(
            f"{source.file_name}: does not work at other batch sizes: {first_line(error)}",
            hint=batch_hint(builder.given_batch),
        ) from None
    model = functional(fresh, results)
    model.trainable = False
    return OnnxImport(
        model=model,
        names=builder.names,
        notes=(*notes, *dropped, *_folds(builder)),
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
    """Create the picture's tensor, with a prime batch size, and store it under its ONNX name."""
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
    """Return the outputs that depend on the picture, and a note for each of the others."""
    found, notes = {}, []
    for output in graph.output:
        value = builder.values.get(output.name)
        if value is None:
            raise ModelError(f'{source.file_name}: output "{output.name}" is written by no node')
        if value.array is not None or value.step or not any(carries_batch(s) for s in value.shape):
            notes.append(f'Output "{output.name}" is the same for every picture and left out.')
        else:
            found[output.name] = value
    if not found:
        raise ModelError(f"{source.file_name}: no output depends on the picture, wanted a network")
    return found, notes


def _ends(builder: Builder, values: Mapping[str, Value]) -> tuple[tuple[tuple[int, ...], ...], list[Any]]:
    """Return the outputs' tensors with their axes: maps in their own layout, all else in ONNX's order."""
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
    notes = []
    if kinds & set(_HALF):
        notes.append("The file's 16-bit floating numbers are 32-bit here.")
    if _DOUBLE in kinds:
        notes.append("The file's 64-bit floating numbers are 32-bit here.")
    return notes


def _folds(builder: Builder) -> list[str]:
    if not builder.folded:
        return []
    return [f"{builder.folded} operations on constants and shapes were computed during the import."]
