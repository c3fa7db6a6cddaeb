"""Rendering on a Ray cluster: workers hold the model and render slices of the plan.

Ray manages the workers and reports when one has died; another one then renders its slices. Only the driver
writes to the store, and it requests only what is not stored, so a driver that was killed resumes where it
was. Slices are rendered by the same function as without a cluster (`batches.rows_of`).
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from reportgen.config import Settings
from reportgen.errors import MissingExtra, ReportgenError
from reportgen.json_values import JsonObject
from reportgen.models.sources import find_source
from reportgen.plan import LayerPlan
from reportgen.run.batches import LayerPart
from reportgen.run.context import RunContext
from reportgen.run.progress import Reporter
from reportgen.run.slices import GPU_SLICE, SLICE, Slice, Slices
from reportgen.run.worker import Worker
from reportgen.settings_file import LOCAL_CLUSTER

AHEAD = 2
"""Slices a worker has at once: one in progress, one queued, so that it never waits for the driver."""
TRIES = 3
"""Workers that may die while rendering the same slice before the run fails."""
_TICK, _SCAN, _CONNECT, _START, _END = 0.5, 5.0, 20.0, 600.0, 60.0
"""Seconds: between two checks of `stop`; between two searches for new nodes; for an address to accept a
connection; for a first worker to be ready; for workers to return what is complete after a stop."""


@contextlib.contextmanager
def cluster(run: RunContext, address: str, model: str | Path, file_hash: str) -> Iterator[Cluster]:
    """Connect to a Ray cluster, or start one here; its workers end with the block.

    Args:
        run: The run; workers must compute in its arithmetic.
        address: `local` to start one here, else such as `auto`, `10.0.0.1:6379` or `ray://10.0.0.1:10001`.
        model: The model as the user named it; workers must find it under the same name.
        file_hash: Of the model; a worker that finds another file is refused.

    Raises:
        MissingExtra: Ray is not installed.
        ReportgenError: There is no cluster, or none of its workers becomes ready.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingExtra("ray", needed_for="rendering on a cluster") from None
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, address)
    found = Cluster(ray, _absolute_name(model), file_hash, run.settings, run.reporter)
    try:
        found.wait_for_a_worker(run.halted)
        yield found
    finally:
        found.end()
        if ours:
            ray.shutdown()


