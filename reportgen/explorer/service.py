"""Keeps a rendering process alive, and has orders carried out by it: every order gets a reply.

For one thread. What people ask and where results go is not known here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from reportgen.explorer.messages import Cancel, Done, Failed, Order, Reply, Step, preparation
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
        self._prepared_for: Order | None = None
        self._preparing = False

    @property
    def pid(self) -> int | None:
        """Number of the process; None while there is none."""
        renderer = self._renderer
        return renderer.pid if renderer is not None else None

    def prepare(self, order: Order) -> bool:
        """Let the process get ready for orders like that one, now and whenever it is started again.

        Returns:
            Whether it was handed over; not while the process still gets ready for another.
        """
        renderer = self._renderer or self._on(self._device)
        if self._preparing:
            return False
        self._prepared_for, self._preparing = order, True
        renderer.send(preparation(order))
        return True

    def carry_out(
        self, order: Order, device: str, report: Callable[[Step], None], wanted: Callable[[], bool]
    ) -> Done | Failed:
        """Return how an order ended.

        Args:
            order: What is to be rendered.
            device: On what.
            report: Receives each step that is worth showing.
            wanted: Asked all the time; an order that is not wanted any more is left.
        """
        try:
            renderer = self._on(device)
            if renderer.lacks(device):
                return Failed(order.ticket, f"device is {device}, but there is none on this machine")
            renderer.send(order)
            return self._followed(renderer, order, report, wanted)
        except EOFError:
            reason = self._renderer.death() if self._renderer is not None else "the rendering process is gone"
            self._again()
            return Failed(order.ticket, f"{reason}; a new one is started, ask again")
        except OSError as error:
            return Failed(order.ticket, f"no rendering process can be started: {error.strerror or error}")

    def look(self) -> None:
        """See, while nothing is to be done, whether the process lives; start it again if it does not."""
        try:
            while self._renderer is not None and self._receive(self._renderer, 0.0) is not None:
                pass
            if self._renderer is not None and self._renderer.full:
                self._again()
        except EOFError:
            self._again()

    def end(self) -> None:
        """End the process."""
        if self._renderer is not None:
            self._renderer.end()
            self._renderer, self._preparing = None, False

    def _followed(
        self, renderer: Renderer, order: Order, report: Callable[[Step], None], wanted: Callable[[], bool]
    ) -> Done | Failed:
        left: float | None = None
        while True:
            reply = self._receive(renderer, _LOOK_SECONDS)
            if reply is not None and reply.ticket == order.ticket:
                if isinstance(reply, Step):
                    report(reply)
                elif isinstance(reply, Done | Failed):
                    return reply
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
            self._receive(renderer, _LOOK_SECONDS)
            if time.monotonic() - began > _STARTS_SECONDS:
                break
        if renderer is not None and not (renderer.computes_on(device) or renderer.lacks(device)):
            self.end()
            renderer = None
        if renderer is None:
            renderer, self._ready, self._preparing = Renderer(device), False, False
            self._renderer = renderer
        return renderer

    def _receive(self, renderer: Renderer, patience: float) -> Reply | None:
        """Return the next reply, noting what it says of the process."""
        reply = renderer.receive(patience)
        self._ready |= reply is not None
        if isinstance(reply, Failed) and not reply.ticket:  # A preparation has no ticket, and no picture.
            self._preparing = False
        return reply

    def _again(self) -> None:
        """Start a new process, unless the old one died before it ever answered: the next order reports why.

        What a process died of while it got ready is not tried again.
        """
        ready, order = self._ready, None if self._preparing else self._prepared_for
        self._prepared_for = order
        self.end()
        if ready and order is not None:
            with contextlib.suppress(OSError):  # What keeps it from starting, the next order reports.
                self.prepare(order)
