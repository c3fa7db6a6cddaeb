"""A store's contents as Python objects: a model version, its layers, their units, and pictures.

Values are read on first access and then kept; no file stays open, and no framework is needed. Every object
has an HTML representation for notebooks.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex, overload

from reportgen.atlas.addresses import Place, places
from reportgen.atlas.rows import RenderRow, lead_of, render_rows
from reportgen.atlas.table import COLUMNS, Row, layer_rows
from reportgen.atlas.words import kind_in_words
from reportgen.errors import ConfigError, StoreError, UnknownLayer, UnknownUnit, in_brief, suggestion
from reportgen.json_values import Json
from reportgen.run.notebook_views import atlas_html, layer_html, unit_html, units_html
from reportgen.run.removal_report import RemovalReport
from reportgen.run.results import Verdicts
from reportgen.run.unit_pictures import Pictures, UnitPicture, differing_numbers
from reportgen.store import ModelRecord, open_store, pictures_by_key
from reportgen.units import Layer, activation_of, visible_line

if TYPE_CHECKING:
    import pandas


class AtlasUnit:
    """A unit in the store: its verdict, the reason, its numbers and pictures.

    Attributes:
        layer: The layer it belongs to.
        number: Its index in the layer, from 0.
        row: Its row of the verdict table (columns: docs/formats.md).
    """

    def __init__(self, layer: AtlasLayer, number: int, row: Row) -> None:
        self.layer = layer
        self.number = number
        self.row = row

    @property
    def verdict(self) -> str:
        """The unit's verdict; empty if it was not scored."""
        return str(self.row["verdict"] or "")

    @property
    def reason(self) -> str:
        """The reason for the verdict, in one line; empty if it was not scored."""
        return str(self.row["reason"] or "")

    @cached_property
    def pictures(self) -> Pictures:
        """All its pictures: the one that represents it first, the others by recipe, sign and seed.

        Raises:
            StoreError: The store cannot be read.
        """
        return self.layer.pictures_of([self.number])[self.number]

    def to_frame(self) -> pandas.DataFrame:
        """Return its row of the verdict table as a data frame.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return Verdicts((self.row,)).to_frame()

    def __repr__(self) -> str:
        return f"<unit {self.number} of {visible_line(self.layer.name)}: {self.verdict or 'not scored'}>"

    def _repr_html_(self) -> str:
        return unit_html(self)


class AtlasLayer:
    """A layer in the store: `layer[3]` is its unit 3; iteration yields the units that were rendered.

    Attributes:
        name: In the network.
        kind: What it computes, such as `conv`.
        n_units: How many units it has in the network.
    """

    def __init__(self, atlas: Atlas, layer: Layer) -> None:
        self._atlas, self._layer = atlas, layer
        self.name, self.kind, self.n_units = layer.name, layer.kind, layer.n_units

    @cached_property
    def _rows(self) -> dict[int, Row]:
        with open_store(self._atlas.path) as store:
            rows = layer_rows(store, self._atlas.record, self._atlas.place, self._layer)
            return {int(row["unit"] or 0): row for row in rows}

    @cached_property
    def _units(self) -> dict[int, AtlasUnit]:
        return {number: AtlasUnit(self, number, row) for number, row in self._rows.items()}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[AtlasUnit]:
        return iter(self._units.values())

    def __getitem__(self, unit: SupportsIndex) -> AtlasUnit:
        try:
            number = operator.index(unit)
        except TypeError:
            raise UnknownUnit(f'layer "{self.name}": unit {in_brief(unit)} is not an integer') from None
        if number not in self._rows:
            raise self._unknown(number)
        return self._units[number]

    def _unknown(self, number: int) -> UnknownUnit:
        last = self.n_units - 1
        if not 0 <= number <= last:
            nearest = min(max(number, 0), last)
            return UnknownUnit(
                f'layer "{self.name}" has units 0 to {last}, not {in_brief(number)}',
                hint=f"did you mean {nearest}?",
            )
        near = min(self._rows, key=lambda known: abs(known - number), default=None)
        return UnknownUnit(
            f'layer "{self.name}": unit {number} was not rendered',
            hint="no unit of it was rendered"
            if near is None
            else f"{len(self)} units were; the nearest is {near}",
        )

    @property
    def kind_in_words(self) -> str:
        """What it computes, such as `convolution`."""
        return kind_in_words(self._layer)

    @property
    def counts(self) -> dict[str, int]:
        """Units by verdict; those that were not scored under an empty word."""
        return dict(Counter(unit.verdict for unit in self))

    def pictures_of(self, units: Sequence[int]) -> dict[int, Pictures]:
        """Return the pictures of several units at once, by unit; see `AtlasUnit.pictures`.

        Raises:
            StoreError: The store cannot be read.
        """
        record = self._atlas.record
        with open_store(self._atlas.path) as store:
            recipes = store.recipes()
            renders = render_rows(store, record, self._layer, units)
            rows = {unit: self._ordered(unit, renders.get(unit, ())) for unit in units}
            wanted = [row.key for own in rows.values() for row in own]
            data = {found.key: found.png for found in pictures_by_key(store, wanted)}
        used = {row.recipe for own in rows.values() for row in own}
        known = differing_numbers({hash_: recipes[hash_] for hash_ in used if hash_ in recipes}, self.kind)
        return {
            unit: Pictures(
                self._picture(row, *known.get(row.recipe, ("", {})), data.get(row.key, b"")) for row in own
            )
            for unit, own in rows.items()
        }

    def _ordered(self, unit: int, renders: Sequence[RenderRow]) -> list[RenderRow]:
        roles = self._atlas.record.roles(self.name)
        lead = lead_of(renders, roles, self._units[unit].verdict)
        order = {hash_: at for at, hash_ in enumerate(roles.get("sweep") or (), 2)}
        order |= {roles.get("scored"): 1, roles.get("shown"): 0}
        last = len(order) + 2
        return sorted(
            renders, key=lambda r: (r is not lead, order.get(r.recipe, last), r.recipe, r.sign, r.seed)
        )

    def _picture(self, row: RenderRow, recipe: str, numbers: Mapping[str, Json], png: bytes) -> UnitPicture:
        telemetry = row.telemetry
        start = activation_of(telemetry.activation_start, row.sign)
        end = activation_of(telemetry.activation_end, row.sign)
        return UnitPicture(
            self.name,
            row.unit,
            row.sign,
            row.seed,
            recipe,
            png,
            row.channels,
            start,
            end,
            row.failure,
            self._units[row.unit].verdict,
            numbers,
        )

    def select(self, condition: Callable[[AtlasUnit], object] | None = None, *, by: str = "") -> Units:
        """Return the units for which `condition` is true, in order of a column of the verdict table.

        Args:
            condition: Called with each unit that was rendered; all of them if None.
            by: A column of numbers, the largest first, undefined ones last; by default the units' own order.

        Raises:
            ConfigError: There is no such column, or it has no numbers.
        """
        return _selected(self, condition, by)

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """Sentences on the layer's verdicts, copies and similar units; empty if it was not scored.

        Raises:
            StoreError: The store cannot be read.
        """
        with open_store(self._atlas.path) as store:
            return store.findings(self._atlas.record.id, self.name).summary

    def to_frame(self) -> pandas.DataFrame:
        """Return the layer's rows of the verdict table as a data frame, one a unit.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return Verdicts(tuple(self._rows.values())).to_frame()

    def __repr__(self) -> str:
        rendered = f"{len(self)} of {self.n_units} units rendered"
        return f"<layer {visible_line(self.name)} ({self.kind}): {rendered}>"

    def _repr_html_(self) -> str:
        return layer_html(self)


