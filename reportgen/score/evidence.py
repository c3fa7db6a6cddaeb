"""All that is known of one layer, read from the store: pictures, telemetry and measurements.

Pictures are decoded when asked for, a unit at a time, since a layer's pictures together may not fit
memory; so evidence holds as long as its store is open. What any of it means is not known here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.images import decode_png
from reportgen.sentences.layers import rendered_in_words
from reportgen.spec import AROUND_PLACES, RenderSpec, ScoreSpec, content_hash
from reportgen.store import ModelRecord, Store, layer_owner, null_owner
from reportgen.units import Layer, Telemetry

SCORE_VERSION = 13
"""Raised whenever the same evidence gives other scores."""

Picture = NDArray[np.uint8]
Arrays = Mapping[str, np.ndarray]

SUPPLEMENTARY_VERSION = 1
"""Raised whenever supplementary findings of the same scores change."""

_MEASURED = ("probes", "renders", "flat", "bounds", "weights", "null")
_FEW = 4
"""Layers with fewer than this many times `min_comparison` units also read other layers' pictures."""
_FROM_EACH_LAYER, _IN_ALL = 16, 96
_LIKE = 1.5
"""Canvases are similar if no side is more than this many times the other's."""


@dataclass(frozen=True)
class LayerEvidence:
    """What is known of one layer.

    Attributes:
        layer: The layer.
        pictures: Of each unit, by seed: `(h, w, c)` uint8, the happy pictures of the scored recipe that
            did not fail.
        telemetry: Of the same pictures.
        failures: Units some of whose renders failed, with the first reason; a unit that is not in
            `pictures` failed altogether.
        null: `(m, h, w, c)` uint8 pictures of the renderer null, or None.
        around: Whether its pictures were moved around their own edges, so that they have no frame.
        comparison: Pictures of other layers at a like canvas, in case the layer's own are too few; of
            those moved around their edges only, where this layer's are.
        probes, renders, flat, bounds, weights: Measured arrays, or None.
        note: What a reader should know of the whole, such as `3 of 64 units rendered`; else empty.
        assumed_range: The input range in use where nothing but an assumption speaks for it; else empty.
    """

    layer: Layer
    pictures: Mapping[int, Mapping[int, Picture]]
    telemetry: Mapping[int, Mapping[int, Telemetry]] = field(default_factory=dict)
    failures: Mapping[int, str] = field(default_factory=dict)
    null: Picture | None = None
    around: bool = False
    comparison: Sequence[Picture] = ()
    probes: Arrays | None = None
    renders: Arrays | None = None
    flat: Arrays | None = None
    bounds: Arrays | None = None
    weights: Arrays | None = None
    note: str = ""
    assumed_range: str = ""

    @property
    def n_units(self) -> int:
        """Units of the layer, rendered or not."""
        return self.layer.n_units

    @property
    def units(self) -> list[int]:
        """Units that were rendered or failed, in order."""
        return sorted({*self.pictures, *self.failures})


def read_evidence(store: Store, model: ModelRecord, layer: Layer | str) -> LayerEvidence:
    """Return all that the store knows of a layer.

    Args:
        store: Stays open while the evidence is used.
        model: A record with an id.
        layer: One of the model's layers, or its name.

    Raises:
        KeyError: The model has no layer of that name.
    """
    layer = model.layer(layer) if isinstance(layer, str) else layer
    recipe = _scored_recipe(model, layer.name)
    seeds: dict[int, dict[int, Telemetry]] = {}
    failures: dict[int, str] = {}
    canvas = (0, 0)
    for r in store.renders(model.id, layer.name, recipe=recipe, sign="happy") if recipe else ():
        if r.failure:
            failures.setdefault(r.unit, r.failure)
        else:
            seeds.setdefault(r.unit, {})[r.seed] = r.telemetry
            canvas = canvas if any(canvas) else (r.height, r.width)
    owner = layer_owner(model.id, layer.name)
    measured = {name: store.measurement(owner, name) for name in _MEASURED if name != "null"}
    rendered = len({*seeds, *failures})
    return LayerEvidence(
        layer=layer,
        pictures=_StoredPictures(store, model.id, layer.name, recipe, seeds),
        telemetry=seeds,
        failures=failures,
        null=_null(store, owner),
        around=_around(model, layer, store.recipes().get(recipe), canvas),
        comparison=_StoredComparison(store, model, layer, rendered),
        note=rendered_in_words(rendered, layer.n_units),
        assumed_range=_assumed_range(model),
        **measured,
    )


def evidence_fingerprint(store: Store, model: ModelRecord, layer: Layer, spec: ScoreSpec) -> str:
    """Return a hash of all that a layer's scores depend on; no picture is read.

    Empty where nothing of the layer was rendered with the scored recipe.
    """
    recipe = _scored_recipe(model, layer.name)
    keys = _keys(store, model.id, layer.name, recipe)
    if not keys:
        return ""
    owner = layer_owner(model.id, layer.name)
    marks = {name: store.measurement_fingerprint(owner, name) for name in _MEASURED}
    comparison = [
        key
        for other in _compared_layers(model, layer, len({unit for unit, _, _ in keys}))
        for _, _, key in _first_seeds(_keys(store, model.id, other.name, recipe))
    ]
    return content_hash(
        {
            "version": SCORE_VERSION,
            "told": SUPPLEMENTARY_VERSION,
            "spec": dataclasses.asdict(spec),
            "layer": dataclasses.asdict(layer),
            "assumed_range": _assumed_range(model),
            "keys": keys,
            "measured": marks,
            "null": store.measurement_fingerprint(null_owner(marks["null"]), "pictures"),
            "comparison": comparison,
        }
    )


