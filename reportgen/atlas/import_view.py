"""What a model's page says of its import: proof, input range with evidence, layers.

Reads the import report that a store keeps with a model version; stores may be anybody's, so whatever
is not as it should be is left out. Layout and escaping are the templates' work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reportgen.json_values import Parsed
from reportgen.store import ModelRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one source says of the input range."""

    source: str
    says: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BestRange:
    """The range that the evidence speaks for, how sure it is, and the option that keeps to it."""

    range: str
    sure: str
    option: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedLayer:
    """A layer as it was imported; sizes in pixels, in words."""

    name: str
    units: str
    output: str
    field: str
    stride: str
    canvas: str
    merged: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportView:
    """The import report, in words.

    Attributes:
        proof: That the network computes what its file says, in sentences.
        range, source, sure: The input range in use, whence it is, and how sure.
        contradiction: What speaks against it.
        order: Of channels.
        readings, best: The evidence of the range, and what it speaks for where that is another.
        layers: In order from the input.
    """

    proof: tuple[str, ...]
    range: str
    source: str
    sure: str
    contradiction: str
    order: str
    readings: tuple[Reading, ...]
    best: BestRange | None
    layers: tuple[ImportedLayer, ...]


def import_view(record: ModelRecord) -> ImportView | None:
    """Return the import report of a model version as its page shows it; None where the store has none."""
    report = record.plan.get("report")
    if not isinstance(report, Mapping):
        return None
    found = _mapping(report.get("input"))
    best = _mapping(found.get("best"))
    notes = (_text(report.get(key)) for key in ("parity_note", "cuts_note"))
    return ImportView(
        proof=tuple(dict.fromkeys(filter(None, notes))),
        range=_text(_mapping(found.get("range")).get("text")),
        source=_text(found.get("source")),
        sure=_sure(found),
        contradiction=_text(found.get("contradiction")),
        order=_text(found.get("channel_order")),
        readings=tuple(_reading(r) for r in _list(found.get("readings")) if isinstance(r, Mapping)),
        best=_best(best) if best else None,
        layers=tuple(_layer(x) for x in _list(report.get("layers")) if isinstance(x, Mapping)),
    )


def _best(best: Parsed) -> BestRange:
    return BestRange(
        range=_text(best.get("range")), sure=_sure(best), option=_text(best.get("option"))
    )  # fmt: skip


def _reading(reading: Parsed) -> Reading:
    seen = _text(reading.get("range"))
    return Reading(
        source=_text(reading.get("source")),
        says=f"{seen}, {_sure(reading)}" if seen else "nothing",
        words=_text(reading.get("words")),
    )


def _layer(layer: Mapping[str, object]) -> ImportedLayer:
    merged = [_text(m.get("kind")) for m in _list(layer.get("merged")) if isinstance(m, Mapping)]
    merged += [f"output {_text(name)}" for name in _list(layer.get("outputs"))]
    return ImportedLayer(
        name=_text(layer.get("name")),
        units=_text(layer.get("units")),
        output=_sides(layer.get("output_shape")),
        field=_field(layer),
        stride=_sides(layer.get("stride_px")) or "–",
        canvas=_sides(layer.get("canvas_px")),
        merged=", ".join(merged) or "–",
    )


def _field(layer: Mapping[str, object]) -> str:
    own, local = _sides(layer.get("receptive_field_px")), _sides(layer.get("local_field_px"))
    if not own and local:
        return f"{local}, and the whole input through a gate"
    return own or "whole input"


def _sure(found: Mapping[str, object]) -> str:
    word, value = _text(found.get("confidence_word")), found.get("confidence")
    return f"{word}, {value:g} of 1" if word and isinstance(value, (int, float)) else "none"


def _sides(sides: object) -> str:
    return " × ".join("?" if n is None else _text(n) for n in _list(sides))


def _mapping(value: Any) -> Parsed:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _text(value: Any) -> str:
    return str(value) if isinstance(value, (str, int, float)) else ""
