"""Ways of taking units away, on the same network and the same pictures."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SETS = {"order": 256, "choose": 1000, "report": 1000}
"""Pictures. Those that choose and report are many, so that a point of accuracy is not a matter of chance;
those that order are as many as `prune` uses."""
RANDOM_DRAWS = 2
MAX_LOSS = 0.01


@dataclass(frozen=True)
class Taken:
    """What one way of removal took.

    Attributes:
        removed: Units, chosen on the pictures that choose, at one point of accuracy.
        accuracy: On the pictures that report, without them.
    """

    removed: int
    accuracy: float


@dataclass(frozen=True)
class Compared:
    """One network.

    Attributes:
        kind, seed: Of `prune_networks`.
        units: That can be removed.
        accuracy: On the pictures that report, with all of them.
        ours: The order and the compensation that `prune` uses.
        plain: First-order order and the mean in place of what is gone: `prune --no-compensate`.
        mixed: That order, with the compensation.
        random: Draws at random, with the compensation.
    """

    kind: str
    seed: int
    units: int
    accuracy: float
    ours: Taken
    plain: Taken
    mixed: Taken
    random: Sequence[Taken]

    @property
    def ratio(self) -> float:
        """Units that ours takes, against the plain order."""
        return self.ours.removed / max(1, self.plain.removed)


def compared(pair: tuple[str, int]) -> Compared:
    """Train the network of a kind and seed, and take units away in every way."""
    from benchmarks.prune_networks import KINDS, trained
    from reportgen.models import load_model
    from reportgen.prune.search import SearchOptions, find_removable, start_search
    from reportgen.prune.sets import PictureSet

    kind, seed = pair
    network = trained(KINDS[kind], seed)
    rng = np.random.default_rng([seed, 1])
    sets = {}
    for name, n in SETS.items():
        pictures, classes = KINDS[kind].draw(rng, n)
        sets[name] = PictureSet(pictures, classes, network.output_shape[-1])
    with tempfile.TemporaryDirectory() as folder:
        network.save(Path(folder) / "network.keras")
        model = load_model(Path(folder) / "network.keras", input_range=(0, 255))
    ours = start_search(model, sets, SearchOptions(max_loss=MAX_LOSS), batch=64)
    plain = dataclasses.replace(ours, measured=dataclasses.replace(ours.measured, compensate=False))
    judge = ours.judges["report"]
    first = find_removable(plain, SearchOptions(max_loss=MAX_LOSS, compensate=False))
    draws = [SearchOptions(max_loss=MAX_LOSS, order="random", seed=draw) for draw in range(RANDOM_DRAWS)]
    return Compared(
        kind,
        seed,
        len(ours.groups),
        float(np.mean(judge.whole[0][:, 0] == judge.labels)),
        _taken(ours, find_removable(ours, SearchOptions(max_loss=MAX_LOSS))),
        _taken(plain, first),
        along(ours, first.ordering),
        [_taken(ours, find_removable(ours, wanted)) for wanted in draws],
    )


def _taken(search: Any, found: Any) -> Taken:
    from reportgen.prune.curves import shares_without

    share = shares_without(search.measured, search.judges["report"], found.removed())
    return Taken(found.count, share.accuracy)


def along(search: Any, ordering: Any) -> Taken:
    """Return what goes in an order that another search found."""
    from reportgen.prune.curves import choice_of, removed_after, shares_along, shares_without

    curve = shares_along(search.measured, search.judges["choose"], ordering.order, ordering.counts)
    count = choice_of(curve, MAX_LOSS).steady
    gone = removed_after(len(search.groups), ordering.order, count)
    return Taken(count, shares_without(search.measured, search.judges["report"], gone).accuracy)
