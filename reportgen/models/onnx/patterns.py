"""Activations that exporters write as several nodes, merged into one.

Each pattern is the formula of the activation, so the result is the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reportgen.models.onnx.branches import reads
from reportgen.models.onnx.reading import Source, array_of, onnx_module

if TYPE_CHECKING:
    from onnx import NodeProto

_SQRT2 = 2.0**0.5


def rewritten(
    nodes: Sequence[NodeProto], stored: Mapping[str, np.ndarray], source: Source
) -> list[NodeProto]:
    """Return nodes with such activations replaced: one node in the place of the last."""
    return _Patterns(nodes, stored, source).result()


class _Patterns:
    """The writer and readers of each value, and the nodes that are replaced."""

    def __init__(self, nodes: Sequence[NodeProto], stored: Mapping[str, np.ndarray], source: Source) -> None:
        self.nodes, self.stored, self.source = list(nodes), stored, source
        self.writer = {o: n for n in nodes for o in n.output}
        self.readers: dict[str, list[NodeProto]] = {}
        for node in nodes:
            for name in reads(node):
                self.readers.setdefault(name, []).append(node)
        self.removed: set[int] = set()
        self.new: dict[int, NodeProto] = {}

    def result(self) -> list[NodeProto]:
        for node in self.nodes:
            if node.op_type == "Erf":
                self._gelu(node)
            elif node.op_type == "Clip":
                self._hard(node)
        return [self.new.get(id(n), n) for n in self.nodes if id(n) not in self.removed]

    def _number(self, name: str) -> float | None:
        """Return a constant that is one number."""
        node = self.writer.get(name)
        if name in self.stored:
            array = np.asarray(self.stored[name])
        elif node is not None and node.op_type == "Constant" and node.attribute[:1]:
            attribute = node.attribute[0]
            if attribute.name == "value_float":
                return float(attribute.f)
            if attribute.name != "value":
                return None
            array = array_of(attribute.t, self.source)
        else:
            return None
        return float(array.reshape(-1)[0]) if array.size == 1 else None

    def _by(self, node: NodeProto | None, kinds: tuple[str, ...]) -> tuple[str, float] | None:
        """Return the other input and the number of `x op number`; the order counts for Div only."""
        if node is None or node.op_type not in kinds or len(node.input) != 2:
            return None
        for first, second in ((0, 1), (1, 0)):
            number = self._number(node.input[second])
            if number is not None and (second == 1 or node.op_type != "Div"):
                return node.input[first], number
        return None

    def _next(self, node: NodeProto, kind: str) -> NodeProto | None:
        readers = self.readers.get(node.output[0], [])
        return readers[0] if len(readers) == 1 and readers[0].op_type == kind else None

    def _gelu(self, erf: NodeProto) -> None:
        """Replace `x * (1 + erf(x / sqrt 2)) * 0.5` by Gelu, in any order of its factors."""
        scaled = self.writer.get(erf.input[0])
        within = self._by(scaled, ("Div", "Mul"))
        if scaled is None or within is None or len(self.readers.get(erf.input[0], [])) != 1:
            return
        x, by = within
        by = 1 / by if scaled.op_type == "Div" and by else by
        plus = self._next(erf, "Add")
        one = self._by(plus, ("Add",))
        if plus is None or one is None or abs(by - 1 / _SQRT2) > 1e-6 or one[1] != 1:
            return
        product = self._next(plus, "Mul")
        if product is None:
            return
        other = next((n for n in product.input if n != plus.output[0]), "")
        inner = [scaled, erf, plus]
        if other == x:
            half = self._next(product, "Mul")
            found = self._by(half, ("Mul",))
            if half is not None and found is not None and found[1] == 0.5:
                self._replace(half, "Gelu", x, [*inner, product])
            return
        if self._number(other) == 0.5:
            last = self._next(product, "Mul")
            if last is not None and x in last.input:
                self._replace(last, "Gelu", x, [*inner, product])
            return
        before = self.writer.get(other)
        halved = self._by(before, ("Mul",))
        if before is not None and halved == (x, 0.5) and len(self.readers[other]) == 1:
            self._replace(product, "Gelu", x, [*inner, before])

    def _hard(self, clip: NodeProto) -> None:
        """Replace `clip(x + 3, 0, 6) / 6`, with or without a factor x, by HardSigmoid or HardSwish."""
        ends = [self._number(n) for n in clip.input[1:3]]
        if len(clip.input) == 1:
            given = {a.name: a.f for a in clip.attribute}
            ends = [given.get("min"), given.get("max")]
        plus = self.writer.get(clip.input[0])
        three = self._by(plus, ("Add",))
        if plus is None or three is None or ends != [0.0, 6.0] or three[1] != 3:
            return
        if len(self.readers[clip.input[0]]) != 1:
            return
        x = three[0]
        readers = self.readers.get(clip.output[0], [])
        if len(readers) != 1:
            return
        after = readers[0]
        if self._is_sixth(after):
            self._replace(after, "HardSigmoid", x, [plus, clip], alpha=1 / 6, beta=0.5)
        elif after.op_type == "Mul" and sorted(after.input) == sorted([x, clip.output[0]]):
            last = self.readers.get(after.output[0], [])
            if len(last) == 1 and self._is_sixth(last[0]):
                self._replace(last[0], "HardSwish", x, [plus, clip, after])

    def _is_sixth(self, node: NodeProto) -> bool:
        found = self._by(node, ("Div", "Mul"))
        if found is None:
            return False
        return found[1] == 6 if node.op_type == "Div" else abs(found[1] - 1 / 6) < 1e-7

    def _replace(
        self, last: NodeProto, kind: str, x: str, inner: Sequence[NodeProto], **attributes: float
    ) -> None:
        if any(id(n) in self.removed for n in (*inner, last)):
            return
        made = onnx_module().helper.make_node(kind, [x], [last.output[0]], name=last.name, **attributes)
        self.new[id(last)] = made
        self.removed.update(id(n) for n in inner)
