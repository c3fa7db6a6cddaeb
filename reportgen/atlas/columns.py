"""Units as packed columns: what the sheets' filter, order and pictures need, small enough for 100,000 units.

A column of numbers is 16 bits a unit, in steps finer than anyone reads; a column of words is 8 bits, with
the list of words. Bytes go base64 into a classic script, so that a page opened from a file can read them.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reportgen.atlas.faint import Faint
from reportgen.atlas.grouped import Grouped
from reportgen.atlas.strips import GRID_RECIPES, Shown, UnitPictures
from reportgen.json_values import Json
from reportgen.removal import UnitNeed
from reportgen.units import UnitScore
from reportgen.verdicts import MARKS

NONE = 65535
NUMBERS: Mapping[str, tuple[float, Callable[[UnitScore], float | None]]] = {
    "structure": (0.01, lambda s: s.structure),
    "score": (0.005, lambda s: s.p_structured),
    "p": (0.0005, lambda s: s.p_value),
    "contrast": (0.001, lambda s: s.look.contrast),
    "consistency": (0.002, lambda s: s.consistency),
    "use": (0.001, lambda s: s.use),
    "facets": (1.0, lambda s: s.facets),
    "period": (0.1, lambda s: _rounded(s.look.period_px, 2)),
    "angle": (1.0, lambda s: _rounded(s.look.orientation_degrees, 1)),
}
"""Columns of numbers: the least step, and where the number stands."""

NEEDS: Mapping[str, tuple[float, Callable[[UnitNeed], float]]] = {
    "need": (1e-6, lambda n: n.need),
    "need_rank": (1.0, lambda n: n.need_rank),
}
"""Likewise, of what the network loses without a unit; only where that was measured."""

FLAGS = ("borderline", "duplicate", "mirror", "complement", "copied", "drawn", "unused", "constant")
"""Bits of the column `flags`, lowest first; `query.js` knows them too."""

ROUNDED = "structure"
"""The column whose numbers are read rounded, to tenths: a place is the middle of its step, never a bound."""

_MOST_WORDS = 255
_NAME_BYTES = 12


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A column of numbers: place `p` of a unit means `least + p * step`; `NONE` where there is no number.

    Attributes:
        least, step: See above.
        places: 16 bits a unit, all low bytes first, in base64.
    """

    least: float
    step: float
    places: str


@dataclass(frozen=True, slots=True)
class WordColumn:
    """A column of words: 8 bits a unit, in base64, of the place in `listed`; 255 where it is not there."""

    listed: tuple[str, ...]
    places: str


