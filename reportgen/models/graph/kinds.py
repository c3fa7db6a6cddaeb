"""What the operations of Keras are called here, and which of them do what.

A table of words: kinds that hold units, that pass values through, that work on one
position at a time. Everything not named here is treated as unknown, which is always safe: an
unknown operation is taken to see everything. Activations have a table of their own, `activations`.
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
"""Kinds that return what they are given once training is over."""

MERGES = frozenset({"add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"})
"""Kinds that bring branches together, position by position."""

POOLS = frozenset({"max_pooling2d", "average_pooling2d", "max_pool", "average_pool"})

SIGHTLESS = frozenset({"held_input", "zeros_like", "ones_like", "full_like"})
"""Kinds that take from a picture how many there are and how large, and nothing else."""

_WORD_START = re.compile(r"(.)([A-Z][a-z0-9]+)")
_CASE_CHANGE = re.compile(r"([a-z])([A-Z])")


class WorkedOut(np.ndarray):
    """Numbers that a reader worked out, such as the shares of a resize: no weights of the file."""


def kind_of(operation: Operation) -> str:
    """Return the class of a Keras operation in snake case, such as `depthwise_conv2d`.

    Classes that are neither Keras's nor this package's own are `custom_...`, whatever they are called.
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
    """Return what is known of the activation that an operation is or applies; None where nothing is."""
    kind = kind_of(operation)
    if kind == "activation":
        return _of_function(operation.activation)
    return activation_of_kind(kind, operation)


def function_of(operation: Operation) -> str:
    """Return the activation an operation applies, `linear` for none at all, "" if it is no activation.

    An activation of unknown making is called `activation`.
    """
    found = activation_of(operation)
    return found.word if found is not None else "activation" if kind_of(operation) == "activation" else ""


def activation_name(activation: object) -> str:
    """Return the word for an activation function or layer; `activation` where it has none."""
    found = _of_function(activation)
    return "activation" if found is None else found.word


def with_settings(operation: Operation) -> Operation:
    """Return what has the settings of an activation: the operation, or what it was given to apply."""
    return operation.activation if kind_of(operation) == "activation" else operation


def _of_function(activation: object) -> Activation | None:
    if activation is None:
        return activation_called("linear")
    if not isinstance(activation, type) and hasattr(activation, "get_config"):
        return activation_of(activation)
    return activation_called(str(getattr(activation, "__name__", "")))
