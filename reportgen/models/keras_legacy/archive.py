"""Loads the weights of a `.keras` archive of Keras 2.12 to 2.15 into the rebuilt network.

Those archives name a weight by its path of Python attributes: the class of its layer, numbered within its
model (`layers/conv2d_1/vars/0`, before 2.15 `_layer_checkpoint_dependencies/conv2d_2/vars/0`). The numbers
differ between releases, their order does not: the n-th group of a class belongs to the n-th layer of that
class in the file's own configuration. Every weight of the network must be found and every array in the file
must be used, or the file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reportgen.errors import ModelError
from reportgen.keras_types import Config, KerasLayer, Network, Variable
from reportgen.models.keras.hdf5 import stored_weights
from reportgen.models.keras_legacy.operations import safe_name

if TYPE_CHECKING:
    import h5py


_ROOMS = ("layers", "_layer_checkpoint_dependencies")
_WRAPPED = {
    "layer", "forward_layer", "backward_layer", "cell", "cells", "_query_dense", "_key_dense",
    "_value_dense", "_output_dense",
}  # fmt: skip
"""Attributes that hold an inner layer, the same in Keras 2 and 3."""

_SAVE_AGAIN = "load it with the Keras it was saved with and save it as .h5"


def load_archive_weights(model: Network, config: Config, path: Path, file_name: str) -> None:
    """Load the weights of a Keras 2 archive into a built model.

    Args:
        model: Functional or sequential, built from the translated configuration.
        config: The configuration in the file, with the original order and classes.
        path: The weights, unpacked.
        file_name: For messages.

    Raises:
        ModelError: Weights are missing, too many, or of other shapes.
    """
    with stored_weights(path, file_name) as file:
        filling = _Filling(file, config, file_name)
        filling.model(model, config, file)
        filling.check(model)


class _Filling:
    """The weights of one file being loaded, with the arrays used and the variables filled so far."""

    def __init__(self, file: object, config: Config, file_name: str) -> None:
        self._file = file
        self._file_name = file_name
        self._used: set[str] = set()
        self._filled: set[int] = set()
        self._first = dict(reversed(list(_marked([config]))))
        self._shared: dict[object, KerasLayer] = {}
        self._copies: list[tuple[KerasLayer, object]] = []

    def model(self, model: Network, config: Config, group: h5py.Group) -> None:
        """Fill the layers of a model from its group."""
        inner = config.get("config")
        described = inner.get("layers", []) if isinstance(inner, dict) else inner or []
        by_name = {layer.name: layer for layer in model.layers}
        known = [(entry, by_name[_name(entry)]) for entry in described if _name(entry) in by_name]
        room = next((group[name] for name in _ROOMS if name in group), None)
        if room is not None:
            self._ranked(known, room)

    def _ranked(self, known: list[tuple[Config, KerasLayer]], room: h5py.Group) -> None:
        """Fill layers from the groups of one container, each class in order."""
        for word in dict.fromkeys(_snake(entry) for entry, _ in known):
            own: list[tuple[Config, KerasLayer]] = []
            for entry, layer in known:
                if _snake(entry) == word and not self._stands_elsewhere(entry, layer):
                    own.append((entry, layer))
            groups = _numbered(room, word)
            if len(groups) == len(own):
                for (entry, layer), name in zip(own, groups, strict=True):
                    self._layer(layer, entry, room[name])
            elif any(layer.weights for _, layer in own):
                raise ModelError(
                    f"{self._file_name}: the weights have {len(groups)} groups for the {len(own)} layers of "
                    f'class {own[0][0].get("class_name")} in "{room.name}"',
                    hint=_SAVE_AGAIN,
                )

    def _stands_elsewhere(self, entry: Config, layer: KerasLayer) -> bool:
        """Whether a shared layer's weights are stored in another model, where it came first."""
        mark = entry.get("shared_object_id")
        if mark is None or mark not in self._first:
            return False
        if self._first[mark] is entry:
            self._shared[mark] = layer
            return False
        self._copies.append((layer, mark))
        return True

    def _layer(self, layer: KerasLayer, entry: Config, group: h5py.Group) -> None:
        """Fill one layer, and its inner layers, from its group."""
        if hasattr(layer, "layers"):
            self.model(layer, entry, group)
            return
        if "vars" in group:
            self._own(layer, group["vars"])
        inner = entry.get("config")
        config: Config = inner if isinstance(inner, dict) else {}
        for name in group:
            if name in _WRAPPED:
                self._within(vars(layer).get(name), config.get(name), group[name])
        if hasattr(layer, "finalize_state") and layer.weights:
            layer.finalize_state()

    def _within(self, inner: object, described: object, group: h5py.Group) -> None:
        if isinstance(inner, (list, tuple)):
            entries = described if isinstance(described, list) else [{}] * len(inner)
            pairs = [(e or {"class_name": type(i).__name__}, i) for e, i in zip(entries, inner, strict=True)]
            self._ranked(pairs, group)
        elif inner is not None:
            self._layer(inner, described if isinstance(described, dict) else {}, group)

    def _own(self, layer: KerasLayer, stored: h5py.Group) -> None:
        variables = _own_variables(layer)
        names = sorted(stored, key=int)
        kind = type(layer).__name__
        if kind == "Normalization" and len(names) == len(variables) + 1:
            self._used.add(stored[names.pop()].name)  # the number of pictures it was adapted to
        if kind == "SpectralNormalization" and len(names) == 2:
            self._used.add(stored[names.pop(0)].name)  # the kernel, which the inner layer has too
        where = f'{self._file_name}: layer "{layer.name}"'
        if len(names) != len(variables):
            raise ModelError(
                f"{where}: the file has {len(names)} weights for it, wanted {len(variables)}",
                hint=_SAVE_AGAIN,
            )
        for name, variable in zip(names, variables, strict=True):
            array = np.asarray(stored[name])
            if array.dtype.kind not in "fiub" or tuple(array.shape) != tuple(variable.shape):
                raise ModelError(
                    f'{where}: weight "{name}" is {array.dtype} {tuple(array.shape)}, '
                    f"wanted {tuple(variable.shape)}",
                    hint=_SAVE_AGAIN,
                )
            variable.assign(array)
            self._used.add(stored[name].name)
            self._filled.add(id(variable))

    def check(self, model: Network) -> None:
        """Fill shared layers, and refuse variables that were not filled and arrays that were not used."""
        for layer, mark in self._copies:
            for variable, other in zip(layer.weights, self._shared[mark].weights, strict=True):
                variable.assign(other)
                self._filled.add(id(variable))
        for variable in model.weights:
            if id(variable) not in self._filled and not _is_state(variable):
                raise ModelError(
                    f'{self._file_name}: weight "{variable.path}" is not in the file', hint=_SAVE_AGAIN
                )
        for name in _datasets(self._file):
            if name not in self._used:
                raise ModelError(
                    f'{self._file_name}: holds weights "{name}", which belong to no layer of its network',
                    hint=_SAVE_AGAIN,
                )


