"""Which values the model's input takes, read from the scaling that the network itself begins with.

Follows the first operations while they are `x * a + b` by constants, and asks which usual
picture (0..255, 0..1, -1..1) they turn into numbers of a usual size. Never guesses from names.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config import RANGES
from reportgen.errors import ConfigError
from reportgen.models.framework import keras_module
from reportgen.models.kinds import IDENTITIES
from reportgen.models.model import Node
from reportgen.models.taps import consumers_of
from reportgen.units import InputRange

Floats = NDArray[np.float64]
_CANDIDATES = ((0.0, 255.0), (0.0, 1.0), (-1.0, 1.0))


@dataclass(frozen=True)
class _Scaling:
    """`x * scale + offset` by channel, and in words which operations do it."""

    scale: Floats
    offset: Floats
    words: tuple[str, ...]
    flipped: bool = False


@dataclass(frozen=True)
class GraphReading:
    """What the beginning of the network says of its input.

    Attributes:
        words: Which operations scale the picture and how; empty where none does.
        ends: The usual range that they are made for, None where they fit none.
        scaled: In words, to what they take that range.
        fits: Whether pictures of a range, its ends by channel, come out as networks are fed.
        order: What is seen of the channels' order, a sentence; empty where nothing is.
        blue_first: Whether they are seen to be taken blue first.
    """

    words: str
    ends: tuple[float, float] | None
    scaled: str
    fits: Callable[[Floats, Floats], bool]
    order: str
    blue_first: bool = False


def read_graph(nodes: Sequence[Node]) -> GraphReading:
    """Return what the operations at the beginning of the network say of its input."""
    scaling = _first_scaling(nodes)
    said = " then ".join(scaling.words)
    ends = next((ends for ends in _CANDIDATES if said and _fits(scaling, *ends)), None)
    scaled = _shown(scaling, *ends) if ends else ""
    return GraphReading(
        said,
        ends,
        scaled,
        lambda low, high: _fits(scaling, low, high),
        _order(scaling),
        _takes_blue_first(scaling),
    )


def contradiction(nodes: Sequence[Node], given: InputRange) -> str:
    """Return a sentence where a given range is not the one that the network scales, else nothing."""
    graph = read_graph(nodes)
    low, high = np.asarray(given.low), np.asarray(given.high)
    if given.source != "given" or graph.ends is None or graph.fits(low, high):
        return ""
    return (
        f"The given input range {given} contradicts the model: {graph.words}, which takes "
        f"{graph.ends[0]:g}..{graph.ends[1]:g} to {graph.scaled}; without --input-range, that is used."
    )


def find_input_range(
    nodes: Sequence[Node],
    given: Sequence[float] | Sequence[Sequence[float]] | None,
    order: Literal["rgb", "bgr"] | None = None,
) -> InputRange:
    """Return the input's range: as given, as the graph shows, or 0..1 assumed; and its order of channels.

    Args:
        nodes: Of the network.
        given: `(low, high)`, each a number or one number a channel; None if the user said nothing.
        order: In which the network takes channels; None if the user said nothing.

    Raises:
        ConfigError: The given range is not two finite ends with low below high, or what has not three
            channels is to take blue first.
    """
    channels = int(nodes[0].output_shapes[0][-1] or 1)
    if order == "bgr" and channels != 3:
        raise ConfigError(f"channel order is bgr, and the model takes {channels} channels, wanted 3")
    graph = read_graph(nodes)
    found = _ends(graph, given, channels)
    seen: Literal["rgb", "bgr"] = "bgr" if graph.blue_first or _is_caffe(found) else "rgb"
    return dataclasses.replace(found, order=order or seen)


def _is_caffe(found: InputRange) -> bool:
    """Whether a range is that of Caffe's networks: its ends are told apart by their means, blue first."""
    by_channel = len(found.low) == len(found.high) == 3
    return by_channel and np.allclose((found.low, found.high), RANGES["caffe"], atol=0.5)


