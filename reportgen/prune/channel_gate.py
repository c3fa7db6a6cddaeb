"""A gate before a layer's weights; its gradient measures what each channel adds to the others."""

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
        """Subtracts from `(n, ..., C)` each channel's unique part, times one minus its gate.

        A channel's unique part is what its regression on the other channels leaves.

        Args:
            groups: `(C,)`, the gate of each channel; below 0 for none.
            places: Values of a channel side by side in a flattened map.
            n_gates: Number of gates; one more is used for channels that have none.
        """

        def __init__(self, groups: NDArray[np.int64], places: int, n_gates: int) -> None:
            super().__init__(trainable=False)
            self.places, self.width = places, len(groups)
            self.gate_of_channel = np.where(groups < 0, n_gates, groups).astype(np.int32)

        def build(self, shapes: Nest) -> None:
            """Create the weights that `set` assigns."""
            self.matrix = self.add_weight((self.width, self.width), "zeros", name="matrix", trainable=False)
            self.centre = self.add_weight((self.places, self.width), "zeros", name="centre", trainable=False)

        def set(self, matrix: NDArray[np.float32], centre: NDArray[np.float32]) -> None:
            """Set the channels' unique parts, the columns of `(x - centre) @ matrix`."""
            self.matrix.assign(matrix)
            self.centre.assign(centre)

        def call(self, given: Nest) -> Tensor:
            """Return the tensor, gated."""
            x, gates = given
            ops = keras.ops
            missing = 1 - ops.take(gates, self.gate_of_channel, axis=1)
            flat = self.places > 1
            if flat:
                x = ops.reshape(x, (-1, self.places, self.width))
            missing = ops.reshape(missing, (-1, *(1,) * (len(x.shape) - 2), self.width))
            centre = self.centre if flat else self.centre[0]
            # Gradients are only taken where all gates are 1, so that none passes through the unique parts.
            unique = ops.matmul(ops.stop_gradient(x) - centre, self.matrix)
            gated = x - missing * unique
            return ops.reshape(gated, (-1, self.places * self.width)) if flat else gated

        def compute_output_shape(self, shapes: Nest) -> Nest:
            """Return the shape of the tensor."""
            return shapes[0]

    return Gate
