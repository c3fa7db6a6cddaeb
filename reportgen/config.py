"""Settings: the command line overrides `reportgen.toml`, which overrides defaults; all are checked once.

Every option of the command line is a key of the file, with the same name and `_` instead of `-`. Messages
name the file, the key, what was received and what was wanted.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from reportgen.errors import ConfigError, in_brief, suggestion
from reportgen.setting_values import (
    Address,
    Decisions,
    Globs,
    Held,
    Label,
    Memory,
    Place,
    Range,
    Regex,
    Share,
    Size,
    Texts,
    Time,
    Units,
)  # fmt: skip
from reportgen.settings_file import check_unnamed, read_toml
from reportgen.spec import RECIPES, AtlasSpec, RenderSpec, ScoreSpec, recipe_named, with_numbers
from reportgen.validation import refusal


class Settings(BaseModel):
    """All settings of a command, checked.

    docs/commands.md explains the attributes; see also `reportgen atlas --help`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    store: Place = Path("reportgen.db")
    site: Place = Path("site")
    templates: Place | None = None
    version: Label | None = None
    layers: Globs = ()
    units: Units = "all"
    seeds: Annotated[int, Field(ge=1, le=64)] = 4
    least_seeds: Annotated[int, Field(ge=1, le=64)] = 2
    signs: Literal["happy", "sad", "both"] = "both"
    recipe: Annotated[str, Field(max_length=80)] = "default"
    numbers: dict[str, object] = Field(default_factory=dict, alias="set")
    sweep: Annotated[str, Field(max_length=200)] | None = None
    input_range: Range | None = None
    input_size: Size | None = None
    channel_order: Literal["rgb", "bgr"] | None = None
    channels: Literal["first", "last"] | None = None
    trust_model: bool = False
    custom: Globs = ()
    hold: Held = Field(default_factory=dict)
    max_memory: Memory | None = None
    device: Literal["auto", "cpu", "gpu"] = "auto"
    arithmetic: Literal["float32", "bfloat16"] = "float32"
    batch: Annotated[int, Field(ge=1, le=4096)] | None = None
    budget: Time | None = None
    live: bool | None = None
    processes: Annotated[int, Field(ge=1, le=256)] | None = None
    ray: Address | None = None
    images: Place | None = None
    no_crops: bool = False
    judge: Place | None = None
    group: Regex | None = None
    class_names: Place | None = None
    max_loss: Share = 0.01
    compensate: bool = True
    decision: Decisions = Field(default_factory=dict)
    removal: Place | None = None
    twin: bool = False
    score: dict[str, object] = Field(default_factory=dict)
    atlas: dict[str, object] = Field(default_factory=dict)
    credits: str = ""
    rule: Texts = ()
    against: Annotated[str, Field(max_length=400)] | None = None

    def recipes(self) -> dict[str, RenderSpec]:
        """Return the recipes by role: `scored` and `shown`.

        The recipe `default` means the plan of four to six pictures a unit; another name replaces the display
        recipe. `set` changes the named recipe, or with `name.key` either of the two.
        """
        scored = recipe_named("default")
        shown = recipe_named("show" if self.recipe == "default" else self.recipe)
        for key, value in self.numbers.items():
            owner, _, name = key.rpartition(".")
            owner = owner or self.recipe
            if owner == scored.name:
                scored = with_numbers(scored, {name: value})
            elif owner == shown.name:
                shown = with_numbers(shown, {name: value})
            else:
                raise ConfigError(
                    f'set {key}={in_brief(value)}: recipe "{owner}" is not in use',
                    hint=f"in use: {scored.name}, {shown.name}",
                )
        return {"scored": scored, "shown": shown}

    def sweep_recipes(self) -> list[RenderSpec]:
        """Return the recipes of a sweep, weakest first; empty if none was requested.

        They are the named recipe with the values of `set`, or `keras-vis-2019` if none is named.

        Raises:
            ConfigError: Not of the form `key=LOW..HIGH` with powers of ten between.
        """
        if not self.sweep:
            return []
        base = recipe_named("keras-vis-2019") if self.recipe == "default" else self.recipes()["shown"]
        found = re.fullmatch(r"\s*(\w+)\s*=\s*([-+.\deE]+)\s*\.\.\s*([-+.\deE]+)\s*", self.sweep)
        try:
            if found is None:
                raise ValueError
            values = decades(float(found[2]), float(found[3]))
        except ValueError:
            raise ConfigError(f'sweep "{self.sweep}": wanted key=LOW..HIGH such as tv=1e-5..1e3') from None
        return [with_numbers(base, {found[1]: value}) for value in values]

    def score_spec(self) -> ScoreSpec:
        """Return the thresholds of the verdicts."""
        return _spec(ScoreSpec, self.score, "score")

    def atlas_spec(self) -> AtlasSpec:
        """Return how the site is written."""
        return _spec(AtlasSpec, self.atlas, "atlas")


