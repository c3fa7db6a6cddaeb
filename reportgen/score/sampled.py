"""Shares of verdicts among all units of a layer or network of which a budget drew some at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from reportgen.sampling import ShareEstimate, combined_share, drawn_sample, estimated_share
from reportgen.store import ModelRecord
from reportgen.units import Layer, UnitScore
from reportgen.verdicts import VERDICTS

_FIRST_STARTS = 2
"""Starts from which on a unit counts. Units that get more are the doubtful ones: to wait for these would
leave them out more often than others."""

Shares = Mapping[str, ShareEstimate]
"""An estimate for each verdict that occurs, in the order of the verdicts."""


def sampled_units(record: ModelRecord, layer: Layer, scores: Iterable[UnitScore]) -> dict[int, UnitScore]:
    """Return the scores that say something of all units of a layer, by unit.

    All of them where every unit was judged; those of a random sample where units were drawn; else none. A
    unit without its first two starts, or whose layer has no noise baseline yet, is not judged: of units with
    a pattern it would be undecided, of others static.
    """
    seeds = record.plan.get("seeds", 1)
    wanted = min(seeds, _FIRST_STARTS) if isinstance(seeds, int) else 1
    judged = {s.unit: s for s in scores if _is_judged(s, wanted)}
    if len(judged) >= layer.n_units:
        return judged
    if not record.is_drawn(layer.name):
        return {}
    return {unit: judged[unit] for unit in drawn_sample(layer.graph_hash, layer.n_units, judged)}


def _is_judged(score: UnitScore, seeds: int) -> bool:
    obstacle = score.look.obstacle
    lacks_null = obstacle is not None and obstacle.kind == "no null"
    return ((score.starts.pictures or 0) >= seeds or bool(score.starts.failure)) and not lacks_null


def verdict_shares(record: ModelRecord, layer: Layer, scores: Iterable[UnitScore]) -> Shares:
    """Return the share of each verdict among all units of a layer, exact or estimated.

    Nothing for a layer whose units were neither drawn nor all judged.
    """
    sample = sampled_units(record, layer, scores)
    counts = Counter(score.verdict for score in sample.values())
    return {
        v.word: estimated_share(counts[v.word], len(sample), layer.n_units)
        for v in VERDICTS
        if counts[v.word]
    }


def combined_shares(layers: Sequence[Shares]) -> Shares:
    """Return the share of each verdict among all units of those layers of which it is known.

    Nothing where no layer's is an estimate.
    """
    known = [shares for shares in layers if shares]
    if all(share.exact for shares in known for share in shares.values()):
        return {}
    words = [v.word for v in VERDICTS if any(v.word in shares for shares in known)]
    return {word: combined_share([_share(word, shares) for shares in known]) for word in words}


def _share(word: str, shares: Shares) -> ShareEstimate:
    one = next(iter(shares.values()))
    return shares[word] if word in shares else estimated_share(0, one.judged, one.of)
