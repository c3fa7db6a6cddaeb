"""What a unit's page and its panel show, as plain frozen values: pictures, facts, links, plots, in sections.

The template of a unit's page and the script of a layer's page draw the same values and add no words of their
own, so they cannot disagree. Templates read these names as they stand; a data file holds them short, and the
script has the whole names back before it draws (see `packing`). What there can be many of is a named tuple,
which is packed by position. Nothing here is HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple


class Fact(NamedTuple):
    """A value with what it is called and what is to be said of it."""

    label: str
    value: str
    note: str = ""


class Link(NamedTuple):
    """Another unit, with its thumbnail where there is one.

    Attributes:
        slug: Of its layer's page; empty where it has none.
        sheet, column, row: Where its tile is, of the layer's sheets; an empty `sheet` where it has none.
        thumbnail: File of its own picture, where there are no sheets.
    """

    slug: str
    unit: int
    sheet: str
    column: int
    row: int
    label: str
    note: str = ""
    thumbnail: str = ""


class Channel(NamedTuple):
    """The weights of one input channel: `rrggbb` after `rrggbb`, row by row."""

    name: str
    colours: str


class Line(NamedTuple):
    """A line through points, `x,y` after `x,y`; `style` is a class of the style sheet."""

    style: str
    points: str


class Box(NamedTuple):
    """A filled box."""

    style: str
    x: float
    y: float
    width: float
    height: float


class Dot(NamedTuple):
    """A dot."""

    style: str
    x: float
    y: float


class Label(NamedTuple):
    """Words that start at, are centred on or end at `x`: `anchor` is `start`, `middle` or `end`."""

    anchor: str
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A small plot: marks on a canvas, and `alt`, a text that says the same."""

    width: int
    height: int
    dots: tuple[Dot, ...] = ()
    labels: tuple[Label, ...] = ()
    boxes: tuple[Box, ...] = ()
    lines: tuple[Line, ...] = ()
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture in a file.

    Attributes:
        file: Its stem, in the folder of pictures; a path where it begins with a slash.
        width, height: In pixels.
        alt, caption: In words.
        tile, tiles: Where the file is a strip, which of how many; None where it is this picture alone.
    """

    file: str
    width: int
    height: int
    alt: str
    caption: str = ""
    tile: int | None = None
    tiles: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a unit's page.

    Attributes:
        kind: How it is drawn.
        title: Its heading.
        note: A sentence or two below.
        means: The place on the method page where it is explained.
    """

    kind: ClassVar[str]
    title: str
    note: str = ""
    means: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures(Section):
    """Pictures beside each other: small, middling or large."""

    kind: ClassVar[str] = "pics"
    size: Literal["s", "m", "l"]
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Section):
    """Values, each with its meaning."""

    kind: ClassVar[str] = "facts"
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links(Section):
    """Other units, as thumbnails that lead there."""

    kind: ClassVar[str] = "units"
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plotted(Section):
    """A plot."""

    kind: ClassVar[str] = "plot"
    plot: Plot


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Section):
    """Cells in rows; the first of each row is its heading."""

    kind: ClassVar[str] = "table"
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel(Section):
    """A first convolution's weights, `width` by `height` in each channel."""

    kind: ClassVar[str] = "kernel"
    width: int
    height: int
    alt: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(Section):
    """Lines to be copied."""

    kind: ClassVar[str] = "code"
    text: str


SECTIONS: tuple[type[Section], ...] = (Pictures, Facts, Links, Plotted, Table, Kernel, Code)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitView:
    """All that is shown of a unit.

    Attributes:
        unit: Its index.
        verdict, mark: The word, and the mark under which the style sheet knows it; the word is empty where
            the unit was not scored.
        detail, reason: What is said with the verdict.
        sections: In the order of the page.
        citation: How to cite it.
    """

    unit: int
    verdict: str
    mark: str
    detail: str = ""
    reason: str
    sections: tuple[Section, ...]
    citation: str
