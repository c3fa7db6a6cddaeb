"""What is climbed: how the answers of one unit at many places become one number a picture.

Never a plain mean of a linear map, which sees a kernel's mean only: the mean of the positive part,
relative to what the unit answers to plain grey, or, where nothing is positive, a soft maximum. Sad is the
same reduction of the negated unit. Nothing here knows how a picture is made or moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from reportgen.units import without_rim

Tensor = Any

LEAK = 0.1
"""Slope below the reference."""
SPREADS = 0.5
"""How many standard deviations above the mean an answer counts as high."""


@dataclass(frozen=True)
class Reduction:
    """How places are reduced.

    Attributes:
        kind: `leaky-mean`, `mean` or `neuron`.
        rim: Share of the map left out on each side.
        rescue: Whether a map that is nowhere above its reference is climbed by its soft maximum.
    """

    kind: str
    rim: float
    rescue: bool


def answers(layer: Tensor, units: Tensor, signs: Tensor) -> Tensor:
    """Return one unit a picture, `(n, H, W)` or `(n,)`, negated where the sign is -1.

    Args:
        layer: `(n, H, W, K)` or `(n, K)`.
        units: Index of each picture's unit, `(n,)`.
        signs: 1 or -1, `(n,)`.
    """
    choice = ops.one_hot(units, layer.shape[-1], dtype=layer.dtype) * signs[:, None]
    return ops.einsum("nhwk,nk->nhw" if len(layer.shape) == 4 else "nk,nk->n", layer, choice)


def inside(maps: Tensor, rim: float) -> Tensor:
    """Return `(n, places)` of `(n, H, W)` without the rim."""
    rows, columns = without_rim(maps.shape[1], rim), without_rim(maps.shape[2], rim)
    part = maps[:, rows, columns]
    return ops.reshape(part, (-1, part.shape[1] * part.shape[2]))


def reduced(
    values: Tensor, how: Reduction, references: Tensor, soft: Tensor, look: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the objective of each picture and `soft` from here on, each `(n,)`.

    Args:
        values: From `answers`.
        how: The reduction.
        references: What counts as zero, `(n,)`: see `reference`.
        soft: 1 where the soft maximum is in force, `(n,)`.
        look: 1 where this step decides anew whether it is, scalar.
    """
    if how.kind == "neuron":
        return values, soft
    places = inside(values, how.rim)
    if how.kind == "mean":
        return ops.mean(places, axis=1), soft
    if how.rescue:
        silent = ops.cast(_high(places)[:, 0] <= references, soft.dtype)
        soft = ops.where(look > 0, silent, soft)
    above = places - references[:, None]
    leaky = ops.mean(ops.where(above > 0, above, LEAK * above), axis=1) + references
    return ops.where(soft > 0, soft_maximum(places), leaky), soft


def soft_maximum(places: Tensor) -> Tensor:
    """Return the mean of `(n, places)` in which those above mean plus spread weigh 1, the others `LEAK`.

    Weights are constants to the gradient. It climbs wherever the answers are highest, at about a sixth of
    all places, so that a silent unit fills a picture as a loud one does; a maximum would draw one spot.
    """
    weights = ops.where(places >= _high(places), 1.0, LEAK)
    weights = ops.stop_gradient(weights / ops.sum(weights, axis=1, keepdims=True))
    return ops.sum(weights * places, axis=1)


def _high(places: Tensor) -> Tensor:
    return ops.stop_gradient(
        ops.mean(places, axis=1, keepdims=True) + SPREADS * ops.std(places, axis=1, keepdims=True)
    )


def reference(flat: Tensor, rim: float) -> Tensor:
    """Return what each unit answers to a flat picture, `(K,)`, inside the rim.

    Args:
        flat: Answers to one flat picture, `(1, H, W, K)` or `(1, K)`.
    """
    if len(flat.shape) == 2:
        return flat[0]
    return ops.mean(flat[0, without_rim(flat.shape[1], rim), without_rim(flat.shape[2], rim)], axis=(0, 1))
