"""What a unit's page shows besides its verdict: how far to trust it, and its responses to natural pictures.

Sections as in `views`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reportgen.atlas import plots
from reportgen.atlas.plots import number
from reportgen.atlas.rows import LayerRows
from reportgen.atlas.views import Fact, Facts, Plotted
from reportgen.judgement import Natural, Trust
from reportgen.sentences.responses import trust_of
from reportgen.units import UnitScore
from reportgen.verdicts import verdict_of

Arrays = Mapping[str, np.ndarray]
_BINS = 24

_CHECKS: tuple[tuple[Callable[[Trust], float | None], str, str], ...] = (
    (
        lambda t: t.recipes_agree,
        "Recipes",
        "how reliably its display picture can be matched to its scored ones; 0.5 is chance, 1 is always",
    ),
    (
        lambda t: t.robust_share,
        "Transforms",
        "share of the display picture’s gain that remains when it is shifted and rotated",
    ),
    (lambda t: t.beyond_natural, "Beyond natural", "times its activation on the strongest natural picture"),
    (
        lambda t: t.natural_agreement,
        "Natural examples",
        "how reliably its pictures can be matched to its natural ones; 0.5 is chance, 1 is always",
    ),
)
_FACTS: tuple[tuple[Callable[[Natural], float | None], str, str], ...] = (
    (lambda n: n.max, "Largest activation", "on any natural picture, after the activation function"),
    (lambda n: n.zeros_share, "Zeros", "share of its activations on natural pictures that are exactly zero"),
    (lambda n: n.selectivity, "Class selectivity", "0: active for all classes alike, 1: for a single one"),
)


def trust_section(score: UnitScore | None) -> Facts | None:
    """Return the checks of trust that were made of a unit."""
    if score is None:
        return None
    facts = [Fact(label, number(check(score.trust)), note) for check, label, note in _CHECKS]
    kept = tuple(fact for fact in facts if fact.value != "–")
    note = "Informational; does not affect the verdict."
    if verdict_of(score.verdict).noise:
        note += " Here they say that the noise recurs, not that there is a pattern."
    words = trust_of(score)
    text = f"{words[:1].upper()}{words[1:]}. {note}" if words else note
    return Facts(title="Trust", note=text, means="trust", facts=kept) if kept else None


def natural_section(score: UnitScore | None) -> Facts | None:
    """Return what a person's own pictures say of a unit."""
    natural = score.natural if score is not None else None
    if natural is None or natural.zeros_share is None:
        return None
    facts = [Fact(label, number(fact(natural)), note) for fact, label, note in _FACTS]
    if natural.selective_class:
        facts.append(Fact("Class", natural.selective_class, "which activates it most"))
    return Facts(title="On natural pictures", facts=tuple(fact for fact in facts if fact.value != "–"))


def probe_histogram_section(rows: LayerRows, unit: int) -> Plotted | None:
    """Return a unit's histogram of activations on the probe pictures, where no other pictures were given."""
    samples = rows.probes.get("samples")
    if "counts" in rows.natural or samples is None or samples.ndim != 3 or unit >= samples.shape[2]:
        return None
    values = samples[:, :, unit].astype(np.float64).ravel()
    values = values[np.isfinite(values)]
    if not values.size or values.max() <= values.min():
        return None
    counts, edges = np.histogram(values, bins=_BINS)
    shares = counts / values.size
    points = [(float(x), float(share)) for at, share in enumerate(shares) for x in (edges[at], edges[at + 1])]
    most = int(np.argmax(counts))
    alt = (
        f"Histogram of {values.size:,} activations on probe pictures, from {number(float(edges[0]))} to "
        f"{number(float(edges[-1]))}; {shares[most]:.0%} lie between {number(float(edges[most]))} and "
        f"{number(float(edges[most + 1]))}."
    )
    plot = plots.curves([("c0", points)], across="activation", alt=alt)
    note = f"Share of activations by size, at {samples.shape[1]} places of {samples.shape[0]} probe pictures."
    return Plotted(title="Activations on probe pictures", note=note, plot=plot) if plot else None


def histogram_section(natural: Arrays, unit: int) -> Plotted | None:
    """Return a unit's histogram of activations on natural pictures."""
    if not {"counts", "start", "width"} <= set(natural) or not 0 <= unit < len(natural["counts"]):
        return None
    counts, start, width = (natural[name][unit] for name in ("counts", "start", "width"))
    used = np.flatnonzero(counts)
    if not len(used):
        return None
    points: list[tuple[float, float]] = []
    total = float(counts.sum())
    for place in range(int(used[0]), int(used[-1]) + 1):
        left, share = float(start + place * width), float(counts[place]) / total
        points += [(left, share), (left + float(width), share)]
    at = int(np.argmax(counts))
    alt = (
        f"Histogram of activations on natural pictures, from {number(points[0][0])} to "
        f"{number(points[-1][0])}; "
        f"{counts[at] / total:.0%} lie between {number(float(start + at * width))} and "
        f"{number(float(start + (at + 1) * width))}."
    )
    plot = plots.curves([("c0", points)], across="activation", alt=alt)
    note = "Share of activations by value, at fixed positions of all natural pictures, after the activation."
    return Plotted(title="Activations on natural pictures", note=note, plot=plot) if plot else None
