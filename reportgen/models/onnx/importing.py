"""A whole file: its picture input found, the other inputs held, the graph built, the batch set free.

What single operators mean is known in `operators/`; whether the result equals the file's, in `proof`.
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
from reportgen.models.graph.shared_weights import CallAside
from reportgen.models.keras.hdf5 import first_line
from reportgen.models.onnx.building import Builder, rebatch
from reportgen.models.onnx.endings import up_to_numbers, with_outputs_before_bounds
from reportgen.models.onnx.fixed_batch import for_readers, way_out
from reportgen.models.onnx.layout import ChannelAxis, channel_axis
from reportgen.models.onnx.patterns import rewritten
from reportgen.models.onnx.reading import (
    Source,
    file_type,
    initialisers,
    numpy_type,
    opset_of,
    read_file,
    type_name,
)
from reportgen.models.onnx.refusals import check_operators, check_signatures
from reportgen.models.onnx.registry import operators
from reportgen.models.onnx.values import BATCH, Value, carries_batch, live

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

_ASSUMED_PX = 224
_PICTURE_TYPES = ((1, 2, 4, 10, 11, 16), (3, 5, 6, 12))
"""ONNX's numbers for element types of pictures: floats, uint8 and uint16 before other whole numbers."""
_LARGEST_PX = 8192
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
        aside: Its layers that no picture changes.
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
    aside: tuple[CallAside, ...] = ()
    elements: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Picture:
    """The input that takes the picture."""

    name: str
    sides: tuple[int, int, int]
    last: bool
    batch: int | None
    dtype: str
    size_source: str
    notes: tuple[str, ...] = field(default=())


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
    picture, others = _inputs(graph, stored, input_size, channels, source)
    constants = _held(others, held or {}, picture.batch, source)

    def built(picture: _Picture) -> OnnxImport:
        said = (*endings, *_widenings(proto), *picture.notes, *_held_notes(constants, held or {}))
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
            other = _inputs(graph, stored, size, channels, source)[0]
            said = f"The graph does not work on {_side_text(picture)}; {_side_text(other)} is assumed."
            return built(dataclasses.replace(other, size_source="assumed", notes=(*picture.notes, said)))
    raise ModelError(first.message, hint=first.hint or "say the size: --input-size HxW")


def _elements(graph: GraphProto) -> dict[str, str]:
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)}
    return {name: file_type(number) for name, number in types.items() if number}


def _side_text(picture: _Picture) -> str:
    return f"{picture.sides[0]}x{picture.sides[1]}"


def _built(
    graph: GraphProto,
    opset: int,
    stored: Mapping[str, np.ndarray],
    constants: Mapping[str, np.ndarray],
    picture: _Picture,
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
        aside=tuple(builder.aside),
    )


def _inputs(
    graph: GraphProto,
    stored: Mapping[str, np.ndarray],
    size: tuple[int, int] | None,
    channels: Literal["first", "last"] | None,
    source: Source,
) -> tuple[_Picture, list[tuple[str, tuple[int | None, ...], str]]]:
    """Return the input that takes the picture, and name, shape and type of all others."""
    live_inputs = [i for i in graph.input if i.name not in stored]
    found: list[Any] = []
    for value in live_inputs:
        kind = value.type.tensor_type
        if value.type.WhichOneof("value") != "tensor_type" or not kind.HasField("shape"):
            raise ModelError(f'{source.file_name}: input "{value.name}" is no tensor of known rank')
        dims = tuple(int(d.dim_value) if d.dim_value > 0 else None for d in kind.shape.dim)
        found.append((value.name, dims, kind.elem_type))
    pictures = [f for types in _PICTURE_TYPES for f in found if len(f[1]) == 4 and f[2] in types]
    if not pictures:
        shapes = ", ".join(f'"{n}" {_shown(d)} {type_name(t)}' for n, d, t in found[:6]) or "no inputs"
        raise ModelError(
            f"{source.file_name}: takes {shapes}, wanted a picture (batch, channels, height, width)"
        )
    chosen = pictures[0]
    others = []
    for n, d, t in found:
        if n != chosen[0]:
            others.append((n, d, numpy_type(t)))
    value = next(v for v in live_inputs if v.name == chosen[0])
    told = channel_axis(graph.node, value, chosen[1], stored, source)
    last = _are_channels_last(told, channels, value.name, source)
    sides: list[int | None] = list(chosen[1])
    if told is not None and told.axis == (3 if last else 1):
        sides[told.axis] = sides[told.axis] or told.channels
    return _picture(chosen[0], tuple(sides), last, numpy_type(chosen[2]), size, source), others