class _StoredPictures(Mapping[int, Mapping[int, Picture]]):
    """A layer's pictures by unit and seed, decoded when a unit is asked for."""

    def __init__(
        self, store: Store, model: int, layer: str, recipe: str, seeds: Mapping[int, Mapping[int, Telemetry]]
    ) -> None:
        self._store, self._model, self._layer, self._recipe, self._seeds = store, model, layer, recipe, seeds

    def __len__(self) -> int:
        return len(self._seeds)

    def __iter__(self) -> Iterator[int]:
        return iter(self._seeds)

    def __contains__(self, unit: object) -> bool:
        return unit in self._seeds

    def __getitem__(self, unit: int) -> Mapping[int, Picture]:
        if unit not in self._seeds:
            raise KeyError(unit)
        rows = self._store.renders(self._model, self._layer, recipe=self._recipe, sign="happy", units=[unit])
        return {r.seed: decode_png(r.picture, r.channels) for r in rows if not r.failure}


class _StoredComparison(Sequence[Picture]):
    """Pictures of other layers at a like canvas, read when first asked for."""

    def __init__(self, store: Store, model: ModelRecord, layer: Layer, rendered: int) -> None:
        self._store, self._model, self._layer, self._rendered = store, model, layer, rendered
        self._read: list[Picture] | None = None

    def __len__(self) -> int:
        return len(self._pictures())

    def __getitem__(self, index: Any) -> Any:
        return self._pictures()[index]

    def _pictures(self) -> list[Picture]:
        if self._read is None:
            self._read = list(self._found())[:_IN_ALL]
        return self._read

    def _found(self) -> Iterator[Picture]:
        recipe = _scored_recipe(self._model, self._layer.name)
        sizes = [(r.height, r.width) for r in self._some(self._layer.name, recipe, 1)]
        how = self._store.recipes().get(recipe)
        framed = bool(sizes) and not _around(self._model, self._layer, how, sizes[0])
        for other in _compared_layers(self._model, self._layer, self._rendered) if sizes else ():
            for r in self._some(other.name, recipe, _FROM_EACH_LAYER):
                if not (framed or _around(self._model, other, how, (r.height, r.width))):
                    continue
                ratios = (r.height / sizes[0][0], r.width / sizes[0][1])
                if not r.failure and all(1 / _LIKE <= x <= _LIKE for x in ratios):
                    yield decode_png(r.picture, r.channels)

    def _some(self, layer: str, recipe: str, count: int) -> list[Any]:
        chosen = _first_seeds(_keys(self._store, self._model.id, layer, recipe))[:count]
        if not chosen:
            return []
        wanted = {key for _, _, key in chosen}
        rows = self._store.renders(
            self._model.id, layer, recipe=recipe, sign="happy", units=[unit for unit, _, _ in chosen]
        )
        return [r for r in rows if r.key in wanted]


def _compared_layers(model: ModelRecord, layer: Layer, rendered: int) -> list[Layer]:
    """Return the layers whose pictures may be compared with, nearest first; none for large layers."""
    if rendered >= _FEW * ScoreSpec().min_comparison:
        return []
    others = [x for x in model.layers if x.name != layer.name]
    return sorted(others, key=lambda x: (abs(x.position - layer.position), x.position))


def _around(model: ModelRecord, layer: Layer, recipe: RenderSpec | None, canvas: tuple[int, int]) -> bool:
    """Return whether pictures of a layer at a canvas were moved around their own edges."""
    if recipe is None or not recipe.jitter_px or layer.map_size is None or layer.stride_px is None:
        return False
    cut_off = (n - c for n, c in zip(model.input_shape[:2], canvas, strict=True))
    places = [m - n / s for m, n, s in zip(layer.map_size, cut_off, layer.stride_px, strict=True)]
    return any(canvas) and min(places) >= AROUND_PLACES


def _keys(store: Store, model: int, layer: str, recipe: str) -> list[tuple[int, int, str]]:
    return [
        (unit, seed, key)
        for unit, hash_, sign, seed, key in store.placements(model, layer)
        if hash_ == recipe and sign == "happy"
    ]


def _first_seeds(keys: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Return one picture of each of up to 16 units, spread over the layer."""
    first: dict[int, tuple[int, int, str]] = {}
    for row in keys:
        first.setdefault(row[0], row)
    rows = list(first.values())
    if len(rows) <= _FROM_EACH_LAYER:
        return rows
    return [rows[i * len(rows) // _FROM_EACH_LAYER] for i in range(_FROM_EACH_LAYER)]


def _null(store: Store, owner: str) -> Picture | None:
    setting = store.measurement(owner, "null")
    if setting is None or not len(setting.get("setting", ())):
        return None
    arrays = store.measurement(null_owner(str(setting["setting"][0])), "pictures")
    return None if arrays is None else arrays.get("pictures")


def _assumed_range(model: ModelRecord) -> str:
    return str(model.input_range) if model.input_range.source == "assumed" else ""


def _scored_recipe(model: ModelRecord, layer: str) -> str:
    return str(model.roles(layer).get("scored", ""))
