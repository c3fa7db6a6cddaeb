"""Units, layers, the input that a model expects, and the telemetry and score of units, as plain values.

They are immutable, stored, shown and compared; nothing here knows how a network is run or a picture is
rendered.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from reportgen.judgement import (
    Decision,
    Facet,
    Light,
    Look,
    Natural,
    Relations,
    Responsiveness,
    Starts,
    Trust,
)

Sign = Literal["happy", "sad"]
SIGNS: tuple[Sign, ...] = ("happy", "sad")

MOST_CHANNELS = 1024
"""Most channels of a picture; hyperspectral cameras have a few hundred bands."""


def unit_ranges(text: str) -> tuple[tuple[int, int], ...] | None:
    """Return the first and last unit of each range that a text names; None for all units.

    Args:
        text: `all`; `N`, the first N; or a list such as `3,17,40-47` (with a comma or a dash).

    Raises:
        ValueError: Not of that form, or no unit; the message says what was wanted.
    """
    text = text.strip()
    if text == "all":
        return None
    if re.fullmatch(r"\d{1,9}", text):
        if int(text) == 0:
            raise ValueError("wanted 1 or more, a list such as 3,17,40-47, or all")
        return ((0, int(text) - 1),)
    ranges = []
    for part in text.rstrip(",").split(","):
        found = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", part)
        if found is None or (found[2] and int(found[2]) < int(found[1])):
            raise ValueError("wanted all, a number N, or a list such as 3,17,40-47")
        ranges.append((int(found[1]), int(found[2] or found[1])))
    return tuple(ranges)


@dataclass(frozen=True, slots=True, order=True)
class UnitId:
    """The address of a unit; `str()` gives `model/version/layer/unit`."""

    model: str
    version: str
    layer: str
    unit: int

    def __str__(self) -> str:
        return f"{self.model}/{self.version}/{self.layer}/{self.unit}"


@dataclass(frozen=True, slots=True)
class InputRange:
    """The values a model's input takes where a picture runs from 0 to 1, red first.

    Attributes:
        low, high: One number for all channels, or one a channel in the model's own order, in its own units.
        source: `graph` (read from layers of the model), `given` (by the user) or `assumed`.
        evidence: In words, where the range comes from.
        order: In which order the model takes the channels of a picture: `rgb`, red first, or `bgr`.
    """

    low: tuple[float, ...] = (0.0,)
    high: tuple[float, ...] = (1.0,)
    source: Literal["graph", "given", "assumed"] = "assumed"
    evidence: str = ""
    order: Literal["rgb", "bgr"] = "rgb"

    @property
    def key(self) -> tuple[tuple[float, ...] | str, ...]:
        """What content keys hold of it: the ends, and the order where it is not red first."""
        return (self.low, self.high) if self.order == "rgb" else (self.low, self.high, self.order)

    def __str__(self) -> str:
        def show(values: tuple[float, ...]) -> str:
            return " ".join(f"{v:g}" for v in values)

        return f"{show(self.low)}..{show(self.high)}"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer whose units are rendered and scored: its output has `n_units` units.

    Attributes:
        name: The model's own name; nested models give `outer/inner`.
        slug: The name made fit for an address; unique within the model, also ignoring case.
        kind: `conv2d`, `depthwise_conv2d`, `separable_conv2d`, `conv2d_transpose` or `dense`.
        position: 0-based place among the model's layers, in topological order.
        n_units: Channels of a convolution, neurons of a dense layer.
        map_size: Height and width of the output at the model's own input size; None for vectors.
        stride_px: Input pixels between neighbouring positions (vertical, horizontal); None for vectors.
        receptive_field_px: Side lengths (vertical, horizontal) of one position's receptive field; None if it
            is the whole input.
        activation: The operation after which units are scored, such as `relu`; `linear` if none follows.
        head: `softmax` or `sigmoid` if the layer is a classifier's head cut to its logits, else empty.
        first: Whether the layer is a convolution that reads the picture itself.
        graph_hash: Hash of everything that the pre-activation depends on: operations, configuration,
            connections and weights up to here, never names.
        judged_hash: The same for the output after which units are scored; of the softmax if a head was cut.
        local_field_px: Side lengths of the receptive field without gates, which pool the whole map and scale
            or shift it: `receptive_field_px` if that is known, else the field without the gates, on networks
            that work at any canvas; None if the whole input is seen in other ways.
        canvas_multiple_px: The canvas's sides must be multiples of this, so that upsampled branches have the
            size of those that they are joined with (vertical, horizontal).
        shared_with: Names of the network's other calls of the same weights; a unit that is inactive in one
            may be needed in another.
        effective_field_px: Sides of the part of that field where nearly all of a position's gradient comes
            from, as far as kernel sizes tell; None if the whole input is seen.
    """

    name: str
    slug: str
    kind: str
    position: int
    n_units: int
    map_size: tuple[int, int] | None
    stride_px: tuple[int, int] | None
    receptive_field_px: tuple[int, int] | None
    activation: str
    head: str
    first: bool
    graph_hash: str
    judged_hash: str
    local_field_px: tuple[int, int] | None = None
    canvas_multiple_px: tuple[int, int] = (1, 1)
    shared_with: tuple[str, ...] = ()
    effective_field_px: tuple[int, int] | None = None

    @property
    def field_px(self) -> tuple[int, int] | None:
        """The field that determines the canvas: the receptive field, or that without gates; else None."""
        return self.receptive_field_px or self.local_field_px

    @property
    def gated(self) -> bool:
        """Whether a position's field is a part of the input, plus the whole input through a gate."""
        return self.receptive_field_px is None and self.local_field_px is not None

    @property
    def over_tokens(self) -> bool:
        """Whether its positions are tokens, or steps along one axis, instead of rows and columns."""
        return self.map_size is not None and self.map_size[1] == 1 and self.stride_px is None

    @property
    def is_map(self) -> bool:
        """Whether a unit has activations at many positions (a convolution) or one (a dense layer)."""
        return self.map_size is not None


