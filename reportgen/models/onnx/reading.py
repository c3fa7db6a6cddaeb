"""From a file to a checked ONNX graph: sizes, tensors, external data, functions, opsets.

The file is treated as hostile: the size a tensor declares is compared with the bytes present before memory
is allocated, and no path may leave the model's folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.errors import MissingExtra, ModelError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

OLDEST_OPSET = 7
_MOST_NODES = 50_000
_NODE_BYTES = 200
_MOST_WRITTEN_BYTES = 256 << 20
_DEEPEST_CALL = 64
"""Limits on inlining functions; names grow with the depth of calls."""

_WIDENED = {"float16": np.float32, "float64": np.float32, "bfloat16": np.float32}
_PLAIN_TYPES = {
    1: ("float32", 4), 2: ("uint8", 1), 3: ("int8", 1), 4: ("uint16", 2), 5: ("int16", 2), 6: ("int32", 4),
    7: ("int64", 8), 9: ("bool", 1), 10: ("float16", 2), 11: ("float64", 8), 12: ("uint32", 4),
    13: ("uint64", 8), 16: ("bfloat16", 2),
}  # fmt: skip
"""From ONNX's number of an element type to numpy's name and the bytes of an element."""

_TYPED_FIELDS = {
    1: "float_data", 2: "int32_data", 3: "int32_data", 4: "int32_data", 5: "int32_data", 6: "int32_data",
    7: "int64_data", 9: "int32_data", 10: "int32_data", 11: "double_data", 12: "uint64_data",
    13: "uint64_data", 16: "int32_data",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A file that was read, and its limits.

    Attributes:
        file_name: Base name, for messages.
        folder: Of external data; None if there may be none.
        max_memory: Most bytes one tensor may take.
    """

    file_name: str
    folder: Path | None
    max_memory: int


def onnx_module() -> Any:
    """Return the imported `onnx` package.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise MissingExtra("onnx", needed_for="reading an ONNX model") from None
    return onnx


def read_file(path: Path, max_memory: int) -> tuple[Any, Source]:
    """Return a parsed model with its functions inlined, and its source.

    Raises:
        ModelError: The file is not an ONNX model, is damaged, or has an unknown opset.
    """
    onnx = onnx_module()
    source = Source(path.name, path.resolve().parent, max_memory)
    try:
        size = path.stat().st_size
        if size > max_memory:
            raise ModelError(f"{path.name}: has {size} bytes, wanted at most {max_memory}")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path.name}: cannot be read: {error.strerror or error}") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf's own exceptions differ by implementation
        raise _damaged(path.name, str(error)) from None
    if not model.opset_import or not model.graph.node:
        raise _damaged(path.name, "it holds no graph")
    return inlined(model, path.name), source


def _damaged(file_name: str, cause: str) -> ModelError:
    return ModelError(
        f"{file_name}: is not an ONNX model, or is damaged: {cause.strip().splitlines()[0][:120]}",
        hint="download or export the file again",
    )


def opset_of(model: ModelProto, file_name: str) -> int:
    """Return the version of the standard operators a model uses.

    Raises:
        ModelError: It is older than 7 or newer than the installed `onnx` package knows.
    """
    newest = int(onnx_module().defs.onnx_opset_version())
    version = next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if OLDEST_OPSET <= version <= newest:
        return version
    hint = "pip install --upgrade onnx" if version > newest else "export the model again with opset 17, say"
    raise ModelError(
        f"{file_name}: is written in opset {version or 'of an unknown domain'}, "
        f"wanted {OLDEST_OPSET} to {newest}",
        hint=hint,
    )


def inlined(model: ModelProto, file_name: str) -> Any:
    """Return the model with calls of its own functions replaced by their bodies.

    Raises:
        ModelError: The functions call themselves, or grow beyond the limits.
    """
    if not model.functions:
        return model
    import onnx.inliner

    _check_growth(model, file_name)
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # the inliner is C++ and raises errors of any class
        raise _damaged(file_name, f"its functions cannot be inlined: {error}") from None


def _check_growth(model: ModelProto, file_name: str) -> None:
    """Refuse functions that call themselves, or that inline to too many operations or bytes."""
    bodies = {(f.domain, f.name): list(_with_inner(f.node)) for f in model.functions}
    sizes: dict[tuple[str, str], tuple[int, int]] = {}

    def size(nodes: Sequence[NodeProto]) -> tuple[int, int]:
        found = [sizes.get((n.domain, n.op_type), (1, n.ByteSize() + _NODE_BYTES)) for n in nodes]
        total = (sum(n for n, _ in found), sum(b for _, b in found))
        if total[0] > _MOST_NODES or total[1] > _MOST_WRITTEN_BYTES:
            raise ModelError(
                f"{file_name}: its functions inline to more than {_MOST_NODES} operations "
                f"or {_MOST_WRITTEN_BYTES} bytes",
                hint="export without functions, or with fewer nested ones",
            )
        return total

    for key in _innermost_first(bodies, file_name):
        sizes[key] = size(bodies[key])
    size(list(_with_inner(model.graph.node)))


def _innermost_first(
    bodies: Mapping[tuple[str, str], Sequence[Any]], file_name: str
) -> Iterator[tuple[str, str]]:
    """Yield functions, each after those it calls."""
    done: set[tuple[str, str]] = set()
    above: list[tuple[tuple[str, str], Iterator[Any]]] = []
    for start in bodies:
        if start not in done:
            above.append((start, iter(bodies[start])))
        while above:
            key, rest = above[-1]
            open_ = {k for k, _ in above}
            for node in rest:
                called = (node.domain, node.op_type)
                if called in open_ or len(above) > _DEEPEST_CALL:
                    raise ModelError(f'{file_name}: function "{node.op_type}" calls itself')
                if called in bodies and called not in done:
                    above.append((called, iter(bodies[called])))
                    break
            else:
                above.pop()
                done.add(key)
                yield key


def _with_inner(nodes: Iterable[NodeProto]) -> Iterator[Any]:
    """Yield nodes, and those of their inner graphs at any depth."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting.extend(graph.node)