class LayerColumns(NamedTuple):
    """A layer whose units are among those of the columns, in order; `short` is its name below a tile."""

    name: str
    slug: str | None
    kind: str
    n_units: int
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the sheets' filter and order need of units.

    Attributes:
        n_units: How many.
        unit: Their numbers, where they are not 0, 1, 2, ... in every layer.
        numbers, words: Columns by name.
        marks: Of the verdicts, by their words.
        flags: 8 bits a unit, see `FLAGS`, in base64.
        group: The lowest unit of each one's group of copies.
        layers: Whose units they are; none where they are of the page's own layer.
    """

    n_units: int
    unit: NumberColumn | None = None
    numbers: Mapping[str, NumberColumn]
    words: Mapping[str, WordColumn]
    marks: Mapping[str, str]
    flags: str
    group: NumberColumn | None = None
    layers: tuple[LayerColumns, ...] = ()


def columns_of(
    scores: Sequence[UnitScore | None],
    units: Sequence[int],
    groups: Sequence[int | None],
    drawn: Sequence[bool],
    needs: Sequence[UnitNeed | None],
    layers: Sequence[LayerColumns] = (),
    grouped: Sequence[Grouped] = (),
) -> Columns:
    """Return the columns of some units.

    Args:
        scores: By unit; None where there is none.
        units: Their numbers.
        groups: The lowest unit of each one's group of copies; None where it has no copy.
        drawn: Whether the unit has a picture.
        needs: What is lost without each; None where it was not measured.
        layers: Whose units they are, where they are of several.
        grouped: To which group of units that answer alike each belongs, and whether it is superfluous; none
            where that is not known.
    """
    verdicts, colours = [s.verdict if s else "" for s in scores], [_colour(s) if s else "" for s in scores]
    flags = [_flags(s, g, d) for s, g, d in zip(scores, groups, drawn, strict=True)]
    numbers = {
        name: _numbers([get(s) if s else None for s in scores], step, middle=name == ROUNDED)
        for name, (step, get) in NUMBERS.items()
    } | {name: _numbers([get(n) if n else None for n in needs], step) for name, (step, get) in NEEDS.items()}
    grouped = grouped or [Grouped()] * len(units)
    numbers["alike"] = _numbers([g.alike for g in grouped], 1.0)
    return Columns(
        n_units=len(units),
        unit=None if list(units) == list(range(len(units))) else _numbers(list(units), 1.0),
        numbers={name: column for name, column in numbers.items() if column},
        marks=dict(MARKS),
        words={
            "verdict": _words(verdicts),
            "colour": _words(colours),
            "superfluous": _words([g.superfluous for g in grouped]),
        },
        flags=_base64(np.array(flags, np.uint8)),
        group=_numbers(list(groups), 1.0),
        layers=tuple(layers),
    )


def groups_of(scores: Mapping[int, UnitScore]) -> dict[int, int]:
    """Return the lowest unit of its group of copies for every unit that has or is a copy."""
    found = {unit: s.duplicate_of for unit, s in scores.items() if s.duplicate_of is not None}
    return {**{first: first for first in found.values()}, **found}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipePictures:
    """What a grid of one recipe shows of units.

    Attributes:
        files: Names of files, zeros where a unit has no picture of it, in base64; as long as `leads`.
        tile, tiles: Where the file is a strip, which of how many, a byte a unit, in base64; else 0 of 1.
        faint: How it is hard to see: a word, level and gain with bars between (see `faint`), or nothing.
    """

    files: str
    tile: str
    tiles: str
    faint: WordColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureNames:
    """Where units' pictures are.

    Attributes:
        leads, strips: Names of the leading picture and of the first strip, 12 bytes each, zeros where there
            is none, in base64.
        counts: How many tiles that strip has, a byte a unit, in base64.
        tile_kinds: What they are, seeds and words with a bar between.
        recipes: By recipe, what a grid shows.
    """

    leads: str
    strips: str
    counts: str
    tile_kinds: WordColumn
    recipes: Mapping[str, RecipePictures]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureKeys:
    """Where units' pictures are, where each is a file of its own.

    Attributes:
        size: Bytes of a name.
        leads: Names of the leading pictures, zeros where there is none, filled up to a multiple of three
            bytes, in base64.
        starts, seeds: By unit, the names of its starts, each likewise, and their seeds.
        recipes: By recipe, what a grid shows.
    """

    size: int
    leads: str
    starts: tuple[tuple[str, ...], ...]
    seeds: tuple[tuple[int, ...], ...]
    recipes: Mapping[str, RecipePictures]


def recipe_pictures(
    places: Sequence[Shown | None], faint: Sequence[Faint | None], n_bytes: int
) -> RecipePictures:
    """Return what a grid of one recipe shows.

    Args:
        places: By unit, where its picture of that recipe is.
        faint: By unit, how that is hard to see.
        n_bytes: Of a name, zeros at its end included.
    """
    files = b"".join(bytes.fromhex(at.stem if at else "").ljust(n_bytes, b"\0") for at in places)
    return RecipePictures(
        files=base64.b64encode(files).decode(),
        tile=_base64(np.array([at.at if at else 0 for at in places], np.uint8)),
        tiles=_base64(np.array([at.n if at else 1 for at in places], np.uint8)),
        faint=_words(["|".join(map(str, f)) if f else "" for f in faint]),
    )


def picture_names(pictures: Sequence[UnitPictures]) -> PictureNames:
    """Return where units' pictures are."""
    leads, strips, tiles, kinds = bytearray(), bytearray(), bytearray(), []
    for own in pictures:
        leads += bytes.fromhex(own.lead[0].stem) if own.lead else bytes(_NAME_BYTES)
        strips += bytes.fromhex(own.strips[0].stem) if own.strips else bytes(_NAME_BYTES)
        tiles.append(len(own.strips[0].keys) if own.strips else 0)
        kinds.append("|".join(map(str, own.kinds)))
    texts = (base64.b64encode(data).decode() for data in (leads, strips, tiles))
    found = dict(zip(("leads", "strips", "counts"), texts, strict=True))
    recipes = {}
    for name in GRID_RECIPES:
        shown = [own.of_recipe.get(name) for own in pictures]
        both = list(zip(pictures, shown, strict=True))
        places = [own.find(r.key) if r else None for own, r in both]
        faint = [own.faint.get(r.key) if r else None for own, r in both]
        recipes[name] = recipe_pictures(places, faint, _NAME_BYTES)
    return PictureNames(**found, tile_kinds=_words(kinds), recipes=recipes)


