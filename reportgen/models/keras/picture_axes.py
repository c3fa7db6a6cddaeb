"""Which axis of a Keras network's picture holds the channels, read from what the network does with it.

The picture's axes are tracked from the input, through nested models, as far as they can be distinguished. A
convolution shows which axis it sums over, a normalisation which axis it has one number for, a transposition
how the network takes its picture. Without such evidence channels are last, Keras's default, unless
transpositions or the sides raise a doubt: then the user must say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from reportgen.errors import ConfigError, ModelError
from reportgen.keras_types import CallRecord, Network, Operation, Tensor
from reportgen.models.extra_inputs import shape_text
from reportgen.models.graph.flatten import recorded_calls
from reportgen.models.graph.kinds import IDENTITIES, activation_of, kind_of
from reportgen.models.keras.calls import is_model, unwrapped

Axes = tuple[int | None, ...]
"""Which axis of the picture each axis of a tensor is; None for any other axis."""

_BY_AXIS = frozenset(
    {"batch_normalization", "layer_normalization", "group_normalization", "unit_normalization",
     "rms_normalization", "normalization", "dense"}
)  # fmt: skip
_ELEMENTWISE = IDENTITIES | {"rescaling", "cast"}
"""Kinds that treat every number the same, though some of them have a `data_format`."""

_BY_SIDES = frozenset({"reshape", "expand_dims", "squeeze"})
_IN_PLACE = frozenset(
    {"get_item", "pad", "take", "split", "concatenate", "mean", "max", "min", "sum", "resized", "flip",
     "repeat"}
)  # fmt: skip
"""Kinds that keep the order of axes and may change their lengths."""

_MIXING = frozenset({"matmul", "einsum", "tensordot", "dot", "dense"})
_MOST_COLOURS = 4


def takes_channels_first(
    model: Network,
    picture: Tensor,
    given: Literal["first", "last"] | None = None,
    file_name: str = "the model",
) -> bool:
    """Return whether a network takes the channels of its picture before height and width.

    Args:
        model: Built, functional or sequential.
        picture: The input, symbolic.
        given: By the user.
        file_name: For messages.

    Raises:
        ModelError: The network leaves a doubt, or has its channels between height and width.
        ConfigError: `given` contradicts the network.
    """
    if len(picture.shape) != 4:
        return False
    walk = _Walk()
    walk.through(model, [(0, 1, 2, 3) if t is picture else None for t in model.inputs])
    found = walk.certain or walk.likely
    axis = next(iter(found)) if len(found) == 1 else None
    if axis == 2:
        raise ModelError(
            f'{file_name}: input "{picture.name}" {shape_text(picture)} has its channels in the middle, '
            "wanted (height, width, channels) or (channels, height, width)"
        )
    shown: Literal["first", "last"] | None = {1: "first", 3: "last"}.get(axis or 0)  # type: ignore[assignment]
    if walk.certain and shown and given not in (None, shown):
        raise ConfigError(
            f'{file_name}: channels are given as "{given}", but the network takes those of input '
            f'"{picture.name}" {shown}',
            hint="leave --channels out",
        )
    if given is not None:
        return given == "first"
    if not walk.certain and (len(found) > 1 or (shown != "first" and (walk.turned or _looks_first(picture)))):
        raise ModelError(
            f'{file_name}: the network does not show which side of input "{picture.name}" '
            f"{shape_text(picture)} holds its channels",
            hint="give --channels first or --channels last",
        )
    if walk.certain and shown is None:
        raise ModelError(
            f'{file_name}: layers disagree on which side of input "{picture.name}" {shape_text(picture)} '
            "holds its channels, wanted the same for all",
            hint="give --channels first or --channels last",
        )
    return shown == "first"


def _looks_first(picture: Tensor) -> bool:
    """Whether the sides look like channels, height and width."""
    first, _, last = picture.shape[1:]
    return first is not None and first <= _MOST_COLOURS and (last is None or last > _MOST_COLOURS)


class _Walk:
    """The picture's axes along the network.

    Attributes:
        certain: The axes that some layer sums over as channels, by its definition.
        likely: The axes with one number for each position.
        turned: Whether some tensor's last axis is not the picture's last.
    """

    def __init__(self) -> None:
        self.certain: dict[int, None] = {}
        self.likely: dict[int, None] = {}
        self.turned = False

    def through(self, model: Network, given: Sequence[Axes | None]) -> list[Axes | None]:
        """Return the axes of a model's outputs; None for those that are no longer a picture."""
        known: dict[int, Axes | None] = {id(t): axes for t, axes in zip(model.inputs, given, strict=True)}
        for call in recorded_calls(model.inputs, model.outputs):
            axes = [known.get(id(t)) for t in call.input_tensors]
            found = self._after(call, axes) if any(axes) else [None] * len(call.outputs)
            known.update({id(t): a for t, a in zip(call.outputs, found, strict=True)})
        return [known.get(id(t)) for t in model.outputs]

    def _after(self, call: CallRecord, given: list[Axes | None]) -> list[Axes | None]:
        operation = unwrapped(call.operation)
        if is_model(operation):
            return self.through(operation, given)
        axes = _common([a for a in given if a])
        shape = tuple(next(t for t, a in zip(call.input_tensors, given, strict=True) if a).shape)
        self._note_channels(operation, axes)
        if kind_of(operation) == "get_item":
            axes, shape = _picked(call, axes, shape)
        found = [_moved(operation, axes, shape, tuple(t.shape)) for t in call.outputs]
        self.turned |= any(a is not None and len(a) == 4 and a[-1] not in (3, None) for a in found)
        return found

    def _note_channels(self, operation: Operation, axes: Axes) -> None:
        """Record which axis an operation takes for channels."""
        kind, own = kind_of(operation), getattr(operation, "data_format", None)
        if kind in _ELEMENTWISE or (kind == "flatten" and own != "channels_first"):
            return
        if len(axes) == 4 and own in ("channels_first", "channels_last"):
            _note(self.certain, axes[1 if own == "channels_first" else -1])
        elif kind in _BY_AXIS:
            numbers = np.ravel(getattr(operation, "axis", -1) if kind != "dense" else -1)
            if len(numbers) == 1 and isinstance(numbers[0], np.integer):
                _note(self.likely, axes[int(numbers[0]) % len(axes)])


