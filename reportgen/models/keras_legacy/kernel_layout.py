"""Converts the kernel layout of Keras 1 and of the Theano backend to that of Keras 3.

Theano rotated a kernel by 180 degrees before applying it; Keras 1 with `th` ordering stored outputs first. A
file that does not state its backend is refused if that matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reportgen.errors import ModelError
from reportgen.keras_types import KerasLayer

Array = np.ndarray
_TURNED = {"Conv2D", "Conv2DTranspose"}
_UNCERTAIN = {"DepthwiseConv2D", "SeparableConv2D"}
_WINDOWS = {"MaxPooling2D", "AveragePooling2D"}
_SAVE_AGAIN = "load it in Keras 2.3 and save it again with a TensorFlow backend"


@dataclass(frozen=True)
class Writer:
    """The Keras that wrote a file.

    Attributes:
        version: Major version.
        backend: `tensorflow`, `theano`, ...; empty if the file does not state it.
    """

    version: int
    backend: str


def converted(array: Array, layer: KerasLayer, weight: str, writer: Writer, where: str) -> Array:
    """Return a stored weight in Keras 3's layout.

    Args:
        array: As stored.
        layer: The built layer it belongs to.
        weight: The weight's name in Keras 3, such as `kernel`.
        writer: Of the file.
        where: File and layer, for messages.

    Raises:
        ModelError: The layout is uncertain.
    """
    kind = type(layer).__name__
    if kind in _WINDOWS or kind in _TURNED | _UNCERTAIN:
        _refuse_uncertain(layer, kind, writer, where)
    if "kernel" not in weight or array.ndim != 4:
        return array
    if writer.version < 2 and layer.data_format == "channels_first" and kind == "Conv2D":
        array = np.transpose(array, (2, 3, 1, 0))
    if writer.backend == "theano" and kind in _TURNED:
        array = array[::-1, ::-1]
    return np.ascontiguousarray(array)


def check_layer(layer: KerasLayer, writer: Writer, where: str) -> None:
    """Refuse a layer without weights whose result differed on the file's backend.

    Raises:
        ModelError: It is such a layer.
    """
    if type(layer).__name__ in _WINDOWS:
        _refuse_uncertain(layer, type(layer).__name__, writer, where)


def _refuse_uncertain(layer: KerasLayer, kind: str, writer: Writer, where: str) -> None:
    first = layer.data_format == "channels_first"
    if writer.version < 2 and kind in ("Conv2DTranspose", "SeparableConv2D") and first:
        raise ModelError(f"{where}: {kind} of Keras 1 with th ordering is not read", hint=_SAVE_AGAIN)
    if writer.version < 2 and not writer.backend and first and kind == "Conv2D":
        raise ModelError(
            f"{where}: {kind} of Keras 1 with th ordering, and the file does not state whether Theano "
            "rotated its kernels",
            hint='set the attribute "backend" of the HDF5 file to theano or tensorflow, whichever trained it',
        )
    if writer.backend != "theano":
        return
    if kind in _UNCERTAIN:
        raise ModelError(f"{where}: {kind} trained on Theano is not read", hint=_SAVE_AGAIN)
    sizes = getattr(layer, "kernel_size", None) or layer.pool_size
    even = any(side % 2 == 0 for side in sizes)
    if layer.padding == "same" and (even or max(layer.strides) > 1 or kind in _WINDOWS | {"Conv2DTranspose"}):
        raise ModelError(
            f'{where}: {kind} with padding "same", which Theano places differently from TensorFlow',
            hint=_SAVE_AGAIN,
        )