@dataclass(frozen=True, slots=True)
class LayerGraph:
    """The network as a graph of layers, for drawing.

    Attributes:
        nodes: `(name, kind)` in topological order; layers with units have their own name.
        edges: Pairs of indices into `nodes`.
    """

    nodes: tuple[tuple[str, str], ...]
    edges: tuple[tuple[int, int], ...]


def activation_of(objective: float, sign: str) -> float:
    """Return an objective as an activation: for a sad picture the objective is that of the negated unit.

    Example:
        >>> activation_of(1.97, "sad"), activation_of(2.62, "happy"), activation_of(0.0, "sad")
        (-1.97, 2.62, 0.0)
    """
    return 0.0 - objective if sign == "sad" else objective


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What was recorded while a picture was optimised.

    Activations are values of the objective in the network's own units, for the untransformed picture unless
    stated otherwise; a sad picture's objective is that of the negated unit.

    Attributes:
        activation_start, activation_best, activation_end: Objective at the start, its best, at the end.
        activation_transformed: Objective under fresh transforms of the final picture; none if it is scored.
        gradient_start, gradient_end: RMS over pixels of the objective's gradient at the picture.
        moved: RMS distance between the start and the final picture, in [0,1] units.
        steps: Steps taken.
        stop_reason: `converged`, `max_steps`, `non_finite`, `out_of_memory` or `error`.
        non_finite: Steps at which the loss or its gradient was not a finite number.
        reduction: How positions were reduced: `leaky-mean`, `cell-maxima`, `positive-mean`, `mean` or
            `neuron`.
        rescue: Empty, or what a silent unit needed: `cell-maxima`, `louder-start`.
        curve: Pairs of step and objective (as optimised, under that step's transform), at most 32.
    """

    activation_start: float
    activation_best: float
    activation_end: float
    activation_transformed: tuple[float, ...]
    gradient_start: float
    gradient_end: float
    moved: float
    steps: int
    stop_reason: str
    non_finite: int
    reduction: str
    rescue: str = ""
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class UnitScore:
    """The score of one unit: one row of the verdict table, with everything that it follows from.

    Numbers are None if undefined. `structure`, `consistency` and `use`: higher is more.

    Attributes:
        verdict_detail, reason: Sentences written from the other fields (see `sentences`); in some rows of
            earlier releases only these have the numbers. They are shown, and never parsed.
        cause: Why it is undecided, one of `verdicts.Cause.word`; else empty.
        facet_groups: The groups of pictures of a multifaceted unit.
        raw_use: Outgoing weights times the spread of its activation, in the network's own units.
        decision: The questions that led to the verdict, in order.
    """

    unit: int
    verdict: str
    verdict_detail: str
    reason: str
    borderline: bool
    structure: float | None = None
    p_structured: float | None = None
    p_value: float | None = None
    consistency: float | None = None
    use: float | None = None
    duplicate_of: int | None = None
    mirror_of: int | None = None
    complement_of: int | None = None
    facets: int | None = None
    cause: str = ""
    starts: Starts = field(default_factory=Starts)
    responsiveness: Responsiveness = field(default_factory=Responsiveness)
    look: Look = field(default_factory=Look)
    relations: Relations = field(default_factory=Relations)
    light: Light = field(default_factory=Light)
    trust: Trust = field(default_factory=Trust)
    natural: Natural | None = None
    facet_groups: tuple[Facet, ...] = ()
    raw_use: float | None = None
    decision: tuple[Decision, ...] = ()


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def slug_of(name: str) -> str:
    """Return `name` made fit for a file name and an address: letters, digits, `.`, `_`, `-`.

    Example:
        >>> slug_of("/features/0/Conv_output_0")
        'features-0-Conv_output_0'
    """
    slug = _UNSAFE.sub("-", name).strip("-._ ")[:80]
    # A layer has a page and a folder of its units' pages: the folder of `x.html` would be the page of `x`.
    slug = re.sub(r"\.html$", "-html", slug, flags=re.IGNORECASE)
    if not slug or slug.lower() in _RESERVED:
        slug = f"{slug or 'layer'}-{_short_hash(name)}"
    return slug


def hashed_slug(name: str) -> str:
    """Return the slug of `name` with a hash of it appended, for a name whose slug is taken."""
    return f"{slug_of(name)}-{_short_hash(name)}"


def unique_slugs(names: Iterable[str]) -> list[str]:
    """Return a slug for each name, unique also ignoring case.

    If slugs collide, a name that equals its slug keeps it and the others get a hash of their names appended,
    so that adding or moving layers hardly ever renames another layer's page.
    """
    names = list(names)
    slugs = [slug_of(name) for name in names]
    rivals = Counter(slug.lower() for slug in slugs)
    plain = Counter(slug.lower() for slug, name in zip(slugs, names, strict=True) if slug == name)
    return [
        slug
        if rivals[slug.lower()] == 1 or (slug == name and plain[slug.lower()] == 1)
        else hashed_slug(name)
        for name, slug in zip(names, slugs, strict=True)
    ]


# Windows device names, and the pages in the same folder as the layers' pages.
_RESERVED = {"con", "prn", "aux", "nul", "index", "units", "findings", "wall", "about", "method"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)
}


def _short_hash(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()


_PICTURED = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: "\u2421",
    **dict.fromkeys((*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"),
}


def visible(text: str) -> str:
    r"""Return `text` with a visible symbol for each control character, also for those of text direction.

    Names come from untrusted files; characters that a terminal, a table or a page would interpret are shown.

    Example:
        >>> visible("conv\x1b[2J\x00")
        'conv␛[2J␀'
    """
    return text if text.isprintable() else text.translate(_PICTURED)


def visible_line(text: str) -> str:
    r"""Return `text` as `visible` does, in one line: line breaks become visible symbols too.

    Example:
        >>> visible_line("conv\n\x1b[2J")
        'conv␊␛[2J'
    """
    return "".join(c if c.isprintable() else _BREAKS.get(c, visible(c)) for c in text)


_BREAKS = {"\t": "␉", "\n": "␊", "\u2028": "␊", "\u2029": "␊"}


def without_rim(size: int, share: float) -> slice:
    """Return the places of one side of a map that are used: a rim is left out at each end.

    The rim is rounded up, and never takes more than half of the side: with 6 %, one place from 4 on.

    Example:
        >>> without_rim(3, 0.06), without_rim(7, 0.06), without_rim(56, 0.06)
        (slice(0, 3, None), slice(1, 6, None), slice(4, 52, None))
    """
    rim = min(math.ceil(share * size), size // 4)
    return slice(rim, size - rim)
