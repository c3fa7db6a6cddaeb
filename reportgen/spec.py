"""How pictures are made, scored and shown, as frozen values that hash.

A recipe is all that determines a picture besides unit and seed. Specs are data:
they are compared, stored as canonical JSON and hashed into content keys, and
they know nothing of the framework that carries them out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reportgen.errors import ConfigError

ENGINE_VERSION = 3
"""Raised whenever the same recipe gives other pictures."""

PROBES_VERSION = 1
"""Raised whenever a probe changes; responses to different versions do not compare."""

WHITE_PROBES = 7
"""The first so many probes are white noise, which tells copies from units that agree on photographs."""

NULL_VERSION = 3
"""Raised whenever the null's networks change; renders of different versions do not compare."""

SPECTRUM_FREQUENCIES = tuple(2.0 ** (-7 + 0.4 * k) for k in range(16))
"""Frequencies at which a spectrum is told, in cycles a pixel: 1/128 to 1/2, evenly spread by their ratio."""

NULL_CANVAS_PX = 96
"""Largest side of the renderer null's pictures."""


def null_canvas(canvas_px: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width of the renderer null for pictures of a canvas.

    Structure is read through windows of 32 px and lags of a few, so that a null need not be larger
    than some of these; how well it stands for larger canvases is told in docs/method.md.
    """
    height, width = canvas_px
    return min(height, NULL_CANVAS_PX), min(width, NULL_CANVAS_PX)


@dataclass(frozen=True, slots=True)
class RenderSpec:
    """A recipe: all that determines a picture besides unit and seed.

    Attributes:
        name: What people call it; not part of the content key.
        parametrization: `pixel` (the picture itself, kept in [0,1]), `fourier` (the same, its steps weighted
            by 1/f), `raw` (unbounded values in the model's own input range, as older tools do), `spectrum`
            (waves behind a sigmoid) or `phases` (of waves whose amplitudes are given).
        decay: Power of 1/f in the parametrizations that have one.
        spectrum: Amplitudes of waves at `SPECTRUM_FREQUENCIES` for `phases`: of grey, or of grey, yellow-blue
            and red-green, one after the other; empty for 1/f**decay with a spread of `start_noise`.
        band: Cycles a pixel beyond which its steps fade, at most 0.5; 0 for no such end.
        decorrelate: Whether its steps prefer grey to colour, as photographs do (3 channels only).
        objective: `pre` climbs the pre-activation, `post` the activation, softmax included.
        reduction: `leaky-mean` of the positive part over inner positions, or `mean` over the whole map.
        start_mean, start_noise: Mean and spread of the start, in [0,1] units (for `spectrum`, of its waves).
        optimiser: `adam`, or `rmsprop-2019` (gradient divided by its L2 norm, then a plain RMSProp step).
        step_size: Step of the optimiser, in the parametrization's own units.
        steps, min_steps: Most and fewest steps.
        plateau: Stop when the objective gains less than this share over `window` steps; 0 never stops early.
        window: Steps between two looks at the plateau; also the compiled loop's chunk.
        jitter_px: Largest shift in pixels of the canvas, none for dense layers; where a layer answers at 8
            places a side or more, any value above 0 moves pictures anywhere, around their own edges, so that
            none has a frame.
        scale: Largest relative change of size (0.1 is plus or minus a tenth).
        rotate_degrees: Largest rotation.
        tv_dense: Weight of total variation for dense layers, where it is another; a set `tv` holds for all.
        tv, tv_power: Weight and exponent of total variation (sum of squared differences to that power / 2).
        lp, lp_power: Weight and p of the Lp penalty on the picture's distance from mid-grey.
        penalty_scaling: `gradient` (weights relative to the activation's gradient) or `absolute`.
        keep: `last` or `best` (lowest loss) iterate is returned.
        canvas: `receptive-field` (about two of them) or `input` (the model's own size).
        canvas_fields, canvas_min_px: How many receptive fields wide, and the least side in pixels.
        rim: Share of the map left out on each side when positions are reduced.
        output: `clip` to [0,1], or `standardise` (mean .5, sd .1, then clip) as keras-vis did.
        rescue: Whether silent starts are climbed by the maxima of cells, then from a louder, coarser start.
        scored: Whether scores may be computed from this recipe's pictures.
    """

    name: str = "default"
    parametrization: Literal["pixel", "fourier", "raw", "spectrum", "phases"] = "pixel"
    decay: float = 1.0
    spectrum: tuple[float, ...] = ()
    band: float = 0.0
    decorrelate: bool = False
    objective: Literal["pre", "post"] = "pre"
    reduction: Literal["leaky-mean", "mean"] = "leaky-mean"
    start_mean: float = 0.5
    start_noise: float = 0.05
    optimiser: Literal["adam", "rmsprop-2019"] = "adam"
    step_size: float = 0.04
    steps: int = 96
    min_steps: int = 32
    plateau: float = 0.01
    window: int = 16
    jitter_px: int = 2
    scale: float = 0.0
    rotate_degrees: float = 0.0
    tv: float = 0.1
    tv_dense: float | None = None
    tv_power: float = 1.0
    lp: float = 0.0
    lp_power: float = 6.0
    penalty_scaling: Literal["gradient", "absolute"] = "gradient"
    keep: Literal["last", "best"] = "last"
    canvas: Literal["receptive-field", "input"] = "receptive-field"
    canvas_fields: float = 2.0
    canvas_min_px: int = 48
    rim: float = 0.06
    output: Literal["clip", "standardise"] = "clip"
    rescue: bool = True
    scored: bool = True

    def __post_init__(self) -> None:
        """Make a spectrum that was read from a file a value again."""
        object.__setattr__(self, "spectrum", tuple(self.spectrum))


RECIPES: Mapping[str, RenderSpec] = {
    "default": RenderSpec(),
    "show": RenderSpec(
        name="show",
        parametrization="fourier",
        decay=0.75,
        band=0.25,
        decorrelate=True,
        start_noise=0.02,
        step_size=0.06,
        steps=64,
        min_steps=32,
        jitter_px=4,
        scale=0.08,
        rotate_degrees=6.0,
        tv=0.05,
        scored=False,
    ),
    # Figures of Lucid 0.3: fft_image, standard_transforms, Adam. Climbed is not the mean of a channel, as
    # there, which sees nothing of a kernel whose sum is zero, but what all recipes climb.
    "lucid": RenderSpec(
        name="lucid",
        parametrization="spectrum",
        decorrelate=True,
        start_noise=0.01,
        step_size=0.05,
        steps=512,
        min_steps=512,
        plateau=0.0,
        jitter_px=8,
        scale=0.1,
        rotate_degrees=10.0,
        tv=0.0,
        canvas_min_px=128,
        scored=False,
    ),
    # Fel et al. 2023: phases alone, amplitudes as in photographs; moved as Lucid moves, not cropped.
    "maco": RenderSpec(
        name="maco",
        parametrization="phases",
        start_noise=0.2,
        step_size=0.1,
        steps=256,
        min_steps=256,
        plateau=0.0,
        jitter_px=8,
        scale=0.1,
        rotate_degrees=10.0,
        tv=0.0,
        canvas_min_px=128,
        scored=False,
    ),
    # Figures of keras-vis 0.4.1: activation_maximization, optimizer and regularizers.
    "keras-vis-2019": RenderSpec(
        name="keras-vis-2019",
        parametrization="raw",
        objective="post",
        reduction="mean",
        start_noise=0.05,
        optimiser="rmsprop-2019",
        step_size=1.0,
        steps=200,
        min_steps=200,
        plateau=0.0,
        window=25,
        jitter_px=0,
        tv=1e-2,
        tv_dense=1e1,
        tv_power=2.0,
        lp=10.0,
        lp_power=6.0,
        penalty_scaling="absolute",
        keep="best",
        canvas="input",
        rim=0.0,
        output="standardise",
        rescue=False,
        scored=False,
    ),
}
"""The named recipes. `default` is scored, `show` is the display recipe."""


@dataclass(frozen=True, slots=True)
class ScoreSpec:
    """Thresholds of the judgement; meanings and sources stand in docs/method.md.

    Attributes:
        crop: Share of the picture left out on each side before it is judged.
        flat_contrast: Inner RMS contrast below which a picture is flat, in [0,1] units.
        dead_share: Largest response, as a share of the layer's median, at which a unit is dead.
        constant_share: Largest range of responses, as a share of the layer's median, of a constant unit.
        structure_z: Null deviations of structure at which a picture is structured.
        structure_slope: Width of the logistic that turns z into P(structured).
        borderline_z: Lower and upper end of the borderline band.
        unstable_share: Mean share of strangers nearer than a unit's own seeds, above which it is unstable.
        unstable_distance: Least texture distance between seeds of an unstable unit.
        duplicate_correlation: Response correlation from which a unit is a copy.
        min_comparison: Units a layer needs before its own pictures are comparison enough.
    """

    crop: float = 0.10
    flat_contrast: float = 0.035
    dead_share: float = 1e-6
    constant_share: float = 1e-4
    structure_z: float = 2.0
    structure_slope: float = 0.35
    borderline_z: tuple[float, float] = (1.5, 2.5)
    unstable_share: float = 0.08
    unstable_distance: float = 0.15
    duplicate_correlation: float = 0.99
    min_comparison: int = 16


@dataclass(frozen=True, slots=True)
class AtlasSpec:
    """How the site is written.

    Attributes:
        title: Heading of the index page.
        url: Absolute address the site will have, or empty; only previews and sitemaps need it.
        unit_pages_max: Most units for which each also gets a page of its own.
        max_site_bytes: Hard limit of the site's size.
        webp_quality: Encoder quality, 0..100.
        picture_px: Side of the pictures on unit pages, in pixels; smaller renders are enlarged. Sites that
            would be too large get smaller ones.
        licence: Of the models and their pictures, in words.
    """

    title: str = "Atlas"
    url: str = ""
    unit_pages_max: int = 5000
    max_site_bytes: int = 900_000_000
    webp_quality: int = 60
    picture_px: int = 128
    licence: str = ""


def canonical_json(value: Any) -> str:
    """Return JSON that is the same text for the same value: sorted keys, no spaces, finite numbers only."""
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def content_hash(value: Any) -> str:
    """Return 32 hexadecimal digits (blake2b, 16 bytes) of the canonical JSON of `value`."""
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=16).hexdigest()


def render_key(
    *,
    graph_hash: str,
    input_range: tuple[tuple[float, ...], tuple[float, ...]],
    input_shape: tuple[int, int, int],
    objective: tuple[tuple[int, float], ...] | Literal["layer"],
    sign: str,
    start: int | str,
    recipe: RenderSpec,
    canvas_px: tuple[int, int],
    arithmetic: str,
) -> str:
    """Return the content key of a render (docs/formats.md).

    Args:
        graph_hash: Of the graph up to the layer.
        input_range: Low and high ends.
        input_shape: Height, width and channels the model expects; channel order is last.
        objective: Pairs of unit and coefficient, or the whole layer.
        sign: `happy` or `sad`.
        start: A seed, or the hash of a given picture.
        recipe: Every field but its name counts.
        canvas_px: Height and width the picture is optimised at.
        arithmetic: `float32` or `bfloat16`.
    """
    return content_hash(
        {
            "graph": graph_hash,
            "range": input_range,
            "input": input_shape,
            "objective": objective,
            "sign": sign,
            "start": start,
            "recipe": recipe_fields(recipe),
            "canvas": canvas_px,
            "arithmetic": arithmetic,
            "engine": ENGINE_VERSION,
        }
    )


def recipe_fields(recipe: RenderSpec) -> dict[str, Any]:
    """Return all that determines a picture: the recipe's fields without its name and use.

    An empty spectrum is left out, so that recipes which never had one keep their keys.
    """
    fields = dataclasses.asdict(recipe)
    del fields["name"], fields["scored"]
    if not recipe.spectrum:
        del fields["spectrum"]
    return fields


def with_numbers(recipe: RenderSpec, numbers: Mapping[str, Any]) -> RenderSpec:
    """Return `recipe` with some of its fields replaced, each checked for type and range.

    Raises:
        ConfigError: A name is no field of a recipe, or a value has the wrong type.
    """
    fixed = ("name", "tv_dense")
    types = {f.name: type(getattr(recipe, f.name)) for f in dataclasses.fields(recipe) if f.name not in fixed}
    changed: dict[str, Any] = {"tv_dense": None} if "tv" in numbers else {}
    for key, value in numbers.items():
        if key not in types:
            raise ConfigError(
                f'"{key}" is not a setting of recipe "{recipe.name}"', hint="one of " + ", ".join(types)
            )
        changed[key] = _converted(key, value, types[key])
    return check_recipe(dataclasses.replace(recipe, **changed))


def check_recipe(recipe: RenderSpec) -> RenderSpec:
    """Return `recipe` if its numbers make sense.

    Raises:
        ConfigError: A number out of range, named.
    """
    limits: dict[str, tuple[float, float]] = {
        "steps": (1, 100_000), "min_steps": (0, 100_000), "window": (1, 1000), "step_size": (1e-9, 1e6),
        "tv": (0, 1e9), "lp": (0, 1e9), "tv_power": (0.5, 8), "lp_power": (1, 32), "jitter_px": (0, 512),
        "scale": (0, 0.9), "rotate_degrees": (0, 180), "start_mean": (0, 1), "start_noise": (0, 1),
        "plateau": (0, 1), "decay": (0, 4), "band": (0, 0.5), "rim": (0, 0.4), "canvas_fields": (0.5, 100),
        "canvas_min_px": (8, 4096),
    }  # fmt: skip
    for key, (low, high) in limits.items():
        value = getattr(recipe, key)
        if not (math.isfinite(value) and low <= value <= high):
            raise ConfigError(f'recipe "{recipe.name}": {key} is {value!r}, wanted {low:g} to {high:g}')
    if len(recipe.spectrum) not in (0, len(SPECTRUM_FREQUENCIES), 3 * len(SPECTRUM_FREQUENCIES)) or not all(
        math.isfinite(value) and 0 <= value <= 1e6 for value in recipe.spectrum
    ):
        raise ConfigError(
            f'recipe "{recipe.name}": spectrum is not {len(SPECTRUM_FREQUENCIES)} amplitudes of grey, '
            "or as many of each of three colours"
        )
    choices = {
        "parametrization": ("pixel", "fourier", "raw", "spectrum", "phases"), "objective": ("pre", "post"),
        "reduction": ("leaky-mean", "mean"), "optimiser": ("adam", "rmsprop-2019"),
        "penalty_scaling": ("gradient", "absolute"), "keep": ("last", "best"),
        "canvas": ("receptive-field", "input"), "output": ("clip", "standardise"),
    }  # fmt: skip
    for key, wanted in choices.items():
        value = getattr(recipe, key)
        if value not in wanted:
            raise ConfigError(
                f'recipe "{recipe.name}": {key} is {value!r}, wanted one of {", ".join(wanted)}'
            )
    return recipe


def recipe_named(name: str) -> RenderSpec:
    """Return the recipe of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in RECIPES:
        raise ConfigError(f'recipe "{name}" does not exist', hint="one of " + ", ".join(RECIPES))
    return RECIPES[name]


def for_kind(recipe: RenderSpec, kind: str) -> RenderSpec:
    """Return the recipe as it applies to layers of `kind`.

    Dense layers may have another weight of total variation, and are never shifted: what they look for has
    its place, and shifts would average it away.
    """
    if kind != "dense":
        return dataclasses.replace(recipe, tv_dense=None)
    tv = recipe.tv if recipe.tv_dense is None else recipe.tv_dense
    return dataclasses.replace(recipe, tv=tv, tv_dense=None, jitter_px=0)


def _converted(key: str, value: Any, wanted: type) -> Any:
    try:
        if wanted is bool:
            if isinstance(value, str):
                return {"true": True, "false": False}[value.lower()]
            if not isinstance(value, bool):
                raise ValueError
            return value
        if wanted is tuple:
            return tuple(float(v) for v in (value.split(",") if isinstance(value, str) else value))
        if wanted is int and float(value) != int(float(value)):
            raise ValueError
        return wanted(float(value)) if wanted in (int, float) else wanted(value)
    except (TypeError, ValueError, KeyError, OverflowError):
        raise ConfigError(f"{key}={value!r}: wanted {wanted.__name__}") from None


def _plain(value: Any) -> Any:
    """Return `value` as JSON types; -0.0 and 0 and 1 and 1.0 are each one number."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
