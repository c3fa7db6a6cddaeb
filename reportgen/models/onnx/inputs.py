"""The inputs of an ONNX graph: the picture, and the others, each held at a constant value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reportgen.errors import ConfigError, ModelError, suggestion
from reportgen.models.onnx.layout import ChannelAxis, channel_axis
from reportgen.models.onnx.reading import Source, numpy_type, type_name

if TYPE_CHECKING:
    from onnx import GraphProto

_ASSUMED_PX = 224
_PICTURE_TYPES = ((1, 2, 4, 10, 11, 16), (3, 5, 6, 12))
"""ONNX's numbers of element types for pictures: floats, uint8 and uint16 before other integers."""
_LARGEST_PX = 8192


@dataclass(frozen=True)
class Picture:
    """The input that takes the picture."""

    name: str
    sides: tuple[int, int, int]
    last: bool
    batch: int | None
    dtype: str
    size_source: str
    notes: tuple[str, ...] = field(default=())


def side_text(picture: Picture) -> str:
    """Return height and width of a picture as text."""
    return f"{picture.sides[0]}x{picture.sides[1]}"


def find_inputs(
    graph: GraphProto,
    stored: Mapping[str, np.ndarray],
    size: tuple[int, int] | None,
    channels: Literal["first", "last"] | None,
    source: Source,
) -> tuple[Picture, list[tuple[str, tuple[int | None, ...], str]]]:
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
    evidence = channel_axis(graph.node, value, chosen[1], stored, source)
    last = _are_channels_last(evidence, channels, value.name, source)
    sides: list[int | None] = list(chosen[1])
    if evidence is not None and evidence.axis == (3 if last else 1):
        sides[evidence.axis] = sides[evidence.axis] or evidence.channels
    return _picture(chosen[0], tuple(sides), last, numpy_type(chosen[2]), size, source), others


def _are_channels_last(
    evidence: ChannelAxis | None, given: Literal["first", "last"] | None, name: str, source: Source
) -> bool:
    """Return whether the file takes its picture channels last, from its graph or as given by the user."""
    shown = None if evidence is None else {1: "first", 3: "last"}.get(evidence.axis)
    if evidence is not None and evidence.certain and shown is None:
        raise ModelError(
            f'{source.file_name}: the channels of input "{name}" are its axis {evidence.axis}, '
            "wanted (batch, channels, height, width) or (batch, height, width, channels)"
        )
    if evidence is not None and evidence.certain and given not in (None, shown):
        raise ConfigError(
            f'{source.file_name}: channels are given as "{given}", but the graph takes those of input '
            f'"{name}" {shown}',
            hint="leave --channels out",
        )
    if given is None and shown is None:
        raise ModelError(
            f'{source.file_name}: the graph does not show which axis of input "{name}" holds its channels',
            hint="give --channels first (as PyTorch exports) or --channels last (as TensorFlow and Keras do)",
        )
    return (given or shown) == "last"


def _picture(
    name: str,
    dims: tuple[int | None, ...],
    last: bool,
    dtype: str,
    size: tuple[int, int] | None,
    source: Source,
) -> Picture:
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
    wanted = size or (_ASSUMED_PX, _ASSUMED_PX)
    height, width = (o if o is not None else a for o, a in zip(own, wanted, strict=True))
    if max(height, width) > _LARGEST_PX or height * width * channels * 4 > source.max_memory:
        raise ModelError(
            f"{source.file_name}: takes pictures of {height}x{width}x{channels}, which is too large"
        )
    notes = (
        ()
        if dtype == "float32"
        else (f'The input "{name}" takes {dtype}; here it takes floating-point numbers.',)
    )
    return Picture(name, (height, width, channels), last, dims[0], dtype, where, notes)


def _shown(dims: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if d is None else str(d) for d in dims) + ")"


def held_values(
    others: Sequence[tuple[str, tuple[int | None, ...], str]],
    given: Mapping[str, object],
    batch: int | None,
    source: Source,
) -> dict[str, np.ndarray]:
    """Return the constant value of each input other than the picture."""
    names = [n for n, _, _ in others]
    unknown = [n for n in given if n not in names]
    if unknown:
        raise ConfigError(
            f'{source.file_name}: has no input "{unknown[0]}" to hold',
            hint=suggestion(unknown[0], names) if names else "it takes a picture only",
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


def held_notes(constants: Mapping[str, np.ndarray], given: Mapping[str, object]) -> list[str]:
    """Return a sentence for each input other than the picture: the value it is held at."""
    return [
        f'Input "{name}" {_shown(array.shape)} is held at '
        + ("the value given." if name in given else "zero.")
        for name, array in constants.items()
    ]
