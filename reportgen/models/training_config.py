"""The training configuration in a model file: left out, since it affects no result; user code is named.

Losses, metrics and optimisers are recognised by name only; none is loaded or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from reportgen.keras_types import Config, ConfigValue
from reportgen.models.framework import keras_module
from reportgen.models.keras.code_safety import of_keras

_SHORT = frozenset(
    {"acc", "accuracy", "ce", "crossentropy", "bce", "kld", "mae", "mse", "mape", "msle", "loss",
     "kullback_leibler_divergence", "logcosh", "cosine_proximity", "cosine", "Cosine", "LogCoshError",
     "MeanMetricWrapper", "SumOverBatchSizeMetricWrapper", "SumOverBatchSize", "MeanRelativeError",
     "MeanTensor", "WeightedMean"}
)  # fmt: skip
"""Other names that Keras uses or used for them."""

_PARTS = ("optimizer", "optimizer_config", "loss", "metrics", "weighted_metrics")
_LONGEST = 60


def without_training(config: dict[str, object]) -> Config:
    """Return a configuration without the training configuration of the model and of models inside it."""

    def stripped(value: ConfigValue) -> ConfigValue:
        if isinstance(value, list):
            return [stripped(v) for v in value]
        if isinstance(value, dict):
            return {k: stripped(v) for k, v in value.items() if k != "compile_config"}
        return value

    return {k: stripped(v) for k, v in config.items() if k != "compile_config"}


def own_training(compiled: object) -> list[str]:
    """Return a note of losses, optimisers and metrics that are the user's own, if there are any.

    Args:
        compiled: `compile_config` of an archive, or `training_config` of an HDF5 file.
    """
    if not isinstance(compiled, Mapping):
        return []
    found = dict.fromkeys(name for part in _PARTS for name in _own(compiled.get(part)))
    return [f"Left out, since it affects training but no result: {', '.join(found)}."] if found else []


def _own(value: ConfigValue) -> Iterator[str]:
    """Yield the names of objects and functions that are not Keras's own, also in lists or by output."""
    if isinstance(value, str):
        if not _is_known(value):
            yield value[:_LONGEST]
    elif isinstance(value, list):
        for inner in value:
            yield from _own(inner)
    elif isinstance(value, dict) and "class_name" in value:
        yield from _own_object(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _own(inner)


def _own_object(value: Mapping[str, Any]) -> Iterator[str]:
    name, registered, inner = value.get("class_name"), value.get("registered_name"), value.get("config")
    if name == "function":
        if isinstance(inner, str) and not _is_known(inner):
            yield inner[:_LONGEST]
        return
    named = registered if isinstance(registered, str) else ""
    elsewhere = "module" in value and not of_keras(value["module"])
    if isinstance(name, str) and (">" in named or elsewhere or not _is_known(name)):
        yield name[:_LONGEST]
    if isinstance(inner, dict) and isinstance(inner.get("fn"), (str, dict)):
        yield from _own(inner["fn"])


def _is_known(name: str) -> bool:
    return name in _names() or name.lower() in _names() or _snake(name) in _names()


@cache
def _names() -> frozenset[str]:
    keras = keras_module()
    rooms = (keras.losses, keras.metrics, keras.optimizers, keras.optimizers.schedules)
    found = {name for room in rooms for name in vars(room) if not name.startswith("_")}
    return frozenset(found | {name.lower() for name in found} | _SHORT)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
