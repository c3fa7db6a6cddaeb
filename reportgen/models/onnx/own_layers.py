"""Layers that ONNX has and Keras lacks, with their configuration, so that hashes include it.

Defined on first use, since Keras is imported only when needed.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from reportgen.keras_types import KerasLayer, Nest, Tensor
from reportgen.models.framework import keras_module


@cache
def own_layers() -> SimpleNamespace:
    """Return the layer classes by name."""
    from reportgen.models.onnx.recurrence import recurrent_layer

    keras = keras_module()
    return SimpleNamespace(HardSigmoid=_hard_sigmoid(keras), Recurrent=recurrent_layer(keras))


def _hard_sigmoid(keras: Any) -> type[KerasLayer]:
    class HardSigmoid(keras.layers.Layer):  # type: ignore[misc]
        """`alpha * x + beta`, kept between 0 and 1."""

        def __init__(self, alpha: float, beta: float, **kwargs: object) -> None:
            super().__init__(**kwargs)
            self.alpha, self.beta = alpha, beta

        def call(self, inputs: Tensor) -> Tensor:
            return keras.ops.clip(inputs * self.alpha + self.beta, 0.0, 1.0)

        def compute_output_shape(self, input_shape: Nest) -> Nest:
            return input_shape

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "alpha": self.alpha, "beta": self.beta}

    HardSigmoid.__module__ = __name__
    return HardSigmoid