def array_of(tensor: TensorProto, source: Source) -> np.ndarray:
    """Return a tensor as an array, floating-point types as float32.

    Raises:
        ModelError: It declares more than is there, has an unsupported type, or is stored elsewhere.
    """
    name = f'{source.file_name}: tensor "{tensor.name}"'
    if tensor.data_type not in _PLAIN_TYPES:
        raise ModelError(
            f"{name} has element type {type_name(tensor.data_type)}, wanted floats, integers or booleans",
            hint="export the model without quantization, as float32",
        )
    dtype, width = _PLAIN_TYPES[tensor.data_type]
    dims = tuple(int(d) for d in tensor.dims)
    if any(d < 0 for d in dims):
        raise ModelError(f"{name} has a negative size: {dims}")
    count = _product(dims)
    if count * max(width, 4) > source.max_memory:
        raise ModelError(f"{name} takes {count * width} bytes, wanted at most {source.max_memory}")
    if tensor.data_location == tensor.EXTERNAL:
        found = _external(tensor, count * width, source, name)
        raw = np.frombuffer(
            found, np.dtype("<u2") if dtype == "bfloat16" else np.dtype(dtype).newbyteorder("<")
        )
        if dtype == "bfloat16":
            raw = (raw.astype(np.uint32) << 16).view(np.float32)
        return widened(raw.reshape(dims))
    there = len(tensor.raw_data) / width if tensor.HasField("raw_data") else _typed(tensor)
    if there != count:
        raise ModelError(
            f"{name} claims {count} numbers, {there:g} are in the file", hint="the file is damaged"
        )
    if not tensor.HasField("raw_data") and _beyond_type(tensor, dtype):
        raise ModelError(f"{name} holds numbers that no {dtype} is", hint="the file is damaged")
    try:
        return widened(np.asarray(onnx_module().numpy_helper.to_array(tensor)))
    except Exception as error:  # values out of range, and other damage
        raise _damaged(source.file_name, f'tensor "{tensor.name}": {error or type(error).__name__}') from None