def _note(found: dict[int, None], axis: int | None) -> None:
    if axis:
        found[axis] = None


def _common(several: list[Axes]) -> Axes:
    """Return the axes on which several tensors agree, at the highest rank among them."""
    rank = max(len(axes) for axes in several)
    full = [(None,) * (rank - len(axes)) + axes for axes in several]
    return tuple(at[0] if len(set(at)) == 1 else None for at in zip(*full, strict=True))


def turn_of(operation: Operation, rank: int) -> tuple[int, ...] | None:
    """Return which axis of its input each axis of a transposition's output is; None for other operations."""
    kind = kind_of(operation)
    if kind == "permute":
        return (0, *operation.dims)
    if kind == "transpose":
        return tuple(a % rank for a in operation.axes) if operation.axes else tuple(reversed(range(rank)))
    if kind not in ("moveaxis", "swapaxes"):
        return None
    numbered = np.empty(range(rank))  # Each axis is as long as its number, and the first is empty.
    if kind == "moveaxis":
        return np.moveaxis(numbered, operation.source, operation.destination).shape
    return np.swapaxes(numbered, operation.axis1, operation.axis2).shape


def _picked(
    call: CallRecord, axes: Axes, shape: tuple[int | None, ...]
) -> tuple[Axes, tuple[int | None, ...]]:
    """Return axes and shape without the axes that an index removes, as `x[:, 0]` does."""
    index = (*call.arguments.args, *call.arguments.kwargs.values())[1]
    kept = axes_kept(index if isinstance(index, (tuple, list)) else [index], len(axes))
    return tuple(axes[i] for i in kept), tuple(shape[i] for i in kept)


def axes_kept(index: Sequence[object], rank: int) -> list[int]:
    """Return the axes that an index keeps."""
    parts = list(index)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    if at is not None:
        parts[at : at + 1] = [slice(None)] * (rank - len(parts) + 1)
    dropped = {i for i, part in enumerate(parts) if isinstance(part, (int, np.integer))}
    return [i for i in range(rank) if i not in dropped]


def _moved(
    operation: Operation, axes: Axes, before: tuple[object, ...], after: tuple[object, ...]
) -> Axes | None:
    """Return the axes after an operation; None where they can no longer be distinguished."""
    kind = kind_of(operation)
    turn = turn_of(operation, len(axes))
    if turn is not None:
        return tuple(axes[at] for at in turn)
    if kind in _BY_SIDES:
        return _by_sides(axes, before, after)
    if kind == "stack":
        at = operation.axis % len(after)
        return _filled((*axes[:at], None, *axes[at:]))
    keeping = kind in _BY_AXIS or activation_of(operation) is not None
    if kind in _MIXING or (getattr(operation, "weights", None) and not keeping):
        return None
    keeps = before == after or kind in _IN_PLACE or getattr(operation, "data_format", None) is not None
    return _filled(axes) if keeps and len(after) == len(before) and kind != "flatten" else None


def _by_sides(axes: Axes, before: tuple[object, ...], after: tuple[object, ...]) -> Axes | None:
    """Return the axes where sides of 1 are added, removed or moved: `(1, 28, 28)` to `(28, 28, 1)`."""
    old = [(axis, side) for axis, side in zip(axes[1:], before[1:], strict=True) if side != 1]
    rest = iter(old)
    placed = tuple(None if side == 1 else next(rest, (None, None))[0] for side in after[1:])
    if [side for _, side in old] != [side for side in after[1:] if side != 1]:
        return None
    return _filled((axes[0], *placed))


def _filled(axes: Axes) -> Axes:
    """Return the axes with the picture's only missing axis filled into the only unknown place."""
    missing = [axis for axis in range(1, 4) if axis not in axes]
    alone = len(missing) == axes[1:].count(None) == 1 and len(axes) == 4
    return (axes[0], *(missing[0] if alone and a is None else a for a in axes[1:]))