class Cluster:
    """The workers of a cluster, as an `Engine`."""

    in_turn = False

    def __init__(self, ray: Any, model: str, file_hash: str, settings: Settings, reporter: Reporter) -> None:
        self._ray, self._settings, self._reporter = ray, settings, reporter
        self._made = (model, file_hash, settings)
        self._idle: dict[Any, str] = {}  # Worker: the program of its last slice.
        self._starting: dict[Any, Any] = {}  # Pending result of a worker's `ready`: the worker.
        self._at_work: dict[Any, tuple[Any, Slice]] = {}  # Pending result: its worker and slice.
        self._looked, self._gpus, self._alone_until = 0.0, 0, float("inf")
        self.device = ""

    @property
    def workers(self) -> int:
        """Workers that are ready or starting, at least 1."""
        return max(1, len(self._idle) + len(self._starting))

    def wait_for_a_worker(self, stop: Callable[[], bool]) -> None:
        """Start as many workers as the cluster has room for, and wait for the first.

        Raises:
            ReportgenError: No worker became ready, or the first has another model or arithmetic.
        """
        self._grow()
        until = time.monotonic() + _START
        while not self._idle and not stop():
            if not self._starting or time.monotonic() > until:
                raise ReportgenError(
                    "no worker of the cluster is ready",
                    hint="check that it has free CPUs and this package installed",
                )
            self._collect(_TICK)
            self._grow()
        if self._idle:
            self._reporter.say(f"cluster: {self.workers} workers, the first on {self.device}")

    def render_plans(self, plans: Sequence[LayerPlan], stop: Callable[[], bool]) -> Iterator[LayerPart]:
        """Yield rows of the plans' pictures as they come back, and the end of each layer, in no fixed order.

        Raises:
            ReportgenError: A worker failed, or several died of the same pictures.
        """
        batch = self._settings.batch
        waiting = Slices(plans, 2 * batch if batch else GPU_SLICE if self._gpus else SLICE)
        begun: set[str] = set()
        until = float("inf")
        while waiting.unfinished and time.monotonic() < until:
            if stop() and until == float("inf"):
                until = time.monotonic() + _END
                waiting.drop()
                for worker in self._idle:
                    worker.halt.remote()
            for given in self._hand_out(waiting):
                if given.layer.name not in begun:
                    begun.add(given.layer.name)
                    self._reporter.layer(given.layer.name, waiting.of_layer(given.layer.name))
            for given, rows in self._collect(_TICK):
                if rows is None:
                    self._retry(waiting, given)
                    continue
                yield LayerPart(given.layer.name, rows)
                if waiting.finished(given):
                    yield LayerPart(given.layer.name, ends=True)
            self._grow()

    def end(self) -> None:
        """End all workers."""
        for worker in [*self._idle, *self._starting.values()]:
            self._kill(worker)
        self._idle, self._starting, self._at_work = {}, {}, {}

    def _kill(self, worker: Any) -> None:
        with contextlib.suppress(Exception):  # It may have ended already.
            self._ray.kill(worker)

    def _retry(self, waiting: Slices, lost: Slice) -> None:
        """Put back the slice of a worker that died."""
        if lost.tries + 1 >= TRIES:
            raise ReportgenError(
                f'{TRIES} workers died while they rendered layer "{lost.layer.name}"',
                hint="check their memory, or try a smaller --batch",
            )
        waiting.put_back(lost)

    def _hand_out(self, waiting: Slices) -> Iterator[Slice]:
        """Assign slices to every worker, if possible of its last layer, whose program is already built."""
        load = dict.fromkeys(self._idle, 0)
        for worker, _ in self._at_work.values():
            load[worker] = load.get(worker, 0) + 1
        for most in range(1, AHEAD + 1):
            for worker in [w for w in self._idle if load[w] < most]:
                given = waiting.take(self._idle[worker], set(self._idle.values()))
                if given is None:
                    return
                self._idle[worker] = given.program
                load[worker] += 1
                self._at_work[worker.render.remote(given.layer, given.pictures)] = (worker, given)
                yield given

    def _collect(self, seconds: float) -> list[tuple[Slice, Any]]:
        """Return finished slices, with None for those whose worker died; register workers that are ready."""
        refs = [*self._starting, *self._at_work]
        if not refs:
            time.sleep(seconds)
            return []
        found: list[tuple[Slice, Any]] = []
        for ref in self._ray.wait(refs, num_returns=1, timeout=seconds)[0]:
            if ref in self._starting:
                self._register(ref)
                continue
            worker, given = self._at_work.pop(ref)
            rows, alive = self._result(ref)
            if not alive:
                self._idle.pop(worker, None)
                self._kill(worker)
            found.append((given, rows if alive else None))
        return found

    def _register(self, ref: Any) -> None:
        worker = self._starting.pop(ref)
        state, alive = self._result(ref)
        if alive:
            if state["arithmetic"] != self._settings.arithmetic:
                raise ReportgenError(
                    f"a worker computes in {state['arithmetic']}, "
                    f"this machine in {self._settings.arithmetic}",
                    hint="render on machines of one kind",
                )
            self._idle[worker] = ""
            self.device = self.device or state["device"]

    def _result(self, ref: Any) -> tuple[Any, bool]:
        """Return what a worker's call returned, and whether the worker is alive.

        Raises:
            ReportgenError: The call failed.
        """
        try:
            return self._ray.get(ref), True
        except self._ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", None) or error
            if isinstance(cause, ReportgenError):
                raise type(cause)(f"a worker of the cluster: {cause.message}", hint=cause.hint) from None
            message = (str(cause).strip().splitlines() or [""])[-1]
            raise ReportgenError(f"a worker failed: {type(cause).__name__}: {message}") from None
        except self._ray.exceptions.RayError:
            return None, False

    def _grow(self) -> None:
        """Start as many workers as the cluster has resources for, also on nodes that joined later.

        Raises:
            ReportgenError: There has been no worker for a minute, and there are no resources for one.
        """
        some, now = bool(self._idle or self._starting), time.monotonic()
        if some and now - self._looked < _SCAN:
            return
        self._looked = now
        has = self._ray.cluster_resources()
        self._gpus = int(has.get("GPU", 0))
        room = self._gpus or int(has.get("CPU", 0))
        for _ in range(room - len(self._idle) - len(self._starting)):
            self._start()
        self._alone_until = float("inf") if some or room else min(self._alone_until, now + _END)
        if now > self._alone_until:
            raise ReportgenError(
                "the cluster has no workers any more", hint="run the command again to resume"
            )

    def _start(self) -> None:
        environment = {k: v for k, v in os.environ.items() if k in ("KERAS_BACKEND", "JAX_PLATFORMS")}
        if not self._gpus:  # Several networks of one thread each share cores better than one of several.
            environment |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        takes = {"num_cpus": 1, "num_gpus": 1 if self._gpus else 0, "concurrency_groups": {"control": 1}}
        made = self._ray.remote(**takes)(_with_concurrent_halt(self._ray))
        worker = made.options(runtime_env={"env_vars": environment}).remote(*self._made)
        self._starting[worker.ready.remote()] = worker


