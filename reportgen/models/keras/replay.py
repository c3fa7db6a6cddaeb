"""A Keras network run call by call, each layer with the training flag that the file records for its call.

Keras's own call of a network differs: there the first call recorded in training mode puts all later calls in
training mode as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.keras_types import Network, Tensor
from reportgen.models.framework import keras_module
from reportgen.models.graph.flatten import recorded_calls
from reportgen.models.keras.calls import is_model, recorded_training, with_training


def as_recorded(network: Network, values: Sequence[Tensor], outer: bool | None = None) -> list[Tensor]:
    """Return a network's outputs for values of its inputs; calls without a recorded flag run in inference.

    Args:
        network: Built, functional or sequential.
        values: Of its inputs, in order.
        outer: The flag it is called with, which overrides those of the calls inside it.
    """
    known = {id(tensor): value for tensor, value in zip(network.inputs, values, strict=True)}
    for record in recorded_calls(network.inputs, network.outputs):
        flag = recorded_training(record, outer)
        if is_model(record.operation):
            found = as_recorded(record.operation, [known[id(t)] for t in record.input_tensors], flag)
        else:
            args, kwargs = record.arguments.fill_in(known)
            outputs = record.operation(*args, **with_training(record.operation, kwargs, bool(flag)))
            found = keras_module().tree.flatten(outputs)
        known.update({id(t): value for t, value in zip(record.outputs, found, strict=True)})
    return [known[id(t)] for t in network.outputs]


def changed_by_each_call(network: Network, outer: bool | None = None) -> str:
    """Return the name of a layer whose recorded calls update its weights, as SpectralNormalization does."""
    for record in recorded_calls(network.inputs, network.outputs):
        flag, operation = recorded_training(record, outer), record.operation
        if is_model(operation):
            if found := changed_by_each_call(operation, flag):
                return found
        elif flag and type(operation) is keras_module().layers.SpectralNormalization:
            return str(operation.name)
    return ""
