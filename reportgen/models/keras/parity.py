"""Parity of an imported Keras model: Keras runs the file itself, and its outputs are compared with ours.

The file is read a second time, since flattening a network changes its layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ReportgenError, ShapeError
from reportgen.keras_types import Network, Tensor
from reportgen.models.extra_inputs import held_values, picture_input
from reportgen.models.framework import keras_module
from reportgen.models.graph.submodel import network_to
from reportgen.models.keras.calls import trains_by_default
from reportgen.models.keras.hdf5 import first_line
from reportgen.models.keras.picture_axes import takes_channels_first
from reportgen.models.keras.rebuild import LAST
from reportgen.models.keras.replay import as_recorded, changed_by_each_call
from reportgen.models.model import Model
from reportgen.models.opening import original_network
from reportgen.models.parity import Difference, Parity, difference, in_range, probe_inputs
from reportgen.models.sources import ModelSource
from reportgen.models.training_flags import is_random_call

Floats = NDArray[np.float64]


def compare_with_keras(
    source: ModelSource,
    model: Model,
    *,
    trust_model: bool = False,
    custom: Sequence[str] = (),
    hold: Mapping[str, object] | None = None,
    max_memory: int | None = None,
    channels: Literal["first", "last"] | None = None,
) -> Parity:
    """Compare an imported Keras model with Keras running the file, output by output.

    Args:
        source: Where it was read from; it is read again, within the same memory.
        model: What was read.
        trust_model, custom, hold, max_memory, channels: As the file was read.
    """
    names = [f"output {i + 1}" for i in range(len(model.outputs))]
    chance = [node.name for node in model.nodes if is_random_call(node)]
    recorded = any(node.training for node in model.nodes)
    if recorded:  # With the recorded flags, Keras runs augmentation at random as well.
        chance += [node.name for node in model.nodes if trains_by_default(node.operation)]
    if chance:
        reason = f'not compared: the file records "{chance[0]}" as random at every call'
        return Parity(of=len(names), reason=reason)
    try:
        network, prepared = original_network(
            source, trust_model=trust_model, custom=custom, max_memory=max_memory
        )
        if recorded and (changing := changed_by_each_call(network)):
            reason = f'the file records "{changing}" as in training, where each call changes its kernel'
            return Parity(of=len(names), reason=f"not compared: {reason}; the stored kernel is used here")
        pictures = in_range(model, probe_inputs(model.input_shape))
        if any("int" in str(tensor.dtype) for tensor in network.inputs):  # Keras cuts fractions off.
            pictures = np.round(pictures)
        theirs = _outputs(network, prepared, pictures, hold or {}, source.file_name, recorded, channels)
        ours = _values(
            network_to(model, model.input_shape[:2], model.outputs, "its end")(pictures, training=False)
        )
    except ShapeError as error:
        return Parity(of=len(names), reason=f"not compared: {error.message}")
    except ReportgenError as error:
        return Parity(of=len(names), reason=f"not compared with Keras: {error.message}")
    except Exception as error:  # Keras raises errors of any class
        return Parity(of=len(names), reason=f"not compared: Keras cannot run it here: {first_line(error)}")
    names = _named(network, names)
    found = tuple(_difference(*three) for three in zip(names, ours, theirs, strict=True))
    return Parity(found, len(found))


def _outputs(
    network: Network,
    prepared: Network,
    pictures: NDArray[np.float32],
    hold: Mapping[str, object],
    file_name: str,
    recorded: bool,
    channels: Literal["first", "last"] | None,
) -> list[Floats]:
    """Return Keras's own outputs for pictures, channels last, and held inputs.

    Args:
        network, prepared: See `original_network`.
        pictures: `(n, h, w, c)` in the model's own range.
        hold: Values of the other inputs by name.
        file_name: For messages.
        recorded: Whether to use the training flags that the file records; training is off otherwise.
        channels: Which axis of the picture they are, as given by the user.
    """
    inputs = list(network.inputs)
    at = picture_input(inputs, hold, file_name)
    fed = prepared(pictures.copy()) if prepared is not None else pictures
    values = held_values(inputs, at, hold, file_name, len(pictures), fed.shape[1:3])
    if takes_channels_first(network, inputs[at], channels, file_name):
        fed = fed.transpose(0, 3, 1, 2)
    values[at] = fed
    ordered = [values[i] for i in range(len(inputs))]
    return _one_by_one(network, ordered, recorded)


def _one_by_one(network: Network, inputs: Sequence[Tensor], recorded: bool) -> list[Floats]:
    """Return a network's outputs for each picture on its own, with the recorded training flags or none."""
    outputs = []
    for n in range(len(inputs[0])):
        # A network built for a fixed batch gets one, made of copies of the same picture.
        one = [
            np.repeat(v[n : n + 1], t.shape[0] or 1, axis=0)
            for v, t in zip(inputs, network.inputs, strict=True)
        ]
        given = one[0] if len(one) == 1 else keras_module().tree.pack_sequence_as(network.input, one)
        found = as_recorded(network, one) if recorded else network(given, training=False)
        outputs.append([value[:1] for value in _values(found)])
    return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


def _values(results: object) -> list[Floats]:
    keras = keras_module()
    return [np.asarray(keras.ops.convert_to_numpy(r), np.float64) for r in keras.tree.flatten(results)]


def _difference(name: str, own: Floats, their: Floats) -> Difference:
    """Return how far an output is from Keras's, whose maps may be channels first."""
    orders = (their, their.transpose(LAST)) if their.ndim == 4 else (their,)
    return min((difference(name, [(own, turned)]) for turned in orders), key=lambda found: found.max_rel)


def _named(network: Network, names: Sequence[str]) -> list[str]:
    own = list(getattr(network, "output_names", None) or ())
    return own if len(own) == len(names) else list(names)
