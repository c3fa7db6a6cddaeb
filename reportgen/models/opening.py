"""From any source to a Keras network whose only input is one picture, channels last.

Combines the readers of this package: Keras and ONNX files, and networks of `keras.applications`. `loading`
finds the units.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from reportgen.errors import MissingExtra, ModelError, ReportgenError, suggestion
from reportgen.keras_types import Network, Operation, Tensor
from reportgen.models.extra_inputs import held_inputs, picture_input
from reportgen.models.framework import keras_module
from reportgen.models.graph.shared_weights import FoldedCall
from reportgen.models.keras.hdf5 import first_line
from reportgen.models.keras.picture_axes import takes_channels_first
from reportgen.models.keras.reading import read_keras
from reportgen.models.keras.rebuild import rebuilt, works_channels_first
from reportgen.models.keras.subclassed import as_single_operation, is_subclassed, traced_network
from reportgen.models.model import OnnxSignature
from reportgen.models.model_memory import default_max_memory, refuse_larger
from reportgen.models.sources import APPLICATIONS, ModelSource


@dataclass(frozen=True)
class OpenedNetwork:
    """A network read from its source.

    Attributes:
        model: Keras, functional or sequential, one input.
        names: The true names of operations, by their names in Keras.
        notes: Remarks on the import, each a sentence.
        input_size_source: `given` or `assumed` if the file's size was open, else empty.
        picture_dtype: Element type of the file's picture input.
        folded_calls: Layers of the file that do not depend on the picture and are not in the network.
        signature: Inputs and outputs of the file, if it is ONNX.
        output_keys: Keys of a Keras network's outputs, in their order; empty if they are not a dictionary.
    """

    model: Network
    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    input_size_source: str = ""
    picture_dtype: str = "float32"
    folded_calls: tuple[FoldedCall, ...] = ()
    signature: OnnxSignature | None = None
    output_keys: tuple[str, ...] = ()


def open_network(
    source: ModelSource,
    *,
    input_size: tuple[int, int] | None = None,
    trust_model: bool = False,
    custom: Sequence[str] = (),
    hold: Mapping[str, object] | None = None,
    max_memory: int | None = None,
    channels: Literal["first", "last"] | None = None,
) -> OpenedNetwork:
    """Return the network of a source.

    Raises:
        ModelError: It cannot be used.
        UntrustedModel: It carries code and is not trusted.
        ConfigError: An option does not fit.
        MissingExtra: A package that this kind of file needs is not installed.
    """
    limit = max_memory if max_memory is not None else default_max_memory()
    if source.kind == "onnx":
        return _onnx(source, input_size, hold or {}, limit, channels)
    if source.kind == "application":
        model, front, notes = _application(source.path.name, limit)
    else:
        front = None
        model, notes = read_keras(source, trust_model=trust_model, custom=custom, max_memory=limit)
        if is_subclassed(model):
            name = type(model).__name__
            model = traced_network(model, source.file_name)
            notes.append(f"{name} is a subclassed model; its call was traced as a graph.")
    return _with_one_input(model, notes, hold or {}, source.file_name, front, channels)


def original_network(
    source: ModelSource,
    *,
    trust_model: bool = False,
    custom: Sequence[str] = (),
    max_memory: int | None = None,
) -> tuple[Network, Callable[[Tensor], Tensor] | None]:
    """Return a network as Keras runs it, and Keras's preprocessing of pictures for it, or None.

    Raises:
        ModelError: It cannot be used, or is not a Keras network.
    """
    limit = max_memory if max_memory is not None else default_max_memory()
    if source.kind == "onnx":
        raise ModelError(f"{source.file_name}: is not a Keras network")
    if source.kind == "application":
        name = source.path.name
        model, _, _ = _application(name, limit)
        module = importlib.import_module(getattr(keras_module().applications, name).__module__)
        return model, module.preprocess_input
    model, _ = read_keras(source, trust_model=trust_model, custom=custom, max_memory=limit)
    return as_single_operation(model, source.file_name) if is_subclassed(model) else model, None


def _with_one_input(
    model: Network,
    notes: list[str],
    hold: Mapping[str, object],
    file_name: str,
    front: Operation | None,
    channels: Literal["first", "last"] | None,
) -> OpenedNetwork:
    """Return the network with the picture as its only input, rebuilt only if necessary."""
    try:
        inputs = list(model.inputs or ())
    except (AttributeError, ValueError):
        inputs = []
    if not inputs:
        raise ModelError(
            f"{file_name}: the network was never built, its input has no shape",
            hint="call the model once on a picture, or begin it with keras.Input, and save it again",
        )
    picture = picture_input(inputs, hold, file_name)
    inside = works_channels_first(model)
    first = takes_channels_first(model, inputs[picture], channels, file_name)
    fixed = inputs[picture].shape[0]
    if len(inputs) == 1 and not (first or inside) and front is None and fixed is None:
        keys = _output_keys(model)
        return OpenedNetwork(
            model, {}, tuple(notes), picture_dtype=str(inputs[picture].dtype), output_keys=keys
        )
    held, remarks = held_inputs(inputs, picture, hold, file_name, first=first)
    made, names = rebuilt(model, picture=picture, held=held, front=front, first=first, file_name=file_name)
    if first or inside:
        how = "works" if inside else "takes its picture"
        remarks.append(
            f"The network {how} channels first; it was rewritten channels last, results unchanged."
        )
    if fixed not in (None, 1):
        remarks.append(f"The network was built for a batch of {fixed}; it was rewritten for any.")
    dtype = str(inputs[picture].dtype)
    return OpenedNetwork(
        made, names, (*notes, *remarks), picture_dtype=dtype, output_keys=_output_keys(model)
    )


def _output_keys(model: Network) -> tuple[str, ...]:
    """Return the keys of a network's outputs, in the order in which Keras lists them."""
    given = getattr(model, "_outputs_struct", None)
    if not isinstance(given, dict) or any(isinstance(value, (dict, list, tuple)) for value in given.values()):
        return ()
    return tuple(sorted(given))


