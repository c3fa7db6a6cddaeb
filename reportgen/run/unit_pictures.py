"""Rendered pictures of units as Python objects: one, and several that a notebook shows side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import SupportsIndex, overload

import numpy as np

from reportgen.errors import ReportgenError, StoreError
from reportgen.images import decode_png
from reportgen.json_values import Json
from reportgen.run.notebook_html import SIDE_PX, as_html, failed, figure, picture, whole
from reportgen.spec import RenderSpec, for_kind, recipe_fields

MAX_SHOWN = 96
"""Most pictures that a notebook shows of several."""
_SMALL_PX = 84


@dataclass(frozen=True, slots=True)
class UnitPicture:
    """A rendered picture of a unit.

    Attributes:
        layer, unit: The unit that it was rendered for.
        sign: `happy`, which maximises the unit, or `sad`, which minimises it.
        seed: Number of its random start.
        recipe: Name of its recipe.
        png: The stored file, lossless; channels of other numbers than 1 or 3 are placed side by side.
        channels: The picture's number of channels.
        activation_start, activation_end: The unit's activation, reduced over positions and in the network's
            own sign, at the start and of the finished picture.
        failure: Why there is no picture; else empty.
        verdict: The unit's; empty if it was not scored.
        numbers: Values of the recipe by name, of those that differ among the layer's recipes of that name,
            such as the weight of a sweep.
    """

    layer: str
    unit: int
    sign: str
    seed: int
    recipe: str
    png: bytes = field(repr=False)
    channels: int
    activation_start: float
    activation_end: float
    failure: str = ""
    verdict: str = ""
    numbers: Mapping[str, Json] = field(default_factory=dict)

    @property
    def array(self) -> np.ndarray:
        """Its pixels, `(height, width, channels)` uint8.

        Raises:
            StoreError: It failed, and there are none.
        """
        if self.failure or not self.png:
            raise StoreError(f'layer "{self.layer}", unit {self.unit}: this picture failed: {self.failure}')
        return decode_png(self.png, self.channels)

    def _repr_html_(self) -> str:
        return whole("", picture_figure(self, SIDE_PX))


class Pictures(tuple[UnitPicture, ...]):
    """Pictures in order, which a notebook shows side by side, those of each unit in a row."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> UnitPicture: ...
    @overload
    def __getitem__(self, index: slice, /) -> Pictures: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> UnitPicture | Pictures:
        """Return a picture, or for a slice those of it."""
        return Pictures(tuple(self)[index]) if isinstance(index, slice) else tuple(self)[index]

    def of(self, *, recipe: str | None = None, sign: str | None = None, seed: int | None = None) -> Pictures:
        """Return the pictures of that recipe, sign and seed, as far as they are given."""
        wanted = {"recipe": recipe, "sign": sign, "seed": seed}
        asked = {name: value for name, value in wanted.items() if value is not None}
        return Pictures(p for p in self if all(getattr(p, name) == value for name, value in asked.items()))

    def across(self, number: str) -> Pictures:
        """Return the pictures of recipes that differ in that value, unit after unit, from the lowest up.

        A picture that several of the recipes share is returned once.
        """
        units = list(dict.fromkeys((p.layer, p.unit) for p in self))
        found: dict[tuple[object, ...], tuple[int, float, UnitPicture]] = {}
        for p in self:
            value = p.numbers.get(number)
            if isinstance(value, int | float):
                key = (p.layer, p.unit, p.sign, p.seed, p.recipe, value, p.png)
                found.setdefault(key, (units.index((p.layer, p.unit)), value, p))
        return Pictures(p for _, _, p in sorted(found.values(), key=lambda row: row[:2]))

    def _repr_html_(self) -> str:
        if not self:
            return whole("no pictures")
        more = f"the first {MAX_SHOWN} of {len(self)} pictures" if len(self) > MAX_SHOWN else ""
        return whole(more, *_rows(self[:MAX_SHOWN]))


def _rows(pictures: Pictures) -> list[str]:
    """Return figures in rows, one a unit, or all in one if no unit has two."""
    units: dict[tuple[str, int], list[UnitPicture]] = {}
    for p in pictures:
        units.setdefault((p.layer, p.unit), []).append(p)
    width = SIDE_PX if len(pictures) <= 4 else _SMALL_PX
    if len(units) == len(pictures):
        return ["".join(picture_figure(p, width) for p in pictures)]
    return [_row(own, width) for own in units.values()]


def _row(pictures: Sequence[UnitPicture], width: int) -> str:
    """Return the pictures of a unit; what they have in common stands above them, and under each the rest."""
    made = [_made(p) for p in pictures]
    common = [part for part, *others in zip(*made, strict=True) if len({part, *others}) == 1 and part]
    figures = (
        figure(
            unit_image(p, width),
            [", ".join(part for part in own if part and part not in common) or p.sign, _activated(p)],
            width=width,
            verdict=p.verdict,
        )
        for p, own in zip(pictures, made, strict=True)
    )
    head = f"<b>{as_html(_name(pictures[0]))}</b>{as_html('; ' + ', '.join(common) if common else '')}"
    return f'<div style="margin:6px 0 2px">{head}</div><div>{"".join(figures)}</div>'


def picture_figure(shown: UnitPicture, width: int) -> str:
    """Return a picture with its unit, its verdict, how it was made, and how far the unit was activated."""
    captions = [_name(shown), *made_in_words(shown)]
    return figure(unit_image(shown, width), captions, width=width, verdict=shown.verdict)


def made_in_words(shown: UnitPicture) -> list[str]:
    """Return how a picture was made and how far it activates its unit, as lines."""
    return [", ".join(part for part in _made(shown) if part), _activated(shown)]


def _name(shown: UnitPicture) -> str:
    return f"{shown.layer} {shown.unit}{f': {shown.verdict}' if shown.verdict else ''}"


def _activated(shown: UnitPicture) -> str:
    return f"activation {shown.activation_start:.3g} →\u00a0{shown.activation_end:.3g}"


def _made(shown: UnitPicture) -> tuple[str, str, str, str]:
    """Return the sign, the recipe, its numbers and the start, each as text."""
    numbers = (f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in shown.numbers.items())
    return shown.sign, shown.recipe, ", ".join(numbers), f"start {shown.seed}"


def unit_image(shown: UnitPicture | None, width: int) -> str:
    """Return a picture as HTML; a line of text if there is none or it cannot be read."""
    if shown is None:
        return ""
    try:
        return picture(shown.array, f"unit {shown.unit} of {shown.layer}, {shown.sign}", width=width)
    except ReportgenError as error:
        return failed(shown.failure or error.message)


def differing_numbers(recipes: Mapping[str, RenderSpec], kind: str) -> dict[str, tuple[str, dict[str, Json]]]:
    """Return by hash a recipe's name, and its values of the fields in which those of that name differ."""
    fields = {hash_: recipe_fields(for_kind(recipe, kind)) for hash_, recipe in recipes.items()}
    found = {}
    for hash_, recipe in recipes.items():
        others = [fields[other] for other in recipes if recipes[other].name == recipe.name]
        own = fields[hash_]
        found[hash_] = (recipe.name, {k: v for k, v in own.items() if any(o[k] != v for o in others)})
    return found
