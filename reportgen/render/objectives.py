"""What is climbed: how the answers of one unit at many places become one number a picture.

Never a plain mean of a linear map, which sees a kernel's mean only: the mean of the positive part,
relative to what the unit answers to plain grey, or, where hardly anything is positive, the highest answer
of each cell of the map. Sad is the same reduction of the negated unit. Nothing here knows how a picture is
made or moved.

A sum of units is climbed as one unit is. Of a whole layer it is the mean square of its answers (Mordvintsev
and others, "Inceptionism", 2015): no unit is chosen, whatever is there already is made more of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from keras import ops

from reportgen.keras_types import Tensor
from reportgen.registry import Registry
from reportgen.spec import CHOICES
from reportgen.units import without_rim

Aim = Literal["unit", "units", "layer"]
"""What is climbed: one unit a picture, a sum of units, or the whole layer."""

LEAK = 0.1
"""Slope below the reference; share of all places where the best of each cell is climbed."""
AWAKE = 0.5
"""Share of cells that must answer above the reference for a map not to be silent."""
STARTED, WOKEN, SILENT = 0.0, 0.5, 1.0
"""How silent a unit has been on a picture: never so far; was, and answers now; is."""


@dataclass(frozen=True)
class Reduction:
    """How places are reduced.

    Attributes:
        kind: `leaky-mean`, `mean`, `neuron`, or `mean-square` of a whole layer.
        rim: Share of the map left out on each side.
        rescue: Whether a silent map is climbed by the highest answer of each cell.
        cell: Places that a cell spans, down and across: about those of one receptive field.
    """

    kind: str
    rim: float
    rescue: bool
    cell: tuple[int, int] = (1, 1)

    def word(self, silence: float) -> str:
        """Return what is climbed at that silence, in words."""
        return {SILENT: "cell-maxima", WOKEN: "positive-mean"}.get(silence, self.kind)


REDUCTIONS: Registry[Callable[[Tensor, Reduction, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]] = Registry(
    "reduction", (*CHOICES["reduction"], "mean-square")
)
"""Each takes places `(n, h, w)` within the rim, and then what `reduced` takes."""

OBJECTIVES: Registry[Callable[[Tensor, Mapping[str, Tensor]], Tensor]] = Registry("objective", get_args(Aim))
"""Each takes a layer and a run's numbers; it returns each picture's own answers, `(n, H, W)` or `(n,)`."""


@OBJECTIVES.named("unit")
def _of_unit(layer: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    return answers(layer, numbers["unit"], numbers["sign"])


@OBJECTIVES.named("units")
def _of_units(layer: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    return summed(layer, numbers["weights"], numbers["sign"])


@OBJECTIVES.named("layer")
def _of_layer(layer: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    return squared(layer, numbers["sign"])


def answers(layer: Tensor, units: Tensor, signs: Tensor) -> Tensor:
    """Return one unit a picture, `(n, H, W)` or `(n,)`, negated where the sign is -1.

    Units whose answers are not finite numbers do not touch the others.

    Args:
        layer: `(n, H, W, K)` or `(n, K)`.
        units: Index of each picture's unit, `(n,)`.
        signs: 1 or -1, `(n,)`.
    """
    mine = ops.one_hot(units, layer.shape[-1], dtype="bool")
    rank = len(layer.shape)
    mine = ops.reshape(mine, (-1,) + (1,) * (rank - 2) + (layer.shape[-1],))
    own = ops.sum(ops.where(mine, layer, ops.zeros_like(layer)), axis=-1)
    return own * ops.reshape(signs, (-1,) + (1,) * (rank - 2))


def summed(layer: Tensor, weights: Tensor, signs: Tensor) -> Tensor:
    """Return each picture's own sum of units, `(n, H, W)` or `(n,)`, negated where the sign is -1.

    Args:
        layer: `(n, H, W, K)` or `(n, K)`.
        weights: Coefficients of all units, mostly zero, `(n, K)`; units of weight zero do not touch others.
        signs: 1 or -1, `(n,)`.
    """
    rank = len(layer.shape)
    wide = ops.reshape(weights, (-1,) + (1,) * (rank - 2) + (layer.shape[-1],))
    own = ops.sum(ops.where(wide != 0.0, layer, ops.zeros_like(layer)) * wide, axis=-1)
    return own * ops.reshape(signs, (-1,) + (1,) * (rank - 2))


def squared(layer: Tensor, signs: Tensor) -> Tensor:
    """Return the mean square over units, `(n, H, W)` or `(n,)`, negated where the sign is -1.

    Args:
        layer: `(n, H, W, K)` or `(n, K)`.
        signs: 1 or -1, `(n,)`.
    """
    square = ops.mean(ops.square(layer), axis=-1)
    return square * ops.reshape(signs, (-1,) + (1,) * (len(layer.shape) - 2))


def inside(maps: Tensor, rim: float) -> Tensor:
    """Return `(n, h, w)`: `(n, H, W)` without the rim."""
    return maps[:, without_rim(maps.shape[1], rim), without_rim(maps.shape[2], rim)]


def reduced(
    values: Tensor, how: Reduction, references: Tensor, silence: Tensor, look: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the objective of each picture and its silence from here on, each `(n,)`.

    A unit that has been silent is climbed by its positive part alone: what pulled it back into silence
    is the leak, where its kernel's mean is negative.

    Args:
        values: From `answers`, `summed` or `squared`.
        how: The reduction.
        references: What counts as zero, `(n,)`: see `reference`.
        silence: `STARTED`, `WOKEN` or `SILENT`, `(n,)`.
        look: 1 where this step decides anew which, scalar.
    """
    if len(values.shape) == 1:
        return values, silence
    return REDUCTIONS[how.kind](inside(values, how.rim), how, references, silence, look)


