"""The table of operators: what each is called, who builds it, which inputs must be constant.

Operators enter it by a decorator in the files of `operators/`. What is refused, and why, stands
in `refusals`.
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
    """One line of the table.

    Attributes:
        name: As ONNX calls it.
        family: Which file it stands in.
        build: Takes a `Call`, returns one value or several.
        fixed: Positions of inputs that must be constant.
        note: What is not read, for the table.
        elementwise: Whether each number that comes out is made of the one number in its place.
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
    """Enter a function into the table under one or more names.

    Raises:
        ValueError: A name is entered already.
    """

    def enter(build: Build) -> Build:
        for name in names:
            family = build.__module__.rsplit(".", 1)[-1]
            _found.enter(name, Operator(name, family, build, fixed, note, elementwise))
        return build

    return enter


@cache
def operators() -> Mapping[str, Operator]:
    """Return all operators by name, in alphabetical order."""
    for family in _FAMILIES:
        importlib.import_module(f"reportgen.models.onnx.operators.{family}")
    return dict(sorted(_found.items()))
