"""What is known of a unit and of a layer, as plain values: all that verdicts, reasons and pages are made of.

Scoring fills them in, the store keeps them, pages and tables read them; what is not known is None, or empty.
Sentences about them are written in `sentences`, and nothing is ever read back from one. The names of fields
are keys of stored JSON: renaming one takes a step in `store/migrations.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["live", "dead", "constant", "unknown"]
Nuance = Literal["", "silent", "faint"]
Proof = Literal["", "bounds", "weights"]
Question = Literal["activation", "contrast", "structure", "recurrence", "facets"]


@dataclass(frozen=True, slots=True)
class Responsiveness:
    """Whether a unit activates.

    Attributes:
        state: `live`, `dead` (always zero, as near as counts), `constant` (always one other value)
            or `unknown`.
        nuance: Of a live unit: `silent` on all probes, so that only renders activate it; `faint` compared
            with its layer.
        proof: What proves that it is dead or constant: interval `bounds`, or outgoing `weights` that are all
            zero; empty if nothing does.
        unused: Whether all its outgoing weights are zero, in a layer where some are not.
        missing: Which measurement is missing where the state is unknown.
        low, high: Its smallest and largest activation; None where nothing was measured.
        bound: The only value that interval bounds allow; None where they allow several.
        n_probes, n_renders: Pictures on which its activation was measured; also 0 where an earlier release
            did not keep the number.
        assumed_range: The input range, where it is assumed: bounds over it then prove nothing; else empty.
    """

    state: State = "unknown"
    nuance: Nuance = ""
    proof: Proof = ""
    unused: bool = False
    missing: Literal["", "responses", "probes", "renders", "finite"] = ""
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    n_probes: int = 0
    n_renders: int = 0
    assumed_range: str = ""


@dataclass(frozen=True, slots=True)
class Starts:
    """How the starts of its scored pictures ended.

    Attributes:
        pictures: Number that did not fail; None where an earlier release did not keep it.
        live: How many of these activated the unit.
        failure: Reason given by a failed render, or empty.
    """

    pictures: int | None = None
    live: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why structure cannot be measured.

    Attributes:
        kind: Its pictures are too `small`; there is `no null` (noise baseline); the baseline is of `another
            canvas`, or has too `few` pictures that are not flat.
        sizes: Usable height and width, and the smallest allowed side; the canvas of the baseline; the fewest
            pictures allowed.
    """

    kind: Literal["small", "no null", "another canvas", "few"]
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What its pictures look like; means over pictures unless said otherwise.

    Attributes:
        contrast: Inner RMS contrast, of the range 0 to 1; the median.
        nearly_flat: Whether that is close to where one colour ends, and light alone explains the activation.
        colour: The name of its mean colour.
        colour_differs: Whether that differs between runs.
        colours: Along which colours it varies, by name.
        orientation_degrees: Direction of its stripes, counter-clockwise from horizontal; None if none stands
            out.
        period_px: Of its stripes; None if none stands out.
        null_share_below: Share of the noise baseline's pictures with less order, 0..1.
        p_adjusted: The p-value, allowing for the number of units in the layer.
        reach, extent, repeat, concentration, flow: The measures of order (docs/method.md).
        texture_distance: Mean distance between textures of its starts.
        obstacle: Why structure cannot be measured; None where it can.
        earlier_text: Direction and period in words, where an earlier release wrote them from more digits than
            it kept; else empty.
    """

    contrast: float | None = None
    nearly_flat: bool = False
    colour: str = ""
    colour_differs: bool = False
    colours: str = ""
    orientation_degrees: float | None = None
    period_px: float | None = None
    null_share_below: float | None = None
    p_adjusted: float | None = None
    reach: float | None = None
    extent: float | None = None
    repeat: float | None = None
    concentration: float | None = None
    flow: float | None = None
    texture_distance: float | None = None
    obstacle: Obstacle | None = None
    earlier_text: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """One group of similar pictures of a unit that has several: seeds, and its mean activation on them."""

    seeds: tuple[int, ...]
    activation: float | None = None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why two similar units do not count as copies.

    Attributes:
        on: Pictures on which they differ: `all` together, `probes` or `renders` alone, or `white` noise.
        correlation, needed: Correlation of their activations there, and the smallest that a copy has.
        earlier_text: The same in words, where an earlier release kept nothing else; else empty.
    """

    on: Literal["all", "probes", "renders", "white"] = "all"
    correlation: float | None = None
    needed: float | None = None
    earlier_text: str = ""


@dataclass(frozen=True, slots=True)
class Relations:
    """How its activations relate to those of other units of its layer.

    Attributes:
        neighbours: Up to 8 units with the most similar activations, nearest first.
        correlations: With each of them; None where unknown.
        copy_correlation: Smallest of the correlations that decide, with the unit it is a copy of.
        copy_shortfall: Why the first neighbour is not a copy; None where it is, or there is none.
    """

    neighbours: tuple[int, ...] = ()
    correlations: tuple[float | None, ...] = ()
    copy_correlation: float | None = None
    copy_shortfall: Shortfall | None = None