def _typed(tensor: TensorProto) -> int:
    return len(getattr(tensor, _TYPED_FIELDS[tensor.data_type]))


def _beyond_type(tensor: TensorProto, dtype: str) -> bool:
    """Whether values of a small type, which are stored as larger integers, are out of its range."""
    if _TYPED_FIELDS[tensor.data_type] != "int32_data" or not tensor.int32_data:
        return False
    bits = "uint16" if dtype in ("float16", "bfloat16") else dtype
    low, high = (0, 1) if bits == "bool" else (np.iinfo(bits).min, np.iinfo(bits).max)
    return not low <= min(tensor.int32_data) <= max(tensor.int32_data) <= high


def widened(array: np.ndarray) -> np.ndarray:
    """Return floating-point arrays as float32, others unchanged, in native byte order."""
    kind = _WIDENED.get(str(array.dtype))
    if kind is not None:
        with np.errstate(over="ignore"):
            return np.asarray(array.astype(kind))
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _external(tensor: TensorProto, n_bytes: int, source: Source, name: str) -> bytes:
    """Return the bytes of a tensor stored in a separate file, which must be in the model's folder."""
    entries = {e.key: e.value for e in tensor.external_data}
    location = entries.get("location", "")
    if source.folder is None or not location:
        raise ModelError(f"{name} is kept in another file, which is not named")
    if "\0" in location:
        raise ModelError(f"{name} is kept in {location[:80]!r}, which is not a path")
    path = (source.folder / location).resolve()
    if Path(location).is_absolute() or not path.is_relative_to(source.folder):
        raise ModelError(
            f'{name} is kept in "{location}", outside the model\'s folder',
            hint="export the model into one file, or keep its data in the same folder",
        )
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", n_bytes))
        if offset < 0 or length != n_bytes:
            raise ModelError(f"{name} claims {n_bytes} bytes, its entry {length} at {offset}")
        if not path.is_file() or path.stat().st_size < offset + n_bytes:
            raise ModelError(
                f'{name} wants {n_bytes} bytes at {offset} of "{location}", which are not there',
                hint="keep all files of the model together",
            )
        with path.open("rb") as file:
            file.seek(offset)
            return bytes(file.read(n_bytes))
    except (OSError, ValueError) as error:
        raise ModelError(f'{name} cannot be read from "{location}": {error}') from None


def initialisers(graph: GraphProto, source: Source) -> Mapping[str, np.ndarray]:
    """Return a graph's stored tensors by name."""
    if graph.sparse_initializer:
        raise ModelError(f"{source.file_name}: has sparse tensors", hint="export it with dense weights")
    total, found = 0, {}
    for tensor in graph.initializer:
        found[tensor.name] = array_of(tensor, source)
        total += found[tensor.name].nbytes
        if total > source.max_memory:
            raise ModelError(f"{source.file_name}: its weights take more than {source.max_memory} bytes")
    return found


def element_types(model: ModelProto) -> Iterator[int]:
    """Yield the element types of a model's tensors and inputs."""
    for tensor in model.graph.initializer:
        yield int(tensor.data_type)
    for value in (*model.graph.input, *model.graph.output):
        yield int(value.type.tensor_type.elem_type)


def type_name(number: int) -> str:
    """Return ONNX's name of an element type."""
    try:
        return str(onnx_module().TensorProto.DataType.Name(number)).lower()
    except ValueError:
        return f"number {number}"


def numpy_type(number: int) -> str:
    """Return the numpy type used for an ONNX element type: float32 for floating-point types.

    Raises:
        ModelError: It is not a float, integer or boolean type.
    """
    if number not in _PLAIN_TYPES:
        raise ModelError(f"element type {type_name(number)} is not read, wanted floats, integers or booleans")
    name = _PLAIN_TYPES[number][0]
    return "float32" if name in _WIDENED else name


def file_type(number: int) -> str:
    """Return the name of an element type in the file, including `float16`, which is widened here."""
    return _PLAIN_TYPES.get(number, ("float32",))[0]


def _product(dims: tuple[int, ...]) -> int:
    count = 1
    for d in dims:
        count *= d
    return count
