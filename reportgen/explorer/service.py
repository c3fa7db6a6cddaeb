"""Keeps a rendering process alive, and has orders carried out by it: every order gets an answer.

For one thread. What people ask and where results go is not known here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from reportgen.explorer.messages import Cancel, Done, Failed, Order, Step, warmed
from reportgen.explorer.render_process import Renderer

_LOOK_SECONDS = 0.02  # between two looks at whether an order is still wanted
_HANGS_SECONDS = 30.0  # a process that does not leave an order in that time is ended
_STARTS_SECONDS = 180.0  # the same of one that is still being started


class Service:
    """A rendering process, started when it is needed and again when it died.

    Args:
        device: What it computes on unless an order is given another.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._renderer: Renderer | None = None
        self._ready = False  # Whether the process has ever answered.
        self._warming: Order | None = None

    @property
    def pid(self) -> int | None:
        """Number of the process; None while there is none."""
        renderer = self._renderer
        return renderer.pid if renderer is not None else None

    def warm(self, order: Order | None) -> None:
        """Start the process and let it get ready for orders like that one; now, and whenever it died."""
        self._warming = order
        if order is not None:
            self._on(self._device).send(warmed(order))

    def carry_out(
        self, order: Order, device: str, hear: Callable[[Step], None], wanted: Callable[[], bool]
    ) -> Done | Failed:
        """Return how an order ended.

        Args:
            order: What is to be rendered.
            device: On what.
            hear: Told of every step that is worth telling.
            wanted: Asked all the time; an order that is not wanted any more is left.
        """
        try:
            renderer = self._on(device)
            if renderer.lacks(device):
                return Failed(order.ticket, f"device is {device}, but there is none on this machine")
            renderer.send(order)
            return self._followed(renderer, order, hear, wanted)
        except EOFError:
            told = self._renderer.death() if self._renderer is not None else "the rendering process is gone"
            self._again()
            return Failed(order.ticket, f"{told}; a new one is started, ask again")
        except OSError as error:
            return Failed(order.ticket, f"no rendering process can be started: {error.strerror or error}")

    def look(self) -> None:
        """See, while nothing is to be done, whether the process lives; start it again if it does not."""
        try:
            if self._renderer is not None:
                self._ready |= self._renderer.answer(0.0) is not None
                if self._renderer.full:
                    self._again()
        except EOFError:
            self._again()

    def end(self) -> None:
        """End the process."""
        if self._renderer is not None:
            self._renderer.end()
            self._renderer = None

    def _followed(
        self, renderer: Renderer, order: Order, hear: Callable[[Step], None], wanted: Callable[[], bool]
    ) -> Done | Failed:
        left: float | None = None
        while True:
            answer = renderer.answer(_LOOK_SECONDS)
            self._ready |= answer is not None
            if answer is not None and answer.ticket == order.ticket:
                if isinstance(answer, Step):
                    hear(answer)
                elif isinstance(answer, Done | Failed):
                    return answer
            if left is None and not wanted():
                renderer.send(Cancel(order.ticket))
                left = time.monotonic()
            patience = _HANGS_SECONDS if self._ready else _STARTS_SECONDS
            if left is not None and time.monotonic() - left > patience:
                self._again()
                return Failed(order.ticket, "the rendering process did not answer and was ended")

    def _on(self, device: str) -> Renderer:
        """Return a process that computes on a device; where it is not known yet whether it does, wait."""
        if self._renderer is not None and self._renderer.full:
            self._again()
        renderer, began = self._renderer, time.monotonic()
        while renderer is not None and renderer.computes_on(device) is None:
            self._ready |= renderer.answer(_LOOK_SECONDS) is not None
            if time.monotonic() - began > _STARTS_SECONDS:
                break
        if renderer is not None and not (renderer.computes_on(device) or renderer.lacks(device)):
            self.end()
            renderer = None
        if renderer is None:
            renderer, self._ready = Renderer(device), False
            self._renderer = renderer
        return renderer

    def _again(self) -> None:
        """Start a new process, unless the old one died before it ever answered: the next order tells why."""
        ready = self._ready
        self.end()
        if ready:
            with contextlib.suppress(OSError):  # What keeps it from starting, the next order tells.
                self.warm(self._warming)
