"""Structured mutants of small networks: only this package's own errors come out.

20,000 cases in the long tests, a hundredth of them otherwise; the same on every run.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import onnx
import pytest

from reportgen.errors import ReportgenError
from reportgen.models import load_model
from tests.models.mutants import keras_mutant, onnx_mutant
from tests.models.test_fuzz import MEMORY, folder

__all__ = ["folder"]

BLOCK, BLOCKS = 100, 100
BLOCK_MARKS = [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, BLOCKS))]


def read(path: Path, seed: int) -> None:
    """Read a mutant: it may be a network, or refused by an error of this package."""
    try:
        with contextlib.suppress(ReportgenError):
            load_model(path, max_memory=MEMORY)
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise


@pytest.mark.parametrize("block", BLOCK_MARKS)
def test_graphs_with_changed_attributes_shapes_names_and_types(folder: Path, block: int) -> None:
    model = onnx.load(folder / "graph.onnx")
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        mutant = folder / "mutant.onnx"
        mutant.write_bytes(onnx_mutant(model, seed))
        read(mutant, seed)


@pytest.mark.parametrize("block", BLOCK_MARKS)
def test_configurations_with_changed_attributes_shapes_names_and_types(folder: Path, block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        file = folder / ("three.keras" if seed % 2 else "first.keras")
        mutant = folder / "mutant.keras"
        keras_mutant(file, seed, mutant)
        read(mutant, seed)
