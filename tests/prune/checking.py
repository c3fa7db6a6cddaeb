"""What a network computes without some of its units, by ways of its own: to compare the room's with.

Nodes are called one after another, as the file has them; nothing of `reportgen.prune` is used but which
channels go together.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.models import Model
from reportgen.prune.decision import end_of
from reportgen.prune.groups import Groups, RemainingUnits, groups_of_units
from reportgen.prune.moments import moments_of
from reportgen.prune.order import MeasuredTrial
from reportgen.prune.search import Search, smaller
from reportgen.prune.trial import Trial, in_range

_PLAIN = """
import sys, json, builtins
import numpy as np
real = builtins.__import__
def guarded(name, *rest, **more):
    assert name.split(".")[0] != "reportgen", "this package is not needed to open the file"
    return real(name, *rest, **more)
builtins.__import__ = guarded
import keras
for path, given, answers in json.loads(sys.argv[1]):
    network = keras.saving.load_model(path)
    arrays = np.load(given)
    inputs = [arrays[f"{i}"] for i in range(len(arrays.files))]
    found = network.predict_on_batch(inputs if len(inputs) > 1 else inputs[0])
    found = list(found) if isinstance(found, (list, tuple)) else [found]
    np.savez(answers, **{f"{i}": np.asarray(x) for i, x in enumerate(found)})
"""


def pictures_for(model: Model, n: int = 6, seed: int = 0) -> np.ndarray:
    """Return random uint8 pictures of a network's size: smooth ones with noise, no two alike."""
    rng = np.random.default_rng(seed)
    height, width, channels = model.input_shape
    rough = rng.random((n, 4, 4, channels))
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    smooth = rough[:, rows][:, :, columns]
    return np.asarray((0.6 * smooth + 0.4 * rng.random((n, height, width, channels))) * 255, np.uint8)


def node_by_node(
    model: Model, given: np.ndarray, change: Callable[[int, Any], Any] = lambda index, tensor: tensor
) -> list[tuple[Any, ...]]:
    """Return what every node answers to pictures in the network's own range.

    Args:
        model: The network.
        given: `(n, h, w, c)`.
        change: Takes a node and the tensor it is about to read, and returns what it reads instead.
    """
    values: list[tuple[Any, ...]] = []
    for index, node in enumerate(model.nodes):
        tensors = [change(index, values[at][which]) for at, which in node.inputs]
        values.append((given,) if node.kind == "input" else node.call(tensors))
    return values


def outputs_of(model: Model, values: Sequence[tuple[Any, ...]]) -> list[np.ndarray]:
    """Return the outputs among what all nodes answered."""
    return [np.asarray(values[index][which]) for index, which in model.outputs]


def masked_by_hand(
    model: Model, groups: Groups, removed: np.ndarray, given: np.ndarray
) -> list[tuple[Any, ...]]:
    """Return what every node answers while layers with weights read channels that are gone as their means.

    The means are those over these pictures of the whole network, for each place of a flattened map.
    """
    whole = node_by_node(model, given)
    readers = set(groups.channels.readers)
    gone = set(groups.labels[removed].tolist())

    def masked(index: int, tensor: Any) -> Any:
        if index not in readers:
            return tensor
        ref = model.nodes[index].inputs[0]
        labels = groups.channels.labels[ref]
        before = np.asarray(whole[ref[0]][ref[1]])
        calls = [ref for i in readers if model.nodes[i].operation is model.nodes[index].operation
                 for ref in model.nodes[i].inputs]  # fmt: skip
        all_read = np.concatenate([np.asarray(whole[at][which]) for at, which in calls])
        mean = all_read.mean(axis=tuple(range(before.ndim - 1)) if before.ndim > 2 else 0)
        lost = np.isin(labels, list(gone)).reshape(-1, labels.shape[-1])[0]
        return np.where(lost, mean, np.asarray(tensor)).astype(before.dtype)

    return node_by_node(model, given, masked)


def trial_of(model: Model, pictures: np.ndarray, *, compensate: bool = True, layers: Any = None) -> Search:
    """Return where removal is tried, with what was measured on these pictures."""
    groups = groups_of_units(model, layers)
    trial = Trial(model, groups, min(len(pictures), 8))
    moments = moments_of(trial.read(pictures), groups.readers)
    return Search(MeasuredTrial(trial, moments, compensate, [1e-3] * len(groups.readers)), {})


def some_groups(groups: Groups, share: float, seed: int = 0) -> np.ndarray:
    """Return `(G,)`: a random share of the units, never all of a layer."""
    rng = np.random.default_rng(seed)
    removed, left = np.zeros(len(groups), bool), RemainingUnits(groups)
    for group in np.flatnonzero(rng.random(len(groups)) < share).tolist():
        if left.can_remove(group):
            left.remove(group)
            removed[group] = True
    return removed


def without(search: Search, removed: np.ndarray, pictures: np.ndarray) -> list[np.ndarray]:
    """Return what the trial answers without groups, after the softmax or sigmoid the network ends in."""
    trial = search.measured.trial
    trial.apply(search.measured.refits(removed))
    ends = [end_of(trial.model, ref).node for ref in trial.model.outputs]
    found = trial.outputs(pictures)
    return [a if e < 0 else np.asarray(trial.model.nodes[e].call([a])[0])
            for e, a in zip(ends, found, strict=True)]  # fmt: skip


def written(search: Search, removed: np.ndarray, pictures: np.ndarray, path: Path) -> list[np.ndarray]:
    """Save the smaller network and the batch it is to be given; return what it answers before it is saved."""
    made = smaller(search, removed)
    made.network.save(path)
    arrays = made.with_held(in_range(pictures, search.measured.trial.model))
    np.savez(path.with_suffix(".given.npz"), **{f"{i}": a for i, a in enumerate(arrays)})
    return made.predicted(in_range(pictures, search.measured.trial.model))


def opened_plainly(paths: Sequence[Path]) -> list[list[np.ndarray]]:
    """Return what files that `written` saved answer in a process that may not import this package."""
    jobs = [[str(p), str(p.with_suffix(".given.npz")), str(p.with_suffix(".answers.npz"))] for p in paths]
    folder = paths[0].parent
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    found = subprocess.run(
        [sys.executable, "-P", "-c", _PLAIN, json.dumps(jobs)],
        cwd=folder, env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-3000:]
    answers = []
    for _, _, path in jobs:
        arrays = np.load(path)
        answers.append([arrays[f"{i}"] for i in range(len(arrays.files))])
    return answers


def apart(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> float:
    """Return the largest difference of any output, as a share of the largest value of that output."""
    assert [f.shape for f in found] == [w.shape for w in wanted]
    shares = [float(np.abs(f - w).max() / max(1e-6, np.abs(w).max()))
              for f, w in zip(found, wanted, strict=True) if f.size]  # fmt: skip
    return max(shares)
