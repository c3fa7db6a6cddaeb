"""What rows of the store mean: a model version, and a render with the unit it stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reportgen.units import InputRange, Layer, LayerGraph, Sign, Telemetry


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model version as the store knows it: all that pages and scores need of the network.

    Attributes:
        options: What the user said at import (input range, size, trust); with `file_hash` it
            decides whether the file must be read again.
        plan: What was last asked for: `recipes` (role `scored` or `shown` to the recipe's hash; `sweep` to
            a list of hashes, weakest first), `seeds`, `signs`, `credits` (whom the model's pages thank).
    """

    name: str
    version: str
    file_name: str
    file_hash: str
    options: Mapping[str, Any]
    input_shape: tuple[int, int, int]
    input_size_source: str
    input_range: InputRange
    layers: tuple[Layer, ...]
    graph: LayerGraph
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    id: int = field(default=0, compare=False)

    def layer(self, name: str) -> Layer:
        """Return the layer of that name; KeyError if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class StoredRender:
    """A picture with its telemetry, and the unit it stands for.

    `picture` holds PNG bytes; `images.decode_png(picture, channels)` gives `(h, w, c)` uint8.
    """

    unit: int
    recipe: str
    sign: Sign
    seed: int
    key: str
    picture: bytes
    height: int
    width: int
    channels: int
    seconds: float
    failure: str
    telemetry: Telemetry


def telemetry_from_json(text: str) -> Telemetry:
    """Return stored telemetry."""
    return Telemetry(**tuples(json.loads(text)))


def three_numbers(values: Sequence[int]) -> tuple[int, int, int]:
    """Return the first three of `values`."""
    return (values[0], values[1], values[2])


def tuples(value: Any) -> Any:
    """Return JSON's lists as tuples, all the way down."""
    if isinstance(value, list):
        return tuple(tuples(v) for v in value)
    if isinstance(value, dict):
        return {k: tuples(v) for k, v in value.items()}
    return value
