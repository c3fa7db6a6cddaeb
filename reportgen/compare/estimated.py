"""What a rule counts, estimated for all units of layers of which a budget drew some at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reportgen.compare.possible import possible_verdicts
from reportgen.compare.rules import Rule
from reportgen.sampling import ShareEstimate, combined_share, estimated_share
from reportgen.score.sampled import sampled_units
from reportgen.store import ModelRecord
from reportgen.units import UnitScore
from reportgen.verdicts import WORDS


def estimated_count(
    rule: Rule, record: ModelRecord, scores: Mapping[str, Sequence[UnitScore]]
) -> ShareEstimate | None:
    """Return the share of units with the verdict that a rule counts, among all units of its layers.

    The interval is that of sampling, widened by units near a threshold, which may have another verdict.

    Args:
        scores: Of each layer that the rule is about, by its name.

    Returns:
        None where a rule counts something else, or every unit was judged, or units were not drawn.
    """
    if rule.counted not in WORDS:
        return None
    samples = [
        (record.layer(name), sampled_units(record, record.layer(name), own)) for name, own in scores.items()
    ]

    def share(counts: Callable[[UnitScore], bool]) -> ShareEstimate:
        return combined_share([
            estimated_share(sum(map(counts, units.values())), len(units), layer.n_units)
            for layer, units in samples if units
        ])  # fmt: skip

    if not any(units and len(units) < layer.n_units for layer, units in samples):
        return None
    found = share(lambda s: s.verdict == rule.counted)
    fewest = share(lambda s: possible_verdicts(s) == {rule.counted})
    most = share(lambda s: rule.counted in possible_verdicts(s))
    return ShareEstimate(found.share, fewest.low, most.high, found.judged, found.of)