@dataclass(frozen=True, slots=True)
class Light:
    """How it responds to pictures of one colour.

    Attributes:
        brightness: Whether its activation `rises` or `falls` with brightness; empty where neither.
        black, white: Its activations on these.
        colour: Name of the uniform colour that activates it most, where colours change its activation more
            than greys do; else empty.
        colour_activation: Its activation on that colour.
        share: Share of its whole activation range that such pictures alone cover, 0..1.
        earlier_text: The same in words, where an earlier release kept nothing else; else empty.
    """

    brightness: Literal["", "rises", "falls"] = ""
    black: float | None = None
    white: float | None = None
    colour: str = ""
    colour_activation: float | None = None
    share: float | None = None
    earlier_text: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """How far its pictures can be trusted (docs/method.md).

    Attributes:
        recipes_agree, natural_agreement: 0..1; one half is chance.
        recipes_pass: Whether `recipes_agree` is high enough for recipes to be called in agreement.
        robust_share: Share of what a picture gained that stays under fresh transforms.
        beyond_natural: By how many times its renders exceed its best natural picture.
    """

    recipes_agree: float | None = None
    recipes_pass: bool | None = None
    robust_share: float | None = None
    beyond_natural: float | None = None
    natural_agreement: float | None = None


@dataclass(frozen=True, slots=True)
class Natural:
    """How it responds to the user's own pictures.

    Attributes:
        max: Its largest activation.
        zeros_share: Share of its activations that are exactly zero.
        silent: Whether none of them activated it.
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
        question: What is asked about: its `activation`, the `contrast` of its pictures, their `structure`,
            its `recurrence` from every start, or their `facets`.
        answer: None where it is not known.
        numbers: What was measured and its thresholds, by name.
        groups: Sizes of the groups of similar pictures, where the question is about facets.
        earlier_text: The numbers in words, where an earlier release kept nothing else; else empty.
    """

    question: Question
    answer: bool | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    groups: tuple[int, ...] = ()
    earlier_text: str = ""


@dataclass(frozen=True, slots=True)
class ConsistencyReference:
    """The other pictures with which agreement between a unit's starts was compared.

    Attributes:
        n_units: Units of the layer that show a pattern.
        n_others, n_null: Pictures of other layers and of the noise baseline, where units are few.
    """

    n_units: int
    n_others: int = 0
    n_null: int = 0


@dataclass(frozen=True, slots=True)
class ResponseGroups:
    """How similar the activations of a layer's live units are.

    Attributes:
        live: How many units vary at all.
        groups: Units with similar activations, two or more in each, the largest group first.
        effective_rank: 1 to `live`: number of independent activations if all had the same weight.
        basis: Fewest units, chosen greedily, whose activations linearly explain `basis_share` of the variance
            of all.
    """

    live: int
    groups: tuple[tuple[int, ...], ...] = ()
    effective_rank: float = 0.0
    basis: tuple[int, ...] = ()
    basis_share: float = 0.0


@dataclass(frozen=True, slots=True)
class LayerOnPictures:
    """A layer on the user's own pictures."""

    n_pictures: int
    n_classes: int
    silent: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TwinComparison:
    """How a layer compares with its untrained twin.

    Attributes:
        auc: Probability that a trained unit has more structure than an untrained one.
        n_untrained: Untrained units that were judged.
        patterned_share_trained, patterned_share_untrained: Of the judged units, the share with a pattern.
    """

    auc: float
    n_untrained: int
    patterned_share_trained: float
    patterned_share_untrained: float

    @property
    def untrained(self) -> NoiseRate:
        """How many untrained units are said to have a pattern."""
        return NoiseRate(self.n_untrained, round(self.patterned_share_untrained * self.n_untrained))


@dataclass(frozen=True, slots=True)
class NoiseRate:
    """How often what has no structure is said to have a pattern, by the rules by which units are judged.

    Attributes:
        n: Pictures of the noise baseline, each measured against the others; or units of an untrained twin.
        n_patterned: Those of them that are said to have a pattern.
    """

    n: int
    n_patterned: int


@dataclass(frozen=True, slots=True)
class LayerFindings:
    """What is known of a layer as a whole.

    Attributes:
        n_units, n_rendered: Its units, and those that were rendered or failed.
        counts: Units by verdict.
        certainly_superfluous: Superfluous units, in order; None where that was not determined.
        response_groups: How similar its units' activations are; None where they were not measured.
        null_structure: Structure of each picture of the noise baseline, measured against the others.
        noise: How many of these are said to have a pattern; None where there are none.
        structure_z, borderline_z, duplicate_correlation: The thresholds it was judged by (see `ScoreSpec`).
        natural, twin: What is known from the user's own pictures, and from its untrained twin.
        consistency_reference: What consistency was compared with, in words.
        summary, supplementary: Sentences: on its verdicts, and on what does not affect them.
    """

    n_units: int = 0
    n_rendered: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    certainly_superfluous: tuple[int, ...] | None = None
    response_groups: ResponseGroups | None = None
    null_structure: tuple[float, ...] = ()
    noise: NoiseRate | None = None
    structure_z: float | None = None
    borderline_z: tuple[float, float] | None = None
    duplicate_correlation: float | None = None
    natural: LayerOnPictures | None = None
    twin: TwinComparison | None = None
    consistency_reference: str = ""
    summary: tuple[str, ...] = ()
    supplementary: tuple[str, ...] = ()
