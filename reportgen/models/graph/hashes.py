"""A hash for each node of all it depends on: operations, configuration, connections, weights, never names.

A Merkle tree: a node's hash covers its own configuration and weights and the hashes of its inputs, so each
weight is read once, and a change affects later nodes only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from reportgen.errors import WeightsNotFinite
from reportgen.keras_types import ConfigValue, Operation
from reportgen.models.framework import keras_module
from reportgen.models.graph.kinds import IDENTITIES
from reportgen.models.model import Node
from reportgen.spec import canonical_json

_WITHOUT_EFFECT = frozenset(
    {
        "name", "trainable", "dtype", "seed", "build_config", "shared_object_id", "registered_name",
        "batch_shape", "batch_input_shape", "momentum", "lora_rank", "lora_alpha", "quantization_config",
    }
)  # fmt: skip
_ENDINGS = ("_initializer", "_regularizer", "_constraint")


def node_hashes(nodes: Sequence[Node], file_name: str = "the model") -> list[str]:
    """Return a hash of 32 hexadecimal digits for each node.

    Raises:
        WeightsNotFinite: A weight is not a finite number; the layer is named.
    """
    hashes: list[str] = []
    of_weights: dict[int, list[str]] = {}
    for node in nodes:
        if node.kind == "input":
            hashes.append(_digest({"input": int(node.output_shapes[0][-1] or 0)}))
            continue
        if id(node.operation) not in of_weights:
            of_weights[id(node.operation)] = _weight_hashes(node, file_name)
        if node.kind in IDENTITIES or node.function == "linear":
            hashes.append(hashes[node.inputs[0][0]])
            continue
        parts = {
            "kind": f"{type(node.operation).__module__.split('.')[0]}.{type(node.operation).__name__}",
            "config": _configuration(node.operation),
            "arguments": [node.pattern, *(_described(c) for c in node.constants)],
            "inputs": [[hashes[index], output] for index, output in node.inputs],
            "weights": of_weights[id(node.operation)],
        }
        hashes.append(_digest(parts))
    return hashes


def _digest(parts: Mapping[str, object]) -> str:
    return hashlib.blake2b(canonical_json(parts).encode(), digest_size=16).hexdigest()


def _configuration(operation: Operation) -> ConfigValue:
    try:
        config = operation.get_config()
    except (NotImplementedError, TypeError, ValueError):
        return "unknown"
    return _described(config)


def _described(value: object) -> ConfigValue:
    """Return a value of a configuration or call as JSON types, without settings that affect no result."""
    if isinstance(value, Mapping):
        kept = {
            str(k): v for k, v in value.items() if k not in _WITHOUT_EFFECT and not str(k).endswith(_ENDINGS)
        }
        return {k: _described(v) for k, v in kept.items()}
    if isinstance(value, (list, tuple)):
        return [_described(v) for v in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, slice)) or value is Ellipsis:
        return repr(value)
    if callable(value) and hasattr(value, "__name__"):
        return f"function {value.__name__}"
    if hasattr(value, "get_config"):
        return [type(value).__name__, _described(value.get_config())]
    if hasattr(value, "shape"):
        array = np.asarray(keras_module().ops.convert_to_numpy(value))
        return ["array", *array.shape, _array_hash(array)]
    return type(value).__name__


def _weight_hashes(node: Node, file_name: str) -> list[str]:
    found = []
    for variable in getattr(node.operation, "weights", None) or ():
        if "seed_generator" in str(getattr(variable, "path", "")):
            continue
        array = np.asarray(keras_module().ops.convert_to_numpy(variable))
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            count = int(array.size - np.isfinite(array).sum())
            raise WeightsNotFinite(
                f'{file_name}: layer "{node.name}" has {count} of {array.size} numbers in "{variable.name}" '
                "that are NaN or infinite, wanted finite weights",
                hint="the training has diverged; try an earlier checkpoint",
            )
        found.append(_array_hash(array))
    return found


def _array_hash(array: np.ndarray) -> str:
    digest = hashlib.blake2b(
        f"{array.dtype.kind}{array.dtype.itemsize}{array.shape}".encode(), digest_size=16
    )
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    digest.update(np.ascontiguousarray(little).tobytes())
    return digest.hexdigest()
