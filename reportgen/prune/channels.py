"""Which channels of a network must be removed together: labels for the channels of every tensor.

A layer with units gives each of them a new label. Operations without units pass labels on; where two tensors
are combined value by value, their labels are merged. Channels that cannot be removed are fixed, with the
reason. It knows no pictures and no importance of channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.models.graph.kinds import UNIT_KINDS
from reportgen.prune.decision import end_of
from reportgen.prune.label_rules import passed_labels

if TYPE_CHECKING:
    from reportgen.models import Model, Node

Ref = tuple[int, int]
Labels = NDArray[np.int64]
"""Labels of a tensor's channels, with the tensor's axes except the batch; all axes but the last have length 1
if labels are the same at every place."""


@dataclass
class Channels:
    """The labels of all tensors.

    Attributes:
        labels: By tensor; merged labels have the same number.
        fixed: For each label that cannot be removed, the reason.
        readers: Nodes whose weights mix the channels of their one input, in topological order.
    """

    labels: dict[Ref, Labels] = field(default_factory=dict)
    fixed: dict[int, str] = field(default_factory=dict)
    readers: list[int] = field(default_factory=list)


def channels_of(model: Model) -> Channels:
    """Return which channels must be removed together and which are fixed."""
    found = _Labelling(model)
    for index, node in enumerate(model.nodes):
        found.visit(index, node)
    for ref in model.outputs:
        found.fix(found.labels[ref], "it is an output of the network", first=True)
    return found.resolved()


class _Labelling:
    """Labels given so far, and which of them were merged."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.labels: dict[Ref, Labels] = {}
        self.readers: list[int] = []
        self._parent: list[int] = []
        self._fixed: list[tuple[Labels, str]] = []
        self._of_operation: dict[int, tuple[Labels, Labels]] = {}
        self._taps = {tap.weights for tap in model.taps.values()}
        self._ends = {end_of(model, ref).node for ref in model.outputs}

    def fresh(self, n: int) -> Labels:
        """Return n new labels."""
        start = len(self._parent)
        self._parent.extend(range(start, start + n))
        return np.arange(start, start + n)

    def merge(self, a: Labels, b: Labels) -> None:
        """Merge labels value by value; the two are broadcast against each other."""
        for one, other in {*zip(*(x.ravel().tolist() for x in np.broadcast_arrays(a, b)), strict=True)}:
            one, other = self._root(one), self._root(other)
            self._parent[max(one, other)] = min(one, other)

    def fix(self, labels: Labels, reason: str, *, first: bool = False) -> None:
        """Mark channels as not removable; the first reason of a channel is reported."""
        self._fixed.insert(0 if first else len(self._fixed), (labels, reason))

    def flat(self, labels: Labels) -> Labels:
        """Return a tensor's labels `(C,)`, merged over places."""
        rows = labels.reshape(-1, labels.shape[-1])
        if len(rows) > 1:
            self.merge(rows, rows[:1])
        return np.asarray(rows[0], np.int64)

    def visit(self, index: int, node: Node) -> None:
        """Label a node's outputs from its inputs."""
        inputs = [self.labels[ref] for ref in node.inputs]
        if node.kind == "input":
            found = [self._new(node, 0, "it is a channel of the picture")]
        elif index in self._ends:
            found = inputs
        elif node.kind in UNIT_KINDS:
            found = [self._of_weights(index, node, inputs[0])]
        else:
            passed = passed_labels(self, node, inputs, [self._shape(ref) for ref in node.inputs])
            if isinstance(passed, str):
                for labels in inputs:
                    self.fix(labels, passed)
                found = [self._new(node, i, passed) for i in range(len(node.output_shapes))]
            else:
                found = [passed]
        for output, labels in enumerate(found):
            self.labels[index, output] = labels

    def resolved(self) -> Channels:
        """Return the result, with every label replaced by the one it was merged into."""
        roots = np.array([self._root(i) for i in range(len(self._parent))], np.int64)
        fixed: dict[int, str] = {}
        for labels, reason in self._fixed:
            for label in np.unique(roots[labels]).tolist():
                fixed.setdefault(label, reason)
        return Channels({ref: roots[labels] for ref, labels in self.labels.items()}, fixed, self.readers)

    def _root(self, label: int) -> int:
        while self._parent[label] != label:
            self._parent[label] = label = self._parent[self._parent[label]]
        return label

    def _shape(self, ref: Ref) -> tuple[int | None, ...]:
        return self.model.nodes[ref[0]].output_shapes[ref[1]]

    def _new(self, node: Node, output: int, reason: str) -> Labels:
        shape = node.output_shapes[output]
        labels = self.fresh(int(shape[-1] or 1) if len(shape) > 1 else 1)
        labels = labels.reshape((1,) * max(0, len(shape) - 2) + (-1,))
        self.fix(labels, reason)
        return labels

    def _of_weights(self, index: int, node: Node, given: Labels) -> Labels:
        """Return labels of a layer's own units; all calls of one layer have the same."""
        before = self.flat(given)
        known = self._of_operation.get(id(node.operation))
        if known is not None:
            self.merge(before, known[0])
            after = known[1]
        else:
            after = self._units(node, before)
            if index not in self._taps:
                self.fix(after, "its units are not examined, so none is removed")
            self._of_operation[id(node.operation)] = (before, after)
        if mixes(node):
            self.readers.append(index)
        return after.reshape((1,) * (len(node.output_shapes[0]) - 2) + (-1,))

    def _units(self, node: Node, before: Labels) -> Labels:
        n = int(node.output_shapes[0][-1] or 0)
        if node.kind == "depthwise_conv2d":
            return np.repeat(before, n // len(before))
        after = self.fresh(n)
        groups = groups_of(node)
        if groups > 1:
            # All groups of a grouped convolution have one width: a group's channels are removed together.
            for some, own in zip(before.reshape(groups, -1), after.reshape(groups, -1), strict=True):
                self.merge(some, some[:1])
                self.merge(own, some[:1])
        return after


def groups_of(node: Node) -> int:
    """Return the number of groups of a convolution."""
    return int(getattr(node.operation, "groups", 1) or 1)


def mixes(node: Node) -> bool:
    """Whether each unit of a layer reads every channel; only then can a constant channel join the bias."""
    return node.kind != "depthwise_conv2d" and groups_of(node) == 1


def same_at_every_place(labels: Sequence[int] | Labels) -> tuple[int, Labels]:
    """Return places and channels of a flattened map, from labels `(C,)` that repeat for each place."""
    row = np.asarray(labels).ravel()
    n = len(row)
    for width in range(1, n + 1):
        if n % width == 0 and np.array_equal(row[width:], row[:-width]):
            return n // width, row[:width]
    return 1, row
