"""What a Keras model computes at each of its layers, recorded while that Keras itself runs it.

Works with Keras 2 (`tf.keras`) and 3: calls of the layers' classes are listened to, nothing is rebuilt.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests.models.zoo.family import Family
from tests.models.zoo.truth import kept, picture, weight

_UNITS = {
    "Conv2D": "convolution", "DepthwiseConv2D": "convolution", "SeparableConv2D": "separable",
    "Conv2DTranspose": "transposed", "Dense": "dense",
}  # fmt: skip
_OTHERS = (
    "TimeDistributed",
    "Conv1D",
    "Conv3D",
    "LSTM",
    "GRU",
    "Embedding",
    "MultiHeadAttention",
    "EinsumDense",
)


def fill(model: Any) -> None:
    """Give every weight its value by formula; what `Normalization` and seeds hold stays."""
    index = 0
    layers = {id(layer): layer for layer in model._flatten_layers(include_self=False)}
    done: set[int] = set()
    for layer in sorted(layers.values(), key=lambda one: len(list(one._flatten_layers()))):
        for variable in layer.weights:
            name = getattr(variable, "path", variable.name).split(":")[0]
            if id(variable) in done or "seed" in name or type(layer).__name__ == "Normalization":
                continue
            done.add(id(variable))
            values = weight(name, tuple(variable.shape), index)
            variable.assign(values + 0.5 if "vector_u" in name or "sn_u" in name else values)
            index += 1


def truth(keras: Any, model: Any, family: Family) -> dict[str, Any]:
    """Return what a right reading of the model finds; see `judge` for how it is compared."""
    first = next((i for i in model.inputs if len(i.shape) == 4), None)
    if not family.picture or first is None:
        return {"picture": False}
    size = tuple(32 if side is None else int(side) for side in first.shape[1:])
    n = first.shape[0] or 1
    seen, outputs = _run(keras, model, first, size, n, family, 0.0)
    other, _ = _run(keras, model, first, size, n, family, 0.7)
    layers, skipped = [], []
    for record, second in zip(seen, other, strict=True):
        if record["kind"] == "other" or record["values"].ndim not in (2, 4) or record["values"].shape[0] != n:
            skipped.append(record["path"])
        elif np.array_equal(record["values"], second["values"]):
            continue  # it does not see the picture
        else:
            said = {"path": record["path"], "kind": record["kind"], **kept(record["values"][0])}
            if record["normal"] is not None:
                said["normal"] = kept(record["normal"][0])
            layers.append(said)
    return {
        "picture": True,
        "size": list(size),
        "layers": layers,
        "skipped": skipped,
        "outputs": [kept(o[0]) for o in outputs],
    }


def _run(
    keras: Any, model: Any, first: Any, size: Any, n: int, family: Family, shift: float
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    shown = np.repeat(picture(size, family.low, family.high, shift)[None], n, 0)
    given = [shown if i is first else np.zeros((n, *i.shape[1:]), np.float32) for i in model.inputs]
    with _listening(keras) as records:
        out = model(given if len(given) > 1 else given[0], **_flag(model))
    if isinstance(out, dict):  # in the order of the model's own list of outputs
        tree = getattr(keras, "tree", None) or importlib.import_module("tensorflow").nest
        out = tree.flatten(out)
    return records, [np.asarray(o) for o in (out if isinstance(out, (list, tuple)) else [out])]


def _flag(model: Any) -> dict[str, bool]:
    """Return training off, but nothing where Keras 3 would set aside a flag that the file records.

    Keras 2 lets the recorded flag win; what a file records is what is honoured.
    """
    nodes = [node for layer in model.layers for node in layer._inbound_nodes]
    recorded = [getattr(getattr(node, "arguments", None), "kwargs", {}).get("training") for node in nodes]
    return {} if True in recorded else {"training": False}


@contextmanager
def _listening(keras: Any) -> Iterator[list[dict[str, Any]]]:
    """Record each call of a layer with weights while the block runs."""
    records: list[dict[str, Any]] = []
    stack: list[Any] = []
    undo: list[tuple[Any, str, Any, bool]] = []

    def put(cls: Any, name: str, function: Any) -> None:
        undo.append((cls, name, cls.__dict__.get(name), name in cls.__dict__))
        setattr(cls, name, function)

    base = keras.layers.Layer
    whole = base.__call__

    def entered(self: Any, *args: Any, **kwargs: Any) -> Any:
        stack.append(self)
        try:
            return whole(self, *args, **kwargs)
        finally:
            stack.pop()

    put(base, "__call__", entered)
    for name, kind in _UNITS.items():
        put(
            getattr(keras.layers, name), "call", _unit(getattr(keras.layers, name).call, kind, records, stack)
        )
    for name in _OTHERS:
        if hasattr(keras.layers, name):
            put(getattr(keras.layers, name), "call", _other(getattr(keras.layers, name).call, records, stack))
    norm = keras.layers.BatchNormalization
    put(norm, "call", _norm(norm.call, records))
    try:
        yield records
    finally:
        for cls, name, old, own in reversed(undo):
            setattr(cls, name, old) if own else delattr(cls, name)


def _path(stack: list[Any]) -> list[str]:
    return [layer.name for layer in stack[1:]] or [stack[0].name]


def _within_other(layer: Any, stack: list[Any]) -> bool:
    return any(type(outer).__name__ in _OTHERS for outer in stack if outer is not layer)


def _unit(call: Any, kind: str, records: list[Any], stack: list[Any]) -> Any:
    def listened(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _within_other(self, stack):
            return call(self, *args, **kwargs)
        activation = self.activation
        self.activation = None
        try:
            linear = call(self, *args, **kwargs)
        finally:
            self.activation = activation
        records.append({"path": _path(stack), "kind": kind, "values": np.asarray(linear), "normal": None})
        return linear if activation is None else activation(linear)

    return listened


def _other(call: Any, records: list[Any], stack: list[Any]) -> Any:
    def listened(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _within_other(self, stack):
            records.append({"path": _path(stack), "kind": "other", "values": np.zeros(0), "normal": None})
        return call(self, *args, **kwargs)

    return listened


def _norm(call: Any, records: list[Any]) -> Any:
    def listened(self: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        out = call(self, inputs, *args, **kwargs)
        given = np.asarray(inputs)
        for record in reversed(records):
            if record["values"].shape == given.shape and np.array_equal(record["values"], given):
                record["normal"] = np.asarray(out)
                break
        return out

    return listened
