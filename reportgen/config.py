"""What a person asks for: command line over `reportgen.toml` over defaults, checked once.

Every option of the command line is a key of the file, of the same name with `_` for `-`.
Messages name the file, the key, what was received and what was wanted.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from reportgen.errors import ConfigError, in_brief, nearest
from reportgen.removal import READINGS, Reading
from reportgen.settings_file import check_unnamed, read_toml
from reportgen.spec import RECIPES, AtlasSpec, RenderSpec, ScoreSpec, recipe_named, with_numbers
from reportgen.units import MOST_CHANNELS

RANGES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": (
        tuple(-m / d for m, d in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)),
        tuple((1 - m) / d for m, d in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)),
    ),
    "caffe": (
        (-103.939, -116.779, -123.68),
        (255 - 103.939, 255 - 116.779, 255 - 123.68),
    ),
}
"""Input ranges with names: low and high ends by channel, in the network's order of channels."""


class _Wanted(ValueError):
    """A value that does not fit, in words that begin with what was wanted."""


def _as(convert: Callable[[object], object], wanted: str) -> BeforeValidator:
    """Return a validator that converts; whatever the conversion stumbles over, it says what was wanted."""

    def converted(value: object) -> Any:
        try:
            return convert(value)
        except _Wanted:
            raise
        except (TypeError, ValueError, OverflowError):
            raise _Wanted(f"wanted {wanted}") from None

    return BeforeValidator(converted)


