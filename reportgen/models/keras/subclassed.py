"""A subclassed model, as the graph of its `call`.

Only if the user gave the class and trusts the model. `call` is traced once on a symbolic tensor, and every
Keras layer and operation it uses becomes a node. `parity` compares the graph with the class itself, called
on pictures.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from reportgen.errors import ModelError, in_brief
from reportgen.keras_types import Network
from reportgen.models.framework import functional, keras_module
from reportgen.models.keras.hdf5 import first_line


def is_subclassed(model: Network) -> bool:
    """Whether a model is neither sequential nor functional, so that it does not know its inputs."""
    return not isinstance(model, keras_module().Sequential) and not getattr(model, "inputs", None)


def traced_network(model: Network, file_name: str) -> Network:
    """Return a subclassed model's `call` as a functional network.

    Raises:
        ModelError: Its input shape is unknown, or `call` cannot be expressed as a graph of Keras.
    """
    name = type(model).__name__
    shape = _input_shape(model, file_name)
    picture = keras_module().Input(shape, name="picture")
    named = {"training": False} if "training" in inspect.signature(model.call).parameters else {}
    try:
        outputs = model.call(picture, **named)
        network = functional(picture, outputs, name=model.name)
    except Exception as error:  # the user's own code may raise any error
        raise ModelError(
            f"{file_name}: {name} is a subclassed model whose call cannot be traced: {first_line(error)}",
            hint=_how(name, shape),
        ) from None
    _check_weights(model, network, file_name, shape)
    return network


def as_single_operation(model: Network, file_name: str) -> Network:
    """Return a network of one operation, the subclassed model as Keras calls it.

    Raises:
        ModelError: Its input shape is unknown.
    """
    picture = keras_module().Input(_input_shape(model, file_name), name="picture")
    return functional(picture, model(picture))


def _check_weights(model: Network, network: Network, file_name: str, shape: tuple[int | None, ...]) -> None:
    """Refuse a graph that lacks some weights of the model: its call does more than the graph shows."""
    within = {id(variable) for variable in network.variables}
    lost = [v.path for v in model.weights if id(v) not in within and "seed" not in v.path]
    if lost:
        name = type(model).__name__
        raise ModelError(
            f"{file_name}: {name} is a subclassed model, and its call uses {len(lost)} weights outside of "
            f'layers, "{lost[0]}" the first',
            hint=_how(name, shape),
        )


def _input_shape(model: Network, file_name: str) -> tuple[int | None, ...]:
    """Return the shape of a subclassed model's one input, without the batch."""
    name = type(model).__name__
    built = model.get_build_config() if model.built else None
    shape = built.get("input_shape") if isinstance(built, Mapping) else None
    sides = list(shape) if isinstance(shape, (list, tuple)) else []
    if len(sides) < 2 or not all(side is None or isinstance(side, int) for side in sides):
        what = f"with {in_brief(built)} for inputs, wanted one picture" if model.built else "never called"
        raise ModelError(f"{file_name}: {name} is a subclassed model, {what}", hint=_how(name, ()))
    return tuple(sides[1:])


def _how(name: str, shape: tuple[int | None, ...]) -> str:
    sides = str(shape) if shape else "(height, width, channels)"
    return (
        f"make it functional: write its call with Keras layers and keras.ops alone, then save "
        f"keras.Model(x, net.call(x)) where x = keras.Input({sides}) and net is the trained {name}"
    )
