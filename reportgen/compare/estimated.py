"""What a rule counts, estimated for all units of layers of which a budget drew some at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reportgen.compare.rules import Rule
from reportgen.sampling import ShareEstimate, combined_share, drawn_sample, estimated_share
from reportgen.store import ModelRecord
from reportgen.units import UnitScore
from reportgen.verdicts import WORDS


def estimated_count(
    rule: Rule, record: ModelRecord, scores: Mapping[str, Sequence[UnitScore]]
) -> ShareEstimate | None:
    """Return the share of units with the verdict that a rule counts, among all units of its layers.

    Args:
        scores: Of each layer that the rule is about, by its name.

    Returns:
        None where a rule counts something else, or every unit was judged, or units were not drawn.
    """
    if rule.counted not in WORDS:
        return None
    parts = [part for name, rows in scores.items() if (part := _part(rule, record, name, rows)) is not None]
    if not parts or all(part.exact for part in parts):
        return None
    return combined_share(parts)


def _part(rule: Rule, record: ModelRecord, name: str, rows: Sequence[UnitScore]) -> ShareEstimate | None:
    """Return a layer's part; None where nothing of it can be said."""
    layer, verdicts = record.layer(name), {s.unit: s.verdict for s in rows}
    drawn = record.is_drawn(name) and len(verdicts) < layer.n_units
    units = drawn_sample(layer.graph_hash, layer.n_units, verdicts) if drawn else list(verdicts)
    if not units:
        return None
    found = sum(verdicts[unit] == rule.counted for unit in units)
    return estimated_share(found, len(units), layer.n_units if drawn else len(units))
