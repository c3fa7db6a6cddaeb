"""A version as a comparison needs it, read from its store a layer at a time: scores, answers, weights.

No picture is decoded and no model loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reportgen.comparison import Side, VersionId
from reportgen.plan import canvas_for
from reportgen.spec import RECIPES, for_kind
from reportgen.store import ModelRecord, Store, layer_owner
from reportgen.units import Layer, UnitScore
from reportgen.verdicts import DEAD

Arrays = Mapping[str, np.ndarray]
Floats = NDArray[np.float32]

CROSS = "cross"
"""First word of the name under which a layer's answers to another version's HappyMaps are kept."""


@dataclass(frozen=True)
class Version:
    """A model version in an open store."""

    store: Store
    record: ModelRecord

    @property
    def id(self) -> VersionId:
        """What it is called."""
        r = self.record
        return VersionId(r.name, r.version, r.file_hash, self.store.path.name, r.id)

    def canvas(self, layer: Layer) -> tuple[int, int]:
        """Return height and width of the pictures a layer was asked about."""
        scored = self.store.recipes().get(str(self.record.roles(layer.name).get("scored", "")))
        recipe = for_kind(scored or RECIPES["default"], layer.kind)
        return canvas_for(layer, self.record.input_shape[:2], recipe)


@dataclass(frozen=True)
class LayerRows:
    """What is known of one layer of a version.

    Attributes:
        scores: By unit.
        probes: Answers to the probes, or None.
        links: Incoming and outgoing weights, or None.
        own: Answers `(n, K)` to its own HappyMaps, the mean of each, a row for each picture kept; or None.
        own_marks: Unit and seed of those pictures.
    """

    layer: Layer
    scores: Mapping[int, UnitScore]
    probes: Arrays | None
    links: Arrays | None
    own: Floats | None = None
    own_marks: tuple[tuple[int, int], ...] = field(default=(), repr=False)

    def side(self, unit: int) -> Side:
        """Return what is reported of a unit."""
        s = self.scores.get(unit)
        if s is None:
            return Side(unit)
        return Side(unit, s.verdict, s.verdict_detail, s.structure, s.consistency, s.borderline)

    def dead(self, unit: int) -> bool:
        """Whether a unit was judged dead or constant."""
        return unit in self.scores and self.scores[unit].verdict == DEAD.word

    @property
    def kernel(self) -> NDArray[np.float64] | None:
        """Weights of a first convolution, `(K, n)`; None for any other layer."""
        kernel = (self.links or {}).get("kernel")
        if kernel is None or kernel.shape[-1] != self.layer.n_units:
            return None
        return np.asarray(kernel, np.float64).reshape(-1, self.layer.n_units).T


def read_layer(version: Version, layer: Layer) -> LayerRows:
    """Return what the store knows of a layer."""
    owner = layer_owner(version.record.id, layer.name)
    renders = version.store.measurement(owner, "renders")
    own, marks = _own_activations(renders, layer.n_units)
    return LayerRows(
        layer=layer,
        scores={s.unit: s for s in version.store.scores(version.record.id, layer.name)},
        probes=version.store.measurement(owner, "probes"),
        links=version.store.measurement(owner, "weights"),
        own=own,
        own_marks=marks,
    )


def cross_name(other: VersionId, layer: str) -> str:
    """Return the name under which answers to another version's HappyMaps of a layer are kept."""
    return f"{CROSS} {other.file_hash[:16]} {layer}"


def cross_answers(version: Version, layer: Layer, other: Version, other_rows: LayerRows) -> Floats | None:
    """Return `(n, K)`: a layer's answers to the HappyMaps that `other_rows.own` is about, or None."""
    kept = version.store.measurement(
        layer_owner(version.record.id, layer.name), cross_name(other.id, other_rows.layer.name)
    )
    if kept is None or "mean" not in kept or kept["mean"].shape[1:] != (layer.n_units,):
        return None
    rows = {(int(u), int(s)): i for i, (u, s) in enumerate(zip(kept["unit"], kept["seed"], strict=True))}
    if not other_rows.own_marks or any(mark not in rows for mark in other_rows.own_marks):
        return None
    return np.asarray(kept["mean"][[rows[mark] for mark in other_rows.own_marks]], np.float32)


def _own_activations(
    renders: Arrays | None, n_units: int
) -> tuple[Floats | None, tuple[tuple[int, int], ...]]:
    """Return answers to the first picture of each unit, and which pictures they are."""
    if renders is None or not {"unit", "seed", "mean"} <= set(renders):
        return None, ()
    if renders["mean"].shape[1:] != (n_units,):
        return None, ()
    first: dict[int, int] = {}
    for i, unit in enumerate(renders["unit"]):
        first.setdefault(int(unit), i)
    at = list(first.values())
    marks = tuple((int(renders["unit"][i]), int(renders["seed"][i])) for i in at)
    return np.asarray(renders["mean"][at], np.float32), marks


def incoming(rows: LayerRows) -> Floats | None:
    """Return `(K, n)` strengths of each unit's strongest incoming links, largest first; None if unknown.

    Their order does not say which unit a link comes from, so a network whose channels are
    permuted has the same. A first convolution gives its kernel.
    """
    kernel = rows.kernel
    if kernel is not None:
        return kernel.astype(np.float32)
    norm = (rows.links or {}).get("in_norm")
    if norm is None or norm.ndim != 2 or len(norm) != rows.layer.n_units or not norm.shape[1]:
        return None
    return np.sort(np.asarray(norm, np.float32), axis=1)[:, ::-1]
