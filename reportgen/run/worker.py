"""A worker, on this machine or of a cluster: holds a model and renders the slices it is given.

It knows neither its driver nor the store. It finds the model by name on its own machine, and checks that it
is the same file as the driver's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from reportgen.config import Settings
from reportgen.errors import ModelError
from reportgen.plan import LayerPlan, PictureSet
from reportgen.run.batches import CutCache, rows_of
from reportgen.run.layer_speed import LayerSpeed, layer_speed
from reportgen.run.memory import MemoryBound, default_bound
from reportgen.store import StoredRender
from reportgen.units import Layer

if TYPE_CHECKING:
    from reportgen.models import Model


class Worker:
    """Renders in a process of its own what a driver in another requests.

    Args:
        model: Name of the model, reachable from this machine.
        file_hash: The hash that the file must have.
        settings: The run's settings: how the model is read, pictures at once, memory.
        halted: Returns whether `render` returns what is complete; `halt` has the same effect.
    """

    def __init__(
        self, model: str, file_hash: str, settings: Settings, halted: Callable[[], bool] = lambda: False
    ) -> None:
        self._name, self._hash, self._settings = model, file_hash, settings
        self._model: Model | None = None
        self._cuts: CutCache | None = None
        self._bound = MemoryBound(settings.max_memory or default_bound())
        self._event = threading.Event()
        self._halted = lambda: self._event.is_set() or halted()

    def ready(self) -> dict[str, str]:
        """Read the model; return `arithmetic` and `device` of this machine.

        Raises:
            ModelError: The model is not on this machine, or another file has its name.
        """
        from reportgen.models.sources import find_source
        from reportgen.run.importing import choose_device, load_network

        found = find_source(self._name).digest()
        if found != self._hash:
            raise ModelError(
                f"{self._name} is another file on a worker: {found[:8]}, wanted {self._hash[:8]}",
                hint="put the model where all machines find the same file",
            )
        choose_device(self._settings.device)
        self._model = load_network(self._name, found[:8], self._settings)
        self._cuts = CutCache(self._model)
        from reportgen.render import arithmetic, device_name

        return {"arithmetic": arithmetic(), "device": device_name()}

    def render(self, layer: Layer, pictures: PictureSet) -> list[StoredRender]:
        """Return rows of the pictures; only of the complete ones once halted.

        Raises:
            ModelError: The layer has another graph on this machine.
        """
        assert self._model is not None and self._cuts is not None
        own = {x.name: x.graph_hash for x in self._model.layers}
        if own.get(layer.name) != layer.graph_hash:
            raise ModelError(
                f'layer "{layer.name}" is not the same on a worker',
                hint="install the same version of this package on all machines",
            )
        parts = rows_of(self._cuts, layer, pictures, self._bound, self._settings.batch, self._halted)
        return [row for rows in parts for row in rows]

    def speed(self, plan: LayerPlan) -> LayerSpeed | None:
        """Return how fast pictures of a layer are rendered; None if that could not be measured."""
        assert self._model is not None
        return layer_speed(self._model, plan, self._bound, self._settings.batch, self._halted)

    def halt(self) -> None:
        """Make `render` return what is complete, now and in later calls."""
        self._event.set()
