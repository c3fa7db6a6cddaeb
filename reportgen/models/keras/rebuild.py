"""A Keras network rebuilt from its recorded calls: channels last, with one input, nested models inlined.

Each tensor of the new network holds the values of an old one in some order of axes. Layers that work
channels first are replaced by the same layer channels last; an operation not known to allow another order
gets the old one back through a `Permute`, so that all results are exactly the old ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from reportgen.errors import ModelError
from reportgen.keras_types import Network, Operation, Tensor
from reportgen.models.framework import functional, keras_module
from reportgen.models.graph.flatten import recorded_calls
from reportgen.models.graph.kinds import IDENTITIES, MERGES, activation_of, kind_of
from reportgen.models.keras.calls import is_model, own_name, recorded_training, unwrapped, with_training
from reportgen.models.keras.picture_axes import turn_of

Order = tuple[int, ...]
"""Which axis of the old tensor each axis of the new one is; the batch is axis 0."""

_Ordered = tuple[Tensor, Order]
LAST: Order = (0, 2, 3, 1)
_POINTWISE = IDENTITIES | {"cast"}
_BY_AXIS = {"batch_normalization", "layer_normalization", "concatenate", "unit_normalization"}
_BY_NUMBERS = {"add", "subtract", "multiply", "true_divide", "divide", "maximum", "minimum", "power"}


def works_channels_first(model: Network) -> bool:
    """Whether any layer of a model, or of a model inside it, takes channels first."""
    for operation in getattr(model, "operations", None) or getattr(model, "layers", None) or ():
        inner = unwrapped(operation)
        if getattr(inner, "data_format", None) == "channels_first" and kind_of(inner) != "flatten":
            return True
        if works_channels_first(inner):
            return True
    return False


def rebuilt(
    model: Network,
    *,
    picture: int = 0,
    held: Mapping[int, Callable[[Tensor], Tensor]] | None = None,
    front: Callable[[Tensor], Tensor] | None = None,
    first: bool = False,
    file_name: str = "the model",
) -> tuple[Network, dict[str, str]]:
    """Return the network from its picture alone, and the true name of each of its operations.

    Args:
        model: Built, functional or sequential.
        picture: Which of its inputs the picture is.
        held: For every other input a function that gives its value, from the new picture.
        front: Preprocessing to apply to the picture first.
        first: Whether the picture has its channels before height and width.
        file_name: For messages.

    Raises:
        ModelError: An operation cannot be rebuilt.
    """
    keras = keras_module()
    old = model.inputs[picture]
    order = LAST if first else tuple(range(len(old.shape)))
    shape = [old.shape[axis] for axis in order]
    entry = keras.Input(batch_shape=(None, *shape[1:]), dtype="float32", name="picture")
    tracing = _Tracing(file_name, old.shape[0])
    prepared = front(entry) if front is not None else entry
    given = [
        (prepared, order) if i == picture else (function(entry), _held_order(function, t, order))
        for i, t in enumerate(model.inputs)
        for function in [(held or {}).get(i, _zero)]
    ]
    outputs = [
        pair[0] if pair[1] == LAST else tracing.restored(*pair) for pair in tracing.walk(model, given, "")
    ]
    names = {entry.name: old.name, **tracing.names}
    names |= {f.name: model.inputs[i].name for i, f in (held or {}).items() if hasattr(f, "name")}
    return functional(entry, outputs, name="network"), names


def _held_order(function: object, tensor: Tensor, order: Order) -> Order:
    """Return the axis order of a held input: the picture's, where it follows the picture's size."""
    follows = None in getattr(function, "shape", ())
    return order if follows else tuple(range(len(tensor.shape)))


def _zero(picture: Tensor) -> Tensor:
    raise ModelError("an input of the model is not given")


class _Call:
    """A recorded call: the layer to run, its arguments, and its training flag."""

    def __init__(self, record: Network, training: bool | None) -> None:
        self.operation, self.training = unwrapped(record.operation), training
        self.name = own_name(record.operation)
        self.arguments, self.outputs = record.arguments, record.outputs
        self.input_tensors = record.input_tensors


class _Tracing:
    """The layers rebuilt so far, and their true names."""

    def __init__(self, file_name: str, batch: int | None) -> None:
        self.names: dict[str, str] = {}
        self._batch = batch
        self._file_name = file_name
        self._made: dict[tuple[int, Order], object] = {}
        self._named: set[int] = set()

    def walk(
        self, model: Network, given: Sequence[_Ordered], prefix: str, training: bool | None = None
    ) -> list[_Ordered]:
        """Return a model's outputs, given new tensors as its inputs and a training flag."""
        known = {id(t): pair for t, pair in zip(model.inputs, given, strict=True)}
        for call in recorded_calls(model.inputs, model.outputs):
            inputs = [known[id(t)] for t in call.input_tensors]
            flag = recorded_training(call, training)
            if is_model(call.operation):
                found = self.walk(call.operation, inputs, f"{prefix}{call.operation.name}/", flag)
            else:
                found = self._step(_Call(call, flag), inputs, prefix)
            known.update({id(t): pair for t, pair in zip(call.outputs, found, strict=True)})
        return [known[id(t)] for t in model.outputs]

    def restored(self, tensor: Tensor, order: Order, wanted: Order | None = None) -> Tensor:
        """Return a tensor with its axes in the old order, or in another wanted order."""
        wanted = wanted if wanted is not None else tuple(range(len(order)))
        if order == wanted:
            return tensor
        axes = [order.index(axis) for axis in wanted]
        layer = keras_module().layers.Permute(axes[1:], dtype=tensor.dtype)
        self.names[layer.name] = "order"
        return layer(tensor)

    def _step(self, call: _Call, inputs: list[_Ordered], prefix: str) -> list[_Ordered]:
        operation, kind = call.operation, kind_of(call.operation)
        turn = turn_of(operation, len(inputs[0][1])) if inputs else None
        if turn is not None and turn[0] == 0:
            tensor, order = inputs[0]
            return [(tensor, tuple(turn.index(axis) for axis in order))]
        first = getattr(operation, "data_format", None) == "channels_first"
        orders = {order for _, order in inputs}
        if first and all(len(order) == 4 for order in orders):
            return self._channels_first(call, inputs, prefix)
        common = next(iter(orders)) if len(orders) == 1 else None
        if common is not None and len(common) == 4 and common[0] == 0 and common != (0, 1, 2, 3):
            if kind in _BY_AXIS or _reach(operation) == "place" or _is_along_an_axis(operation):
                made = self._moved(operation, common)
                return self._called(call, made, [t for t, _ in inputs], common, prefix)
            if _is_pointwise(call) and all(len(t.shape) == 4 for t in call.outputs):
                return self._called(call, operation, [t for t, _ in inputs], common, prefix)
        plain = [self.restored(*pair) for pair in inputs]
        return self._called(call, operation, plain, None, prefix)

    def _channels_first(self, call: _Call, inputs: list[_Ordered], prefix: str) -> list[_Ordered]:
        """Return the call of a channels-first layer, computed channels last."""
        tensors = [self.restored(*pair, wanted=LAST) for pair in inputs]
        made = self._remade(call.operation, LAST, {"data_format": "channels_last"})
        return self._called(call, made, tensors, LAST, prefix)

    def _moved(self, operation: Operation, order: Order) -> Operation:
        """Return a layer with its axis settings adapted to another order."""
        if _reach(operation) == "place":
            shared = [order.index(axis) for axis in operation.shared_axes or ()]
            return self._remade(operation, order, {"shared_axes": sorted(shared) or None})
        axes = [order.index(axis % 4) for axis in _axes(operation)]
        single = isinstance(operation.axis, int)
        return self._remade(operation, order, {"axis": axes[0] if single else axes})

    def _remade(self, operation: Operation, order: Order, changes: Mapping[str, object]) -> Operation:
        """Return a new layer with the same weights and a changed configuration."""
        key = (id(operation), order)
        if key not in self._made:
            config = {**operation.get_config(), **changes}
            made = type(operation).from_config(config)
            if getattr(operation, "weights", None):
                shape = operation.get_build_config()["input_shape"]
                made.build(tuple(shape[axis] for axis in order))
                for new, old in zip(made.weights, operation.weights, strict=True):
                    numbers = np.asarray(keras_module().ops.convert_to_numpy(old))
                    new.assign(_reordered(numbers, operation, order))
            self._made[key] = made
        return self._made[key]

    def _called(
        self, call: _Call, operation: Operation, tensors: Sequence[Tensor], order: Order | None, prefix: str
    ) -> list[_Ordered]:
        true_name = prefix + call.name
        self._name(operation, true_name)
        try:
            found = _result(call, self._for_any_batch(call, operation), tensors)
        except ModelError:
            raise
        except Exception as error:  # an operation may raise any error
            cause = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise ModelError(
                f'{self._file_name}: layer "{true_name}" ({kind_of(call.operation)}) '
                f"cannot be rebuilt: {cause}"
            ) from None
        self._refuse_batch(call, found, true_name)
        plain = [tuple(range(len(t.shape))) for t in found]
        return [
            (t, order if order and len(order) == len(p) else p) for t, p in zip(found, plain, strict=True)
        ]

    def _for_any_batch(self, call: _Call, operation: Operation) -> Operation:
        """Return a reshape to a fixed batch as one for any batch size; other operations unchanged."""
        if (
            self._batch is None
            or kind_of(operation) != "reshape"
            or isinstance(operation, keras_module().Layer)
        ):
            return operation
        rows, *sides = call.outputs[0].shape
        if rows is None or rows % self._batch or None in sides:
            return operation
        made = type(operation)((-1, *sides))
        made.name = operation.name
        return made

    def _refuse_batch(self, call: _Call, found: Sequence[Tensor], true_name: str) -> None:
        """Refuse a result that still depends on the fixed batch size."""
        if self._batch is None or all(None in t.shape for t in found):
            return
        raise ModelError(
            f'{self._file_name}: is built for a batch of {self._batch}, and layer "{true_name}" '
            f"({kind_of(call.operation)}) works for that batch size only, wanted any",
            hint="rebuild the network with an open batch, keras.Input(shape), and copy the weights",
        )

    def _name(self, operation: Operation, true_name: str) -> None:
        """Give an operation a unique name in the new network, and record its true name."""
        if id(operation) in self._named:
            return
        self._named.add(id(operation))
        operation.name = f"at{len(self._named)}"
        self.names[operation.name] = true_name


