"""The smaller network as a file: written, opened again as any user would open it, evaluated and timed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from reportgen.models import Model
    from reportgen.prune.judging import Shares
    from reportgen.prune.outputs import Predictor
    from reportgen.prune.rebuild import Rebuilt
    from reportgen.prune.search import Search

TimedBy = Literal["", "keras", "onnxruntime"]

_TIMED_SECONDS = 1.0


@dataclass(frozen=True)
class SmallerFile:
    """A file that was written, and its quality and cost.

    Attributes:
        path: Its path.
        shares: Its accuracy and agreement on the pictures for the report.
        bytes_before, bytes_after: Sizes of the model file and of this one; 0 if there is none.
        seconds_before, seconds_after: Time a picture, in batches.
        timed_by: What was timed: the two files in onnxruntime, or the networks read from them in Keras.
        apart: Largest difference, in any output, between the file and the network that was evaluated.
    """

    path: Path
    shares: Shares
    bytes_before: int
    bytes_after: int
    seconds_before: float
    seconds_after: float
    timed_by: TimedBy
    apart: float


def write_and_judge(search: Search, removed: np.ndarray, source: Path, out: Path) -> SmallerFile:
    """Write the network without groups `(G,)`, open the file again, and evaluate it.

    Raises:
        ReportgenError: It cannot be written; no partial file is left.
    """
    from reportgen.prune.outputs import judge_of_outputs, outputs_of, shares_of_outputs
    from reportgen.prune.search import smaller
    from reportgen.prune.trial import in_range
    from reportgen.prune.writing import opened_again, write_network

    model = search.measured.trial.model
    made, whole = smaller(search, removed), smaller(search, np.zeros(len(search.groups), bool))
    write_network(made, out, model.signature)
    report, batch = search.judges["report"], search.measured.trial.batch
    pictures = in_range(report.pictures, model)
    judge = judge_of_outputs(report, model, outputs_of(whole.predicted, pictures, batch))
    written = outputs_of(opened_again(made, out, model.signature), pictures, batch)
    expected = outputs_of(made.predicted, pictures, batch)
    seconds, timed_by = _timed((whole, made), model, (source, out), pictures[:batch])
    return SmallerFile(
        path=out,
        shares=shares_of_outputs(judge, model, written),
        bytes_before=source.stat().st_size if source.is_file() else 0,
        bytes_after=out.stat().st_size,
        seconds_before=seconds[0],
        seconds_after=seconds[1],
        timed_by=timed_by,
        apart=max(float(np.abs(a - b).max()) for a, b in zip(written, expected, strict=True)),
    )


def _timed(networks: tuple[Rebuilt, Rebuilt], model: Model, files: tuple[Path, Path],
           pictures: np.ndarray) -> tuple[list[float], TimedBy]:  # fmt: skip
    """Return seconds a picture before and after: of two ONNX files in onnxruntime, else in Keras."""
    from reportgen.prune.onnx_file import onnx_batch, onnx_predictor

    signature = model.signature
    if files[1].suffix == ".onnx" and signature is not None:
        # onnxruntime lacks some operators for some element types, and raises no specific exception then.
        with contextlib.suppress(Exception):
            batch = onnx_batch(files[0], len(pictures))
            if batch is not None and batch <= len(pictures):
                both = zip(networks, files, strict=True)
                opened = [onnx_predictor(network, file, signature) for network, file in both]
                return _seconds(opened, pictures[:batch]), "onnxruntime"
    return _seconds([network.predicted for network in networks], pictures), "keras"


def _seconds(networks: Sequence[Predictor], pictures: np.ndarray) -> list[float]:
    """Return seconds a picture of networks, which are run alternately; the fastest run of each counts."""
    best = [np.inf] * len(networks)
    for network in networks:
        network(pictures)
    started = time.monotonic()
    while time.monotonic() - started < _TIMED_SECONDS or not np.isfinite(best).all():
        for i, network in enumerate(networks):
            began = time.perf_counter()
            network(pictures)
            best[i] = min(best[i], (time.perf_counter() - began) / len(pictures))
    return [float(b) for b in best]
