"""Whole-model HDF5 files as Keras 1 and 2 wrote them, made by hand from their documented arrangement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def old_h5(
    path: Path,
    config: dict[str, Any],
    weights: dict[str, dict[str, np.ndarray]],
    *,
    version: str | None = "2.2.4",
    backend: str | None = "tensorflow",
    as_bytes: bool = True,
) -> Path:
    """Write a model file: `weights` are by layer, then by the weight's name, in the file's order."""
    with h5py.File(path, "w") as file:
        text = json.dumps(config)
        file.attrs["model_config"] = text.encode() if as_bytes else text
        for key, value in (("keras_version", version), ("backend", backend)):
            if value is not None:
                file.attrs[key] = value.encode() if as_bytes else value
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for layer, arrays in weights.items():
            own = group.create_group(layer)
            own.attrs["weight_names"] = [name.encode() for name in arrays]
            for name, array in arrays.items():
                own.create_dataset(name, data=array)
    return path


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.5, shape).astype(np.float32)


def keras_1_layer(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, "trainable": True, **config}}


def keras_1_convolution(name: str, filters: int, side: int, order: str, **config: Any) -> dict[str, Any]:
    """A layer as Keras 1.2 wrote it, with every key it wrote."""
    own = {
        "nb_filter": filters, "nb_row": side, "nb_col": side, "init": "glorot_uniform",
        "activation": "linear", "border_mode": "valid", "subsample": [1, 1], "dim_ordering": order,
        "W_regularizer": None, "b_regularizer": None, "activity_regularizer": None, "W_constraint": None,
        "b_constraint": None, "bias": True, "input_dtype": "float32",
    }  # fmt: skip
    return keras_1_layer("Convolution2D", name, **{**own, **config})


def keras_1_dense(name: str, units: int, activation: str, inputs: int) -> dict[str, Any]:
    return keras_1_layer(
        "Dense", name, output_dim=units, init="glorot_uniform", activation=activation, W_regularizer=None,
        b_regularizer=None, activity_regularizer=None, W_constraint=None, b_constraint=None, bias=True,
        input_dim=inputs,
    )  # fmt: skip
