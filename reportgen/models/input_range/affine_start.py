"""The affine scaling that a network applies to its picture first: `x * a + b`, by channel.

Follows every tensor that holds scaled values of the picture as far as `scaled_picture` can, and combines
the scalings in which later operations read them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.models.graph.kinds import SHAPE_ONLY
from reportgen.models.input_range.scaled_picture import (
    COMPARISONS,
    Floats,
    View,
    number_like,
    sizes,
    thin,
    viewed,
)
from reportgen.models.model import Node, Ref

_MOST_WORDS = 4
_MOST_WAYS = 4
"""Different scalings of one channel up to which they are listed; beyond, it is scaled by a picture."""


@dataclass(frozen=True)
class Scaling:
    """The scalings in which the picture is read: one entry for each channel and each different scaling.

    Attributes:
        channel: `(n,)`, of the picture.
        scale, offset: `(n,)`; the entry is `picture[..., channel] * scale + offset`.
        words: Which operations scale it.
        flipped: Whether the channels are in reverse order.
        several: Whether the picture is read both scaled and as it is.
    """

    channel: NDArray[np.int64]
    scale: Floats
    offset: Floats
    words: tuple[str, ...] = ()
    flipped: bool = False
    several: bool = False

    @property
    def plain(self) -> bool:
        """Whether the picture is not scaled."""
        return bool(np.allclose(self.scale, 1, atol=1e-6) and np.allclose(self.offset, 0, atol=1e-6))


def first_scaling(nodes: Sequence[Node]) -> Scaling:
    """Return the scaling that the network applies to its picture before any other operation.

    If it ends up unscaled, the last real scaling on the way counts: `x * 255 / 255` is the same evidence as
    `x * 255`.
    """
    last = _last_views(nodes)
    found = _combined(last)
    words = tuple(dict.fromkeys(word for view in last for word in view.words))
    flipped = any(_is_flipped(view) for view in last)
    if found is None:
        return dataclasses.replace(_NO_SCALING, words=words, several=bool(words))
    if found.plain:
        found = _last_real_scaling(last) or found
    identity = np.isclose(found.scale, 1, atol=1e-6) & np.isclose(found.offset, 0, atol=1e-6)
    several = bool(identity.any() and not identity.all())
    if len(words) > _MOST_WORDS:
        words = (*words[:_MOST_WORDS], f"{len(words) - _MOST_WORDS} more like these")
    return dataclasses.replace(found, words=words, flipped=flipped, several=several)


def _chooses(nodes: Sequence[Node], index: int) -> bool:
    """Whether a comparison is used only to select between two tensors, place by place."""
    readers = [node for node in nodes[index + 1 :] if any(source == index for source, _ in node.inputs)]
    return bool(readers) and all(node.kind == "where" and node.inputs[0][0] == index for node in readers)


def _last_real_scaling(views: list[View]) -> Scaling | None:
    """Return the last scaling by a factor other than 1 on the way to views that are unscaled."""
    while any(view.before for view in views):
        views = [view.before or view for view in views]
        found = _combined(views)
        if found is not None and not np.allclose(np.abs(found.scale), 1, atol=1e-6):
            return found
    return None


_NO_SCALING = Scaling(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def _last_views(nodes: Sequence[Node]) -> list[View]:
    """Return the scaled pictures that are read by an operation that is not a scaling."""
    shape = sizes(nodes[0].output_shapes[0])
    channels = np.broadcast_to(np.arange(shape[-1]), shape)
    views = {(0, 0): View(channels, np.broadcast_to(1.0, shape), np.broadcast_to(0.0, shape))}
    ended: dict[Ref, View] = {}
    for index, node in enumerate(nodes):
        known = [ref for ref in node.inputs if ref in views]
        # A held input, and zeros or ones like the picture, take their size from it but none of its values.
        if not known or node.kind in SHAPE_ONLY:
            if known and (constant := number_like(node, views[known[0]])) is not None:
                views[index, 0] = constant
            continue
        if node.kind in COMPARISONS and len(known) == 1 and _chooses(nodes, index):
            continue
        if node.kind == "where" and len(known) == 2 == len(node.inputs) - 1:
            node = dataclasses.replace(node, inputs=tuple(known))
        made = viewed(node, [views[ref] for ref in known]) if len(known) == len(node.inputs) else []
        views.update({(index, output): view for output, view in enumerate(made)})
        if not made:
            ended.update({ref: views[ref] for ref in known})
    return list(ended.values())


def _combined(views: Sequence[View]) -> Scaling | None:
    """Return the scalings of several views by channel; None where one of them is not a scaling."""
    found: dict[tuple[int, float, float], None] = {}
    for view in views:
        channel, scale, offset = (a.ravel() for a in np.broadcast_arrays(*_thinned(view)))
        for k in np.unique(channel):
            own = (channel == k) & (scale != 0)  # A constant part is no evidence.
            for pair in _pairs(scale[own], offset[own]):
                if pair is None:
                    return None
                found[int(k), *pair] = None
    if not found:
        return None
    channels, scales, offsets = zip(*found, strict=True)
    order = np.argsort(channels, kind="stable")
    return Scaling(np.array(channels)[order], np.array(scales, float)[order], np.array(offsets, float)[order])


def _thinned(view: View) -> tuple[np.ndarray, ...]:
    return thin(view.channel), thin(view.scale), thin(view.offset)


def _pairs(scale: Floats, offset: Floats) -> list[tuple[float, float] | None]:
    """Return scale and offset of one channel, for each different scaling of it.

    A mean picture counts as its mean, a picture of deviations as their mean.
    """
    ways = np.unique(scale + 1j * offset)
    if len(ways) <= _MOST_WAYS:
        return [(float(way.real), float(way.imag)) for way in ways]
    if scale.min() < 0 < scale.max():
        return [None]
    one, zero = float((1 / scale).mean()), float((-offset / scale).mean())
    return [(1 / one, -zero / one)]


def _is_flipped(view: View) -> bool:
    last = np.atleast_1d(view.channel)
    return bool(last[(0,) * (last.ndim - 1)].tolist() == [2, 1, 0])
