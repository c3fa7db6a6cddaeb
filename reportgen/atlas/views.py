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
    """A value with what it is called, what is to be said of it, and the term that explains its label.

    Attributes:
        means: A key of `terms`, or empty.
    """

    label: str
    value: str
    note: str = ""
    means: str = ""


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


class Edge(NamedTuple):
    """A weight between a unit and another one.

    Attributes:
        slug, unit, sheet, column, row, label, thumbnail: Of the other unit, as of a `Link`.
        sign: `+`, `−`, or `±` where the weights at its positions nearly cancel.
        strength: 1..8, compared with the strongest weight on that side.
        weight: The weight, or the sum over positions, with its sign.
        norm: The L2 norm over positions; empty where there is a single position.
    """

    slug: str
    unit: int
    sheet: str
    column: int
    row: int
    label: str
    sign: str
    strength: int
    weight: str
    norm: str = ""
    thumbnail: str = ""


class Counterpart(NamedTuple):
    """The same unit in another version of the model.

    Attributes:
        version, layer, unit: Which one; the unit is empty where there is none.
        state: What became of it, a word of the comparison.
        href: Its address; empty where there is none.
        change: Address of the comparison of the two.
    """

    version: str
    layer: str
    unit: str
    state: str
    href: str
    change: str


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
        means: The term that explains it, a key of `terms`; empty where none does.
    """

    kind: ClassVar[str]
    title: str
    note: str = ""
    means: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures(Section):
    """Pictures next to each other: small, middling or large."""

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
class Connections(Section):
    """The units that a unit reads and those that read it, by the strongest weights.

    Attributes:
        pictures: The unit's own, one or none.
        incoming, outgoing: Strongest first.
        sources, targets: The layer of all on that side; empty where there are several, and labels say it.
    """

    kind: ClassVar[str] = "flow"
    pictures: tuple[Picture, ...]
    incoming: tuple[Edge, ...]
    outgoing: tuple[Edge, ...]
    sources: str = ""
    targets: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterparts(Section):
    """The same unit in other versions; addresses begin at the model version's folder."""

    kind: ClassVar[str] = "versions"
    counterparts: tuple[Counterpart, ...]


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


SECTIONS: tuple[type[Section], ...] = (
    Pictures, Facts, Links, Connections, Counterparts, Plotted, Table, Kernel,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Sections that belong together: a page can be opened at one by its name; `folded` ones are closed."""

    name: str
    title: str
    folded: bool = False
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitView:
    """All that is shown of a unit.

    Attributes:
        unit: Its index.
        verdict, mark: The word, and the mark under which the style sheet knows it; the word is empty where
            the unit was not scored.
        detail, reason: What is said with the verdict.
        borderline: Whether it is near the threshold.
        need, need_reason: Whether the network needs it, and why that is said.
        first: What the first screen shows next to these: its pictures, and what verdict and need rest on.
        parts: The rest, in the order of the page.
        citation: How to cite it.
        class_name: Of an output, the class that it is for; empty where it has no name.
    """

    unit: int
    verdict: str
    mark: str
    detail: str = ""
    borderline: bool = False
    reason: str
    need: str
    need_reason: str = ""
    first: tuple[Section, ...]
    parts: tuple[Part, ...]
    citation: str
    class_name: str = ""

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections, in the order of the page."""
        return (*self.first, *(section for part in self.parts for section in part.sections))