def decades(low: float, high: float) -> list[float]:
    """Return `low`, ten times `low`, ... up to `high`, both included; at most 20 values.

    Example:
        >>> decades(1e-2, 10)
        [0.01, 0.1, 1.0, 10.0]
    """
    if not (0 < low <= high < 1e12 and low > 1e-12):
        raise ValueError("wanted 0 < LOW <= HIGH")
    values: list[float] = []
    while (value := float(f"{low * 10 ** len(values):.6g}")) <= high * 1.0001:
        values.append(value)
    if len(values) > 20:
        raise ValueError("at most 20 decades")
    return values


_RELATIVE = ("removal", "class_names")
"""Files that come with a settings file: their paths in it are relative to its own folder."""


def read_settings(options: Mapping[str, Any], file: str | Path | None = None) -> Settings:
    """Return the settings of a command.

    Args:
        options: The options of the command line, by key; None means not given.
        file: `reportgen.toml`. If None, the one in the current folder, if there is one.

    Raises:
        ConfigError: The file cannot be read; a key does not exist; a value does not fit; or a file that was
            found, not named, sets code, an address or a place outside its folder.
    """
    path = Path(file) if file is not None else Path("reportgen.toml")
    from_file = read_toml(path) if file is not None or path.is_file() else {}
    given = {key: value for key, value in options.items() if value is not None}
    if file is None:
        check_unnamed({key: value for key, value in from_file.items() if key not in given}, path)
    relative = {
        key: str(path.parent / from_file[key]) for key in _RELATIVE if isinstance(from_file.get(key), str)
    }
    merged = {**from_file, **relative, **given}
    for table in ("set", "score", "atlas", "hold"):
        if isinstance(from_file.get(table), Mapping) and isinstance(given.get(table), Mapping):
            merged[table] = {**from_file[table], **given[table]}
    try:
        settings = Settings.model_validate(merged)
        settings.recipes(), settings.sweep_recipes(), settings.score_spec(), settings.atlas_spec()
    except ValidationError as error:
        raise _explained(error, path, from_file, given) from None
    except ConfigError as error:
        where = f"{path.name}: " if set(from_file) & {"set", "recipe", "sweep", "score", "atlas"} else ""
        raise ConfigError(where + error.message, hint=error.hint) from None
    if settings.ray is not None and settings.processes is not None:
        raise ConfigError("processes and ray exclude each other", hint="a cluster has its own workers")
    return settings


def _explained(
    error: ValidationError, path: Path, from_file: Mapping[str, object], given: Mapping[str, object]
) -> ConfigError:
    known = [field.alias or name for name, field in Settings.model_fields.items()]
    found = refusal(error, known)
    in_file = found.top in from_file and found.top not in given
    return ConfigError((f"{path.name}: " if in_file else "") + found.message, hint=found.hint)


_LIMITS = {
    "crop": (0, 0.4),
    "flat_contrast": (0, 1),
    "structure_slope": (1e-6, 100),
    "unstable_share": (0, 1),
    "duplicate_correlation": (0, 1),
    "min_comparison": (2, 100_000),
    "unit_pages_max": (0, 10_000_000),
    "max_site_bytes": (1, 10**12),
    "webp_quality": (1, 100),
    "picture_px": (16, 1024),
}
"""Ranges of numbers in the tables `score` and `atlas`."""

_Spec = TypeVar("_Spec", ScoreSpec, AtlasSpec)


def _spec(kind: type[_Spec], values: Mapping[str, Any], table: str) -> _Spec:
    """Return a frozen spec with some fields replaced, each checked against the field's own type."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    default = kind()
    changed: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            raise ConfigError(f'key "{table}.{key}" does not exist', hint=suggestion(key, fields))
        was = getattr(default, key)
        wanted: Any = tuple[float, ...] if isinstance(was, tuple) else type(was)
        try:
            changed[key] = TypeAdapter(wanted).validate_python(value)
        except ValidationError as error:
            raise ConfigError(refusal(error, prefix=f"{table}.{key}").message) from None
        if isinstance(was, tuple) and len(changed[key]) != len(was):
            raise ConfigError(f"{table}.{key} is {in_brief(value)}, wanted {len(was)} numbers")
        numbers = changed[key] if isinstance(was, tuple) else (changed[key],)
        if isinstance(was, (float, tuple)) and not all(map(math.isfinite, numbers)):
            raise ConfigError(f"{table}.{key} is {in_brief(value)}, wanted finite numbers")
        low, high = _LIMITS.get(key, (-math.inf, math.inf))
        if key in _LIMITS and not low <= changed[key] <= high:
            raise ConfigError(f"{table}.{key} is {in_brief(value)}, wanted {low:g} to {high:g}")
    return dataclasses.replace(default, **changed)


__all__ = ["RECIPES", "Settings", "decades", "read_settings"]
