"""Whether a Keras network answers for each picture alone, whatever pictures lie beside it in a batch.

Only where some operation may work along the axis of pictures is anything run: three pictures together and
each by itself, node after node. An ONNX file is not asked: its reader follows that axis.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ModelError
from reportgen.keras_types import Tensor
from reportgen.models.framework import keras_module
from reportgen.models.graph.kinds import IDENTITIES, MERGES, UNIT_KINDS, WorkedOut
from reportgen.models.model import Model, Node
from reportgen.models.parity import ROUNDING, difference, in_range, probe_inputs

_NUMBER_BY_NUMBER = IDENTITIES | MERGES | frozenset(
    {"true_divide", "divide", "power", "square", "sqrt", "rsqrt", "absolute", "abs", "negative", "clip",
     "cast", "minimum", "maximum", "where", "log", "log1p", "exp", "reciprocal", "resized"}
)  # fmt: skip
_ALONG_AXES = frozenset(
    {"mean", "sum", "max", "min", "prod", "var", "std", "amax", "amin", "expand_dims", "squeeze", "softmax"}
)
"""Operations that leave the pictures alone unless an axis of theirs is the first one."""

_OF_WEIGHTS = ("_initializer", "_regularizer", "_constraint")
"""Ends of the names of settings that see weights, no pictures."""

_TOGETHER = 3
_HINT = "build the network anew without that step, and copy the weights"

Values = list[tuple[Tensor, ...]]
"""What a node gives for the pictures together, then for each of them."""


def refuse_mixed_pictures(model: Model) -> None:
    """Refuse a network in which what a picture gives depends on the others of its batch.

    Raises:
        ModelError: Naming the first operation that brings pictures together, or works for one number of them.
    """
    doubtful = {index for index, node in enumerate(model.nodes) if may_mix_pictures(model.nodes, node)}
    if not doubtful:
        return
    ends = {index for index, _ in model.outputs}
    last_use = {source: i for i, node in enumerate(model.nodes) for source, _ in node.inputs}
    known: dict[int, Values] = {0: _pictures(model)}
    first: int | None = None
    for index, node in enumerate(model.nodes[1:], 1):
        if first is None and index > max(doubtful):
            return
        given = [[known[i][at][output] for i, output in node.inputs] for at in range(_TOGETHER + 1)]
        known[index] = _outputs(model, node, given, doubtful=index in doubtful)
        if not known[index]:
            return
        if first is None and not _each_alone(known[index]) and not _by_chance(node, given[0]):
            first = index
        judged = index in ends or node.kind in UNIT_KINDS
        if first is not None and judged and _is_mixed(known[index], is_output=index in ends):
            culprit = model.nodes[first]
            raise ModelError(
                f'{model.file_name}: layer "{culprit.name}" ({culprit.kind}) brings together the pictures '
                "of a batch, wanted each for itself",
                hint=_HINT,
            )
        for source in {i for i, _ in node.inputs if last_use[i] == index}:
            del known[source]


def may_mix_pictures(nodes: Sequence[Node], node: Node) -> bool:
    """Return whether an operation may work along the axis of pictures, as far as its settings tell.

    Keras's layers leave that axis alone unless it is given to them as one to work along.
    """
    operation = node.operation
    if operation is None or not node.of_picture:
        return False
    shapes = [nodes[index].output_shapes[output] for index, output in node.inputs]
    rank = len(shapes[0]) if shapes else 0
    own = type(operation).__module__.startswith("keras.")
    if isinstance(operation, keras_module().Layer):
        return not own or node.kind == "lambda" or _names_first_axis(operation.get_config(), rank)
    if node.constants and all(isinstance(c, WorkedOut) for c in node.constants):
        return False
    if node.kind not in _NUMBER_BY_NUMBER | _ALONG_AXES and not node.function:
        return True
    rows = [np.shape(c) for c in node.constants if isinstance(c, np.ndarray)]
    meets_rows = any(len(shape) >= rank and shape[0] != 1 for shape in rows if shape)
    return meets_rows or len({len(s) for s in shapes}) > 1 or _names_first_axis(vars(operation), rank)


def _names_first_axis(settings: Mapping[str, Any], rank: int) -> bool:
    return any(
        name == "equation" or any(axis in (None, 0, -rank) for axis in axes)
        for name, axes in _axes_of(settings)
    )


def _axes_of(settings: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the settings that name axes, those of inner objects too, each with the axes it names."""
    for name, value in settings.items():
        if str(name).endswith(_OF_WEIGHTS):
            continue
        if isinstance(value, Mapping):
            yield from _axes_of(value)
        elif name == "equation" or {"axis", "axes"} & set(str(name).split("_")):
            yield name, list(value) if isinstance(value, (list, tuple)) else [value]