def _application(name: str, max_memory: int) -> tuple[Network, Tensor, list[str]]:
    """Return a network of `keras.applications`, its own scaling of pictures, and notes.

    Keras downloads the weights once, into its own folder; nothing else is downloaded.

    Raises:
        ModelError: There is no network of that name, or its weights are not available.
    """
    keras = keras_module()
    known = {n for n, v in vars(keras.applications).items() if n[:1].isupper() and callable(v)}
    if name not in known:
        raise ModelError(
            f'"{name}" is not a network of keras.applications', hint=suggestion(name, sorted(known))
        )
    make = getattr(keras.applications, name)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras prints a progress bar to standard output
            model = make(weights="imagenet")
    except ReportgenError:
        raise
    except Exception as error:  # network errors of any class
        raise ModelError(
            f"{APPLICATIONS}{name}: its weights are not available: {first_line(error)}",
            hint="Keras downloads them once; go online for that, or give a file",
        ) from None
    refuse_larger(model, max_memory, APPLICATIONS + name)
    scale = _as_layers(importlib.import_module(make.__module__).preprocess_input)
    return model, scale, ["Pictures of 0..255 are scaled inside the network, as Keras prescribes for it."]


def _as_layers(preprocess: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return Keras's preprocessing for a network as a flip of channels and one Rescaling.

    Measured on uniform pictures and used only if it holds for others, so that the graph shows the scaling.
    """
    keras = keras_module()
    black, white, red = (np.asarray(preprocess(np.full((1, 1, 1, 3), 1.0) * c))[0, 0, 0]
                         for c in ([0.0, 0.0, 0.0], [255.0, 255.0, 255.0], [255.0, 0.0, 0.0]))  # fmt: skip
    flipped = bool(red[2] != black[2])
    scale, offset = (white - black) / 255, black
    picture = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3))
    expected = (picture[..., ::-1] if flipped else picture) * scale + offset
    if not np.allclose(preprocess(picture.copy()), expected, atol=1e-4):
        return preprocess

    def scaled(pictures: Tensor) -> Tensor:
        turned = pictures[..., ::-1] if flipped else pictures
        if np.all(scale == 1) and not offset.any():
            return turned
        same_for_all = np.ptp(scale) < 1e-9 and np.ptp(offset) < 1e-9
        factors = (float(scale[0]), float(offset[0])) if same_for_all else (scale.tolist(), offset.tolist())
        return keras.layers.Rescaling(factors[0], offset=factors[1], name="scaling", dtype="float32")(turned)

    return scaled


def _onnx(
    source: ModelSource,
    input_size: tuple[int, int] | None,
    hold: Mapping[str, object],
    limit: int,
    channels: Literal["first", "last"] | None,
) -> OpenedNetwork:
    try:
        read_onnx = importlib.import_module("reportgen.models.onnx").read_onnx
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("onnx", "onnxruntime"):
            raise
        raise MissingExtra("onnx", needed_for="reading an ONNX model") from None
    found = read_onnx(
        source.path, input_size=input_size, max_memory=limit, held=dict(hold), channels=channels
    )
    notes = tuple(found.notes)
    return OpenedNetwork(
        found.model,
        found.names,
        notes,
        found.input_size_source,
        found.picture_dtype,
        found.folded_calls,
        OnnxSignature(
            found.picture_input,
            found.elements.get(found.picture_input, "float32"),
            not found.channels_last,
            found.outputs,
            found.output_axes,
            tuple(found.elements.get(name, "float32") for name in found.outputs),
        ),
    )
