"""A layer of which only some units were judged: which are a random sample, and what they say of all.

A budget of time draws units at random, in an order that depends on the layer alone, so that another run goes
on with the same. Nothing here knows a store, a page or a rule.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
"""Probability that an interval holds the share of all units."""


@dataclass(frozen=True, slots=True)
class ShareEstimate:
    """The share of a layer's or network's units with some property, estimated from those that were judged.

    Attributes:
        share: The estimate, 0..1.
        low, high: Its interval, at 95 %; both equal `share` where every unit was judged.
        judged, of: Units that it was estimated from, and all.

    Example:
        >>> few = estimated_share(5, 6, 384)
        >>> round(few.share, 2), round(few.low, 2), round(few.high, 2), few.exact
        (0.83, 0.42, 0.96, False)
    """

    share: float
    low: float
    high: float
    judged: int
    of: int

    @property
    def exact(self) -> bool:
        """Whether every unit was judged."""
        return self.judged == self.of


def drawn_order(graph_hash: str, units: Iterable[int]) -> list[int]:
    """Return units in the random order in which a budget draws them, the same in every run and version.

    Example:
        >>> drawn_order("a layer", range(6)) == drawn_order("a layer", reversed(range(6)))
        True
    """

    def place(unit: int) -> bytes:
        return hashlib.blake2b(f"{graph_hash}/{unit}".encode(), digest_size=8).digest()

    return sorted(units, key=place)


def drawn_sample(graph_hash: str, n_units: int, judged: Collection[int]) -> list[int]:
    """Return the judged units that are a random sample: those drawn before the first that was not judged.

    Units that were judged for another reason, such as a request for the first eight, are no part of it unless
    their turn has come.
    """
    known = set(judged)
    order = drawn_order(graph_hash, range(n_units))
    count = next((i for i, unit in enumerate(order) if unit not in known), len(order))
    return order[:count]


def estimated_share(found: int, judged: int, of: int) -> ShareEstimate:
    """Return the share of `of` units, `found` of `judged` of which, drawn at random, have a property.

    The interval holds 95 % of the probability of the share, if every share was as likely before (the
    hypergeometric likelihood with a uniform prior, a beta-binomial distribution of the units not judged).

    Raises:
        ValueError: Nothing was judged, or more was found than judged, or judged than there is.
    """
    if not 0 < judged <= of or not 0 <= found <= judged:
        raise ValueError(f"{found} of {judged} judged of {of} units is no sample")
    rest = of - judged
    logs = np.array(
        [_log_choices(found + more, found) + _log_choices(judged - found + rest - more, judged - found)
         for more in range(rest + 1)]
    )  # fmt: skip
    chances = np.exp(logs - logs.max())
    below = np.cumsum(chances) / chances.sum()
    tail = (1 - CONFIDENCE) / 2
    low, high = (min(int(np.searchsorted(below, level)), rest) for level in (tail, 1 - tail))
    share = found / judged
    return ShareEstimate(share, min((found + low) / of, share), max((found + high) / of, share), judged, of)


def _log_choices(n: int, k: int) -> float:
    """Return the logarithm of the number of ways to choose k of n."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def combined_share(parts: Sequence[ShareEstimate]) -> ShareEstimate:
    """Return the share of all units of several layers, each of which has its own sample.

    Each layer counts by its units. Where only one was not judged whole, the interval is its own. Else it is
    that of a normal distribution, whose variance is that of stratified sampling without replacement; a layer
    whose few units agree is taken as less sure than that (one unit of each kind is added).

    Raises:
        ValueError: There are no parts.
    """
    of, judged = sum(part.of for part in parts), sum(part.judged for part in parts)
    if not of:
        raise ValueError("no units to estimate a share of")
    share = sum(part.share * part.of for part in parts) / of
    sampled = [part for part in parts if not part.exact]
    if len(sampled) == 1:
        (own,), weight = sampled, sampled[0].of / of
        low, high = share - (own.share - own.low) * weight, share + (own.high - own.share) * weight
        return ShareEstimate(share, low, high, judged, of)
    variance = sum(_variance(part) * (part.of / of) ** 2 for part in sampled)
    reach = statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt(variance)
    known = [round(part.share * part.judged) for part in parts]
    least = sum(known) / of
    most = 1 - sum(part.judged - k for part, k in zip(parts, known, strict=True)) / of
    return ShareEstimate(share, max(share - reach, least), min(share + reach, most), judged, of)


def _variance(part: ShareEstimate) -> float:
    smooth = (part.share * part.judged + 1) / (part.judged + 2)
    return smooth * (1 - smooth) / part.judged * (1 - part.judged / part.of)
