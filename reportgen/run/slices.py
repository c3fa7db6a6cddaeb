"""The queue of a plan's slices for workers: pictures of a layer in one recipe, taken and put back.

It knows no cluster. A slice preferably goes to the worker that had the same layer and recipe before, because
building a layer's program takes as long as rendering many pictures.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reportgen.plan import LayerPlan, PictureSet, PlannedPicture
from reportgen.units import Layer

SLICE, GPU_SLICE = 64, 512
"""Pictures of a slice, on processors and on GPUs; twice the batch if the user set one."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Pictures for one worker.

    Attributes:
        program: Names the layer and recipe.
        tries: How many workers it was lost with.
    """

    layer: Layer
    pictures: PictureSet
    program: str
    tries: int = 0


class Slices:
    """The pictures of plans, slice by slice.

    Args:
        plans: What is to be rendered.
        size: Most pictures of a slice.
    """

    def __init__(self, plans: Sequence[LayerPlan], size: int) -> None:
        self._size = size
        self._sets: dict[str, tuple[Layer, PictureSet]] = {}
        self._waiting: dict[str, deque[PlannedPicture]] = {}
        self._back: deque[Slice] = deque()
        self._left: dict[str, int] = {}
        self._of_layer: dict[str, int] = {}
        self._out: dict[str, int] = {}
        self.add(plans)

    def add(self, plans: Sequence[LayerPlan]) -> None:
        """Queue plans of layers of which nothing is queued."""
        for plan in plans:
            for pictures in plan.sets:
                program = f"{plan.layer.name} {pictures.recipe_hash}"
                self._sets[program] = (plan.layer, pictures)
                self._waiting[program] = deque(pictures.pictures)
            self._of_layer[plan.layer.name] = self._left[plan.layer.name] = len(plan.pictures)
            self._out[plan.layer.name] = 0

    @property
    def unfinished(self) -> bool:
        """Whether any slice is queued, or was taken and is not finished."""
        return any(self._left.values()) or any(self._out.values())

    def of_layer(self, name: str) -> int:
        """Return how many pictures were planned of a layer."""
        return self._of_layer[name]

    def take(self, recent: Sequence[str], others: Collection[str]) -> Slice | None:
        """Return the next slice for a worker; None if no slice is queued.

        Args:
            recent: Programs that the worker has, the last one first.
            others: Programs of the last slices of all workers.
        """
        if self._back:
            given = self._back.popleft()
        else:
            marks = [program for program, pictures in self._waiting.items() if pictures]
            if not marks:
                return None
            alone = [program for program in marks if program not in others]
            fullest = max(marks, key=lambda program: len(self._waiting[program]))
            program = next((own for own in recent if own in marks), None) or (alone or [fullest])[0]
            layer, whole = self._sets[program]
            waiting = self._waiting[program]
            # Slices of a set are of one size, since a program is built for a number of pictures.
            even = -(-len(whole.pictures) // -(-len(whole.pictures) // self._size))
            some = tuple(waiting.popleft() for _ in range(min(even, len(waiting))))
            given = Slice(layer, dataclasses.replace(whole, pictures=some), program)
        self._left[given.layer.name] -= len(given.pictures.pictures)
        self._out[given.layer.name] += 1
        return given

    def finished(self, given: Slice) -> bool:
        """Mark a slice as finished; return whether it was the last of its layer."""
        self._out[given.layer.name] -= 1
        return not self._left[given.layer.name] and not self._out[given.layer.name]

    def put_back(self, lost: Slice) -> None:
        """Queue a slice that was lost with its worker again, before all others."""
        self._out[lost.layer.name] -= 1
        self._left[lost.layer.name] += len(lost.pictures.pictures)
        self._back.append(dataclasses.replace(lost, tries=lost.tries + 1))

    def drop(self) -> None:
        """Discard queued slices; those already taken may still be finished."""
        for pictures in self._waiting.values():
            pictures.clear()
        self._back.clear()
        self._left = dict.fromkeys(self._left, 0)
