"""Names of what Keras makes, for annotations alone: nothing is loaded for them.

Keras ships no types, so mypy takes each of them for anything; a reader and an editor do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import keras

    KerasLayer: TypeAlias = keras.Layer
    Network: TypeAlias = keras.Model
    Operation: TypeAlias = keras.Operation
    Variable: TypeAlias = keras.Variable
else:
    KerasLayer = Network = Operation = Variable = Any

Tensor: TypeAlias = Any
"""A tensor of whichever backend computes, or the symbolic one of a network that is being built."""

Config: TypeAlias = dict[str, Any]
"""A configuration of a layer or network, as it was parsed: anybody's, so that readers check each value."""

Nest: TypeAlias = Any
"""A tensor, or a structure of them such as a loop carries."""

ConfigValue: TypeAlias = Any
"""One value of a configuration, at whatever depth."""

CallRecord: TypeAlias = Any
"""Keras's record of one call of an operation: what went in, what came out."""
