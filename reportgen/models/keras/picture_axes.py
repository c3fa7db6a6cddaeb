"""Which axis of a Keras picture holds its channels: read from what the network does with it.

The picture's axes are followed from the input, through nested models, as far as each can be told from the
others. A convolution says which one it sums over, a normalisation which one it has a number for; a network
that turns the picture itself thereby says how it takes it. Where nothing says it, Keras has channels last,
unless the network's turns or its sides leave a doubt: then the reader is asked.
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
"""Which axis of the picture each axis of a tensor is; None for one that is none of them."""

_BY_AXIS = frozenset(
    {"batch_normalization", "layer_normalization", "group_normalization", "unit_normalization",
     "rms_normalization", "normalization", "dense"}
)  # fmt: skip
_TELL_NOTHING = IDENTITIES | {"rescaling", "cast"}
"""Kinds that do the same to every number, though some of them have a `data_format`."""

_BY_SIDES = frozenset({"reshape", "expand_dims", "squeeze"})
_IN_PLACE = frozenset(
    {"get_item", "pad", "take", "split", "concatenate", "mean", "max", "min", "sum", "resized", "flip",
     "repeat"}
)  # fmt: skip
"""Kinds that leave each axis in its place, and may change its length."""

_MIXING = frozenset({"matmul", "einsum", "tensordot", "dot", "dense"})
_MOST_COLOURS = 4


def takes_channels_first(
    model: Network,
    picture: Tensor,
    given: Literal["first", "last"] | None = None,
    file_name: str = "the model",
) -> bool:
    """Return whether a network has the channels of its picture before height and width.

    Args:
        model: Built, functional or sequential.
        picture: The input, symbolic.
        given: What the user says.
        file_name: For messages.

    Raises:
        ModelError: The network does not tell and leaves a doubt, or has them between height and width.
        ConfigError: `given` contradicts what the network tells.
    """
    if len(picture.shape) != 4:
        return False
    walk = _Walk()
    walk.through(model, [(0, 1, 2, 3) if t is picture else None for t in model.inputs])
    told = walk.surely or walk.perhaps
    axis = next(iter(told)) if len(told) == 1 else None
    if axis == 2:
        raise ModelError(
            f'{file_name}: input "{picture.name}" {shape_text(picture)} has its channels in the middle, '
            "wanted (height, width, channels) or (channels, height, width)"
        )
    seen: Literal["first", "last"] | None = {1: "first", 3: "last"}.get(axis or 0)  # type: ignore[assignment]
    if walk.surely and seen and given not in (None, seen):
        raise ConfigError(
            f'{file_name}: channels are "{given}", and the network takes those of input '
            f'"{picture.name}" {seen}',
            hint="leave --channels out",
        )
    if given is not None:
        return given == "first"
    if not walk.surely and (len(told) > 1 or (seen != "first" and (walk.turned or _looks_first(picture)))):
        raise ModelError(
            f'{file_name}: nothing in the network tells which side of input "{picture.name}" '
            f"{shape_text(picture)} holds its channels",
            hint="say --channels first or --channels last",
        )
    if walk.surely and seen is None:
        raise ModelError(
            f'{file_name}: layers differ on which side of input "{picture.name}" {shape_text(picture)} '
            "holds its channels, wanted one for all",
            hint="say --channels first or --channels last",
        )
    return seen == "first"


def _looks_first(picture: Tensor) -> bool:
    """Whether the sides are rather those of channels, height and width."""
    first, _, last = picture.shape[1:]
    return first is not None and first <= _MOST_COLOURS and (last is None or last > _MOST_COLOURS)


class _Walk:
    """The picture's axes along the network.

    Attributes:
        surely: The axes that some layer sums over as channels by its definition.
        perhaps: Those that have a number for each of their places.
        turned: Whether the last axis has been another than the picture's.
    """

    def __init__(self) -> None:
        self.surely: dict[int, None] = {}
        self.perhaps: dict[int, None] = {}
        self.turned = False

    def through(self, model: Network, given: Sequence[Axes | None]) -> list[Axes | None]:
        """Return the axes of a model's outputs; None for what is no picture any more."""
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
        self._hear(operation, axes)
        if kind_of(operation) == "get_item":
            axes, shape = _picked(call, axes, shape)
        found = [_moved(operation, axes, shape, tuple(t.shape)) for t in call.outputs]
        self.turned |= any(a is not None and len(a) == 4 and a[-1] not in (3, None) for a in found)
        return found

    def _hear(self, operation: Operation, axes: Axes) -> None:
        """Note which axis an operation takes for channels."""
        kind, own = kind_of(operation), getattr(operation, "data_format", None)
        if kind in _TELL_NOTHING or (kind == "flatten" and own != "channels_first"):
            return
        if len(axes) == 4 and own in ("channels_first", "channels_last"):
            _note(self.surely, axes[1 if own == "channels_first" else -1])
        elif kind in _BY_AXIS:
            numbers = np.ravel(getattr(operation, "axis", -1) if kind != "dense" else -1)
            if len(numbers) == 1 and isinstance(numbers[0], np.integer):
                _note(self.perhaps, axes[int(numbers[0]) % len(axes)])


def _note(heard: dict[int, None], axis: int | None) -> None:
    if axis:
        heard[axis] = None


def _common(several: list[Axes]) -> Axes:
    """Return the axes in which several tensors agree, of those that have the most."""
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
    """Return axes and shape without those of which an index takes one place, as `x[:, 0]` does."""
    index = (*call.arguments.args, *call.arguments.kwargs.values())[1]
    kept = axes_kept(index if isinstance(index, (tuple, list)) else [index], len(axes))
    return tuple(axes[i] for i in kept), tuple(shape[i] for i in kept)


def axes_kept(index: Sequence[object], rank: int) -> list[int]:
    """Return the axes of which an index does not take one place alone."""
    parts = list(index)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    if at is not None:
        parts[at : at + 1] = [slice(None)] * (rank - len(parts) + 1)
    gone = {i for i, part in enumerate(parts) if isinstance(part, (int, np.integer))}
    return [i for i in range(rank) if i not in gone]


def _moved(
    operation: Operation, axes: Axes, before: tuple[object, ...], after: tuple[object, ...]
) -> Axes | None:
    """Return which axis stands where after an operation; None where they cannot be told apart any more."""
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
    """Return the axes where sides of 1 come, go or move, as in `(28, 28, 1)` made of `(1, 28, 28)`."""
    old = [(axis, side) for axis, side in zip(axes[1:], before[1:], strict=True) if side != 1]
    rest = iter(old)
    placed = tuple(None if side == 1 else next(rest, (None, None))[0] for side in after[1:])
    if [side for _, side in old] != [side for side in after[1:] if side != 1]:
        return None
    return _filled((axes[0], *placed))


def _filled(axes: Axes) -> Axes:
    """Return the axes with the picture's one that is missing in the place that is none of them."""
    missing = [axis for axis in range(1, 4) if axis not in axes]
    alone = len(missing) == axes[1:].count(None) == 1 and len(axes) == 4
    return (axes[0], *(missing[0] if alone and a is None else a for a in axes[1:]))
