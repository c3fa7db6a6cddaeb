"""What is said of a layer as a whole: counts, copies, what its activations have in common, its twin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from reportgen.judgement import ConsistencyReference, NoiseRate, ResponseGroups, Shortfall, TwinComparison
from reportgen.sampling import ShareEstimate
from reportgen.sentences.responses import correlation_in_words, shortfall_in_words
from reportgen.units import UnitScore
from reportgen.verdicts import DEAD, FLAT, STATIC, STRUCTURED, VERDICTS

ONLY_REMOVAL = (
    "Whether the network needs the others can only be measured by removing them: "
    "`reportgen prune MODEL --images DIR`."
)
"""A sentence for wherever removal was not measured."""


def rendered_in_words(n_rendered: int, n_units: int) -> str:
    """Return how much of a layer was rendered; empty where all of it was."""
    return "" if n_rendered >= n_units else f"{n_rendered:,} of {n_units:,} units rendered"


def compared_in_words(compared: ConsistencyReference) -> str:
    """Return what consistency was compared with."""
    n, said = compared.n_units, []
    if n:
        said.append(f"{n:,} unit{'s' * (n != 1)} of this layer with a pattern")
    if compared.n_others:
        said.append(f"{compared.n_others:,} pictures of other layers")
    if compared.n_null:
        null = "pictures of the noise baseline, which overstates agreement"
        said.append(f"{compared.n_null:,} {null}")
    return " and ".join(said) or "nothing"


def certain_in_words(n: int, of: int) -> str:
    """Return in a sentence how many units are certainly superfluous, and what makes them so."""
    count = f"{n:,} of {_count(of, 'unit')} {'is' if n == 1 else 'are'}" if n else "No unit is"
    return (
        f"{count} certainly superfluous (proved silent or constant, with the same weights as another unit, "
        "or without outgoing weights)."
    )


def judged_in_words(scores: Sequence[UnitScore], *, note: str, assumed_range: str) -> list[str]:
    """Return the counts of verdicts, and what is known of the units that were never active.

    Args:
        scores: Rows of the rendered units.
        note: How much of the layer was rendered, or empty.
        assumed_range: The input range where it is assumed, or empty.
    """
    counts = Counter(s.verdict for s in scores)
    judged = ", ".join(f"{c} {v}" for v, c in counts.most_common())
    said = [f"{_count(len(scores), 'unit')} judged: {judged}."]
    if note:
        said.append(f"Only {note}.")
    dead = [s for s in scores if s.verdict == DEAD.word]
    if dead:
        proved = sum(s.responsiveness.proof == "bounds" for s in dead)
        known = {0: "no input was found that activates them", len(dead): "proved for every input"}
        how = known.get(proved, f"proved for {proved}, no input was found for the others")
        said.append(f"{_count(len(dead), 'unit')} {_were(len(dead))} never active: {how}.")
        if assumed_range and proved < len(dead):
            said.append(f"The input range {assumed_range} is assumed; with another they may be active.")
    return said


def patterns_in_words(scores: Sequence[UnitScore], compared: str) -> list[str]:
    """Return how many units with a pattern change from run to run, and how many are on the border.

    Args:
        scores: Rows of the rendered units.
        compared: With what their pictures were compared, in words.
    """
    counts, said = Counter(s.verdict for s in scores), []
    judged = sum(counts[v.word] for v in VERDICTS if v.pattern)
    changing = sum(counts[v.word] for v in VERDICTS if v.pattern and v.changes)
    if any(s.complement_of is not None for s in scores):
        said.append(
            "The two outputs are complements by the arithmetic of the softmax; that says nothing about the "
            "model."
        )
    if judged:
        said.append(f"{_varying_in_words(judged, changing)} between seeds (compared with {compared}).")
    nearly_flat = sum(s.look.nearly_flat for s in scores)
    if borderline := sum(s.borderline for s in scores) - nearly_flat:
        between = f"{STATIC.word} and {STRUCTURED.word}"
        said.append(f"{_count(borderline, 'unit')} {_are(borderline)} borderline between {between}.")
    if nearly_flat:
        said.append(
            f"{_count(nearly_flat, 'unit')} {_are(nearly_flat)} borderline to {FLAT.word}: hardly more than "
            "one colour, and brightness alone explains most of the activation."
        )
    return said


def _varying_in_words(judged: int, changing: int) -> str:
    """Return how many of the units with a pattern vary, up to the verb."""
    if judged == 1:
        return f"The only unit with a pattern {'varies' if changing else 'does not vary'}"
    vary = "varies" if changing <= 1 else "vary"
    return f"{changing or 'None'} of {judged:,} units with a pattern {vary}"


def noise_rate_in_words(noise: NoiseRate, untrained: NoiseRate | None = None) -> str:
    """Return how often the same rules find a pattern where none is: a rate to hold against the verdicts.

    Args:
        noise: Of the noise baseline.
        untrained: Of the units of an untrained twin; None where there is none.
    """
    said = [_rate(noise, "pictures of the noise baseline")]
    if untrained is not None and untrained.n:
        said.append(_rate(untrained, "units of the untrained twin"))
    return f"False alarms: the same rules find a pattern in {' and in '.join(said)}."


def _rate(rate: NoiseRate, what: str) -> str:
    return f"{rate.n_patterned} of {rate.n} {what} ({rate.n_patterned / max(1, rate.n):.0%})"


def estimate_in_words(shares: Mapping[str, ShareEstimate]) -> str:
    """Return the estimated share of each verdict among all units; empty where nothing was estimated."""
    if not shares or all(share.exact for share in shares.values()):
        return ""
    known = next(iter(shares.values()))
    listed = ", ".join(
        f"{word} {_percent(x.share)} % ({100 * x.low:.0f} to {100 * x.high:.0f})"
        for word, x in shares.items()
    )
    return (
        f"Estimated for all {known.of:,} units from {known.judged:,} drawn at random, with 95 % intervals: "
        f"{listed}."
    )


def _percent(share: float) -> str:
    """Return a share in whole percent; what was found is not rounded to none."""
    return "under 1" if 0 < share < 0.005 else f"{100 * share:.0f}"


def shared_in_words(layers: Sequence[str]) -> str:
    """Return why nothing is called superfluous where other layers have the same weights."""
    listed = ", ".join(layers[:3]) + (f" and {len(layers) - 3} more" if len(layers) > 3 else "")
    return (
        f"Its weights are used elsewhere in the network too ({listed}): "
        "what is idle here may be needed there, so nothing is called superfluous."
    )


def copies_in_words(n_copies: int) -> str:
    """Return how many units are copies."""
    what = "is a copy: its activations are" if n_copies == 1 else "are copies: their activations are"
    return f"{_count(n_copies, 'unit')} {what} those of a unit with a lower index."


def nearest_in_words(unit: int, other: int, correlation: float, short: Shortfall) -> str:
    """Return which two units of a layer without copies are nearest to it, and what they lack."""
    r = correlation_in_words(correlation)
    pair = f"Most similar pair: {unit} and {other}, r = {r} ({shortfall_in_words(short)})."
    return f"No unit is a copy of another. {pair}"


def similarity_in_words(groups: ResponseGroups, *, least: float) -> list[str]:
    """Return what the activations of a layer's units have in common.

    Args:
        groups: Of the layer.
        least: Smallest mean correlation within a group.
    """
    said = [
        f"{len(groups.basis):,} of {groups.live:,} active units linearly "
        f"{'explains' if len(groups.basis) == 1 else 'explain'} {groups.basis_share:.0%} of "
        f"the variance of all their activations; effective rank {groups.effective_rank:.1f}."
    ]
    if groups.groups:
        many = f"{len(groups.groups):,} groups" if len(groups.groups) > 1 else "One group"
        inside = sum(map(len, groups.groups))
        said.append(
            f"{many} of units with similar activations (mean correlation {least:g} or more): {inside:,} "
            f"units in all, {len(groups.groups[0]):,} in the largest."
        )
    return said


def natural_in_words(*, n_pictures: int, n_classes: int, n_silent: int, n_units: int,
                     zeros_share: float | None, selectivity: float | None) -> str:  # fmt: skip
    """Return what a person's own pictures say of a layer.

    Args:
        zeros_share: Of the median unit; None where no activation makes zeros.
        selectivity: Of the median unit; None where it is undefined.
    """
    where = f"{n_pictures:,} natural pictures" + (f" in {n_classes} classes" if n_classes else "")
    said = f"On {where}, {_count(n_silent, 'unit')} of {n_units} {_were(n_silent)} never active"
    if zeros_share is not None:
        said += f"; the median unit is exactly zero at {zeros_share:.0%} of positions"
    if selectivity is not None:
        said += f"; the median unit's class selectivity is {selectivity:.2f} (0: none, 1: a single class)"
    return said + "."


def twin_in_words(found: TwinComparison, how: str) -> str:
    """Return how a layer compares with its untrained twin.

    Args:
        found: What comparing the two found.
        how: How the twin's weights were drawn, or empty.
    """
    return (
        f"Compared with the untrained twin: a trained unit has more structure than an untrained one with "
        f"probability {found.auc:.2f} (0.5: no difference); {found.patterned_share_trained:.0%} of trained "
        f"and {found.patterned_share_untrained:.0%} of untrained units show a pattern"
        + (f" ({how})." if how else ".")
    )


def too_few_twins_in_words(n: int) -> str:
    """Return that too few units of an untrained twin are judged, and how many are."""
    return f"Too few units of the untrained twin are rendered to compare with: {n} judged."


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _were(n: int) -> str:
    return "was" if n == 1 else "were"
