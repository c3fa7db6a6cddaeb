"""The cost of constant folding, estimated from shapes before any work is done.

One operation is about a multiplication and an addition in a matrix product. The estimates are upper bounds
within a small factor, good enough to distinguish seconds from hours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.models.onnx.call import Call

Shape = tuple[int, ...]

MOST_OPERATIONS = 20_000_000_000
"""Operations that constant folding may take for one graph: some ten seconds on one core."""

_PLAIN, _BY_HAND, _STEP = 8, 2_000, 1_000_000
"""For each element in array arithmetic, for each element handled in Python, for each time step."""

_HANDLED_ONE_BY_ONE = frozenset(
    ("Erf", "GatherND", "GatherElements", "ScatterElements", "ScatterND", "Scatter", "ReverseSequence", "Det",
     "ArgMax", "ArgMin", "TopK", "OneHot", "BitShift", "Range", "Einsum", "CumProd", "CumSum")
)  # fmt: skip
_POOLS = frozenset(("AveragePool", "MaxPool", "LpPool"))
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
"""By recurrent operator, how many matrices its weights stack."""


def operations(call: Call, outputs: Sequence[Shape]) -> int:
    """Return the estimated number of operations of a node on constants.

    Args:
        call: The node; all its inputs are constant.
        outputs: Shapes of its outputs.
    """
    given = [v.shape if v is not None else () for v in call.inputs]
    moved = sum(map(math.prod, given)) + sum(map(math.prod, outputs))
    made = sum(map(math.prod, outputs))
    kind = call.node.op_type
    each = _BY_HAND if kind in _HANDLED_ONE_BY_ONE else _PLAIN
    count = _PRODUCTS.get(kind)
    return moved * each + (count(call, given, made) if count is not None else 0)


def _conv(call: Call, given: Sequence[Shape], made: int) -> int:
    return made * math.prod(given[1][1:])


def _transposed(call: Call, given: Sequence[Shape], made: int) -> int:
    return math.prod(given[0]) * math.prod(given[1][1:])


def _product(call: Call, given: Sequence[Shape], made: int) -> int:
    inner = given[0][0 if call.attr("transA") else -1] if given[0] else 1
    # Only floating-point matrix products have a fast routine.
    slow = 1 if call.value(0).dtype.startswith("float") else 20
    return max(made, 1) * inner * slow


def _summed(call: Call, given: Sequence[Shape], made: int) -> int:
    """Return the product of all axes of an Einsum, each once; those of an ellipsis once for each input."""
    terms = str(call.attr("equation", "")).split("->")[0].replace(" ", "").split(",")
    sides: dict[str, int] = {}
    hidden = 1
    for term, shape in zip(terms, given, strict=False):
        before, ellipsis, after = term.partition("...")
        hidden *= math.prod(shape[len(before) : len(shape) - len(after)]) if ellipsis else 1
        named = [*zip(before, shape, strict=False)]
        named += zip(reversed(after), reversed(shape), strict=False)
        for letter, side in named:
            sides[letter] = max(side, sides.get(letter, 1))
    return math.prod(sides.values()) * hidden * _PLAIN


def _recurrent(call: Call, given: Sequence[Shape], made: int) -> int:
    steps, pictures, features = (*given[0], 1, 1, 1)[:3]
    if call.attr("layout"):
        steps, pictures = pictures, steps
    ways, _, hidden = (*given[2], 1, 1, 1)[:3]
    weights = ways * GATES[call.node.op_type] * hidden * (features + hidden)
    return int(steps * (pictures * weights + ways * _STEP))


def _pooled(call: Call, given: Sequence[Shape], made: int) -> int:
    return made * math.prod(max(1, int(k)) for k in call.attr("kernel_shape", [1])) * _PLAIN


def _resized(call: Call, given: Sequence[Shape], made: int) -> int:
    # Along each axis a matrix from old positions to new ones.
    return made * sum(given[0][1:]) + made * 64


def _sampled(call: Call, given: Sequence[Shape], made: int) -> int:
    return made * 16 * _PLAIN


def _normalised(call: Call, given: Sequence[Shape], made: int) -> int:
    return made * max(1, int(call.attr("size", 1)))


def _eliminated(call: Call, given: Sequence[Shape], made: int) -> int:
    return math.prod(given[0]) * (given[0][-1] if given[0] else 1)


_PRODUCTS: dict[str, Callable[[Call, Sequence[Shape], int], int]] = {
    "Conv": _conv,
    "ConvTranspose": _transposed,
    "MatMul": _product,
    "Gemm": _product,
    "Einsum": _summed,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
    "Resize": _resized,
    "Upsample": _resized,
    "GridSample": _sampled,
    "LRN": _normalised,
    "Det": _eliminated,
    **dict.fromkeys(_POOLS, _pooled),
}
