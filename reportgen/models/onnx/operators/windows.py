"""Shared by convolutions and poolings: positions of windows, and padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.keras_types import Tensor
from reportgen.models.onnx.call import Call

Pads = tuple[tuple[int, int], ...]
_AUTO = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


@dataclass(frozen=True)
class Window:
    """The windows of a convolution or pooling, axis by axis.

    Attributes:
        sides: Of the map.
        kernel, strides, dilations: Of the window.
        pads: Positions before and after the map, with what `ceil_mode` adds at the end.
        counted: The pads that the node itself names, without what `ceil_mode` adds.
        same_upper: Whether the node asks for SAME_UPPER, which is what Keras calls `same`.
    """

    sides: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: Pads
    counted: Pads
    same_upper: bool

    def reach(self) -> tuple[int, ...]:
        """Return the sides of the window, dilation included."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def is_same(self) -> bool:
        """Whether Keras's `same` padding is exactly this, on maps of any size."""
        if self.same_upper:
            return all(d == 1 or s == 1 for s, d in zip(self.strides, self.dilations, strict=True))
        flush = all(p == ((r - 1) // 2, r // 2) for p, r in zip(self.pads, self.reach(), strict=True))
        return flush and any(any(p) for p in self.pads) and set(self.strides) == {1}

    def is_plain(self) -> bool:
        """Whether windows are one place apart, without padding."""
        return set(self.strides) == {1} and not any(any(p) for p in self.pads)

    def outputs(self) -> tuple[int, ...]:
        """Return the sides of the result."""
        return tuple(
            (side + b + e - r) // s + 1
            for side, (b, e), r, s in zip(self.sides, self.pads, self.reach(), self.strides, strict=True)
        )


def window_of(call: Call, sides: Sequence[int], kernel: Sequence[int], *, ceil_mode: bool = False) -> Window:
    """Return a node's windows on a map."""
    n = len(sides)
    strides = tuple(int(s) for s in call.attr("strides", [1] * n))
    dilations = tuple(int(d) for d in call.attr("dilations", [1] * n))
    auto = str(call.attr("auto_pad", "NOTSET"))
    if auto not in _AUTO:
        call.refuse(f'has auto_pad "{auto[:40]}", wanted {", ".join(_AUTO)}')
    named = [int(k) for k in call.attr("kernel_shape", kernel)]
    if named != [int(k) for k in kernel]:
        call.refuse(f"declares windows of {tuple(named)}, but its kernel is {tuple(kernel)}")
    if (
        len(kernel) != n
        or len(strides) != n
        or len(dilations) != n
        or min((*kernel, *strides, *dilations)) < 1
    ):
        call.refuse(f"has windows of {tuple(kernel)} by {strides}, dilated {dilations}, on {n} axes")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    if auto.startswith("SAME"):
        pads = tuple(_same(*a, auto) for a in zip(sides, reach, strides, strict=True))
    else:
        flat = [0] * 2 * n if auto == "VALID" else [int(p) for p in call.attr("pads", [0] * 2 * n)]
        if len(flat) != 2 * n:
            call.refuse(f"has {len(flat)} pads on {n} axes, wanted {2 * n}")
        pads = tuple(zip(flat[:n], flat[n:], strict=True))
    for side, *moved in zip(sides, reach, strides, pads, strict=True):
        if moved != [1, 1, (0, 0)]:
            call.no_batch(side, "mixes")
    if any(r > side + b + e for r, side, (b, e) in zip(reach, sides, pads, strict=True)):
        call.refuse(f"has windows of {tuple(reach)} on a map of {tuple(sides)}, which is smaller")
    more = pads
    if ceil_mode:
        more = tuple(_ceiled(*a) for a in zip(sides, reach, strides, pads, strict=True))
    return Window(
        tuple(sides), tuple(int(k) for k in kernel), strides, dilations, more, pads, auto == "SAME_UPPER"
    )


def _same(side: int, reach: int, stride: int, auto: str) -> tuple[int, int]:
    total = max(0, (-(-side // stride) - 1) * stride + reach - side)
    less, more = total // 2, total - total // 2
    return (less, more) if auto == "SAME_UPPER" else (more, less)


def _ceiled(side: int, reach: int, stride: int, pads: tuple[int, int]) -> tuple[int, int]:
    """Return pads with which rounding down equals rounding up; no window begins outside the map."""
    before, after = pads
    n = -(-(side + before + after - reach) // stride) + 1
    if (n - 1) * stride >= side + before:
        n -= 1
    least = (n - 1) * stride + reach - side - before
    wide = after + stride - 1
    return before, wide if (side + before + wide - reach) // stride + 1 == n else max(least, 0)


def pad(call: Call, tensor: Tensor, pads: Pads, value: float) -> Tensor:
    """Return a map, channels last, with padding; cropped where pads are negative."""
    if not any(any(p) for p in pads):
        return tensor
    if any(min(p) < 0 for p in pads):
        index = tuple(slice(max(-b, 0), -max(-e, 0) or None) for b, e in pads)
        tensor = tensor[(slice(None), *index)]
        pads = tuple((max(b, 0), max(e, 0)) for b, e in pads)
    if value == 0 and len(pads) == 2:
        return call.layer("ZeroPadding2D", pads)(tensor)
    dtype = str(tensor.dtype)
    if value == -np.inf:
        value = float(np.finfo(dtype).min) if dtype.startswith("float") else np.iinfo(dtype).min
    return call.ops.pad(tensor, ((0, 0), *pads, (0, 0)), constant_values=np.asarray(value, dtype))


def crop(call: Call, tensor: Tensor, before: Sequence[int], sizes: Sequence[int]) -> Tensor:
    """Return part of a map, channels last; zeros past its end."""
    sides = [int(s) for s in tensor.shape[1:-1]]
    past = [max(0, b + n - s) for b, n, s in zip(before, sizes, sides, strict=True)]
    tensor = pad(call, tensor, tuple((0, p) for p in past), 0.0)
    cuts = tuple((b, s + p - b - n) for b, n, s, p in zip(before, sizes, sides, past, strict=True))
    if not any(any(c) for c in cuts):
        return tensor
    if len(cuts) == 2:
        return call.layer("Cropping2D", cuts)(tensor)
    return tensor[(slice(None), *(slice(b, b + n) for b, n in zip(before, sizes, strict=True)))]
