"""Receptive field and stride of one position of each tensor.

Walks the nodes once and adds up kernel sizes and strides. Unknown operations, and layers that work at the
model's own input size only, have the whole input as their receptive field.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from reportgen.activations import activation_called
from reportgen.keras_types import KerasLayer, Tensor
from reportgen.models.graph.kinds import IDENTITIES, MERGES, POOLS
from reportgen.models.model import Node

Pair = tuple[Fraction, Fraction]
_ONE = Fraction(1)
_DEVIATIONS = 4


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of one position of a tensor, vertically and horizontally.

    Attributes:
        size_px: Side lengths in input pixels.
        stride_px: Input pixels between neighbouring positions; a fraction after upsampling.
        variance_px2: Variance of the place from which a position's gradient comes, if all taps of every
            kernel count alike. Variances of successive kernels add, so that the gradient gathers in the
            middle of a deep network's field (Luo et al., "Understanding the effective receptive field in
            deep convolutional neural networks", NeurIPS 2016).
    """

    size_px: Pair
    stride_px: Pair
    variance_px2: Pair = (Fraction(0), Fraction(0))

    @classmethod
    def of_one_pixel(cls) -> ReceptiveField:
        """Return the receptive field of a pixel of the picture itself."""
        return cls((_ONE, _ONE), (_ONE, _ONE))

    def rounded(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return size and stride in whole pixels, at least 1."""
        size = (math.ceil(self.size_px[0]), math.ceil(self.size_px[1]))
        return size, (max(1, round(self.stride_px[0])), max(1, round(self.stride_px[1])))

    def effective_px(self) -> tuple[int, int]:
        """Return the sides of the part of the field where nearly all of the gradient is, in whole pixels.

        Four standard deviations, at most the field itself.
        """
        down, across = (
            min(math.ceil(size), math.ceil(_DEVIATIONS * math.sqrt(variance)))
            for size, variance in zip(self.size_px, self.variance_px2, strict=True)
        )
        return max(down, 1), max(across, 1)

    def through(self, gaps: Pair, variance: Pair, stride_px: Pair) -> ReceptiveField:
        """Return the field of a position that reads several positions of this tensor.

        Args:
            gaps: Positions from the first to the last that is read (down, across).
            variance: Of the positions that are read, in positions squared.
            stride_px: Of the new tensor.
        """
        size, step, known = self.size_px, self.stride_px, self.variance_px2
        return ReceptiveField(
            (size[0] + gaps[0] * step[0], size[1] + gaps[1] * step[1]),
            stride_px,
            (known[0] + variance[0] * step[0] ** 2, known[1] + variance[1] * step[1] ** 2),
        )


_POINTWISE = frozenset(
    {
        "rescaling", "cast", "abs", "absolute",
        "square", "sqrt", "negative", "clip", "power", "zero_padding2d", "cropping2d", "true_divide",
        "divide", "log", "log1p", "floor", "rsqrt", "reciprocal", "where", "expm1", "held_input",
        "edge_padding",
    }
)  # fmt: skip
_MEETING = MERGES | {"true_divide", "divide", "power", "where", "minimum", "maximum"}
_OVER_CHANNELS = frozenset({"mean", "sum", "max", "min", "amax", "amin", "prod", "var", "std", "logsumexp"})
"""Reductions, which keep positions apart where they go over channels alone."""

_KERNELS = frozenset({"conv2d", "depthwise_conv2d", "separable_conv2d", "max_pooling2d", "average_pooling2d"})
_CHANNELWISE = frozenset(
    {
        "batch_normalization",
        "layer_normalization",
        "normalization",
        "unit_normalization",
    }
)
_INTERPOLATION_TAPS = {"nearest": 1, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}


def receptive_fields(nodes: Sequence[Node]) -> list[ReceptiveField | None]:
    """Return the receptive field of each node's first output; None where it is the whole input."""
    found: list[ReceptiveField | None] = []
    for node in nodes:
        if node.kind == "input":
            found.append(ReceptiveField.of_one_pixel())
            continue
        sources = [found[index] for index, _ in node.inputs]
        known = [s for s in sources if s is not None]
        if len(known) != len(sources) or not known or len(node.output_shapes[0]) != 4:
            found.append(None)
        else:
            found.append(next_receptive_field(node, known))
    return found


def next_receptive_field(node: Node, sources: list[ReceptiveField]) -> ReceptiveField | None:
    """Return a node's receptive field, given those of its inputs; None for the whole input."""
    if len(sources) > 1:
        return _merged(node, sources)
    source, layer = sources[0], node.operation
    if node.kind in _KERNELS or node.kind in POOLS:
        return _after_kernel(source, *_kernel(layer))
    if node.kind == "conv2d_transpose":
        return _after_transposed_kernel(source, *_kernel(layer))
    if node.kind == "up_sampling2d":
        return _after_upsampling(source, layer)
    if node.kind == "resized":
        return _after_resizing(source, layer)
    return source if _is_pointwise(node) else None


def _merged(node: Node, sources: list[ReceptiveField]) -> ReceptiveField | None:
    """Return the larger field of branches that are merged position by position."""
    if node.kind not in _MEETING or len({s.stride_px for s in sources}) != 1:
        return None
    if node.kind == "concatenate" and getattr(node.operation, "axis", -1) not in (-1, 3):
        return None
    size = (max(s.size_px[0] for s in sources), max(s.size_px[1] for s in sources))
    variance = (max(s.variance_px2[0] for s in sources), max(s.variance_px2[1] for s in sources))
    return ReceptiveField(size, sources[0].stride_px, variance)


def _kernel(layer: KerasLayer) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return the taps of a kernel or window, their dilation, and its strides."""
    sizes = _two(getattr(layer, "kernel_size", None) or layer.pool_size)
    strides = layer.strides if layer.strides is not None else sizes
    return sizes, _two(getattr(layer, "dilation_rate", 1)), _two(strides)


def _spread(taps: Fraction | int, apart: int = 1) -> Fraction:
    """Return the variance of evenly spaced taps that count alike."""
    return max(Fraction(0), (Fraction(taps) ** 2 - 1) * apart**2 / 12)


def _two(value: Any) -> tuple[int, int]:
    if isinstance(value, (int, np.integer)):
        return int(value), int(value)
    return int(value[0]), int(value[1])


def _after_kernel(
    source: ReceptiveField, taps: tuple[int, int], dilation: tuple[int, int], strides: tuple[int, int]
) -> ReceptiveField:
    step = source.stride_px
    return source.through(
        (Fraction((taps[0] - 1) * dilation[0]), Fraction((taps[1] - 1) * dilation[1])),
        (_spread(taps[0], dilation[0]), _spread(taps[1], dilation[1])),
        (step[0] * strides[0], step[1] * strides[1]),
    )


def _after_transposed_kernel(
    source: ReceptiveField, taps: tuple[int, int], dilation: tuple[int, int], strides: tuple[int, int]
) -> ReceptiveField:
    """A transposed convolution: a position gathers the inputs whose kernels reach it."""
    reach = [(n - 1) * d + 1 for n, d in zip(taps, dilation, strict=True)]
    gathered = (-(-reach[0] // strides[0]), -(-reach[1] // strides[1]))
    step = source.stride_px
    return _from_neighbours(source, gathered, (step[0] / strides[0], step[1] / strides[1]))


def _from_neighbours(
    source: ReceptiveField, read: tuple[Fraction | int, Fraction | int], stride_px: Pair
) -> ReceptiveField:
    """Return the field of positions that read as many neighbouring positions, down and across."""
    down, across = read
    return source.through(
        (Fraction(down) - 1, Fraction(across) - 1), (_spread(down), _spread(across)), stride_px
    )


def _after_upsampling(source: ReceptiveField, layer: KerasLayer) -> ReceptiveField | None:
    taps = _INTERPOLATION_TAPS.get(str(getattr(layer, "interpolation", "nearest")))
    if taps is None:
        return None
    times, step = _two(layer.size), source.stride_px
    return _from_neighbours(source, (taps, taps), (step[0] / times[0], step[1] / times[1]))


def _after_resizing(source: ReceptiveField, layer: KerasLayer) -> ReceptiveField:
    """A resize by any factors as ONNX has it: positions between `taps` neighbours; antialiased, more.

    Where a factor is not a whole number, some positions read one more of the map than is counted here.
    """
    taps = {"nearest": 1, "linear": 2, "cubic": 4}[layer.mode]
    down, across = (Fraction(s).limit_denominator(1000) for s in layer.scale)
    wide = [taps / min(_ONE, s) if layer.options.get("antialias") else Fraction(taps) for s in (down, across)]
    step = source.stride_px
    return _from_neighbours(source, (wide[0], wide[1]), (step[0] / down, step[1] / across))


def _is_pointwise(node: Node) -> bool:
    """Whether each position depends on itself alone, at any canvas size."""
    if not all(_is_spread_evenly(c) for c in node.constants):
        return False
    if node.kind == "dense":
        return True
    row = activation_called(node.function)
    if row is not None and row.reach == "place":
        return set(getattr(node.operation, "shared_axes", None) or ()) >= {1, 2}
    if node.kind in _CHANNELWISE or (row is not None and row.reach in ("channels", "pairs")):
        return _over_channels(node)
    if node.kind == "pad":
        widths = tuple(node.operation.pad_width)
        return len(widths) == 4 and not any((*widths[0], *widths[3]))
    if node.kind in ("take", "flip"):
        return node.operation.axis in (-1, 3) and len(node.output_shapes[0]) == 4
    if node.kind in _OVER_CHANNELS and len(node.output_shapes[0]) == 4:
        return _over_channels(node)
    if node.kind == "get_item":
        return _keeps_positions(node.constants)
    return node.kind in _POINTWISE or node.kind in IDENTITIES or node.kind in MERGES or bool(node.function)


def _over_channels(node: Node) -> bool:
    axis = getattr(node.operation, "axis", -1)
    axes = [axis] if isinstance(axis, int) else list(axis if axis is not None else ())
    # Normalization without an axis uses one stored number for all values.
    return (node.kind == "normalization" and not axes) or (bool(axes) and all(a in (-1, 3) for a in axes))


def _is_spread_evenly(constant: object) -> bool:
    """Whether a constant is the same at every position: one number, or one for each channel."""
    shape = tuple(getattr(constant, "shape", ()))
    return all(side == 1 for side in shape[:-1]) or len(shape) <= 1


def _keeps_positions(constants: Sequence[Tensor]) -> bool:
    """Whether an index takes channels only, as in `x[:, :, :, :8]` or `x[..., ::-1]`."""
    whole = slice(None)
    *before, _last = constants or (None,)
    if before and before[0] is Ellipsis:
        return len(before) == 1
    return len(before) == 3 and all(isinstance(c, slice) and c == whole for c in before)