def script(name: str, key: str, value: Json) -> bytes:
    """Return a classic script that puts `value` under `self.<name>[key]`."""
    body = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return (
        f"(self.{name}=self.{name}||{{}})[{json.dumps(key)}]=".encode() + visible_json(body.encode()) + b";\n"
    )


_CONTROL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u00(0[0-7bef]|1[0-9a-f])")


def visible_json(data: bytes) -> bytes:
    """Return JSON whose texts have a picture for each control character, see `units.visible`."""
    return _CONTROL.sub(rb"\1\\u24\2", data) if rb"\u00" in data else data


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _colour(score: UnitScore) -> str:
    return (score.look.colours or score.look.colour)[:60]


def _flags(score: UnitScore | None, group: int | None, drawn: bool) -> int:
    if score is None:
        return drawn << FLAGS.index("drawn")
    bits = {
        "borderline": score.borderline,
        "duplicate": score.duplicate_of is not None,
        "mirror": score.mirror_of is not None,
        "complement": score.complement_of is not None,
        "copied": group is not None and score.duplicate_of is None,
        "drawn": drawn,
        "unused": score.responsiveness.unused,
        "constant": score.responsiveness.state == "constant",
    }
    return sum(bool(bits[name]) << place for place, name in enumerate(FLAGS))


def _numbers(values: Sequence[float | None], step: float, *, middle: bool = False) -> NumberColumn | None:
    """Return a column of numbers; None where all are undefined.

    A place is that of the nearest step; with `middle` of the step that the value lies in, read as its middle:
    so it rounds as the value does (`plots.tenths`), and is above a bound if the value is.
    """
    plain = np.array([math.nan if v is None else v for v in values], np.float64)
    plain[~np.isfinite(plain)] = np.nan
    if np.isnan(plain).all():
        return None
    low, high = float(np.nanmin(plain)), float(np.nanmax(plain))
    step = max(step, (high - low) / (NONE - 2))
    at = (np.nan_to_num(plain) - low) / step
    if middle:
        a_unit = 1 / step
        first = math.floor(low * a_unit)
        at, low = np.floor(np.nan_to_num(plain) * a_unit) - first, (first + 0.5) * step
    places = np.where(np.isnan(plain), NONE, np.rint(at)).astype("<u2")
    return NumberColumn(low, step, _base64(places.view(np.uint8).reshape(-1, 2).T))


def _words(values: Sequence[str]) -> WordColumn:
    known = sorted(set(values), key=lambda word: (-values.count(word), word))[:_MOST_WORDS]
    place = {word: i for i, word in enumerate(known)}
    return WordColumn(tuple(known), _base64(np.array([place.get(v, 255) for v in values], np.uint8)))


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
