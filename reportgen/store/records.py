"""What rows of the store mean: a model version, and a render with its unit."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator, from_json

from reportgen.errors import StoreError, in_brief
from reportgen.json_values import Parsed, StoredRow
from reportgen.judgement import LayerFindings
from reportgen.store.earlier_scores import current_findings, current_score
from reportgen.units import SIGNS, InputRange, Layer, LayerGraph, Sign, Telemetry, UnitScore
from reportgen.validation import refusal

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model version as the store knows it: all that pages and scores need of the network.

    Attributes:
        options: The user's import options (input range, size, trust); with `file_hash` they determine
            whether the file must be read again.
        plan: What was last requested: `recipes` and, by name, `layers` (role `scored` or `shown` to the
            recipe's hash; `sweep` to a list of hashes, weakest first), `seeds`, `signs`, `credits`
            (acknowledgements on the model's pages), `classes` (their names by output, if a person gave them),
            `drawn` (names of layers whose units a budget drew at random).
    """

    name: str
    version: str
    file_name: str
    file_hash: str
    options: Parsed
    input_shape: tuple[int, int, int]
    input_size_source: str
    input_range: InputRange
    layers: tuple[Layer, ...]
    graph: LayerGraph
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    plan: Parsed = field(default_factory=dict)
    id: int = field(default=0, compare=False)

    def roles(self, layer: str) -> Parsed:
        """Return the recipes of a layer by role: `scored` and `shown` hashes, and a `sweep` of them."""
        roles: Parsed = self.plan.get("layers", {}).get(layer) or self.plan.get("recipes", {})
        return roles

    def is_drawn(self, layer: str) -> bool:
        """Whether a budget drew the layer's units at random; a store may be anybody's."""
        drawn = self.plan.get("drawn")
        return isinstance(drawn, list) and layer in drawn

    @property
    def is_twin(self) -> bool:
        """Whether it is the untrained twin of another record."""
        return "twin" in self.options

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes it decides between, by output; empty where nobody gave them.

        What a person gave comes before what the file says of itself; a store may be anybody's.
        """
        report = self.plan.get("report")
        of_file = report.get("classes") if isinstance(report, dict) else None
        names = self.plan.get("classes") or of_file
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return ()
        return tuple(name[:200] for name in names)

    def outputs_named(self, layer: Layer) -> tuple[str, ...]:
        """Return the class of each output of a layer; of one output, what a low and a high one mean.

        Outputs are heads, and the last layer, since many exports end in logits.
        """
        decides = bool(layer.head) or layer.name == self.layers[-1].name
        return self.class_names if decides and len(self.class_names) == max(2, layer.n_units) else ()

    def layer(self, name: str) -> Layer:
        """Return the layer of that name; KeyError if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class StoredRender:
    """A picture with its telemetry and its unit.

    `picture` holds PNG bytes; `images.decode_png(picture, channels)` gives `(h, w, c)` uint8.
    """

    unit: int
    recipe: str
    sign: Sign
    seed: int
    key: str
    picture: bytes
    height: int
    width: int
    channels: int
    seconds: float
    failure: str
    telemetry: Telemetry


def telemetry_from_json(text: str) -> Telemetry:
    """Return stored telemetry."""
    fields = from_json(text, cache_strings="keys")  # Three times as fast as the standard library's.
    for name in ("activation_transformed", "curve"):
        fields[name] = tuple(fields.get(name, ()))
    fields["curve"] = tuple(map(tuple, fields["curve"]))
    found = Telemetry(**fields)
    numbers = (
        found.activation_start, found.activation_best, found.activation_end, found.gradient_start,
        found.gradient_end, found.moved, found.steps, found.non_finite, *found.activation_transformed,
        *(value for step in found.curve for value in step),
    )  # fmt: skip
    if not all(type(number) in (int, float) for number in numbers) or any(len(x) != 2 for x in found.curve):
        raise ValueError("telemetry has a value that is not a number")
    if not all(isinstance(word, str) for word in (found.stop_reason, found.reduction, found.rescue)):
        raise ValueError("stop_reason, reduction and rescue of telemetry must be texts")
    return found


def from_stored(kind: type[_Kind], text: str) -> _Kind:
    """Return a value of a dataclass from JSON, with the type of each field checked.

    Raises:
        ValueError: A field is missing or of another type; the message names it.
    """
    try:
        found: _Kind = _validator(kind).validate_json(text, strict=True)
        return found
    except ValidationError as error:
        raise ValueError(refusal(error, prefix=f"{kind.__name__}.").message) from None


def to_stored(value: Any) -> str:
    """Return a value of a dataclass as JSON that `from_stored` reads.

    Raises:
        ValueError: A field is of another type, so that it could not be read again; the message names it.
    """
    text = _adapter(type(value)).dump_json(value, warnings="error").decode()
    from_stored(type(value), text)
    return text


