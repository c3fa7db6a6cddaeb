"""The structure of a recipe, which is compiled for a cut; its numbers are passed to the ascent as arrays."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reportgen.render import objectives, transforms
from reportgen.render.backend import arithmetic
from reportgen.render.objectives import Aim
from reportgen.render.parametrizations import PARAMETRIZATIONS
from reportgen.render.penalties import PENALTIES
from reportgen.spec import AROUND_PLACES, RenderSpec

if TYPE_CHECKING:
    from reportgen.models import Cut

_COMPILED = (
    "parametrization", "objective", "reduction", "optimiser", "penalty_scaling", "keep", "window",
    "rim", "rescue",
)  # fmt: skip
"""Fields of a recipe that are compiled in for every parametrization, which may name more."""


@dataclass(frozen=True)
class Structure:
    """The part of a recipe that is compiled in.

    Attributes:
        recipe: The recipe, with the default in place of each value that is not compiled in.
        reduction: How places are reduced.
        bfloat16: The arithmetic.
        around: Whether pictures may be moved around their own edges.
        aim: What is maximised.
        part: Steps that one call takes; it divides the recipe's window.
    """

    recipe: RenderSpec
    reduction: objectives.Reduction
    bfloat16: bool
    around: bool
    aim: Aim
    part: int

    @property
    def moved(self) -> bool:
        """Whether pictures are moved at all."""
        return transforms.moves(self.recipe)

    @property
    def turned(self) -> bool:
        """Whether pictures are scaled or rotated."""
        return transforms.turns(self.recipe)

    @property
    def penalties(self) -> tuple[tuple[str, float], ...]:
        """Names and exponents of the penalties that are charged."""
        return tuple(
            (name, getattr(self.recipe, f"{name}_power")) for name in PENALTIES if getattr(self.recipe, name)
        )


def compiled_part(recipe: RenderSpec) -> RenderSpec:
    """Return the recipe reduced to what is compiled in, equal for all recipes that share a compiled ascent.

    Fields that are compiled in are kept; of penalties and movements, whether there are any; all other fields
    have their defaults.
    """
    kept = (*_COMPILED, *PARAMETRIZATIONS[recipe.parametrization].compiled)
    values: dict[str, Any] = {name: getattr(recipe, name) for name in kept}
    for name in PENALTIES:
        power = f"{name}_power"
        charged = getattr(recipe, name) > 0
        values |= {name: float(charged)} | ({power: getattr(recipe, power)} if charged else {})
    turned = transforms.turns(recipe)
    values |= {"jitter_px": int(transforms.moves(recipe)), "rotate_degrees": float(turned), "scale": 0.0}
    return dataclasses.replace(RenderSpec(), **values)


def structure_of(cut: Cut, recipe: RenderSpec, aim: Aim = "unit", part: int | None = None) -> Structure:
    """Return the part of the recipe that is compiled in for this cut.

    Args:
        aim: What is maximised.
        part: Steps that one call takes, a divisor of the recipe's window; the whole window if None.
    """
    kind = "mean-square" if aim == "layer" else recipe.reduction if cut.is_map else "neuron"
    places = (
        tuple(int(p) for p in cut.network.outputs[output_of(recipe)].shape[1:3]) if cut.is_map else (1, 1)
    )
    cell = cut.field_places or (-(-places[0] // 3), -(-places[1] // 3))
    return Structure(
        recipe=compiled_part(recipe),
        reduction=objectives.Reduction(kind, recipe.rim, recipe.rescue, cell),
        bfloat16=arithmetic() == "bfloat16",
        around=cut.is_map and min(places) >= AROUND_PLACES,
        aim=aim,
        part=part or recipe.window,
    )


def output_of(recipe: RenderSpec) -> int:
    """Return which output of a cut's network is maximised: before the activation function or after it."""
    return 1 if recipe.objective == "post" else 0
