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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from reportgen.child_process import ONE_THREAD
from reportgen.config import Settings
from reportgen.errors import MissingExtra, ReportgenError
from reportgen.json_values import JsonObject
from reportgen.models.sources import find_source
from reportgen.run.context import RunContext
from reportgen.run.dispatch import WorkerEngine
from reportgen.run.progress import Reporter
from reportgen.run.slices import GPU_SLICE, SLICE
from reportgen.run.worker import Worker
from reportgen.settings_file import LOCAL_CLUSTER

_SCAN, _CONNECT, _END = 5.0, 20.0, 60.0
"""Seconds: between two searches for new nodes; for an address to accept a connection; until a run without
workers, and without room for one, ends."""


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
        if found.device:
            run.reporter.say(f"cluster: {found.workers} workers, the first on {found.device}")
        yield found
    finally:
        found.end()
        if ours:
            ray.shutdown()


class Cluster(WorkerEngine[Any, Any]):
    """The workers of a cluster, as an `Engine`."""

    what = "worker of the cluster"

    def __init__(self, ray: Any, model: str, file_hash: str, settings: Settings, reporter: Reporter) -> None:
        super().__init__(settings, reporter)
        self._ray = ray
        self._made = (model, file_hash, settings)
        self._looked, self._gpus, self._alone_until = 0.0, 0, float("inf")

    def _call(self, worker: Any, name: str, *arguments: object) -> Any:
        return getattr(worker, name).remote(*arguments)

    def _wait(self, pending: Sequence[object], seconds: float) -> Sequence[object]:
        ended, _ = self._ray.wait(list(pending), num_returns=1, timeout=seconds)
        return list(ended)

    def _halt(self) -> None:
        for worker in self._idle:
            worker.halt.remote()

    def _kill(self, worker: Any) -> None:
        with contextlib.suppress(Exception):  # It may have ended already.
            self._ray.kill(worker)

    def _result(self, ended: object) -> tuple[object, bool]:
        """Return what a worker's call returned, and whether the worker is alive.

        Raises:
            ReportgenError: The call failed.
        """
        try:
            return self._ray.get(ended), True
        except self._ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", None) or error
            if isinstance(cause, ReportgenError):
                raise type(cause)(f"a {self.what}: {cause.message}", hint=cause.hint) from None
            message = (str(cause).strip().splitlines() or [""])[-1]
            raise ReportgenError(f"a {self.what} failed: {type(cause).__name__}: {message}") from None
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
        self._pictures_of_slice = GPU_SLICE if self._gpus else SLICE
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
            environment |= ONE_THREAD
        takes = {"num_cpus": 1, "num_gpus": 1 if self._gpus else 0, "concurrency_groups": {"control": 1}}
        made = self._ray.remote(**takes)(_with_concurrent_halt(self._ray))
        worker = made.options(runtime_env={"env_vars": environment}).remote(*self._made)
        self._starting[self._call(worker, "ready")] = worker


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
