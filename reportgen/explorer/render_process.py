"""The process that renders: it holds models and compiled programs, and knows neither stores nor people.

`serve` runs in a process of its own, which may be killed or run out of memory at any time; `Renderer` is the
near end of it. One order is worked on at a time; between two steps the pipe is looked at, so that a
cancelled order is left at once.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import signal
import time
from collections import OrderedDict
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.errors import ModelError, ReportgenError
from reportgen.explorer.messages import Cancel, Done, Failed, Full, Order, Ready, Reply, Step, is_kept
from reportgen.images import encode_png, encode_webp

if TYPE_CHECKING:
    from reportgen.models import Model
    from reportgen.render import LiveStep
    from reportgen.run.batches import CutCache

Array = np.ndarray

MODELS_KEPT, CUTS_KEPT = 2, 8
PREVIEW_SECONDS = 0.12
"""Least time between two previews, besides those that show how the picture grew."""
PREVIEW_QUALITY = 80
GROWN_BYTES, GROWN_IN_NEED_BYTES = 2 * 2**30, 2**28
"""By how much a process may grow; the second once it holds more than a run may.

TensorFlow never gives back some 15 MB of each program it traced (measured over 24 layers of a MobileNetV2,
with all references to them gone), so that a process that lives for days would fill any memory.
"""


class Renderer:
    """The near end of a process that renders.

    Args:
        device: What it computes on.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        spawning = multiprocessing.get_context("spawn")
        self._pipe, far = spawning.Pipe()
        self._process = spawning.Process(target=serve, args=(far, device), name="renderer", daemon=True)
        self._process.start()
        far.close()
        self._on_gpu: bool | None = None
        self.full = False

    def computes_on(self, device: str) -> bool | None:
        """Return whether the process computes on that device; None where it is not known yet."""
        if device == self.device:
            return True
        found = self._on_gpu if self.device == "auto" else self.device == "gpu"
        return None if found is None else device == ("gpu" if found else "cpu")

    def lacks(self, device: str) -> bool:
        """Return whether it is known that there is no such device."""
        return device == "gpu" and self.device == "auto" and self._on_gpu is False

    @property
    def pid(self) -> int | None:
        """Number of the process."""
        return self._process.pid

    def send(self, message: Order | Cancel) -> None:
        """Hand a message over; `receive` raises if the process has died."""
        with contextlib.suppress(OSError):
            self._pipe.send(message)

    def receive(self, patience: float) -> Reply | None:
        """Return the next reply, None if there is none in that many seconds.

        Raises:
            EOFError: The process is gone.
        """
        try:
            reply: Reply | None = self._pipe.recv() if self._pipe.poll(patience) else None
        except OSError:
            raise EOFError from None
        if isinstance(reply, Ready):
            self._on_gpu = reply.on_gpu
        self.full |= isinstance(reply, Full)
        return reply

    def death(self) -> str:
        """Return in words how the process ended, which it has."""
        self._process.join(5.0)
        code = self._process.exitcode
        if code == -9:  # SIGKILL, which not every system names.
            return "the rendering process was killed, perhaps because memory ran out"
        how = f"signal {-code}" if code is not None and code < 0 else f"code {code}"
        return f"the rendering process ended by itself ({how})"

    def end(self) -> None:
        """End the process, by force if it does not listen."""
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._process.join(1.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5.0)
        self._pipe.close()
        self._process.close()


