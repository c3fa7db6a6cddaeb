"""Kinds of operations: their names, and which of them have units, pass values through, merge or pool.

Operations not listed here are treated as unknown, which is always safe: an unknown operation is assumed to
depend on its whole input. Activations have their own table, `activations`.
"""

from __future__ import annotations

import re

import numpy as np

from reportgen.activations import Activation, activation_called, activation_of_kind
from reportgen.keras_types import Operation

UNIT_KINDS = frozenset(
    {"conv2d", "depthwise_conv2d", "separable_conv2d", "conv2d_transpose", "dense"},
)
"""Kinds whose outputs are units."""

TOKEN_KINDS = frozenset({"dense", "conv1d", "multi_head_attention", "grouped_query_attention"})
"""Kinds whose outputs may be units over tokens, `(n, T, C)`: a unit is a feature, read at every token."""

IDENTITIES = frozenset(
    {
        "dropout", "spatial_dropout2d", "gaussian_dropout", "gaussian_noise", "alpha_dropout",
        "activity_regularization", "identity", "stop_gradient", "random_flip", "random_rotation",
        "random_zoom", "random_translation", "random_contrast", "random_brightness", "random_hue",
        "random_saturation", "random_grayscale", "random_color_jitter", "random_color_degeneration",
        "random_sharpness", "random_posterization", "random_shear", "random_erasing",
        "random_gaussian_blur", "random_invert", "random_perspective", "random_elastic_transform",
        "random_apply", "cut_mix", "mix_up", "rand_augment", "aug_mix", "drop_path",
    }
)  # fmt: skip
"""Kinds that are the identity outside training."""

MERGES = frozenset({"add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"})
"""Kinds that merge branches, position by position."""

POOLS = frozenset({"max_pooling2d", "average_pooling2d", "max_pool", "average_pool"})

SHAPE_ONLY = frozenset({"held_input", "zeros_like", "ones_like", "full_like"})
"""Kinds that use only the shape of their input, none of its values."""

_WORD_START = re.compile(r"(.)([A-Z][a-z0-9]+)")
_CASE_CHANGE = re.compile(r"([a-z])([A-Z])")


class DerivedConstant(np.ndarray):
    """A constant computed by the importer, such as the weights of a resize; not one of the file's weights."""


def kind_of(operation: Operation) -> str:
    """Return the class of a Keras operation in snake case, such as `depthwise_conv2d`.

    Classes that are neither Keras's nor this package's are called `custom_...`.
    """
    name = _WORD_START.sub(r"\1_\2", type(operation).__name__)
    kind = _CASE_CHANGE.sub(r"\1_\2", name).lower()
    return kind if type(operation).__module__.split(".")[0] in ("keras", "reportgen") else f"custom_{kind}"


def kinds_inside(operation: Operation) -> list[str]:
    """Return the kinds of the layers with weights inside an operation, at any depth, each once."""
    found: list[str] = []
    waiting = list(getattr(operation, "_layers", None) or ())
    seen = {id(operation)}
    while waiting:
        layer = waiting.pop(0)
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        inner = list(getattr(layer, "_layers", None) or ())
        waiting += inner
        if getattr(layer, "weights", None) and not inner:
            found.append(kind_of(layer))
    return list(dict.fromkeys(found))


def activation_of(operation: Operation) -> Activation | None:
    """Return the known activation that an operation is or applies; None for others."""
    kind = kind_of(operation)
    if kind == "activation":
        return _of_function(operation.activation)
    return activation_of_kind(kind, operation)


def function_of(operation: Operation) -> str:
    """Return the name of the activation an operation applies, `linear` for none, "" for other operations.

    An unknown activation is called `activation`.
    """
    found = activation_of(operation)
    return found.word if found is not None else "activation" if kind_of(operation) == "activation" else ""


def activation_name(activation: object) -> str:
    """Return the name of an activation function or layer; `activation` where it is unknown."""
    found = _of_function(activation)
    return "activation" if found is None else found.word


def with_settings(operation: Operation) -> Operation:
    """Return the object with the settings of an activation: the operation, or the activation it applies."""
    return operation.activation if kind_of(operation) == "activation" else operation


def _of_function(activation: object) -> Activation | None:
    if activation is None:
        return activation_called("linear")
    if not isinstance(activation, type) and hasattr(activation, "get_config"):
        return activation_of(activation)
    return activation_called(str(getattr(activation, "__name__", "")))
