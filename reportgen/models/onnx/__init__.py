"""ONNX graphs as Keras models: channels last, any batch, true names; checked against onnxruntime.

Importing this package loads neither Keras nor onnx.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reportgen.models.onnx.importing import OnnxImport, read_onnx
    from reportgen.models.onnx.parity import OutputParity, compare_with_onnxruntime
    from reportgen.models.onnx.table import supported_operators

_ROOMS = {
    "OnnxImport": "importing",
    "OutputParity": "parity",
    "compare_with_onnxruntime": "parity",
    "read_onnx": "importing",
    "supported_operators": "table",
}

__all__ = ["OnnxImport", "OutputParity", "compare_with_onnxruntime", "read_onnx", "supported_operators"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return __all__
