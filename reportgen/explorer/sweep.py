"""The same picture under growing weights of total variation."""

from __future__ import annotations

import dataclasses

from reportgen.explorer.render_request import Asked
from reportgen.spec import with_numbers

SWEEP = ("1e-5", "1e-4", "0.001", "0.01", "0.1", "1", "10", "100", "1000")
"""Weights of total variation of a sweep, weakest first, as people read them."""


def sweep_of(asked: Asked) -> list[Asked]:
    """Return the wishes of a sweep: the same with weights of total variation from 1e-5 to 1e3, in decades."""
    recipes = [with_numbers(asked.recipe, {"tv": float(weight)}) for weight in SWEEP]
    return [dataclasses.replace(asked, recipe=recipe) for recipe in recipes]
