"""Inputs of a model other than the picture, held at a constant value."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from reportgen.errors import ConfigError, ModelError
from reportgen.keras_types import Config, KerasLayer, Nest, Tensor
from reportgen.models.framework import keras_module


def picture_input(inputs: Sequence[Tensor], hold: Mapping[str, object], file_name: str) -> int:
    """Return which of a model's inputs is the picture: the first with four axes that is not held.

    Args:
        inputs: Symbolic tensors, by the model's order.
        hold: Values given by the user, by input name.
        file_name: For messages.

    Raises:
        ModelError: None is a picture.
        ConfigError: A name in `hold` is not an input, or no input is left.
    """
    names = [t.name for t in inputs]
    for name in hold:
        if name not in names:
            known = ", ".join(f'"{n}"' for n in names[:6])
            raise ConfigError(
                f'{file_name}: hold names "{name}", which is not an input', hint=f"inputs: {known}"
            )
    if len(inputs) == 1:
        if hold:
            raise ConfigError(
                f'{file_name}: hold names "{names[0]}", the only input, wanted one left to render'
            )
        return 0
    for index, tensor in enumerate(inputs):
        if len(tensor.shape) == 4 and tensor.name not in hold:
            return index
    shapes = ", ".join(f'"{t.name}" {shape_text(t)}' for t in inputs[:6])
    raise ModelError(f"{file_name}: takes {len(inputs)} inputs ({shapes}), wanted a picture among them")


def held_inputs(
    inputs: Sequence[Tensor], picture: int, hold: Mapping[str, object], file_name: str, *, first: bool = False
) -> tuple[dict[int, Callable[[Tensor], Tensor]], list[str]]:
    """Return for every input except the picture a function that gives its value, and a sentence about each.

    Args:
        inputs: Symbolic tensors, by the model's order.
        picture: Which of them the picture is.
        hold: Values given by the user, by input name.
        file_name: For messages.
        first: Whether pictures have their channels before height and width; an input that follows the
            picture's size is made channels last all the same.

    Raises:
        ModelError: An input has an open size that the picture does not fix.
        ConfigError: A given value does not fit.
    """
    made: dict[int, Callable[[Tensor], Tensor]] = {}
    notes = []
    for index, tensor in enumerate(inputs):
        if index == picture:
            continue
        value = _value(hold.get(tensor.name, 0.0), tensor, file_name)
        sides, at = (slice(2, 4), 1) if first else (slice(1, 3), 3)
        follows = len(tensor.shape) == 4 and tuple(tensor.shape[sides]) == tuple(inputs[picture].shape[sides])
        if any(side is None for side in ([tensor.shape[at]] if follows else tensor.shape[1:])):
            raise ModelError(
                f'{file_name}: input "{tensor.name}" {shape_text(tensor)} is open, wanted fixed sizes',
                hint="fix its shape when the model is built",
            )
        shape = [None, None, tensor.shape[at]] if follows else list(tensor.shape[1:])
        made[index] = _layer_class()(value, shape, str(tensor.dtype), name=f"held{index}")
        shown = " ".join(f"{v:g}" for v in np.ravel(value)[:6])
        why = "as given" if tensor.name in hold else "zero, since none was given"
        notes.append(f'Input "{tensor.name}" {shape_text(tensor)} is held at {shown} ({why}).')
    if made:
        notes.insert(0, f'The picture is input "{inputs[picture].name}" {shape_text(inputs[picture])}.')
    return made, notes


def held_values(
    inputs: Sequence[Tensor],
    picture: int,
    hold: Mapping[str, object],
    file_name: str,
    n: int,
    size_px: Sequence[int],
) -> dict[int, Nest]:
    """Return arrays `(n, ...)` for every input except the picture, at its held value.

    Args:
        inputs: Symbolic tensors, by the model's order.
        picture: Which of them the picture is.
        hold: Values given by the user, by input name.
        file_name: For messages.
        n: Number of pictures.
        size_px: Sides of the picture, used where an input's own are open.

    Raises:
        ConfigError: A given value does not fit.
    """
    values = {}
    for index, tensor in enumerate(inputs):
        if index != picture:
            sides = [size_px[i] if side is None else side for i, side in enumerate(tensor.shape[1:])]
            value = np.asarray(_value(hold.get(tensor.name, 0.0), tensor, file_name))
            values[index] = np.broadcast_to(value, (n, *sides)).astype(str(tensor.dtype))
    return values


def shape_text(tensor: Tensor) -> str:
    """Return the shape of an input without its batch, `any` where it is open."""
    return "(" + ", ".join("any" if side is None else str(side) for side in tensor.shape[1:]) + ")"


def _value(given: Nest, tensor: Tensor, file_name: str) -> Tensor:
    values = list(given) if isinstance(given, (list, tuple)) else [given]
    last = tensor.shape[-1] if len(tensor.shape) > 1 else 1
    fine = all(isinstance(v, (int, float)) and math.isfinite(v) and abs(v) < 1e30 for v in values)
    if not fine or len(values) not in (1, last):
        raise ConfigError(
            f'{file_name}: input "{tensor.name}" {shape_text(tensor)} is held at {str(given)[:60]}, '
            f"wanted one number or {last}"
        )
    return float(values[0]) if len(values) == 1 else [float(v) for v in values]


@functools.cache
def _layer_class() -> type[KerasLayer]:
    """Return the layer that gives a held value for every picture; Keras is imported on first use."""
    keras = keras_module()

    class HeldInput(keras.Layer):  # type: ignore[misc, name-defined, unused-ignore]
        """A constant with the batch size of a picture, and its height and width where sides are open."""

        def __init__(
            self, value: object, shape: Sequence[int | None], of_type: str, **options: object
        ) -> None:
            super().__init__(**options)
            self.value, self.shape, self.of_type = value, tuple(shape), of_type

        def call(self, picture: Tensor) -> Tensor:
            """Return `(n, *shape)`."""
            ops = keras.ops
            value = ops.convert_to_tensor(np.asarray(self.value, np.float32))
            if None in self.shape:
                plane = ops.zeros_like(picture[..., :1])
                constant = ops.broadcast_to(value, (1, 1, 1, self.shape[-1]))
            else:
                plane = ops.reshape(ops.zeros_like(picture[:, :1, :1, :1]), (-1, *[1] * len(self.shape)))
                constant = ops.broadcast_to(value, (1, *self.shape))
            return ops.cast(plane + constant, self.of_type)

        def compute_output_spec(self, picture: Tensor) -> Tensor:
            """Return the shape and type of the constant."""
            shape = (*picture.shape[1:3], self.shape[-1]) if None in self.shape else self.shape
            return keras.KerasTensor((picture.shape[0], *shape), dtype=self.of_type)

        def get_config(self) -> Config:
            """Return the settings of the constant."""
            return {**super().get_config(), "value": self.value, "shape": self.shape, "of_type": self.of_type}

    return HeldInput
