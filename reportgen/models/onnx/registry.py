"""The table of operators: their names, builders, and inputs that must be constant.

Operators are registered by a decorator in the modules of `operators/`; `refusals` lists those that are
refused.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from reportgen.registry import Registry

if TYPE_CHECKING:
    from reportgen.models.onnx.call import Call
    from reportgen.models.onnx.values import Value

    Build = Callable[[Call], Value | Sequence[Value]]

_FAMILIES = (
    "arithmetic", "activations", "convolution", "pooling", "shape", "indexing", "constants", "reduction",
    "normalization", "resizing", "matrix", "recurrent", "logic", "padding", "sampling", "attention",
)  # fmt: skip


@dataclass(frozen=True)
class Operator:
    """One row of the table.

    Attributes:
        name: In ONNX.
        family: The module it is in.
        build: Takes a `Call`, returns one value or several.
        fixed: Positions of inputs that must be constant.
        note: Limitation, shown in the table.
        elementwise: Whether each output value depends only on the input value at its position.
    """

    name: str
    family: str
    build: Build
    fixed: tuple[int, ...]
    note: str
    elementwise: bool


_found: Registry[Operator] = Registry("operator")


def operator(
    *names: str, fixed: tuple[int, ...] = (), note: str = "", elementwise: bool = False
) -> Callable[[Build], Build]:
    """Register a function under one or more names.

    Raises:
        ValueError: A name is already registered.
    """

    def enter(build: Build) -> Build:
        for name in names:
            family = build.__module__.rsplit(".", 1)[-1]
            _found.register(name, Operator(name, family, build, fixed, note, elementwise))
        return build

    return enter


@cache
def operators() -> Mapping[str, Operator]:
    """Return all operators by name, in alphabetical order."""
    for family in _FAMILIES:
        importlib.import_module(f"reportgen.models.onnx.operators.{family}")
    return dict(sorted(_found.items()))
