"""A recipe: everything that determines a picture besides unit and seed, and how its fields are changed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from reportgen.errors import ConfigError, in_brief, suggestion

AROUND_PLACES = 8
"""Places of a layer's map a side from which pictures are moved around their own edges, and have no frame."""

SPECTRUM_FREQUENCIES = tuple(2.0 ** (-7 + 0.4 * k) for k in range(16))
"""Frequencies at which a spectrum is given, in cycles a pixel: 1/128 to 1/2, in a geometric series."""


@dataclass(frozen=True, slots=True)
class RenderSpec:
    """A recipe: everything that determines a picture besides unit and seed.

    Attributes:
        name: Its name; not part of the content key.
        parametrization: `pixel` (the picture itself, kept in [0,1]), `fourier` (the same, its steps weighted
            by 1/f), `raw` (unbounded values in the model's own input range, as older tools do), `spectrum`
            (waves behind a sigmoid) or `phases` (of waves whose amplitudes are given).
        decay: Power of 1/f in the parametrizations that have one.
        spectrum: Amplitudes of waves at `SPECTRUM_FREQUENCIES` for `phases`: of grey, or of grey, yellow-blue
            and red-green, one after the other; empty for 1/f**decay with a spread of `start_noise`.
        band: Cycles a pixel beyond which its steps fade, at most 0.5; 0 for no limit.
        decorrelate: Whether its steps prefer grey to colour, as photographs do (3 channels only).
        objective: `pre` maximises the pre-activation, `post` the activation, softmax included.
        reduction: `leaky-mean` of the positive part over inner positions, or `mean` over the whole map.
        start_mean, start_noise: Mean and spread of the start, in [0,1] units (for `spectrum`, of its waves).
        optimiser: `adam`; `normalised` (the gradient in the parametrization's metric over its root mean
            square, so that steps are as long as `step_size` in that measure); or `rmsprop-2019` (gradient
            divided by its L2 norm, then a plain RMSProp step).
        step_size: Step of the optimiser, in the parametrization's own units.
        cooling: Share of the step size that is lost by the last step, evenly from step to step.
        steps, min_steps: Maximum and minimum number of steps.
        plateau: Stop when the objective gains less than this share over `window` steps; 0 never stops early.
        window: Steps between two checks for the plateau; also the compiled loop's chunk, of whose steps the
            first sees the picture as it is, unmoved.
        jitter_px: Largest shift in pixels of the canvas, at most a sixteenth of its side, none for dense
            layers; for layers with at least 8 places a side, any value above 0 shifts pictures cyclically by
            any distance, so that none gets a frame.
        scale: Largest relative change of size (0.1 is plus or minus a tenth).
        rotate_degrees: Largest rotation.
        tv_dense: Weight of total variation for dense layers, if it differs; setting `tv` sets it for all.
        tv, tv_power: Weight and exponent of total variation (sum of squared differences to that power / 2).
        lp, lp_power: Weight and p of the Lp penalty on the picture's distance from mid-grey.
        penalty_scaling: `gradient` (weights relative to the activation's gradient) or `absolute`.
        keep: `last` or `best` (lowest loss) iterate is returned.
        canvas: `effective-field` (four standard deviations of where the gradient is, if all taps of kernels
            count alike; at least eight of the layer's places a side), `receptive-field` or `input` (the
            model's own size).
        canvas_fields, canvas_min_px: Width in such fields, and the smallest side in pixels.
        rim: Share of the map left out on each side when positions are reduced.
        output: `clip` to [0,1], or `standardise` (mean .5, sd .1, then clip) as keras-vis did.
        rescue: Whether a silent unit is maximised by the maxima of cells, then from stronger, coarser noise.
        scored: Whether scores may be computed from this recipe's pictures.

    Example:
        >>> import reportgen
        >>> recipe = reportgen.RenderSpec(name="smooth", tv=1.0)
        >>> recipe.parametrization, recipe.steps
        ('pixel', 60)
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
    optimiser: Literal["adam", "normalised", "rmsprop-2019"] = "adam"
    step_size: float = 0.07
    cooling: float = 0.3
    steps: int = 60
    min_steps: int = 60
    plateau: float = 0.0
    window: int = 10
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
    canvas: Literal["effective-field", "receptive-field", "input"] = "effective-field"
    canvas_fields: float = 0.8
    canvas_min_px: int = 48
    rim: float = 0.06
    output: Literal["clip", "standardise"] = "clip"
    rescue: bool = True
    scored: bool = True

    def __post_init__(self) -> None:
        """Convert a spectrum that was read from a file to a tuple."""
        object.__setattr__(self, "spectrum", tuple(self.spectrum))


CHOICES: Mapping[str, tuple[str, ...]] = {
    name: get_args(hint) for name, hint in get_type_hints(RenderSpec).items() if get_origin(hint) is Literal
}
"""The allowed values of each field that is a choice."""


def with_numbers(recipe: RenderSpec, numbers: Mapping[str, Any]) -> RenderSpec:
    """Return `recipe` with some of its fields replaced, each checked for type and range.

    Raises:
        ConfigError: A name is not a field of a recipe, or a value has the wrong type.
    """
    fixed = ("name", "tv_dense")
    types = {f.name: type(getattr(recipe, f.name)) for f in dataclasses.fields(recipe) if f.name not in fixed}
    changed: dict[str, Any] = {"tv_dense": None} if "tv" in numbers else {}
    for key, value in numbers.items():
        if key not in types:
            raise ConfigError(
                f'"{key}" is not a setting of recipe "{recipe.name}"', hint=suggestion(key, types)
            )
        changed[key] = _converted(key, value, types[key])
    return check_recipe(dataclasses.replace(recipe, **changed))


def check_recipe(recipe: RenderSpec) -> RenderSpec:
    """Return `recipe` if its values are within their ranges.

    Raises:
        ConfigError: A value is not; the message names it.
    """
    limits: dict[str, tuple[float, float]] = {
        "steps": (1, 100_000), "min_steps": (0, 100_000), "window": (1, 1000), "step_size": (1e-9, 1e6),
        "cooling": (0, 1), "tv": (0, 1e9), "lp": (0, 1e9), "tv_power": (0.5, 8), "lp_power": (1, 32),
        "jitter_px": (0, 512), "scale": (0, 0.9), "rotate_degrees": (0, 180), "start_mean": (0, 1),
        "start_noise": (0, 1), "plateau": (0, 1), "decay": (0, 4), "band": (0, 0.5), "rim": (0, 0.4),
        "canvas_fields": (0.5, 100), "canvas_min_px": (8, 4096),
    }  # fmt: skip
    for key, (low, high) in limits.items():
        value = getattr(recipe, key)
        if not (math.isfinite(value) and low <= value <= high):
            raise ConfigError(
                f'recipe "{recipe.name}": {key} is {in_brief(value)}, wanted {low:g} to {high:g}'
            )
    if len(recipe.spectrum) not in (0, len(SPECTRUM_FREQUENCIES), 3 * len(SPECTRUM_FREQUENCIES)) or not all(
        math.isfinite(value) and 0 <= value <= 1e6 for value in recipe.spectrum
    ):
        raise ConfigError(
            f'recipe "{recipe.name}": spectrum has {len(recipe.spectrum)} values, wanted '
            f"{len(SPECTRUM_FREQUENCIES)} amplitudes of grey, or as many for each of three colours"
        )
    for key, wanted in CHOICES.items():
        value = getattr(recipe, key)
        if value not in wanted:
            raise ConfigError(
                f'recipe "{recipe.name}": {key} is {in_brief(value)}, wanted one of {", ".join(wanted)}',
                hint=suggestion(value, wanted, otherwise=""),
            )
    return recipe


def for_kind(recipe: RenderSpec, kind: str) -> RenderSpec:
    """Return the recipe as it applies to layers of `kind`.

    Dense layers may have another weight of total variation, and are never shifted: their patterns have a
    fixed position, which shifts would blur.
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
        raise ConfigError(f"{key}={in_brief(value)}: wanted {wanted.__name__}") from None