def _with_concurrent_halt(ray: Any) -> type:
    """Return the worker's class, with a `halt` that runs while the worker renders."""

    def halt(self: Worker) -> None:
        Worker.halt(self)

    return type("StoppableWorker", (Worker,), {"halt": ray.method(concurrency_group="control")(halt)})


def _connect(ray: Any, address: str) -> None:
    try:
        # Ray itself ends the whole process if nothing listens at the port.
        if found := re.fullmatch(r"(?:ray://)?(?:\[(.+)\]|([^:/]+)):(\d{1,5})", address):
            socket.create_connection((found[1] or found[2], int(found[3])), timeout=_CONNECT).close()
        quiet = {"log_to_driver": False, "logging_level": "error"}
        with _loopback_only(ray, address) as options:
            ray.init(address=address, **quiet, **options)
    except (ConnectionError, ValueError, RuntimeError, OSError, OverflowError) as error:
        message = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ReportgenError(
            f'there is no Ray cluster at "{address}": {message}', hint="ray start --head, or --ray local"
        ) from None


_LOOPBACK = "127.0.0.1"


@contextlib.contextmanager
def _loopback_only(ray: Any, address: str) -> Iterator[JsonObject]:
    """Yield options of `ray.init` under which a cluster on this machine is reachable from nowhere else.

    Ray listens on the loopback interface alone if that is its node's address, but has no option for it: it
    replaces every loopback address by that of a network card, in a function that is disabled meanwhile.

    Raises:
        ReportgenError: This Ray listens on a network nevertheless; it is shut down again.
    """
    if address != LOCAL_CLUSTER:
        yield {}
        return
    services: Any = importlib.import_module("ray._private.services")
    resolve = getattr(services, "resolve_ip_for_localhost", None)
    services.resolve_ip_for_localhost = lambda host: host
    try:
        yield {"_node_ip_address": _LOOPBACK, "include_dashboard": False}
    finally:
        services.resolve_ip_for_localhost = resolve
    found = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    if found != {_LOOPBACK}:
        ray.shutdown()
        raise ReportgenError(
            f"Ray would be reachable from the network, at {', '.join(found)}", hint="run without --ray"
        )


def _absolute_name(model: str | Path) -> str:
    """Return a model's name with absolute paths, for workers, whose current folder is another."""
    source = find_source(model)
    if source.kind == "application":
        return source.file_name
    if source.weights is not None:
        return f"{source.path.resolve()}+{source.weights.resolve()}"
    return str(source.path.resolve())
