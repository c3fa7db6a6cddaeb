"""The units of a network as removal counts them: groups of channels removed together, and their readers.

A group is owned by the first layer that outputs one of its channels; layers tied to it lose theirs with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.prune.channels import Channels, Labels, Ref, channels_of, mixes, same_at_every_place

if TYPE_CHECKING:
    from reportgen.models import Model


@dataclass(frozen=True)
class Reader:
    """A layer whose weights read channels that can be removed.

    Attributes:
        nodes: Its calls.
        refs: The tensor that each call reads.
        places: How many values of a channel stand side by side in a flattened map; 1 otherwise.
        groups: `(C,)`, the group of each channel; `STAYS` where it cannot be removed.
    """

    nodes: tuple[int, ...]
    refs: tuple[Ref, ...]
    places: int
    groups: NDArray[np.int64]


STAYS = -1
"""Instead of a group's index: the channel cannot be removed."""


@dataclass(frozen=True)
class Groups:
    """Everything that can be removed from a network.

    Attributes:
        channels: The labels of its tensors.
        labels: `(G,)`, the label of each group, in the order of the network.
        owner: `(G,)`, name of the layer that owns each.
        unit: `(G,)`, the lowest of its units in that layer.
        members: For each group, layer and unit of every channel in it.
        readers: In the order of the network.
        fixed: Pairs of layer name and reason: layers none of whose units can be removed.
        n_units: The width of each layer.
    """

    channels: Channels
    labels: NDArray[np.int64]
    owner: tuple[str, ...]
    unit: NDArray[np.int64]
    members: tuple[tuple[tuple[str, int], ...], ...]
    readers: tuple[Reader, ...]
    fixed: tuple[tuple[str, str], ...]
    n_units: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.labels)

    def of_layer(self, layer: str) -> NDArray[np.int64]:
        """Return the groups that a layer owns."""
        return np.flatnonzero([owner == layer for owner in self.owner])

    def layers(self) -> list[str]:
        """Return the layers that own groups, in the order of the network."""
        return list(dict.fromkeys(self.owner))

    def tied(self, layer: str) -> list[str]:
        """Return the other layers that lose a unit with every unit that this layer loses."""
        found = {name: None for g in self.of_layer(layer) for name, _ in self.members[g] if name != layer}
        return list(found)

    def kept_channels(self, ref: Ref, removed: Collection[int]) -> NDArray[np.bool_]:
        """Return for a tensor's labels, in their shape, whether each is kept when groups are removed."""
        labels = self.labels[sorted(removed)]
        return np.asarray(~np.isin(self.channels.labels[ref], labels))


class RemainingUnits:
    """How many units each layer still has; no layer may lose its last one.

    Args:
        groups: What can be removed.
        removed: `(G,)`, what is removed already.
    """

    def __init__(self, groups: Groups, removed: NDArray[np.bool_] | None = None) -> None:
        self._units = [Counter(layer for layer, _ in own) for own in groups.members]
        self._left = dict(groups.n_units)
        for g in np.flatnonzero(removed) if removed is not None else ():
            self.remove(int(g))

    def can_remove(self, group: int) -> bool:
        """Whether every layer keeps a unit without this group."""
        return all(self._left[layer] > n for layer, n in self._units[group].items())

    def remove(self, group: int) -> None:
        """Count a group as removed."""
        for layer, n in self._units[group].items():
            self._left[layer] -= n


def groups_of_units(model: Model, layers: Collection[str] | None = None) -> Groups:
    """Return what can be removed.

    Args:
        model: The network.
        layers: Names of layers whose units may be removed; all by default.
    """
    channels = channels_of(model)
    asked = {layer.name for layer in model.layers} if layers is None else set(layers)
    units = {x.name: channels.labels[model.taps[x.name].weights, 0].ravel().tolist() for x in model.layers}
    members: dict[int, list[tuple[str, int]]] = {}
    for name, own in units.items():
        for unit, label in enumerate(own):
            members.setdefault(label, []).append((name, unit))
    stays = {
        label: next((name for name, _ in every if name not in asked), None)
        for label, every in members.items()
    }
    fixed = []
    for name, own in units.items():
        reasons = [channels.fixed.get(label) or _unasked(name, stays[label], asked) for label in own]
        if all(reasons):
            fixed.append((name, reasons[0]))
    labels = [label for label in members if label not in channels.fixed and stays[label] is None]
    first = [members[label][0] for label in labels]
    return Groups(
        channels=channels,
        labels=np.asarray(labels, np.int64),
        owner=tuple(name for name, _ in first),
        unit=np.asarray([unit for _, unit in first], np.int64),
        members=tuple(tuple(members[label]) for label in labels),
        readers=_readers(model, channels, labels),
        fixed=tuple(fixed),
        n_units={layer.name: layer.n_units for layer in model.layers},
    )


def _unasked(layer: str, stays: str | None, asked: Collection[str]) -> str:
    """Return why a unit of a layer stays; `stays` is a layer that has it too and was not requested."""
    if stays is None:
        return ""
    if layer not in asked:
        return "only other layers were requested"
    return f'its units are removed with those of "{stays}", which was not requested'


def _readers(model: Model, channels: Channels, labels: Sequence[int]) -> tuple[Reader, ...]:
    """Return the layers that read a group; all calls of one layer are one reader."""
    number = {label: g for g, label in enumerate(labels)}
    calls: dict[int, list[int]] = {}
    for index in channels.readers:
        if mixes(model.nodes[index]):
            calls.setdefault(id(model.nodes[index].operation), []).append(index)
    found = []
    for nodes in calls.values():
        refs = tuple(model.nodes[index].inputs[0] for index in nodes)
        places, row = _row(channels.labels[refs[0]], channels.labels[refs[0]].ndim)
        groups = np.asarray([number.get(label, STAYS) for label in row.tolist()], np.int64)
        if (groups != STAYS).any():
            found.append(Reader(tuple(nodes), refs, places, groups))
    return tuple(found)


def _row(labels: Labels, ndim: int) -> tuple[int, Labels]:
    """Return the places of a flattened map, and the labels of its channels once."""
    return same_at_every_place(labels) if ndim == 1 else (1, labels.reshape(-1, labels.shape[-1])[0])