def serve(pipe: Connection, device: str) -> None:
    """Carry out orders until the pipe ends or None comes through it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The one who started it decides.
    room = _Room(pipe, device)
    with contextlib.suppress(ReportgenError):  # Every order meets it again and reports it.
        room.get_ready()
    with contextlib.suppress(EOFError, OSError):
        while (message := room.next()) is not None:
            if isinstance(message, Order):
                pipe.send(room.carry_out(message))
                if room.has_grown():
                    pipe.send(Full())


class _Room:
    """Models, their cuts, and what is waiting in the pipe."""

    def __init__(self, pipe: Connection, device: str) -> None:
        self._pipe, self._device = pipe, device
        self._models: OrderedDict[str, tuple[Model, CutCache]] = OrderedDict()
        self._ready = False
        self._ahead: list[object] = []
        self._cancelled: set[str] = set()
        self._at_first: int | None = None

    def has_grown(self) -> bool:
        """Return whether the process has grown by too much since its first order."""
        from reportgen.run.memory import default_bound, resident_bytes

        now = resident_bytes()
        if self._at_first is None:
            self._at_first = now
        allowed = GROWN_BYTES if now <= default_bound() else GROWN_IN_NEED_BYTES
        return now - self._at_first > allowed

    def next(self) -> Any:
        """Return the next message."""
        return self._ahead.pop(0) if self._ahead else self._pipe.recv()

    def _look(self) -> None:
        """Take in what has come while an order is worked on."""
        while self._pipe.poll():
            message = self._pipe.recv()
            if isinstance(message, Cancel):
                self._cancelled.add(message.ticket)
            else:
                self._ahead.append(message)

    def carry_out(self, order: Order) -> Reply:
        """Return how an order ended; whatever goes wrong is a reply, and the process goes on."""
        from reportgen.run.memory import out_of_memory

        try:
            self.get_ready()
            return self._rendered(order)
        except (EOFError, OSError):
            raise
        except ReportgenError as error:
            return Failed(order.ticket, str(error))
        except Exception as error:
            if out_of_memory(error):
                self._give_back()
                return Failed(order.ticket, "there was not memory enough: fewer pixels (canvas) may fit")
            reason = (str(error).strip().splitlines() or [""])[0][:200]
            return Failed(
                order.ticket, str(ReportgenError(f"the engine failed: {type(error).__name__}: {reason}"))
            )
        finally:
            self._cancelled.discard(order.ticket)

    def get_ready(self) -> None:
        """Import what computes, and say on what.

        Raises:
            ReportgenError: It is not installed, or there is no such device.
        """
        if self._ready:
            return
        from reportgen.models.framework import keras_module
        from reportgen.run.importing import choose_device

        keras_module()  # Quietly, before others import it.
        from reportgen.render.backend import backend

        choose_device(self._device)
        self._ready = True
        with contextlib.suppress(OSError):  # Nobody is there any more: the next look at the pipe ends it.
            self._pipe.send(Ready(backend().on_gpu()))

    def _rendered(self, order: Order) -> Reply:
        from reportgen.render import WHOLE_LAYER, Job, device_name, render_live

        model, cuts = self._model(order)
        layer = model.layer(order.layer)
        own = layer.judged_hash if order.recipe.objective == "post" else layer.graph_hash
        if own != order.graph_hash:
            raise ModelError(
                f'layer "{layer.name}" is read otherwise than when it was stored',
                hint="render this version again",
            )
        cut = cuts.of(layer, order.canvas_px, order.recipe.objective == "post")
        alone = len(order.terms) == 1 and order.terms[0][1] == 1.0
        unit = order.terms[0][0] if order.terms else WHOLE_LAYER
        watch = _Watch(self, order)
        self._look()
        if order.ticket in self._cancelled:
            return Failed(order.ticket)
        job = Job(unit, order.sign, order.seed, () if alone else order.terms)
        found = render_live(cut, job, order.recipe, watch, order.start)
        if found is None or order.preparing:
            return Failed(order.ticket, watch.reason)
        if found.failure:
            return Failed(order.ticket, found.failure)
        return Done(
            order.ticket, encode_png(found.picture), found.picture.shape, found.telemetry,
            time.monotonic() - watch.began, device_name(),
        )  # fmt: skip

    def wanted(self, order: Order) -> bool:
        """Return whether somebody still waits for an order."""
        self._look()
        return order.ticket not in self._cancelled and not (order.preparing and self._ahead)

    def report(self, step: Step) -> None:
        """Send the progress of an order."""
        self._pipe.send(step)

    def _model(self, order: Order) -> tuple[Model, CutCache]:
        key = order.file.key
        if key not in self._models:
            from reportgen.models.sources import find_source
            from reportgen.run.batches import CutCache
            from reportgen.run.importing import load_network

            if find_source(order.file.path).digest() != order.file.file_hash:
                raise ModelError("the model's file was changed since the explorer looked at it")
            settings = order.file.settings.model_copy(update={"device": self._device})
            while len(self._models) >= MODELS_KEPT:
                self._models.popitem(last=False)
            network = load_network(order.file.path, order.version, settings)
            self._models[key] = (network, CutCache(network, CUTS_KEPT))
        self._models.move_to_end(key)
        return self._models[key]

    def _give_back(self) -> None:
        """Let go of what can be made again."""
        from reportgen.render.optimise import release_compiled

        self._models.clear()
        release_compiled()
        gc.collect()


class _Watch:
    """Looks at a picture on its way: reports it now and then, and decides whether to go on."""

    def __init__(self, room: _Room, order: Order) -> None:
        self._room, self._order = room, order
        self.began = time.monotonic()
        self.reason = ""
        self._shown = 0.0
        self._curve: list[tuple[int, float]] = []
        self._restarted = True

    def __call__(self, glimpse: LiveStep) -> bool:
        now = time.monotonic()
        if glimpse.restarted:
            self._curve, self._restarted = [], True
        self._curve.append((glimpse.step - 1, glimpse.objective))
        kept = is_kept(glimpse.step, self._order.recipe.steps)
        if kept or now - self._shown >= PREVIEW_SECONDS:
            preview = encode_webp(glimpse.picture(), quality=PREVIEW_QUALITY)
            if not self._order.preparing:
                curve = tuple(self._curve)
                self._room.report(Step(self._order.ticket, glimpse.step, curve, self._restarted, preview))
            self._curve, self._restarted, self._shown = [], False, now
        if now - self.began > self._order.most_seconds:
            self.reason = (
                f"given up at step {glimpse.step} after {self._order.most_seconds:.0f} s: "
                "fewer steps or a smaller canvas take less"
            )
            return False
        return self._room.wanted(self._order)