def _ends(graph: GraphReading, given: Sequence[Any] | None, channels: int) -> InputRange:
    if given is not None:
        return _given(given, channels)
    if not graph.words:
        return InputRange(
            source="assumed", evidence="no operation of the model scales its input; 0..1 is assumed"
        )
    if graph.ends is None:
        said = f"{graph.words}, which fits no usual range of pictures; 0..1 is assumed"
        return InputRange(source="assumed", evidence=said)
    low, high = graph.ends
    said = f"{graph.words}, which takes {low:g}..{high:g} to {graph.scaled}"
    return InputRange((low,), (high,), "graph", said)


def _given(given: Sequence[Any], channels: int) -> InputRange:
    try:
        low, high = (tuple(float(v) for v in np.ravel(end)) for end in given)
    except (TypeError, ValueError):
        raise ConfigError(f"input range is {given!r}, wanted two numbers such as 0 and 255") from None
    ends = (
        [(a, b) for a in low for b in high]
        if 1 in (len(low), len(high))
        else list(zip(low, high, strict=False))
    )
    if not ends or not all(math.isfinite(a) and math.isfinite(b) and a < b for a, b in ends):
        raise ConfigError(
            f"input range is {low} to {high}, wanted finite ends, the low one below the high one"
        )
    if {len(low), len(high)} - {1, channels}:
        raise ConfigError(f"input range has {len(low)} and {len(high)} ends, wanted 1 or {channels} of each")
    return InputRange(low, high, "given", "given by the user")


def _first_scaling(nodes: Sequence[Node]) -> _Scaling:
    """Return what the network does to its input before anything that is not a scaling."""
    consumers = consumers_of(nodes)
    channels = int(nodes[0].output_shapes[0][-1] or 1)
    scale, offset, words = np.ones(channels), np.zeros(channels), []
    at, flipped = (0, 0), False
    # What is held gets its size from the picture, and none of its numbers.
    while len(readers := [r for r in consumers.get(at, []) if nodes[r].kind != "held_input"]) == 1:
        node = nodes[readers[0]]
        step = _step(node, channels)
        if step is None:
            break
        a, b, said = step
        scale, offset = scale * a, offset * a + b
        words += [said] if said else []
        flipped ^= _flips_channels(node)
        at = (readers[0], 0)
    return _Scaling(scale, offset, tuple(words), flipped)


def _step(node: Node, channels: int) -> tuple[Floats, Floats, str] | None:
    """Return scale, offset and words of one operation, or None if it is no scaling by constants."""
    none, one = np.zeros(channels), np.ones(channels)
    if (
        node.kind in IDENTITIES
        or node.kind in ("cast", "zero_padding2d", "resizing")
        or _flips_channels(node)
    ):
        return one, none, ""
    name = f'{node.kind} "{node.name}"'
    if node.kind == "rescaling":
        pair = _by_channel(node.operation.scale, channels), _by_channel(node.operation.offset, channels)
        if pair[0] is None or pair[1] is None:
            return None
        plus = "" if not pair[1].any() else f" and adds {_numbers(pair[1])}"
        return pair[0], pair[1], f"{name} multiplies by {_numbers(pair[0])}{plus}"
    if node.kind == "normalization":
        return _normalization(node, channels, name)
    return _arithmetic(node, channels, name)


def _normalization(node: Node, channels: int, name: str) -> tuple[Floats, Floats, str] | None:
    layer = node.operation
    mean, variance = _by_channel(layer.mean, channels), _by_channel(layer.variance, channels)
    if mean is None or variance is None or getattr(layer, "invert", False):
        return None
    deviation = np.sqrt(np.maximum(variance, 1e-14))
    said = f"{name} subtracts a mean of {_numbers(mean)} and divides by {_numbers(deviation)}"
    return 1 / deviation, -mean / deviation, said


