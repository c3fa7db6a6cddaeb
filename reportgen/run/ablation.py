"""The proof by ablation: what a network loses without the units that were flagged, beside as many others.

Verdicts say which units are flagged; here a person's own pictures say what they were worth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.config import Settings
from reportgen.folder import evenly
from reportgen.run.natural import Pictures, at_once, open_pictures
from reportgen.run.reporting import Reporter
from reportgen.score import flagged_units
from reportgen.spec import content_hash
from reportgen.store import ModelRecord, Store, layer_owner, model_owner
from reportgen.units import Layer

if TYPE_CHECKING:
    from reportgen.measure import Silencer
    from reportgen.models import Model

ABLATION_VERSION = 1
"""Raised whenever the same units would be compared in another way."""

DRAWS = 5
"""Random choices of as many other units."""

MOST_PICTURES = 400
"""Pictures that are put to a network without some of its units, at most, as many of each class."""

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class _Trials:
    """One question: these units of these layers together, or as many others."""

    flagged: Mapping[str, Sequence[int]]
    structured: Mapping[str, Sequence[int]]
    n_units: Mapping[str, int]

    def random(self, draw: int, key: int) -> dict[str, list[int]]:
        """Return as many units of each layer, drawn from all of it."""
        return {
            name: self._drawn(range(self.n_units[name]), len(units), draw, key)
            for name, units in self.flagged.items()
        }

    def of_structured(self, draw: int, key: int) -> dict[str, list[int]]:
        """Return as many structured units of each layer that are not flagged, or all there are."""
        return {
            name: self._drawn(self.structured[name], len(units), draw, key)
            for name, units in self.flagged.items()
        }

    @staticmethod
    def _drawn(units: Sequence[int], count: int, draw: int, key: int) -> list[int]:
        chance = np.random.default_rng([draw, key, len(units), count])
        return sorted(int(u) for u in chance.permutation(np.asarray(units, int))[:count])


def ablate(store: Store, model: ModelRecord, load: Callable[[], Model], settings: Settings, natural: str,
           reporter: Reporter, stop: Callable[[], bool]) -> None:  # fmt: skip
    """Measure what is lost without a layer's flagged units, layer by layer and in all layers together.

    Args:
        model: Scored, and measured with `measure_natural`.
        natural: The fingerprint of that.
        load: Gives the network, and is called only where something is missing.
        stop: Asked between layers.

    What was measured of the same units on the same pictures is kept.
    """
    found = {x.name: _trials(store, model, x) for x in model.layers}
    some = {name: t for name, t in found.items() if t.flagged}
    together = _Trials(
        {name: units for t in some.values() for name, units in t.flagged.items()},
        {name: units for t in some.values() for name, units in t.structured.items()},
        {name: n for t in some.values() for name, n in t.n_units.items()},
    )
    asked = {layer_owner(model.id, name): t for name, t in found.items()}
    asked[model_owner(model.id)] = together
    marks = {owner: _mark(t, natural) for owner, t in asked.items()}
    left = [o for o in asked if store.measurement_fingerprint(o, "ablation") != marks[o]]
    questions = [owner for owner in left if asked[owner].flagged]
    for owner in set(left) - set(questions):
        store.put_measurement(owner, "ablation", marks[owner], {"n_flagged": np.array([0])})
    if not questions or stop():
        return
    network = load()
    pictures, labels, about = _chosen(store, model, open_pictures(settings, model))
    judge = _judge(store, model, network, settings, pictures, labels, about)
    for owner in questions:
        if stop():
            return
        outcome = judge.outcome(asked[owner])
        store.put_measurement(owner, "ablation", marks[owner], outcome)
    reporter.say(f"ablation: {len(pictures):,} pictures without the flagged units of {len(some)} layers")


def _trials(store: Store, model: ModelRecord, layer: Layer) -> _Trials:
    flagged = flagged_units(store.findings(model.id, layer.name))
    rows = store.scores(model.id, layer.name)
    structured = [s.unit for s in rows if s.verdict == "structured" and s.unit not in flagged]
    return _Trials(
        {layer.name: flagged} if flagged else {}, {layer.name: structured}, {layer.name: layer.n_units}
    )


def _mark(trials: _Trials, natural: str) -> str:
    return content_hash(
        {
            "version": ABLATION_VERSION,
            "natural": natural,
            "flagged": trials.flagged,
            "structured": {name: trials.structured[name] for name in trials.flagged},
        }
    )


def _chosen(store: Store, model: ModelRecord, pictures: Pictures) -> tuple[np.ndarray, np.ndarray, Arrays]:
    """Return the pictures that are used, their classes, and what is known of all of them."""
    about = store.measurement(model_owner(model.id), "natural") or {}
    labels = about["labels"]
    every = np.arange(len(about["names"]))
    groups = [every[labels == c].tolist() for c in range(len(about["classes"]))] if len(labels) else [every]
    index = [i for group in evenly([list(g) for g in groups], MOST_PICTURES) for i in group]
    shown = np.stack([pictures.load(str(about["names"][i])) for i in index])
    return shown, labels[index] if len(labels) else labels, about


@dataclass(frozen=True)
class _Judge:
    """Puts pictures to a network without some units and compares its decisions with those of all units."""

    silencer: Silencer
    pictures: np.ndarray
    labels: np.ndarray
    whole: list[np.ndarray]
    of: int
    cut: float
    can: frozenset[str]

    def outcome(self, trials: _Trials) -> Arrays:
        """Return what is kept of one question (docs/formats.md)."""
        trials = dataclasses.replace(
            trials, flagged={name: u for name, u in trials.flagged.items() if name in self.can}
        )
        if not trials.flagged:
            return {"n_flagged": np.array([0])}
        key = sum(len(u) for u in trials.flagged.values())
        flagged = [dict(trials.flagged)]
        random = [trials.random(draw, key) for draw in range(DRAWS)]
        structured = [trials.of_structured(draw, key) for draw in range(DRAWS)]
        if sum(map(len, structured[0].values())) == sum(map(len, trials.structured.values())):
            structured = structured[:1]  # All there are: every draw is the same.
        found: Arrays = {
            "n_pictures": np.array([len(self.pictures)]),
            "n_flagged": np.array([key]),
            "n_structured": np.array([sum(map(len, structured[0].values()))]),
            "n_layers": np.array([len(trials.flagged)]),
            "whole_accuracy": self._numbers([self.whole])[1],
        }
        if len(trials.flagged) == 1:
            found["flagged"] = np.array(next(iter(trials.flagged.values())), np.int32)
        for name, some in (("flagged", flagged), ("random", random), ("structured", structured)):
            if any(any(units for units in trial.values()) for trial in some):
                answers = [self.silencer.decisions(self.pictures, trial) for trial in some]
                found[f"{name}_agreement"], found[f"{name}_accuracy"] = self._numbers(answers)
        return found

    def _numbers(self, answers: Sequence[list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        """Return shares of decisions that stay, and shares that are right (none without classes)."""
        kept = [
            np.mean([_alike(a, w) for a, w in zip(answer, self.whole, strict=True)]) for answer in answers
        ]
        if self.of < 0:
            return np.array(kept), np.empty(0)
        return np.array(kept), np.array([np.mean(self._classes(a[self.of]) == self.labels) for a in answers])

    def _classes(self, decisions: np.ndarray) -> np.ndarray:
        if decisions.dtype == np.float32:  # One number for two classes.
            return np.asarray(decisions[:, 0] > self.cut, np.int32)
        return decisions[:, 0]


def _alike(now: np.ndarray, whole: np.ndarray) -> float:
    """Return the share of decisions that stay; single numbers stay on their side of the median."""
    if whole.dtype == np.float32:
        middle = np.median(whole)
        return float(np.mean((now > middle) == (whole > middle)))
    return float(np.mean(now == whole))


def _judge(store: Store, model: ModelRecord, network: Model, settings: Settings, pictures: np.ndarray,
           labels: np.ndarray, about: Arrays) -> _Judge:  # fmt: skip
    from reportgen.measure import Silencer, can_be_replaced

    can = [layer.name for layer in model.layers if can_be_replaced(network, layer.name)]
    means = {}
    for name in can:
        found = store.measurement(layer_owner(model.id, name), "natural")
        if found is not None:
            means[name] = found["mean"]
    silencer = Silencer(network, means, at_once(network))
    of, cut = _classifying(network, len(about["classes"]))
    return _Judge(
        silencer, pictures, labels, silencer.decisions(pictures, {}), of, cut, frozenset(means)
    )  # fmt: skip


def _classifying(network: Model, n_classes: int) -> tuple[int, float]:
    """Return which output has a unit for each class, -1 for none, and the cut of a single unit."""
    for place, (index, output) in enumerate(network.outputs):
        node = network.nodes[index]
        shape: Any = node.output_shapes[output]
        if len(shape) == 2 and n_classes >= 2 and (shape[1] == n_classes or (shape[1], n_classes) == (1, 2)):
            return place, 0.5 if node.function in ("sigmoid", "hard_sigmoid") else 0.0
    return -1, 0.0
