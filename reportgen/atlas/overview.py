"""The first screen of a model version, as values: five questions that a newcomer has, answered in order.

What is it, is the input range sure, what do its units see, are there too many, what to look at first. The
template words them; details stand further down its page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reportgen.atlas.drawing import Drawing
from reportgen.atlas.findings import Finding
from reportgen.atlas.import_view import ImportView
from reportgen.atlas.removal_curve import small_curve
from reportgen.atlas.removal_words import brief_answer
from reportgen.atlas.summaries import DrawnUnit, ModelSummary
from reportgen.judgement import LayerFindings, NoiseRate
from reportgen.removal import WHOLE_NETWORK, Removal
from reportgen.sentences.layers import estimate_in_words, noise_rate_in_words
from reportgen.units import Layer

N_PICTURES = 12


@dataclass(frozen=True, slots=True)
class Head:
    """What the network decides with, and where its page is.

    Attributes:
        kind: The head that was cut; else `logits` where its classes have names, and its activation elsewhere.
        classes: What its outputs are called; of one output, what a low and a high one mean.
    """

    layer: str
    href: str
    n_units: int
    kind: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class First:
    """A finding to look at first: its title, the place of its section, and a picture of it."""

    title: str
    href: str
    picture: DrawnUnit


@dataclass(frozen=True, slots=True)
class Overview:
    """The answers.

    Attributes:
        heads: What the network decides with.
        assumed: Whether its input range is.
        better, option: The range that the evidence speaks for where that is another, and the option for it.
        contradiction: What speaks against the range.
        pictures: The clearest, by turns of layers.
        estimate: Shares of verdicts among all units where some were drawn at random, in a sentence; or empty.
        noise: How often the rules of its verdicts find a pattern where none is, in a sentence; or empty.
        many: Whether there are more units than necessary, in a sentence or two.
        curve: The removal curve, small; None where it was not measured.
        first: Findings that can be looked at, most worth a look first.
    """

    heads: tuple[Head, ...]
    assumed: bool
    better: str
    option: str
    contradiction: str
    pictures: tuple[DrawnUnit, ...]
    estimate: str
    noise: str
    many: str
    curve: Drawing | None
    first: tuple[First, ...]


def overview_of(
    summary: ModelSummary,
    imported: ImportView | None,
    removal: Removal | None,
    necessary: Sequence[str],
    found: Sequence[tuple[Finding, Sequence[tuple[str, Sequence[DrawnUnit]]]]],
    judged: Sequence[LayerFindings],
) -> Overview:
    """Return the first screen of a model version.

    Args:
        summary: The model version.
        imported: Its import report.
        removal: What was measured of need.
        necessary: What is certain of whether it has too many units, in sentences.
        found: Findings, each with its pictures.
        judged: What was found of each layer.
    """
    best = imported.best if imported else None
    return Overview(
        heads=heads_of(summary),
        assumed=summary.record.input_range.source == "assumed",
        better=best.range if best else "",
        option=best.option if best else "",
        contradiction=imported.contradiction if imported else "",
        pictures=tuple(summary.mosaic[:N_PICTURES]),
        estimate=_estimate(summary),
        noise=_noise(judged),
        many=brief_answer(removal) if removal else " ".join(necessary),
        curve=small_curve(removal, WHOLE_NETWORK) if removal else None,
        first=tuple(_first(found)),
    )


def _estimate(summary: ModelSummary) -> str:
    lacking = len(summary.record.layers) - len(summary.layers)
    beside = f" {lacking} layers without pictures are no part of it." if lacking else ""
    found = estimate_in_words(summary.estimates)
    return found and found + beside


def _noise(judged: Sequence[LayerFindings]) -> str:
    """Return the rates of all layers together; layers of one setting share their noise baseline."""
    baselines = {x.null_structure: x.noise for x in judged if x.noise is not None}
    if not baselines:
        return ""
    twins = [found.twin.untrained for found in judged if found.twin is not None]
    return noise_rate_in_words(_together(baselines.values()), _together(twins))


def _together(rates: Iterable[NoiseRate]) -> NoiseRate:
    return NoiseRate(sum(rate.n for rate in rates), sum(rate.n_patterned for rate in rates))


def heads_of(summary: ModelSummary) -> tuple[Head, ...]:
    """Return what the network decides with: heads and outputs whose classes have names, or the last layer."""
    outputs = [(layer, summary.record.outputs_named(layer)) for layer in summary.record.layers]
    found = [(layer, classes) for layer, classes in outputs if layer.head or classes] or outputs[-1:]
    return tuple(_head(summary, layer, classes) for layer, classes in found)


def _head(summary: ModelSummary, layer: Layer, classes: tuple[str, ...]) -> Head:
    slug = summary.place.slug(layer.name)
    drawn = any(x.name == layer.name for x in summary.layers)
    href = f"{slug}.html" if slug and drawn else ""
    kind = layer.head or ("logits" if classes else layer.activation or "linear")
    return Head(layer.name, href, layer.n_units, kind, classes)


def _first(
    found: Sequence[tuple[Finding, Sequence[tuple[str, Sequence[DrawnUnit]]]]],
) -> Iterator[First]:
    for at, (finding, groups) in enumerate(found, 1):
        picture = next((unit for _, units in groups for unit in units), None)
        if picture is not None:
            yield First(finding.title, f"findings.html#f{at}", picture)
