"""Recorded calls of Keras layers: the layer to run, and its training flag.

`training=True` in a file is part of the network: pix2pix normalises by the moments of its own picture. The
flag of an outer model overrides those of the calls inside it, as in Keras. A layer that is equivalent to a
simpler one is replaced by it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from reportgen.keras_types import Network, Operation
from reportgen.models.framework import keras_module
from reportgen.models.graph.kinds import kind_of


def is_model(operation: Operation) -> bool:
    """Return whether an operation is a nested model whose calls were recorded."""
    return isinstance(operation, keras_module().Model) and bool(getattr(operation, "outputs", None))


def unwrapped(operation: Operation) -> Operation:
    """Return the layer inside `SpectralNormalization`, whose stored kernel is already normalised."""
    while type(operation) is keras_module().layers.SpectralNormalization:
        operation = operation.layer
    return operation


def own_name(operation: Operation) -> str:
    """Return the name of an operation; for a wrapper and the layer inside it, `outer/inner`."""
    inner = unwrapped(operation)
    return str(operation.name if inner is operation else f"{operation.name}/{inner.name}")


def recorded_training(record: Network, outer: bool | None) -> bool | None:
    """Return the training flag of a call: that of the model around it, else as recorded, else None.

    Layers that train by default, such as an augmentation pipeline, record the flag whatever the user set;
    Keras overrides it in prediction, so it is ignored.
    """
    own = None
    if isinstance(record.operation, keras_module().Layer):
        own = record.arguments.kwargs.get("training")
        own = None if trains_by_default(record.operation) else own
    return outer if outer is not None or own is None else bool(own)


def trains_by_default(operation: Operation) -> bool:
    """Return whether a layer's `training` argument is True by default, as for augmentation."""
    if not isinstance(operation, keras_module().Layer):
        return False
    taken = inspect.signature(operation.call).parameters.get("training")
    return taken is not None and taken.default is True


def with_training(operation: Operation, kwargs: Mapping[str, Any], training: bool | None) -> dict[str, Any]:
    """Return the keywords of a call with another training flag, without those it does not accept."""
    if not isinstance(operation, keras_module().Layer):
        return dict(kwargs)
    taken = inspect.signature(operation.call).parameters
    wanted = {**kwargs, "training": training}
    return {key: value for key, value in wanted.items() if key in taken or key not in ("training", "mask")}


def as_group_normalization(operation: Operation, shape: Sequence[int | None]) -> Operation:
    """Return a layer that normalises each picture by its own moments, as BatchNormalization does in training.

    Equals BatchNormalization on a batch of one, in any batch: one group for each channel, with the same
    weights. A frozen layer uses its stored moments in training too, and is returned unchanged.
    """
    if kind_of(operation) != "batch_normalization" or not operation.trainable:
        return operation
    keras = keras_module()
    made = keras.layers.GroupNormalization(
        groups=-1,
        axis=operation.axis,
        epsilon=operation.epsilon,
        center=operation.center,
        scale=operation.scale,
        dtype=operation.dtype_policy,
        name=operation.name,
    )
    made.build(tuple(shape))
    for name in ("gamma", "beta"):
        if getattr(made, name) is not None:
            getattr(made, name).assign(getattr(operation, name))
    return made


def as_dense(operation: Operation, shape: Sequence[int | None]) -> Operation:
    """Return the dense layer equivalent to a product over the last axis alone, such as `...c,cd->...d`.

    Over a map it is a 1x1 convolution. Any other operation is returned unchanged.
    """
    if kind_of(operation) != "einsum_dense" or (turned := _over_last_axis(operation)) is None:
        return operation
    keras = keras_module()
    kernel = keras.ops.transpose(operation.kernel) if turned else operation.kernel
    made = keras.layers.Dense(
        int(kernel.shape[1]),
        activation=operation.activation,
        use_bias=operation.bias is not None,
        dtype=operation.dtype_policy,
        name=operation.name,
    )
    made.build(tuple(shape))
    made.kernel.assign(kernel)
    if operation.bias is not None:
        made.bias.assign(operation.bias)
    return made


def _over_last_axis(operation: Operation) -> bool | None:
    """Return whether a kernel has its units first, for a sum over the last axis; None for other sums."""
    terms, _, result = operation.equation.replace(" ", "").partition("->")
    given, _, kernel = terms.partition(",")
    bias = operation.bias
    if len(kernel) != 2 or not given or not result or given[:-1] != result[:-1]:
        return None
    summed, unit = given[-1], result[-1]
    if sorted(kernel) != sorted(summed + unit) or summed == unit or summed in result or unit in given:
        return None
    if bias is not None and tuple(bias.shape) != (operation.kernel.shape[kernel.index(unit)],):
        return None
    return bool(kernel[0] == unit)