def _reordered(array: Tensor, operation: Operation, order: Order) -> Tensor:
    """Return a weight for the new order: only weights with one value for each place are transposed."""
    if _reach(operation) == "place" and array.ndim == 3:
        return array.transpose([axis - 1 for axis in order[1:]])
    if kind_of(operation) == "layer_normalization" and array.ndim > 1:
        raise ModelError(f'layer "{operation.name}" normalises over several axes, wanted one')
    return array


def _reach(operation: Operation) -> str:
    """Return the reach of an activation that is a separate operation; empty for others."""
    row = activation_of(operation)
    return "" if row is None or kind_of(operation) == "activation" else row.reach


def _is_along_an_axis(operation: Operation) -> bool:
    return _reach(operation) == "channels" and hasattr(operation, "axis")


def _axes(operation: Operation) -> list[int]:
    axis = operation.axis
    return [int(a) for a in axis] if isinstance(axis, (list, tuple)) else [int(axis)]


def _is_pointwise(call: _Call) -> bool:
    """Whether a call is elementwise, independent of the position."""
    operation, kind = call.operation, kind_of(call.operation)
    keras = keras_module()
    if kind in MERGES and isinstance(operation, keras.Layer):
        return kind != "concatenate"
    if kind in _BY_NUMBERS:
        given = keras.tree.flatten((call.arguments.args, call.arguments.kwargs))
        return all(isinstance(a, (keras.KerasTensor, int, float)) or a is None for a in given)
    if kind == "rescaling":
        return np.ndim(operation.scale) == 0 and np.ndim(operation.offset) == 0
    row = activation_of(operation)
    if row is not None:
        return row.reach == "number"
    return kind in _POINTWISE and not kind.startswith("spatial")


def _result(call: _Call, operation: Operation, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return an operation's outputs for a recorded call's arguments with other tensors."""
    filled = {id(old): new for old, new in zip(call.input_tensors, tensors, strict=True)}
    args, kwargs = call.arguments.fill_in(filled)
    kwargs = with_training(operation, kwargs, call.training)
    return list(keras_module().tree.flatten(operation(*args, **kwargs)))
