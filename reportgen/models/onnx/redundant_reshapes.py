"""Reshapes of a map to rows and back, with only row-wise operations in between.

TensorFlow's exporter writes a Dense layer over a map as reshape, product, reshape. Neither reshape is needed,
so both are removed, and the layer works on the map as its author wrote it. Rows that are not reshaped back
stay rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.keras_types import CallRecord, Tensor
from reportgen.models.framework import keras_module
from reportgen.models.graph.kinds import IDENTITIES, activation_of, kind_of, with_settings

_ELEMENTWISE = IDENTITIES | frozenset(
    {"add", "subtract", "multiply", "true_divide", "divide", "maximum", "minimum", "power", "square", "sqrt",
     "rsqrt", "absolute", "negative", "clip", "cast", "exp", "log", "log1p", "erf", "reciprocal"}
)  # fmt: skip
Sides = tuple[int, ...]


@dataclass(frozen=True)
class _Rows:
    """A value of rows: the sides they were made from, and the reshape that made them."""

    sides: Sides
    origin: int


def redundant_reshapes(records: Sequence[CallRecord], outputs: Sequence[Tensor]) -> set[int]:
    """Return the ids of recorded reshapes to rows and back to maps without an operation that needs rows.

    Args:
        records: Recorded calls, each after all it depends on.
        outputs: Of the network.
    """
    found = _Search()
    for record in records:
        found.follow(record)
    for tensor in outputs:
        found.lose([tensor])
    return found.needless()


class _Search:
    """Which values are rows, which reshapes belong together, and which of them must stay."""

    def __init__(self) -> None:
        self.rows: dict[int, _Rows] = {}
        self.reshapes: dict[int, list[int]] = {}
        self.joined: dict[int, int] = {}
        self.back: set[int] = set()
        self.lost: set[int] = set()

    def follow(self, record: CallRecord) -> None:
        """Update the search with one call."""
        given = record.input_tensors
        if not record.outputs:
            return
        if kind_of(record.operation) == "reshape" and len(given) == 1:
            self._reshaped(record, given[0], record.outputs[0])
            return
        known = [self.rows.get(id(tensor)) for tensor in given]
        rows = [row for row in known if row is not None]
        if not rows:
            return
        same = len(rows) == len(known) and len({row.sides for row in rows}) == 1
        if not same or not _row_by_row(record):
            self.lose(given)
            return
        for row in rows[1:]:
            self._join(rows[0].origin, row.origin)
        self.rows[id(record.outputs[0])] = rows[0]

    def lose(self, tensors: Sequence[Tensor]) -> None:
        """Record that an operation needs values as rows, if they are rows."""
        self.lost.update(self.rows[id(t)].origin for t in tensors if id(t) in self.rows)

    def needless(self) -> set[int]:
        """Return the reshapes that can be removed."""
        lost = {self._root(origin) for origin in self.lost}
        back = {self._root(origin) for origin in self.back} - lost
        return {i for origin, ids in self.reshapes.items() if self._root(origin) in back for i in ids}

    def _reshaped(self, record: CallRecord, before: Tensor, after: Tensor) -> None:
        sides, new = tuple(before.shape), tuple(after.shape)
        row = self.rows.get(id(before))
        if row is None:
            several = np.prod(sides[1:-1], dtype=object) > 1
            fewer = 2 <= len(new) < len(sides) and new[-1] == sides[-1]
            if several and fewer and np.prod(new, dtype=object) == np.prod(sides, dtype=object):
                self.rows[id(after)] = _Rows(sides[:-1], id(record))
                self.reshapes[id(record)] = [id(record)]
            return
        if new[-1] != sides[-1]:
            self.lost.add(row.origin)
            return
        self.reshapes[row.origin].append(id(record))
        if new[:-1] == row.sides:
            self.back.add(row.origin)
        else:
            self.rows[id(after)] = row

    def _root(self, origin: int) -> int:
        while origin in self.joined:
            origin = self.joined[origin]
        return origin

    def _join(self, one: int, other: int) -> None:
        one, other = self._root(one), self._root(other)
        if one != other:
            self.joined[other] = one


def _row_by_row(record: CallRecord) -> bool:
    """Whether a call works on each row separately, and could on each place of a map."""
    operation, kind = record.operation, kind_of(record.operation)
    if (
        len(record.outputs) != 1
        or tuple(record.outputs[0].shape)[:-1] != tuple(record.input_tensors[0].shape)[:-1]
    ):
        return False
    if kind == "dense":
        return True
    row = activation_of(operation)
    if row is not None and row.reach != "number":  # It depends on the meaning of the axes.
        return getattr(with_settings(operation), "axis", None) == -1
    if row is None and kind not in _ELEMENTWISE and kind != "activation":
        return False
    keras = keras_module()
    rest = keras.tree.flatten((record.arguments.args, record.arguments.kwargs))
    shapes = [np.shape(a) for a in rest if a is not None and not isinstance(a, (keras.KerasTensor, str))]
    return all(not any(side != 1 for side in shape[:-1]) for shape in shapes)
