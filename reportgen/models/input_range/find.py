"""The range of the model's input, read from the scaling that the network begins with.

Finds the usual range of pictures that this scaling maps to a range networks work on. Never guesses from
names.
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
from reportgen.models.input_range.usual_ranges import Ends, fits, intended_range, range_of_type, result_words
from reportgen.models.model import Node
from reportgen.setting_values import RANGES
from reportgen.units import InputRange

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GraphReading:
    """The evidence at the beginning of the network for its input.

    Attributes:
        words: Which operations scale the picture and how; empty where none does.
        name: The usual range that they are intended for, `LO..HI` or a name of `RANGES`; empty where they fit
            none.
        ends: Of that range; None where they fit none.
        scaled: The range it is mapped to, in words.
        rivals: Names of other ranges that they may be intended for as well.
        fits: Whether pictures of a range, its ends by channel, are mapped to a range networks work on.
        order: The evidence for the channels' order, a sentence; empty where there is none.
        blue_first: Whether it shows that channels are taken blue first.
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
    def sentence(self) -> str:
        """The scaling and its range, or that it fits none, in words."""
        if not self.words:
            return "no operation of the model scales its input"
        if not self.name:
            return f"{self.words}{self.scaled}"
        named = f"{self.name} ({_text(self.ends)})" if self.ends and ".." not in self.name else self.name
        also = f", and fits {' and '.join(self.rivals)} as well" if self.rivals else ""
        return f"{self.words}, which takes {named} to {self.scaled}{also}"


def read_graph(nodes: Sequence[Node]) -> GraphReading:
    """Return the evidence of the operations at the beginning of the network for its input."""
    scaling = first_scaling(nodes)
    found = intended_range(scaling, int(nodes[0].output_shapes[0][-1] or 1)) if scaling.words else None
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
    """Return a sentence if a given range is not the one that the network scales; else an empty text."""
    graph = read_graph(nodes)
    low, high = np.asarray(given.low), np.asarray(given.high)
    if given.source != "given" or graph.ends is None or graph.rivals or graph.fits(low, high):
        return ""
    return (
        f"The given input range {given} contradicts the model: {graph.sentence}; without --input-range, "
        "that is used."
    )


def find_input_range(
    nodes: Sequence[Node],
    given: Sequence[float | Sequence[float]] | None,
    order: Literal["rgb", "bgr"] | None = None,
    dtype: str = "float32",
) -> InputRange:
    """Return the input's range, given, read from graph or type, or assumed, and the order of its channels.

    Args:
        nodes: Of the network.
        given: `(low, high)`, each one number or one for each channel; None if not given.
        order: In which the network takes channels; None if not given.
        dtype: Of the file's picture: an integer type implies a range where no operation does.

    Raises:
        ConfigError: The given range is not two finite ends with low below high, or the order is blue first
            without three channels.
    """
    channels = int(nodes[0].output_shapes[0][-1] or 1)
    if order == "bgr" and channels != 3:
        raise ConfigError(f"channel order is bgr, and the model takes {channels} channels, wanted 3")
    graph = read_graph(nodes)
    found = _ends(graph, given, channels, dtype)
    shown: Literal["rgb", "bgr"] = "bgr" if graph.blue_first or _is_caffe(found) else "rgb"
    return dataclasses.replace(found, order=order or shown)


def _is_caffe(found: InputRange) -> bool:
    """Whether a range is that of Caffe's networks, whose ends differ by the channels' means, blue first."""
    by_channel = len(found.low) == len(found.high) == 3
    return by_channel and np.allclose((found.low, found.high), RANGES["caffe"], atol=0.5)


def _ends(graph: GraphReading, given: Sequence[object] | None, channels: int, dtype: str) -> InputRange:
    if given is not None:
        return _given(given, channels)
    if graph.ends is None and (typed := range_of_type(dtype)):
        ends, whole = typed
        evidence = (
            f"{graph.sentence}; it takes {dtype}, so {_text(ends)} is {'meant' if whole else 'assumed'}"
        )
        return InputRange(*ends, "graph" if whole else "assumed", evidence)
    if graph.ends is None:
        return InputRange(source="assumed", evidence=f"{graph.sentence}; 0..1 is assumed")
    if graph.rivals:
        return InputRange(*graph.ends, "assumed", f"{graph.sentence}; {graph.name} is assumed")
    return InputRange(*graph.ends, "graph", graph.sentence)


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
"""Means of photographs by channel as shares of red's: those of ImageNet, and of Caffe's networks."""


def _order(scaling: Scaling, ends: Ends | None) -> tuple[str, bool]:
    """Return the scaling's evidence for the channels' order, a sentence, and whether it is blue first.

    The means are those of the picture's own channels, wherever the network has moved them by then, which is
    better evidence than whether it reverses them.
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
    """Return the means subtracted from three channels scaled in one way, as shares of the largest.

    None where none are subtracted, or they cannot be means of pictures of the range.
    """
    if list(scaling.channel) != [0, 1, 2]:
        return None
    low = ends[0][0] if ends is not None and len(ends[0]) == 1 else 0.0
    means: Floats = -scaling.offset / scaling.scale - low
    return means / means.max() if (means > 0).all() else None
