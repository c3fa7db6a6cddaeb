"""Reinitialised weights for a network's untrained twin.

A Keras file names the initialiser of every weight; an ONNX file does not, so He initialisation is used.
Operations, connections, constants and statistics of the data (`Normalization`) are kept.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

from reportgen.errors import ModelError
from reportgen.keras_types import KerasLayer, Network
from reportgen.models.framework import keras_module
from reportgen.models.keras.hdf5 import first_line

_KEPT = ("Normalization", "Rescaling", "Discretization", "TextVectorization", "StringLookup", "IntegerLookup")
_PLAIN = {"bias": 0.0, "beta": 0.0, "moving_mean": 0.0, "gamma": 1.0, "moving_variance": 1.0}


def fresh_weights(model: Network, seed: int, kind: str, file_name: str) -> str:
    """Reinitialise a Keras model's weights in place; return a description of how.

    Args:
        model: Functional or sequential, nested ones included.
        seed: Determines the weights of all initialisers without a seed of their own.
        kind: Of the source; `onnx` names no initialisers.
        file_name: For errors.

    Raises:
        ModelError: A layer cannot be reinitialised.
    """
    before = random.getstate()
    random.seed(seed)  # Keras draws missing seeds of initialisers from here.
    try:
        kept = _by_he(model, seed) if kind == "onnx" else _by_initialisers(model, file_name)
    finally:
        random.setstate(before)
    if kind != "onnx":
        return "fresh weights by the initialisers of its file"
    others = f"; {kept} other weights are kept" if kept else ""
    return f"fresh weights by He's rule, since the file names no initialisers{others}"


def _layers(model: Network) -> Iterator[KerasLayer]:
    """Yield all layers with weights, those of nested models one by one."""
    keras = keras_module()
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        elif layer.weights:
            yield layer


def _by_initialisers(model: Network, file_name: str) -> int:
    done: set[int] = set()
    for layer in _layers(model):
        if id(layer) in done or type(layer).__name__ in _KEPT:
            continue
        done.add(id(layer))
        try:
            fresh = type(layer).from_config(layer.get_config())
            fresh.build_from_config(layer.get_build_config())
            layer.set_weights(fresh.get_weights())
        except Exception as error:  # A custom layer may raise any error.
            raise ModelError(
                f'{file_name}: layer "{layer.name}" cannot be reinitialised: {first_line(error)}',
                hint="leave out --twin, or compare with a model saved before its training",
            ) from None
    return 0


def _by_he(model: Network, seed: int) -> int:
    """Return how many weights are kept, because their names do not show their role."""
    kept, rng = 0, np.random.default_rng(seed)
    for layer in _layers(model):
        for weight in layer.weights:
            name, shape = weight.name.rsplit("/", 1)[-1], tuple(weight.shape)
            if name.endswith("kernel") and len(shape) >= 2:
                depthwise = "depthwise" in type(layer).__name__.lower() or name.startswith("depthwise")
                transposed = "transpose" in type(layer).__name__.lower()
                incoming = int(np.prod(shape[:2])) * (shape[-1] if transposed else 1)
                fan_in = incoming if depthwise or transposed else int(np.prod(shape[:-1]))
                weight.assign(rng.normal(0.0, np.sqrt(2 / max(fan_in, 1)), shape).astype(np.float32))
            elif name in _PLAIN:
                weight.assign(np.full(shape, _PLAIN[name], np.float32))
            else:
                kept += 1
    return kept
