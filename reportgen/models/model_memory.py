"""The memory limit for a model, checked before memory is allocated."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from math import prod

from reportgen.errors import ModelError
from reportgen.keras_types import Network
from reportgen.models.framework import keras_module

LEAST_DEFAULT = 2 << 30
_UNKNOWN_MACHINE = 4 << 30
_OPEN_SIDE = 224
_NUMBER_BYTES = 4


def machine_memory() -> int:
    """Return the machine's memory in bytes; 4 GB if the system does not report it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return _UNKNOWN_MACHINE


def default_max_memory() -> int:
    """Return half of the machine's memory in bytes, at least 2 GB."""
    return max(LEAST_DEFAULT, machine_memory() // 2)


def build_within(build: Callable[[], Network], max_memory: int, file_name: str) -> Network:
    """Return a network whose weights are allocated only once their sizes are known to fit.

    In a stateless scope Keras defers the initialisation of variables, so that the network is first built from
    shapes alone.

    Args:
        build: Builds the network.
        max_memory: In bytes, for its weights and one picture's largest tensor.
        file_name: For messages.

    Raises:
        ModelError: It would take more.
    """
    keras = keras_module()
    scope = keras.StatelessScope()
    try:
        with scope:
            try:
                model = build()
                refuse_larger(model, max_memory, file_name)
            except BaseException:
                scope.initialize_variables = False
                raise
    finally:
        _drop_uninitialised()
    return model


def refuse_larger(model: Network, max_memory: int, file_name: str) -> None:
    """Refuse a network whose weights and largest tensor for one picture take more than allowed.

    Raises:
        ModelError: It does.
    """
    weights = [(v.path, _bytes(v.shape)) for v in model.variables]
    total = sum(size for _, size in weights)
    if total > max_memory:
        name, size = max(weights, key=lambda pair: pair[1])
        raise ModelError(
            f'{file_name}: its weights take {total:,} bytes ("{name}" alone {size:,}), '
            f"at most {max_memory:,} are allocated",
            hint="raise --max-memory",
        )
    for name, size in _tensors(model, set()):
        if total + size > max_memory:
            raise ModelError(
                f'{file_name}: layer "{name}" gives {size:,} bytes for one picture, '
                f"at most {max_memory:,} are allocated",
                hint="raise --max-memory",
            )


def _tensors(model: Network, seen: set[int]) -> Iterable[tuple[str, int]]:
    """Yield the name of each operation of a model and the size of its outputs for one picture."""
    for operation in getattr(model, "operations", None) or getattr(model, "layers", None) or ():
        if id(operation) in seen:
            continue
        seen.add(id(operation))
        yield from _tensors(operation, seen)
        for node in getattr(operation, "_inbound_nodes", ()):
            for tensor in node.output_tensors:
                yield operation.name, _bytes(tensor.shape[1:])


def _bytes(shape: Iterable[int | None]) -> int:
    return _NUMBER_BYTES * prod(_OPEN_SIDE if side is None else int(side) for side in shape)


def _drop_uninitialised() -> None:
    """Drop uninitialised variables, so that no later network allocates those of a refused one."""
    from keras.src.backend.common import global_state

    global_state.set_global_attribute("uninitialized_variables", [])
