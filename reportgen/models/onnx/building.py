"""From checked nodes to Keras tensors: constants folded, every other node built, names kept.

The network is built for a large prime as batch size, so that shapes show which sides depend on it; `rebatch`
then repeats the recorded operations for an open batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.errors import ModelError, ReportgenError
from reportgen.keras_types import Tensor
from reportgen.models.framework import MOST_OPERATIONS, keras_module
from reportgen.models.graph.flatten import recorded_calls
from reportgen.models.graph.kinds import kind_of
from reportgen.models.graph.shared_weights import FoldedCall
from reportgen.models.keras.hdf5 import first_line
from reportgen.models.onnx.batch_constants import batch_constants
from reportgen.models.onnx.branches import is_if, reads, taken_branch
from reportgen.models.onnx.call import Call
from reportgen.models.onnx.fixed_batch import open_batch_rows, without_batch_prime
from reportgen.models.onnx.folding import fold
from reportgen.models.onnx.reading import Source, array_of, onnx_module
from reportgen.models.onnx.redundant_reshapes import redundant_reshapes
from reportgen.models.onnx.refusals import node_name
from reportgen.models.onnx.registry import Operator, operators
from reportgen.models.onnx.values import BATCH, Value, carries_batch, constant, count

if TYPE_CHECKING:
    from onnx import NodeProto

_LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN"})
"""Operators whose stored inputs are weights of a layer."""


class Builder:
    """The values built so far, and the names of the operations.

    Attributes:
        values: By ONNX name.
        names: Keras operation name to true ONNX name.
        consumers: ONNX name to the nodes that read it.
        done: Ids of nodes that were built together with an earlier one.
        folded: How many nodes were folded into constants.
        built: How many were built.
        constant_bytes: Size of all constants, stored and folded.
        operations: Work spent on folding, see `budget`.
        picture: The live tensor that carries the batch, if there is one.
        fixed_batch: The file's batch size, if it is fixed.
        given_batch: The same, 1 if it is open.
        pictures_last: Counts of other items that share a side with the pictures and come before them.
        as_written: Whether a written 1 is always a side of 1, never a batch size of 1.
        doubtful: Whether some written 1 may be either.
        held: Names of held inputs, and of values that depend on them alone.
        folded_calls: Layers among the folded nodes.
        built_deferred: Convolutions that were deferred and then built.
    """

    def __init__(
        self, source: Source, opset: int, nodes: Sequence[NodeProto], outputs: Sequence[str]
    ) -> None:
        self.keras = keras_module()
        self.source, self.opset = source, opset
        self.file_name = source.file_name
        self.values: dict[str, Value] = {}
        self.names: dict[str, str] = {}
        self.reordered: dict[object, tuple[Value, Tensor]] = {}
        self.done: set[int] = set()
        self.folded, self.built = 0, 0
        self.constant_bytes = 0
        self.operations = 0
        self.picture: Tensor = None
        self.fixed_batch: int | None = None
        self.given_batch = 1
        self.pictures_last: set[int] = set()
        self.as_written = False
        self.doubtful = False
        self.held: set[str] = set()
        self.folded_calls: list[FoldedCall] = []
        self._stored: set[str] = set()
        self.built_deferred: dict[object, tuple[object, Value]] = {}
        self.outputs = set(outputs)
        self.consumers: dict[str, list[NodeProto]] = {}
        for node in nodes:
            for name in dict.fromkeys(reads(node)):
                self.consumers.setdefault(name, []).append(node)
        self._named: set[int] = set()
        self._output_names: dict[int, str] = {}
        self._taken: set[str] = set()

    def attributes(self, node: NodeProto) -> dict[str, Any]:
        """Return a node's attributes; tensors as arrays, texts as str."""
        onnx = onnx_module()
        found: dict[str, object] = {}
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                found[attribute.name] = array_of(attribute.t, self.source)
                continue
            if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
                raise ModelError(f'{self.file_name}: node "{node_name(node)}" holds a graph of its own')
            if attribute.type == onnx.AttributeProto.UNDEFINED:
                where = f'{self.file_name}: node "{node_name(node)}"'
                raise ModelError(f'{where} has an attribute "{attribute.name}" of no type')
            value = onnx.helper.get_attribute_value(attribute)
            found[attribute.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return found

    def run(self, nodes: Iterable[NodeProto]) -> None:
        """Build nodes in order.

        Raises:
            ModelError: A node cannot be built; it is named.
        """
        nodes = list(nodes)
        still = set(self.values) - {n for n, v in self.values.items() if v.array is None} | {""}
        early: set[int] = set()
        for node in nodes:
            # A bias may be computed after the convolution that it belongs to.
            if all(name in still for name in node.input) and not is_if(node):
                self._one(node)
                still.update(o for o in node.output if o in self.values and self.values[o].array is not None)
                early.add(id(node))
        waiting = deque(nodes)
        while waiting:
            node = waiting.popleft()
            if is_if(node):
                waiting.extendleft(reversed(taken_branch(self, node)))
            elif id(node) not in self.done and id(node) not in early:
                self._one(node)

    def only_consumer(self, name: str) -> Any:
        """Return the only node that reads a value; None if there are several or it is an output."""
        readers = self.consumers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def absorb(self, node: NodeProto, reader: NodeProto) -> None:
        """Merge a node with its reader: the node's output takes the name of the reader's."""
        self.done.add(id(reader))
        self._output_names[id(node)] = reader.output[0]

    def _one(self, node: NodeProto) -> None:
        if not node.output:
            raise ModelError(f'{self.file_name}: node "{node_name(node)}" ({node.op_type}) writes nothing')
        inputs = [self._input(node, name) for name in node.input]
        operator = operators()[node.op_type]
        call = Call(node, inputs, int(self.schema(node.op_type).since_version), self)
        where = f'{self.file_name}: node "{node_name(node)}" ({node.op_type})'
        try:
            open_batch_rows(call)
            folded = fold(call)
            if folded is not None:
                self._record_folded(node, call)
            found = folded if folded is not None else batch_constants(call)
            if found is None:
                for index in operator.fixed:
                    if call.has(index):
                        call.array(index)
                found = self._build(call, operator)
        except ModelError as error:
            raise without_batch_prime(error, where, self.fixed_batch) from None
        except ReportgenError:
            raise
        except MemoryError:
            call.refuse("takes more memory than there is")
        except Exception as error:  # hostile shapes or attributes raise errors of any class
            refusal = ModelError(f"{where} cannot be built: {first_line(error)}")
            raise without_batch_prime(refusal, where, self.fixed_batch) from None
        values = [found] if isinstance(found, Value) else list(found)
        names = [self._output_names.get(id(node), node.output[0]), *node.output[1:]]
        for name, value in zip(names, values, strict=False):
            self._store(call, name, value)
        self.name(node, values, inputs)

    def _record_folded(self, node: NodeProto, call: Call) -> None:
        """Record a layer that was folded into a constant, since it still uses its weights."""
        held = any(name in self.held for name in node.input)
        if held:
            self.held.update(node.output)
        stored = [i for i, name in enumerate(node.input) if name in self._stored]
        if node.op_type not in _LAYERS:
            if len(stored) == len(node.input):  # The same weights under another name, or transposed.
                self._stored.update(node.output)
            return
        arrays = {i: call.value(i).array for i in stored if node.input[i] not in self.held}
        kernels = {i: array for i, array in arrays.items() if array is not None and array.ndim > 1}
        if kernels:
            largest = max(kernels, key=lambda i: int(kernels[i].size))
            self.folded_calls.append(FoldedCall(node_name(node), kernels.get(1, kernels[largest]), held))

    def _build(self, call: Call, operator: Operator) -> Any:
        self.built += 1
        if self.built > MOST_OPERATIONS:
            call.refuse(
                f"comes after {MOST_OPERATIONS} other operations on the picture, which is all that is read"
            )
        return operator.build(call)

    def schema(self, kind: str) -> Any:
        """Return ONNX's description of an operator as the graph's opset has it."""
        defs = onnx_module().defs
        try:
            return defs.get_schema(kind, self.opset, "")
        except defs.SchemaError:
            # Introduced by `patterns` for several nodes of an older opset; it has one version only.
            return defs.get_schema(kind, "")

    def operators(self) -> Mapping[str, Operator]:
        """Return the table of operators."""
        return operators()

    def operator(self, kind: str) -> Operator:
        """Return an operator's line of the table."""
        return operators()[kind]

    def alone(self, node: NodeProto) -> Builder:
        """Return a builder for one node alone."""
        return Builder(self.source, self.opset, [node], list(node.output))

    def _input(self, node: NodeProto, name: str) -> Value | None:
        if not name:
            return None
        if name not in self.values:
            raise ModelError(
                f'{self.file_name}: node "{node_name(node)}" ({node.op_type}) reads "{name}", '
                "which nothing before it writes"
            )
        return self.values[name]

    def _store(self, call: Call, name: str, value: Value) -> None:
        if not name:
            return
        if name in self.values:
            call.refuse(f'writes "{name}", which already exists')
        pictures = BATCH if any(carries_batch(s) for s in value.shape) else 1
        if count(value.shape) * 4 // pictures > self.source.max_memory:
            call.refuse(
                f"gives {count(value.shape) // pictures} numbers for a picture, "
                f"wanted at most {self.source.max_memory} bytes"
            )
        if value.array is not None:
            self.folded += 1
            self.constant_bytes += value.array.nbytes
            if self.constant_bytes > self.source.max_memory:
                call.refuse(f"takes constants beyond {self.source.max_memory} bytes")
        self.values[name] = value

    def name(self, node: NodeProto, values: Sequence[Value], inputs: Sequence[Value | None]) -> None:
        """Name the operations of a node: the one with weights, else the last, gets the node's name."""
        known = [v.tensor for v in self._all_tensors(inputs)]
        made = [v.tensor for v in self._all_tensors(values)]
        fresh = [r.operation for r in recorded_calls(known, made, self._named)]
        self._named.update(id(o) for o in fresh)
        if not fresh:
            return
        true = node_name(node)
        main = next((o for o in reversed(fresh) if getattr(o, "weights", None)), fresh[-1])
        for operation in fresh:
            shown = true if operation is main else f"{true}/{kind_of(operation)}"
            operation.name = self._free(shown)
            self.names[operation.name] = shown

    @staticmethod
    def _all_tensors(values: Sequence[Value | None]) -> list[Value]:
        flat = [v.flat if v.flat is not None else v for v in values if v is not None]
        return [v for v in flat if v.tensor is not None]

    def _free(self, name: str) -> str:
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "." for c in name).strip(".-")
        plain = plain if plain and (plain[0].isalnum()) else f"op.{plain}"
        free, n = plain, 1
        while free.lower() in self._taken:
            n += 1
            free = f"{plain}_{n}"
        self._taken.add(free.lower())
        return free

    def plain(self, value: Value) -> Tensor:
        """Return a value's tensor in ONNX's own order of axes."""
        return Call(onnx_module().NodeProto(), [], 1, self).plain(value)

    def constants(self, arrays: Mapping[str, Any]) -> None:
        """Enter the graph's stored tensors."""
        self._stored.update(arrays)
        for name, array in arrays.items():
            kept = np.asarray(array)
            self.values[name] = constant(kept)
            self.constant_bytes += kept.nbytes


def rebatch(tensor: Tensor, outputs: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Return an input for any number of pictures, and the outputs that follow from it.

    Args:
        tensor: The input that was built for a batch of `BATCH`.
        outputs: Tensors that depend on it.
    """
    keras = keras_module()
    records = list(recorded_calls([tensor], outputs))
    needless = redundant_reshapes(records, outputs)
    for record in records:
        record.operation._inbound_nodes.clear()
        record.operation._outbound_nodes.clear()
    fresh = keras.Input(tuple(tensor.shape)[1:], dtype="float32", name=tensor.name)
    known = {id(tensor): fresh}
    for record in records:
        if id(record) in needless:
            known[id(record.outputs[0])] = known[id(record.input_tensors[0])]
            continue
        args, kwargs = record.arguments.fill_in(known)
        results = keras.tree.flatten(record.operation(*args, **kwargs))
        known.update({id(old): new for old, new in zip(record.outputs, results, strict=True)})
    return fresh, [known[id(t)] for t in outputs]
