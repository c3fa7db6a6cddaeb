"""What a person asks to see: a unit, a sum of units or a whole layer, from a start, by a recipe.

A wish is a frozen value with a content key. It is made from the values of a form, which may be anybody's:
what does not fit is refused in one line. Nothing here renders, and no path is read from a form.
"""

from __future__ import annotations

import dataclasses
import glob
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from reportgen.errors import ConfigError, UnknownLayer, suggestion
from reportgen.json_values import JsonObject
from reportgen.plan import key_parts
from reportgen.spec import RECIPES, RenderSpec, render_key, with_numbers
from reportgen.spec.unit_sums import parse_terms, terms_text
from reportgen.store import ModelRecord
from reportgen.units import SIGNS, Layer, Sign

Device = Literal["auto", "cpu", "gpu"]

MOST_SEED = 2**53
"""Seeds stay below this: a form's numbers are JSON's."""

_FIELDS = (
    "model", "version", "layer", "terms", "sign", "seed", "start", "recipe", "numbers", "device",
)  # fmt: skip
_NOT_OF_A_FORM = ("name", "scored", "tv_dense")
_HASH = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks to see.

    Attributes:
        model, version: Of the store's model version.
        layer: The model's own name of the layer.
        terms: Pairs of unit and coefficient, by unit; empty for the layer as a whole.
        sign: `happy` or `sad`.
        seed: Number of the random start; 0 where the start is given.
        start: Hash of a given picture, or None for a random start.
        recipe: How the picture is found, as named by people; a layer's kind may change it (`spec.for_kind`).
        device: What computes; no part of the key.
    """

    model: str
    version: str
    layer: str
    terms: tuple[tuple[int, float], ...] = ((0, 1.0),)
    sign: Sign = "happy"
    seed: int = 0
    start: str | None = None
    recipe: RenderSpec = RECIPES["show"]
    device: Device = "auto"

    @property
    def of(self) -> str:
        """Which model version, as `model/version`."""
        return f"{self.model}/{self.version}"

    @property
    def words(self) -> str:
        """What is asked for, in words: `unit 3`, `units 3 + 0.5 × 7`, `the whole layer`; sad ones say so."""
        sad = "sad, " if self.sign == "sad" else ""
        if not self.terms:
            return f"{sad}the whole layer"
        if len(self.terms) == 1 and self.terms[0][1] == 1.0:
            return f"{sad}unit {self.terms[0][0]}"
        return f"{sad}units {terms_text(self.terms)}"

    def changed(self) -> JsonObject:
        """Return the numbers in which the recipe differs from the one whose name it has."""
        base = RECIPES[self.recipe.name]
        found = {
            f.name: getattr(self.recipe, f.name)
            for f in dataclasses.fields(RenderSpec)
            if f.name not in _NOT_OF_A_FORM and getattr(self.recipe, f.name) != getattr(base, f.name)
        }
        # A weight that was said holds for dense layers too, even where it is what other layers have anyway.
        return {"tv": self.recipe.tv, **found} if self.recipe.tv_dense != base.tv_dense else found

    def to_toml(self) -> str:
        """Return the recipe as `reportgen.toml` takes it, for the atlas."""
        name, lines = self.recipe.name, []
        if name not in ("default", "show"):
            lines.append(f"recipe = {_toml(name)}")
        changed = self.changed()
        if changed:
            lines += [
                "[set]",
                *(f"{_owned(name, key, quoted=True)} = {_toml(v)}" for key, v in changed.items()),
            ]
        return "\n".join(lines) + "\n" if lines else "# The recipe as it is: nothing to set.\n"

    def to_command(self, model: str = "MODEL", store: str = "reportgen.db") -> str:
        """Return the command that renders the atlas's pictures of the layer and units by this recipe.

        What it cannot say is in `not_in_command`.

        Args:
            model: The model file, as the person would name it.
            store: The store, likewise.
        """
        name = self.recipe.name
        words = ["reportgen", "render", model, "--store", store, "--version", self.version]
        words += ["--layers", _glob(self.layer)]
        if self.terms:  # The last comma makes a list even of one unit; a number alone is how many.
            words += ["--units", "".join(f"{unit}," for unit, _ in self.terms)]
        if name not in ("default", "show"):
            words += ["--recipe", name]
        for key, value in self.changed().items():
            text = ",".join(map(repr, value)) if isinstance(value, tuple) else _toml(value).strip('"')
            words += ["--set", f"{_owned(name, key)}={text}"]
        return shlex.join(words)

    def not_in_command(self) -> str:
        """Return in a sentence what of this a command cannot ask for; empty where it can all."""
        found = [
            words
            for words, holds in (
                (f"seed {self.seed}", self.seed != 0),
                ("a picture to start from", self.start is not None),
                ("the layer as a whole", not self.terms),
                ("a sum of units", bool(self.terms) and [c for _, c in self.terms] != [1.0]),
            )
            if holds
        ]
        return f"A command cannot ask for {' or '.join(found)}." if found else ""

    def layer_of(self, record: ModelRecord) -> Layer:
        """Return the layer that is asked for.

        Raises:
            UnknownLayer: The model has none of that name.
            ConfigError: The layer has not all of the units.
        """
        try:
            layer = record.layer(self.layer)
        except KeyError:
            raise UnknownLayer(f'"{self.layer[:80]}" is not a layer of {self.of}') from None
        for unit, _ in self.terms:
            if unit >= layer.n_units:
                raise ConfigError(f'unit {unit}: layer "{layer.name}" has units 0 to {layer.n_units - 1}')
        return layer

    def key(self, record: ModelRecord, arithmetic: str = "float32", *, batch: int | None = None) -> str:
        """Return the content key: that of the atlas's own picture, where the same is asked.

        Args:
            record: The model version.
            arithmetic: In what is computed.
            batch: Pictures computed at once: 1 for those made here, None for the atlas's.

        Raises:
            UnknownLayer, ConfigError: See `layer_of`.
        """
        _, _, fixed = key_parts(record, self.layer_of(record), self.recipe, arithmetic, batch)
        objective: Any = self.terms or "layer"
        start = self.seed if self.start is None else self.start
        return render_key(objective=objective, sign=self.sign, start=start, **fixed)

    def as_dict(self) -> JsonObject:
        """Return it as a form's values, JSON's types only: `parse` of them is the same wish."""
        return {
            "model": self.model,
            "version": self.version,
            "layer": self.layer,
            "terms": [list(term) for term in self.terms] or "layer",
            "sign": self.sign,
            "seed": self.seed,
            "start": self.start,
            "recipe": self.recipe.name,
            "numbers": {k: list(v) if isinstance(v, tuple) else v for k, v in self.changed().items()},
            "device": self.device,
        }


def parse(form: Mapping[str, object], recipes: Mapping[str, RenderSpec] = RECIPES) -> Asked:
    """Return what a form asks for.

    Args:
        form: `model`, `version`, `layer`; `terms` (a unit, a list of units or of pairs of unit and
            coefficient, a text such as `3 + 0.5*7 - 12`, or `layer` for all of it); and, where they are not
            the defaults, `sign`, `seed`, `start` (a hash from `Studio.add_start`), `recipe` (a name),
            `numbers` (by name the fields of the recipe that somebody set; a weight of total variation then
            holds for dense layers too), `device`. None is as if it were not said.
        recipes: The recipes by name.

    Raises:
        ConfigError: One line: a key or a value that does not fit.
    """
    said = {key: value for key, value in form.items() if value is not None}
    for key in said:
        if key not in _FIELDS:
            raise ConfigError(f'"{str(key)[:80]}" is nothing to ask for', hint=suggestion(key, _FIELDS))
    start = said.get("start")
    if start is not None and not (isinstance(start, str) and _HASH.fullmatch(start)):
        raise ConfigError("start: wanted the 32 hexadecimal digits of a picture that was added")
    seed = _seed(said.get("seed", 0))
    return Asked(
        model=_text(said, "model"),
        version=_text(said, "version"),
        layer=_text(said, "layer"),
        terms=parse_terms(said.get("terms", 0)),
        sign=_one_of("sign", said.get("sign", "happy"), SIGNS),
        seed=0 if start is not None else seed,
        start=start,
        recipe=_recipe(said.get("recipe", "show"), said.get("numbers", {}), recipes),
        device=_one_of("device", said.get("device", "auto"), get_args(Device)),
    )


def _recipe(name: Any, numbers: object, recipes: Mapping[str, RenderSpec]) -> RenderSpec:
    if not isinstance(name, str) or name not in recipes:
        raise ConfigError(f"recipe {str(name)[:80]!r} does not exist", hint=suggestion(name, recipes))
    if not isinstance(numbers, Mapping):
        raise ConfigError("numbers: wanted values by the names of a recipe's fields")
    base = recipes[name]
    for key in numbers:
        if key in _NOT_OF_A_FORM:
            raise ConfigError(f'"{key}" of a recipe cannot be set')
    return with_numbers(base, {str(key): value for key, value in numbers.items() if value is not None})


def _seed(value: Any) -> int:
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1
    if not whole or not 0 <= value < MOST_SEED:
        raise ConfigError(f"seed {str(value)[:80]!r}: wanted a whole number from 0")
    return int(value)


def _one_of(key: str, value: object, wanted: Sequence[str]) -> Any:
    if value not in wanted:
        raise ConfigError(f"{key} {str(value)[:80]!r}: wanted {' or '.join(wanted)}")
    return value


def _text(said: Mapping[str, object], key: str) -> str:
    value = said.get(key)
    if not isinstance(value, str) or not value or len(value) > 1000:
        raise ConfigError(f"{key}: wanted a name")
    return value


def _owned(recipe: str, key: str, *, quoted: bool = False) -> str:
    """Return the key by which settings know a recipe's number: the display recipe's has its name before."""
    if recipe != "show":
        return key
    return f'"show.{key}"' if quoted else f"show.{key}"


def _glob(name: str) -> str:
    """Return a pattern of `--layers` for a layer's name; commas and `::` mean something else there."""
    return glob.escape(name).replace(",", "?").replace("::", "?:")


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