def _pictures(model: Model) -> Values:
    """Return a photograph, noise and a dark photograph upside down: together, then each."""
    probes = probe_inputs(model.input_shape)
    pictures = in_range(model, np.concatenate([probes, probes[:1, ::-1] * np.float32(0.3)]))
    tensors = [pictures, *(pictures[i : i + 1] for i in range(_TOGETHER))]
    return [(keras_module().ops.convert_to_tensor(t),) for t in tensors]


def _outputs(model: Model, node: Node, given: Sequence[Sequence[Tensor]], *, doubtful: bool) -> Values:
    """Return what a node makes of the pictures together and of each; nothing where it cannot be run here."""
    try:
        with warnings.catch_warnings():  # such as of a softmax over a single picture
            warnings.simplefilter("ignore")
            return [node.call(tensors) for tensors in given]
    except Exception:  # an operation raises whatever it likes
        if not doubtful:
            return []
        raise ModelError(
            f'{model.file_name}: layer "{node.name}" ({node.kind}) works for one number of pictures alone, '
            "wanted any",
            hint=_HINT,
        ) from None


def _each_alone(values: Values) -> bool:
    """Whether the pictures together give what each gives alone, along whichever axis pictures lie."""
    for together, *alone in zip(*values, strict=True):
        whole, parts = _array(together), [_array(part) for part in alone]
        if not np.issubdtype(whole.dtype, np.floating):
            continue
        if not any(_same(whole, laid) for laid in _laid_out(whole.shape, parts)):
            return False
    return True


def _laid_out(shape: tuple[int, ...], parts: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield what values of single pictures would be together: one after the other, or in turn."""
    each = parts[0].shape
    if each == shape:
        yield from parts[1:] if all(_same(part, parts[0]) for part in parts) else ()
        return
    if len(each) != len(shape):
        return
    for axis in range(len(shape)):
        if shape == (*each[:axis], each[axis] * len(parts), *each[axis + 1 :]):
            yield np.concatenate(parts, axis)
            yield np.stack(parts, axis + 1).reshape(shape)


def _is_mixed(values: Values, *, is_output: bool) -> bool:
    """Whether units or outputs differ with the pictures beside; units with rows of parts do not count."""
    whole, one = tuple(values[0][0].shape), tuple(values[1][0].shape)
    plain = whole == one or (one[:1] == (1,) and whole == (_TOGETHER, *one[1:]))
    return (plain or is_output) and not _each_alone(values)


def _by_chance(node: Node, given: Sequence[Tensor]) -> bool:
    """Whether an operation does not answer the same twice: what differs is no matter of pictures."""
    pairs = zip(node.call(given), node.call(given), strict=True)
    return not all(np.array_equal(_array(a), _array(b), equal_nan=True) for a, b in pairs)


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    finite = np.isfinite(one)
    if not np.array_equal(finite, np.isfinite(other)):
        return False
    return difference("", [(one[finite], other[finite])]).max_rel <= ROUNDING


def _array(value: Tensor) -> NDArray[Any]:
    return np.asarray(keras_module().ops.convert_to_numpy(value))
