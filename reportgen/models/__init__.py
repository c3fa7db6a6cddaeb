"""What a network is: model files read into layers with units, and cut at one of them.

Importing this package loads no framework; each name is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reportgen.models.fingerprint import file_hash
    from reportgen.models.graph.submodel import cut_model
    from reportgen.models.loading import load_model
    from reportgen.models.model import Cut, Model, Node, Ref, Tap

_ROOMS = {
    "Cut": "model",
    "Model": "model",
    "Node": "model",
    "Ref": "model",
    "Tap": "model",
    "cut_model": "graph.submodel",
    "file_hash": "fingerprint",
    "load_model": "loading",
}

__all__ = ["Cut", "Model", "Node", "Ref", "Tap", "cut_model", "file_hash", "load_model"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return __all__