def _marked(entries: list[object]) -> Iterator[tuple[object, Config]]:
    """Yield the mark of each layer shared by several models, in the order of the file."""
    for entry in entries:
        if isinstance(entry, dict):
            if entry.get("shared_object_id") is not None:
                yield entry["shared_object_id"], entry
            inner = entry.get("config")
            yield from _marked(inner["layers"] if isinstance(inner, dict) and "layers" in inner else [])


def _own_variables(layer: KerasLayer) -> list[Variable]:
    """Return a layer's own weights, in the order in which Keras 2 stored them."""
    inner = {id(v) for each in layer._flatten_layers(include_self=False) for v in each.weights}
    own = [v for v in layer.weights if id(v) not in inner and not _is_state(v)]
    return sorted(own, key=lambda v: not _trains(layer, v))


def _trains(layer: KerasLayer, variable: Variable) -> bool:
    return any(variable is v for v in layer._trainable_variables)


def _is_state(variable: Variable) -> bool:
    """Whether a variable is the state of a random generator, which affects no result."""
    return "seed_generator_state" in str(variable.path)


def _numbered(room: h5py.Group, word: str) -> list[str]:
    """Return the groups of a class, in the order of their numbers."""
    form = re.compile(re.escape(word) + r"(?:_(\d+))?")
    found = [(int(m.group(1) or 0), name) for name in room if (m := form.fullmatch(name))]
    return [name for _, name in sorted(found)]


def _snake(entry: Config) -> str:
    """Return the class of a layer as Keras writes it in paths: `Conv2D` is `conv2d`."""
    name = re.sub(r"\W+", "", str(entry.get("class_name")).rpartition(">")[2])
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _datasets(file: h5py.File) -> Iterator[str]:
    """Yield the paths of all arrays except those of training."""
    stack: list[h5py.Group] = [group for key, group in file.items() if key in _ROOMS]
    while stack:
        item = stack.pop()
        if hasattr(item, "keys"):
            stack += list(item.values())
        else:
            yield str(item.name)


def _name(entry: object) -> str:
    inner = entry.get("config") if isinstance(entry, dict) else None
    name = entry.get("name") if isinstance(entry, dict) else None
    return safe_name(str(name or (inner.get("name") if isinstance(inner, dict) else "") or ""))
