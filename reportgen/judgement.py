"""What is found of a unit and of a layer, as plain values: all that verdicts, reasons and pages are made of.

Scoring fills them in, the store keeps them, pages and tables read them; what is not known is None, or empty.
Sentences about them are written in `sentences`, and nothing is ever read back from one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["live", "dead", "constant", "unknown"]
Nuance = Literal["", "silent", "faint"]
Proof = Literal["", "bounds", "weights"]
Question = Literal["answers", "colours", "pattern", "recurs", "kinds"]


@dataclass(frozen=True, slots=True)
class Responsiveness:
    """Whether a unit answers.

    Attributes:
        state: `live`, `dead` (always zero, as near as counts), `constant` (always one other value)
            or `unknown`.
        nuance: Of a live unit: `silent` on all probes, so that only renders excite it; `faint` beside its
            layer.
        proof: What proves that it is dead or constant: interval `bounds`, or outgoing `weights` that are all
            zero; empty if nothing does.
        unheard: Whether all its outgoing weights are zero, in a layer where some are not.
        lacks: What is missing where the state is unknown.
        low, high: Its least and its largest answer; None where nothing was measured.
        bound: The one value that interval bounds leave it; None where they leave it room.
        n_probes, n_renders: To how many pictures its answers are known; 0 too where an earlier release did
            not keep that.
        assumed_range: The input range, where it is assumed: bounds over it then prove nothing; else empty.
    """

    state: State = "unknown"
    nuance: Nuance = ""
    proof: Proof = ""
    unheard: bool = False
    lacks: Literal["", "responses", "probes", "renders", "finite"] = ""
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    n_probes: int = 0
    n_renders: int = 0
    assumed_range: str = ""


@dataclass(frozen=True, slots=True)
class Starts:
    """What became of the starts of its scored pictures.

    Attributes:
        pictures: That did not fail; None where an earlier release did not keep their number.
        live: Those of them whose start went somewhere.
        failure: What a failed render said of itself, or empty.
    """

    pictures: int | None = None
    live: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why structure cannot be measured.

    Attributes:
        kind: Its pictures are too `small`; there is `no null`; that is of `another canvas`, or has `few`
            pictures with anything in them.
        sizes: Height and width inside, and the least side; the canvas of the null; the fewest pictures.
    """

    kind: Literal["small", "no null", "another canvas", "few"]
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What its pictures look like; means over pictures unless said otherwise.

    Attributes:
        contrast: Inner RMS contrast, of the range 0 to 1; the median.
        colour: The name of its mean colour.
        colour_differs: Whether that differs between runs.
        colours: Along which colours it varies, by name.
        orientation_degrees: Direction of its stripes, counter-clockwise from horizontal; None if none stands
            out.
        period_px: Of its stripes; None if none stands out.
        null_place: Share of the null's pictures with less order, 0..1.
        p_adjusted: The p-value, allowing for the number of units in the layer.
        reach, extent, repeat, flow: The four measures of order (docs/method.md).
        texture_distance: Mean distance between textures of its starts.
        obstacle: Why structure cannot be measured; None where it can.
        told: Direction and period in a sentence, where an earlier release made it of more digits than it
            kept; else empty.
    """

    contrast: float | None = None
    colour: str = ""
    colour_differs: bool = False
    colours: str = ""
    orientation_degrees: float | None = None
    period_px: float | None = None
    null_place: float | None = None
    p_adjusted: float | None = None
    reach: float | None = None
    extent: float | None = None
    repeat: float | None = None
    flow: float | None = None
    texture_distance: float | None = None
    obstacle: Obstacle | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """One kind of picture of a unit that has several: its seeds, and the unit's mean answer to them."""

    seeds: tuple[int, ...]
    answer: float | None = None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """On what two units do not agree as copies do.

    Attributes:
        on: `all` pictures together, `probes` or `renders` alone, or `white` noise.
        correlation, needed: Of their answers there, and the least of a copy.
        told: The same in a sentence, where an earlier release left no more; else empty.
    """

    on: Literal["all", "probes", "renders", "white"] = "all"
    correlation: float | None = None
    needed: float | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class Relations:
    """How its answers relate to those of others in its layer.

    Attributes:
        neighbours: Up to 8 units that answer most alike, nearest first.
        correlations: With each of them; None where unknown.
        copy_correlation: Least correlation with the unit it is a copy of, of those that decide.
        no_copy: Why the first neighbour is no copy; None where it is, or there is none.
    """

    neighbours: tuple[int, ...] = ()
    correlations: tuple[float | None, ...] = ()
    copy_correlation: float | None = None
    no_copy: Shortfall | None = None


