"""The named recipes, and the sources of their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reportgen.errors import ConfigError, suggestion
from reportgen.registry import Registry
from reportgen.spec.recipe import RenderSpec

_recipes: Registry[RenderSpec] = Registry("recipe")
RECIPES: Mapping[str, RenderSpec] = _recipes
"""The named recipes. `default` is scored, `show` is the display recipe."""


def _recipe(make: Callable[[], RenderSpec]) -> Callable[[], RenderSpec]:
    """Register the recipe that a function returns under the recipe's own name."""
    made = make()
    _recipes.register(made.name, made)
    return make


@_recipe
def _default() -> RenderSpec:
    """Plain pixels, which add no structure of their own: the recipe that is scored."""
    return RenderSpec()


@_recipe
def _show() -> RenderSpec:
    """The display recipe: the picture itself, by a few steps of given length in a metric of 1/f**.7."""
    return RenderSpec(
        name="show",
        parametrization="fourier",
        decay=0.7,
        band=0.25,
        decorrelate=True,
        start_noise=0.02,
        optimiser="normalised",
        step_size=0.095,
        cooling=1.0,
        steps=30,
        min_steps=30,
        window=6,
        jitter_px=4,
        tv=0.03,
        scored=False,
    )


@_recipe
def _lucid() -> RenderSpec:
    """Constants of Lucid 0.3: fft_image, standard_transforms, Adam.

    Unlike there, the objective is not the mean of a channel, whose gradient is zero for a kernel with sum
    zero, but that of all recipes here.
    """
    return RenderSpec(
        name="lucid",
        parametrization="spectrum",
        decorrelate=True,
        start_noise=0.01,
        step_size=0.05,
        cooling=0.0,
        steps=512,
        min_steps=512,
        window=16,
        plateau=0.0,
        jitter_px=8,
        scale=0.1,
        rotate_degrees=10.0,
        tv=0.0,
        canvas="receptive-field",
        canvas_fields=1.67,
        canvas_min_px=128,
        scored=False,
    )


@_recipe
def _maco() -> RenderSpec:
    """Fel et al. 2023: phases alone, amplitudes as in photographs; with Lucid's transforms, no crops."""
    return RenderSpec(
        name="maco",
        parametrization="phases",
        start_noise=0.2,
        step_size=0.1,
        cooling=0.0,
        steps=256,
        min_steps=256,
        window=16,
        plateau=0.0,
        jitter_px=8,
        scale=0.1,
        rotate_degrees=10.0,
        tv=0.0,
        canvas="receptive-field",
        canvas_fields=1.67,
        canvas_min_px=128,
        scored=False,
    )


@_recipe
def _keras_vis_2019() -> RenderSpec:
    """Constants of keras-vis 0.4.1: activation_maximization, optimizer and regularizers."""
    return RenderSpec(
        name="keras-vis-2019",
        parametrization="raw",
        objective="post",
        reduction="mean",
        start_noise=0.05,
        optimiser="rmsprop-2019",
        step_size=1.0,
        cooling=0.0,
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
    )


def recipe_named(name: str) -> RenderSpec:
    """Return the recipe of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in RECIPES:
        raise ConfigError(f'recipe "{name}" does not exist', hint=suggestion(name, RECIPES))
    return RECIPES[name]
