"""Requests, from being asked to their pictures: the queue, the worker, the store, in one place.

Everything public here may be called from any thread and returns at once; nothing here knows Dash. Two
threads work behind it: one hands orders to the process that renders, the other writes into the store.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from reportgen.errors import ConfigError, ReportgenError
from reportgen.explorer.fair_queue import Turns
from reportgen.explorer.growth import Growth, Growths
from reportgen.explorer.messages import Failed, Order, Step
from reportgen.explorer.model_files import Files, ModelFile
from reportgen.explorer.render_request import Asked
from reportgen.explorer.requests import ENDED as ENDED
from reportgen.explorer.requests import Progress as Progress
from reportgen.explorer.requests import Request, State
from reportgen.explorer.requests import Ticket as Ticket
from reportgen.explorer.result_cache import Ledger, Result
from reportgen.explorer.service import Service
from reportgen.explorer.start_pictures import Starts
from reportgen.explorer.sweep import sweep_of
from reportgen.plan import key_parts
from reportgen.store import Experiment, ModelRecord

MOST_WAITING, MOST_OF_A_PERSON = 512, 64
"""Requests that wait at once, of all people and of one."""
_ENDED_KEPT = 512
_IDLE_SECONDS, _FLUSH_SECONDS, _LOOK_SECONDS = 0.5, 1.0, 0.05
_LEFT_SECONDS = 150.0  # Browsers let a page that is not in sight ask once a minute.


class Studio:
    """Renders what people ask, one request after the other, in a process of its own.

    Args:
        store: The store's file.
        models: By `model/version` the file of a model, where it is not next to the store or in the
            current folder under its own name; or files alone, which are known by their hash.
        device: What computes where a request does not say.
        arithmetic: `float32` or `bfloat16`.
        trust_model, custom: As for `reportgen render`; a store's word for it does not count.
        most_seconds: How long a picture may take.

    Raises:
        ReportgenError: There is no such store, or no such model file.
    """

    def __init__(
        self, store: str | Path, models: Mapping[str, str | Path] | Sequence[str | Path] = (), *,
        device: str = "auto", arithmetic: str = "float32", trust_model: bool = False,
        custom: Sequence[str] = (), most_seconds: float = 300.0,
    ) -> None:  # fmt: skip
        path = Path(store).resolve()
        self._ledger = Ledger(path)
        self._files = Files(
            models, [path.parent, Path.cwd()], trust_model=trust_model, custom=custom, arithmetic=arithmetic
        )
        self._device, self._arithmetic, self._most_seconds = device, arithmetic, most_seconds
        self._lock = threading.Condition()
        self._turns = Turns()
        self._requests: OrderedDict[str, Request] = OrderedDict()
        self._served: Request | None = None
        self._chosen: Order | None = None  # What is to be got ready for, once nobody waits.
        self._starts, self._growths = Starts(), Growths()
        self._service = Service(device)
        self._closing = False
        self._due = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._serve, "orders"), (self._write, "ledger"))
        ]
        self._ledger.records()

    def __enter__(self) -> Studio:
        """Start the worker, with the first model that can be rendered here."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        """End the worker, and write what could not be written before; see `unsaved` for what is lost."""
        with self._lock:
            self._closing = True
            for request in self._requests.values():
                request.end("cancelled", "the explorer was ended")
            self._lock.notify_all()
        self._due.set()
        for thread in self._threads:
            thread.join(10.0)
        self._ledger.flush(patience=2.0)

    # What people ask

    def ask(self, asked: Asked, person: str, panel: str, growth: bool = False) -> Ticket:
        """Take a request; a person's older ones for the same panel are replaced.

        Args:
            asked: What is asked for.
            person, panel: Whose request it is, and for which place of their page.
            growth: Whether it is rendered even where its picture is there already, to see how it grows.

        Raises:
            ReportgenError: The model version, layer, unit or start is not there; it cannot be rendered here;
                too many requests wait.
        """
        return self._take([asked], person, panel, growth)[0]

    def sweep(self, asked: Asked, person: str, panel: str) -> tuple[Ticket, ...]:
        """Take nine requests, the weight of total variation from 1e-5 to 1e3 in decades, weakest first.

        Raises:
            ReportgenError: See `ask`.
        """
        return self._take(sweep_of(asked), person, panel)

    def prepare(self, asked: Asked) -> None:
        """Let the process get ready for what somebody has chosen and may ask for; the newest choice counts.

        Raises:
            ReportgenError: See `ask`.
        """
        record = self._record(asked)
        order = self._order(dataclasses.replace(asked, start=None), record, "")
        with self._lock:
            self._chosen = order
            self._lock.notify_all()

    def progress(self, ticket: str) -> Progress:
        """Return how a request stands; of an unknown one that it failed.

        A request that nobody asks after for 150 s is taken for left, and cancelled when it is its turn.
        """
        with self._lock:
            request = self._requests.get(ticket)
            if request is None:
                return Progress("failed", message="there is no such request; the explorer was started again")
            request.looked = time.monotonic()
            grown = request.key in self._growths
            return request.progress(self._place(request), self._ledger.trouble(request.key), grown)

    def owner(self, ticket: str) -> str | None:
        """Return the person whose request it is; None of an unknown one."""
        with self._lock:
            request = self._requests.get(ticket)
            return request.person if request else None

    def cancel(self, ticket: str) -> None:
        """End a request; nothing happens to one that has ended."""
        with self._lock:
            if ticket in self._requests:
                self._leave(self._requests[ticket], "cancelled")

    def add_start(self, data: bytes) -> str:
        """Keep a person's picture to start from, and return its hash.

        Raises:
            ReportgenError: See `Starts.add`.
        """
        return self._starts.add(data)

    def renderable(self) -> Mapping[str, str | None]:
        """Return by `model/version` None where it can be rendered here, or why not, in a line."""
        found = {f"{r.name}/{r.version}": self._files.find(r) for r in self._ledger.records()}
        return {version: file if isinstance(file, str) else None for version, file in found.items()}

    def model_file(self, of: str) -> str:
        """Return how the file of a `model/version` is named on a command line; `MODEL` for none."""
        record = next((r for r in self._ledger.records() if f"{r.name}/{r.version}" == of), None)
        return self._files.name(record) if record else "MODEL"

    def picture(self, key: str) -> bytes | None:
        """Return the picture of a content key as WebP, of an experiment or of the atlas; None for none."""
        found = self._ledger.find(key)
        return found.picture if found else None

    def original(self, key: str) -> Experiment | None:
        """Return the picture of a content key as it was made, with its telemetry; None for none."""
        return self._ledger.original(key)

    def growth(self, key: str) -> Growth | None:
        """Return how the picture of a content key grew; None where it was not rendered here lately."""
        return self._growths.find(key)

    def unsaved(self) -> int:
        """Return how many results wait to be written, because a run is rendering into the store."""
        return self._ledger.unsaved()

    @property
    def worker_pid(self) -> int | None:
        """Number of the process that renders; None while there is none."""
        return self._service.pid

    # Taking requests

    def _take(
        self, wishes: Sequence[Asked], person: str, panel: str, growth: bool = False
    ) -> tuple[Ticket, ...]:
        requests = [self._request(asked, person, panel, growth) for asked in wishes]
        with self._lock:
            if self._closing:
                raise ReportgenError("the explorer is being ended")
            for older in [r for r in self._requests.values() if (r.person, r.panel) == (person, panel)]:
                self._leave(older, "replaced")
            new = sum(not request.over for request in requests)
            if new and self._turns.count(person) + new > MOST_OF_A_PERSON:
                raise ReportgenError(
                    f"more than {MOST_OF_A_PERSON} of your requests wait", hint="cancel some"
                )
            if new and len(self._turns) + new > MOST_WAITING:
                raise ReportgenError(f"more than {MOST_WAITING} requests wait", hint="try again later")
            for request in requests:
                self._requests[request.ticket] = request
                if not request.over:
                    self._turns.put(person, request.ticket)
            self._forget_old()
            self._lock.notify_all()
        return tuple(Ticket(request.ticket, request.key) for request in requests)

    def _request(self, asked: Asked, person: str, panel: str, growth: bool) -> Request:
        """Return a request, finished where its picture is there already."""
        record = self._record(asked)
        key = asked.key(record, self._arithmetic)
        found = self._ledger.find(key)
        if found is None or growth:  # A picture made here is computed alone, which rounds otherwise.
            key = asked.key(record, self._arithmetic, batch=1)
            found = self._found(key, growth)
        request = Request(uuid.uuid4().hex, asked, person, panel, key, None, wants_growth=growth)
        if found is not None:
            request.finish(found)
        else:
            request.order = self._order(asked, record, request.ticket)
        return request

    def _found(self, key: str, growth: bool) -> Result | None:
        return self._ledger.find(key) if not growth or key in self._growths else None

    def _record(self, asked: Asked) -> ModelRecord:
        record = self._ledger.record(asked.model, asked.version)
        if record is None:
            raise ConfigError(f'the store has no model version "{asked.of[:80]}"')
        return record

    def _order(self, asked: Asked, record: ModelRecord, ticket: str) -> Order:
        file = self._files.find(record)
        if not isinstance(file, ModelFile):
            raise ConfigError(f"{asked.of} cannot be rendered here: {file}")
        channels = record.input_shape[2]
        recipe, canvas, fixed = key_parts(record, asked.layer_of(record), asked.recipe, self._arithmetic)
        return Order(
            ticket=ticket,
            file=file,
            version=record.version,
            layer=asked.layer,
            graph_hash=str(fixed["graph_hash"]),
            recipe=recipe,
            canvas_px=canvas,
            terms=asked.terms,
            sign=asked.sign,
            seed=asked.seed,
            start=None if asked.start is None else self._starts.fitted(asked.start, canvas, channels),
            most_seconds=self._most_seconds,
        )

    def _leave(self, request: Request, state: State) -> None:
        """End a request that somebody no longer wants; one that is served is left by the worker."""
        if not request.over:
            self._turns.drop(request.ticket)
            request.end(state)

    def _place(self, request: Request) -> int:
        if request.state != "waiting" or request is self._served:
            return 0
        served = int(self._served is not None)
        return served + list(self._turns.order()).index(request.ticket)

    def _forget_old(self) -> None:
        ended = [ticket for ticket, request in self._requests.items() if request.over]
        for ticket in ended[: max(0, len(ended) - _ENDED_KEPT)]:
            del self._requests[ticket]

    # Handing orders to the worker: one thread

    def _serve(self) -> None:
        with contextlib.suppress(ReportgenError):  # The first request meets it again and reports it.
            first = self._first_order()
            with self._lock:
                self._chosen = self._chosen or first
        while (request := self._next()) is not None:
            try:
                self._carry_out(request)
            except Exception as error:  # Whatever it is, the next person is served.
                failure = ReportgenError(f"the explorer failed: {type(error).__name__}: {error}")
                with self._lock:
                    request.end("failed", str(failure))
            with self._lock:
                self._served = None
        self._service.end()

    def _first_order(self) -> Order | None:
        """Return an order of the newest model that can be rendered here, whose page is opened first."""
        for record in reversed(self._ledger.records()):
            if record.layers and isinstance(self._files.find(record), ModelFile):
                return self._order(Asked(record.name, record.version, record.layers[0].name), record, "")
        return None

    def _next(self) -> Request | None:
        """Wait for the next request; None once all is to end."""
        while True:
            with self._lock:
                if self._closing:
                    return None
                ticket = self._turns.take()
                if ticket is not None:
                    self._served = self._requests[ticket]
                    return self._served
                if self._chosen is None:
                    self._lock.wait(_IDLE_SECONDS)
                chosen = self._chosen
            self._service.look()
            if chosen is not None:
                self._prepare(chosen)

    def _prepare(self, chosen: Order) -> None:
        taken = True
        with contextlib.suppress(OSError):  # Without a process the next request says why.
            taken = self._service.prepare(chosen)
        with self._lock:
            if taken and self._chosen is chosen:
                self._chosen = None
            elif not taken:
                self._lock.wait(_LOOK_SECONDS)

    def _carry_out(self, request: Request) -> None:
        found = None
        # Somebody else may have asked for the same. An unreadable store is reported by the next request.
        with contextlib.suppress(ReportgenError):
            found = self._found(request.key, request.wants_growth)
        order = request.order
        with self._lock:
            if found is not None:
                request.finish(found)
            if not self._wanted(request) or order is None:
                return
            request.state = "starting"
            if self._chosen is not None and self._chosen.layer == order.layer:
                self._chosen = None  # It gets ready by being carried out.
        device = self._device if request.asked.device == "auto" else request.asked.device
        answer = self._service.carry_out(
            order, device, lambda step: self._advance(request, step), lambda: self._wanted(request)
        )
        if isinstance(answer, Failed):
            with self._lock:
                request.end("failed", answer.message or "it was given up")
            return
        result = self._ledger.keep(request.experiment(answer))
        self._due.set()
        with self._lock:
            request.finish(result)
            if request.frames:  # A request that was ended meanwhile has none to its end.
                self._growths.keep(request.key, request.frames)

    def _wanted(self, request: Request) -> bool:
        """Return whether somebody still waits for a request; end it if nobody does."""
        with self._lock:
            if time.monotonic() - request.looked > _LEFT_SECONDS:
                request.end("cancelled", "nobody looked at it any more")
            return not request.over

    def _advance(self, request: Request, step: Step) -> None:
        with self._lock:
            request.advance(step)

    # Writing into the store: another thread

    def _write(self) -> None:
        while not self._closing:
            self._due.wait()
            self._due.clear()
            while not self._closing and not self._ledger.flush(patience=0.2):
                self._due.wait(_FLUSH_SECONDS)
                self._due.clear()
