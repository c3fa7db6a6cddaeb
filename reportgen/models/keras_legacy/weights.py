"""Loads the weights of a whole-model HDF5 file into the network built from its configuration.

Handles how Keras 1, 2 and 3 named and ordered weights, and the kernel layouts of Keras 1 and of Theano.
Weights are matched by name where names are unique, else in Keras's order; a different count or shape is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reportgen.errors import ModelError
from reportgen.keras_types import KerasLayer, Network, Variable
from reportgen.models.keras.hdf5 import stored_weights
from reportgen.models.keras_legacy.kernel_layout import Writer, check_layer, converted
from reportgen.models.keras_legacy.operations import safe_name

if TYPE_CHECKING:
    import h5py


Array = np.ndarray
_SURPLUS = {"count", "seed_generator_state", "seed"}
_SAVE_AGAIN = "load it with the Keras it was saved with and save it as .keras"


def load_weights(model: Network, path: Path, writer: Writer, file_name: str) -> None:
    """Load the weights of an HDF5 file into a built model.

    Args:
        model: Functional or sequential.
        path: A whole-model file, or one of weights alone in the old layout.
        writer: The Keras that wrote the file, and its backend.
        file_name: For messages.

    Raises:
        ModelError: Weights are missing, too many, of other shapes or of uncertain layout.
    """
    with stored_weights(path, file_name) as file:
        groups = file.get("model_weights", file)
        stored = {safe_name(str(name)): groups[name] for name in _texts(groups.attrs, "layer_names")}
        for layer in model.layers:
            _load_layer(layer, stored.pop(layer.name, None), writer, file_name)
        left = [name for name, group in stored.items() if _texts(group.attrs, "weight_names")]
    left = [name for name in left if name != "top_level_model_weights"]
    if left:
        raise ModelError(f'{file_name}: holds weights of "{left[0]}", which is not a layer of its network')


def _load_layer(layer: KerasLayer, group: h5py.Group, writer: Writer, file_name: str) -> None:
    owners = {id(v): leaf for leaf in _leaves(layer) for v in leaf.weights}
    variables = [*layer.trainable_weights, *layer.non_trainable_weights]
    names = _texts(group.attrs, "weight_names") if group is not None else []
    where = f'{file_name}: layer "{layer.name}"'
    for leaf in _leaves(layer):
        check_layer(leaf, writer, where)
    for index, variable in _matched(variables, names, where):
        owner = owners.get(id(variable), layer)
        array = converted(np.asarray(group[names[index]]), owner, variable.name, writer, where)
        if array.dtype.kind not in "fiub" or tuple(array.shape) != tuple(variable.shape):
            raise ModelError(
                f'{where}: weight "{names[index]}" is {array.dtype} {tuple(array.shape)}, '
                f"wanted {tuple(variable.shape)}",
                hint=_SAVE_AGAIN,
            )
        variable.assign(array)
    for leaf in _leaves(layer):
        if hasattr(leaf, "finalize_state") and leaf.weights:
            leaf.finalize_state()


def _matched(variables: list[Variable], names: list[str], where: str) -> Iterator[tuple[int, Variable]]:
    """Yield the stored weight for each variable."""
    keys = [_key(name) for name in names]
    wanted = [_key(v.path) for v in variables]
    if len(set(keys)) == len(keys) and len(set(wanted)) == len(wanted) and set(wanted) <= set(keys):
        surplus = [k for k in keys if k not in set(wanted) and k.split("/")[-1] not in _SURPLUS]
        if not surplus:
            yield from ((keys.index(w), v) for w, v in zip(wanted, variables, strict=True))
            return
    if len(names) != len(variables):
        raise ModelError(
            f"{where}: the file has {len(names)} weights for it, wanted {len(variables)}", hint=_SAVE_AGAIN
        )
    yield from enumerate(variables)


def _key(name: str) -> str:
    """Return layer and weight of a name such as `inner/conv/kernel:0`."""
    return "/".join(name.split(":")[0].split("/")[-2:])


def _leaves(layer: KerasLayer) -> Iterator[KerasLayer]:
    """Yield a layer, or all its inner layers."""
    inner = getattr(layer, "layers", None)
    if inner:
        for each in inner:
            yield from _leaves(each)
    else:
        yield layer


def _texts(attributes: h5py.AttributeManager, name: str) -> list[str]:
    """Return a list of names, which Keras splits into `name0`, `name1` if it is long."""
    if name in attributes:
        values = list(attributes[name])
    else:
        values, piece = [], 0
        while f"{name}{piece}" in attributes:
            values += list(attributes[f"{name}{piece}"])
            piece += 1
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]
