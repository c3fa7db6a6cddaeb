"""Lines over three or more versions: what share is structured, how much is dead, copied, superfluous."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reportgen.compare.rows import Version
from reportgen.comparison import Line, Series
from reportgen.judgement import LayerFindings
from reportgen.units import UnitScore
from reportgen.verdicts import DEAD, STRUCTURED

Scores = Sequence[UnitScore]
Measure = Callable[[Scores, LayerFindings], float | None]


def _share(scores: Scores, _: LayerFindings) -> float | None:
    return sum(s.verdict == STRUCTURED.word for s in scores) / len(scores) if scores else None


def _dead(scores: Scores, _: LayerFindings) -> float | None:
    return float(sum(s.verdict == DEAD.word for s in scores)) if scores else None


def _copies(scores: Scores, _: LayerFindings) -> float | None:
    return float(sum(s.duplicate_of is not None for s in scores)) if scores else None


def _certain(scores: Scores, findings: LayerFindings) -> float | None:
    return (
        float(len(findings.certainly_superfluous))
        if scores and findings.certainly_superfluous is not None
        else None
    )


def _units(scores: Scores, _: LayerFindings) -> float | None:
    return float(len(scores)) if scores else None


MEASURES: Mapping[str, Measure] = {
    "structured_share": _share,
    "dead": _dead,
    "copies": _copies,
    "certain": _certain,
    "units": _units,
}
"""Numbers over versions, all of them counted; `certain`: units that are superfluous for certain."""


def series_of(versions: Sequence[Version]) -> Series:
    """Return the lines of versions in the order given, for every layer and for all of them together.

    Layers are distinguished by name; a version without such a layer has no value there. Only units that
    were scored count.
    """
    layers: list[str] = []
    for version in reversed(versions):
        layers += [x.name for x in version.record.layers if x.name not in layers]
    tables = [{x.name: _values(v, x.name) for x in v.record.layers} for v in versions]
    lines = [
        Line(measure, layer, tuple(t.get(layer, {}).get(measure) for t in tables))
        for measure in MEASURES
        for layer in layers
    ]
    lines += [Line(measure, "", tuple(_total(measure, t) for t in tables)) for measure in MEASURES]
    return Series(tuple(v.id for v in versions), tuple(lines), tuple(layers))


def _values(version: Version, layer: str) -> dict[str, float | None]:
    scores = version.store.scores(version.record.id, layer)
    findings = version.store.findings(version.record.id, layer)
    return {name: measure(scores, findings) for name, measure in MEASURES.items()}


def _total(measure: str, layers: Mapping[str, Mapping[str, float | None]]) -> float | None:
    """Return a number over all layers: shares weighed by units, counts added up."""
    known = [(v[measure], v["units"]) for v in layers.values() if v[measure] is not None]
    if not known:
        return None
    if measure.endswith("_share"):
        units = sum(n or 0.0 for _, n in known)
        return sum((value or 0.0) * (n or 0.0) for value, n in known) / units if units else None
    return sum(value or 0.0 for value, _ in known)