def _range(value: object) -> Any:
    """Accept a name, `LO,HI`, `L1:L2:L3,H1:H2:H3`, or two numbers or lists; low below high."""
    if isinstance(value, str) and value.strip().lower() in RANGES:
        return RANGES[value.strip().lower()]
    parts = [p.split(":") for p in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or len(parts) != 2:
        raise _Wanted(f"wanted LO,HI such as 0,255, or {', '.join(RANGES)}")
    ends = [[float(v) for v in (p if isinstance(p, (list, tuple)) else [p])] for p in parts]
    low, high = (end * max(map(len, ends)) if len(end) == 1 else end for end in ends)
    if len(low) != len(high) or not 1 <= len(low) <= MOST_CHANNELS:
        raise _Wanted("wanted as many low ends as high ones, such as 0:0:0,1:1:1")
    if not all(a < b and abs(a) < 1e9 and abs(b) < 1e9 for a, b in zip(low, high, strict=True)):
        raise _Wanted("wanted LO,HI with LO below HI")
    return (low[0], high[0]) if len(low) == 1 else (tuple(low), tuple(high))


def _size(value: object) -> Any:
    """Accept `HxW` or two whole numbers."""
    found = re.fullmatch(r"\s*(\d+)\s*[xX]\s*(\d+)\s*", value) if isinstance(value, str) else None
    parts = found.groups() if found else value
    if not isinstance(parts, (list, tuple)) or len(parts) != 2:
        raise _Wanted("wanted HxW such as 224x224")
    height, width = (int(p) for p in parts)
    if not (1 <= height <= 4096 and 1 <= width <= 4096):
        raise _Wanted("wanted HxW with sides from 1 to 4096 px")
    return height, width


def _units(value: object) -> Any:
    """Accept a text, a number, or a list of units."""
    return ",".join(str(v) for v in value) + "," if isinstance(value, (list, tuple)) else str(value)


def _globs(value: Any) -> Any:
    """Accept one glob, several with commas, or a list."""
    parts = [value] if isinstance(value, str) else value
    return tuple(p.strip() for part in parts for p in str(part).split(",") if p.strip())


def _texts(value: object) -> Any:
    """Accept one text, or a list."""
    if not isinstance(value, (str, list, tuple)):
        raise TypeError
    return (value,) if isinstance(value, str) else value


def _memory(value: object) -> Any:
    """Accept bytes, or a number with KB, MB, GB or TB."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", str(value), re.IGNORECASE)
    size = int(float(found[1]) * 1024 ** "_KMGT".index(found[2].upper() or "_")) if found else 0
    if isinstance(value, bool) or not 2**20 <= size < 2**60:
        raise _Wanted("wanted a size such as 8GB, at least 1MB")
    return size


def _time(value: object) -> Any:
    """Accept seconds, or hours, minutes and seconds: `90s`, `20m`, `1h30m`."""
    found = re.fullmatch(r"\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m)?\s*(?:(\d+(?:\.\d+)?)\s*s?)?\s*", str(value))
    parts = [float(part or 0) for part in found.groups()] if found else [0.0]
    seconds = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    if isinstance(value, bool) or not 1 <= seconds <= 366 * 86400:
        raise _Wanted("wanted a time such as 90s, 20m or 1h30m, at least 1s")
    return seconds


def _held(value: object) -> Any:
    """Accept numbers, or texts of numbers with commas, by input name."""
    if not isinstance(value, Mapping):
        raise _Wanted("wanted a table of values by input name")
    held: dict[str, object] = {}
    for name, given in value.items():
        parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else [given]
        try:
            numbers = [float(p) for p in parts]
        except (TypeError, ValueError):
            raise _Wanted(f"wanted a number for {name!r}, or several with commas") from None
        if not numbers or not all(math.isfinite(n) for n in numbers):
            raise _Wanted(f"wanted finite numbers for {name!r}")
        held[str(name)] = numbers[0] if len(numbers) == 1 else numbers
    return held


def _share(value: object) -> Any:
    """Accept a share: `1%`, or 0.01."""
    text = str(value).strip()
    share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if isinstance(value, bool) or not 0 <= share < 1:
        raise _Wanted("wanted a share such as 1% or 0.01, below 100%")
    return share


def _decision(value: Any) -> Any:
    """Accept a word for all outputs, `OUTPUT=WORD`, several with commas, a list of them, or a table."""
    if isinstance(value, Mapping):
        return dict(value)
    texts = value if isinstance(value, (list, tuple)) else [value]
    wanted = "wanted " + ", ".join(READINGS) + ", or OUTPUT=WORD"
    if not all(isinstance(text, str) for text in texts):
        raise _Wanted(wanted)
    parts = [p.strip() for text in texts for p in text.split(",")]
    if any(p.startswith("=") for p in parts):
        raise _Wanted("wanted the name of an output before =")
    found = {name.strip(): word.strip() for name, _, word in (p.rpartition("=") for p in parts)}
    if not all(word in READINGS for word in found.values()):
        raise _Wanted(wanted)
    return found


def _regex(text: str) -> str:
    """Accept a regular expression that Python can read."""
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise _Wanted(f"wanted a regular expression: {error}") from None
    if len(text) > 200:
        raise _Wanted("wanted a regular expression of at most 200 characters")
    return text


def _place(path: Path) -> Path:
    """Accept a path that a file system may have."""
    if re.search(r"[\x00-\x1f\x7f]", str(path)) or len(str(path)) > 4096:
        raise _Wanted("wanted a path without control characters, of at most 4,096 characters")
    return path


_Place = Annotated[Path, AfterValidator(_place)]
_Globs = Annotated[tuple[str, ...], _as(_globs, "a text, or a list of texts")]
_Ends = tuple[float, float] | tuple[tuple[float, ...], tuple[float, ...]]


class Settings(BaseModel):
    """All settings of a command, checked.

    Attributes stand in docs/commands.md with their meanings; see also `reportgen atlas --help`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    store: _Place = Path("reportgen.db")
    site: _Place = Path("site")
    templates: _Place | None = None
    version: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,80}$")] | None = None
    layers: _Globs = ()
    units: Annotated[str, _as(_units, "N, a list 3,17,40-47, or all")] = "all"
    seeds: Annotated[int, Field(ge=1, le=64)] = 4
    signs: Literal["happy", "sad", "both"] = "both"
    recipe: Annotated[str, Field(max_length=80)] = "default"
    numbers: dict[str, object] = Field(default_factory=dict, alias="set")
    sweep: Annotated[str, Field(max_length=200)] | None = None
    input_range: Annotated[_Ends, _as(_range, f"LO,HI such as 0,255, or {', '.join(RANGES)}")] | None = None
    input_size: Annotated[tuple[int, int], _as(_size, "HxW such as 224x224")] | None = None
    channel_order: Literal["rgb", "bgr"] | None = None
    channels: Literal["first", "last"] | None = None
    trust_model: bool = False
    custom: _Globs = ()
    hold: Annotated[dict[str, Any], _as(_held, "a table of numbers by input name")] = Field(
        default_factory=dict
    )
    max_memory: Annotated[int, _as(_memory, "a size such as 8GB, at least 1MB")] | None = None
    device: Literal["auto", "cpu", "gpu"] = "auto"
    arithmetic: Literal["float32", "bfloat16"] = "float32"
    batch: Annotated[int, Field(ge=1, le=4096)] | None = None
    budget: Annotated[float, _as(_time, "a time such as 90s, 20m or 1h30m, at least 1s")] | None = None
    ray: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")] | None = None
    images: _Place | None = None
    no_crops: bool = False
    judge: _Place | None = None
    group: Annotated[str, AfterValidator(_regex)] | None = None
    class_names: _Place | None = None
    max_loss: Annotated[float, _as(_share, "a share such as 1%, below 100%")] = 0.01
    compensate: bool = True
    decision: Annotated[dict[str, Reading], _as(_decision, "a word, or OUTPUT=WORD")] = Field(
        default_factory=dict
    )
    removal: _Place | None = None
    twin: bool = False
    score: dict[str, object] = Field(default_factory=dict)
    atlas: dict[str, object] = Field(default_factory=dict)
    credits: str = ""
    rule: Annotated[tuple[str, ...], _as(_texts, "a text, or a list of texts")] = ()
    against: Annotated[str, Field(max_length=400)] | None = None

    def recipes(self) -> dict[str, RenderSpec]:
        """Return the recipes by role: `scored` and `shown`.

        The recipe `default` stands for the plan of six pictures; another name takes the place of the
        display recipe. `set` changes the named recipe, or with `name.key` any of the two.
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
        """Return the recipes of a sweep, weakest first; empty if none was asked for.

        Raises:
            ConfigError: Not of the form `key=LOW..HIGH` with powers of ten between.
        """
        if not self.sweep:
            return []
        base = recipe_named("keras-vis-2019" if self.recipe == "default" else self.recipe)
        found = re.fullmatch(r"\s*(\w+)\s*=\s*([-+.\deE]+)\s*\.\.\s*([-+.\deE]+)\s*", self.sweep)
        try:
            if found is None:
                raise ValueError
            values = decades(float(found[2]), float(found[3]))
        except ValueError:
            raise ConfigError(f'sweep "{self.sweep}": wanted key=LOW..HIGH such as tv=1e-5..1e3') from None
        return [with_numbers(base, {found[1]: value}) for value in values]

    def score_spec(self) -> ScoreSpec:
        """Return the thresholds of the judgement."""
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


_BESIDE = ("removal", "class_names")
"""Files that come with a settings file: what it says of them is meant from its own folder."""


def read_settings(options: Mapping[str, Any], file: str | Path | None = None) -> Settings:
    """Return the settings of a command.

    Args:
        options: What was said on the command line, by key; None means not said.
        file: `reportgen.toml`. If None, the one in the current folder, if there is one.

    Raises:
        ConfigError: A file that cannot be read; a key that does not exist; a value that does not fit; in a
            file that was found and not named, code, an address or a place outside its folder.
    """
    path = Path(file) if file is not None else Path("reportgen.toml")
    from_file = read_toml(path) if file is not None or path.is_file() else {}
    said = {key: value for key, value in options.items() if value is not None}
    if file is None:
        check_unnamed({key: value for key, value in from_file.items() if key not in said}, path)
    beside = {
        key: str(path.parent / from_file[key]) for key in _BESIDE if isinstance(from_file.get(key), str)
    }
    merged = {**from_file, **beside, **said}
    for table in ("set", "score", "atlas", "hold"):
        if isinstance(from_file.get(table), Mapping) and isinstance(said.get(table), Mapping):
            merged[table] = {**from_file[table], **said[table]}
    try:
        settings = Settings.model_validate(merged)
        settings.recipes(), settings.sweep_recipes(), settings.score_spec(), settings.atlas_spec()
    except ValidationError as error:
        raise _explained(error, path, from_file, said) from None
    except ConfigError as error:
        where = f"{path.name}: " if set(from_file) & {"set", "recipe", "sweep", "score", "atlas"} else ""
        raise ConfigError(where + error.message, hint=error.hint) from None
    return settings


def _explained(
    error: ValidationError, path: Path, from_file: Mapping[str, object], said: Mapping[str, object]
) -> ConfigError:
    first = error.errors()[0]
    key = ".".join(
        str(part) for part in first["loc"] if not str(part).startswith(("function-", "constrained-"))
    )
    top = str(first["loc"][0]) if first["loc"] else ""
    where = path.name if top in from_file and top not in said else "command line"
    if first["type"] == "extra_forbidden":
        known = [f.alias or name for name, f in Settings.model_fields.items()]
        near = nearest(key, known)
        hint = f'did you mean "{near[0]}"?' if near else "keys are " + ", ".join(known)
        return ConfigError(f'{where}: key "{key}" does not exist', hint=hint)
    wanted = _WANTED.get(first["type"]) or str(first["msg"]).removeprefix("Value error, ")
    return ConfigError(f"{where}: {key} is {in_brief(first['input'])}: {wanted[0].lower()}{wanted[1:]}")


_WANTED = {"path_type": "wanted a path", "string_type": "wanted a text", "dict_type": "wanted a table"}
"""In words, for what the checks of types say in names of Python."""

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
"""What numbers of the tables `score` and `atlas` may be."""

_Spec = TypeVar("_Spec", ScoreSpec, AtlasSpec)


def _spec(kind: type[_Spec], values: Mapping[str, Any], table: str) -> _Spec:
    """Return a frozen spec with some fields replaced, each checked against the field's own type."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    default = kind()
    changed: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            near = nearest(key, fields)
            hint = f'did you mean "{near[0]}"?' if near else "keys are " + ", ".join(fields)
            raise ConfigError(f'key "{table}.{key}" does not exist', hint=hint)
        was = getattr(default, key)
        wanted: Any = tuple[float, ...] if isinstance(was, tuple) else type(was)
        try:
            changed[key] = TypeAdapter(wanted).validate_python(value)
        except ValidationError as error:
            message = error.errors()[0]["msg"]
            raise ConfigError(
                f"{table}.{key} is {in_brief(value)}: {message[0].lower()}{message[1:]}"
            ) from None
        if isinstance(was, tuple) and len(changed[key]) != len(was):
            raise ConfigError(f"{table}.{key} is {in_brief(value)}: wanted {len(was)} numbers")
        numbers = changed[key] if isinstance(was, tuple) else (changed[key],)
        if isinstance(was, (float, tuple)) and not all(map(math.isfinite, numbers)):
            raise ConfigError(f"{table}.{key} is {in_brief(value)}: wanted finite numbers")
        low, high = _LIMITS.get(key, (-math.inf, math.inf))
        if key in _LIMITS and not low <= changed[key] <= high:
            raise ConfigError(f"{table}.{key} is {in_brief(value)}: wanted {low:g} to {high:g}")
    return dataclasses.replace(default, **changed)


__all__ = ["RECIPES", "Settings", "decades", "read_settings"]
