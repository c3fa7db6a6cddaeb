"""Outputs of networks, after the softmax or sigmoid they end in, and their accuracy and agreement.

Units are ordered and counted before that function, where gradients are; the report is on the outputs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reportgen.prune.decision import Floats, after_sigmoid
from reportgen.prune.judging import Judge, Shares

if TYPE_CHECKING:
    from reportgen.models import Model

Predictor = Callable[[Floats], Sequence[Floats]]
"""Runs a network: takes pictures, returns an array for each output."""

_HALF = np.float32(0.5)
"""The threshold of yes after a sigmoid."""


def outputs_of(network: Predictor, pictures: Floats, batch: int) -> list[Floats]:
    """Return a network's outputs for `(n, h, w, c)` pictures in its own range: an array an output."""
    parts = [network(pictures[i : i + batch]) for i in range(0, len(pictures), batch)]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def judge_of_outputs(judge: Judge, model: Model, whole: Sequence[Floats]) -> Judge:
    """Return a judge that compares with the decisions of the whole network's outputs."""
    decided = [d.decided(a) for d, a in zip(judge.decisions, _centred(model, whole), strict=True)]
    return dataclasses.replace(judge, whole=decided)


def shares_of_outputs(judge: Judge, model: Model, outputs: Sequence[Floats]) -> Shares:
    """Return accuracy and agreement of a network's outputs.

    Args:
        judge: From `judge_of_outputs`.
        model: The whole network.
        outputs: Of the network to evaluate.
    """
    return judge.shares(_centred(model, outputs))


def _centred(model: Model, outputs: Sequence[Floats]) -> list[Floats]:
    pairs = zip(model.outputs, outputs, strict=True)
    return [a - _HALF if after_sigmoid(model, output) else a for output, a in pairs]
