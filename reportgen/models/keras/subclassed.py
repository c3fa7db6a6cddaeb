"""A network written as a class with a `call` of its own, as the graph of what that call does.

Only where the user gave the class and trusts the model. Its weights are in it already; `call` is followed
once on a tensor without numbers, and every Keras layer and operation it uses becomes a node. The proof
compares the graph with the class itself, called on pictures.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from reportgen.errors import ModelError, in_brief
from reportgen.keras_types import Network
from reportgen.models.framework import functional, keras_module
from reportgen.models.keras.hdf5 import first_line


def is_subclassed(model: Network) -> bool:
    """Whether a model is neither sequential nor functional, so that its inputs are not part of it."""
    return not isinstance(model, keras_module().Sequential) and not getattr(model, "inputs", None)


def followed(model: Network, file_name: str) -> Network:
    """Return the functional network of what a subclassed model's `call` does.

    Raises:
        ModelError: Keras was not told its input, or `call` does what no graph of Keras says.
    """
    name = type(model).__name__
    shape = _input_shape(model, file_name)
    picture = keras_module().Input(shape, name="picture")
    named = {"training": False} if "training" in inspect.signature(model.call).parameters else {}
    try:
        outputs = model.call(picture, **named)
        network = functional(picture, outputs, name=model.name)
    except Exception as error:  # the class is the user's own, and runs
        raise ModelError(
            f"{file_name}: {name} is a subclassed model whose call cannot be followed: {first_line(error)}",
            hint=_how(name, shape),
        ) from None
    _check_weights(model, network, file_name, shape)
    return network


def as_called(model: Network, file_name: str) -> Network:
    """Return a network of one operation, the subclassed model as Keras calls it.

    Raises:
        ModelError: Keras was not told its input.
    """
    picture = keras_module().Input(_input_shape(model, file_name), name="picture")
    return functional(picture, model(picture))


def _check_weights(model: Network, network: Network, file_name: str, shape: tuple[int | None, ...]) -> None:
    """Refuse a graph without some weights of the model: its call goes ways that no graph shows."""
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
    said = model.get_build_config() if model.built else None
    shape = said.get("input_shape") if isinstance(said, Mapping) else None
    sides = list(shape) if isinstance(shape, (list, tuple)) else []
    if len(sides) < 2 or not all(side is None or isinstance(side, int) for side in sides):
        what = f"with {in_brief(said)} for inputs, wanted one picture" if model.built else "never called"
        raise ModelError(f"{file_name}: {name} is a subclassed model, {what}", hint=_how(name, ()))
    return tuple(sides[1:])


def _how(name: str, shape: tuple[int | None, ...]) -> str:
    said = str(shape) if shape else "(height, width, channels)"
    return (
        f"make it functional: write its call with Keras layers and keras.ops alone, then save "
        f"keras.Model(x, net.call(x)) where x = keras.Input({said}) and net is the trained {name}"
    )
