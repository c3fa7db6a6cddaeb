"""What a family of the zoo is: how it is built, and what a right reading of it says of its input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Family:
    """One network of the zoo.

    Attributes:
        name: Of the family; the same in Keras and torch where both build it.
        build: Takes the `keras` module (torch: nothing) and returns the network.
        low, high: Values of its input where a picture runs from 0 to 1: what its scaling wants, else 0..1.
        ranged: Whether the network's own operations say so; else the range is assumed.
        order: `rgb`, or `bgr` where the network subtracts Caffe's means.
        picture: Whether an input of it is a picture; others are rightly refused.
        tolerance: Largest difference at a tap, as a share of the values' range.
        lacks: Forms that it is not kept in, each with the reason. A key stands for all forms it begins.
        size: Height, width and channels of the picture (torch only; Keras models say it).
        shape: What a torch network takes, without the batch; channels, height, width unless given.
    """

    name: str
    build: Callable[..., Any]
    low: tuple[float, ...] = (0.0,)
    high: tuple[float, ...] = (1.0,)
    ranged: bool = False
    order: str = "rgb"
    picture: bool = True
    tolerance: float = 1e-4
    lacks: tuple[tuple[str, str], ...] = ()
    size: tuple[int, int, int] = (32, 32, 3)
    shape: tuple[int, ...] = ()

    def why_not(self, form: str) -> str:
        """Return why the family is not kept in a form; empty if it is."""
        return next((why for start, why in self.lacks if form.startswith(start)), "")


class Register:
    """Families in the order in which they are defined; an instance's call is a decorator."""

    def __init__(self) -> None:
        self.families: list[Family] = []

    def __call__(self, **said: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator that lists a function under its own name."""

        def listed(build: Callable[..., Any]) -> Callable[..., Any]:
            self.families.append(Family(name=build.__name__, build=build, **said))
            return build

        return listed