def _arithmetic(node: Node, channels: int, name: str) -> tuple[Floats, Floats, str] | None:
    """Return the scaling of `x + c`, `x - c`, `x * c` or `x / c`, in this order of operands only."""
    constants = [c for c in node.constants if c is not None]
    if len(node.inputs) != 1 or len(constants) != 1:
        return None
    value = _by_channel(constants[0], channels)
    if value is None:
        return None
    none, one = np.zeros(channels), np.ones(channels)
    if node.kind == "add":
        return one, value, f"{name} adds {_numbers(value)}"
    if node.kind == "multiply":
        return value, none, f"{name} multiplies by {_numbers(value)}"
    first = node.pattern.startswith("t")
    if node.kind == "subtract" and first:
        return one, -value, f"{name} subtracts {_numbers(value)}"
    if node.kind in ("true_divide", "divide") and first and value.all():
        return 1 / value, none, f"{name} divides by {_numbers(value)}"
    return None


def _flips_channels(node: Node) -> bool:
    """Whether an index reverses the channels, as `x[..., ::-1]` does."""
    return node.kind == "get_item" and bool(node.constants) and node.constants[-1] == slice(None, None, -1)


def _by_channel(value: Any, channels: int) -> Floats | None:
    if value is None:
        return None
    try:
        array = np.ravel(np.asarray(keras_module().ops.convert_to_numpy(value), dtype=float))
    except (TypeError, ValueError):
        return None
    if array.size not in (1, channels) or not np.isfinite(array).all():
        return None
    return np.broadcast_to(array, (channels,)).copy()


_CAFFE_MEANS = (103.939, 116.779, 123.68)
"""What Caffe's networks subtract from blue, green and red, in 0..255."""


def _order(scaling: _Scaling) -> str:
    """Return what the scaling shows of the channels' order."""
    if scaling.offset.size != 3 or not scaling.scale.all():
        return ""
    if scaling.flipped:
        return "the model reverses its channels itself, as networks trained blue first do: it takes red first"
    means = -scaling.offset / scaling.scale
    if _takes_blue_first(scaling):
        return "the means subtracted are those of blue, green, red: it takes blue first"
    if means[0] > means[1] > means[2] and np.ptp(means / means.max()) > 0.05:
        return "the means subtracted fall from the first channel on, as red, green, blue do in photographs"
    return ""


def _takes_blue_first(scaling: _Scaling) -> bool:
    if scaling.offset.size != 3 or not scaling.scale.all() or scaling.flipped:
        return False
    return bool(np.allclose(-scaling.offset / scaling.scale, _CAFFE_MEANS, atol=0.5))


def _fits(scaling: _Scaling, low: Any, high: Any) -> bool:
    """Whether pictures of a range come out with the spread that networks are fed.

    Two readings count. With `x = (out - b) / a`: the value taken to zero, -b / a, must lie within the
    range, and the value that makes one, 1 / |a|, must be between a twentieth and the whole of its width
    (for scalings to mean 0 and deviation 1, or to a width of about 1 or 2). Or the result is 0..255 itself,
    or a shift that can only be of 0..255 because the mean subtracted is far above 1.
    """
    scale, offset = scaling.scale, scaling.offset
    if not scale.all():
        return False
    width, one, zero = high - low, 1 / np.abs(scale), -offset / scale
    centred = bool(np.all((zero >= low) & (zero <= high)))
    if centred and np.all((one >= width / 20) & (one <= width * 1.05)):
        return True
    ends = scale * low + offset, scale * high + offset
    if (
        np.allclose(ends[0], 0, atol=1.0)
        and np.allclose(ends[1], 255, atol=1.5)
        and not np.allclose(scale, 1)
    ):
        return True
    return bool(centred and np.all(width == 255) and np.all(zero > 2) and np.allclose(scale, 1))


def _shown(scaling: _Scaling, low: float, high: float) -> str:
    ends = np.sort(np.stack([scaling.scale * low, scaling.scale * high]) + scaling.offset, axis=0)
    return f"{ends[0].min():.3g}..{ends[1].max():.3g}"


def _numbers(values: Floats) -> str:
    shown = values[:1] if np.allclose(values, values[0]) else values
    return " ".join(f"{v:.6g}" for v in shown)
