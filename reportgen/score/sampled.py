"""Shares of verdicts among all units of a layer or network of which a budget drew some at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from reportgen.sampling import ShareEstimate, combined_share, drawn_sample, estimated_share
from reportgen.store import ModelRecord
from reportgen.units import Layer
from reportgen.verdicts import VERDICTS

Shares = Mapping[str, ShareEstimate]
"""An estimate for each verdict that occurs, in the order of the verdicts."""


def sampled_shares(record: ModelRecord, layer: Layer, verdicts: Mapping[int, str]) -> Shares:
    """Return the estimated share of each verdict among all units of a layer.

    Args:
        record: The model version; its plan says whether units were drawn.
        layer: One of its layers.
        verdicts: By unit, of those that were judged.

    Returns:
        Nothing for a layer whose units were not drawn, or were all judged.
    """
    if not record.is_drawn(layer.name) or len(verdicts) >= layer.n_units:
        return {}
    sample = drawn_sample(layer.graph_hash, layer.n_units, verdicts)
    if not sample:
        return {}
    counts = Counter(verdicts[unit] for unit in sample)
    return {
        v.word: estimated_share(counts[v.word], len(sample), layer.n_units)
        for v in VERDICTS
        if counts[v.word]
    }


def combined_shares(parts: Sequence[tuple[Shares, Mapping[str, int], int]]) -> Shares:
    """Return the estimated share of each verdict among all units of several layers.

    Args:
        parts: Of each layer, its estimates (empty where it was judged whole), its counts of verdicts, and its
            number of units.

    Returns:
        Nothing where no layer has an estimate.
    """
    if not any(shares for shares, _, _ in parts):
        return {}
    words = {word for shares, counts, _ in parts for word in (shares or counts)}
    return {
        v.word: combined_share([_part(v.word, *part) for part in parts]) for v in VERDICTS if v.word in words
    }


def _part(word: str, shares: Shares, counts: Mapping[str, int], n_units: int) -> ShareEstimate:
    if word in shares:
        return shares[word]
    if shares:
        one = next(iter(shares.values()))
        return estimated_share(0, one.judged, one.of)
    return estimated_share(counts.get(word, 0), sum(counts.values()), n_units)