class Units(tuple[AtlasUnit, ...]):
    """Units in order, of one layer or several, which a notebook shows side by side."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> AtlasUnit: ...
    @overload
    def __getitem__(self, index: slice, /) -> Units: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> AtlasUnit | Units:
        """Return a unit, or for a slice those of it."""
        return Units(tuple(self)[index]) if isinstance(index, slice) else tuple(self)[index]

    @property
    def pictures(self) -> Pictures:
        """All their pictures, unit after unit; see `AtlasUnit.pictures`.

        Raises:
            StoreError: The store cannot be read.
        """
        layers = {id(unit.layer): unit.layer for unit in self}
        read = {
            key: layer.pictures_of([unit.number for unit in self if unit.layer is layer])
            for key, layer in layers.items()
        }
        return Pictures(p for unit in self for p in read[id(unit.layer)][unit.number])

    def to_frame(self) -> pandas.DataFrame:
        """Return their rows of the verdict table as a data frame.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return Verdicts(tuple(unit.row for unit in self)).to_frame()

    def _repr_html_(self) -> str:
        return units_html(self)


class Atlas:
    """A model version in a store: `atlas["conv2d_1"]` is a layer; iteration yields the layers.

    Attributes:
        path: The store.
        model: The model's name.
        version: The version's label.
        layers: Names of its layers, in the network's order.
    """

    def __init__(self, path: Path, record: ModelRecord, place: Place) -> None:
        self.path, self.record, self.place = path, record, place
        self.model, self.version = record.name, record.version
        self.layers = tuple(layer.name for layer in record.layers)

    @cached_property
    def _by_name(self) -> dict[str, AtlasLayer]:
        return {layer.name: AtlasLayer(self, layer) for layer in self.record.layers}

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[AtlasLayer]:
        return iter(self._by_name.values())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._by_name

    def __getitem__(self, layer: str) -> AtlasLayer:
        if layer not in self:
            raise UnknownLayer(
                f"{self.model} {self.version} has no layer {in_brief(layer)}",
                hint=suggestion(layer, self.layers),
            )
        return self._by_name[layer]

    @cached_property
    def verdicts(self) -> Verdicts:
        """The verdict table of all its units.

        Raises:
            StoreError: The store cannot be read.
        """
        return Verdicts(tuple(unit.row for layer in self for unit in layer))

    def select(self, condition: Callable[[AtlasUnit], object] | None = None, *, by: str = "") -> Units:
        """Return the units of all layers for which `condition` is true; see `AtlasLayer.select`."""
        return _selected((unit for layer in self for unit in layer), condition, by)

    @cached_property
    def removal(self) -> RemovalReport | None:
        """What the network loses without some of its units; None if that was not measured (docs/pruning.md).

        Raises:
            StoreError: The store cannot be read.
        """
        with open_store(self.path) as store:
            found = store.removal(self.record.id)
        return None if found is None else RemovalReport(found)

    def to_frame(self) -> pandas.DataFrame:
        """Return its verdict table as a data frame, one row a unit.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return self.verdicts.to_frame()

    def __repr__(self) -> str:
        return f"<atlas of {visible_line(f'{self.model} {self.version}: ' + ', '.join(self.layers))}>"

    def _repr_html_(self) -> str:
        return atlas_html(self)


def open_atlas(path: str | Path, model: str | None, version: str | None) -> Atlas:
    """Return a model version of a store as objects; see `reportgen.open`."""
    path = Path(path)
    with open_store(path) as store:
        records = store.models()
    place = places(records)
    names = list(dict.fromkeys(r.name for r in records))
    if not records:
        raise StoreError(f'store "{path.name}" holds no model', hint="render a model first")
    if model is None and len(names) > 1:
        raise StoreError(
            f'store "{path.name}" holds {len(names)} models, wanted the name of one',
            hint=f"model= one of {_listed(names)}",
        )
    name = names[0] if model is None else model
    if name not in names:
        raise StoreError(f'store "{path.name}" holds no model {in_brief(name)}', hint=suggestion(name, names))
    own = {r.version: r for r in records if r.name == name}
    label = list(own)[-1] if version is None else version
    if label not in own:
        raise StoreError(
            f'store "{path.name}" holds no version {in_brief(label)} of {name}',
            hint=suggestion(label, list(own)),
        )
    return Atlas(path, own[label], place[own[label].id])


def _selected(units: Iterable[AtlasUnit], condition: Callable[[AtlasUnit], object] | None, by: str) -> Units:
    found = [unit for unit in units if condition is None or condition(unit)]
    if not by:
        return Units(found)
    numbers = [name for name, kind in COLUMNS.items() if kind in ("integer", "number")]
    if by not in numbers:
        raise ConfigError(f"by is {in_brief(by)}, wanted a column of numbers", hint=suggestion(by, numbers))

    def rank(unit: AtlasUnit) -> tuple[bool, float]:
        value = unit.row[by]
        return (True, 0.0) if not isinstance(value, int | float) else (False, -value)

    return Units(sorted(found, key=rank))


def _listed(words: Iterable[str], most: int = 12) -> str:
    every = list(words)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