@REDUCTIONS.named("mean", "mean-square")
def _mean(
    places: Tensor, how: Reduction, references: Tensor, silence: Tensor, look: Tensor
) -> tuple[Tensor, Tensor]:
    return ops.mean(places, axis=(1, 2)), silence


@REDUCTIONS.named("leaky-mean")
def _leaky_mean(
    places: Tensor, how: Reduction, references: Tensor, silence: Tensor, look: Tensor
) -> tuple[Tensor, Tensor]:
    peaks = cell_maxima(places, how.cell)
    if how.rescue:
        awake = ops.mean(ops.cast(peaks > references[:, None], "float32"), axis=1) >= AWAKE
        now = ops.where(awake, ops.where(silence > STARTED, WOKEN, STARTED), SILENT)
        silence = ops.where(look > 0, now, silence)
    above = places - references[:, None, None]
    leak = ops.where(silence > STARTED, 0.0, LEAK)[:, None, None]
    mean = ops.mean(ops.where(above > 0, above, leak * above), axis=(1, 2)) + references
    best = (1.0 - LEAK) * ops.mean(peaks, axis=1) + LEAK * ops.mean(places, axis=(1, 2))
    return ops.where(silence >= SILENT, best, mean), silence


def cell_maxima(places: Tensor, cell: tuple[int, int]) -> Tensor:
    """Return the highest answer in each cell of `(n, h, w)` maps, `(n, cells)`.

    It climbs wherever a cell already answers best, so that a silent unit fills a picture with what it
    looks for; the mean over all places would see the mean of its kernel, one maximum would draw one spot.
    """
    size = (min(cell[0], places.shape[1]), min(cell[1], places.shape[2]))
    peaks = ops.max_pool(places[..., None], size, size, padding="valid", data_format="channels_last")
    return ops.reshape(peaks, (-1, peaks.shape[1] * peaks.shape[2]))


def reference(flat: Tensor, rim: float) -> Tensor:
    """Return what each unit answers to a flat picture, `(K,)`, inside the rim.

    Args:
        flat: Answers to one flat picture, `(1, H, W, K)` or `(1, K)`.
    """
    if len(flat.shape) == 2:
        return flat[0]
    return ops.mean(inside(ops.transpose(flat[0], (2, 0, 1)), rim), axis=(1, 2))
