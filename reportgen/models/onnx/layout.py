"""Which axis of an ONNX picture holds its channels: read from what the graph does with it, never from sizes.

Axes are followed from the input through whatever keeps or permutes them, to the first operator that knows its
channels: a convolution, a pool, a normalisation. Constants that differ along one axis alone, products over
the last axis and means over places tell it too, and count where nothing of that kind is met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.models.onnx.reading import onnx_module

_CHANNELS_SECOND = frozenset(
    {
        "Conv", "ConvTranspose", "DeformConv", "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool",
        "GlobalMaxPool", "GlobalLpPool", "MaxRoiPool", "BatchNormalization", "InstanceNormalization",
        "GroupNormalization", "LRN", "DepthToSpace", "SpaceToDepth", "GridSample",
    }
)  # fmt: skip
"""Operators whose second axis is that of channels, by their definition."""

_KEEPING = frozenset(
    {
        "Identity", "Cast", "CastLike", "Dropout", "Clip", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Neg",
        "Abs", "Sqrt", "Exp", "Log", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Pad", "Slice", "Resize",
        "Upsample", "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Min", "Max", "Sum", "Mean", "PRelu", "Where",
        "Concat", "Split", "Erf", "HardSigmoid", "HardSwish", "Elu", "Selu", "Softplus", "Mish", "Gelu",
        "BitShift", "Expand", "LayerNormalization", "Softmax", "LogSoftmax", "Reverse", "DequantizeLinear",
    }
)  # fmt: skip
"""Operators that leave axes where they are."""

_WITH_CONSTANTS = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "PRelu", "Min", "Max"})

Axes = tuple[int, ...]


@dataclass(frozen=True)
class ChannelAxis:
    """What the graph says of its picture's channels.

    Attributes:
        axis: Of the input.
        certain: Whether an operator says so whose definition names the axis of channels.
    """

    axis: int
    certain: bool


def channel_axis(
    nodes: Sequence[Any], picture: Any, dims: Sequence[int | None], stored: Mapping[str, Any]
) -> ChannelAxis | None:
    """Return which axis of the picture holds its channels; None where the graph does not tell.

    Args:
        nodes: Of the graph, in order.
        picture: The input, as ONNX describes it.
        dims: Its four sides, None where they are open.
        stored: The graph's constants by name.
    """
    constants = dict(stored)
    followed: dict[str, Axes] = {picture.name: (0, 1, 2, 3)}
    hints: list[int] = []
    for node in nodes:
        if node.op_type == "Constant" and node.attribute[:1] and node.attribute[0].name == "value":
            constants[node.output[0]] = _array(node.attribute[0].t)
        source = next((name for name in node.input if name in followed), None)
        if source is None:
            continue
        axes = followed[source]
        if node.op_type in _CHANNELS_SECOND and source == node.input[0]:
            return ChannelAxis(axes[1], True)
        hints += _hints(node, axes, constants)
        after = _after(node, axes, dims, constants)
        if after is not None:
            followed.update((name, after) for name in node.output if name)
    hints = [axis for axis in (_denoted(picture), *hints) if axis]
    return ChannelAxis(hints[0], False) if hints else None


def _after(node: Any, axes: Axes, dims: Sequence[int | None], constants: Mapping[str, Any]) -> Axes | None:
    """Return where an operator puts the axes of the input, None where they cannot be followed."""
    if node.op_type == "Transpose":
        perm = next((tuple(a.ints) for a in node.attribute if a.name == "perm"), (3, 2, 1, 0))
        return tuple(axes[p] for p in perm) if sorted(perm) == [0, 1, 2, 3] else None
    if node.op_type == "Reshape" and len(node.input) > 1 and node.input[1] in constants:
        return _reshaped(axes, dims, [int(v) for v in np.ravel(constants[node.input[1]])])
    return axes if node.op_type in _KEEPING else None


def _reshaped(axes: Axes, dims: Sequence[int | None], target: list[int]) -> Axes | None:
    """Return the axes after a reshape that moves one side of 1 alone, as exporters do for a transpose."""
    if len(target) != 4:
        return None
    sides = [dims[axis] for axis in axes]
    places = [i for i in range(1, 4) if sides[i] == 1]
    moved = [i for i in range(1, 4) if target[i] == 1]
    if len(places) != 1 or len(moved) != 1:
        return None
    left = [axes[i] for i in range(4) if i != places[0]]
    kept = [target[i] for i in range(4) if i != moved[0]]
    if any(t > 0 and dims[axis] not in (None, t) for t, axis in zip(kept[1:], left[1:], strict=True)):
        return None
    left.insert(moved[0], axes[places[0]])
    return tuple(left)


def _hints(node: Any, axes: Axes, constants: Mapping[str, Any]) -> list[int]:
    """Return the axes that an operator treats as channels without having to."""
    if node.op_type in _WITH_CONSTANTS:
        arrays = [np.asarray(constants[name]) for name in node.input if name in constants]
        return [axes[i] for array in arrays for i in _varying(array)]
    if node.op_type in ("MatMul", "Gemm") and len(node.input) > 1 and node.input[1] in constants:
        return [axes[3]]
    if node.op_type in ("ReduceMean", "ReduceMax"):
        reduced = _reduced(node, constants)
        return [axes[i] for i in range(1, 4) if i not in reduced] if len(reduced) == 2 else []
    return []


def _varying(array: Any) -> list[int]:
    """Return the one axis, of four, along which a constant has more than one number."""
    if array.ndim > 4:
        return []
    long = [4 - array.ndim + i for i, side in enumerate(array.shape) if side > 1]
    return long if len(long) == 1 and long[0] > 0 else []


def _reduced(node: Any, constants: Mapping[str, Any]) -> set[int]:
    given = next((list(a.ints) for a in node.attribute if a.name == "axes"), None)
    if given is None and len(node.input) > 1 and node.input[1] in constants:
        given = [int(v) for v in np.ravel(constants[node.input[1]])]
    return {axis % 4 for axis in given or ()} - {0}


def _denoted(picture: Any) -> int:
    """Return the axis that the file's own description calls the channels', 0 where there is none."""
    sides = picture.type.tensor_type.shape.dim
    return next((i for i, side in enumerate(sides) if i and side.denotation == "DATA_CHANNEL"), 0)


def _array(tensor: Any) -> Any:
    """Return a small constant's numbers; large ones tell nothing of axes that is needed here."""
    count = int(np.prod([max(0, int(d)) for d in tensor.dims], dtype=object))
    try:
        return onnx_module().numpy_helper.to_array(tensor) if count <= 1 << 20 else np.zeros(())
    except Exception:  # whatever a damaged tensor makes the library meet; reading it says so later
        return np.zeros(())
