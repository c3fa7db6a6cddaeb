"""A gate before a layer's weights, whose gradient says what each channel tells that the others do not."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.keras_types import Nest, Tensor
from reportgen.models.framework import keras_module


@functools.cache
def gate_class() -> Any:
    """Return the layer; Keras is imported only now."""
    keras = keras_module()

    class Gate(keras.layers.Layer):  # type: ignore[misc, name-defined, unused-ignore]
        """Takes from `(n, ..., C)` as much of what each channel says alone as its gate is short of 1.

        Args:
            groups: `(C,)`, which gate belongs to each channel; below 0 for none.
            places: Values of a channel side by side in a flattened map.
            n_gates: Gates there are; one more stands for channels that have none.
        """

        def __init__(self, groups: NDArray[np.int64], places: int, n_gates: int) -> None:
            super().__init__(trainable=False)
            self.places, self.width = places, len(groups)
            self.taken = np.where(groups < 0, n_gates, groups).astype(np.int32)

        def build(self, shapes: Nest) -> None:
            """Make room for what `set` is given."""
            self.matrix = self.add_weight((self.width, self.width), "zeros", name="matrix", trainable=False)
            self.centre = self.add_weight((self.places, self.width), "zeros", name="centre", trainable=False)

        def set(self, matrix: NDArray[np.float32], centre: NDArray[np.float32]) -> None:
            """Say what each channel tells alone: its column of `(x - centre) @ matrix`."""
            self.matrix.assign(matrix)
            self.centre.assign(centre)

        def call(self, given: Nest) -> Tensor:
            """Return the tensor, gated."""
            x, gates = given
            ops = keras.ops
            short = 1 - ops.take(gates, self.taken, axis=1)
            flat = self.places > 1
            if flat:
                x = ops.reshape(x, (-1, self.places, self.width))
            short = ops.reshape(short, (-1, *(1,) * (len(x.shape) - 2), self.width))
            centre = self.centre if flat else self.centre[0]
            # The gradient is only asked for where nothing is short, so none of it goes through what is told.
            told = ops.matmul(ops.stop_gradient(x) - centre, self.matrix)
            left = x - short * told
            return ops.reshape(left, (-1, self.places * self.width)) if flat else left

        def compute_output_shape(self, shapes: Nest) -> Nest:
            """Return the shape of the tensor."""
            return shapes[0]

    return Gate
