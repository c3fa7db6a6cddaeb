"""Operators that are not imported, and the reasons shown to the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from reportgen.errors import ModelError
from reportgen.models.onnx.reading import onnx_module

if TYPE_CHECKING:
    from onnx import NodeProto

_FLOW = (
    "control flow has no fixed graph",
    "export with fixed sizes, without branches or loops in the forward pass",
)
_QUANTIZED = ("quantized networks have no gradient", "export the model without quantization, as float32")
VALUES = (
    "its result's size depends on the picture",
    "export the network without its postprocessing (for detectors: without NMS)",
)
_SEQUENCE = ("sequences and optional values are not read", "export the network with tensors only")
_TEXT = ("texts and tables are not pictures", "")
_RANDOM = ("random numbers have no fixed value", "export in evaluation mode")
_TRAINING = ("it belongs to training", "export in evaluation mode")
_SIGNAL = ("signal processing is not read", "export the network without its preprocessing")

REFUSED: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("If", "Loop", "Scan", "SequenceMap"), _FLOW),
    **dict.fromkeys(
        ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul",
         "ConvInteger", "MatMulInteger"), _QUANTIZED,
    ),
    **dict.fromkeys(("NonMaxSuppression", "Unique", "Compress"), VALUES),
    **dict.fromkeys(
        ("SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert",
         "SequenceLength", "SplitToSequence", "ConcatFromSequence", "Optional", "OptionalGetElement",
         "OptionalHasElement"), _SEQUENCE,
    ),
    **dict.fromkeys(
        ("StringConcat", "StringNormalizer", "StringSplit", "RegexFullMatch", "TfIdfVectorizer",
         "ImageDecoder"), _TEXT,
    ),
    **dict.fromkeys(
        ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial",
         "Bernoulli"), _RANDOM,
    ),
    **dict.fromkeys(
        ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss", "Adam", "Adagrad", "Momentum",
         "Gradient"), _TRAINING,
    ),
    **dict.fromkeys(
        ("DFT", "STFT", "MelWeightMatrix", "HannWindow", "HammingWindow", "BlackmanWindow"), _SIGNAL,
    ),
}  # fmt: skip
"""Operators that are refused by design: the reason, and a hint."""

_STANDARD = ("", "ai.onnx")


def check_signatures(
    nodes: Sequence[NodeProto], known: Mapping[str, object], opset: int, file_name: str
) -> None:
    """Refuse a node without outputs, or whose inputs and attributes do not match its operator.

    Raises:
        ModelError: Naming the first such node.
    """
    defs = onnx_module().defs
    for node in nodes:
        where = f'{file_name}: node "{node_name(node)}" ({node.op_type})'
        if not any(node.output):
            raise ModelError(f"{where} writes nothing")
        standard = node.domain in _STANDARD
        if (standard and node.op_type not in known) or not isinstance(node.op_type, str):
            continue  # refused by name
        try:
            description = (node.op_type, opset, "") if standard else (node.op_type, node.domain)
            schema = defs.get_schema(*description)
        except (defs.SchemaError, TypeError):  # of another opset, or of a domain that is not text
            continue
        least, most = schema.min_input, schema.max_input
        if not least <= len(node.input) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise ModelError(f"{where} reads {len(node.input)} values, wanted {wanted}")
        _check_attributes(node, schema.attributes, where)


def _check_attributes(node: NodeProto, described: Mapping[str, Any], where: str) -> None:
    given = {attribute.name: attribute for attribute in node.attribute}
    for name, attribute in given.items():
        if name in described and attribute.type != int(described[name].type.value):
            what = "another type" if attribute.type else "no type"
            wanted = described[name].type.name.lower()
            raise ModelError(f'{where} has an attribute "{name}" of {what}, wanted {wanted}')
    missing = [name for name, one in described.items() if one.required and name not in given]
    if missing:
        raise ModelError(f'{where} lacks its attribute "{missing[0]}"')


def check_operators(nodes: Sequence[NodeProto], known: Mapping[str, object], file_name: str) -> None:
    """Refuse a graph with operators that are not imported, before anything is built.

    Raises:
        ModelError: Naming the first node, its operator, how many there are, and a hint.
    """
    for node in nodes:
        if node.domain in _STANDARD and (node.op_type in known or node.op_type == "If"):
            continue  # the branch of an If is known once its condition is
        same = [n for n in nodes if (n.domain, n.op_type) == (node.domain, node.op_type)]
        raise ModelError(*_words(node, len(same), file_name)[:1], hint=_words(node, len(same), file_name)[1])


def _words(node: NodeProto, n: int, file_name: str) -> tuple[str, str]:
    what = f'{file_name}: node "{node_name(node)}" is a {node.op_type}'
    many = f" ({n} of them)" if n > 1 else ""
    if node.domain not in _STANDARD:
        quantized = "Linear" in node.op_type or "Integer" in node.op_type
        why = "quantized networks have no gradient" if quantized else "wanted standard operators only"
        hint = (
            _QUANTIZED[1]
            if quantized
            else "export without optimisations for one runtime, or without custom operators"
        )
        return f'{what} of the custom domain "{node.domain}"{many}: {why}', hint
    why, hint = REFUSED.get(
        node.op_type,
        ("the importer does not know this operator", "export with another opset, or use other operators"),
    )
    return f"{what}{many}: {why}", hint


def refuse_flow(node: NodeProto, file_name: str) -> NoReturn:
    """Refuse a node whose graph depends on the picture.

    Raises:
        ModelError: Naming it, with a hint.
    """
    what, hint = _words(node, 1, file_name)
    raise ModelError(what, hint=hint)


def node_name(node: NodeProto) -> str:
    """Return a node's name, or that of its first output."""
    return str(node.name or next((o for o in node.output if o), "") or node.op_type)
