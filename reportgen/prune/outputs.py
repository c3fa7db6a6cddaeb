"""What networks give out, after the softmax or sigmoid they end in, judged as anybody would judge it.

Units are ordered and counted before it, where gradients are; what is told is of the numbers that come out.
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

Answering = Callable[[Floats], Sequence[Floats]]
"""A network that is run: pictures in, an array for each output out."""

_HALF = np.float32(0.5)
"""Where yes begins behind a sigmoid."""


def outputs_of(network: Answering, pictures: Floats, batch: int) -> list[Floats]:
    """Return what a network gives out for `(n, h, w, c)` pictures in its own range: an array an output."""
    parts = [network(pictures[i : i + batch]) for i in range(0, len(pictures), batch)]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def judge_of_outputs(judge: Judge, model: Model, whole: Sequence[Floats]) -> Judge:
    """Return a judge whose decisions of the whole network are those of its outputs."""
    decided = [d.decided(a) for d, a in zip(judge.decisions, _centred(model, whole), strict=True)]
    return dataclasses.replace(judge, whole=decided)


def shares_of_outputs(judge: Judge, model: Model, outputs: Sequence[Floats]) -> Shares:
    """Return how good a network's outputs are.

    Args:
        judge: From `judge_of_outputs`.
        model: The whole network.
        outputs: Of the network that is judged.
    """
    return judge.shares(_centred(model, outputs))


def _centred(model: Model, outputs: Sequence[Floats]) -> list[Floats]:
    pairs = zip(model.outputs, outputs, strict=True)
    return [a - _HALF if after_sigmoid(model, output) else a for output, a in pairs]
