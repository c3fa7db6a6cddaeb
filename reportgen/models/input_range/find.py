"""Which values the model's input takes, read from the scaling that the network itself begins with.

Asks which usual picture the beginning of the network turns into numbers of a usual size. Never guesses
from names.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ConfigError
from reportgen.models.input_range.affine_start import Scaling, first_scaling
from reportgen.models.input_range.usual_ranges import Ends, fits, made_for, range_of_type, result_words
from reportgen.models.model import Node
from reportgen.setting_values import RANGES
from reportgen.units import InputRange

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GraphReading:
    """What the beginning of the network says of its input.

    Attributes:
        words: Which operations scale the picture and how; empty where none does.
        name: The usual range that they are made for, `LO..HI` or a name of `RANGES`; empty where they fit
            none.
        ends: Of that range; None where they fit none.
        scaled: In words, what they make of that range.
        rivals: Names of other ranges that they may be made for as well.
        fits: Whether pictures of a range, its ends by channel, come out as networks are fed.
        order: What is seen of the channels' order, a sentence; empty where nothing is.
        blue_first: Whether they are seen to be taken blue first.
    """

    words: str
    name: str
    ends: Ends | None
    scaled: str
    rivals: tuple[str, ...]
    fits: Callable[[Floats, Floats], bool]
    order: str
    blue_first: bool = False

    @property
    def told(self) -> str:
        """What they do to which range, or that they fit none, in words."""
        if not self.words:
            return "no operation of the model scales its input"
        if not self.name:
            return f"{self.words}{self.scaled}"
        named = f"{self.name} ({_text(self.ends)})" if self.ends and ".." not in self.name else self.name
        also = f", and fits {' and '.join(self.rivals)} as well" if self.rivals else ""
        return f"{self.words}, which takes {named} to {self.scaled}{also}"


def read_graph(nodes: Sequence[Node]) -> GraphReading:
    """Return what the operations at the beginning of the network say of its input."""
    scaling = first_scaling(nodes)
    found = made_for(scaling, int(nodes[0].output_shapes[0][-1] or 1)) if scaling.words else None
    order, blue_first = _order(scaling, found.ends if found else None)
    unclear = ", and other operations take the input as it is" if scaling.several else ""
    return GraphReading(
        words=" then ".join(scaling.words),
        name=found.name if found else "",
        ends=found.ends if found else None,
        scaled=result_words(scaling, found.ends)
        if found
        else f"{unclear}, which fits no usual range of pictures",
        rivals=found.rivals if found else (),
        fits=lambda low, high: fits(scaling, low, high),
        order=order,
        blue_first=blue_first,
    )


def _text(ends: Ends) -> str:
    return str(InputRange(*ends))


def contradiction(nodes: Sequence[Node], given: InputRange) -> str:
    """Return a sentence where a given range is not the one that the network scales, else nothing."""
    graph = read_graph(nodes)
    low, high = np.asarray(given.low), np.asarray(given.high)
    if given.source != "given" or graph.ends is None or graph.rivals or graph.fits(low, high):
        return ""
    return (
        f"The given input range {given} contradicts the model: {graph.told}; without --input-range, "
        "that is used."
    )


def find_input_range(
    nodes: Sequence[Node],
    given: Sequence[float | Sequence[float]] | None,
    order: Literal["rgb", "bgr"] | None = None,
    dtype: str = "float32",
) -> InputRange:
    """Return the input's range: as given, as graph or type show, or assumed; and its channels' order.

    Args:
        nodes: Of the network.
        given: `(low, high)`, each a number or one number a channel; None if the user said nothing.
        order: In which the network takes channels; None if the user said nothing.
        dtype: Of the file's picture: whole numbers tell a range where no operation does, floats none.

    Raises:
        ConfigError: The given range is not two finite ends with low below high, or what has not three
            channels is to take blue first.
    """
    channels = int(nodes[0].output_shapes[0][-1] or 1)
    if order == "bgr" and channels != 3:
        raise ConfigError(f"channel order is bgr, and the model takes {channels} channels, wanted 3")
    graph = read_graph(nodes)
    found = _ends(graph, given, channels, dtype)
    seen: Literal["rgb", "bgr"] = "bgr" if graph.blue_first or _is_caffe(found) else "rgb"
    return dataclasses.replace(found, order=order or seen)


def _is_caffe(found: InputRange) -> bool:
    """Whether a range is that of Caffe's networks: its ends are told apart by their means, blue first."""
    by_channel = len(found.low) == len(found.high) == 3
    return by_channel and np.allclose((found.low, found.high), RANGES["caffe"], atol=0.5)


def _ends(graph: GraphReading, given: Sequence[object] | None, channels: int, dtype: str) -> InputRange:
    if given is not None:
        return _given(given, channels)
    if graph.ends is None and (typed := range_of_type(dtype)):
        ends, whole = typed
        said = f"{graph.told}; it takes {dtype}, so {_text(ends)} is {'meant' if whole else 'assumed'}"
        return InputRange(*ends, "graph" if whole else "assumed", said)
    if graph.ends is None:
        return InputRange(source="assumed", evidence=f"{graph.told}; 0..1 is assumed")
    if graph.rivals:
        return InputRange(*graph.ends, "assumed", f"{graph.told}; {graph.name} is assumed")
    return InputRange(*graph.ends, "graph", graph.told)


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


_BLUE_GREEN_RED = (0.406 / 0.485, 0.456 / 0.485, 1.0)
"""Means of photographs by channel, as shares of that of red: those of ImageNet, and of Caffe's networks."""


def _order(scaling: Scaling, ends: Ends | None) -> tuple[str, bool]:
    """Return what the scaling shows of the channels' order, a sentence, and whether it is blue first.

    The means are those of the picture's own channels, wherever the network has put them by then: they say
    more than whether it reverses them.
    """
    shares = _mean_shares(scaling, ends)
    if shares is not None and np.allclose(shares, _BLUE_GREEN_RED, atol=0.02):
        return "the means subtracted are those of blue, green, red: it takes blue first", True
    if shares is not None and np.allclose(shares[::-1], _BLUE_GREEN_RED, atol=0.02):
        return "the means subtracted are those of red, green, blue: it takes red first", False
    if shares is not None and shares[0] > shares[1] > shares[2] and shares[2] < 0.95:
        return (
            "the means subtracted fall from the first channel on, as red, green, blue do in photographs",
            False,
        )
    if scaling.flipped:
        return (
            "the model reverses its channels itself, as networks trained blue first do: it takes red first",
            False,
        )
    return "", False


def _mean_shares(scaling: Scaling, ends: Ends | None) -> Floats | None:
    """Return what is subtracted from each of three channels scaled in one way, as shares of the largest.

    None where nothing is, or what is subtracted is no mean of pictures of the range.
    """
    if list(scaling.channel) != [0, 1, 2]:
        return None
    low = ends[0][0] if ends is not None and len(ends[0]) == 1 else 0.0
    means: Floats = -scaling.offset / scaling.scale - low
    return means / means.max() if (means > 0).all() else None