def _adapter(kind: type) -> TypeAdapter[Any]:
    """Return the serialiser of a dataclass, created on first use."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _validator(kind: type) -> SchemaValidator:
    """Return the validator of a dataclass, created on first use."""
    if kind not in _VALIDATORS:
        _VALIDATORS[kind] = SchemaValidator(_finite(_adapter(kind).core_schema))
    return _VALIDATORS[kind]


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}
_VALIDATORS: dict[type, SchemaValidator] = {}


def _finite(schema: Any) -> Any:
    """Return the schema, with numbers that are not finite refused everywhere."""
    if isinstance(schema, list):
        return [_finite(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    limit = {"allow_inf_nan": False} if schema.get("type") == "float" else {}
    return {**{name: _finite(part) for name, part in schema.items()}, **limit}


def plan_from_json(text: str) -> Parsed:
    """Return what was last requested of a model version; see `ModelRecord.plan`."""
    plan = json.loads(text)
    if not isinstance(plan, dict):
        raise ValueError("plan must be a table")
    roles = [plan.get("recipes", {}), *dict(plan.get("layers", {})).values()]
    for role in roles:
        if not isinstance(role, dict) or not all(isinstance(x, (str, list)) for x in role.values()):
            raise ValueError(f"the recipes of plan are {in_brief(role)}")
    return plan


def check_placed(unit: object, sign: object, seed: object) -> None:
    """Refuse an invalid unit, sign or seed: they become parts of addresses, and a store may come from anyone.

    Raises:
        StoreError: One of them is invalid.
    """
    if not is_unit(unit) or sign not in SIGNS or type(seed) is not int:
        values = ", ".join(map(in_brief, (unit, sign, seed)))
        raise StoreError(f"the store is damaged: unit, sign and seed of a picture are {values}")


def render_from_row(row: StoredRow) -> StoredRender:
    """Return a stored render; the row's last column is its telemetry as JSON.

    Raises:
        StoreError: Its unit, sign, seed or size is invalid.
    """
    check_placed(row[0], row[2], row[3])
    if not all(type(side) is int and side > 0 for side in row[6:9]):
        raise StoreError(
            f"the store is damaged: height, width and channels of a picture are {tuple(row[6:9])!r}"
        )
    return StoredRender(*(*row[:11], telemetry_from_json(row[11])))


def score_from_json(text: str) -> UnitScore:
    """Return a stored score, of this or of an earlier schema.

    Raises:
        StoreError: It is invalid, or names an invalid unit.
    """
    try:
        score = from_stored(UnitScore, text if _CURRENT_KEY in text else _current_score(text))
    except (AttributeError, TypeError, ValueError) as error:
        raise StoreError(f"the store has an invalid score: {error}") from None
    others = (score.duplicate_of, score.mirror_of, score.complement_of, *score.relations.neighbours)
    if not is_unit(score.unit) or not all(other is None or is_unit(other) for other in others):
        raise StoreError(
            f"the store has an invalid score: unit {in_brief(score.unit)} with relations {in_brief(others)}"
        )
    return score


def score_to_json(score: UnitScore) -> str:
    """Return a score in its stored form, without fields that are None or not finite."""
    return _adapter(UnitScore).dump_json(score, exclude_none=True, warnings="error").decode()


def findings_from_json(text: str) -> LayerFindings:
    """Return a layer's stored findings, of this or of an earlier schema.

    Raises:
        StoreError: They are invalid.
    """
    try:
        return from_stored(LayerFindings, _current_findings(text))
    except (AttributeError, TypeError, ValueError) as error:
        raise StoreError(f"the store has invalid findings: {error}") from None


def findings_to_json(findings: LayerFindings) -> str:
    """Return a layer's findings in their stored form."""
    return _adapter(LayerFindings).dump_json(findings, warnings="error").decode()


def current_score_in_json(text: str) -> str:
    """Return a stored score in the current form; an invalid one stays unchanged, and is refused when read."""
    try:
        return _current_score(text)
    except _INVALID:
        return text


def current_findings_in_json(text: str) -> str:
    """Return stored findings in the current form; invalid ones stay unchanged, and are refused when read."""
    try:
        return _current_findings(text)
    except _INVALID:
        return text


def _current_score(text: str) -> str:
    return json.dumps(current_score(from_json(text, cache_strings="keys")))


def _current_findings(text: str) -> str:
    return json.dumps(current_findings(from_json(text, cache_strings="keys")))


_INVALID = (AttributeError, KeyError, TypeError, ValueError)
"""Errors that invalid stored JSON causes."""

_CURRENT_KEY = '"unused":'
"""A key that every score written by this release has; within a text of JSON its quotes would be escaped."""


def finite(value: float | None) -> float | None:
    """Return a number, or None if it is not finite."""
    return value if value is not None and math.isfinite(value) else None


def twin_version(version: str) -> str:
    """Return the label under which the untrained twin of a version is stored."""
    return f"{version} (untrained twin)"


def model_owner(model: int) -> str:
    """Return the owner of measurements of a whole model version."""
    return f"model {model}"


DATA_MEASUREMENTS = ("natural", "natural_near")
"""Measurements on a person's own pictures, which not every run can repeat."""


def layer_owner(model: int, layer: str) -> str:
    """Return the owner of a layer's measurements."""
    return f"model {model} layer {layer}"


def pictures_owner(folder: str, input_shape: tuple[int, int, int]) -> str:
    """Return the owner of stored pictures from a person's folder.

    Args:
        folder: Hash of their folder's content.
        input_shape: Height, width and channels they were scaled to.
    """
    return f"pictures {folder} {'x'.join(map(str, input_shape))}"


def null_owner(setting: str) -> str:
    """Return the owner of the renderer null of one setting, given by its hash."""
    return f"null {setting}"


def is_unit(value: object) -> bool:
    """Return whether a value is a valid unit: an integer of at least 0."""
    return type(value) is int and value >= 0


def three_numbers(values: Sequence[int]) -> tuple[int, int, int]:
    """Return the first three of `values`."""
    if len(values) < 3 or not all(type(value) is int for value in values):
        raise ValueError(f"input_shape is {in_brief(values)}, wanted three integers")
    return (values[0], values[1], values[2])


def tuples(value: Any) -> Any:
    """Return a JSON value with all its lists, also nested ones, as tuples."""
    if isinstance(value, list):
        return tuple(tuples(v) for v in value)
    if isinstance(value, dict):
        return {k: tuples(v) for k, v in value.items()}
    return value
