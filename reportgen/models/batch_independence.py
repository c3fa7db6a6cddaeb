"""Whether a Keras network treats each picture of a batch independently of the others.

Only if some operation may work along the batch axis is the network run, node by node: on three pictures
together, and on each alone. ONNX files are not checked here, since their importer follows that axis.
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
from reportgen.models.graph.kinds import IDENTITIES, MERGES, UNIT_KINDS, DerivedConstant
from reportgen.models.model import Model, Node
from reportgen.models.parity import ROUNDING, difference, in_range, probe_inputs

_NUMBER_BY_NUMBER = IDENTITIES | MERGES | frozenset(
    {"true_divide", "divide", "power", "square", "sqrt", "rsqrt", "absolute", "abs", "negative", "clip",
     "cast", "minimum", "maximum", "where", "log", "log1p", "exp", "reciprocal", "resized"}
)  # fmt: skip
_ALONG_AXES = frozenset(
    {"mean", "sum", "max", "min", "prod", "var", "std", "amax", "amin", "expand_dims", "squeeze", "softmax"}
)
"""Operations that do not mix pictures unless they work along the first axis."""

_OF_WEIGHTS = ("_initializer", "_regularizer", "_constraint")
"""Suffixes of settings that concern weights, not pictures."""

_TOGETHER = 3
_HINT = "rebuild the network without that step, and copy the weights"

Values = list[tuple[Tensor, ...]]
"""Outputs of a node for the pictures together, then for each of them."""


def refuse_batch_mixing(model: Model) -> None:
    """Refuse a network in which the result for a picture depends on the rest of its batch.

    Raises:
        ModelError: Naming the first operation that mixes pictures, or works for one batch size only.
    """
    doubtful = {index for index, node in enumerate(model.nodes) if may_mix_batch(model.nodes, node)}
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
        if first is None and not _is_independent(known[index]) and not _is_random(node, given[0]):
            first = index
        judged = index in ends or node.kind in UNIT_KINDS
        if first is not None and judged and _is_mixed(known[index], is_output=index in ends):
            culprit = model.nodes[first]
            raise ModelError(
                f'{model.file_name}: layer "{culprit.name}" ({culprit.kind}) mixes the pictures of a batch, '
                "wanted each processed independently",
                hint=_HINT,
            )
        for source in {i for i, _ in node.inputs if last_use[i] == index}:
            del known[source]


def may_mix_batch(nodes: Sequence[Node], node: Node) -> bool:
    """Return whether an operation may work along the batch axis, judging by its settings.

    Keras's layers leave that axis alone unless one of their settings names it.
    """
    operation = node.operation
    if operation is None or not node.depends_on_picture:
        return False
    shapes = [nodes[index].output_shapes[output] for index, output in node.inputs]
    rank = len(shapes[0]) if shapes else 0
    own = type(operation).__module__.startswith("keras.")
    if isinstance(operation, keras_module().Layer):
        return not own or node.kind == "lambda" or _names_first_axis(operation.get_config(), rank)
    if node.constants and all(isinstance(c, DerivedConstant) for c in node.constants):
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
    """Yield the settings that name axes, including those of nested objects, each with these axes."""
    for name, value in settings.items():
        if str(name).endswith(_OF_WEIGHTS):
            continue
        if isinstance(value, Mapping):
            yield from _axes_of(value)
        elif name == "equation" or {"axis", "axes"} & set(str(name).split("_")):
            yield name, list(value) if isinstance(value, (list, tuple)) else [value]


def _pictures(model: Model) -> Values:
    """Return a photograph, noise and a dark photograph upside down: as one batch, then each alone."""
    probes = probe_inputs(model.input_shape)
    pictures = in_range(model, np.concatenate([probes, probes[:1, ::-1] * np.float32(0.3)]))
    tensors = [pictures, *(pictures[i : i + 1] for i in range(_TOGETHER))]
    return [(keras_module().ops.convert_to_tensor(t),) for t in tensors]


def _outputs(model: Model, node: Node, given: Sequence[Sequence[Tensor]], *, doubtful: bool) -> Values:
    """Return a node's outputs for the pictures together and for each; empty where it cannot be run here."""
    try:
        with warnings.catch_warnings():  # for example of a softmax over a single picture
            warnings.simplefilter("ignore")
            return [node.call(tensors) for tensors in given]
    except Exception:  # an operation may raise any error
        if not doubtful:
            return []
        raise ModelError(
            f'{model.file_name}: layer "{node.name}" ({node.kind}) works for one batch size only, '
            "wanted any batch size",
            hint=_HINT,
        ) from None


def _is_independent(values: Values) -> bool:
    """Whether the pictures together give the same as each alone, along whichever axis pictures are."""
    for together, *alone in zip(*values, strict=True):
        whole, parts = _array(together), [_array(part) for part in alone]
        if not np.issubdtype(whole.dtype, np.floating):
            continue
        if not any(_same(whole, laid) for laid in _laid_out(whole.shape, parts)):
            return False
    return True


def _laid_out(shape: tuple[int, ...], parts: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield the possible layouts of single pictures' values in one batch: consecutive, or interleaved."""
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
    """Whether units or outputs depend on other pictures; units for parts of pictures do not count."""
    whole, one = tuple(values[0][0].shape), tuple(values[1][0].shape)
    plain = whole == one or (one[:1] == (1,) and whole == (_TOGETHER, *one[1:]))
    return (plain or is_output) and not _is_independent(values)


def _is_random(node: Node, given: Sequence[Tensor]) -> bool:
    """Whether an operation gives different results when called twice, whatever the pictures."""
    pairs = zip(node.call(given), node.call(given), strict=True)
    return not all(np.array_equal(_array(a), _array(b), equal_nan=True) for a, b in pairs)


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    finite = np.isfinite(one)
    if not np.array_equal(finite, np.isfinite(other)):
        return False
    return difference("", [(one[finite], other[finite])]).max_rel <= ROUNDING


def _array(value: Tensor) -> NDArray[Any]:
    return np.asarray(keras_module().ops.convert_to_numpy(value))
