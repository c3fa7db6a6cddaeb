"""What is maximised: how the activations of one unit at many places become one number a picture.

Never a plain mean of a linear map, which depends only on the kernel's mean. Instead the mean of the positive
part, relative to the unit's response to plain grey, or, where hardly anything is positive, the highest
activation of each cell of the map. Sad is the same reduction of the negated unit. Nothing here knows how a
picture is parametrized or transformed.

A sum of units is maximised as one unit is. For a whole layer it is the mean square of its activations
(Mordvintsev and others, "Inceptionism", 2015): no unit is chosen, and what is already present is amplified.
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
"""What is maximised: one unit a picture, a sum of units, or the whole layer."""

LEAK = 0.1
"""Slope below the reference; also the weight of the mean of all places next to the cell maxima."""
RESPONDING_SHARE = 0.5
"""Share of cells that must respond above the reference for a map not to count as silent."""
NEVER_SILENT, RESTARTED, SILENT = 0.0, 0.5, 1.0
"""Whether a unit has been silent on a picture: never so far; it was, and responds now; it is."""


@dataclass(frozen=True)
class Reduction:
    """How places are reduced.

    Attributes:
        kind: `leaky-mean`, `mean`, `neuron`, or `mean-square` of a whole layer.
        rim: Share of the map left out on each side.
        rescue: Whether the objective of a silent map is the highest activation of each cell.
        cell: Height and width of a cell in places: about one receptive field.
    """

    kind: str
    rim: float
    rescue: bool
    cell: tuple[int, int] = (1, 1)

    def word(self, silence: float) -> str:
        """Return the name of the reduction that is used at that silence."""
        return {SILENT: "cell-maxima", RESTARTED: "positive-mean"}.get(silence, self.kind)


REDUCTIONS: Registry[Callable[[Tensor, Reduction, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]] = Registry(
    "reduction", (*CHOICES["reduction"], "mean-square")
)
"""Each takes places `(n, h, w)` within the rim, followed by the remaining arguments of `reduced`."""

OBJECTIVES: Registry[Callable[[Tensor, Mapping[str, Tensor]], Tensor]] = Registry("objective", get_args(Aim))
"""Each takes a layer and a run's numbers; it returns each picture's activations, `(n, H, W)` or `(n,)`."""


@OBJECTIVES.named("unit")
def _of_unit(layer: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    return unit_activations(layer, numbers["unit"], numbers["sign"])


@OBJECTIVES.named("units")
def _of_units(layer: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    return weighted_sums(layer, numbers["weights"], numbers["sign"])


@OBJECTIVES.named("layer")
def _of_layer(layer: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    return mean_squares(layer, numbers["sign"])


def unit_activations(layer: Tensor, units: Tensor, signs: Tensor) -> Tensor:
    """Return one unit's activations a picture, `(n, H, W)` or `(n,)`, negated where the sign is -1.

    Units whose activations are not finite numbers do not affect the others.

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


def weighted_sums(layer: Tensor, weights: Tensor, signs: Tensor) -> Tensor:
    """Return each picture's weighted sum of units, `(n, H, W)` or `(n,)`, negated where the sign is -1.

    Args:
        layer: `(n, H, W, K)` or `(n, K)`.
        weights: Coefficients of all units, mostly zero, `(n, K)`; units of weight zero do not affect others.
        signs: 1 or -1, `(n,)`.
    """
    rank = len(layer.shape)
    wide = ops.reshape(weights, (-1,) + (1,) * (rank - 2) + (layer.shape[-1],))
    own = ops.sum(ops.where(wide != 0.0, layer, ops.zeros_like(layer)) * wide, axis=-1)
    return own * ops.reshape(signs, (-1,) + (1,) * (rank - 2))


def mean_squares(layer: Tensor, signs: Tensor) -> Tensor:
    """Return the mean square over units, `(n, H, W)` or `(n,)`, negated where the sign is -1.

    Args:
        layer: `(n, H, W, K)` or `(n, K)`.
        signs: 1 or -1, `(n,)`.
    """
    square = ops.mean(ops.square(layer), axis=-1)
    return square * ops.reshape(signs, (-1,) + (1,) * (len(layer.shape) - 2))


def inner_places(maps: Tensor, rim: float) -> Tensor:
    """Return maps `(n, H, W)` without their rim, `(n, h, w)`."""
    return maps[:, without_rim(maps.shape[1], rim), without_rim(maps.shape[2], rim)]


def reduced(
    values: Tensor, how: Reduction, references: Tensor, silence: Tensor, update_silence: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the objective of each picture and its silence from now on, each `(n,)`.

    Of a unit that has been silent only the positive part is maximised: the leak would pull it back into
    silence where its kernel's mean is negative.

    Args:
        values: From `unit_activations`, `weighted_sums` or `mean_squares`.
        how: The reduction.
        references: The level that counts as zero, `(n,)`: see `reference`.
        silence: `NEVER_SILENT`, `RESTARTED` or `SILENT`, `(n,)`.
        update_silence: 1 if this step determines the silence again, else 0; scalar.
    """
    if len(values.shape) == 1:
        return values, silence
    return REDUCTIONS[how.kind](inner_places(values, how.rim), how, references, silence, update_silence)


@REDUCTIONS.named("mean", "mean-square")
def _mean(
    places: Tensor, how: Reduction, references: Tensor, silence: Tensor, update_silence: Tensor
) -> tuple[Tensor, Tensor]:
    return ops.mean(places, axis=(1, 2)), silence


@REDUCTIONS.named("leaky-mean")
def _leaky_mean(
    places: Tensor, how: Reduction, references: Tensor, silence: Tensor, update_silence: Tensor
) -> tuple[Tensor, Tensor]:
    peaks = cell_maxima(places, how.cell)
    if how.rescue:
        responding = ops.mean(ops.cast(peaks > references[:, None], "float32"), axis=1) >= RESPONDING_SHARE
        now = ops.where(responding, ops.where(silence > NEVER_SILENT, RESTARTED, NEVER_SILENT), SILENT)
        silence = ops.where(update_silence > 0, now, silence)
    above = places - references[:, None, None]
    leak = ops.where(silence > NEVER_SILENT, 0.0, LEAK)[:, None, None]
    mean = ops.mean(ops.where(above > 0, above, leak * above), axis=(1, 2)) + references
    best = (1.0 - LEAK) * ops.mean(peaks, axis=1) + LEAK * ops.mean(places, axis=(1, 2))
    return ops.where(silence >= SILENT, best, mean), silence


def cell_maxima(places: Tensor, cell: tuple[int, int]) -> Tensor:
    """Return the highest activation in each cell of `(n, h, w)` maps, `(n, cells)`.

    Each cell is maximised where it already responds most, so that a silent unit's pattern fills the picture.
    The mean over all places would follow the kernel's mean, and a single maximum would draw one spot.
    """
    size = (min(cell[0], places.shape[1]), min(cell[1], places.shape[2]))
    peaks = ops.max_pool(places[..., None], size, size, padding="valid", data_format="channels_last")
    return ops.reshape(peaks, (-1, peaks.shape[1] * peaks.shape[2]))


def reference(flat: Tensor, rim: float) -> Tensor:
    """Return each unit's mean response to a flat picture, within the rim, `(K,)`.

    Args:
        flat: Activations of one flat picture, `(1, H, W, K)` or `(1, K)`.
    """
    if len(flat.shape) == 2:
        return flat[0]
    return ops.mean(inner_places(ops.transpose(flat[0], (2, 0, 1)), rim), axis=(1, 2))