def _are_channels_last(
    told: ChannelAxis | None, given: Literal["first", "last"] | None, name: str, source: Source
) -> bool:
    """Return whether the file wants its picture channels last, from its graph or as the user says."""
    seen = None if told is None else {1: "first", 3: "last"}.get(told.axis)
    if told is not None and told.certain and seen is None:
        raise ModelError(
            f'{source.file_name}: the channels of input "{name}" are its axis {told.axis}, '
            "wanted (batch, channels, height, width) or (batch, height, width, channels)"
        )
    if told is not None and told.certain and given not in (None, seen):
        raise ConfigError(
            f'{source.file_name}: channels are "{given}", and the graph takes those of input "{name}" {seen}',
            hint="leave --channels out",
        )
    if given is None and seen is None:
        raise ModelError(
            f'{source.file_name}: nothing in the graph tells which axis of input "{name}" holds its channels',
            hint="say --channels first (as PyTorch exports) or --channels last (as TensorFlow and Keras do)",
        )
    return (given or seen) == "last"


def _picture(
    name: str,
    dims: tuple[int | None, ...],
    last: bool,
    dtype: str,
    size: tuple[int, int] | None,
    source: Source,
) -> _Picture:
    channels = dims[3] if last else dims[1]
    own = (dims[1], dims[2]) if last else (dims[2], dims[3])
    if channels is None:
        raise ModelError(
            f'{source.file_name}: input "{name}" leaves its channels open: {_shown(dims)}',
            hint="export with a fixed number of channels",
        )
    if size is not None:
        if len(size) != 2 or not all(1 <= s <= _LARGEST_PX for s in size):
            raise ConfigError(f"input size is {size!r}, wanted height and width between 1 and {_LARGEST_PX}")
        if any(o is not None and o != s for o, s in zip(own, size, strict=True)):
            raise ConfigError(
                f"{source.file_name}: input size is fixed to {_shown(own)}, received {size[0]}x{size[1]}",
                hint="leave the size out",
            )
    whole = None not in own
    where = "model" if whole else ("given" if size is not None else "assumed")
    asked = size or (_ASSUMED_PX, _ASSUMED_PX)
    height, width = (o if o is not None else a for o, a in zip(own, asked, strict=True))
    if max(height, width) > _LARGEST_PX or height * width * channels * 4 > source.max_memory:
        raise ModelError(
            f"{source.file_name}: takes pictures of {height}x{width}x{channels}, which is too large"
        )
    notes = (
        ()
        if dtype == "float32"
        else (f'The input "{name}" takes {dtype}; it is fed numbers with fractions here.',)
    )
    return _Picture(name, (height, width, channels), last, dims[0], dtype, where, notes)


def _shown(dims: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if d is None else str(d) for d in dims) + ")"


def _held(
    others: Sequence[tuple[str, tuple[int | None, ...], str]],
    given: Mapping[str, object],
    batch: int | None,
    source: Source,
) -> dict[str, np.ndarray]:
    """Return the constant value of each input that takes no picture."""
    names = [n for n, _, _ in others]
    unknown = [n for n in given if n not in names]
    if unknown:
        raise ConfigError(
            f'{source.file_name}: has no input "{unknown[0]}" to hold',
            hint="one of " + ", ".join(names) if names else "it takes a picture only",
        )
    found = {}
    for name, dims, dtype in others:
        shape = tuple((batch if i == 0 and batch else 1) if d is None else d for i, d in enumerate(dims))
        if int(np.prod(shape, dtype=object)) * 8 > source.max_memory:
            raise ModelError(f'{source.file_name}: input "{name}" of {shape} is too large')
        try:
            found[name] = np.broadcast_to(np.asarray(given.get(name, 0), dtype), shape).copy()
        except (TypeError, ValueError):
            raise ConfigError(
                f'{source.file_name}: input "{name}" is held at {str(given[name])[:80]}, '
                f"wanted {_shown(dims)} of {dtype}"
            ) from None
    return found


def _enter(builder: Builder, picture: _Picture) -> Any:
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


def _held_notes(constants: Mapping[str, np.ndarray], given: Mapping[str, object]) -> list[str]:
    return [
        f'Input "{name}" {_shown(array.shape)} is held at '
        + ("the value given." if name in given else "zero.")
        for name, array in constants.items()
    ]


def _folds(builder: Builder) -> list[str]:
    if not builder.folded:
        return []
    return [f"{builder.folded} operations on constants and shapes were answered beforehand."]
