"""Proof that a Keras file was read right: Keras runs the file itself, and its outputs are compared with ours.

The file is read a second time, since taking a network apart changes its layers. What the picture of
several inputs is, and at what the others are held, is known in `held`; what a difference means, in `proof`.
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
from reportgen.models.graph.submodel import prefix
from reportgen.models.keras.calls import in_training_by_itself
from reportgen.models.keras.hdf5 import first_line
from reportgen.models.keras.picture_axes import takes_channels_first
from reportgen.models.keras.replay import as_recorded, changed_by_each_call
from reportgen.models.keras.retrace import LAST
from reportgen.models.model import Model
from reportgen.models.notes import drawn_by_chance
from reportgen.models.opening import as_keras_has_it
from reportgen.models.proof import Difference, Proof, difference, in_range, probe_inputs
from reportgen.models.sources import ModelSource

Floats = NDArray[np.float64]


def prove_keras(
    source: ModelSource,
    model: Model,
    *,
    trust_model: bool = False,
    custom: Sequence[str] = (),
    hold: Mapping[str, object] | None = None,
    max_memory: int | None = None,
    channels: Literal["first", "last"] | None = None,
) -> Proof:
    """Compare a Keras model as it was taken apart with what Keras makes of it, output by output.

    Args:
        source: Where it was read from; it is read again, within the same memory.
        model: What was read.
        trust_model, custom, hold, max_memory, channels: As the file was read.
    """
    names = [f"output {i + 1}" for i in range(len(model.outputs))]
    chance = [node.name for node in model.nodes if drawn_by_chance(node)]
    recorded = any(node.training for node in model.nodes)
    if recorded:  # Where Keras is left to the recorded flags, augmentation draws too.
        chance += [node.name for node in model.nodes if in_training_by_itself(node.operation)]
    if chance:
        reason = f'not compared: the file records "{chance[0]}" as drawn by chance at every call'
        return Proof(of=len(names), reason=reason)
    try:
        network, prepared = as_keras_has_it(
            source, trust_model=trust_model, custom=custom, max_memory=max_memory
        )
        if recorded and (changing := changed_by_each_call(network)):
            reason = f'the file records "{changing}" as in training, where each call changes its kernel'
            return Proof(of=len(names), reason=f"not compared: {reason}; the stored one is taken here")
        pictures = in_range(model, probe_inputs(model.input_shape))
        if any("int" in str(tensor.dtype) for tensor in network.inputs):  # Keras cuts fractions off.
            pictures = np.round(pictures)
        theirs = _answers(network, prepared, pictures, hold or {}, source.file_name, recorded, channels)
        ours = _values(
            prefix(model, model.input_shape[:2], model.outputs, "its end")(pictures, training=False)
        )
    except ShapeError as error:
        return Proof(of=len(names), reason=f"not compared: {error.message}")
    except ReportgenError as error:
        return Proof(of=len(names), reason=f"not compared with Keras: {error.message}")
    except Exception as error:  # Keras raises whatever a network makes it meet
        return Proof(of=len(names), reason=f"not compared: Keras cannot run it here: {first_line(error)}")
    names = _named(network, names)
    found = tuple(_difference(*three) for three in zip(names, ours, theirs, strict=True))
    return Proof(found, len(found))


def _answers(
    network: Network,
    prepared: Network,
    pictures: NDArray[np.float32],
    hold: Mapping[str, object],
    file_name: str,
    recorded: bool,
    channels: Literal["first", "last"] | None,
) -> list[Floats]:
    """Return what Keras's own call of a network gives for pictures, channels last, and held inputs.

    Args:
        network, prepared: See `as_keras_has_it`.
        pictures: `(n, h, w, c)` in the model's own range.
        hold: Values of the other inputs by name.
        file_name: For messages.
        recorded: Whether flags of training that the file records count; training is off otherwise.
        channels: Where the picture has them, as the user says.
    """
    inputs = list(network.inputs)
    at = picture_input(inputs, hold, file_name)
    seen = prepared(pictures.copy()) if prepared is not None else pictures
    values = held_values(inputs, at, hold, file_name, len(pictures), seen.shape[1:3])
    if takes_channels_first(network, inputs[at], channels, file_name):
        seen = seen.transpose(0, 3, 1, 2)
    values[at] = seen
    ordered = [values[i] for i in range(len(inputs))]
    return _by_itself(network, ordered, recorded)


def _by_itself(network: Network, inputs: Sequence[Tensor], recorded: bool) -> list[Floats]:
    """Return what a network makes of each picture by itself, its layers under the recorded flags or none."""
    answers = []
    for n in range(len(inputs[0])):
        # A network that was made for a batch gets one: the same picture again and again.
        one = [
            np.repeat(v[n : n + 1], t.shape[0] or 1, axis=0)
            for v, t in zip(inputs, network.inputs, strict=True)
        ]
        given = one[0] if len(one) == 1 else keras_module().tree.pack_sequence_as(network.input, one)
        found = as_recorded(network, one) if recorded else network(given, training=False)
        answers.append([value[:1] for value in _values(found)])
    return [np.concatenate(parts) for parts in zip(*answers, strict=True)]


def _values(results: object) -> list[Floats]:
    keras = keras_module()
    return [np.asarray(keras.ops.convert_to_numpy(r), np.float64) for r in keras.tree.flatten(results)]


def _difference(name: str, own: Floats, their: Floats) -> Difference:
    """Return how far an output is from Keras's; maps are channels last here, whatever they are there."""
    orders = (their, their.transpose(LAST)) if their.ndim == 4 else (their,)
    return min((difference(name, [(own, turned)]) for turned in orders), key=lambda found: found.max_rel)


def _named(network: Network, names: Sequence[str]) -> list[str]:
    own = list(getattr(network, "output_names", None) or ())
    return own if len(own) == len(names) else list(names)