@dataclass(frozen=True, slots=True)
class Light:
    """How it answers pictures of one colour.

    Attributes:
        brightness: Whether its answer `rises` or `falls` with brightness; empty where neither.
        black, white: Its answers to these.
        colour: The flat colour it answers most to, by name, where colours move it more than greys, or empty.
        colour_answer: Its answer to that.
        share: How much of its whole range such pictures alone cover, 0..1.
        told: The same in a sentence, where an earlier release left no more; else empty.
    """

    brightness: Literal["", "rises", "falls"] = ""
    black: float | None = None
    white: float | None = None
    colour: str = ""
    colour_answer: float | None = None
    share: float | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """How far its pictures can be trusted (docs/method.md).

    Attributes:
        recipes_agree, natural_agreement: 0..1; one half is chance.
        recipes_hold: Whether the first is high enough for recipes to be called in agreement.
        robust_share: Share of what a picture gained that stays under fresh transforms.
        beyond_natural: By how many times its renders exceed its best natural picture.
    """

    recipes_agree: float | None = None
    recipes_hold: bool | None = None
    robust_share: float | None = None
    beyond_natural: float | None = None
    natural_agreement: float | None = None


@dataclass(frozen=True, slots=True)
class Natural:
    """What it answers to a person's own pictures.

    Attributes:
        max: Its largest answer.
        zeros_share: Share of its answers that are exactly zero.
        silent: Whether it answered to none.
        selectivity: How much it prefers one class, 0..1.
        selective_class: Which that is, or empty.
    """

    max: float | None = None
    zeros_share: float | None = None
    silent: bool = False
    selectivity: float | None = None
    selective_class: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A question that led to the verdict, with its answer.

    Attributes:
        question: Whether it `answers`, shows more than one of `colours`, a `pattern`, one that `recurs`, or
            a few `kinds`.
        answer: None where it is not known.
        numbers: What was measured and what is needed, by name.
        groups: How many alike pictures are in each group, where kinds are asked for.
        told: The same in a sentence, where an earlier release left no more; else empty.
    """

    question: Question
    answer: bool | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    groups: tuple[int, ...] = ()
    told: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What the pictures of a layer's units were compared with.

    Attributes:
        n_units: Units of the layer that show a pattern.
        n_others, n_null: Pictures of other layers and of the renderer null, where units are few.
    """

    n_units: int
    n_others: int = 0
    n_null: int = 0


@dataclass(frozen=True, slots=True)
class ResponseGroups:
    """What a layer's live units have in common.

    Attributes:
        live: How many units vary at all.
        groups: Units that answer alike, two or more in each, the largest group first.
        effective_rank: 1 to `live`: how many independent answers there would be if all weighed alike.
        span: Fewest units, chosen greedily, whose answers together explain the share `span_share` of the
            variance of all.
    """

    live: int
    groups: tuple[tuple[int, ...], ...] = ()
    effective_rank: float = 0.0
    span: tuple[int, ...] = ()
    span_share: float = 0.0


@dataclass(frozen=True, slots=True)
class LayerOnPictures:
    """What a person's own pictures say of a layer; of its middle unit, None where that is undefined."""

    n_pictures: int
    n_classes: int
    silent: tuple[int, ...]
    zeros_share_median: float | None = None
    selectivity_median: float | None = None


@dataclass(frozen=True, slots=True)
class TwinComparison:
    """How a layer stands beside its untrained twin.

    Attributes:
        auc: Probability that a trained unit has more structure than an untrained one.
        n_trained, n_untrained: Units that were judged.
        patterned_share_trained, patterned_share_untrained: Of these, the share with a pattern.
    """

    auc: float
    n_trained: int
    n_untrained: int
    patterned_share_trained: float
    patterned_share_untrained: float


@dataclass(frozen=True, slots=True)
class LayerFindings:
    """What is found of a layer as a whole.

    Attributes:
        n_units, n_rendered: Its units, and those that were rendered or failed.
        counts: Units by verdict.
        certain: Units that are superfluous for certain, in order; None where that was not asked.
        kinds: What the answers of its units have in common; None where they were not measured.
        null: Structure of each picture of the renderer null.
        structure_z, borderline_z, duplicate_correlation: The thresholds it was judged by (see `ScoreSpec`).
        natural, twin: What a person's own pictures, and its untrained twin, say of it.
        comparison: What consistency was compared with, in words.
        text, beside: Sentences: of its judgement, and of what stands beside that.
    """

    n_units: int = 0
    n_rendered: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    certain: tuple[int, ...] | None = None
    kinds: ResponseGroups | None = None
    null: tuple[float, ...] = ()
    structure_z: float | None = None
    borderline_z: tuple[float, float] | None = None
    duplicate_correlation: float | None = None
    natural: LayerOnPictures | None = None
    twin: TwinComparison | None = None
    comparison: str = ""
    text: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
