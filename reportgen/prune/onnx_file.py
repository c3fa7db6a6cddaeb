"""The smaller network as an ONNX file with the same inputs and outputs as the original file.

Keras exports channels last, with names and element types of its own; serving code relies on the original
names, so they are restored, with the order of axes and the type of the picture.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.errors import ReportgenError
from reportgen.keras_types import Tensor
from reportgen.models.framework import functional, keras_module
from reportgen.prune.decision import Floats
from reportgen.prune.rebuild import Rebuilt, alone

if TYPE_CHECKING:
    from reportgen.models.model import OnnxSignature

_LAST_TO_FIRST = (0, 3, 1, 2)


def export_onnx(made: Rebuilt, path: Path, called: str, signature: OnnxSignature | None) -> None:
    """Write a network as ONNX.

    Args:
        made: The network.
        path: The file to write.
        called: Name of the file, for messages.
        signature: Its inputs and outputs; None for those that Keras exports.

    Raises:
        ReportgenError: It cannot be exported; in one line.
        OSError: The file cannot be written.
    """
    try:
        network = made.network if signature is None else _as_signed(made, signature)
        # Keras exports only what was called once.
        network(
            alone([np.zeros((1, *(side or 1 for side in t.shape[1:])), str(t.dtype)) for t in network.inputs])
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # tf2onnx uses deprecated names of numpy
            network.export(path, format="onnx", verbose=False)
        if signature is not None:
            _rename(path, made, signature)
    except OSError:
        raise
    except Exception as error:  # The exporter has no exception of its own.
        message = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ReportgenError(f'"{called}" cannot be exported: {message}', hint="--out with .keras") from None


def _as_signed(made: Rebuilt, signature: OnnxSignature) -> Any:
    """Return the network with its picture's element type, and axes in the order of the file."""
    keras = keras_module()
    inputs, given = [], []
    for tensor, held in zip(made.network.inputs, made.held, strict=True):
        is_picture = held is None
        sides = tuple(tensor.shape[1:])
        if is_picture and signature.channels_first:
            sides = (sides[2], *sides[:2])
        dtype = signature.picture_dtype if is_picture else tensor.dtype
        own = keras.Input(sides, dtype=dtype, name=tensor.name)
        inputs.append(own)
        shown = keras.ops.cast(own, tensor.dtype) if str(own.dtype) != str(tensor.dtype) else own
        given.append(
            keras.layers.Permute((2, 3, 1))(shown) if is_picture and signature.channels_first else shown
        )
    found = made.network(alone(given))
    outputs = list(found) if isinstance(found, (list, tuple)) else [found]
    given_out = zip(outputs, signature.output_axes, signature.output_dtypes, strict=True)
    return functional(alone(inputs), alone([_as_given(t, axes, dtype) for t, axes, dtype in given_out]))


def _as_given(tensor: Tensor, axes: tuple[int, ...], dtype: str) -> Tensor:
    """Return an output with its axes in the order of the file, and in its element type."""
    ops = keras_module().ops
    if axes != tuple(range(len(axes))):
        tensor = ops.transpose(tensor, _to_file(axes))
    return tensor if str(tensor.dtype) == dtype else ops.cast(tensor, dtype)


def _to_file(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return which of the held axes each axis of the file is."""
    return tuple(axes.index(axis) for axis in range(len(axes)))


def _rename(path: Path, made: Rebuilt, signature: OnnxSignature) -> None:
    """Give inputs and outputs the names of the file that the network came from."""
    import onnx

    proto = onnx.load(str(path))
    graph = proto.graph
    place = made.held.index(None)
    wanted = {graph.input[place].name: signature.picture}
    wanted |= {given.name: name for given, name in zip(graph.output, signature.outputs, strict=True)}
    wanted = {old: new for old, new in wanted.items() if old != new}
    own = set(_names(graph))
    aside = {new: f"{new}/inner" for new in wanted.values() if new in own and new not in wanted}
    _renamed(graph, wanted | aside)
    ends = zip(graph.output, signature.output_axes, strict=True)
    for value, axis in ((graph.input[place], 0), *((end, _to_file(axes).index(0)) for end, axes in ends)):
        pictures = value.type.tensor_type.shape.dim[axis]
        if pictures.dim_param:
            pictures.dim_param = "N"  # Instead of the exporter's generated name.
    onnx.save(proto, str(path))


def _names(graph: Any) -> Iterator[str]:
    """Yield the names of all values of a graph and of the graphs inside it."""
    yield from (x.name for x in (*graph.input, *graph.initializer))
    for node in graph.node:
        yield from node.output
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _names(inner)


def _renamed(graph: Any, names: Mapping[str, str]) -> None:
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                _renamed(inner, names)


def onnx_session(path: Path) -> Any:
    """Return an onnxruntime session of a file, without telemetry."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def onnx_predictor(
    made: Rebuilt, path: Path, signature: OnnxSignature | None
) -> Callable[[Floats], list[Floats]]:
    """Return a function that runs an ONNX file, with outputs in the axes of the network it was made from.

    Args:
        made: A network with the file's inputs.
        path: The file.
        signature: As for `export_onnx`.
    """
    session = onnx_session(path)
    names = [i.name for i in session.get_inputs()]

    def predict(pictures: Floats) -> list[Floats]:
        arrays = made.with_held(pictures)
        if signature is not None:
            arrays = [_as_taken(a, signature) if h is None else a
                      for a, h in zip(arrays, made.held, strict=True)]  # fmt: skip
        given = dict(zip(names, arrays, strict=True))
        if signature is None:
            return list(session.run(None, given))
        found = session.run(list(signature.outputs), given)
        turned = [np.transpose(f, axes) for f, axes in zip(found, signature.output_axes, strict=True)]
        return [f.astype(np.float32) if f.dtype.kind == "f" else f for f in turned]

    return predict


def onnx_batch(path: Path, batch: int) -> int | None:
    """Return how many pictures an ONNX file takes at once; None if it has other inputs than pictures.

    Args:
        path: The file.
        batch: How many are wanted.
    """
    inputs = onnx_session(path).get_inputs()
    if len(inputs) != 1:
        return None
    fixed = inputs[0].shape[0]
    return fixed if isinstance(fixed, int) else batch


def _as_taken(pictures: Floats, signature: OnnxSignature) -> Any:
    dtype = np.dtype(signature.picture_dtype)
    shown = np.rint(pictures) if dtype.kind in "iu" else pictures
    return (shown.transpose(_LAST_TO_FIRST) if signature.channels_first else shown).astype(dtype)
