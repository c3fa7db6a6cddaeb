"""Constants with a row for each picture of a file's fixed batch, generalised to any batch size.

A fixed batch appears not only in the picture's shape: constants, and values that follow from held inputs,
have a row for each of its pictures. Where such rows are broadcast with a value that depends on the batch and
all are equal, one row applies to every picture; where they differ, the file works for its own batch only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from reportgen.errors import ModelError
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.operators.shape import expanded, reshaped
from reportgen.models.onnx.values import BATCH, Array, Value, carries_batch, constant

_BROADCASTING = frozenset(
    {"Add", "Sub", "Mul", "Div", "Mod", "Pow", "Max", "Min", "Sum", "Mean", "Where", "PRelu", "BitShift",
     "And", "Or", "Xor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
     "BitwiseAnd", "BitwiseOr", "BitwiseXor"}
)  # fmt: skip
_FIRST_AXIS = frozenset({"GridSample", "Attention"})
_ROUNDING = 1e-5
"""Largest difference of rows that count as equal, as a share of the largest number among them."""


def open_batch_rows(call: Call) -> None:
    """Replace constants with one row for each picture of the file's batch by one row for every picture.

    Raises:
        ModelError: The rows differ; the node is named.
    """
    if call.builder.fixed_batch is None:
        return
    for index, sides in list(_meetings(call)):
        value = call.value(index)
        for axis, met in enumerate(sides):
            written = met // BATCH * call.builder.given_batch
            if carries_batch(met) and value.array is not None and value.shape[axis] == written != 1:
                value = _for_any_number(call, value.array, axis)
        call.inputs[index] = value


def _meetings(call: Call) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the constants of a node, each with the sides its axes broadcast with, 0 for none."""
    kind = call.node.op_type
    shapes = {i: v.shape for i, v in enumerate(call.inputs) if v is not None}
    steady = [i for i in shapes if call.value(i).array is not None]
    if kind == "Expand" and steady == [0, 1]:
        yield 0, _met(shapes[0], [call.ints(1)])
    elif kind in _BROADCASTING:
        yield from ((i, _met(shapes[i], shapes.values())) for i in steady)
    elif kind == "Concat":
        at = int(call.attr("axis", 0)) % len(shapes[0])
        for i in steady:
            met = _met(shapes[i], shapes.values())
            yield i, (*met[:at], 0, *met[at + 1 :])
    elif kind == "MatMul":
        for i in steady:
            leading = _met(shapes[i][:-2], [shape[:-2] for shape in shapes.values()])
            yield i, (*leading, 0, 0)[: len(shapes[i])]
    elif kind == "Gemm" and 2 in steady and len(shapes[2]) == 2:
        yield 2, (shapes[0][1 if call.attr("transA", 0) else 0], 0)
    elif kind in _FIRST_AXIS:
        yield from ((i, (max(shape[0] for shape in shapes.values()),)) for i in steady if shapes[i])


def _met(own: Sequence[int], others: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """Return for each axis the aligned side that depends on the batch size, else 0."""
    met = [0] * len(own)
    for shape in others:
        for back in range(1, min(len(own), len(shape)) + 1):
            if carries_batch(int(shape[-back])):
                met[-back] = int(shape[-back])
    return tuple(met)


def _for_any_number(call: Call, array: Array, axis: int) -> Value:
    """Return a constant that is the same for all pictures of the file's batch, for any batch size."""
    batch, before, after = call.builder.given_batch, array.shape[:axis], array.shape[axis + 1 :]
    each = array.shape[axis] // batch
    parted = array.reshape(*before, batch, each, *after)
    row = parted.take([0], axis=axis)
    if not _nearly_equal(parted, row):
        call.refuse(f"has different values for each picture: {fixed_batch_reason(batch)}", batch_hint(batch))
    if each == 1:
        return constant(row.reshape(*before, 1, *after))
    whole = expanded(call, constant(row), (*before, BATCH, each, *after))
    return reshaped(call, whole, (*before, BATCH * each, *after))


def _nearly_equal(rows: Array, row: Array) -> bool:
    if not np.issubdtype(rows.dtype, np.floating):
        return bool(np.all(rows == row))
    largest = float(np.max(np.abs(row), initial=0.0))
    return bool(np.all(np.abs(rows - row) <= _ROUNDING * largest))


def fixed_batch_reason(batch: int) -> str:
    """Return the reason why a fixed batch cannot be opened."""
    return f"a batch of {batch} is written into the file"


def batch_hint(batch: int) -> str:
    """Return the hint for a fixed batch that cannot be opened."""
    return "export with a dynamic batch" + (" or a batch of 1" if batch > 1 else "")


def without_batch_prime(error: ModelError, where: str, batch: int | None) -> ModelError:
    """Return an error without the prime used as batch size.

    Args:
        error: Raised while the graph was built.
        where: The file, and the node if known.
        batch: The file's batch size, if it is fixed, which is then the cause of the error.
    """
    message, hint = _without_prime(error.message), _without_prime(error.hint)
    if (message, hint) == (error.message, error.hint):
        return error
    if batch is None:
        return ModelError(message, hint=hint)
    return ModelError(
        f"{where} does not work at other batch sizes: {fixed_batch_reason(batch)}", hint=batch_hint(batch)
    )


def _without_prime(text: str) -> str:
    """Return a text with `n` for the batch size."""
    return re.sub(r"(?<![\w.])\d{5,}(?!\w)", lambda found: _counted(int(found.group())), text)


def _counted(number: int) -> str:
    if not carries_batch(number):
        return str(number)
    each = number // BATCH
    return "n" if each == 1 else f"{each}n"
